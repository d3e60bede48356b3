"""Tokens of the door for workers: what this suite has said to a worker, to be shown again to any process of it.

A token carries what it says, and an HMAC by the key of the suite. So no gateway keeps anything for it, and none that
was changed, or made for something else, is good.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from foldgate.authority.secrets import Level
from foldgate.authority.token import hmac_sha256

MAX_CHARACTERS = 12_000


class TokenInvalid(Exception):
    """Nobody of this suite has made it."""


class WorkerToken(msgspec.Struct, frozen=True, array_like=True):
    """Who registered, and with what. It is good for that endpoint, in that pool, for that tenant's callers."""

    endpoint: str
    name: str
    pool: str
    tenant: str
    max_parallel: int
    topics: tuple[str, ...]
    capabilities: tuple[str, ...]
    labels: dict[str, str]


class LeaseToken(msgspec.Struct, frozen=True, array_like=True):
    """A lease that was handed out: whose it is, when it was dispatched and handed out, and what its reports refer to.
    `owner` is the tenant of the worker, `tenant` that of the job."""

    job_id: str
    worker: str
    lease: int
    lease_ms: int
    pool: str
    owner: str
    tenant: str
    correlation: str
    causation: str
    dispatched_at: int
    handed_out_at: int
    redaction: Level


T = TypeVar("T", WorkerToken, LeaseToken)


def sealed(suite_key: bytes, token: WorkerToken | LeaseToken) -> str:
    """The token as it travels."""
    said = msgspec.json.encode(token)
    return f"{_text(said)}.{_text(_mac(suite_key, type(token), said))}"


def opened(suite_keys: Iterable[bytes], text: str, kind: type[T]) -> T:
    """What a token of that kind says; raises TokenInvalid."""
    said, mac = _parts(text)
    if not any(hmac.compare_digest(_mac(key, kind, said), mac) for key in suite_keys):
        raise TokenInvalid
    try:
        return msgspec.json.decode(said, type=kind)
    except msgspec.DecodeError:  # an earlier version made it
        raise TokenInvalid from None


def _parts(text: str) -> tuple[bytes, bytes]:
    said, _, mac = text.partition(".")
    if len(text) > MAX_CHARACTERS:
        raise TokenInvalid
    try:
        return _bytes(said), _bytes(mac)
    except (binascii.Error, ValueError):
        raise TokenInvalid from None


def _mac(key: bytes, kind: type, said: bytes) -> bytes:
    return hmac_sha256(key, f"foldgate/door/{kind.__name__}/1\n".encode() + said)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
