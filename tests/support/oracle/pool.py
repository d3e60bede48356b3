"""A second opinion on a pool: hears what it is told, and says of each of its events whether it may be.

It is written from docs/pools.md and the README.md of the scheduler, and by no code of either. Whose turn it
is, it reads off its lists (`waiting.py`); it knows nothing of lanes, sections, orders and counters.

    listed = Listed(lease_ms=3000)
    listed.heard(message, at=at)  # before each decision
    listed.said(event)            # for each event of it
    listed.settled(at)            # once nothing is due any more: whatever could go has gone

    ring     tenants have turns. Who begins to wait, and who had a turn, goes to its end
    tokens   in thousandths, as one a second is one a millisecond
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from foldgate.authority.pools_terms import terms_of
from foldgate.contracts.events import (
    Event,
    JobCancelled,
    JobDispatched,
    JobFailed,
    JobLost,
    JobQueued,
    JobReleased,
    JobSucceeded,
    PoolChanged,
    PoolOverloaded,
    PoolRelieved,
    PoolTermsTaken,
    WorkerBeat,
    WorkerJoined,
    WorkerLost,
    WorkerRenewed,
    WritIssued,
    WritRevoked,
)
from foldgate.decider.decider import Tick
from tests.support.oracle.waiting import MOST_TOKENS, Begun, Hand, Held, Lists, One


class WrongTurn(AssertionError):
    """The pool did what its rules do not say."""


class Listed(Lists):
    """The lists, and what may be done to them."""

    # What is asked of it.

    def heard(self, message: Event | Tick, *, at: int) -> None:
        """The pool is told this now."""
        self.tokens = min(MOST_TOKENS, self.tokens + at - self.at)
        self.message, self.at, self.arriving = message, at, None
        if isinstance(message, WritIssued):
            constraints = message.decision.constraints if message.decision is not None else ""
            self.came += 1
            self.arriving = One(message.job, message.writ, constraints, at, self.came)

    def said(self, event: Event) -> None:
        """It answers with that."""
        if (check := self._checks().get(type(event))) is not None:
            check(event)

    def _checks(self) -> dict[type[Event], Callable[[Any], None]]:
        return {
            JobQueued: self._queued,
            JobDispatched: self._dispatched,
            JobReleased: self._released,
            JobLost: self._lost,
            JobCancelled: self._told,
            WorkerJoined: self._joined,
            WorkerRenewed: self._renewed,
            WorkerLost: self._left,
            PoolTermsTaken: self._taken,
            PoolOverloaded: self._overloaded,
            PoolRelieved: self._relieved,
        }

    def settled(self, at: int) -> None:
        """Nothing is due: so there is nothing to do."""
        self.tokens, self.at = min(MOST_TOKENS, self.tokens + at - self.at), at
        require(not (able := self.able()), "somebody could go, and does not", able)
        require(all(hand.until > at for hand in self.hands.values()), "the lease of a worker is over")
        require(all(one.ends > at for one in self.waiting), "a job waits for longer than it may")
        require(not any(self.leaves(one) for one in self.waiting), "a job stays in a pool that was closed after it")
        for held in self.held.values():
            require(held.is_named or self.take_by(held) > at, "a job that nobody took is held")
            limit = self.limit(held)
            require(limit is None or limit > at or held.is_told, "a worker takes too long and is not told")
            require(limit is None or limit + self.lease_ms > at, "a job that takes too long is held")
        if self.terms is None:
            require(not self.overloaded, "too much for a pool without terms")
        else:
            count, most = len(self.waiting), self.terms.max_waiting
            require(2 * count >= most if self.overloaded else count <= most, "too many wait, or no longer too many")

    # What it says of jobs.

    def _new(self, event: JobQueued | JobDispatched) -> One:
        """The one that comes with this message."""
        one = self.arriving
        assert one is not None, "a job of which nobody spoke"
        require(one.job.job_id == event.job.job_id, "a job of which nobody spoke", event)
        require(one.job.job_id not in self.held, "a job that is held")
        require(one.ends > self.at, "its time is over")
        require(not self.leaves(one), "it was sent before the pool was closed")
        return one

    def _queued(self, event: JobQueued) -> None:
        one = self._new(event)
        self._same(one, event)
        self.waiting.append(one)
        if one.job.tenant not in self.ring:
            self.ring.append(one.job.tenant)

    def _dispatched(self, event: JobDispatched) -> None:
        found = [one for one in self.waiting if one.job.job_id == event.job.job_id]
        one = found[0] if found else self._new(event)
        self._same(one, event)
        require(event.worker in self.free(one), "to one that has no room, or does not fit")
        require(not self.is_limited(one), "above a limit")
        require(self.may_go(one), "a retry without a token, or one whose time is over, or that is to leave")
        require(event.worker == (best := self.choice(one)), f"another worker is to get it: {best}")
        require(event.lease == self.lease + 1, "leases are counted")
        self._his_turn(one, self.able())
        self._gone(event.job.job_id)
        rated = tuple(limit.key for limit in self.terms.limits if limit.per_minute) if self.terms is not None else ()
        self.begun.append(Begun(self.at, one, rated))
        self.held[event.job.job_id] = Held(one, event.worker, event.lease, self.at)
        self.lease = event.lease
        if self.terms is not None:
            share = round(1000 * self.terms.retry_share)
            self.tokens = min(MOST_TOKENS, self.tokens + (-1000 if one.job.retries else share))

    def _his_turn(self, one: One, able: list[One]) -> None:
        """The highest level, then the first in the ring, then who waits longest."""
        tenant = one.job.tenant
        if one not in self.waiting:
            require(not able, "somebody waits who could go", able)
        else:
            highest = max(map(self.level, able))
            best = [each for each in able if self.level(each) == highest]
            require(one in best, "another has a higher level", best)
            mine = [each for each in best if each.job.tenant == tenant]
            require(one == mine[0], "another of that tenant waits longer", mine)
            turns = [self.ring.index(each.job.tenant) for each in best]
            require(self.ring.index(tenant) == min(turns), "it is the turn of another tenant", best, self.ring)
        if tenant in self.ring:
            self.ring.remove(tenant)
            self.ring.append(tenant)

    def _same(self, one: One, event: JobQueued | JobDispatched) -> None:
        same = (event.job, event.writ, event.constraints) == (one.job, one.writ, one.constraints)
        require(same, "another job than came", event)

    def _gone(self, job_id: str) -> None:
        self.waiting = [one for one in self.waiting if one.job.job_id != job_id]
        wait = {one.job.tenant for one in self.waiting}
        self.ring = [tenant for tenant in self.ring if tenant in wait]

    def _released(self, event: JobReleased) -> None:
        held, report = self.held.pop(event.job_id), self.message
        assert isinstance(report, JobSucceeded | JobFailed)
        same = (report.job_id, report.lease, report.worker) == (event.job_id, held.lease, held.worker)
        require(same, "by a report of another", event)
        self.hands[held.worker] = replace(self.hands[held.worker], unanswered=0)

    def _lost(self, event: JobLost) -> None:
        held = self.held.pop(event.job_id, None)
        here = [one for one in (*self.waiting, self.arriving) if one is not None and one.job.job_id == event.job_id]
        if held is None:
            require(bool(here), "a job that is not here", event)
            require(self._may_leave(event, here[0]), "a job that could wait", event)
            self._gone(event.job_id)
        else:
            require((event.lease, event.worker) == (held.lease, held.worker), "the lease of another", event)
            require(self._may_be_lost(event, held), "a job that could be held", event)
            hand = self.hands[held.worker]
            missed = hand.unanswered + (event.reason != "worker_lost")
            self.hands[held.worker] = replace(hand, unanswered=missed)

    def _may_leave(self, event: JobLost, one: One) -> bool:
        is_over, is_patience = one.ends <= self.at, one.patience_ends <= self.at
        called_back = isinstance(self.message, WritRevoked) and self.message.job_id == event.job_id
        why = {
            "queue_timeout": is_over and is_patience,
            "writ_expired": is_over and not is_patience,
            "cancelled": called_back,
            "pool_closed": self.leaves(one) and event.pools_number == self.closed,
        }
        return why.get(event.reason, False)

    def _may_be_lost(self, event: JobLost, held: Held) -> bool:
        limit = self.limit(held)
        why = {
            "worker_lost": self.hands[held.worker].until <= self.at,
            "not_taken": not held.is_named and held.is_told and self.take_by(held) <= self.at,
            "attempt_timeout": held.is_told and limit is not None and limit + self.lease_ms <= self.at,
        }
        return why.get(event.reason, False)

    def _told(self, event: JobCancelled) -> None:
        held = self.held[event.job_id]
        require((event.lease, event.worker) == (held.lease, held.worker), "the lease of another", event)
        held.is_told = True

    # What it says of workers, and of itself.

    def _beat(self, worker: str) -> WorkerBeat:
        beat = self.message
        assert isinstance(beat, WorkerBeat)
        require(beat.worker == worker, "a beat of which nobody heard", beat)
        return beat

    def _joined(self, event: WorkerJoined) -> None:
        require(event.worker not in self.hands, "a worker that is here")
        self.hands[event.worker] = Hand(self._beat(event.worker), self.at + self.lease_ms)

    def _renewed(self, event: WorkerRenewed) -> None:
        """What it does and has, it said when it joined."""
        hand, beat = self.hands[event.worker], self._beat(event.worker)
        require(hand.beat.name == beat.name and hand.beat.beat < beat.beat, "an old beat, or one of another", beat)
        self.hands[event.worker] = replace(hand, beat=_as_it_joined(beat, hand.beat), until=self.at + self.lease_ms)
        for held in self.held.values():
            held.is_named |= held.worker == event.worker and held.lease in beat.holding

    def _left(self, event: WorkerLost) -> None:
        hand = self.hands.pop(event.worker)
        require(not any(held.worker == event.worker for held in self.held.values()), "it has jobs", event)
        left = isinstance(self.message, WorkerBeat) and self.message.leaving
        require(left if event.reason == "left" else hand.until <= self.at, "a worker that is there", event)

    def _taken(self, event: PoolTermsTaken) -> None:
        assert isinstance(self.message, PoolChanged)
        before, self.terms = self.terms, terms_of(self.message.terms) if self.message.terms else None
        self.tokens = MOST_TOKENS if before is None else self.tokens
        self.closed, self.why_closed = 0 if event.is_open else event.number, self.message.reason

    def _overloaded(self, event: PoolOverloaded) -> None:
        assert self.terms is not None
        require(not self.overloaded and len(self.waiting) > self.terms.max_waiting, "not too many wait", event)
        self.overloaded = True

    def _relieved(self, event: PoolRelieved) -> None:
        few = self.terms is None or 2 * len(self.waiting) < self.terms.max_waiting
        require(self.overloaded and few, "still too many wait", event)
        self.overloaded = False


def require(holds: bool, what: str, *about: object) -> None:
    """Or else it is wrong."""
    if not holds:
        raise WrongTurn(what, *about)


def _as_it_joined(beat: WorkerBeat, joined: WorkerBeat) -> WorkerBeat:
    return msgspec.structs.replace(beat, topics=joined.topics, capabilities=joined.capabilities, labels=joined.labels)
