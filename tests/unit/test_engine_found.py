"""What made-up workflows in a made-up world have found: one small run each, so that it stays found."""

from typing import Any

import msgspec

from foldgate.contracts import ids
from foldgate.contracts.events import (
    ApprovalGranted,
    CompensationStarted,
    Event,
    JobCancelRequested,
    JobFailed,
    JobReportIgnored,
    JobRequested,
    JobSucceeded,
    RunAdmitted,
    RunCancelRequested,
    RunSucceeded,
    StepFailed,
    StepSkipped,
    StepSucceeded,
)
from foldgate.decider.decider import Tick
from foldgate.engine.runs.decide import runs
from tests.support.documents import written
from tests.support.given import Given
from tests.support.keys import ANYBODY, from_anybody
from tests.support.outside import request
from tests.support.playing import published
from tests.support.runs import decided

RUN = ids.run_id("acme", "made", "key")
START = 10_000


def of(steps: dict[str, Any], *, given: Any = None, **terms: Any) -> tuple[Given[Any], list[Event]]:
    """A run of these steps (jobs, where they do not say), and what it says first."""
    document = {"id": "made", **terms, "steps": {name: {"type": "job"} | step for name, step in steps.items()}}
    definitions, _ = published(written(document))
    decider = runs(
        definitions,
        max_lost=3,
        cancel_grace_ms=1000,
        wait_noted_after_ms=60_000,
        max_events=50_000,
        genuine=from_anybody,
        vouching=ANYBODY,
    )
    run = Given(decider, key=RUN)
    said = run.when(request("made", given or {}), at=START)
    return run, said + run.when(RunAdmitted(decision=decided("allow")), at=START)


def done(step: str, output: str = "1", *, attempt: int = 1) -> JobSucceeded:
    return JobSucceeded(job_id=ids.job_id(RUN, step, attempt), lease=1, worker="w", output=output)


def broke(step: str) -> JobFailed:
    return JobFailed(job_id=ids.job_id(RUN, step, 1), lease=1, worker="w", code="boom", message="m", retryable=False)


def asked(events: list[Event]) -> list[str]:
    return [event.job.step for event in events if isinstance(event, JobRequested)]


def skips(events: list[Event]) -> dict[str, str]:
    return {event.step: event.reason for event in events if isinstance(event, StepSkipped)}


def test_what_depends_on_a_step_goes_on_when_the_handler_of_its_handler_has_succeeded() -> None:
    """It waited for ever: only the handled handler was looked at, and not whose handler that was."""
    steps = {
        "a": {"on_error": "h"},
        "h": {"on_error": "p"},
        "p": {"type": "approval"},
        "b": {"depends_on": ["a"]},
    }
    run, _ = of(steps)
    run.when(broke("a"))
    run.when(broke("h"))
    said = run.when(ApprovalGranted(approval_id=f"{RUN}:p", step="p", by=("ada",)))
    assert asked(said) == ["b"]


def test_a_handler_with_for_each_ends() -> None:
    """Its items were taken for the handler itself, so that nobody counted them."""
    handler = {"type": "transform", "for_each": {"items": [1, 2]}, "output": "${item}"}
    run, _ = of({"a": {"on_error": "h"}, "h": handler})
    said = run.when(broke("a"))
    assert StepSucceeded(step="h", output="[1,2]") in said
    assert isinstance(said[-1], RunSucceeded)


def test_nothing_more_is_begun_in_a_parallel_that_has_failed_by_what_it_began() -> None:
    """Its other steps were asked for, and called back in the same breath."""
    steps = {"p": {"type": "parallel", "steps": ["a", "b"]}, "a": {"when": "input.missing == 1"}, "b": {}}
    _, said = of(steps)
    assert asked(said) == []
    assert skips(said) == {"b": "not_needed"}


def test_a_parallel_does_not_wait_for_the_handler_of_what_failed_at_once() -> None:
    """Its other steps were begun when the handler was over."""
    part = {"when": "input.missing == 1", "on_error": "h"}
    _, said = of({"p": {"type": "parallel", "steps": ["a", "b"]}, "a": part, "b": {}, "h": {}})
    assert sorted(asked(said)) == ["b", "h"]


def test_what_a_group_needs_no_longer_is_not_told_that_the_run_was_halted() -> None:
    """It was, though the run went on."""
    run, _ = of({"p": {"type": "parallel", "steps": ["a", "b"], "strategy": "any"}, "a": {}, "b": {}})
    [reason] = [event.reason for event in run.when(done("a")) if isinstance(event, JobCancelRequested)]
    assert reason == "What it is a part of needs it no longer."


def test_nothing_more_is_begun_in_a_for_each_that_has_failed_by_what_it_began() -> None:
    """The items after the one that failed at once were asked for, and called back in the same breath."""
    _, said = of({"a": {"for_each": {"items": [1, {"n": 1}]}, "input": "${item.n}"}})
    assert asked(said) == []


def test_a_compensation_whose_time_is_over_still_ends_what_does_not_answer() -> None:
    """The run was due for ever, so nobody asked for the end of the grace of what was called back."""
    run, _ = of({"a": {"compensate": "u"}, "u": {}, "b": {"depends_on": ["a"]}}, compensation_timeout="2s")
    run.when(done("a"), at=START)
    assert any(isinstance(event, CompensationStarted) for event in run.when(broke("b"), at=START))
    run.when(Tick(), at=START + 2000)
    assert run.decider.due(run.state) == START + 3000, "when the grace of 'u' is over"
    run.when(Tick(), at=START + 3000)
    assert run.ended


def test_a_job_inside_a_for_each_is_given_the_item_also_where_it_is_a_part_of_the_item() -> None:
    """It was given what the run was given."""
    steps = {"p": {"type": "parallel", "steps": ["a"], "for_each": {"items": [7]}}, "a": {}}
    _, said = of(steps)
    assert [event.job.input for event in said if isinstance(event, JobRequested)] == ["7"]


def test_what_undoes_an_item_may_have_items_of_its_own() -> None:
    """It was taken for one of its own items, and asked for a job without any."""
    undo = {"for_each": {"items": [5, 6]}, "input": "${item}"}
    run, _ = of({"a": {"for_each": {"items": [1]}, "compensate": "u"}, "u": undo, "b": {"depends_on": ["a"]}})
    run.when(done("a[0]"))
    said = run.when(broke("b"))
    assert asked(said) == ["u[0][0]", "u[0][1]"]


def test_what_undoes_a_part_of_an_item_sees_the_item_though_all_items_are_over() -> None:
    """The items were forgotten with the end of the for_each."""
    undo = {"input": "${item}"}
    steps = {
        "p": {"type": "parallel", "steps": ["a"], "for_each": {"items": [7]}},
        "a": {"compensate": "u"},
        "u": undo,
        "b": {"depends_on": ["p"]},
    }
    run, _ = of(steps)
    run.when(done("a[0]"))
    said = run.when(broke("b"))
    assert [event.job.input for event in said if isinstance(event, JobRequested)] == ["7"]


def test_a_run_that_fails_by_its_output_undoes_what_has_succeeded() -> None:
    """It failed without compensation: the statuses in compensate_on make no difference why."""
    run, _ = of({"a": {"compensate": "u"}, "u": {}}, output="${input.missing}")
    said = run.when(done("a"))
    assert asked(said) == ["u"]
    assert msgspec.structs.asdict(run.when(done("u"))[-1])["compensation"] == "done"


def test_a_report_that_comes_again_adds_nothing_whatever_became_of_its_attempt() -> None:
    """It was shown as one that settles nothing, though it was what had settled the attempt."""
    retried = {"retry": {"max_attempts": 3, "backoff_ms": 100}}
    steps = {"a": {}, "b": retried, "c": {"output_schema": {"type": "string"}}, "d": retried, "e": {}, "f": {}}
    run, _ = of(steps)
    boom = JobFailed(job_id=ids.job_id(RUN, "b", 1), lease=1, worker="w", code="boom", message="m")
    handed_back = msgspec.structs.replace(boom, job_id=ids.job_id(RUN, "d", 1), code="writ_invalid")
    for report in (done("a"), boom, done("c"), handed_back, broke("e")):
        assert run.when(report, at=START)
        assert run.when(report, at=START) == []
    run.when(Tick(), at=START + 100)
    for report in (boom, handed_back):
        assert run.when(report, at=START + 100) == []
    run.when(done("d", attempt=2), at=START + 100)
    run.when(RunCancelRequested(), at=START + 100)
    for report in (boom, handed_back):
        assert run.when(report, at=START + 100) == []
    stopped = msgspec.structs.replace(broke("f"), code="cancelled")
    assert run.when(stopped, at=START + 100)
    assert run.when(stopped, at=START + 100) == []


def test_a_report_that_comes_late_is_shown_once() -> None:
    """It differs from what has settled the attempt: somebody should know."""
    run, _ = of({"a": {}, "b": {}})
    run.when(broke("a"))
    assert [type(event) for event in run.when(done("a"))] == [JobReportIgnored]
    assert run.when(done("a")) == []
    assert [type(event) for event in run.when(done("no such step"))] == [JobReportIgnored]
    assert [type(event) for event in run.when(msgspec.structs.replace(done("a"), job_id="?"))] == [JobReportIgnored]


def test_a_worker_that_says_what_is_said_of_losses_is_not_tried_for_ever() -> None:
    """A failure with the code of a loss spent no attempt."""
    run, _ = of({"a": {"retry": {"max_attempts": 2, "backoff_ms": 0}}})
    for attempt in (1, 2):
        job_id = ids.job_id(RUN, "a", attempt)
        run.when(JobFailed(job_id=job_id, lease=1, worker="w", code="worker_lost", message="m"))
    assert run.ended


def test_a_step_that_never_began_says_why() -> None:
    """A failure at once is a failure like any other."""
    _, said = of({"a": {"input": "${input.missing}"}})
    assert [event.code for event in said if isinstance(event, StepFailed)] == ["expression_failed"]
