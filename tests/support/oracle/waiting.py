"""What a pool has, as lists: what waits, in the order in which it came, what is held, and what began when.

Who may go, and who gets it, is worked out anew each time, from one end to the other.
"""

import json
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from foldgate.authority.pools_terms import PoolTerms
from foldgate.contracts.events import Event, Job, WorkerBeat, Writ
from foldgate.decider.decider import Tick

MINUTE_MS = 60_000
MOST_TOKENS = 10_000
NEVER = 10**15


class One(NamedTuple):
    """A job that came; since when it is here, and which it was of all that came."""

    job: Job
    writ: Writ
    constraints: str
    since: int
    place: int

    @property
    def ends(self) -> int:
        """When it waits no longer."""
        return min(self.writ.expires_at, self.patience_ends)

    @property
    def patience_ends(self) -> int:
        """When its run waits for it no longer."""
        return self.writ.issued_at + (self.job.queue_timeout_ms or NEVER)

    def value(self, key: str) -> str:
        """By what it is counted under a key."""
        job = self.job
        values = {"workflow": f"{job.tenant}/{job.workflow}", "actor": job.actor_id, "pool": ""}
        return values[key] if key in values else getattr(job, key)

    def policy(self, what: str) -> dict[str, int]:
        """The limits of policy: max_concurrent, or rate."""
        limits: dict[str, int] = json.loads(self.constraints or "{}").get(what, {})
        return limits


class Begun(NamedTuple):
    """That a job was given, and by which keys its pool had a rate then."""

    at: int
    one: One
    keys: tuple[str, ...]


@dataclass
class Held:
    """A job that a worker has."""

    one: One
    worker: str
    lease: int
    at: int
    is_named: bool = False
    is_told: bool = False


@dataclass(frozen=True)
class Hand:
    """A worker, as its last beat that was noted said. `unanswered` are the jobs of which it said nothing in time."""

    beat: WorkerBeat
    until: int
    unanswered: int = 0

    def fits(self, job: Job) -> bool:
        """Whether it does such jobs."""
        topics, is_built_in = self.beat.topics, job.kind in {"http", "script"}
        takes = any(fnmatchcase(job.topic, topic) or topic == f"kind:{job.kind}" for topic in topics)
        has = set(job.requires) <= set(self.beat.capabilities)
        agrees = all(self.beat.labels.get(name) == value for name, value in job.placement.items())
        return (takes if topics else not is_built_in) and has and agrees


@dataclass
class Lists:
    """All of it."""

    lease_ms: int
    at: int = 0
    waiting: list[One] = field(default_factory=list)
    held: dict[str, Held] = field(default_factory=dict)
    begun: list[Begun] = field(default_factory=list)
    hands: dict[str, Hand] = field(default_factory=dict)
    terms: PoolTerms | None = None
    closed: int = 0
    why_closed: str = ""
    overloaded: bool = False
    tokens: int = MOST_TOKENS
    lease: int = 0
    came: int = 0
    ring: list[str] = field(default_factory=list)
    arriving: One | None = None
    message: Event | Tick = field(default_factory=Tick)

    # Who may go.

    def able(self) -> list[One]:
        """Those who could go now, in the order in which they came."""
        return [one for one in self.waiting if self.may_go(one)]

    def may_go(self, one: One) -> bool:
        """Whether nothing but others keeps it from being given."""
        if one.ends <= self.at or self.leaves(one) or not self.free(one):
            return False
        return not self.is_limited(one) and (self.terms is None or not one.job.retries or self.tokens >= 1000)

    def leaves(self, one: One) -> bool:
        """Whether it was sent here before the pool was closed; where there is merely too much, what waits stays."""
        return self.closed > one.writ.pools_number and (self.why_closed != "overloaded" or one is self.arriving)

    def free(self, one: One) -> list[str]:
        """The workers that fit it and have room."""
        return [name for name, hand in self.hands.items() if hand.fits(one.job) and self.room(name) > 0]

    def room(self, name: str) -> int:
        hand = self.hands[name]
        has = sum(held.worker == name for held in self.held.values())
        return 0 if hand.until <= self.at or hand.beat.leaving else hand.beat.max_parallel - has

    def is_limited(self, one: One) -> bool:
        """Whether a limit is reached, of policy or of the pool."""
        held = [each.one for each in self.held.values()]
        now = [each for each in self.begun if each.at > self.at - MINUTE_MS]
        for key, most in one.policy("max_concurrent").items():
            if _alike(one, key, [each for each in held if key in each.policy("max_concurrent")]) >= most:
                return True
        for key, most in one.policy("rate").items():
            if _alike(one, key, [each.one for each in now if key in each.one.policy("rate")]) >= most:
                return True
        for limit in self.terms.limits if self.terms is not None else ():
            rated = [each.one for each in now if limit.key in each.keys]
            if limit.max_concurrent is not None and _alike(one, limit.key, held) >= limit.max_concurrent:
                return True
            if limit.per_minute is not None and _alike(one, limit.key, rated) >= limit.per_minute:
                return True
        return False

    def level(self, one: One) -> int:
        return min(9, one.job.priority + (self.at - one.since) // self.step)

    @property
    def step(self) -> int:
        """Waiting so long raises a job."""
        return MINUTE_MS if self.terms is None else self.terms.age_step_ms

    def choice(self, one: One) -> str:
        """The worker that gets it."""
        free, wanted = self.free(one), one.job.worker
        named = [wanted] if wanted in self.hands else [each for each in free if self.hands[each].beat.name == wanted]
        return min([each for each in named if each in free and not self.hands[each].unanswered] or free, key=self._load)

    def _load(self, name: str) -> tuple[bool | int, float, int, int, str]:
        hand = self.hands[name]
        share = sum(held.worker == name for held in self.held.values()) / hand.beat.max_parallel
        return hand.unanswered, share, hand.beat.cpu_percent, hand.beat.gpu_percent, name

    def limit(self, held: Held) -> int | None:
        """When it takes too long."""
        takes = held.one.job.attempt_timeout_ms
        return held.at + takes if takes else None

    def take_by(self, held: Held) -> int:
        """When a beat must have named it."""
        return held.at + 2 * self.lease_ms


def _alike(one: One, key: str, others: list[One]) -> int:
    return sum(other.value(key) == one.value(key) for other in others)
