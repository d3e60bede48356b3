"""The engine's decisions on a run: given its past, when a message, then these events."""

from functools import partial
from typing import Any

import msgspec
import pytest

from foldgate.authority.token import is_genuine
from foldgate.contracts import ids
from foldgate.contracts.events import (
    Event,
    JobAbandoned,
    JobDenied,
    JobFailed,
    JobLost,
    JobReportIgnored,
    JobRequested,
    JobSucceeded,
    RunDenied,
    RunFailed,
    RunRefused,
    RunRequested,
    RunStarted,
    RunSucceeded,
    StepDenied,
    StepFailed,
    StepSucceeded,
)
from foldgate.decider.decider import IllegalTransition, Message, SetAside
from foldgate.engine.runs.decide import runs
from foldgate.engine.runs.state import Run
from foldgate.language.definitions import Definitions
from tests.support.given import Given, meta
from tests.support.keys import ANYBODY, SUITE_KEY, from_anybody, proved

RUN = ids.run_id("acme", "job", "key")
JOB = f"{RUN}:job@1"
REQUEST = RunRequested(workflow="job", topic="job.echo", input='{"b": 2, "a": 1}', idempotency_key="key")
DECIDER = runs(
    Definitions(),
    max_lost=1,
    cancel_grace_ms=30_000,
    wait_noted_after_ms=60_000,
    max_events=50_000,
    genuine=from_anybody,
    vouching=ANYBODY,
)


def new() -> Given[Run]:
    return Given(DECIDER, key=RUN)


def started() -> Given[Run]:
    run = new()
    run.when(REQUEST)
    return run


def names(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_request_starts_the_run_and_asks_for_its_job() -> None:
    start, asked = new().when(REQUEST)
    assert isinstance(start, RunStarted)
    assert isinstance(asked, JobRequested)
    assert start.input == asked.job.input == '{"a":1,"b":2}', "canonical"
    assert (asked.job.job_id, asked.job.attempt, asked.job.topic) == (JOB, 1, "job.echo")
    assert (asked.job.tenant, asked.job.principal) == ("acme", "ada")


def test_the_same_request_again_adds_nothing() -> None:
    assert started().when(REQUEST) == []
    spelled_otherwise = msgspec.structs.replace(REQUEST, input='{"a":1,"b":2}')
    assert started().when(spelled_otherwise) == []


def test_another_body_with_the_same_key_is_a_conflict_and_changes_nothing() -> None:
    run = started()
    assert (before := run.state) is not None
    [refused] = run.when(msgspec.structs.replace(REQUEST, topic="job.other"))
    assert isinstance(refused, RunRefused)
    assert refused.code == "idempotency_conflict"
    assert run.state is not None
    assert run.state.steps == before.steps
    assert not run.ended
    assert run.when(msgspec.structs.replace(REQUEST, topic="job.other")) == [], "that request was answered"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"workflow": "unheard-of"}, "unknown_workflow"),
        ({"topic": ""}, "no_topic"),
        ({"topic": "job." + "x" * 300}, "name_too_long"),
        ({"kind": "k" * 256}, "name_too_long"),
        ({"version": "v" * 256}, "name_too_long"),
        ({"input": "{"}, "invalid_input"),
        ({"input": ""}, "invalid_input"),
        ({"input": "[" * 100_000}, "invalid_input"),
    ],
)
def test_a_request_that_cannot_be_is_refused_with_a_code(changes: dict[str, str], code: str) -> None:
    request = msgspec.structs.replace(REQUEST, **changes)
    run_id = ids.run_id("acme", request.workflow, "key")
    run = Given(DECIDER, key=run_id)
    [refused] = run.when(request)
    assert isinstance(refused, RunRefused)
    assert refused.code == code
    assert refused.reason.startswith("Expected ")
    assert run.ended


def test_a_run_id_that_does_not_follow_from_the_request_is_set_aside() -> None:
    with pytest.raises(SetAside, match="Expected run id") as caught:
        new().when(REQUEST, run_id="run_of_my_own", tenant="acme")
    assert caught.value.code == "run_id_mismatch"


@pytest.mark.parametrize("name", ["tenant", "principal", "request_id"])
def test_names_that_fit_no_index_are_set_aside(name: str) -> None:
    changes: dict[str, Any] = {name: "n" * 256}
    with pytest.raises(SetAside, match="at most 255 characters") as caught:
        new().when(REQUEST, **changes)
    assert caught.value.code == "name_too_long"


def test_without_a_key_the_request_id_makes_the_run() -> None:
    request = msgspec.structs.replace(REQUEST, idempotency_key="")
    run = Given(DECIDER, key=ids.run_id("acme", "job", "r"))
    assert names(run.when(request)) == ["RunStarted", "JobRequested"]


def test_a_success_ends_step_and_run_with_its_output() -> None:
    run = started()
    assert run.when(JobSucceeded(job_id=JOB, lease=1, worker="w", output='{"y": 1}')) == [
        StepSucceeded(step="job", job_id=JOB, output='{"y":1}'),
        RunSucceeded(output='{"y":1}'),
    ]
    assert run.ended


def test_an_output_that_is_no_json_fails_the_run() -> None:
    run = started()
    letter, step, end = run.when(JobSucceeded(job_id=JOB, lease=1, worker="w", output="oh"))
    assert isinstance(letter, JobAbandoned)
    assert isinstance(step, StepFailed)
    assert isinstance(end, RunFailed)
    assert step.code == end.code == "invalid_output"


def abandoned(status: str, *, code: str, message: str, rule: str = "") -> JobAbandoned:
    """What is said of the job before its step ends so."""
    [_, asked] = [one.event for one in Given(DECIDER, key=RUN).said(REQUEST)]
    assert isinstance(asked, JobRequested)
    return JobAbandoned(
        step="job", job=asked.job, status=status, code=code, message=message, attempts=1, rule=rule, from_step="job"
    )


def test_a_failure_ends_step_and_run_with_its_code() -> None:
    assert started().when(JobFailed(job_id=JOB, lease=1, worker="w", code="c", message="m")) == [
        abandoned("failed", code="c", message="m"),
        StepFailed(step="job", job_id=JOB, code="c", message="m"),
        RunFailed(code="c", message="m", step="job"),
    ]


def test_a_denial_is_not_a_failure() -> None:
    denied = JobDenied(job_id=JOB, step="job", policy_snapshot="s", rule="r", reason="no")
    assert started().when(denied) == [
        abandoned("denied", code="denied", message="no", rule="r"),
        StepDenied(step="job", job_id=JOB, rule="r", reason="no"),
        RunDenied(rule="r", reason="no", step="job"),
    ]
    assert started().when(msgspec.structs.replace(denied, job_id="another")) == []


def lost(attempt: int, reason: str = "worker_lost") -> JobLost:
    return JobLost(job_id=f"{RUN}:job@{attempt}", step="job", lease=1, worker="w", reason=reason)


def test_a_lost_attempt_is_followed_by_the_next_as_often_as_allowed() -> None:
    run = started()
    [again] = run.said(lost(1), principal="scheduler")
    assert isinstance(again.event, JobRequested)
    assert (again.event.job.job_id, again.event.after) == (f"{RUN}:job@2", "worker_lost")
    assert again.principal == again.event.job.principal == "ada", "on behalf of who asked for the run"
    assert names(run.when(lost(1))) == [], "that attempt is over"
    letter, step, end = run.when(lost(2))
    assert isinstance(letter, JobAbandoned)
    assert (letter.job.attempt, letter.attempts) == (2, 2)
    assert isinstance(step, StepFailed)
    assert isinstance(end, RunFailed)
    assert end.code == "attempts_lost"


def test_an_expired_writ_spends_nothing() -> None:
    run = started()
    for attempt in range(1, 6):
        assert names(run.when(lost(attempt, "writ_expired"))) == ["JobRequested"]


def test_a_late_report_changes_nothing_and_is_shown_once() -> None:
    run = started()
    run.when(lost(1))
    late = JobSucceeded(job_id=JOB, lease=1, worker="w", output="1")
    [ignored] = run.when(late)
    assert isinstance(ignored, JobReportIgnored)
    assert (ignored.job_id, ignored.reported) == (JOB, "JobSucceeded")
    assert run.when(late) == []
    assert not run.ended


def proving() -> Given[Run]:
    """A run that began, where it is asked who reports."""
    decider = runs(
        Definitions(),
        max_lost=1,
        cancel_grace_ms=30_000,
        wait_noted_after_ms=60_000,
        max_events=50_000,
        genuine=partial(is_genuine, (SUITE_KEY,)),
        vouching=ANYBODY,
    )
    run = Given(decider, key=RUN)
    run.when(REQUEST)
    return run


def test_a_forged_report_settles_nothing_and_is_shown_once() -> None:
    run = proving()
    truth = JobSucceeded(job_id=JOB, lease=1, worker="w", output="1")
    forged = msgspec.structs.replace(proved(truth), output="2")
    [ignored] = run.when(forged)
    assert isinstance(ignored, JobReportIgnored)
    assert (ignored.job_id, ignored.lease, ignored.reported) == (JOB, 1, "JobSucceeded")
    assert "forged" in ignored.reason
    assert run.when(forged) == run.when(truth) == []
    assert names(run.when(proved(truth))) == ["StepSucceeded", "RunSucceeded"]


def test_forged_reports_do_not_use_up_the_events_of_a_run() -> None:
    run = proving()
    forged = [JobFailed(job_id="?", lease=lease, worker="w", code="c", message="m") for lease in range(1, 201)]
    assert sum(len(run.when(each)) for each in forged) == 100


def test_a_report_for_no_run_is_set_aside() -> None:
    with pytest.raises(SetAside) as caught:
        new().when(JobSucceeded(job_id=JOB, lease=1, worker="w", output="1"))
    assert caught.value.code == "run_unknown"


def test_other_messages_say_nothing() -> None:
    assert started().when(RunDenied(rule="r", reason="x")) == []
    assert new().when(lost(1)) == []


def test_after_a_fault_of_ours_a_run_fails_loudly_and_a_request_starts_nothing() -> None:
    run = started()
    message = Message(key=RUN, at=1, event=REQUEST, meta=meta(RUN))
    assert list(DECIDER.fail(run.state, message, "broken")) == [RunFailed(code="internal_error", message="broken")]
    assert list(DECIDER.fail(None, message, "broken")) == []


@pytest.mark.parametrize(
    "event",
    [RunSucceeded(output="1"), RunDenied(rule="r", reason="x"), RunRequested(workflow="job")],
)
def test_an_event_that_does_not_fit_the_state_is_a_fault(event: Event) -> None:
    with pytest.raises(IllegalTransition):
        DECIDER.evolve(started().state, meta(RUN), event)


def test_a_run_begins_with_its_start_or_its_refusal() -> None:
    with pytest.raises(IllegalTransition, match="first event"):
        DECIDER.evolve(None, meta(RUN), RunSucceeded(output="1"))


def test_where_another_service_broke_the_run_fails_as_it_does_where_we_did() -> None:
    denied = JobDenied(job_id=JOB, step="job", policy_snapshot="s", rule="internal_error", reason="broken")
    assert started().when(denied)[-1] == RunFailed(code="internal_error", message="broken", step="job")
    given_back = JobLost(job_id=JOB, step="job", lease=0, worker="", reason="internal_error")
    failed = started().when(given_back)[-1]
    assert isinstance(failed, RunFailed)
    assert failed.code == "internal_error"
