"""Leases: the scheduler's signature under each dispatch, so that no worker takes a job that nobody gave it.

It covers which writ was given to which worker under which number and with which secret, and which of the worker's beats
the scheduler had seen by then: a worker counts its lease from that beat, by its own clock. What is called back is
signed, too: else whoever may write to `dispatch` could stop any job.
"""

import msgspec

from foldgate.authority.canonical import canonical_bytes
from foldgate.authority.keys import Certificate, Signer, Trust
from foldgate.contracts.events import JobCancelled, JobDispatched


def sign_lease(signer: Signer, dispatched: JobDispatched, *, at: int) -> JobDispatched:
    """The dispatch, signed; `at` is the time in its Meta."""
    return msgspec.structs.replace(dispatched, signature=signer.sign(_bytes(dispatched, at)))


def verify_lease(trust: Trust, dispatched: JobDispatched, *, issued_at: int, at: int) -> Certificate:
    """The certificate of the scheduler that gave this job to this worker; raises SignatureInvalid."""
    return trust.check(dispatched.signature, _bytes(dispatched, issued_at), purpose="scheduler", at=at)


def sign_cancel(signer: Signer, cancelled: JobCancelled) -> JobCancelled:
    """What tells a worker to stop, signed. It is good for that lease alone, which is called back for ever."""
    return msgspec.structs.replace(cancelled, signature=signer.sign(_cancel_bytes(cancelled)))


def verify_cancel(trust: Trust, cancelled: JobCancelled, *, at: int) -> Certificate:
    """The certificate of the scheduler that calls this job back; raises SignatureInvalid."""
    return trust.check(cancelled.signature, _cancel_bytes(cancelled), purpose="scheduler", at=at)


def _cancel_bytes(cancelled: JobCancelled) -> bytes:
    return canonical_bytes("cancel", cancelled)


def _bytes(dispatched: JobDispatched, issued_at: int) -> bytes:
    what = (
        dispatched.writ.writ_id,
        dispatched.writ.job_id,
        dispatched.lease,
        dispatched.worker,
        dispatched.beat,
        dispatched.lease_ms,
        dispatched.token,
        issued_at,
    )
    return b"foldgate/lease/1\n" + msgspec.json.encode(what)
