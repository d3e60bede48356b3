"""Waiting jobs as bytes: what is a job's own, and its shape, which the jobs of a lane share and which is kept once."""

import hashlib
import zlib
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from foldgate.contracts.events import Job, Signature, Writ

_COMPRESS_FROM = 1024
_OWN = ("step", "attempt", "input", "labels", "retries", "resume")
_OWN_OF_WRIT = ("job_hash", "issued_at", "expires_at", "approval_id", "resume_hash")
_NAMES = ("job_id", "writ_id")
_WRIT, _RUN = "writ_", "run_"
_SHARED = tuple(name for name in Job.__struct_fields__ if name not in (*_OWN, *_NAMES))
_SHARED_OF_WRIT = tuple(name for name in Writ.__struct_fields__ if name not in (*_OWN_OF_WRIT, *_NAMES, "signature"))
_own, _own_of_writ = attrgetter(*_OWN), attrgetter(*_OWN_OF_WRIT)
_shared, _shared_of_writ = attrgetter(*_SHARED), attrgetter(*_SHARED_OF_WRIT)
_encode = msgspec.msgpack.Encoder(order="sorted").encode
_decode = msgspec.msgpack.Decoder().decode
replace = msgspec.structs.replace


class Authorised(NamedTuple):
    """A job with its writ, and what must hold while it is done."""

    job: Job
    writ: Writ
    constraints: str = ""
    correlation: str = ""

    @property
    def patience_ends(self) -> int | None:
        """When it has waited for too long."""
        return self.writ.issued_at + self.job.queue_timeout_ms if self.job.queue_timeout_ms else None

    @property
    def ends(self) -> int:
        """When it waits no longer."""
        patience = self.patience_ends
        return self.writ.expires_at if patience is None else min(patience, self.writ.expires_at)


def shape_of(one: Authorised) -> bytes:
    """What it shares with others."""
    signature = one.writ.signature
    signer = None if signature is None else (signature.key_id, signature.certificate)
    return _encode((_shared(one.job), _shared_of_writ(one.writ), signer, one.constraints, one.job.retries > 0))


@lru_cache(maxsize=10_000)
def lane_of(shape: bytes) -> str:
    """The name of the lane of jobs of that shape."""
    return hashlib.blake2b(shape, digest_size=12).hexdigest()


def body_of(one: Authorised) -> bytes:
    """What is its own, but for its id."""
    value = b"" if one.writ.signature is None else one.writ.signature.value
    names = _short(one.writ.writ_id, _WRIT), _short(one.correlation, _RUN)
    packed = _encode((_own(one.job), _own_of_writ(one.writ), value, names))
    return b"z" + zlib.compress(packed, 1) if len(packed) >= _COMPRESS_FROM else packed


def unpacked(job_id: str, shape: bytes, body: bytes) -> Authorised:
    """The job as it was."""
    packed = zlib.decompress(body[1:]) if body[:1] == b"z" else body
    own, own_of_writ, value, (writ_id, correlation) = _decode(packed)
    like = _like(shape)
    step, attempt, given, labels, retries, resume = own
    job = replace(
        like.job,
        job_id=job_id,
        step=step,
        attempt=attempt,
        input=given,
        labels=labels,
        retries=retries,
        resume=resume,
    )
    job_hash, issued_at, expires_at, approval_id, resume_hash = own_of_writ
    writ = replace(
        like.writ,
        writ_id=_long(writ_id, _WRIT),
        job_id=job_id,
        job_hash=job_hash,
        issued_at=issued_at,
        expires_at=expires_at,
        approval_id=approval_id,
        resume_hash=resume_hash,
        signature=like.writ.signature and replace(like.writ.signature, value=value),
    )
    return Authorised(job, writ, like.constraints, _long(correlation, _RUN))


def _short(name: str, prefix: str) -> str | bytes:
    """A name of hexadecimal digits after that prefix as half as many bytes; others as they are."""
    try:
        digits = bytes.fromhex(name.removeprefix(prefix))
    except ValueError:
        return name
    return digits if prefix + digits.hex() == name else name


def _long(short: str | bytes, prefix: str) -> str:
    """The name as it was."""
    return short if isinstance(short, str) else prefix + short.hex()


@lru_cache(maxsize=10_000)
def _like(shape: bytes) -> Authorised:
    """A job of that shape, with nothing of its own."""
    shared, shared_of_writ, signer, constraints, _ = _decode(shape)
    job = Job(job_id="", step="", attempt=0, input="", **_fields(_SHARED, shared))
    signature = None if signer is None else Signature(key_id=signer[0], certificate=signer[1])
    rest = _fields(_SHARED_OF_WRIT, shared_of_writ)
    writ = Writ(writ_id="", job_id="", job_hash=b"", issued_at=0, expires_at=0, signature=signature, **rest)
    return Authorised(job, writ, constraints)


def _fields(names: tuple[str, ...], values: list[Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in zip(names, values, strict=True)}
