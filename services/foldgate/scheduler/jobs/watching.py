"""What is measured of a pool, and what is given back to be asked for again. Nobody looks through all that waits."""

from collections.abc import Iterator, Mapping

from foldgate.contracts.events import Event, JobLost
from foldgate.scheduler.jobs.pieces import first
from foldgate.scheduler.jobs.state import Pool


def watches(pool: Pool) -> Iterator[tuple[str, int, int]]:
    """Jobs without a worker: since when the first of them was authorised, and how many."""
    if len(pool.waiting):
        yield "worker", waits_since(pool), len(pool.waiting)


def gauges(pool: Pool, at: int) -> Mapping[str, float]:
    """How it stands with the pool."""
    return {
        "pool_held": len(pool.held),
        "pool_room": sum(max(0, known.room) for known in pool.workers.values()),
        "pool_waiting": len(pool.waiting),
        "pool_waiting_oldest_seconds": max(0, at - waits_since(pool)) / 1000 if len(pool.waiting) else 0,
        "pool_workers": len(pool.workers),
        "pool_overloaded": bool(pool.overloaded),
        "pool_open": not pool.closed,
    }


def waits_since(pool: Pool) -> int:
    """Since when the one waits that waits longest, where something waits."""
    return min(first(order)[0] for order in (pool.heads, pool.known_heads) if order)


def counts(event: Event) -> str:
    """Why a job was given back: `writ_stale` is one whose writ is of a policy that holds no longer."""
    return event.reason if isinstance(event, JobLost) else ""
