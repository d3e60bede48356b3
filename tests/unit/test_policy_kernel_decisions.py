"""The kernel's decisions on the attempts of a run."""

import pytest

from foldgate.authority.writ import job_hash
from foldgate.contracts.events import (
    CaseClosed,
    Job,
    JobDenied,
    JobRequested,
    RunDenied,
    RunFailed,
    RunSucceeded,
    WritIssued,
)
from foldgate.decider.decider import Decider, IllegalTransition, Message
from foldgate.policy_kernel.decisions.decide import decisions
from foldgate.policy_kernel.decisions.state import Case
from tests.support.given import Given, meta

RUN = "run_1"
ALLOWING = decisions(default_decision="allow", writ_ttl_ms=500)
DENYING = decisions(default_decision="deny", writ_ttl_ms=500)


def job(attempt: int = 1) -> Job:
    return Job(
        job_id=f"{RUN}:job@{attempt}",
        step="job",
        attempt=attempt,
        kind="job",
        topic="job.echo",
        input="{}",
        tenant="acme",
        principal="ada",
        workflow="job",
    )


def test_an_allowed_attempt_gets_a_writ_for_exactly_that_job() -> None:
    [said] = Given(ALLOWING, key=RUN).said(JobRequested(job=job()), at=2000)
    assert isinstance(said.event, WritIssued)
    writ = said.event.writ
    assert said.event.job == job()
    assert (writ.job_id, writ.job_hash, writ.pool) == (job().job_id, job_hash(job()), said.pool)
    assert (writ.issued_at, writ.expires_at) == (2000, 2500)


def test_a_denied_attempt_gets_none() -> None:
    [denied] = Given(DENYING, key=RUN).when(JobRequested(job=job()))
    assert isinstance(denied, JobDenied)
    assert (denied.job_id, denied.rule) == (job().job_id, "default_decision")


def test_the_two_decisions_are_made_under_two_snapshots() -> None:
    [issued] = Given(ALLOWING, key=RUN).when(JobRequested(job=job()))
    [denied] = Given(DENYING, key=RUN).when(JobRequested(job=job()))
    assert isinstance(issued, WritIssued)
    assert isinstance(denied, JobDenied)
    assert issued.writ.policy_snapshot != denied.policy_snapshot


@pytest.mark.parametrize("decider", [ALLOWING, DENYING])
def test_each_attempt_is_decided_once(decider: Decider[Case]) -> None:
    case = Given(decider, key=RUN)
    assert len(case.when(JobRequested(job=job(1)))) == 1
    assert case.when(JobRequested(job=job(1))) == []
    assert len(case.when(JobRequested(job=job(2)))) == 1


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (RunSucceeded(output="1"), "succeeded"),
        (RunFailed(code="c", message="m"), "failed"),
        (RunDenied(rule="r", reason="x"), "denied"),
    ],
)
def test_the_case_is_closed_with_its_run(end: RunSucceeded | RunFailed | RunDenied, status: str) -> None:
    case: Given[Case] = Given(ALLOWING, key=RUN)
    assert case.when(end) == [], "there is no case of a run that asked for nothing"
    case.when(JobRequested(job=job()))
    assert case.when(end) == [CaseClosed(status=status)]
    assert case.ended


def test_a_foreign_event_is_a_fault() -> None:
    with pytest.raises(IllegalTransition):
        ALLOWING.evolve(None, meta(RUN), RunSucceeded(output="1"))


def test_after_a_fault_of_ours_an_attempt_is_not_allowed() -> None:
    asked = Message(key=RUN, at=1, event=JobRequested(job=job()), meta=meta(RUN))
    [denied] = ALLOWING.fail(None, asked, "broken")
    assert isinstance(denied, JobDenied)
    assert (denied.job_id, denied.rule, denied.reason) == (job().job_id, "internal_error", "broken")
    over = Message(key=RUN, at=1, event=RunSucceeded(output="1"), meta=meta(RUN))
    assert list(ALLOWING.fail(None, over, "broken")) == []
