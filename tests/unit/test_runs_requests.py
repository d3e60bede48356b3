"""What is asked of runs: to start, to stop, to go on; refused with a reason where it cannot be."""

from typing import Any

import msgspec
import pytest

from foldgate.contracts import ids
from foldgate.contracts.events import (
    ChildRequested,
    Event,
    Rerun,
    RunCancelRequested,
    RunPauseRequested,
    RunRefused,
    RunRequested,
    RunResumeRequested,
    RunStarted,
    SignalSent,
    WaitNoted,
)
from foldgate.decider.decider import SetAside, Tick
from foldgate.engine.runs.turn import MAX_CARRIED_BYTES
from foldgate.language.publish import prepare
from tests.support.runs import NOTED_AFTER, Life, begun, lines, workflow

ONE = workflow("a: {type: job}", "version: one\nlabels: {team: ops, case: none}\ninput_schema: {required: [n]}")
TWO = workflow("a: {type: job}\nb: {type: job, depends_on: [a]}")


def start(**changes: Any) -> Life:
    return begun(ONE, given={"n": 1}, **changes)


# Started.


def test_a_run_is_pinned_to_what_is_published_and_has_the_labels_of_both() -> None:
    life = start(labels={"case": "c1"})
    [started] = life.of(RunStarted)
    definition = life.definitions.latest("acme", "w")
    assert definition is not None
    assert (started.workflow, started.version, started.digest) == ("w", "one", definition.digest)
    assert started.labels == {"team": "ops", "case": "c1"}
    assert started.input == '{"n":1}'
    assert started.deadline is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"version": "two"}, "unknown_version"),
        ({"workflow": "other"}, "unknown_workflow"),
        ({"workflow": "other", "version": "one"}, "unknown_workflow"),
        ({"input": "{"}, "invalid_input"),
        ({"input": "{}"}, "invalid_input"),
        ({"input": '{"n":"' + "x" * MAX_CARRIED_BYTES + '"}'}, "too_large"),
        ({"labels": {"l": "x" * MAX_CARRIED_BYTES}}, "too_large"),
        ({"workflow": "job"}, "no_topic"),
    ],
)
def test_what_cannot_be_started_is_refused_with_a_code(changes: dict[str, Any], code: str) -> None:
    life = Life(ONE)
    life.key = ids.run_id("acme", changes.get("workflow", "w"), "k")
    assert life.start({"n": 1}, **changes) == [f"RunRefused {code}"]
    assert life.ended
    [refused] = life.of(RunRefused)
    assert refused.reason.startswith(("Expected ", "The input does not fit"))


def test_a_version_may_be_asked_for_by_its_label_or_digest() -> None:
    digest = start().run.digest
    assert start(version="one").run.digest == digest
    assert start(version=digest).run.digest == digest


def test_a_retired_workflow_starts_nothing() -> None:
    life = Life(ONE)
    life.definitions.retire("acme", "w")
    assert life.start({"n": 1}) == ["RunRefused workflow_retired"]


def test_a_long_key_is_refused() -> None:
    life = Life(ONE, key="k" * 256)
    assert life.start({"n": 1}) == ["RunRefused name_too_long"]


@pytest.mark.parametrize("other", [{"input": '{"n":2}'}, {"labels": {"l": "1"}}, {"version": "one"}, {"input": "{"}])
def test_the_same_key_with_another_body_is_a_conflict(other: dict[str, Any]) -> None:
    life = start()
    assert life.start({"n": 1}) == [], "the same body"
    assert life.start(**other) == ["RunRefused idempotency_conflict"]
    assert not life.ended


@pytest.mark.parametrize("name", ["tenant", "principal", "request_id"])
def test_who_cannot_be_named_is_set_aside_also_when_the_run_is_there(name: str) -> None:
    life = start()
    request = RunRequested(workflow="w", idempotency_key="k", input='{"n":1}')
    with pytest.raises(SetAside, match="at most 255"):
        life.when(request, at=life.now, **{name: "x" * 256})


@pytest.mark.parametrize(
    "request_",
    [RunCancelRequested(), RunPauseRequested(), RunResumeRequested(), SignalSent(name="s")],
    ids=lambda one: type(one).__name__,
)
def test_requests_for_no_run_are_set_aside(request_: Any) -> None:
    with pytest.raises(SetAside) as caught:
        Life(ONE).when(request_)
    assert caught.value.code == "run_unknown"


def test_what_meets_no_run_says_nothing() -> None:
    assert Life(ONE).when(Tick()) == []


# Paused, resumed, cancelled.


def test_paused_it_asks_for_no_more_jobs_and_takes_what_comes() -> None:
    life = begun(TWO)
    assert life.pause() == ["RunPaused"]
    assert life.decider.describe(life.run)["status"] == "paused"
    assert life.waiting == ["somebody who resumes it", f"a: report of {life.run_id}:a@1"]
    assert life.succeed("a") == ["StepSucceeded a null"]
    assert life.waiting == ["somebody who resumes it"]
    assert life.resume() == ["RunResumed", "JobRequested b@1"]


def test_paused_or_not_it_may_be_cancelled() -> None:
    life = begun(TWO)
    life.pause()
    assert life.cancel() == ["RunHalted cancelled cancelled", "JobCancelRequested a cancelled"]
    assert life.fail("a")[-1] == "RunCancelled"
    life = begun(TWO)
    life.pause()
    life.succeed("a")
    assert life.cancel() == ["RunHalted cancelled cancelled", "StepSkipped b run_halted", "RunCancelled"]


def test_a_run_that_has_all_its_steps_ends_when_it_is_resumed() -> None:
    life = begun(workflow("a: {type: job}"))
    life.pause()
    assert life.succeed("a", 1) == ["StepSucceeded a 1"]
    assert life.resume() == ["RunResumed", "RunSucceeded 1"]


def test_what_does_not_fit_is_refused() -> None:
    life = begun(TWO)
    assert life.resume() == ["RequestRefused RunResumeRequested not_paused"]
    life.pause()
    assert life.pause() == ["RequestRefused RunPauseRequested already_paused"]
    life.cancel()
    assert life.cancel() == ["RequestRefused RunCancelRequested not_cancellable"]
    assert life.pause() == ["RequestRefused RunPauseRequested not_pausable"]


@pytest.mark.parametrize("first", ["pause", "cancel", "resume"])
def test_a_request_that_comes_again_adds_nothing(first: str) -> None:
    life = begun(TWO)
    requests: dict[str, Event] = {
        "pause": RunPauseRequested(),
        "cancel": RunCancelRequested(),
        "resume": RunResumeRequested(),
    }
    assert life.hear(requests[first], request_id="mine")
    assert life.hear(requests[first], request_id="mine") == []
    life.hear(RunResumeRequested(), request_id="later")
    assert life.hear(requests[first], request_id="mine") == []


def test_no_request_is_forgotten_while_the_run_lives() -> None:
    life = begun(TWO)
    life.hear(RunPauseRequested(), request_id="first")
    life.hear(RunResumeRequested(), request_id="second")
    for number in range(150):
        life.hear(RunResumeRequested(), request_id=f"r{number}")
    assert life.hear(RunPauseRequested(), request_id="first") == [], "who reads it on the log sends it again in vain"


def test_reasons_are_cut() -> None:
    life = begun(TWO)
    life.hear(RunPauseRequested(reason="r" * 5000))
    life.hear(RunResumeRequested(reason="r" * 5000))
    life.hear(RunCancelRequested(reason="r" * 5000))
    assert all(len(msgspec.json.encode(one)) < 4000 for one in life.history)
    life = begun(TWO)
    life.hear(RunCancelRequested())
    assert life.run.halt is not None
    assert life.run.halt.reason == "It was cancelled."


# What it waits for is noted.


def test_a_long_wait_is_noted_once_until_something_changes() -> None:
    life = begun(TWO)
    assert life.decider.due(life.run) == life.now + NOTED_AFTER
    life.now += NOTED_AFTER - 1
    assert life.after(0) == []
    assert life.after(1) == ["WaitNoted a"]
    assert life.decider.due(life.run) is None
    assert life.after(NOTED_AFTER) == []
    [noted] = life.of(WaitNoted)
    assert (noted.reason, noted.until) == (f"report of {life.run_id}:a@1", None)
    life.succeed("a")
    assert life.due() == ["WaitNoted b"]


def test_a_pause_is_noted_too() -> None:
    life = begun(TWO)
    life.pause()
    assert life.due() == ["WaitNoted"]
    assert life.of(WaitNoted)[0].reason == "somebody who resumes it"


def test_a_timer_that_comes_first_is_first() -> None:
    life = begun(workflow("a: {type: delay, delay: 10s}"))
    assert life.decider.due(life.run) == life.now + 10_000
    life = begun(workflow("a: {type: delay, delay: 10h}"))
    assert life.due() == ["WaitNoted a"]
    assert life.decider.due(life.run) == 1000 + 36_000_000


# Limits.


def test_a_run_near_its_limit_of_events_says_so_once_and_stops_there() -> None:
    life = Life(
        workflow("l: {type: loop, body: [a], while: 'true', max_iterations: 1000}\na: {type: job}"), max_events=100
    )
    life.start()
    for index in range(1000):
        life.succeed(f"a[{index}]")
        if "RunHalted failed event_limit" in life.lines:
            break
    assert life.lines.count("RunSizeWarned") == 1
    told = lines(life.history)
    assert 20 <= told.index("RunSizeWarned") <= 23
    assert 100 <= told.index("RunHalted failed event_limit") <= 103
    life.fail(life.job(f"a[{index + 1}]").step)
    assert life.lines[-1] == "RunFailed event_limit"


def test_a_run_that_is_too_large_at_once_stops_too() -> None:
    life = Life(workflow("e: {type: transform, for_each: '${input.n}', output: 1}"), max_events=100)
    life.start({"n": [0] * 500})
    while not life.ended:
        life.due()
    assert life.lines[-1] == "RunFailed event_limit"


# Reruns.

CHAIN = workflow("""
a: {type: job}
p: {type: parallel, steps: [x, y], depends_on: [a]}
x: {type: job}
y: {type: job, when: 'false'}
s: {type: switch, depends_on: [p], cases: [{when: 'true', next: b}], default: c}
b: {type: transform, output: ['${steps.a.output}', '${steps.p.output.x}', '${ctx.k}', '${run.attempt_of}']}
c: {type: job}
after: {type: job, depends_on: [y]}
""")
DONE = {"a": "1", "p": '{"x":2,"y":null}', "x": "2"}


def rerun(from_step: str = "s", outputs: dict[str, str] | None = None, **changes: Any) -> Life:
    taken = Rerun(run_id="run_before", from_step=from_step, outputs=DONE if outputs is None else outputs, **changes)
    return begun(CHAIN, rerun=taken)


def test_a_rerun_takes_over_what_is_upstream_and_goes_on_from_there() -> None:
    life = rerun(ctx={"k": '"v"'})
    assert life.output("b") == [1, 2, "v", "run_before"]
    assert "JobRequested a@1" not in life.lines
    assert life.statuses["y"] == "when_false", "it gave nothing to take over"
    assert life.statuses["after"] == "requested"
    assert life.succeed("after")[-1].startswith("RunSucceeded")


def test_a_rerun_undoes_what_it_did_and_not_what_it_took_over() -> None:
    document = workflow("""
        a: {type: job, compensate: undo_a}
        b: {type: job, depends_on: [a], compensate: undo_b}
        c: {type: job, depends_on: [b]}
        undo_a: {type: job}
        undo_b: {type: job}
    """)
    life = begun(document, rerun=Rerun(run_id="run_before", from_step="b", outputs={"a": "1"}))
    life.succeed("b")
    assert life.fail("c")[1:] == ["CompensationStarted undo_b", "JobRequested undo_b@1"]
    assert life.succeed("undo_b")[-1] == "RunFailed c broken done"


def test_what_was_not_taken_over_is_done_again() -> None:
    life = rerun(outputs={})
    assert life.lines[1:] == ["JobRequested a@1"]


def test_parts_of_a_race_that_gave_nothing_were_not_needed() -> None:
    document = workflow("""
    p: {type: parallel, strategy: any, steps: [x, y]}
    x: {type: job}
    y: {type: job}
    after: {type: job, depends_on: [y]}
    b: {type: job, depends_on: [p]}
    """)
    taken = Rerun(run_id="run_before", from_step="b", outputs={"p": '{"x":1,"y":null}', "x": "1"})
    life = begun(document, rerun=taken)
    assert life.statuses == {
        "p": "succeeded",
        "x": "succeeded",
        "y": "not_needed",
        "after": "upstream_failed",
        "b": "requested",
    }


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"from_step": "nobody"}, "unknown_step"),
        ({"from_step": "x"}, "unknown_step"),
        ({"outputs": {"b": "1"}}, "not_upstream"),
        ({"outputs": {"nobody": "1"}}, "not_upstream"),
        ({"outputs": {"a": "{"}}, "invalid_rerun"),
        ({"ctx": {"k": "{"}}, "invalid_rerun"),
        ({"ctx": {"k": '"' + "x" * 600_000 + '"'}}, "rerun_too_large"),
    ],
)
def test_a_rerun_that_cannot_be_is_refused(changes: dict[str, Any], code: str) -> None:
    assert rerun(**changes).lines == [f"RunRefused {code}"]


def test_what_a_rerun_takes_over_of_a_switch_must_say_where_it_led() -> None:
    document = workflow("""
    s: {type: switch, cases: [{when: 'true', next: b}], default: c}
    b: {type: job}
    c: {type: job}
    d: {type: job, depends_on: [b, c]}
    """)
    for output, said in (
        ('{"case":0,"next":["b"]}', "RunStarted"),
        ("1", "RunRefused invalid_rerun"),
        ("{}", "RunRefused invalid_rerun"),
        ('{"next":"b"}', "RunRefused invalid_rerun"),
        ('{"next":[1]}', "RunRefused invalid_rerun"),
    ):
        taken = Rerun(run_id="run_before", from_step="b", outputs={"s": output})
        assert begun(document, rerun=taken).lines[0] == said, output


def test_a_retired_workflow_may_be_run_again() -> None:
    life = Life(CHAIN)
    life.definitions.retire("acme", "w")
    taken = Rerun(run_id="run_before", from_step="a")
    assert life.start(rerun=taken, version=prepare(CHAIN).digest) == ["RunStarted", "JobRequested a@1"]


# Asked for by a step above: `test_steps_subworkflow.py`.


def test_a_child_of_what_was_never_published_is_a_fault() -> None:
    asked = ChildRequested(step="s", child_run="c", workflow="x", version="1", digest="unheard-of", input="{}")
    with pytest.raises(LookupError, match="unheard-of"):
        Life(ONE).when(asked)
