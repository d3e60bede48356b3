"""Signed requests: who asks on an open stream, and for whom. Write access to a stream is no authority.

The signature covers the request and those parts of its Meta that say what it is about and who asks: so it is good for
no other run, tenant, person or request id, and sent again it is the same request.

An issuer, such as the gateway, vouches for the tenant and the names of those it has let in: for any tenant, or for the
one that its certificate names. A certificate with the role `person` is somebody's own, and vouches for nobody else.
"""

from collections.abc import Container
from typing import TypeVar

import msgspec

from foldgate.authority.canonical import canonical_bytes
from foldgate.authority.keys import Certificate, SignatureInvalid, Signer, Trust
from foldgate.contracts.events import (
    DeadLetterDiscardRequested,
    DeadLetterRetryRequested,
    KeyRevokeRequested,
    Meta,
    PolicyDeleteRequested,
    PolicyPublishRequested,
    PolicyPutRequested,
    PolicyRollbackRequested,
    PolicyShadowRequested,
    PoolDrainRequested,
    PoolsPutRequested,
    RunCancelRequested,
    RunPauseRequested,
    RunRequested,
    RunResumeRequested,
    SignalSent,
    VoteCast,
    WorkflowRetireRequested,
    WorkflowSubmitted,
)

OfRun = RunRequested | RunCancelRequested | RunPauseRequested | RunResumeRequested | SignalSent
OfLetter = DeadLetterRetryRequested | DeadLetterDiscardRequested
OfWorkflow = WorkflowSubmitted | WorkflowRetireRequested
Signed = (
    VoteCast
    | PolicyPutRequested
    | PolicyPublishRequested
    | PolicyRollbackRequested
    | PolicyDeleteRequested
    | PolicyShadowRequested
    | KeyRevokeRequested
    | PoolsPutRequested
    | PoolDrainRequested
    | OfRun
    | OfLetter
    | OfWorkflow
)
S = TypeVar("S", bound=Signed)
PERSON = "person"
"""The role of a certificate that speaks for nobody but whom it names."""
UNVOUCHED = frozenset(
    {
        "unsigned",
        "unknown_key",
        "wrong_purpose",
        "wrong_tenant",
        "wrong_principal",
        "key_expired",
        "key_revoked",
        "bad_signature",
        "no_request_id",
    }
)
"""The codes of what nobody who may vouches for: whoever refuses it takes no request id from anybody else."""


class Vouching:
    """Says who vouches for what is asked. `revoked` is looked at each time: it may be a set that grows. With `unsigned`
    a request without a signature counts as what it says of itself; one with a wrong signature never does."""

    def __init__(self, trust: Trust, *, revoked: Container[str] = frozenset(), unsigned: bool = False) -> None:
        self._trust, self._revoked, self._unsigned = trust, revoked, unsigned

    def check(self, meta: Meta, event: Signed, *, at: int) -> Certificate | None:
        """The certificate of the issuer; None if there need not be one. Raises SignatureInvalid."""
        if event.signature is None and self._unsigned:
            return None
        certificate = check_request(self._trust, meta, event, at=at)
        name, key_id = certificate.name, certificate.key_id
        if key_id in self._revoked:
            raise SignatureInvalid("key_revoked", f"Expected a trusted key, but {key_id} of '{name}' was revoked.")
        if PERSON in certificate.roles and name != meta.principal:
            reason = f"Expected a request of '{name}', whose key it is, but it is of '{meta.principal[:200]}'."
            raise SignatureInvalid("wrong_principal", reason)
        if not meta.request_id and not isinstance(event, RunRequested):  # of that its run says which it is
            reason = "Expected a request id, so that nobody can send this again, but got none."
            raise SignatureInvalid("no_request_id", reason)
        return certificate


def sign_request(signer: Signer, meta: Meta, event: S) -> S:
    """The request, vouched for by an issuer."""
    return msgspec.structs.replace(event, signature=signer.sign(_bytes(meta, event)))


def check_request(trust: Trust, meta: Meta, event: Signed, *, at: int) -> Certificate:
    """The certificate of the issuer who vouches for it; raises SignatureInvalid."""
    certificate = trust.check(event.signature, _bytes(meta, event), purpose="issuer", at=at)
    if certificate.tenant and certificate.tenant != meta.tenant:
        reason = f"Expected an issuer of tenant '{meta.tenant}', but {certificate.key_id} speaks for another."
        raise SignatureInvalid("wrong_tenant", reason)
    return certificate


def _bytes(meta: Meta, event: Signed) -> bytes:
    about = (meta.key, meta.run_id, meta.tenant, meta.principal, meta.request_id)
    return canonical_bytes(type(event).__name__, event) + b"\n" + msgspec.json.encode(about)
