"""The keys of an issuer of tokens: a JWK Set (RFC 7517), of which only what verifies our three algorithms is taken.

A key is bound to one algorithm by its type: an RSA key never verifies anything but RS256, whatever a token says. So a
public key cannot be taken for the secret of an HMAC, which we know nothing of anyhow.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256

Algorithm = Literal["RS256", "ES256", "EdDSA"]
MOST_KEYS = 100
MAX_BYTES = 256 * 1024
_RSA_BITS = (2048, 8192)
_P256_BYTES = 32
Verify = Callable[[bytes, bytes], bool]
"""Whether this is the key's signature over that."""


class JwksInvalid(Exception):
    """It is no JWK Set, or has no key that we could use."""


class VerifyingKey(NamedTuple):
    """One key; `kid` is empty if it has no name."""

    kid: str
    algorithm: Algorithm
    verifies: Verify


def keys_in(data: bytes) -> tuple[VerifyingKey, ...]:
    """The keys of a JWK Set that we can use; others are passed over."""
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise JwksInvalid(f"Expected a JWK Set, but it is not JSON: {error}") from None
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise JwksInvalid('Expected a JWK Set, `{"keys": [...]}`, but it is something else.')
    keys = tuple(_usable(listed[:MOST_KEYS]))
    if not keys:
        raise JwksInvalid("Expected a key for RS256 (2048 bits or more), ES256 or EdDSA (Ed25519), but there is none.")
    return keys


def unbase64(text: str) -> bytes:
    """The bytes of base64url without padding; ValueError if it is not exactly that."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if base64.urlsafe_b64encode(data).rstrip(b"=") != text.encode():
        raise ValueError("not canonical")
    return data


def _usable(listed: list[Any]) -> Iterator[VerifyingKey]:
    for one in listed:
        if isinstance(one, dict) and _is_for_verifying(one):
            try:
                found = _key(one)
            except (KeyError, TypeError, ValueError, AttributeError):
                continue
            if found is not None and one.get("alg", found.algorithm) == found.algorithm:
                yield found


def _is_for_verifying(jwk: Mapping[str, Any]) -> bool:
    does = jwk.get("key_ops", ["verify"])
    return jwk.get("use", "sig") == "sig" and isinstance(does, list) and "verify" in does


def _key(jwk: Mapping[str, Any]) -> VerifyingKey | None:
    kid = jwk.get("kid", "")
    if not isinstance(kid, str):
        return None
    match jwk.get("kty"), jwk.get("crv"):
        case "RSA", _:
            return VerifyingKey(kid, "RS256", _rsa(_number(jwk["n"]), _number(jwk["e"])))
        case "EC", "P-256":
            return VerifyingKey(kid, "ES256", _p256(_number(jwk["x"]), _number(jwk["y"])))
        case "OKP", "Ed25519":
            return VerifyingKey(kid, "EdDSA", _ed25519(unbase64(jwk["x"])))
        case _:
            return None


def _number(text: str) -> int:
    return int.from_bytes(unbase64(text), "big")


def _rsa(modulus: int, exponent: int) -> Verify:
    least, most = _RSA_BITS
    if not least <= modulus.bit_length() <= most:
        raise ValueError("too short, or too long")
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    return _checked(lambda signature, data: key.verify(signature, data, padding.PKCS1v15(), SHA256()))


def _p256(x: int, y: int) -> Verify:
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()

    def verify(signature: bytes, data: bytes) -> None:
        if len(signature) != 2 * _P256_BYTES:
            raise InvalidSignature
        r, s = (int.from_bytes(half, "big") for half in (signature[:_P256_BYTES], signature[_P256_BYTES:]))
        key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(SHA256()))

    return _checked(verify)


def _ed25519(public: bytes) -> Verify:
    key = ed25519.Ed25519PublicKey.from_public_bytes(public)
    return _checked(key.verify)


def _checked(verify: Callable[[bytes, bytes], None]) -> Verify:
    def verifies(signature: bytes, data: bytes) -> bool:
        try:
            verify(signature, data)
        except (InvalidSignature, ValueError):
            return False
        return True

    return verifies
