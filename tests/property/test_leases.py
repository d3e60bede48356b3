"""A worker and the scheduler, each with its own clock and with beats that are late or never arrive: what the scheduler
gives to others, the worker has stopped before.

The scheduler notes few beats, so the worker may not go by the last one that it knows to be on the log as if that had
been noted. A failure shows its seed.
"""

import heapq
import itertools
import random
from typing import NamedTuple

import pytest

from foldgate.contracts.events import JobDispatched, JobLost, WorkerLost
from foldgate.decider.decider import Tick
from foldgate.scheduler.jobs.state import Pool
from foldgate.sdk.believing import Believing
from tests.support.given import Given
from tests.support.pools import LEASE_MS, beat, issued, pool
from tests.support.thorough import daily

SEEDS = range(daily(300, thorough=20_000))
BEAT_MS, BEGINNING_MS, WORKER = LEASE_MS // 4, 10_000, "w/1"
HOLDS = (1,)


class OwnClock:
    """Of one process: it runs as fast as all others, and shows another time."""

    def __init__(self, ahead_ms: int) -> None:
        self._ahead_ms, self.at = ahead_ms, 0

    def monotonic_ms(self) -> int:
        return self.at + self._ahead_ms

    def now_ms(self) -> int:
        return self.at + self._ahead_ms


class Lost(NamedTuple):
    """When the scheduler gave up on the worker; how long before that the worker had stopped, and how long before that
    its last beat was on the log."""

    at: int
    idle_ms: int
    silent_ms: int


class Pair:
    """A worker that has a job, until the scheduler believes it lost."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.clock = chance, OwnClock(chance.choice([0, 1_000_000, 7]))
        self.believing = Believing(None, endpoint=WORKER, pool="default", clock=self.clock)
        self.scheduler: Given[Pool] = pool()
        self.stopped_at: int | None = None
        self.durable_at = BEGINNING_MS
        self.dispatched: JobDispatched | None = None
        self._numbers, self._reads = itertools.count(1), list[tuple[int, int, int]]()
        self.dispatched = self._begin()

    def _begin(self) -> JobDispatched:
        """It is heard, and given a job; its next beat names that."""
        self._sends(BEGINNING_MS)
        self._read()
        [dispatched] = self.scheduler.when(issued(1, expires_at=10**9), at=BEGINNING_MS)
        assert isinstance(dispatched, JobDispatched)
        return dispatched

    def play(self) -> Lost:
        """Let it beat, until it is lost."""
        sends, at = BEGINNING_MS + self.chance.randrange(BEAT_MS), BEGINNING_MS
        while True:
            due = self.scheduler.decider.due(self.scheduler.state or Pool())
            assert due is not None
            reads = self._reads[0][0] if self._reads else sends
            at = max(at, min(sends, reads, due))
            self.clock.at = at
            if self._reads and reads <= at:
                self._read()
            elif sends <= at:
                self._sends(at)
                sends = at + self.chance.randrange(BEAT_MS // 2, BEAT_MS + 1)
            elif (lost := self._tick(at)) is not None:
                return lost

    def _sends(self, at: int) -> None:
        """A beat: mostly it arrives soon, sometimes late, sometimes never."""
        self._look()
        self.clock.at, number = at, next(self._numbers)
        self.believing.note_beat(number)
        late = self.chance.choice([0, 0, 5, 50, BEAT_MS, LEASE_MS // 2])
        if number == 1 or self.chance.random() < 0.8:
            before = max((reads for reads, *_ in self._reads), default=0)  # beats lie in order
            heapq.heappush(self._reads, (max(at if number == 1 else at + late, before), number, at))

    def _read(self) -> None:
        """The scheduler reads one, and the worker learns that it is on the log."""
        at, number, _ = heapq.heappop(self._reads)
        self.clock.at = at
        self.scheduler.when(beat(number=number, holding=HOLDS if number > 1 else ()), at=at)
        self._look()
        self.believing.note_durable(number)
        self.durable_at = at

    def _look(self) -> None:
        """What a worker does before a beat counts as sent, or as heard; and as each lease ends."""
        if self.stopped_at is None and self.dispatched is not None:
            left = self.believing.left_ms(self.dispatched.beat, LEASE_MS)
            if left <= 0:
                self.stopped_at = self.clock.at + left

    def _tick(self, at: int) -> Lost | None:
        said = self.scheduler.when(Tick(), at=at)
        if not any(isinstance(event, JobLost) for event in said):
            return None
        assert any(isinstance(event, WorkerLost) for event in said)
        self._look()
        assert self.stopped_at is not None, (
            f"lost at {at}, and its worker goes on: its last beat was at {self.durable_at}"
        )
        return Lost(at, at - self.stopped_at, at - self.durable_at)


@pytest.mark.parametrize("first", range(0, len(SEEDS), 100))
def test_what_is_given_to_others_was_stopped_before(first: int) -> None:
    found = [Pair(random.Random(seed)).play() for seed in SEEDS[first : first + 100]]
    assert all(lost.idle_ms >= 0 for lost in found)
    assert any(lost.silent_ms < LEASE_MS * 9 // 10 for lost in found), "the scheduler has noted the last beat each time"
