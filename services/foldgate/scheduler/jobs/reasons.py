"""Why jobs of a pool wait, as people are told; and the pool as those see it who look at it."""

from collections.abc import Iterator, Mapping
from itertools import takewhile
from operator import attrgetter
from typing import Any, NamedTuple

from foldgate.decider.decider import Wait
from foldgate.scheduler.jobs.fitting import misses, told_gate
from foldgate.scheduler.jobs.pieces import each
from foldgate.scheduler.jobs.state import Kind, Known, Lane, Pool
from foldgate.scheduler.jobs.turns import has_room, is_shut, may_retry

MOST_TOLD = 1000


class Topic(NamedTuple):
    """What waits of one kind of work: how much, since when, and what the first of it waits for."""

    waiting: int
    since: int
    reason: str


def reason_of(pool: Pool, lane: Lane) -> str:
    """What the jobs of a lane wait for."""
    kind = pool.kinds[lane.kind]
    if not kind.fits:
        return _nobody_fits(pool, kind)
    for counter, limit in (*lane.own, *lane.shared):
        if is_shut(pool, ((counter, limit),)):
            return told_gate(counter, limit)
    if not has_room(pool, kind.fits):
        count = sum(known.profile in kind.fits for known in pool.workers.values())
        return f"all {count} workers that fit are full" if count > 1 else "the one worker that fits is full"
    if lane.is_retry and not may_retry(pool):
        return "the retry budget: too much of what is done here is retries"
    return "its turn"


def _nobody_fits(pool: Pool, kind: Kind) -> str:
    if not pool.profiles:
        return f"a worker: pool '{pool.name}' has none"
    lacking = min((misses(profile, kind) for profile in pool.profiles.values()), key=len)
    return f"no worker of pool '{pool.name}' {lacking}"


def told(pool: Pool, topic: str) -> Topic:
    """What waits of a topic."""
    lanes = [lane for lane in pool.lanes.values() if lane.topic == topic]
    if not lanes:
        return Topic(0, pool.at, "")
    oldest = min(lanes, key=attrgetter("head"))
    return Topic(sum(lane.size for lane in lanes), oldest.since, _in_full(pool, oldest))


def explain(pool: Pool, job_id: str) -> str:
    """What one job waits for; empty if it does not wait here."""
    waiting = pool.waiting.get(job_id)
    lane = None if waiting is None else pool.lanes.get(waiting.lane)
    if waiting is None or lane is None:
        return ""
    return _in_full(pool, lane) + _before(pool, lane, waiting.place)


def _before(pool: Pool, lane: Lane, place: int) -> str:
    """How many come before a job, of those that the same workers might get. Who is told does look through them."""
    fits = set(pool.kinds[lane.kind].fits)
    others = [other for other in pool.lanes.values() if fits & set(pool.kinds[other.kind].fits)]
    higher = sum(other.size for other in others if other.level > lane.level)
    alike = [other for other in others if (other.tenant, other.level) == (lane.tenant, lane.level)]
    earlier = sum(1 for other in alike for _ in takewhile(lambda entry: entry[0] < place, each(other.queue)))
    told = [f"{higher} of a higher level"] if higher else []
    told += [f"{earlier} of its own tenant"] if earlier else []
    return f"; before it: {' and '.join(told)}" if told else ""


def waits(pool: Pool) -> Iterator[Wait]:
    """What each lane waits for, the first to come first."""
    for lane in sorted(pool.lanes.values(), key=attrgetter("head"))[:MOST_TOLD]:
        yield Wait(lane.topic, _in_full(pool, lane), lane.since)


def _in_full(pool: Pool, lane: Lane) -> str:
    reason = reason_of(pool, lane)
    return f"{reason}; the pool takes no more: {pool.why_closed}" if pool.closed else reason


def describe(pool: Pool) -> Mapping[str, Any]:
    """The pool for those who look at it."""
    return {
        "workers": len(pool.workers),
        "room": sum(max(0, known.room) for known in pool.workers.values()),
        "held": len(pool.held),
        "waiting": len(pool.waiting),
        "stale_writs": pool.stale,
        "open": not pool.closed,
        "closed_for": pool.why_closed,
        "overloaded": bool(pool.overloaded),
        "noted": {topic: noted.reason for topic, noted in pool.noted.items()},
        "each": {endpoint: _described(pool, known) for endpoint, known in sorted(pool.workers.items())},
    }


def _described(pool: Pool, known: Known) -> dict[str, Any]:
    profile = pool.profiles[known.profile]
    return {
        "name": known.name,
        "topics": list(profile.topics),
        "capabilities": list(profile.capabilities),
        "labels": dict(profile.labels),
        "max_parallel": known.max_parallel,
        "held": len(known.holds),
        "cpu_percent": known.cpu_percent,
        "gpu_percent": known.gpu_percent,
        "expires_at": known.expires_at,
        "leaving": known.max_parallel == 0,
    }
