"""Signed bundles: who wrote a document, whoever submits it."""

from foldgate.authority.keys import Certificate, SignatureInvalid, Signer, Trust
from foldgate.contracts.events import Signature

AUTHORS = frozenset(("policy_author", "policy_admin", "admin"))
"""The roles in which somebody may write bundles."""


def sign_document(signer: Signer, source: str) -> Signature:
    """The author's signature under a document, as it is written."""
    return signer.sign(_bytes(source))


def check_document(trust: Trust, signature: Signature | None, source: str, *, at: int) -> Certificate:
    """The certificate of its author; raises SignatureInvalid."""
    certificate = trust.check(signature, _bytes(source), purpose="issuer", at=at)
    if not AUTHORS & set(certificate.roles):
        roles = ", ".join(sorted(AUTHORS))
        reason = f"Expected a bundle signed in one of the roles {roles}, but '{certificate.name}' has none of them."
        raise SignatureInvalid("wrong_role", reason)
    return certificate


def _bytes(source: str) -> bytes:
    return b"foldgate/bundle/1\n" + source.encode()
