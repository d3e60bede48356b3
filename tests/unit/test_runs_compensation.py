"""Compensation: what has succeeded is undone, last first, when the run ends otherwise."""

import pytest

from foldgate.contracts.events import CompensationStarted, JobRequested
from tests.support.runs import GRACE, NOTED_AFTER, Life, begun, workflow

STEPS = """
a: {type: job, compensate: ua}
b: {type: job, compensate: ub, depends_on: [a]}
c: {type: job, depends_on: [b]}
ua: {type: job, input: {of: a, out: '${steps.a.output}'}}
ub: {type: job, input: {of: b, out: '${steps.b.output}'}}
"""


def halfway(steps: str = STEPS, head: str = "") -> Life:
    life = begun(workflow(steps, head))
    life.succeed("a", 1)
    life.succeed("b", 2)
    return life


def test_handlers_run_one_after_the_other_last_first_and_see_what_they_undo() -> None:
    life = halfway()
    assert life.fail("c") == ["StepFailed c broken", "CompensationStarted ub ua", "JobRequested ub@1"]
    assert life.job("ub").input == '{"of":"b","out":2}'
    assert life.succeed("ub") == ["StepSucceeded ub null", "JobRequested ua@1"]
    assert life.job("ua").input == '{"of":"a","out":1}'
    assert life.succeed("ua") == ["StepSucceeded ua null", "RunFailed c broken done"]


def test_a_run_that_succeeds_undoes_nothing() -> None:
    life = halfway()
    assert life.succeed("c")[-1] == "RunSucceeded null"
    assert not life.of(CompensationStarted)


@pytest.mark.parametrize(
    ("on", "undone"),
    [("[failed]", True), ("[denied, timed_out, cancelled]", False), ("[]", False)],
)
def test_it_is_for_the_statuses_that_the_workflow_names(on: str, undone: bool) -> None:
    life = halfway(head=f"compensate_on: {on}")
    life.fail("c")
    assert bool(life.of(CompensationStarted)) is undone
    assert life.ended is not undone
    if not undone:
        assert life.lines[-1] == "RunFailed c broken"


def test_cancelled_it_is_undone_when_all_has_ended() -> None:
    life = halfway()
    life.cancel()
    assert life.succeed("c") == ["StepSucceeded c null", "CompensationStarted ub ua", "JobRequested ub@1"]
    life.succeed("ub")
    assert life.succeed("ua")[-1] == "RunCancelled done"


def test_what_succeeds_after_it_was_called_back_is_undone_too() -> None:
    life = begun(workflow(STEPS))
    life.cancel()
    assert life.succeed("a")[-2:] == ["CompensationStarted ua", "JobRequested ua@1"]


def test_a_handler_that_fails_stops_nothing_and_the_outcome_is_partial() -> None:
    life = halfway()
    life.fail("c")
    assert life.fail("ub") == ["StepFailed ub broken", "JobRequested ua@1"]
    assert life.succeed("ua")[-1] == "RunFailed c broken partial"


def test_handlers_are_jobs_like_any_and_are_retried_denied_and_skipped() -> None:
    life = halfway(
        STEPS.replace("ub: {type: job,", "ub: {type: job, retry: {max_attempts: 2},").replace(
            "ua: {type: job,", "ua: {type: job, when: 'false',"
        )
    )
    life.fail("c")
    assert life.fail("ub", retryable=True)[-1] == "JobRequested ub@2 failed"
    assert life.succeed("ub")[1:] == ["StepSkipped ua when_false", "RunFailed c broken done"], "nothing to undo is done"
    life = halfway()
    life.fail("c")
    life.deny("ub")
    assert life.deny("ua")[-1] == "RunFailed c broken partial"


def test_a_handler_of_a_handler_may_save_it() -> None:
    life = halfway(STEPS.replace("ub: {type: job,", "ub: {type: job, on_error: hb,") + "hb: {type: job}\n")
    life.fail("c")
    assert life.fail("ub") == ["StepFailed ub broken", "JobRequested hb@1"]
    assert life.succeed("hb") == ["StepSucceeded hb null", "JobRequested ua@1"]
    assert life.succeed("ua")[-1] == "RunFailed c broken done"


def test_while_it_is_undone_the_run_takes_no_requests() -> None:
    life = halfway()
    life.fail("c")
    assert life.cancel() == ["RequestRefused RunCancelRequested not_cancellable"]
    assert life.pause() == ["RequestRefused RunPauseRequested not_pausable"]
    assert life.resume() == ["RequestRefused RunResumeRequested not_paused"]
    assert life.decider.describe(life.run)["status"] == "running"


def test_out_of_time_the_handler_is_called_back_and_the_rest_is_not_begun() -> None:
    life = halfway(head="compensation_timeout: 10m")
    life.fail("c")
    [started] = life.of(CompensationStarted)
    assert started.deadline == life.now + 600_000
    assert life.due() == ["WaitNoted ub"]
    assert life.due() == ["JobCancelRequested ub cancelled"]
    assert life.decider.due(life.run) == life.now + GRACE
    assert life.due() == ["StepCancelled ub", "RunFailed c broken partial"]
    assert "ua" not in life.statuses


def test_a_report_that_comes_with_the_end_of_the_time_is_the_last() -> None:
    life = halfway(head="compensation_timeout: 10m")
    life.fail("c")
    life.now += 600_000
    assert life.succeed("ub") == ["StepSucceeded ub null", "RunFailed c broken partial"]


def test_a_time_out_of_the_run_is_for_the_work_and_not_for_the_undoing() -> None:
    life = halfway(head="timeout: 1h")
    life.after(3_600_000)
    life.fail("c")
    life.after(NOTED_AFTER)
    assert life.statuses["ub"] == "requested"
    life.succeed("ub")
    assert life.succeed("ua")[-1] == "RunTimedOut timeout done"


def test_each_item_is_undone_by_itself_and_not_the_whole() -> None:
    life = begun(
        workflow("""
        e: {type: job, for_each: ['x', 'y', 'z'], on_item_failure: collect, compensate: u}
        u: {type: job, input: {item: '${item}', index: '${index}', out: '${steps.e.output}'}}
        end: {type: job, depends_on: [e]}
        """)
    )
    life.succeed("e[2]", "c")
    life.succeed("e[0]", "a")
    life.fail("e[1]")
    assert life.fail("end")[1:] == ["CompensationStarted u[0] u[2]", "JobRequested u[0]@1"]
    life.succeed("u[0]")
    life.succeed("u[2]")
    inputs = {one.job.step: one.job.input for one in life.of(JobRequested) if one.job.step.startswith("u")}
    assert inputs == {"u[0]": '{"index":0,"item":"x","out":"a"}', "u[2]": '{"index":2,"item":"z","out":"c"}'}
    assert life.lines[-1] == "RunFailed end broken done"


def test_each_iteration_and_each_part_is_undone_by_itself() -> None:
    life = begun(
        workflow("""
        l: {type: loop, body: [p], while: 'loop.index < 2'}
        p: {type: parallel, steps: [a, b]}
        a: {type: transform, output: '${loop.index}', compensate: u}
        b: {type: transform, output: 1}
        u: {type: job, input: '${steps.a.output}'}
        end: {type: job, depends_on: [l]}
        """)
    )
    assert life.fail("end")[1:] == ["CompensationStarted u[1] u[0]", "JobRequested u[1]@1"]
    assert life.job("u[1]").input == "1"
    life.succeed("u[1]")
    assert life.job("u[0]").input == "0"
    assert life.succeed("u[0]")[-1] == "RunFailed end broken done"


def test_a_handler_may_be_a_group() -> None:
    life = begun(
        workflow("""
        b: {type: job, compensate: ub}
        c: {type: job, depends_on: [b]}
        ub: {type: parallel, steps: [x, y]}
        x: {type: job}
        y: {type: loop, body: [z], while: 'loop.index < 1'}
        z: {type: job}
        """)
    )
    life.succeed("b")
    assert life.fail("c")[1:] == [
        "CompensationStarted ub",
        "StepStarted ub",
        "JobRequested x@1",
        "StepStarted y",
        "JobRequested z[0]@1",
    ]
    life.succeed("x")
    assert life.succeed("z[0]")[-1] == "RunFailed c broken done"


def test_a_failed_output_is_undone_too() -> None:
    life = begun(workflow("a: {type: job, compensate: u}\nu: {type: job}", "output: '${1 / input.n}'"), given={"n": 0})
    assert life.succeed("a")[-2:] == ["CompensationStarted u", "JobRequested u@1"]
    assert life.succeed("u")[-1] == "RunFailed expression_failed done"


def test_a_part_of_a_handler_may_be_handled() -> None:
    life = begun(
        workflow("""
        a: {type: job, compensate: u}
        u: {type: parallel, steps: [x]}
        x: {type: job, on_error: hx}
        hx: {type: job}
        b: {type: job, depends_on: [a]}
        """)
    )
    life.succeed("a")
    life.fail("b")
    assert life.fail("x") == ["StepFailed x broken", "JobRequested hx@1"]
    assert life.succeed("hx")[-1] == "RunFailed b broken done"
