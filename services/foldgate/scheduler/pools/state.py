"""The pools of a suite: which there are, which topics go to them, and which take jobs. One aggregate, for ever.

    all         any --PoolsPublished--> these pools and routes, and the next revision
    a pool      (none) --PoolChanged--> open --PoolChanged--> closed --PoolChanged--> open
                any --PoolChanged without terms--> (none)
    any         --PoolsRefused--> the same

A pool is closed while somebody drains it, and while it is overloaded; it is open again once neither is so. Each event
that changes anything has a number, one more than the one before it: so whoever has read some of them knows which.

A request with a trusted signature is answered once, for ever: whoever reads it on the log and sends it again changes
nothing. What nobody vouches for is remembered for a while, and stands in no other request's way.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from foldgate.authority.pools_terms import DRAINING, OVERLOADED
from foldgate.contracts.events import Meta

KEY = "pools"
"""The key of this one aggregate."""
DISMISSED_REMEMBERED = 64
"""Requests without a trusted signature: one that comes again within so many is answered already."""
UNPROVEN = frozenset(
    (
        "unsigned",
        "unknown_key",
        "wrong_purpose",
        "wrong_tenant",
        "key_expired",
        "key_revoked",
        "bad_signature",
        "internal_error",
    )
)
"""The codes of refusals that do not rest on a trusted signature."""


class Known(msgspec.Struct, frozen=True):
    """A pool of the document, and what keeps it from taking jobs; while it is drained, in whose `words`."""

    terms: str
    draining: bool = False
    overloaded: bool = False
    words: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it takes jobs."""
        return not (self.draining or self.overloaded)

    @property
    def reason(self) -> str:
        """Why it takes none."""
        return ", ".join([DRAINING] * self.draining + [OVERLOADED] * self.overloaded)


class Pools(msgspec.Struct, frozen=True):
    """`number` is that of the last change; revision 0 means that nobody has said yet which pools there are."""

    document: str = ""
    revision: int = 0
    number: int = 0
    pools: dict[str, Known] = {}
    answered: dict[str, None] = {}
    dismissed: tuple[str, ...] = ()


def identity(meta: Meta) -> str:
    """Which request it is: its id, of whoever asks."""
    return f"{meta.principal}/{meta.request_id}"


def describe(pools: Pools) -> Mapping[str, Any]:
    """The pools for those who look at them."""
    closed = {name: pool.reason for name, pool in pools.pools.items() if not pool.is_open}
    return {"revision": pools.revision, "number": pools.number, "pools": list(pools.pools), "closed": closed}
