"""What workers say of themselves, what becomes of it, and what people are told of a pool."""

from collections.abc import Callable, Iterator

from foldgate.contracts.events import (
    Event,
    PoolOverloaded,
    PoolRelieved,
    PoolWaitNoted,
    WorkerBeat,
    WorkerJoined,
    WorkerLost,
    WorkerRenewed,
)
from foldgate.decider.decider import Said, SetAside
from foldgate.scheduler.jobs.evolve import LOOK_EVERY_MS, worker_changed
from foldgate.scheduler.jobs.moving import Moving
from foldgate.scheduler.jobs.pieces import each
from foldgate.scheduler.jobs.reasons import told
from foldgate.scheduler.jobs.state import BUSY, FULL, MOST_LATE, Known, Pool
from foldgate.scheduler.jobs.turns import is_overfull, is_relieved, not_waiting

MAX_PARALLEL = 10_000
MAX_NAMES = 1000
"""Topics, capabilities and labels of a worker."""
MAX_WORKERS = 10_000
"""Of a pool: who beats beyond them is not known to it."""
MAX_NOTES = 100
OFTEN = 24
"""So often in a lease may a worker have another room."""
RELIEF_PERCENT = 10
"""So much less busy must a worker be for its pool to be relieved."""


class Beats:
    """The decisions on beats, under the terms of the settings."""

    def __init__(self, *, lease_ms: int, noted_after_ms: int) -> None:
        self.lease_ms, self._noted_after_ms = lease_ms, noted_after_ms

    def taken(self, pool: Moving, beat: WorkerBeat, *, behind: bool = False) -> Iterator[Said]:
        """A beat that tells nothing new costs no event; one that is not of the worker that has that endpoint, or is
        older than the last, tells nothing. While the owner is behind, each of the first tells how far it has come."""
        known, room = pool.workers.get(beat.worker), _room(beat)
        if known is None:
            yield from self._joined(pool, beat, room)
        elif beat.name != known.name or beat.beat <= known.beat:
            return
        elif beat.leaving and not known.holds:
            yield from self._changed(pool, WorkerLost(worker=beat.worker, reason="left"))
        elif self._tells(pool, known, beat, behind=behind):
            renewed = WorkerRenewed(
                worker=beat.worker,
                max_parallel=room,
                expires_at=pool.at + self.lease_ms,
                beat=beat.beat,
                cpu_percent=_percent(beat.cpu_percent),
                gpu_percent=_percent(beat.gpu_percent),
                taken=tuple(_taken_now(pool, known, beat)),
                late=behind,
            )
            yield from self._changed(pool, renewed)

    def _joined(self, pool: Moving, beat: WorkerBeat, room: int) -> Iterator[Said]:
        if not room or len(pool.workers) >= MAX_WORKERS:
            return
        if max(len(beat.topics), len(beat.capabilities), len(beat.labels)) > MAX_NAMES:
            raise SetAside(
                "beat_too_large", f"Expected at most {MAX_NAMES} topics, capabilities and labels, but got more."
            )
        joined = WorkerJoined(
            worker=beat.worker,
            name=beat.name,
            max_parallel=room,
            expires_at=pool.at + self.lease_ms,
            beat=beat.beat,
            topics=beat.topics,
            capabilities=beat.capabilities,
            labels=beat.labels,
            cpu_percent=_percent(beat.cpu_percent),
            gpu_percent=_percent(beat.gpu_percent),
        )
        yield from self._changed(pool, joined)

    def _changed(self, pool: Moving, event: WorkerJoined | WorkerRenewed | WorkerLost) -> Iterator[Said]:
        """And what follows from it for the pool."""
        looks = pool.at >= pool.looked_at + LOOK_EVERY_MS
        yield of_pool(event)
        worker_changed(pool, event)
        yield from self.load(pool)
        yield from self._review(pool) if looks else ()

    def _tells(self, pool: Moving, known: Known, beat: WorkerBeat, *, behind: bool) -> bool:
        """Whether this beat is noted: a third of the lease has gone, or all of it. So are the first that an owner reads
        that is behind, those of the others that name something, and the first it reads in time after that; and one that
        leaves, or has another room. Whatever a worker says, and however often, few of its beats are."""
        left, room = known.expires_at - pool.at, _room(beat)
        if known.lapsed or left <= self.lease_ms * 2 // 3:
            return True
        if behind:
            return known.late < MOST_LATE or any(_taken_now(pool, known, beat))
        if known.late >= MOST_LATE:
            return True
        return room != known.max_parallel and (not room or left <= self.lease_ms - self.lease_ms // OFTEN)

    def load(self, pool: Moving) -> Iterator[Said]:
        """Whether the pool is overloaded, where that has changed."""
        waiting = len(pool.waiting)
        if pool.overloaded:
            if is_relieved(pool) or (pool.overloaded == BUSY and not _is_busy(pool, less=RELIEF_PERCENT)):
                pool.overloaded = ""
                yield of_pool(PoolRelieved(pool=pool.name, waiting=waiting))
        elif pool.terms is not None and is_overfull(pool):
            pool.overloaded = FULL
            reason = f"Expected at most {pool.terms.max_waiting} waiting jobs, but there are {waiting}."
            yield of_pool(PoolOverloaded(pool=pool.name, waiting=waiting, reason=reason))
        elif reason := _is_busy(pool):
            pool.overloaded = BUSY
            yield of_pool(PoolOverloaded(pool=pool.name, waiting=waiting, reason=reason))

    def notes(self, pool: Moving) -> Iterator[Said]:
        """What has waited for long by now, and what waits no longer of which that was said."""
        for topic in not_waiting(pool)[:MAX_NOTES]:
            yield self._noted(pool, topic, "")
        topics: dict[str, None] = {}
        for since, name in each(pool.heads):
            if since + self._noted_after_ms > pool.at or len(topics) >= MAX_NOTES:
                break
            topics[pool.lanes[name].topic] = None
        for topic in topics:
            yield self._noted(pool, topic, told(pool, topic).reason)

    def _review(self, pool: Moving) -> Iterator[Said]:
        """What people were told is looked at again."""
        for topic, noted in list(pool.noted.items())[:MAX_NOTES]:
            now = told(pool, topic)
            is_over = not now.waiting or now.since + self._noted_after_ms > pool.at
            if is_over or now.reason != noted.reason:
                yield self._noted(pool, topic, "" if is_over else now.reason)

    def _noted(self, pool: Moving, topic: str, reason: str) -> Said:
        now = told(pool, topic)
        pool.note(topic, reason)
        noted = PoolWaitNoted(pool=pool.name, topic=topic, waiting=now.waiting, reason=reason, since=now.since)
        return of_pool(noted)


def of_pool(event: Event) -> Said:
    """What concerns a pool or a worker of it concerns no run, also where the pool's first event came of one."""
    return Said(event, run_id="", tenant="", correlation="")


def _room(beat: WorkerBeat) -> int:
    return 0 if beat.leaving else max(0, min(MAX_PARALLEL, beat.max_parallel))


def _percent(said: int) -> int:
    return max(-1, min(100, said))


def _taken_now(pool: Pool, known: Known, beat: WorkerBeat) -> Iterator[int]:
    """The leases that this beat names first, of those that the worker holds."""
    for lease in sorted(known.holds.keys() & set(beat.holding)):
        if pool.held[known.holds[lease]].take_by is not None:
            yield lease


def _is_busy(pool: Pool, *, less: int = 0) -> str:
    """Whether all its workers are busier than its terms allow, or than so much less: as a sentence."""
    if pool.terms is None or not pool.workers:
        return ""
    loads: tuple[tuple[str, int, Callable[[Known], int]], ...] = (
        ("processors", pool.terms.max_cpu_percent, lambda known: known.cpu_percent),
        ("graphics processors", pool.terms.max_gpu_percent, lambda known: known.gpu_percent),
    )
    for what, most, load in loads:
        least = min(map(load, pool.workers.values()))
        if least > most - less:
            return f"Expected {what} at most {most} % busy, but those of all {len(pool.workers)} workers are {least} %."
    return ""
