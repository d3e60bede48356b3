"""Writs: the hash of exactly what a job would do, and what must hold before a worker does it."""

import hashlib

import msgspec

from foldgate.contracts import ids
from foldgate.contracts.events import Job, Writ

_NOT_WHAT_IT_DOES = frozenset(("job_id", "attempt", "priority", "queue_timeout_ms", "attempt_timeout_ms"))
"""Which try it is, and how soon and how long: nothing that anybody was asked about. All else is hashed, what is added
to jobs later too. Empty fields are left out, so that who does not know such a field yet agrees while nobody uses it."""


class WritInvalid(Exception):
    """The writ does not allow the job, here and now. `code` is stable, the text says what was expected."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def job_hash(job: Job) -> bytes:
    """SHA-256 over the canonical form of all the job would do; not the attempt, so that all attempts share it."""
    values = {name: getattr(job, name) for name in job.__struct_fields__ if name not in _NOT_WHAT_IT_DOES}
    what = {name: value for name, value in values.items() if value}
    what["run"] = ids.parse_job_id(job.job_id).run_id
    return hashlib.sha256(msgspec.json.encode(what, order="deterministic")).digest()


def verify(writ: Writ, job: Job, *, pool: str, at: int) -> None:
    """Raise WritInvalid unless the writ allows exactly this attempt, in this pool, at this time (INV-10)."""
    if writ.job_id != job.job_id:
        raise WritInvalid("other_job", f"Expected a writ for {job.job_id}, but it is for {writ.job_id}.")
    if writ.job_hash != job_hash(job):
        raise WritInvalid("job_altered", f"Expected {job.job_id} as it was authorised, but what it would do differs.")
    if writ.pool != pool:
        raise WritInvalid("other_pool", f"Expected a writ for pool '{pool}', but it is for '{writ.pool}'.")
    if at > writ.expires_at:
        raise WritInvalid("expired", f"Expected a live writ, but it ended {at - writ.expires_at} ms ago.")
