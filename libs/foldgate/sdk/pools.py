"""Changes of pools, as requests: each waits to be signed by the client that sends it, and is answered with a verdict.

client = Client(log, principal="ada", signer=signer)
verdict = await client.decided(a_layout(source, revision=0))       # PoolsPublished, or PoolsRefused
verdict = await client.decided(a_drain("sre", reason="…"))         # PoolChanged, or PoolsRefused
"""

from foldgate.contracts.events import Event, PoolDrainRequested, PoolsPutRequested
from foldgate.contracts.topics import ADMIN, POOLS
from foldgate.sdk.requests import Request, new_id

KEY = "pools"
"""All pools of a suite are one aggregate."""


def a_layout(source: str, *, revision: int, reason: str = "", request_id: str = "") -> Request:
    """All pools and routes, as they are in this document, from the revision that its author knows; 0 for the first.
    Raises PoolsInvalid, with every mistake in it, if it is no such document."""
    from foldgate.authority.pools_reading import prepare  # all of the language: who puts nothing does without it

    prepare(source)
    return _asked(PoolsPutRequested(source=source, revision=revision, reason=reason), request_id)


def a_drain(pool: str, *, reason: str = "", request_id: str = "") -> Request:
    """A request that a pool takes no more jobs: what waits there goes elsewhere, where it can."""
    return _asked(PoolDrainRequested(pool=pool, draining=True, reason=reason), request_id)


def an_opening(pool: str, *, reason: str = "", request_id: str = "") -> Request:
    """A request that a pool which was drained takes jobs again."""
    return _asked(PoolDrainRequested(pool=pool, draining=False, reason=reason), request_id)


def _asked(event: Event, request_id: str) -> Request:
    return Request(
        stream=ADMIN.name,
        key=KEY,
        answered_on=POOLS.name,
        request_id=request_id or new_id(),
        event=event,
    )
