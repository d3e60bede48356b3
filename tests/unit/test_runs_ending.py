"""How runs end: the gravest of what failed, halts, time-outs, outputs, and what becomes of the rest."""

import pytest

from foldgate.contracts.events import (
    ChildCancelRequested,
    ChildEnded,
    ChildRequested,
    JobRequested,
    RunFailed,
    RunHalted,
    RunRequested,
    SlotReleased,
)
from foldgate.decider.decider import Message
from foldgate.engine.runs.evolve import evolve
from tests.support.given import meta
from tests.support.runs import GRACE, Life, begun, workflow

FOUR = workflow("a: {type: job}\nb: {type: job}\nc: {type: job}\nd: {type: subworkflow, workflow: child}")
CHILD = workflow("x: {type: job}", name="child")


def ended(*ends: str) -> Life:
    """A run of four steps that ended so, in this order."""
    life = begun(FOUR, CHILD)
    for end in ends:
        step, _, how = end.partition(" ")
        if how == "fail":
            life.fail(step, f"{step} broke")
        elif how == "deny":
            life.deny(step, f"{step} rule")
        elif how == "time_out":
            life.lose(step, "queue_timeout")
        elif how == "cancel":
            life.child(step, "cancelled", code="cancelled")
        else:
            life.child(step) if step == "d" else life.succeed(step)
    return life


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (("a", "b", "c", "d"), 'RunSucceeded {"a":null,"b":null,"c":null,"d":null}'),
        (("a", "b", "c", "d cancel"), "RunCancelled d"),
        (("c time_out", "d cancel", "a", "b"), "RunTimedOut c queue_timeout"),
        (("d cancel", "c time_out", "b deny", "a"), "RunDenied b b rule"),
        (("d cancel", "c time_out", "b deny", "a fail"), "RunFailed a a broke"),
        (("a fail", "b deny", "c time_out", "d cancel"), "RunFailed a a broke"),
        (("b fail", "a fail", "c", "d"), "RunFailed a a broke"),
    ],
)
def test_the_status_is_the_gravest_and_of_those_the_first_of_the_workflow(ends: tuple[str, ...], said: str) -> None:
    life = ended(*ends)
    assert life.ended
    assert life.lines[-1] == said


def test_parts_of_groups_and_handled_steps_do_not_count() -> None:
    life = begun(
        workflow("""
        p: {type: parallel, strategy: any, steps: [x, y]}
        x: {type: job}
        y: {type: job}
        h: {type: job, on_error: hh}
        hh: {type: job}
        """)
    )
    life.fail("x")
    life.succeed("y")
    life.fail("h")
    assert life.succeed("hh")[-1].startswith("RunSucceeded")


# Fail fast.

FAST = """
a: {type: job}
b: {type: job}
c: {type: approval}
d: {type: job, depends_on: [a, b]}
e: {type: job, on_error: h}
h: {type: job}
"""


def fast(steps: str = FAST) -> Life:
    return begun(workflow(steps, "fail_fast: true"))


@pytest.mark.parametrize(("end", "said"), [("fail", "RunFailed a broken"), ("deny", "RunDenied a rule")])
def test_fail_fast_calls_the_rest_back_at_the_first_failure(end: str, said: str) -> None:
    life = fast()
    assert getattr(life, end)("a")[1:] == [
        "RunHalted fail_fast",
        "JobCancelRequested b cancelled",
        "JobCancelRequested e cancelled",
        "StepCancelled c",
    ]
    life.fail("b", "cancelled")
    assert life.fail("e", "cancelled") == ["StepCancelled e", "StepSkipped d run_halted", said]


def test_fail_fast_waits_for_a_handler() -> None:
    life = fast()
    assert life.fail("e") == ["StepFailed e broken", "JobRequested h@1"]
    assert life.fail("h", "worse")[1] == "RunHalted fail_fast"
    for step in ("a", "b"):
        life.fail(step, "cancelled")
    assert life.lines[-1] == "RunFailed e broken"


def test_fail_fast_minds_no_part_of_a_group() -> None:
    life = fast("p: {type: parallel, strategy: any, steps: [x, y]}\nx: {type: job}\ny: {type: job}\nz: {type: job}")
    assert life.fail("x") == ["StepFailed x broken"]
    assert life.fail("y")[-2:] == ["RunHalted fail_fast", "JobCancelRequested z cancelled"]


def test_a_graver_end_of_what_is_called_back_counts() -> None:
    life = fast("a: {type: job}\nb: {type: job, output_schema: {type: integer}}")
    life.deny("a")
    assert life.succeed("b", "x")[-1] == "RunFailed b output_invalid"


def test_without_fail_fast_the_others_go_on() -> None:
    life = begun(workflow(FAST))
    life.fail("a")
    assert life.statuses["b"] == "requested"
    assert not life.of(RunHalted)


# Cancelled, and out of time.


def test_cancelled_it_begins_nothing_more_and_ends_cancelled_whatever_its_steps_say() -> None:
    life = begun(workflow("a: {type: job, retry: {max_attempts: 3}}\nb: {type: job}\nc: {type: job, depends_on: [b]}"))
    assert life.cancel() == [
        "RunHalted cancelled cancelled",
        "JobCancelRequested a cancelled",
        "JobCancelRequested b cancelled",
    ]
    assert life.fail("a", retryable=True) == ["StepCancelled a"], "no further attempt"
    assert life.succeed("b") == ["StepSucceeded b null", "StepSkipped c run_halted", "RunCancelled"]
    assert [one.reason for one in life.of(RunHalted)] == ["Enough."]


def test_a_run_out_of_time_is_like_a_cancelled_one() -> None:
    life = begun(workflow("a: {type: job}\nb: {type: job, depends_on: [a]}", "timeout: 1h"))
    life.now += 1
    assert life.decider.due(life.run) == 61_000, "to note that it waits"
    life.due()
    assert life.decider.due(life.run) == 3_601_000
    assert life.due() == ["RunHalted timed_out timeout", "JobCancelRequested a cancelled"]
    assert life.after(GRACE) == ["StepCancelled a", "StepSkipped b run_halted", "RunTimedOut timeout"]


def test_time_passes_in_a_pause_and_acts_when_it_ends() -> None:
    life = begun(workflow("a: {type: job}", "timeout: 1h"))
    life.pause()
    life.after(3_600_000)
    assert "RunHalted timed_out timeout" not in life.lines
    assert life.resume() == ["RunResumed"]
    assert life.due() == ["RunHalted timed_out timeout", "JobCancelRequested a cancelled"]


def test_what_was_called_back_by_its_step_is_not_called_back_twice() -> None:
    life = begun(workflow("a: {type: job, timeout: 1s}\nb: {type: job}"))
    life.after(1000)
    assert life.cancel() == ["RunHalted cancelled cancelled", "JobCancelRequested b cancelled"]
    life.fail("b")
    assert life.fail("a") == ["StepTimedOut a timeout", "RunCancelled"]


# Outputs.


@pytest.mark.parametrize(
    ("steps", "head", "said"),
    [
        ("a: {type: transform, output: 1}", "", "1"),
        ("a: {type: transform, output: 1}\nb: {type: transform, output: 2}", "", '{"a":1,"b":2}'),
        ("a: {type: transform, output: 1}\nb: {type: transform, output: 2, depends_on: [a]}", "", "2"),
        ("a: {type: transform, output: 1}\nb: {type: job, when: 'false', depends_on: [a]}", "", "null"),
        ("a: {type: condition, expression: '1 / 0 > 1', on_error: h}\nh: {type: transform, output: 3}", "", "3"),
        ("a: {type: transform, output: {x: 1}}", "output: '${steps.a.output.x + 1}'", "2"),
        ("a: {type: transform, output: 1}", "output: {a: '${steps.a.output}', in: '${input.n}'}", '{"a":1,"in":5}'),
    ],
)
def test_its_output_is_as_written_or_that_of_its_last_steps(steps: str, head: str, said: str) -> None:
    assert begun(workflow(steps, head), given={"n": 5}).lines[-1] == f"RunSucceeded {said}"


@pytest.mark.parametrize(
    ("steps", "head", "code"),
    [
        ("a: {type: transform, output: 1}", "output: '${1 / input.n}'", "expression_failed"),
        ("a: {type: transform, output: '${input.v}'}", "output: ['${input.v}', '${input.v}']", "expression_too_large"),
        ("a: {type: job}\nb: {type: job}", "", "output_too_large"),
    ],
)
def test_an_output_that_cannot_be_given_fails_the_run(steps: str, head: str, code: str) -> None:
    life = begun(workflow(steps, head), given={"n": 0, "v": "x" * 131_500})
    for asked in life.of(JobRequested):
        life.succeed(asked.job.step, "x" * 200_000)
    while not life.ended:
        life.due()
    assert life.lines[-1] == f"RunFailed {code}"
    failed = life.history[-1]
    assert isinstance(failed, RunFailed)
    assert failed.message.startswith("The output of the workflow: ")


# A fault of ours.


def test_after_a_fault_of_ours_it_fails_gives_its_place_back_and_tells_the_run_above() -> None:
    document = workflow("a: {type: job}", "concurrency: {key: k}", name="child")
    life = begun(document)
    message = Message(key=life.key, at=life.now, event=RunRequested(workflow="child"), meta=meta(life.key))
    said = list(life.decider.fail(life.run, message, "broken" * 1000))
    assert [type(one) for one in said] == [SlotReleased, RunFailed]
    assert isinstance(said[-1], RunFailed)
    assert said[-1].code == "internal_error"
    assert len(said[-1].message) == 2000


def test_after_a_fault_of_ours_the_runs_above_and_below_are_told() -> None:
    above = begun(workflow("s: {type: subworkflow, workflow: child}"), CHILD)
    [asked] = above.of(ChildRequested)
    child = Life(CHILD)
    child.key = asked.child_run
    child.hear(asked, run_id=above.run_id)
    message = Message(key=child.key, at=child.now, event=asked, meta=meta(child.key))
    back, failed = above.decider.fail(above.run, message, "broken")
    assert isinstance(back, ChildCancelRequested)
    assert (back.step, back.child_run) == ("s", child.key)
    called = evolve(above.run, meta(above.key), back)
    assert isinstance(failed, RunFailed)
    assert evolve(called, meta(above.key), failed).phase == "failed"
    assert list(above.decider.fail(called, message, "broken")) == [failed], "it was called back before"
    told, failed = child.decider.fail(child.run, message, "broken")
    assert isinstance(told, ChildEnded)
    assert (told.parent_run, told.step, told.status, told.code) == (above.run_id, "s", "failed", "internal_error")
    assert isinstance(failed, RunFailed)
