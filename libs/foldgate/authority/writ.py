"""Writs: the hash of exactly what a job would do, who signs that, and what must hold before a worker does it."""

import hashlib

import msgspec

from foldgate.authority.canonical import canonical_bytes
from foldgate.authority.keys import SignatureInvalid, Signer, Trust
from foldgate.contracts import ids
from foldgate.contracts.events import Job, Writ

_NOT_WHAT_IT_DOES = frozenset(
    ("job_id", "attempt", "retries", "resume", "priority", "queue_timeout_ms", "attempt_timeout_ms")
)
"""Which try it is, what the try before it left, and how soon and how long: nothing that anybody was asked about. All
else is hashed, what is added to jobs later too. Empty fields are left out, so that who does not know such a field yet
agrees while nobody uses it."""


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


def constraints_hash(constraints: str) -> bytes:
    """SHA-256 of constraints as canonical JSON; empty if there are none."""
    return hashlib.sha256(constraints.encode()).digest() if constraints else b""


def resume_hash(job: Job) -> bytes:
    """SHA-256 of the checkpoint that the job goes on from; empty if there is none."""
    return hashlib.sha256(job.resume.encode()).digest() if job.resume else b""


def sign_writ(signer: Signer, writ: Writ) -> Writ:
    """The writ, signed by the kernel."""
    return msgspec.structs.replace(writ, signature=signer.sign(canonical_bytes("writ", writ)))


def verify(writ: Writ, job: Job, *, trust: Trust, pool: str, at: int, constraints: str = "") -> None:
    """Raise WritInvalid unless a trusted kernel allows exactly this attempt, under these constraints, in this pool, at
    this time (INV-10)."""
    try:
        trust.check(writ.signature, canonical_bytes("writ", writ), purpose="kernel", at=at)
    except SignatureInvalid as error:
        raise WritInvalid(error.code, str(error)) from None
    if writ.job_id != job.job_id:
        raise WritInvalid("other_job", f"Expected a writ for {job.job_id}, but it is for {writ.job_id}.")
    if writ.job_hash != job_hash(job):
        raise WritInvalid("job_altered", f"Expected {job.job_id} as it was authorised, but what it would do differs.")
    if writ.resume_hash != resume_hash(job):
        raise WritInvalid("job_altered", f"Expected {job.job_id} to go on from where it was left, but that differs.")
    if writ.constraints_hash != constraints_hash(constraints):
        raise WritInvalid("constraints_altered", f"Expected the constraints of {job.job_id}, but these are others.")
    if writ.pool != pool:
        raise WritInvalid("other_pool", f"Expected a writ for pool '{pool}', but it is for '{writ.pool}'.")
    if at > writ.expires_at:
        raise WritInvalid("expired", f"Expected a live writ, but it ended {at - writ.expires_at} ms ago.")
