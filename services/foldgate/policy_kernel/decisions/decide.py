"""Whether an attempt may happen.

Without any bundle the snapshot is its default decision alone, and that is to deny unless the settings say otherwise.

A job that is called back loses its writ, and gets none afterwards. Asking and calling back lie on one stream and the
answers on another, each in order: so whoever follows the answers never sees a writ after it was revoked.
"""

from collections.abc import Iterator

from foldgate.authority.writ import job_hash
from foldgate.contracts import ids
from foldgate.contracts.endings import RUN_ENDS
from foldgate.contracts.events import (
    CaseClosed,
    Event,
    Job,
    JobCancelRequested,
    JobDenied,
    JobRequested,
    Writ,
    WritIssued,
    WritRevoked,
)
from foldgate.contracts.topics import is_pool_name
from foldgate.decider.decider import Decider, Message, Said
from foldgate.policy_kernel.decisions.evolve import evolve
from foldgate.policy_kernel.decisions.state import Case, ended

Outcome = Iterator[Event | Said]
POOL = "default"
"""Where a job goes that asks for no pool."""
RULE = "default_decision"


def decisions(*, default_decision: str, writ_ttl_ms: int) -> Decider[Case]:
    """The decider of cases, under the snapshot that consists of a default decision."""
    kernel = _Kernel(default_decision, writ_ttl_ms)
    return Decider(state=Case, decide=kernel.decide, evolve=evolve, ended=ended, fail=kernel.fail, edition=2)


class _Kernel:
    """The decisions on a run, under the terms of the settings."""

    def __init__(self, default_decision: str, writ_ttl_ms: int) -> None:
        self._default, self._writ_ttl_ms = default_decision, writ_ttl_ms
        self._snapshot = "snapshot_" + ids.digest("snapshot", default_decision).hex()[:24]

    def decide(self, case: Case | None, message: Message) -> Outcome:
        match message.event:
            case JobRequested(job=job) if case is None or job.job_id not in case.decided:
                yield self._decided(job, message.at)
            case JobCancelRequested() as called:
                yield from _revoked(case or Case(), called)
            case last if case is not None and type(last) in RUN_ENDS:
                yield CaseClosed(status=RUN_ENDS[type(last)])

    def fail(self, _: Case | None, message: Message, reason: str) -> Outcome:
        """After a fault of ours the attempt is not allowed, and the run is told."""
        if isinstance(message.event, JobRequested):
            yield self._denied(message.event.job, "internal_error", reason)

    def _decided(self, job: Job, at: int) -> Event | Said:
        if job.pool and not is_pool_name(job.pool):
            found = job.pool[:200]
            return self._denied(job, "no_pool", f"Expected the name of a pool such as 'default', but got '{found}'.")
        if self._default == "allow":
            return self._allowed(job, at)
        return self._denied(job, RULE, "No rule allows it, and the default decision is to deny.")

    def _allowed(self, job: Job, at: int) -> Said:
        pool = job.pool or POOL
        writ = Writ(
            writ_id=ids.writ_id(job.job_id, self._snapshot),
            job_id=job.job_id,
            job_hash=job_hash(job),
            pool=pool,
            policy_snapshot=self._snapshot,
            rule=RULE,
            issued_at=at,
            expires_at=at + self._writ_ttl_ms,
        )
        return Said(WritIssued(job=job, writ=writ), pool=pool)

    def _denied(self, job: Job, rule: str, reason: str) -> JobDenied:
        return JobDenied(job_id=job.job_id, step=job.step, policy_snapshot=self._snapshot, rule=rule, reason=reason)


def _revoked(case: Case, called: JobCancelRequested) -> Outcome:
    """What was denied or revoked before has no writ to take back."""
    pool = case.decided.get(called.job_id)
    if pool != "":
        revoked = WritRevoked(job_id=called.job_id, step=called.step, pool=pool or "", reason=called.reason)
        yield Said(revoked, pool=pool or "")
