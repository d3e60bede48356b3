"""Signed requests: who asks on an open stream, and for whom. Write access to a stream is no authority.

The signature covers the request and those parts of its Meta that say what it is about and who asks: so it is good for
no other run, tenant, person or request id, and sent again it is the same request.
"""

from typing import TypeVar

import msgspec

from foldgate.authority.canonical import canonical_bytes
from foldgate.authority.keys import Certificate, SignatureInvalid, Signer, Trust
from foldgate.contracts.events import (
    KeyRevokeRequested,
    Meta,
    PolicyDeleteRequested,
    PolicyPublishRequested,
    PolicyPutRequested,
    PolicyRollbackRequested,
    PolicyShadowRequested,
    PoolDrainRequested,
    PoolsPutRequested,
    VoteCast,
)

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
)
S = TypeVar("S", bound=Signed)


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
