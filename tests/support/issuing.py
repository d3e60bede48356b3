"""An issuer of bearer tokens: its keys, what it signs, and what it must never have signed."""

import base64
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256

ISSUER, AUDIENCE = "https://example.com/", "foldgate"
NOW_S = 1_800_000_000
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "ada",
    "exp": NOW_S + 300,
    "roles": ["operator", "sre"],
    "tenants": ["acme"],
}


class IssuerKey(NamedTuple):
    """A private key, the algorithm that it is for, and its name."""

    kid: str
    algorithm: str
    private: Any

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """Its public half; what is changed to None is left out."""
        public = self.private.public_key()
        match self.algorithm:
            case "RS256":
                numbers = public.public_numbers()
                own = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
            case "ES256":
                numbers = public.public_numbers()
                own = {"kty": "EC", "crv": "P-256", "x": number(numbers.x, 32), "y": number(numbers.y, 32)}
            case _:
                own = {"kty": "OKP", "crv": "Ed25519", "x": text(public.public_bytes_raw())}
        made = {"kid": self.kid, "use": "sig", "alg": self.algorithm, **own, **changes}
        return {name: value for name, value in made.items() if value is not None}

    def signed(self, claims: Any = CLAIMS, **header: Any) -> str:
        """A token of these claims; what is None in the header is left out."""
        head = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid, **header}
        said = b"%s.%s" % (
            text(json.dumps({name: value for name, value in head.items() if value is not None}).encode()).encode(),
            text(claims if isinstance(claims, bytes) else json.dumps(claims).encode()).encode(),
        )
        return f"{said.decode()}.{text(self.signature(said))}"

    def signature(self, data: bytes) -> bytes:
        """Over these bytes, as tokens have it."""
        match self.algorithm:
            case "RS256":
                made: bytes = self.private.sign(data, padding.PKCS1v15(), SHA256())
                return made
            case "ES256":
                r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(SHA256())))
                return r.to_bytes(32, "big") + s.to_bytes(32, "big")
            case _:
                plain: bytes = self.private.sign(data)
                return plain


RSA = IssuerKey("r1", "RS256", rsa.generate_private_key(public_exponent=65537, key_size=2048))
EC = IssuerKey("e1", "ES256", ec.generate_private_key(ec.SECP256R1()))
ED = IssuerKey("d1", "EdDSA", ed25519.Ed25519PrivateKey.generate())
STRANGER = IssuerKey("r1", "RS256", rsa.generate_private_key(public_exponent=65537, key_size=2048))


def jwks(*keys: Mapping[str, Any]) -> bytes:
    """A set of these; of all three without any."""
    return json.dumps({"keys": list(keys) or [RSA.jwk(), EC.jwk(), ED.jwk()]}).encode()


def number(value: int, size: int = 0) -> str:
    """A number as keys have it."""
    return text(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def text(data: bytes) -> str:
    """Bytes as tokens have them."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
