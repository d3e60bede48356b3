"""Changes of policy, as requests: each waits to be signed by the client that sends it, and is answered with a verdict.

client = Client(log, principal="ada", signer=signer)
verdict = await client.decided(a_bundle(source, revision=0))       # PolicyDrafted, or PolicyRefused
verdict = await client.decided(a_publishing(["secops/production"], reason="…"))
"""

from collections.abc import Iterable

from foldgate.contracts.events import (
    Event,
    KeyRevokeRequested,
    KeySubmitted,
    PolicyDeleteRequested,
    PolicyPublishRequested,
    PolicyPutRequested,
    PolicyRollbackRequested,
    PolicyShadowRequested,
    Signature,
)
from foldgate.contracts.topics import ADMIN, POLICIES
from foldgate.sdk.requests import Request, new_id

KEY = "policies"
"""All of the policy of a suite is one aggregate."""


def a_bundle(
    source: str,
    *,
    revision: int,
    signature: Signature | None = None,
    reason: str = "",
    request_id: str = "",
) -> Request:
    """A draft of the bundle in this document, from the revision that its author knows; 0 for a new one. `signature` is
    the author's under the document. Raises BundleInvalid, with every mistake in it, if it is no bundle."""
    from foldgate.authority.bundles import prepare  # all of the language: who puts nothing does without it

    bundle = prepare(source).bundle
    event = PolicyPutRequested(
        bundle=bundle, source=source, revision=revision, reason=reason, bundle_signature=signature
    )
    return _asked(event, request_id)


def a_publishing(bundles: Iterable[str] = (), *, reason: str = "", request_id: str = "") -> Request:
    """A request that the last drafts of these bundles become active; of all that have one which waits, without any."""
    return _asked(PolicyPublishRequested(bundles=tuple(bundles), reason=reason), request_id)


def a_rollback(snapshot: str, *, reason: str = "", request_id: str = "") -> Request:
    """A request that a snapshot which was active becomes it again."""
    return _asked(PolicyRollbackRequested(policy_snapshot=snapshot, reason=reason), request_id)


def a_deletion(bundle: str, *, reason: str = "", request_id: str = "") -> Request:
    """A request that a bundle is active no longer."""
    return _asked(PolicyDeleteRequested(bundle=bundle, reason=reason), request_id)


def a_shadow(bundle: str, *, revision: int, reason: str = "", request_id: str = "") -> Request:
    """A request that this draft is evaluated beside what is active; revision 0 ends that."""
    return _asked(PolicyShadowRequested(bundle=bundle, revision=revision, reason=reason), request_id)


def a_known_key(certificate: bytes, *, request_id: str = "") -> Request:
    """A request that a key is listed, by its certificate."""
    return _asked(KeySubmitted(certificate=certificate), request_id)


def a_revoked_key(key_id: str, *, reason: str = "", request_id: str = "") -> Request:
    """A request that a key is trusted no longer."""
    return _asked(KeyRevokeRequested(key_id=key_id, reason=reason), request_id)


def _asked(event: Event, request_id: str) -> Request:
    return Request(
        stream=ADMIN.name,
        key=KEY,
        answered_on=POLICIES.name,
        request_id=request_id or new_id(),
        event=event,
    )
