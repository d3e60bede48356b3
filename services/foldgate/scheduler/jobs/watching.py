"""What is measured of a pool: the jobs that wait for a worker, and what is given back to be asked for again."""

from collections.abc import Iterator

from foldgate.contracts.events import Event, JobLost
from foldgate.scheduler.jobs.state import Pool


def watches(pool: Pool) -> Iterator[tuple[str, int]]:
    """Jobs without a worker, by when they were authorised."""
    for one in pool.waiting.values():
        yield "worker", one.since


def counts(event: Event) -> str:
    """Why a job was given back: `writ_stale` is one whose writ is of a policy that holds no longer."""
    return event.reason if isinstance(event, JobLost) else ""
