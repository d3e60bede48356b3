"""A pool and its lists (`pool.py`) side by side, while everything happens to it that may, in the order of a seed.

What happens is made to lie close together: there are few tenants, topics and values, so that limits are reached and
levels are alike, and time goes on to just before and just when something is to happen.
"""

import random
from collections.abc import Callable
from typing import Any

import msgspec

from foldgate.authority.active import Policies
from foldgate.authority.pools_terms import PoolLimit, PoolTerms
from foldgate.contracts.events import Event, JobSucceeded, Meta, PoolChanged, WorkerBeat, WritIssued, WritRevoked
from foldgate.decider.decider import Decider, Message, Said, Tick
from foldgate.scheduler.jobs.decide import jobs
from foldgate.scheduler.jobs.state import Pool
from tests.support import pools
from tests.support.given import meta
from tests.support.keeping import kept_again
from tests.support.keys import SCHEDULER, SUITE_KEY, proved
from tests.support.oracle.pool import Listed, require
from tests.support.oracle.waiting import MINUTE_MS
from tests.support.pool_words import issued

TENANTS, TOPICS = "tuvw", ("job.x", "job.y", "job.z", "job.nobody")
LONG = 10**9
LEASES = (3_000, 120_000)
CONSTRAINTS = (
    '{"max_concurrent":{"tenant":1}}',
    '{"max_concurrent":{"tenant":2}}',
    '{"max_concurrent":{"topic":2,"workflow":1}}',
    '{"rate":{"tenant":2}}',
    '{"max_concurrent":{"capability":2},"rate":{"pool":5}}',
    '{"rate":{"topic":3}}',
)
LIMITS = (
    PoolLimit(key="tenant", max_concurrent=2),
    PoolLimit(key="tenant", per_minute=3),
    PoolLimit(key="pool", max_concurrent=3, per_minute=8),
    PoolLimit(key="topic", max_concurrent=1),
    PoolLimit(key="workflow", per_minute=2),
)
WORKERS: dict[str, dict[str, Any]] = {
    "a/1": {"topics": ("job.x", "job.y")},
    "a/2": {"topics": ("job.x", "job.y")},
    "b/1": {"topics": ("job.y", "job.z"), "capabilities": ("docker",)},
    "c/1": {"topics": ("job.*",), "labels": {"zone": "eu"}},
    "d/1": {"capabilities": ("docker", "ssh")},
    "e/1": {"topics": ("kind:http",)},
}


class World:
    """All of it, of one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.at = 2000
        self.lease_ms = self.chance.choice(LEASES)
        self.decider = decider(self.lease_ms)
        self.listed = Listed(lease_ms=self.lease_ms)
        self.state: Pool | None = None
        self.before: Pool | None = None
        self.before_kept: Pool | None = None
        self.log: list[tuple[Meta, Event]] = []
        self.at_once = self.chance.random() < 0.5
        self.number = self.changes = self.beats = 0
        self.deaf: set[str] = set()
        self.silent: set[str] = set()
        self.terms: PoolTerms | None = None
        self.constraints = self.chance.sample(CONSTRAINTS, self.chance.randint(0, 3))
        self.tenants = TENANTS[: self.chance.randint(1, 4)]
        self.priorities = self.chance.choice(((5,), (4, 5), (1, 5, 9)))
        self.retries = self.chance.choice((0.1, 0.1, 0.8))
        self.unrest = self.chance.choice((0.7, 0.7, 5))
        self.urge = self.chance.uniform(0.3, 0.6)
        if self.chance.random() < 0.7:
            self.put()
        for name in self.chance.sample(sorted(WORKERS), self.chance.randint(1, 4)):
            self.beat(name)

    def play(self, turns: int) -> None:
        for _ in range(turns):
            self.act()

    def act(self) -> None:
        """One thing happens, and what is due then."""
        acts: dict[Callable[[], object], float] = {
            self.ask: 100 * self.urge,
            self.report: 25,
            self.wait: 15,
            self.any_beat: 6,
            self.call_back: 2,
            self.lie: 1,
            self.put: self.unrest,
            self.drain: self.unrest,
            self.take_up: 0.7,
        }
        self.chance.choices(list(acts), list(acts.values()))[0]()
        self.settle()

    def settle(self) -> None:
        """Whatever is due is done."""
        while self.due is not None and self.due <= self.at:
            if not self.take(Tick()):
                assert self.state is not None
                later = self.decider.later(self.state, self.at)
                require(later is None or later > self.at, "it was due and did nothing")
                break
        self.listed.settled(self.at)

    @property
    def due(self) -> int | None:
        return None if self.state is None else self.decider.due(self.state)

    # what happens

    def ask(self) -> None:
        """A job comes."""
        self.number += 1
        pick, is_retry = self.chance.choice, self.chance.random() < self.retries
        job: dict[str, Any] = {
            "topic": pick(TOPICS[:3]) if self.chance.random() < 0.97 else TOPICS[3],
            "tenant": pick(self.tenants),
            "workflow": pick("pq"),
            "priority": pick(self.priorities),
            "retries": 1 if is_retry else 0,
            "capability": pick(("", "k")),
            "queue_timeout_ms": pick((0, 0, 0, 5_000, 90_000)),
            "attempt_timeout_ms": pick((0, 0, 0, 4_000, 70_000)),
        }
        if self.chance.random() < 0.3:
            job["worker"] = pick((*WORKERS, "w", "a"))
        if self.chance.random() < 0.15:
            job |= pick(({"requires": ("docker",)}, {"placement": {"zone": "eu"}}, {"kind": "http"}))
        constraints = pick(self.constraints) if self.constraints and self.chance.random() < 0.6 else ""
        known = self.changes if self.chance.random() < 0.8 else self.chance.randint(0, self.changes)
        event = issued(self.number, constraints=constraints, pools_number=known, **job)
        ends = self.at + 40_000 if self.chance.random() < 0.05 else LONG
        writ = msgspec.structs.replace(event.writ, issued_at=self.at, expires_at=ends)
        self.take(WritIssued(job=event.job, writ=writ, decision=event.decision))

    def report(self) -> None:
        """A worker has done one."""
        if held := [one for one in self.listed.held.values() if one.worker not in self.silent]:
            one = self.chance.choice(held)
            self.take(done(one.one.job.job_id, lease=one.lease, worker=one.worker))

    def lie(self) -> None:
        """A report of nobody who has the job."""
        if self.listed.held:
            one = self.chance.choice(list(self.listed.held.values()))
            wrong = self.chance.choice(({"lease": one.lease + 1}, {"worker": "z/9"}))
            named: dict[str, Any] = {"lease": one.lease, "worker": one.worker} | wrong
            said = self.take(done(one.one.job.job_id, **named))
            require(not said, "a lie is believed", said)

    def call_back(self) -> None:
        """Somebody wants a job no longer."""
        if here := [one.job.job_id for one in self.listed.waiting] + list(self.listed.held):
            job_id = self.chance.choice(here)
            self.take(WritRevoked(job_id=job_id, step="job", pool="default", reason="why"))

    def wait(self) -> None:
        """Until just before, or just when something may be to do; and most workers beat."""
        most = self.lease_ms // 3 if self.chance.random() < 0.97 else 2 * self.lease_ms
        times = [time for time in self.instants() if self.at < time <= self.at + most]
        self.at = self.chance.choice(times) if times and self.chance.random() < 0.7 else self.at + most // 2 + 1
        for name in sorted(self.listed.hands):
            if self.chance.random() < 0.9:
                self.beat(name)

    def instants(self) -> list[int]:
        """When something may be to do; and a moment before."""
        listed = self.listed
        times = [self.due] if self.due is not None else []
        times += [one.at + MINUTE_MS for one in listed.begun[-12:]]
        times += [one.since + steps * listed.step for one in listed.waiting[:12] for steps in (1, 2, 3, 4, 5)]
        times += [hand.until for hand in listed.hands.values()]
        times += [self.at + 1000, self.at + max(0, 1000 - listed.tokens)]
        return [time - before for time in times for before in (0, 1)]

    def any_beat(self) -> None:
        """A worker comes, goes, hears nothing, says nothing, or is another than before."""
        name, lot = self.chance.choice(sorted(WORKERS)), self.chance.random()
        if lot < 0.1:
            self.deaf ^= {name}
        elif lot < 0.2:
            self.silent ^= {name}
        self.beat(name, leaving=lot > 0.95)

    def beat(self, name: str, *, leaving: bool = False) -> None:
        """A worker says that it is there."""
        self.beats += 1
        held = [one.lease for one in self.listed.held.values() if one.worker == name and name not in self.deaf]
        beat = WorkerBeat(
            worker=name,
            name=name[0],
            max_parallel=self.chance.choice((1, 2, 2, 2, 3)),
            beat=self.beats,
            holding=tuple(held),
            leaving=leaving,
            cpu_percent=self.chance.choice((-1, 10, 50)),
            gpu_percent=self.chance.choice((-1, 10)),
        )
        self.take(msgspec.structs.replace(beat, **WORKERS[name]))

    def put(self) -> None:
        """Other terms, or none."""
        self.terms = None
        if self.chance.random() < 0.9:
            self.terms = PoolTerms(
                name="default",
                age_step_ms=self.chance.choice((700, 4_000, 60_000)),
                retry_share=self.chance.choice((0.0, 0.2, 0.5)),
                max_waiting=self.chance.choice((4, 100_000, 100_000)),
                limits=tuple(self.chance.sample(LIMITS, self.chance.choice((0, 0, 1, 2)))),
            )
        self.change(is_open=True)

    def drain(self) -> None:
        """The pool takes no more, or takes them again."""
        reason = self.chance.choice(("", "draining", "overloaded", "removed"))
        self.change(is_open=not reason, reason=reason)

    def change(self, *, is_open: bool, reason: str = "") -> None:
        self.changes += 1
        text = "" if self.terms is None else self.terms.text()
        self.take(PoolChanged(pool="default", terms=text, is_open=is_open, number=self.changes, reason=reason))

    def take_up(self) -> None:
        """Another owner goes on from a checkpoint, or from the log; and what was taken before is as it was then."""
        kept = kept_again(self.decider, self.state)
        require(kept == self.state, "a checkpoint gives another pool")
        require(self.replayed() == self.state, "the log gives another pool")
        require(self.before == self.before_kept, "a pool that was is another now")
        self.before, self.before_kept = self.state, kept
        if self.chance.random() < 0.5:
            self.state = kept_again(self.decider, self.state)
        else:
            self.decider = decider(self.lease_ms)
            self.state = self.replayed()

    def replayed(self) -> Pool | None:
        """The state by the log alone."""
        state: Pool | None = None
        for about, event in self.log:
            state = decider(self.lease_ms).evolve(state, about, event)
        return state

    # the pool

    def take(self, event: Event | Tick) -> list[Event]:
        """The pool is told that, and both say what becomes of it."""
        self.listed.heard(event, at=self.at)
        cause = None if isinstance(event, Tick) else meta("default")
        message = Message(key="default", at=self.at, event=event, meta=cause)
        said = self.decider.decide(self.state, message)
        events = []
        for one in said if self.at_once else list(said):
            told = one if isinstance(one, Said) else Said(one)
            self.note(told)
            self.listed.said(told.event)
            events.append(told.event)
        return events

    def note(self, said: Said) -> None:
        about: dict[str, Any] = {"run_id": said.run_id or "default", "tenant": said.tenant or "acme", "at": self.at}
        about |= {"correlation": said.correlation} if said.correlation is not None else {}
        about |= {"sequence": len(self.log) + 1, "principal": said.principal or "ada"}
        self.log.append((meta("default", **about), said.event))
        self.state = self.decider.evolve(self.state, *self.log[-1])


def decider(lease_ms: int) -> Decider[Pool]:
    """A pool's decider, with nothing remembered."""
    return jobs(
        Policies(),
        lease_ms=lease_ms,
        wait_noted_after_ms=pools.NOTED_AFTER_MS,
        signer=SCHEDULER,
        suite_keys=(SUITE_KEY,),
    )


def done(job_id: str, *, lease: int, worker: str) -> JobSucceeded:
    return proved(JobSucceeded(job_id=job_id, lease=lease, worker=worker, output="1"))
