"""The second opinion on runs bites: right histories pass, and each wrong one is named."""

import msgspec
import pytest

from foldgate.contracts import ids
from foldgate.contracts.events import (
    AttemptFailed,
    CompensationStarted,
    JobCancelRequested,
    RunCancelled,
    RunCancelRequested,
    RunDenied,
    RunFailed,
    RunHalted,
    RunPaused,
    RunPauseRequested,
    RunResumed,
    RunResumeRequested,
    RunSucceeded,
    SignalSent,
    StepCancelled,
    StepStarted,
    StepSucceeded,
)
from tests.support.oracle import Wrong
from tests.support.telling import (
    GO,
    RUN,
    Telling,
    abandoned,
    broke,
    denied,
    doc,
    done,
    failed,
    job,
    kept,
    left,
    lost,
    no,
    skipped,
    told,
    well,
)

TWO = doc(a={}, b={"depends_on": ["a"]})
FAILED = RunFailed(code="boom", message="m")
OVER = RunSucceeded(output="{}")


def test_a_right_history_passes() -> None:
    run = told(TWO, job("a"))
    run.tell(done("a"), well("a"), job("b"))
    run.tell(done("b"), well("b"), OVER)
    assert run.oracle.story.final == OVER


def test_a_step_that_begins_before_its_dependency_is_over() -> None:
    with pytest.raises(Wrong, match="b begins, but its dependencies say open"):
        told(TWO, job("a"), job("b"))


def test_a_step_that_is_left_behind() -> None:
    run = told(TWO, job("a"))
    with pytest.raises(Wrong, match="b is left behind"):
        run.tell(done("a"), well("a"))


def test_a_step_that_begins_twice_or_ends_twice() -> None:
    run = told(TWO, job("a"))
    with pytest.raises(Wrong, match="begun before"):
        run.tell(GO, job("a"))
    run = told(TWO, job("a"))
    run.tell(done("a"), well("a"), job("b"))
    with pytest.raises(Wrong, match="already"):
        run.tell(done("a"), well("a"))


def test_a_success_that_nobody_reported_and_another_output() -> None:
    with pytest.raises(Wrong, match="expected it to go on"):
        told(TWO, job("a")).tell(GO, well("a"), job("b"))
    with pytest.raises(Wrong, match="ends with 2"):
        told(TWO, job("a")).tell(done("a"), well("a", "2"), job("b"))


def test_what_comes_after_the_end_and_an_end_that_comes_too_soon() -> None:
    run = told(doc(a={}), job("a"))
    run.tell(done("a"), well("a"), OVER)
    with pytest.raises(Wrong, match="after the end"):
        run.tell(GO, OVER)
    with pytest.raises(Wrong, match="under way"):
        told(doc(a={}), job("a"), OVER)
    with pytest.raises(Wrong, match="the run is left behind"):
        told(doc(a={}), job("a")).tell(done("a"), well("a"))


def test_the_wrong_status_of_a_run() -> None:
    run = told(doc(a={}), job("a"))
    with pytest.raises(Wrong, match="ends as failed, but its steps and halts say denied"):
        run.tell(no("a"), denied("a"), FAILED)
    run = told(doc(a={}, b={}), job("a"), job("b"))
    run.tell(no("a"), denied("a"))
    with pytest.raises(Wrong, match="say failed"):
        run.tell(broke("b"), failed("b"), RunDenied(rule="r", reason="no"))
    with pytest.raises(Wrong, match="say failed"):
        told(doc(a={}), job("a")).tell(broke("a"), failed("a"), OVER)


def test_failure_blocks_what_depends_on_it() -> None:
    run = told(TWO, job("a"))
    with pytest.raises(Wrong, match="upstream_failed"):
        run.tell(broke("a"), failed("a"), job("b"))
    run = told(TWO, job("a"))
    with pytest.raises(Wrong, match="not over"):
        run.tell(broke("a"), failed("a"), FAILED)
    run = told(TWO, job("a"))
    with pytest.raises(Wrong, match="dependencies say upstream_failed"):
        run.tell(broke("a"), failed("a"), skipped("b", "branch_not_taken"), FAILED)
    run = told(TWO, job("a"))
    run.tell(broke("a"), failed("a"), skipped("b", "upstream_failed"), FAILED)


def test_a_condition_that_does_not_hold() -> None:
    document = doc(a={"when": "input.n > 2"})
    with pytest.raises(Wrong, match="`when` does not hold"):
        told(document, job("a"), given={"n": 1})
    with pytest.raises(Wrong, match="which holds"):
        told(document, skipped("a", "when_false"), OVER, given={"n": 3})
    told(document, skipped("a", "when_false"), OVER, given={"n": 1})


SWITCH = doc(
    s={"type": "switch", "cases": [{"when": "input.n == 1", "next": "a"}], "default": "b"},
    a={},
    b={},
    join={"depends_on": ["a", "b"]},
)


def test_a_switch_leads_one_way_and_a_join_behind_it_runs() -> None:
    run = told(SWITCH, well("s", '"a"'), skipped("b", "branch_not_taken"), job("a", given='{"n":1}'), given={"n": 1})
    run.tell(done("a"), well("a"), job("join", given='{"n":1}'))
    with pytest.raises(Wrong, match="branch_not_taken"):
        told(SWITCH, well("s", '"a"'), job("b"), given={"n": 1})
    with pytest.raises(Wrong, match="is skipped"):
        told(SWITCH, well("s", '"a"'), skipped("a", "branch_not_taken"), given={"n": 1})


def test_attempts_are_numbered_and_one_follows_another() -> None:
    document = doc(a={"retry": {"max_attempts": 2, "backoff_ms": 500}})
    again = AttemptFailed(step="a", job_id=ids.job_id(RUN, "a", 1), code="boom", message="m", retry_at=1500)
    with pytest.raises(Wrong, match="attempt 1 is not over"):
        told(document, job("a")).tell(GO, job("a", 2, after="failed"))
    run = told(document, job("a"))
    with pytest.raises(Wrong, match="expected it to go on"):
        run.tell(broke("a"), failed("a"), FAILED)
    run = told(document, job("a"))
    with pytest.raises(Wrong, match="waits 100 ms"):
        run.tell(broke("a"), msgspec.structs.replace(again, retry_at=1100))
    run = told(document, job("a"))
    run.tell(broke("a"), again)
    with pytest.raises(Wrong, match="not before 1500"):
        run.tell(GO, job("a", 2, after="failed"), at=1400)
    run = told(document, job("a"))
    run.tell(broke("a"), again)
    with pytest.raises(Wrong, match="comes 3"):
        run.tell(GO, job("a", 3, after="failed"), at=1500)
    run = told(document, job("a"))
    run.tell(broke("a"), again)
    with pytest.raises(Wrong, match="was to come at 1500"):
        run.tell(GO, at=1500)
    run = told(document, job("a"))
    run.tell(broke("a"), again)
    run.tell(GO, job("a", 2, after="failed"), at=1500)
    run.tell(broke("a", 2), failed("a"), FAILED)


def test_no_more_attempts_than_allowed() -> None:
    run = told(doc(a={"retry": {"max_attempts": 2, "backoff_ms": 0, "non_retryable": ["quota"]}}), job("a"))
    again = AttemptFailed(step="a", job_id=ids.job_id(RUN, "a", 1), code="quota", message="m", retry_at=1000)
    with pytest.raises(Wrong, match="allows none"):
        run.tell(broke("a", code="quota"), again)
    run = told(doc(a={}), job("a"))
    run.tell(lost("a"), job("a", 2, after="worker_lost"))
    with pytest.raises(Wrong, match="lost 2 times"):
        run.tell(lost("a", 2), job("a", 3, after="worker_lost"))


def test_an_attempt_goes_on_from_what_the_one_before_it_left() -> None:
    document = doc(a={})

    def run(checkpoint: str = "1") -> Telling:
        telling = told(document, job("a"))
        telling.tell(left("a", checkpoint), *([kept("a", checkpoint)] if checkpoint else []))
        return telling

    run().tell(lost("a"), job("a", 2, after="worker_lost", resume="1"))
    run("").tell(lost("a"), job("a", 2, after="worker_lost"))
    twice = run()
    for told_again in (left("a", "2"), left("a", "2", 7)):
        twice.tell(told_again)
    twice.tell(left("a", "3", number=2), kept("a", "3", number=2))
    twice.tell(lost("a"), job("a", 2, after="worker_lost", resume="3"))
    twice.tell(left("a", "4", 2), kept("a", "4", 2))
    with pytest.raises(Wrong, match="goes on from , not 1"):
        run().tell(lost("a"), job("a", 2, after="worker_lost"))
    with pytest.raises(Wrong, match="goes on from another"):
        told(document, job("a", resume="1"))
    with pytest.raises(Wrong, match="after 0 failures"):
        run("").tell(lost("a"), job("a", 2, after="failed"))
    with pytest.raises(Wrong, match="is not noted"):
        told(document, job("a")).tell(left("a"))
    with pytest.raises(Wrong, match="nobody has left"):
        run().tell(GO, kept("a", number=2))
    for noted in (kept("a", "2"), kept("a", number=2), kept("a", attempt=2)):
        with pytest.raises(Wrong, match=r"but (was left|run_1:a@1 has left)"):
            told(document, job("a")).tell(left("a"), noted)


HANDLED = doc(a={"on_error": "h"}, h={}, b={"depends_on": ["a"]})


def test_a_job_that_nobody_tries_again_is_a_dead_letter() -> None:
    one = doc(a={})
    for letters in ([], [abandoned("a", status="denied")]):
        with pytest.raises(Wrong, match="its letter says"):
            told(one, job("a")).tell(broke("a"), *letters, failed("a"), FAILED, letters=False)
    told(one, job("a")).tell(broke("a"), abandoned("a"), failed("a"), FAILED, letters=False)
    with pytest.raises(Wrong, match="its letter says"):
        told(one, job("a")).tell(done("a"), abandoned("a"), well("a"), OVER)
    with pytest.raises(Wrong, match="but the step goes on"):
        told(one, job("a")).tell(broke("a"), abandoned("a"))
    with pytest.raises(Wrong, match="over already"):
        told(one, job("a")).tell(broke("a"), abandoned("a"), abandoned("a"))
    with pytest.raises(Wrong, match="is a dead letter, but not"):
        told(one, job("a")).tell(broke("a"), abandoned("a", 2))
    wrong = msgspec.structs.replace(abandoned("a"), attempts=2)
    with pytest.raises(Wrong, match="2 attempts of 1"):
        told(one, job("a")).tell(broke("a"), wrong)
    with pytest.raises(Wrong, match="another input"):
        told(one, job("a")).tell(broke("a"), abandoned("a", given="[]"))
    elsewhere = msgspec.structs.replace(abandoned("a"), from_step="b")
    with pytest.raises(Wrong, match="from b, not from a"):
        told(one, job("a")).tell(broke("a"), elsewhere)


def test_a_handler_begins_after_a_failure_and_only_then() -> None:
    with pytest.raises(Wrong, match="that it handles is not over"):
        told(HANDLED, job("a"), job("h"))
    run = told(HANDLED, job("a"))
    with pytest.raises(Wrong, match="h is left behind"):
        run.tell(broke("a"), failed("a"))
    run = told(HANDLED, job("a"))
    with pytest.raises(Wrong, match="dependencies say open"):
        run.tell(broke("a"), failed("a"), job("h"), job("b"))
    run.tell(done("h"), well("h"), job("b"))
    run.tell(done("b"), well("b"), OVER)


UNDONE = doc(
    a={"compensate": "ua"},
    ua={},
    b={"compensate": "ub", "depends_on": ["a"]},
    ub={},
    c={"depends_on": ["b"]},
)


def undoing(*, steps: tuple[str, ...] = ("ub", "ua")) -> tuple[Telling, CompensationStarted]:
    run = told(UNDONE, job("a"))
    run.tell(done("a"), well("a"), job("b"))
    run.tell(done("b"), well("b"), job("c"))
    return run, CompensationStarted(steps=steps, deadline=1000 + 3_600_000)


def test_compensation_comes_last_in_reverse_order_and_one_after_the_other() -> None:
    run, started = undoing(steps=("ua", "ub"))
    with pytest.raises(Wrong, match="compensation runs"):
        run.tell(broke("c"), failed("c"), started, job("ua"))
    run, started = undoing()
    with pytest.raises(Wrong, match="are under way"):
        run.tell(GO, started)
    run, started = undoing()
    with pytest.raises(Wrong, match="ub is undone before it"):
        run.tell(broke("c"), failed("c"), started, job("ub"), job("ua"))
    run, started = undoing()
    with pytest.raises(Wrong, match="were not undone"):
        run.tell(broke("c"), failed("c"), FAILED)
    run, started = undoing()
    run.tell(broke("c"), failed("c"), started, job("ub"))
    run.tell(broke("ub"), failed("ub"), job("ua"))
    with pytest.raises(Wrong, match="compensation is 'done', but expected 'partial'"):
        run.tell(done("ua"), well("ua"), msgspec.structs.replace(FAILED, compensation="done"))


def test_nothing_begins_in_a_halted_run_or_a_paused_one() -> None:
    halted = RunHalted(status="cancelled", code="cancelled", reason="enough")
    back = JobCancelRequested(job_id=ids.job_id(RUN, "a", 1), step="a", ending="cancelled", reason="r", until=2000)
    run = told(TWO, job("a"))
    with pytest.raises(Wrong, match="nobody asked"):
        run.tell(GO, halted)
    run = told(TWO, job("a"))
    run.tell(RunCancelRequested(), halted, back, skipped("b", "run_halted"))
    with pytest.raises(Wrong, match="ends as succeeded, but its steps and halts say cancelled"):
        run.tell(done("a"), well("a"), OVER)
    run = told(TWO, job("a"))
    run.tell(RunCancelRequested(), halted, back)
    with pytest.raises(Wrong, match="b begins, but the run is halted"):
        run.tell(done("a"), well("a"), job("b"))
    run = told(TWO, job("a"))
    run.tell(RunPauseRequested(), RunPaused())
    with pytest.raises(Wrong, match="while the run is paused"):
        run.tell(done("a"), well("a"), job("b"))
    run = told(TWO, job("a"))
    run.tell(RunPauseRequested(), RunPaused())
    run.tell(done("a"), well("a"))
    run.tell(RunResumeRequested(), RunResumed(), job("b"))
    run.tell(done("b"), well("b"), OVER)
    run = told(doc(a={}), job("a"))
    run.tell(RunCancelRequested(), halted, back)
    run.tell(lost("a"), StepCancelled(step="a", reason="r"), RunCancelled(reason="enough"))


def test_fail_fast_halts_the_run() -> None:
    document = "fail_fast: true\n" + doc(a={}, b={})
    run = told(document, job("a"), job("b"))
    with pytest.raises(Wrong, match="the run is not halted"):
        run.tell(broke("a"), failed("a"))
    run = told(doc(a={}, b={}), job("a"), job("b"))
    with pytest.raises(Wrong, match="a failure that is none"):
        run.tell(broke("a"), failed("a"), RunHalted(status="", code="c", reason="r"))


def test_signals_are_taken_first_in_first_out_and_once() -> None:
    document = doc(a={"type": "wait", "signal": "go"}, b={"type": "wait", "signal": "go"})
    started = [StepStarted(step=step, kind="wait", signal="go") for step in "ab"]
    sent = SignalSent(name="go", payload="7")
    took = StepSucceeded(step="a", output="7", signal="r3")
    told(document, *started).tell(sent, took)
    with pytest.raises(Wrong, match="expected it to go on"):
        told(document, *started).tell(sent, msgspec.structs.replace(took, signal="another"))
    with pytest.raises(Wrong, match="not 7"):
        told(document, *started).tell(sent, msgspec.structs.replace(took, output="8"))
    run = told(document, *started)
    run.tell(sent, took)
    with pytest.raises(Wrong, match="taken before"):
        run.tell(GO, msgspec.structs.replace(took, step="b"), OVER)
