"""What an event makes of the pools."""

from msgspec.structs import replace

from foldgate.authority.pools_terms import DRAINING, OVERLOADED, drained_for
from foldgate.contracts.events import Event, Meta, PoolChanged, PoolsPublished, PoolsRefused
from foldgate.decider.decider import IllegalTransition
from foldgate.scheduler.pools.state import (
    DISMISSED_REMEMBERED,
    UNPROVEN,
    Known,
    Pools,
    identity,
)


def evolve(pools: Pools | None, meta: Meta, event: Event) -> Pools:
    """The pools after this event."""
    pools = pools or Pools()
    match event:
        case PoolsPublished() if (event.number, event.revision) == (pools.number + 1, pools.revision + 1):
            after = replace(pools, document=event.document, revision=event.revision, number=event.number)
            return _answered(after, meta)
        case PoolChanged() if event.number == pools.number + 1:
            return _changed(pools, meta, event)
        case PoolsRefused(code=code) if code in UNPROVEN:
            return replace(pools, dismissed=(*pools.dismissed, identity(meta))[-DISMISSED_REMEMBERED:])
        case PoolsRefused():
            return _answered(pools, meta)
        case _:
            raise IllegalTransition(f"{type(event).__name__} does not fit the pools: {meta.event_id}")


def _changed(pools: Pools, meta: Meta, event: PoolChanged) -> Pools:
    """Where it is drained or not any longer, that is what somebody asked for."""
    before, reasons = pools.pools.get(event.pool), event.reason.split(", ")
    known = Known(event.terms, DRAINING in reasons, OVERLOADED in reasons, words=drained_for(event))
    table = {name: one for name, one in pools.pools.items() if name != event.pool}
    table |= {event.pool: known} if event.terms else {}
    after = replace(pools, number=event.number, pools=table)
    asked = before is not None and before.draining != known.draining and event.terms
    return _answered(after, meta) if asked else after


def _answered(pools: Pools, meta: Meta) -> Pools:
    return replace(pools, answered={**pools.answered, identity(meta): None})
