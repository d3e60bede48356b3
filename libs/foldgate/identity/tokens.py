"""Bearer tokens of an issuer: JSON Web Tokens (RFC 7519), read as strictly as they can be.

A token says itself how it is signed, and that is what most attacks on them live by. Here it may only choose among the
issuer's keys: its `alg` must be the one that the key is for, its `kid` must name a key, extensions that we would have
to understand (`crit`) are refused, and nothing of what it says is looked at before its signature is good.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from foldgate.identity.jwks import VerifyingKey, unbase64

MAX_CHARACTERS = 16_384
SKEW_S = 60
_MOST_LISTED = 100
_MOST_CHARACTERS = 200
_ALGORITHMS = ("RS256", "ES256", "EdDSA")
_TYPES = ("jwt", "at+jwt", "application/at+jwt")


class TokenRefused(Exception):
    """Why a token is not good; a sentence for whoever sent it."""


class UnknownKid(TokenRefused):
    """It names a key that the issuer is not known to have: there may be a newer one."""


class Terms(NamedTuple):
    """What a token must say, and in which claims it says who somebody is. A claim may lie deeper: `realm.roles`."""

    issuer: str
    audience: str
    principal: str = "sub"
    roles: str = "roles"
    tenants: str = "tenants"


class Bearer(NamedTuple):
    """Whom a good token is of."""

    principal: str
    roles: tuple[str, ...]
    tenants: tuple[str, ...]


class Unverified(NamedTuple):
    """A token taken apart. Nothing of it is true yet."""

    algorithm: str
    kid: str | None
    claims: bytes
    signed: bytes
    signature: bytes


def is_token(text: str) -> bool:
    """Whether this may be a token at all: three parts, which no key of ours has."""
    return text.count(".") == 2 and text.startswith("ey")


def apart(text: str) -> Unverified:
    """The parts of a token; TokenRefused unless it is one that we could verify."""
    if len(text) > MAX_CHARACTERS:
        raise TokenRefused(f"Expected a token of at most {MAX_CHARACTERS} characters, but it has more.")
    try:
        first, second, third = text.split(".")
        header, claims, signature = (unbase64(part) for part in (first, second, third))
    except ValueError:
        raise TokenRefused("Expected a token of three parts in base64url, but it is not.") from None
    head = _object(header, "header")
    if "crit" in head:
        raise TokenRefused("Expected a token without extensions (`crit`), but it has some.")
    if (named := head.get("alg")) not in _ALGORITHMS:
        raise TokenRefused(f"Expected a token signed by {', '.join(_ALGORITHMS)}, but it says '{str(named)[:20]}'.")
    if str(head.get("typ", "JWT")).lower() not in _TYPES:
        raise TokenRefused("Expected an access token, but its `typ` is another.")
    kid = head.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise TokenRefused("Expected the `kid` of a token to be a text, but it is not.")
    return Unverified(named, kid, claims, f"{first}.{second}".encode(), signature)


def bearer_of(token: Unverified, keys: Iterable[VerifyingKey], terms: Terms, *, now_s: float) -> Bearer:
    """Whom the token is of; TokenRefused unless the issuer has signed it, for us, and it is good now."""
    key = _key_for(token, list(keys))
    if not key.verifies(token.signature, token.signed):
        raise TokenRefused("Expected the signature of a key of the issuer, but it is not: get a new token.")
    claims = _object(token.claims, "claims")
    _check_origin(claims, terms)
    _check_times(claims, now_s)
    principal = _claim(claims, terms.principal)
    if not isinstance(principal, str) or not 1 <= len(principal) <= _MOST_CHARACTERS or not principal.isprintable():
        what = f"Expected the claim '{terms.principal}' of a token to say who it is of, but it does not."
        raise TokenRefused(what)
    return Bearer(principal, _names(claims, terms.roles), _names(claims, terms.tenants))


def _key_for(token: Unverified, keys: list[VerifyingKey]) -> VerifyingKey:
    """The one key that the token names; without a name there must be no choice."""
    named = [key for key in keys if token.kid is None or key.kid == token.kid]
    if not named:
        raise UnknownKid("Expected a token signed by a key of the issuer, but its `kid` names none: get a new token.")
    fitting = [key for key in named if key.algorithm == token.algorithm]
    if len(fitting) != 1:
        why = "its key is for another" if not fitting else "several keys would fit, and it names none"
        raise TokenRefused(f"Expected the one key that a token by {token.algorithm} is signed with, but {why}.")
    return fitting[0]


def _check_origin(claims: Mapping[str, Any], terms: Terms) -> None:
    if claims.get("iss") != terms.issuer:
        raise TokenRefused("Expected a token of the issuer that this suite trusts, but its `iss` is another.")
    audience = claims.get("aud")
    if terms.audience not in (audience if isinstance(audience, list) else [audience]):
        raise TokenRefused(f"Expected a token for '{terms.audience}', but its `aud` is another.")


def _check_times(claims: Mapping[str, Any], now_s: float) -> None:
    expires, begins, issued = (_time(claims, name) for name in ("exp", "nbf", "iat"))
    if expires is None:
        raise TokenRefused("Expected a token that expires (`exp`), but it does not.")
    if now_s >= expires + SKEW_S:
        raise TokenRefused("Expected a token that is still good, but it has expired: get a new one.")
    if max(begins or 0, issued or 0) > now_s + SKEW_S:
        raise TokenRefused("Expected a token that is good already, but it is from the future (`nbf`, `iat`).")


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TokenRefused(f"Expected `{name}` of a token to be a number of seconds, but it is not.")
    return value


def _names(claims: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """A claim as a list of names: a list, or a text with blanks between them."""
    value = _claim(claims, where)
    listed = value.split() if isinstance(value, str) else value
    if listed is None:
        return ()
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed) or len(listed) > _MOST_LISTED:
        raise TokenRefused(f"Expected the claim '{where}' of a token to be a list of names, but it is not.")
    return tuple(dict.fromkeys(listed))


def _claim(claims: Mapping[str, Any], where: str) -> Any:
    if where in claims:
        return claims[where]
    value: Any = claims
    for part in where.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _object(data: bytes, what: str) -> dict[str, Any]:
    """One JSON object in which no name comes twice: two readers would read that differently."""
    try:
        value = json.loads(data, object_pairs_hook=_once, parse_constant=_constant)
    except (ValueError, RecursionError):
        raise TokenRefused(f"Expected the {what} of a token to be JSON, but they are not.") from None
    if not isinstance(value, dict):
        raise TokenRefused(f"Expected the {what} of a token to be an object, but they are not.")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError
    return made


def _constant(_: str) -> Any:
    raise ValueError
