"""Tokens: the secret of a lease, and the proof in each report that whoever sends it holds the lease.

A token is derived from the key of the suite and given to the worker in its dispatch. Engine and scheduler derive it
again from what a report says of itself: nobody keeps tokens, and no report carries one.
"""

import hashlib
import hmac
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from foldgate.authority.canonical import canonical_bytes
from foldgate.contracts.events import ConstraintBreached, JobFailed, JobProgressed, JobStarted, JobSucceeded

Report = JobStarted | JobProgressed | ConstraintBreached | JobSucceeded | JobFailed
R = TypeVar("R", bound=Report)
_BLOCK = 64
_INNER, _OUTER = bytes(byte ^ 0x36 for byte in range(256)), bytes(byte ^ 0x5C for byte in range(256))


def token(suite_key: bytes, *, job_id: str, lease: int, worker: str) -> bytes:
    """The secret of one lease."""
    return hmac_sha256(suite_key, b"foldgate/token/1\n" + msgspec.json.encode((job_id, lease, worker)))


def with_mac(secret: bytes, report: R) -> R:
    """The report, with the proof that its sender knows the secret of the lease."""
    return msgspec.structs.replace(report, mac=_mac(secret, report))


def is_genuine(suite_keys: Iterable[bytes], report: Report) -> bool:
    """Whether the report comes from who was given the lease that it names, under any of the keys of the suite."""
    return any(
        is_proved(token(key, job_id=report.job_id, lease=report.lease, worker=report.worker), report)
        for key in suite_keys
    )


def is_proved(secret: bytes, report: Report) -> bool:
    """Whether the report comes from who knows the secret of the lease."""
    return hmac.compare_digest(_mac(secret, report), report.mac)


def _mac(secret: bytes, report: Report) -> bytes:
    return hmac_sha256(secret, canonical_bytes(type(report).__name__, report, leave_out=("mac",)))


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """As `hmac.digest`, in a quarter of its time: what OpenSSL looks up for each takes longer than the two hashes that
    make one. A dispatch costs its scheduler two."""
    key = (key if len(key) <= _BLOCK else hashlib.sha256(key).digest()).ljust(_BLOCK, b"\0")
    inner = hashlib.sha256(key.translate(_INNER) + data).digest()
    return hashlib.sha256(key.translate(_OUTER) + inner).digest()
