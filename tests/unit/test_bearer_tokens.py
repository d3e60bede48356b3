"""Tokens of an issuer: which are good, whom they are of, and every way in which one is not."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from foldgate.identity.jwks import JwksInvalid, keys_in
from foldgate.identity.tokens import Bearer, Terms, TokenRefused, UnknownKid, apart, bearer_of, is_token
from tests.support.issuing import AUDIENCE, CLAIMS, EC, ED, ISSUER, NOW_S, RSA, STRANGER, IssuerKey, jwks, number, text

TERMS = Terms(ISSUER, AUDIENCE)
KEYS = keys_in(jwks())
ADA = Bearer("ada", ("operator", "sre"), ("acme",))


def bearer(token: str, *, terms: Terms = TERMS, now_s: float = NOW_S, keys: Any = KEYS) -> Bearer:
    return bearer_of(apart(token), keys, terms, now_s=now_s)


@pytest.mark.parametrize("key", [RSA, EC, ED], ids=lambda key: key.algorithm)
def test_a_token_of_each_algorithm_is_good(key: IssuerKey) -> None:
    assert is_token(key.signed())
    assert bearer(key.signed()) == ADA
    assert bearer(key.signed(typ=None)) == ADA
    assert bearer(key.signed(typ="at+jwt")) == ADA


SAYS: dict[str, tuple[dict[str, Any], Bearer]] = {
    "an audience among others": ({"aud": ["other", AUDIENCE]}, ADA),
    "that it began": ({"nbf": NOW_S - 1, "iat": NOW_S - 1}, ADA),
    "what is a minute off": ({"exp": NOW_S - 59, "nbf": NOW_S + 60, "iat": NOW_S + 60}, ADA),
    "roles in a text": ({"roles": "viewer  sre viewer"}, ADA._replace(roles=("viewer", "sre"))),
    "no roles": ({"roles": None}, ADA._replace(roles=())),
    "all tenants": ({"tenants": "*"}, ADA._replace(tenants=("*",))),
}


@pytest.mark.parametrize("name", SAYS)
def test_a_token_says(name: str) -> None:
    changes, expected = SAYS[name]
    assert bearer(ED.signed(CLAIMS | changes)) == expected


def test_claims_may_lie_deeper_and_have_dots_in_their_names() -> None:
    claims = CLAIMS | {"realm": {"roles": ["viewer"]}, "https://example.com/tenants": ["acme"], "email": "ada@x"}
    terms = Terms(ISSUER, AUDIENCE, principal="email", roles="realm.roles", tenants="https://example.com/tenants")
    assert bearer(ED.signed(claims), terms=terms) == Bearer("ada@x", ("viewer",), ("acme",))


NOT_GOOD: dict[str, dict[str, Any]] = {
    "of another issuer": {"iss": "https://example.org/"},
    "of no issuer": {"iss": None},
    "of an issuer that is a list": {"iss": [ISSUER]},
    "for somebody else": {"aud": "other"},
    "for nobody": {"aud": None},
    "expired": {"exp": NOW_S - 60},
    "without an end": {"exp": None},
    "with an end that is a text": {"exp": str(NOW_S + 300)},
    "with an end that is true": {"exp": True},
    "not yet good": {"nbf": NOW_S + 61},
    "from the future": {"iat": NOW_S + 61},
    "of nobody": {"sub": None},
    "of an empty name": {"sub": ""},
    "of a long name": {"sub": "a" * 201},
    "of a name that drives terminals": {"sub": "ada\x1b[2J"},
    "of a number": {"sub": 7},
    "with roles that are none": {"roles": [1]},
    "with roles that are an object": {"roles": {"operator": True}},
    "with too many roles": {"roles": ["r"] * 101},
}


@pytest.mark.parametrize("name", NOT_GOOD)
def test_a_token_is_not_good(name: str) -> None:
    with pytest.raises(TokenRefused, match="Expected"):
        bearer(ED.signed(CLAIMS | NOT_GOOD[name]))


def public_pem(key: IssuerKey) -> bytes:
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    pem: bytes = key.private.public_key().public_bytes(*form)
    return pem


def unsigned(algorithm: str, *, kid: str | None = "r1", signature: bytes = b"") -> str:
    head, _, rest = RSA.signed(alg=algorithm, kid=kid).partition(".")
    return f"{head}.{rest.partition('.')[0]}.{text(signature)}"


def by_hmac() -> str:
    """Signed with what everybody knows, taken for a secret."""
    said = unsigned("HS256").rpartition(".")[0]
    return f"{said}.{text(hmac.digest(public_pem(RSA), said.encode(), 'sha256'))}"


def with_der_signature() -> str:
    said = EC.signed().rpartition(".")[0]
    return f"{said}.{text(EC.private.sign(said.encode(), ec.ECDSA(SHA256())))}"


FORGED: dict[str, Callable[[], str]] = {
    "signed by nobody": lambda: unsigned("none"),
    "signed by nobody, loudly": lambda: unsigned("NONE"),
    "signed with the public key": by_hmac,
    "signed by a stranger": STRANGER.signed,
    "without a signature": lambda: unsigned("RS256"),
    "signed with zeros": lambda: EC.signed().rpartition(".")[0] + "." + text(bytes(64)),
    "with a signature in another form": with_der_signature,
    "by an algorithm that is not its key's": lambda: EC.signed(kid="r1"),
    "by an algorithm that its key could do": lambda: unsigned("PS256", signature=bytes(256)),
    "by an algorithm that is no text": lambda: RSA.signed(alg=["RS256"]),
    "with an extension": lambda: RSA.signed(crit=["exp"]),
    "with a key of its own": lambda: STRANGER.signed(jwk=STRANGER.jwk(), jku="https://example.org"),
    "of another type": lambda: RSA.signed(typ="logout+jwt"),
    "with a kid that is none": lambda: RSA.signed(kid=["r1"]),
    "with claims that are no object": lambda: RSA.signed(["ada"]),
    "with a claim twice": lambda: RSA.signed(json.dumps(CLAIMS).encode()[:-1] + b', "sub": "eve"}'),
    "with claims that are no JSON": lambda: RSA.signed(b"sub=ada"),
    "with a number that is none": lambda: RSA.signed(json.dumps(CLAIMS | {"exp": float("nan")}).encode()),
    "with an end beyond numbers": lambda: RSA.signed(json.dumps(CLAIMS).replace(f"{NOW_S + 300}", "1e400").encode()),
    "with claims without end": lambda: RSA.signed(b"[" * 9_000),
    "of two parts": lambda: RSA.signed().rpartition(".")[0],
    "of four parts": lambda: RSA.signed() + ".e30",
    "of parts that are no base64": lambda: "ey!." + RSA.signed().partition(".")[2],
    "with padding": lambda: RSA.signed() + "==",
    "too long": lambda: RSA.signed(CLAIMS | {"more": "a" * 20_000}),
    "changed": lambda: changed(RSA.signed()),
}


def changed(token: str) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{text(json.dumps(CLAIMS | {'sub': 'eve'}).encode())}.{signature}"


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_refused(name: str) -> None:
    with pytest.raises(TokenRefused, match="Expected"):
        bearer(FORGED[name]())


def test_a_signature_has_one_spelling() -> None:
    token = ED.signed()
    respelt = base64.urlsafe_b64decode(token.rpartition(".")[2] + "==")
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        other = token[:-1] + last
        if other != token and base64.urlsafe_b64decode(other.rpartition(".")[2] + "==") == respelt:
            with pytest.raises(TokenRefused):
                bearer(other)


def test_a_key_that_is_not_known_is_told_from_a_bad_signature() -> None:
    with pytest.raises(UnknownKid):
        bearer(RSA.signed(kid="r2"))


def test_without_a_kid_there_must_be_no_choice() -> None:
    assert bearer(RSA.signed(kid=None)) == ADA
    two = keys_in(jwks(RSA.jwk(), STRANGER.jwk(kid="r2")))
    assert bearer(RSA.signed(), keys=two) == ADA
    with pytest.raises(TokenRefused, match="several"):
        bearer(RSA.signed(kid=None), keys=two)


SHORT = IssuerKey("s1", "RS256", rsa.generate_private_key(public_exponent=65537, key_size=1024))  # noqa: S505 - refused
PASSED_OVER: dict[str, Any] = {
    "for encryption": RSA.jwk(use="enc"),
    "for signing alone": RSA.jwk(key_ops=["sign"]),
    "for another algorithm": RSA.jwk(alg="PS256"),
    "a secret": {"kty": "oct", "kid": "r1", "k": text(b"secret" * 6)},
    "too short": SHORT.jwk(),
    "too long": RSA.jwk(n=number(2**9000 + 1)),
    "even": RSA.jwk(e=number(2)),
    "no point of the curve": EC.jwk(x=number(1, 32), y=number(1, 32)),
    "of another curve": EC.jwk(crv="P-384"),
    "of a short point": ED.jwk(x=text(b"1")),
    "of no number": RSA.jwk(n=7),
    "not base64": RSA.jwk(n="!!"),
    "without a part": RSA.jwk(n=None),
    "named by a number": RSA.jwk(kid=1),
    "no object": "RSA",
}


@pytest.mark.parametrize("name", PASSED_OVER)
def test_a_key_that_we_cannot_use_is_passed_over(name: str) -> None:
    assert [key.kid for key in keys_in(jwks(PASSED_OVER[name], ED.jwk()))] == ["d1"]
    with pytest.raises(JwksInvalid, match="there is none"):
        keys_in(jwks(PASSED_OVER[name]))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"keys": {}}', b"\xff", b"[" * 100_000])
def test_what_is_no_set_of_keys_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(JwksInvalid, match="Expected"):
        keys_in(data)


@given(st.text(max_size=200) | st.lists(st.binary(max_size=60).map(text), min_size=3, max_size=3).map(".".join))
def test_whatever_is_sent_is_refused_and_breaks_nothing(sent: str) -> None:
    with pytest.raises(TokenRefused):
        bearer(sent)


@given(st.dictionaries(st.sampled_from(sorted(CLAIMS)), st.none() | st.integers() | st.text() | st.lists(st.none())))
def test_whatever_an_issuer_signs_is_read_or_refused(changes: dict[str, Any]) -> None:
    try:
        found = bearer(ED.signed(CLAIMS | changes))
    except TokenRefused:
        return
    assert found.principal.isprintable()
    assert all(isinstance(name, str) for name in (*found.roles, *found.tenants))
