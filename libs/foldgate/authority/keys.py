"""Keys: who may sign what, as certificates of a root key; Ed25519 signatures, and what must hold before one counts.

A certificate travels inside each signature. So whoever has pinned the root key checks alone, and any number of keys of
one purpose are good at the same time: a key is replaced by signing with a new one, and what the old one signed stays
good until its certificate ends or is revoked.
"""

import hashlib
import re
from collections.abc import Container, Iterable
from typing import Literal, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from foldgate.authority.canonical import canonical_bytes
from foldgate.contracts.events import Signature

Purpose = Literal["kernel", "scheduler", "issuer"]
_NAME = "certificate"
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{64}")
_REMEMBERED = 1000
"""Certificates that were checked before. They are those that the roots signed, so few."""


class SignatureInvalid(Exception):
    """Nobody who may vouches for it. `code` is stable: unsigned, unknown_key, wrong_purpose, key_revoked, key_expired
    or bad_signature."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What the holder of a key may sign, and until when; milliseconds since 1970. An issuer speaks for one tenant, or
    for any where none is named."""

    key_id: str
    public_key: bytes
    purpose: Purpose
    name: str
    tenant: str = ""
    roles: tuple[str, ...] = ()
    not_before: int
    not_after: int
    signature: bytes = b""

    def encoded(self) -> bytes:
        """As it travels."""
        return msgspec.json.encode(self, order="sorted")


class Signer:
    """Signs with one private key, of 32 bytes."""

    def __init__(self, private_key: bytes, certificate: Certificate) -> None:
        if certificate.public_key != public_of(private_key):
            raise ValueError(f"Expected the certificate of this private key, but it is of key {certificate.key_id}.")
        self.certificate = certificate
        self._key = Ed25519PrivateKey.from_private_bytes(private_key)
        self._encoded = certificate.encoded()

    def sign(self, data: bytes) -> Signature:
        """Vouch for these bytes."""
        return Signature(key_id=self.certificate.key_id, certificate=self._encoded, value=self._key.sign(data))


class _Known(NamedTuple):
    certificate: Certificate
    key: Ed25519PublicKey


class Trust:
    """Checks signatures by the pinned root keys. `revoked` is looked at each time: it may be a set that grows."""

    def __init__(self, root_keys: Iterable[bytes], *, revoked: Container[str] = frozenset()) -> None:
        self._roots = [Ed25519PublicKey.from_public_bytes(key) for key in root_keys]
        self._revoked = revoked
        self._known: dict[bytes, _Known] = {}

    def check(self, signature: Signature | None, data: bytes, *, purpose: Purpose, at: int) -> Certificate:
        """The certificate of who vouches for these bytes; raises SignatureInvalid."""
        if signature is None or not signature.value:
            raise SignatureInvalid("unsigned", f"Expected the signature of a key for '{purpose}', but there is none.")
        certificate, key = self._holder(signature.certificate)
        self._allow(certificate, purpose=purpose, at=at)
        if not _is_signed(key, signature.value, data):
            reason = f"Expected what '{certificate.name}' has signed, but the signature is over something else."
            raise SignatureInvalid("bad_signature", reason)
        return certificate

    def certificate(self, encoded: bytes) -> Certificate:
        """The certificate of these bytes, if a root key has signed it; raises SignatureInvalid."""
        return self._holder(encoded).certificate

    def _allow(self, certificate: Certificate, *, purpose: Purpose, at: int) -> None:
        name, key_id = certificate.name, certificate.key_id
        if certificate.purpose != purpose:
            reason = f"Expected a key for '{purpose}', but {key_id} of '{name}' is for '{certificate.purpose}'."
            raise SignatureInvalid("wrong_purpose", reason)
        if key_id in self._revoked:
            raise SignatureInvalid("key_revoked", f"Expected a trusted key, but {key_id} of '{name}' was revoked.")
        if not certificate.not_before <= at <= certificate.not_after:
            when = f"from {certificate.not_before} to {certificate.not_after}"
            raise SignatureInvalid("key_expired", f"Expected a live key, but {key_id} of '{name}' is good {when}.")

    def _holder(self, encoded: bytes) -> _Known:
        if (known := self._known.get(encoded)) is None:
            known = self._checked(encoded)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[encoded] = known
        return known

    def _checked(self, encoded: bytes) -> _Known:
        try:
            certificate = msgspec.json.decode(encoded, type=Certificate)
            key = Ed25519PublicKey.from_public_bytes(certificate.public_key)
        except (ValueError, RecursionError):
            raise SignatureInvalid("unknown_key", "Expected the certificate of a key, but it is none.") from None
        data = canonical_bytes(_NAME, certificate)
        of_the_key = certificate.key_id == key_id_of(certificate.public_key)
        if not (of_the_key and any(_is_signed(root, certificate.signature, data) for root in self._roots)):
            reason = f"Expected a key that a pinned root key vouches for, but {certificate.key_id[:32]} has none."
            raise SignatureInvalid("unknown_key", reason)
        return _Known(certificate, key)


def certify(root_private_key: bytes, certificate: Certificate) -> Certificate:
    """The certificate, signed by a root key."""
    data = canonical_bytes(_NAME, certificate)
    value = Ed25519PrivateKey.from_private_bytes(root_private_key).sign(data)
    return msgspec.structs.replace(certificate, signature=value)


def public_of(private_key: bytes) -> bytes:
    """The public half of a private key: both of 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def keys_in(text: str) -> tuple[bytes, ...]:
    """The keys of a text, in hexadecimal, apart by spaces, commas or lines; ValueError if it has anything else."""
    words = re.split(r"[\s,]+", text.strip())
    if not all(_HEXADECIMAL.fullmatch(word) for word in words):
        raise ValueError("Expected keys of 64 hexadecimal digits, one a line, but that is something else.")
    return tuple(bytes.fromhex(word) for word in words)


def key_id_of(public_key: bytes) -> str:
    """The name of a key."""
    return hashlib.sha256(public_key).hexdigest()[:32]


def _is_signed(key: Ed25519PublicKey, value: bytes, data: bytes) -> bool:
    try:
        key.verify(value, data)
    except InvalidSignature:
        return False
    return True
