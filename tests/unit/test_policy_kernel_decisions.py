"""The kernel's decisions on the attempts of a run."""

import pytest

from foldgate.authority.active import Policies
from foldgate.authority.pools import Pools
from foldgate.authority.writ import job_hash, verify
from foldgate.contracts.events import (
    CaseClosed,
    Event,
    Job,
    JobCancelRequested,
    JobDenied,
    JobRefused,
    JobRequested,
    RunCancelled,
    RunDenied,
    RunFailed,
    RunSucceeded,
    RunTimedOut,
    WritIssued,
    WritRevoked,
)
from foldgate.decider.decider import Decider, IllegalTransition, Message
from foldgate.policy_kernel.decisions.decide import decisions
from foldgate.policy_kernel.decisions.state import Case
from tests.support.given import Given, meta
from tests.support.keys import KERNEL, TRUST

RUN = "run_1"
ALLOWING = decisions(Policies(), Pools(), default_decision="allow", writ_ttl_ms=500, signer=KERNEL)
DENYING = decisions(Policies(), Pools(), default_decision="deny", writ_ttl_ms=500, signer=KERNEL)


def job(attempt: int = 1, *, pool: str = "") -> Job:
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
        pool=pool,
    )


def called_back(attempt: int = 1) -> JobCancelRequested:
    return JobCancelRequested(job_id=job(attempt).job_id, step="job", ending="cancelled", reason="why", until=9000)


def test_an_allowed_attempt_gets_a_writ_for_exactly_that_job() -> None:
    [said] = Given(ALLOWING, key=RUN).said(JobRequested(job=job()), at=2000)
    assert isinstance(said.event, WritIssued)
    writ = said.event.writ
    assert said.event.job == job()
    assert (writ.job_id, writ.job_hash, writ.pool) == (job().job_id, job_hash(job()), said.pool)
    assert (writ.issued_at, writ.expires_at) == (2000, 2500)
    verify(writ, job(), trust=TRUST, pool="default", at=2500)


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
        (RunTimedOut(code="timeout", reason="x"), "timed_out"),
        (RunCancelled(reason="x"), "cancelled"),
    ],
)
def test_the_case_is_closed_with_its_run(end: Event, status: str) -> None:
    case: Given[Case] = Given(ALLOWING, key=RUN)
    assert case.when(end) == [], "there is no case of a run that asked for nothing"
    case.when(JobRequested(job=job()))
    assert case.when(end) == [CaseClosed(status=status)]
    assert case.ended


def test_the_pool_that_a_job_asks_for_is_the_pool_of_its_writ() -> None:
    [said] = Given(ALLOWING, key=RUN).said(JobRequested(job=job(pool="gpu-large")))
    assert isinstance(said.event, WritIssued)
    assert (said.event.writ.pool, said.pool) == ("gpu-large", "gpu-large")


@pytest.mark.parametrize("name", [" ", "a/b", "ünder", "-a", "a" * 101])
def test_what_cannot_be_the_name_of_a_pool_gets_no_writ(name: str) -> None:
    [refused] = Given(ALLOWING, key=RUN).when(JobRequested(job=job(pool=name)))
    assert isinstance(refused, JobRefused)
    assert (refused.code, refused.reason[:8]) == ("no_pool", "Expected")


def test_a_job_that_is_called_back_loses_its_writ() -> None:
    case = Given(ALLOWING, key=RUN)
    case.when(JobRequested(job=job(pool="gpu")))
    [said] = case.said(called_back())
    assert said.event == WritRevoked(job_id=job().job_id, step="job", pool="gpu", reason="why")
    assert said.pool == "gpu", "so that the pool hears of it"
    assert case.when(called_back()) == [], "once"


def test_there_is_no_writ_of_a_job_after_it_was_called_back() -> None:
    case = Given(ALLOWING, key=RUN)
    [said] = case.said(called_back())
    assert said.event == WritRevoked(job_id=job().job_id, step="job", pool="", reason="why")
    assert said.pool == "", "no pool has it"
    assert case.when(JobRequested(job=job())) == []
    case.when(JobRequested(job=job(2)))
    case.when(called_back(2))
    assert case.when(JobRequested(job=job(2))) == []


def test_what_was_denied_has_no_writ_to_lose() -> None:
    case = Given(DENYING, key=RUN)
    case.when(JobRequested(job=job()))
    assert case.when(called_back()) == []


def test_a_second_writ_for_a_job_is_a_fault() -> None:
    case = Given(ALLOWING, key=RUN)
    [issued] = case.when(JobRequested(job=job()))
    case.when(called_back())
    with pytest.raises(IllegalTransition):
        ALLOWING.evolve(case.state, meta(RUN), issued)


def test_other_messages_say_nothing() -> None:
    case = Given(ALLOWING, key=RUN)
    case.when(JobRequested(job=job()))
    assert case.when(CaseClosed(status="x")) == []


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
