"""Whether an attempt may happen.

Without any bundle the snapshot is its default decision alone, and that is to deny unless the settings say otherwise.
"""

from collections.abc import Iterator

from foldgate.authority.writ import job_hash
from foldgate.contracts import ids
from foldgate.contracts.events import (
    CaseClosed,
    Event,
    Job,
    JobDenied,
    JobRequested,
    RunDenied,
    RunFailed,
    RunSucceeded,
    Writ,
    WritIssued,
)
from foldgate.decider.decider import Decider, Message, Said
from foldgate.policy_kernel.decisions.evolve import evolve
from foldgate.policy_kernel.decisions.state import Case, ended

POOL = "default"
RULE = "default_decision"


def decisions(*, default_decision: str, writ_ttl_ms: int) -> Decider[Case]:
    """The decider of cases, under the snapshot that consists of a default decision."""
    snapshot = "snapshot_" + ids.digest("snapshot", default_decision).hex()[:24]

    def decide(case: Case | None, message: Message) -> Iterator[Event | Said]:
        match message.event:
            case JobRequested(job=job) if case is None or job.job_id not in case.decided:
                yield _allowed(job, message.at) if default_decision == "allow" else _denied(job)
            case RunSucceeded() | RunFailed() | RunDenied() as last if case is not None:
                yield CaseClosed(status=type(last).__name__.removeprefix("Run").lower())

    def _allowed(job: Job, at: int) -> Said:
        writ = Writ(
            writ_id=ids.writ_id(job.job_id, snapshot),
            job_id=job.job_id,
            job_hash=job_hash(job),
            pool=POOL,
            policy_snapshot=snapshot,
            rule=RULE,
            issued_at=at,
            expires_at=at + writ_ttl_ms,
        )
        return Said(WritIssued(job=job, writ=writ), pool=POOL)

    def _denied(job: Job) -> JobDenied:
        reason = "No rule allows it, and the default decision is to deny."
        return JobDenied(job_id=job.job_id, step=job.step, policy_snapshot=snapshot, rule=RULE, reason=reason)

    def fail(_: Case | None, message: Message, reason: str) -> Iterator[Event | Said]:
        """After a fault of ours the attempt is not allowed, and the run is told."""
        if isinstance(message.event, JobRequested):
            job = message.event.job
            yield JobDenied(
                job_id=job.job_id, step=job.step, policy_snapshot=snapshot, rule="internal_error", reason=reason
            )

    return Decider(state=Case, decide=decide, evolve=evolve, ended=ended, fail=fail)
