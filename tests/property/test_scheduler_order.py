"""A pool against a list of jobs that is looked through from one end to the other: the same job is next, each time.

The list knows nothing of lanes, sections and orders. It keeps what waits, what is held and when what began, and works
out anew who may go: a worker that fits has room, no limit is reached. Of those the highest level goes, and of one
tenant who waits longest. And where it says that somebody may go, the pool lets somebody go.
"""

import random
from typing import NamedTuple

import msgspec
import pytest

from foldgate.contracts.events import Decision, Event, Job, JobDispatched, JobQueued, JobReleased, WritIssued
from foldgate.decider.decider import Tick
from foldgate.scheduler.jobs.state import Pool
from tests.support import pools
from tests.support.given import Given
from tests.support.pools import DECIDER, beat, report
from tests.support.thorough import daily

STEP_MS = 60_000
ROOM = {"a/1": 2, "b/1": 1}
TOPICS = {"a/1": ("job.x", "job.y"), "b/1": ("job.y", "job.z")}
LIMITS = {"": (0, 0), '{"max_concurrent":{"tenant":2}}': (2, 0), '{"rate":{"tenant":3}}': (0, 3)}


class One(NamedTuple):
    """A job that waits."""

    job: Job
    since: int
    constraints: str


class Naive:
    """The list."""

    def __init__(self) -> None:
        self.waiting: list[One] = []
        self.held: dict[str, tuple[One, JobDispatched]] = {}
        self.began: list[tuple[int, str, str]] = []

    def may_go(self, one: One, at: int) -> bool:
        at_once, a_minute = LIMITS[one.constraints]
        alike = [held for held, _ in self.held.values() if held.constraints == one.constraints]
        count = sum(held.job.tenant == one.job.tenant for held in alike)
        begun = [b for b in self.began if b[1:] == (one.job.tenant, one.constraints) and b[0] > at - 60_000]
        if (at_once and count >= at_once) or (a_minute and len(begun) >= a_minute):
            return False
        return any(self.room(name) and one.job.topic in TOPICS[name] for name in ROOM)

    def room(self, name: str) -> int:
        return ROOM[name] - sum(given.worker == name for _, given in self.held.values())

    def best(self, at: int) -> list[One]:
        """Those of whom one is next: of the highest level."""
        able = [one for one in self.waiting if self.may_go(one, at)]
        highest = max((self.level(one, at) for one in able), default=0)
        return [one for one in able if self.level(one, at) == highest]

    def level(self, one: One, at: int) -> int:
        return min(9, one.job.priority + (at - one.since) // STEP_MS)


class World:
    """The pool and the list, side by side."""

    def __init__(self, seed: int) -> None:
        self.chance, self.at, self.number = random.Random(seed), 2000, 0
        self.pool: Given[Pool] = Given(DECIDER, key="default")
        self.naive = Naive()
        self.history: list[Event] = []
        for name in ROOM:
            self.beat(name)

    def beat(self, name: str) -> None:
        holding = tuple(given.lease for _, given in self.naive.held.values())
        self.take(msgspec.structs.replace(beat(name, room=ROOM[name], holding=holding), topics=TOPICS[name]))

    def act(self) -> None:
        lot = self.chance.random()
        if lot < 0.5:
            self.ask()
        elif lot < 0.8 and self.naive.held:
            job_id = self.chance.choice(sorted(self.naive.held))
            given = self.naive.held[job_id][1]
            number = int(job_id.removeprefix("run_").partition(":")[0])
            self.take(report(number, lease=given.lease, worker=given.worker))
        else:
            for _ in range(self.chance.choice((1, 3, 30))):
                self.at += self.chance.choice((300, 900))
                for name in ROOM:
                    self.beat(name)
        assert self.pool.state is not None
        while (due := DECIDER.due(self.pool.state)) is not None and due <= self.at:
            if not self.take(Tick()):
                later = DECIDER.later(self.pool.state, self.at)
                assert later is None or later > self.at, "it was due and did nothing"
                break
        assert not self.naive.best(self.at), "somebody could go, and does not"
        oldest = min((one.since for one in self.naive.waiting), default=0)
        measured = [("worker", oldest, len(self.naive.waiting))] if self.naive.waiting else []
        assert list(DECIDER.watches(self.pool.state)) == measured

    def ask(self) -> None:
        self.number += 1
        event = pools.issued(self.number, expires_at=10**12, priority=self.chance.choice((4, 5)))
        topic, tenant = self.chance.choice(("job.x", "job.y", "job.z")), self.chance.choice("tuv")
        constraints = self.chance.choice(list(LIMITS))
        job = msgspec.structs.replace(event.job, topic=topic, tenant=tenant)
        decision = Decision(decision="allow", policy_snapshot="s", constraints=constraints)
        self.take(WritIssued(job=job, writ=event.writ, decision=decision))

    def take(self, message: Event | Tick) -> list[Event]:
        said = self.pool.when(message, at=self.at)
        for event in said:
            self.check(event)
        return said

    def check(self, event: Event) -> None:
        naive = self.naive
        match event:
            case JobQueued(job=job):
                naive.waiting.append(One(job, self.at, event.constraints))
            case JobReleased(job_id=job_id):
                del naive.held[job_id]
            case JobDispatched(job=job):
                found = [one for one in naive.waiting if one.job.job_id == job.job_id]
                one = found[0] if found else One(job, self.at, event.constraints)
                assert naive.may_go(one, self.at), "above a limit, or to nobody that fits"
                assert naive.room(event.worker) > 0
                assert job.topic in TOPICS[event.worker]
                if found:
                    best = naive.best(self.at)
                    assert one in best, "another has a higher level"
                    mine = [other for other in best if other.job.tenant == job.tenant]
                    assert one == mine[0], "another of that tenant waits longer"
                    naive.waiting.remove(one)
                naive.held[job.job_id] = (one, event)
                naive.began.append((self.at, job.tenant, one.constraints))
            case _:
                pass


@pytest.mark.parametrize("seed", range(daily(40, thorough=2000)))
def test_the_same_is_next(seed: int) -> None:
    world = World(seed)
    for _ in range(150):
        world.act()
