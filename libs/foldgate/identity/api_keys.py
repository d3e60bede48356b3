"""API keys: what one looks like, how it is made, and whether what somebody shows is it.

    fg_<id>_<secret>

The id is public, and finds the key. The secret is 256 random bits, of which nobody keeps more than the SHA-256: it is
shown once, to whoever makes it.
"""

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

PREFIX = "fg_"
ALL_TENANTS = "*"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,99}")
ROLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
TENANT = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_ID_CHARACTERS = 12
_KEY = re.compile(r"fg_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")


class ApiKey(NamedTuple):
    """A key as it is kept. Times are milliseconds since 1970."""

    id: str
    name: str
    digest: bytes
    roles: tuple[str, ...]
    tenants: tuple[str, ...]
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
    last_used_at: int | None = None
    replaced_by: str | None = None

    def lasts(self, at: int) -> bool:
        """Whether it is good at that time."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)

    def status(self, at: int) -> str:
        """What it is at that time, in a word."""
        if self.revoked_at is not None:
            return "revoked"
        if not self.lasts(at):
            return "expired"
        return "live" if self.replaced_by is None else "ending"


class Shown(NamedTuple):
    """What somebody shows as a key."""

    id: str
    secret: str

    def is_of(self, key: ApiKey) -> bool:
        """Whether it is that key; how long this takes tells nothing."""
        return hmac.compare_digest(digest_of(self.secret), key.digest)


class Made(NamedTuple):
    """A key, and its text, which is not kept."""

    key: ApiKey
    text: str


def made(
    name: str, *, roles: tuple[str, ...], tenants: tuple[str, ...], at: int, expires_at: int | None = None
) -> Made:
    """A new key."""
    key_id = "".join(secrets.choice(_ALPHABET) for _ in range(_ID_CHARACTERS))
    secret = secrets.token_urlsafe(32)
    key = ApiKey(key_id, name, digest_of(secret), roles, tenants, created_at=at, expires_at=expires_at)
    return Made(key, f"{PREFIX}{key_id}_{secret}")


def shown(text: str) -> Shown | None:
    """The key that this text is; None if it is none of ours."""
    match = _KEY.fullmatch(text)
    return None if match is None else Shown(match[1], match[2])


def digest_of(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()
