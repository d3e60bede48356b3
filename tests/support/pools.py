"""A pool under test, and the messages that it gets."""

import itertools

from foldgate.authority.active import Policies
from foldgate.contracts.events import Job, JobSucceeded, WorkerBeat, Writ, WritIssued, WritRevoked
from foldgate.scheduler.jobs.decide import jobs
from foldgate.scheduler.jobs.state import Pool
from tests.support.given import Given
from tests.support.keys import SCHEDULER, SUITE_KEY, proved

LEASE_MS = 3000
NOTED_AFTER_MS = 60_000
DECIDER = jobs(
    Policies(),
    lease_ms=LEASE_MS,
    wait_noted_after_ms=NOTED_AFTER_MS,
    signer=SCHEDULER,
    suite_keys=(SUITE_KEY,),
)
_numbers = itertools.count(1)


def pool() -> Given[Pool]:
    return Given(DECIDER, key="default")


def job(
    number: int = 1, *, priority: int = 5, queue_timeout_ms: int = 0, attempt_timeout_ms: int = 0, size: int = 0
) -> Job:
    return Job(
        job_id=f"run_{number}:job@1",
        step="job",
        attempt=1,
        kind="job",
        topic="job.echo",
        input="x" * size or "{}",
        tenant="acme",
        principal="ada",
        workflow="job",
        priority=priority,
        queue_timeout_ms=queue_timeout_ms,
        attempt_timeout_ms=attempt_timeout_ms,
    )


def issued(number: int = 1, *, expires_at: int = 9000, **terms: int) -> WritIssued:
    """A writ for the job of that number; `terms` are the job's."""
    wanted = job(number, **terms)
    writ = Writ(
        writ_id=f"writ_{number}",
        job_id=wanted.job_id,
        job_hash=b"",
        pool="default",
        policy_snapshot="s",
        rule="r",
        issued_at=0,
        expires_at=expires_at,
    )
    return WritIssued(job=wanted, writ=writ)


def revoked(number: int = 1) -> WritRevoked:
    return WritRevoked(job_id=job(number).job_id, step="job", pool="default", reason="why")


def beat(
    worker: str = "w/1", *, room: int = 2, leaving: bool = False, number: int = 0, holding: tuple[int, ...] = ()
) -> WorkerBeat:
    """A beat, later than all before it if no number is said."""
    return WorkerBeat(
        worker=worker,
        name="w",
        max_parallel=room,
        beat=number or next(_numbers),
        holding=holding,
        leaving=leaving,
    )


def report(number: int = 1, *, lease: int = 1, worker: str = "w/1") -> JobSucceeded:
    return proved(JobSucceeded(job_id=job(number).job_id, lease=lease, worker=worker, output="1"))
