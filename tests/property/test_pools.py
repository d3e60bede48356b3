"""Pools change at any moment, and no job loops, is lost or strands; each is where the pools that its writ names lead.

The services are the real ones (`tests/support/pooling.py`). A failure shows its seed.
"""

from collections import Counter
from collections.abc import Iterable

import pytest

from foldgate.authority.pools import Pools
from foldgate.contracts.events import (
    JobDispatched,
    JobLost,
    JobQueued,
    JobRefused,
    JobRequested,
    PoolChanged,
    PoolDrainRequested,
    PoolOverloaded,
    PoolsPublished,
    PoolsPutRequested,
    RunFailed,
    WritIssued,
)
from tests.support.governed import Governed, named
from tests.support.hosting import Owned, Written
from tests.support.pooling import PoolsWorld
from tests.support.thorough import daily

SEEDS = range(daily(40, thorough=3000))
TURNS = 700
MUST_HAPPEN = (
    "JobRefused",
    "PoolOverloaded",
    "PoolRelieved",
    "PoolTermsTaken",
    "PoolsRefused",
    "RunCancelled",
    "closed: draining",
    "closed: overloaded",
    "closed: removed",
    "lost: pool_closed",
)


class Watching:
    """What is seen, so that nothing is claimed of what never happens."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def __call__(self, _: Governed, __: Owned, said: list[Written]) -> None:
        for one in said:
            self.seen[type(one.event).__name__] += 1
            if isinstance(one.event, PoolChanged) and not one.event.is_open:
                self.seen[f"closed: {one.event.reason}"] += 1
            if isinstance(one.event, JobLost):
                self.seen[f"lost: {one.event.reason}"] += 1


def check_numbers(changes: Iterable[Written]) -> None:
    """Each change is one more than the one before it."""
    events = [one.event for one in changes if isinstance(one.event, PoolChanged | PoolsPublished)]
    assert [event.number for event in events] == list(range(1, len(events) + 1))


def check_choices(world: Governed) -> None:
    """Each writ is for the pool that the changes lead to which it names; what was refused fits none of them."""
    decided = named(world.streams.of("decisions"), WritIssued, JobRefused)
    asked = {
        one.event.job.job_id: one.event.job for one in world.streams.of("runs") if isinstance(one.event, JobRequested)
    }
    table, changes = Pools(), iter(list(world.streams.of("pools")))
    for number, event in sorted(((known(one.event), one.event) for one in decided), key=lambda pair: pair[0]):
        while table.number < number:
            change = next(changes)
            table.add(change.meta, change.event, 0)
        if isinstance(event, WritIssued):
            assert table.choose(event.job).pool == event.writ.pool
        else:
            assert isinstance(event, JobRefused)
            assert table.choose(asked[event.job_id]).pool == ""


def known(event: object) -> int:
    """The last change of pools that was known when that was decided."""
    assert isinstance(event, WritIssued | JobRefused)
    return event.writ.pools_number if isinstance(event, WritIssued) else event.pools_number


def check_returns(world: Governed) -> None:
    """A job comes back only for a change that its writ did not know, and the next writ knows it: so not for ever."""
    writs = {
        one.event.job.job_id: one.event.writ
        for one in world.streams.of("decisions")
        if isinstance(one.event, WritIssued)
    }
    wanted = 0
    for one in world.streams.of("jobs"):
        if isinstance(one.event, JobLost) and one.event.reason == "pool_closed":
            wanted += 1
            assert one.event.pools_number > writs[one.event.job_id].pools_number
    asked = [one.event for one in world.streams.of("runs") if isinstance(one.event, JobRequested)]
    for again in asked:
        if again.after == "pool_closed" and (writ := writs.get(again.job.job_id)) is not None:
            assert writ.pools_number >= again.pools_number > 0
    closings = sum(not one.event.is_open for one in world.streams.of("pools") if isinstance(one.event, PoolChanged))
    returns = Counter(again.job.job_id.rpartition("@")[0] for again in asked if again.after == "pool_closed")
    assert max(returns.values(), default=0) <= closings
    assert sum(returns.values()) <= wanted


def check_loads(world: Governed) -> None:
    """A pool is full again only after something left it for good, or somebody changed pools: it does not open and close
    by itself."""
    jobs = [one.event for one in world.streams.of("jobs")]
    left = sum(isinstance(one, JobDispatched | JobLost) and getattr(one, "reason", "") != "pool_closed" for one in jobs)
    asked = sum(isinstance(one.event, PoolsPutRequested | PoolDrainRequested) for one in world.streams.of("admin"))
    assert sum(isinstance(one, PoolOverloaded) for one in jobs) <= left + asked


def check_ends(world: Governed) -> None:
    """A run fails because its job broke, or because no pool takes it; for nothing else."""
    for one in world.streams.of("runs"):
        if isinstance(one.event, RunFailed):
            assert one.event.code in ("broken", "no_pool")
    assert not [one for one in world.streams.aside if one.code == "internal_error"]


@pytest.mark.parametrize("part", range(2))
def test_whatever_becomes_of_pools_no_job_loops_or_strands(part: int) -> None:
    seen: Counter[str] = Counter()
    for seed in SEEDS[part::2]:
        watching = Watching()
        world = PoolsWorld(seed, watching)
        try:
            world.play(TURNS)
            check_numbers(world.streams.of("pools"))
            check_choices(world)
            check_returns(world)
            check_loads(world)
            check_ends(world)
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
        seen += watching.seen
    assert not [name for name in MUST_HAPPEN if not seen[name]], "else this says nothing of it"


@pytest.mark.parametrize("seed", SEEDS[:10])
def test_where_nobody_works_all_comes_to_rest(seed: int) -> None:
    """A pool that is full does not give back what waits: it would be open again at once, and get it all back."""
    world = PoolsWorld(seed, Watching())
    world.fill(8)
    for _ in range(5_000):
        world.tick()
        if not world.read():
            break
    else:
        raise AssertionError("jobs go round and round")
    full = [one.event for one in world.streams.of("jobs") if isinstance(one.event, PoolOverloaded)]
    assert [one.pool for one in full] == ["one"]
    queued = [one.meta.pool for one in world.streams.of("jobs") if isinstance(one.event, JobQueued)]
    assert len(queued) == 8
    assert queued.count("one") >= 2
