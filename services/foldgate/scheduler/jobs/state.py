"""A pool: its workers, what they hold, and what waits for one.

A job is waiting or held, or unknown here; a worker is known until it leaves or its lease ends.

    WritIssued --> held (JobDispatched), or waiting (JobQueued) --> held (JobDispatched)
    waiting --> gone (JobLost: its writ has expired or is stale, it waited too long, it was called back)
    held    --> held (JobCancelled: its worker is told to stop)
            --> gone (JobReleased: its report came; JobLost: its worker is gone, or did not stop in time)

Two orders are kept beside the tables, so that nobody looks through all jobs to find the next: `line`, who is served
next, and `ends`, whose time is over next.
"""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from foldgate.contracts.events import Job, Writ
from foldgate.contracts.ids import parse_job_id

Entry = TypeVar("Entry", bound=tuple[Any, ...])
HIGHEST_PRIORITY = 9


class Known(msgspec.Struct, frozen=True):
    """A worker. `expires_at` is by the scheduler's clock, counted from that beat; no room means that it is leaving."""

    max_parallel: int
    expires_at: int
    holds: frozenset[str] = frozenset()
    beat: int = 0

    @property
    def room(self) -> int:
        return self.max_parallel - len(self.holds)


class Hold(msgspec.Struct, frozen=True):
    """A job that a worker has. At `limit` its worker is told to stop, at `given_up` it is lost; both None where time is
    not limited. `called_back` once its worker was told."""

    worker: str
    lease: int
    step: str
    run_id: str
    tenant: str
    correlation: str
    limit: int | None = None
    given_up: int | None = None
    called_back: bool = False

    @property
    def ends(self) -> int | None:
        """When there is something to do about it."""
        return self.given_up if self.called_back else self.limit


class Waiting(msgspec.Struct, frozen=True):
    """An authorised job without a worker yet; `place` is its number among all that ever waited."""

    job: Job
    writ: Writ
    correlation: str
    place: int = 0
    constraints: str = ""

    @property
    def step(self) -> str:
        return self.job.step

    @property
    def run_id(self) -> str:
        return parse_job_id(self.job.job_id).run_id

    @property
    def tenant(self) -> str:
        return self.job.tenant

    @property
    def since(self) -> int:
        """When it was authorised."""
        return self.writ.issued_at

    @property
    def patience_ends(self) -> int | None:
        """When it has waited for too long."""
        return self.writ.issued_at + self.job.queue_timeout_ms if self.job.queue_timeout_ms else None

    @property
    def ends(self) -> int:
        """When it waits no longer."""
        patience = self.patience_ends
        return self.writ.expires_at if patience is None else min(patience, self.writ.expires_at)

    @property
    def turn(self) -> tuple[int, int, str]:
        """Whose turn comes first is smaller: the higher priority, then who waits longer."""
        return HIGHEST_PRIORITY - self.job.priority, self.place, self.job.job_id


class Pool(msgspec.Struct, frozen=True):
    """One pool; `lease` is the number of the last lease given, and `stale` how many jobs went back for a writ of the
    policy that holds now."""

    workers: dict[str, Known] = {}
    held: dict[str, Hold] = {}
    waiting: dict[str, Waiting] = {}
    line: tuple[tuple[int, int, str], ...] = ()
    ends: tuple[tuple[int, str], ...] = ()
    lease: int = 0
    stale: int = 0


def describe(pool: Pool) -> Mapping[str, Any]:
    """The pool for those who look at it."""
    room = sum(max(0, known.room) for known in pool.workers.values())
    held, waiting = len(pool.held), len(pool.waiting)
    return {"workers": len(pool.workers), "room": room, "held": held, "waiting": waiting, "stale_writs": pool.stale}


def due(pool: Pool) -> int | None:
    """When a worker's lease or a job's time ends next; at once where somebody has room for what waits."""
    if pool.waiting and any(known.room > 0 for known in pool.workers.values()):
        return 0
    ends = [known.expires_at for known in pool.workers.values()]
    ends += [end for end, _ in pool.ends[:1]]
    return min(ends, default=None)


def with_entry(entries: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    """The entries, in order, with one more."""
    at = bisect_left(entries, entry)
    return (*entries[:at], entry, *entries[at:])


def without_entry(entries: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    """The entries, in order, without one that is there."""
    at = bisect_left(entries, entry)
    return (*entries[:at], *entries[at + 1 :])
