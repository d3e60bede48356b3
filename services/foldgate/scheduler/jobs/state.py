"""A pool: its workers, what they hold, and what waits for one.

A job is waiting or held, or unknown here; a worker is known until it leaves or its lease ends.

    WritIssued --> held (JobDispatched), or waiting (JobQueued) --> held (JobDispatched)
    waiting --> gone (JobLost: its writ has expired or is stale, it waited too long, was called back, the pool closed)
    held    --> held (JobCancelled: its worker is told to stop)
            --> gone (JobReleased: its report came; JobLost: its worker is gone, did not take it or not stop in time)

Who is served next is kept in order, so that nobody looks through all jobs to find it:

    lane     waiting jobs that are alike but for what is their own, in the order in which they came. The first of them
             speaks for the lane; the longer that one has waited, the higher is its level
    section  lanes that the same workers fit, under the same limits of what tenants share (topic, capability, pool), and
             all of them first attempts or all retries. A section is passed over as a whole: there is no room for it, a
             limit is reached, there is no token for a retry
    line     the lanes of one tenant in a section, the highest level first, and then who waits longer. A lane that has
             reached a limit of its own stands in no line until it falls below
    section's order   its tenants, by what is first in the line of each: the highest level, then who comes first in the
             ring, then (one tenant in two sections) who waits longer
    ring     all tenants that wait: whoever begins to wait, and whoever had a turn, stands behind all others

What people are told of: `heads` are the lanes by since when the first of each waits; `known_heads` those of topics of
which people were told.

All of it is folded from events and the times of them (`moving.py`): limits open, levels rise and leases lapse as of the
time of the event that is folded, and of the message that is decided on.
"""

import msgspec

from foldgate.authority.pools_terms import PoolTerms
from foldgate.scheduler.jobs.pieces import Order, Pair, Pairs, Table

HIGHEST_PRIORITY = 9
TOKEN = 1000
"""A token of the retry budget, in thousandths: one comes each second, one thousandth a millisecond."""
MOST_TOKENS = 10 * TOKEN
AGE_STEP_MS = 60_000
"""Where no document names the pool."""

MOST_LATE = 100
"""Beats of a worker that an owner that is behind notes one by one."""
BUSY, FULL = "busy", "full"
"""What a pool is overloaded with: how busy its workers are, or how many jobs wait."""

Gate = tuple[str, int]
"""The name of a counter, and what it must be below."""


class Profile(msgspec.Struct, frozen=True):
    """What some workers have in common: what they do and have. `free` are those with room, the least loaded first."""

    topics: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    workers: int = 0
    free: Order[tuple[int, float, int, int, str]] = msgspec.field(default_factory=Order)


class Known(msgspec.Struct, frozen=True):
    """A worker. `expires_at` is by the scheduler's clock, counted from that beat; no room means that it is leaving.
    `holds` has its jobs by lease. `lapsed` once its lease has ended, until it is lost or beats again. `unanswered` are
    the jobs that were lost for want of a word from it, since it last reported on one. `late` counts the beats in a row
    that an owner noted while it was behind: after so many it notes few, and knows too little of it to give it jobs."""

    name: str
    profile: int
    max_parallel: int
    expires_at: int
    holds: dict[int, str] = {}
    beat: int = 0
    cpu_percent: int = -1
    gpu_percent: int = -1
    lapsed: bool = False
    unanswered: int = 0
    late: int = 0

    @property
    def room(self) -> int:
        return 0 if self.lapsed or self.late >= MOST_LATE else self.max_parallel - len(self.holds)

    def place(self, endpoint: str) -> tuple[int, float, int, int, str] | None:
        """Among those with room, None where it has none: who is less loaded is smaller. Whoever takes jobs and never
        answers has none of them, and would be given all: that one comes after everybody who answers."""
        if self.room <= 0:
            return None
        return self.unanswered, len(self.holds) / self.max_parallel, self.cpu_percent, self.gpu_percent, endpoint


class Hold(msgspec.Struct, frozen=True):
    """A job that a worker has. At `limit` its worker is told to stop, at `given_up` it is lost; both None where time is
    not limited. `called_back` once its worker was told. By `take_by` a beat must have named its lease; None once one
    has. `counters` are those that it counts for, `values` by what else jobs are counted. `token` is the
    secret of the lease."""

    worker: str
    lease: int
    step: str
    run_id: str
    tenant: str
    correlation: str
    limit: int | None = None
    given_up: int | None = None
    called_back: bool = False
    take_by: int | None = None
    counters: tuple[str, ...] = ()
    values: dict[str, str] = {}
    token: bytes = b""

    @property
    def ends(self) -> int | None:
        """When there is something to do about it."""
        over = self.given_up if self.called_back else self.limit
        if over is None or self.take_by is None:
            return self.take_by if over is None else over
        return min(over, self.take_by)


class Waiting(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An authorised job without a worker yet: its number among all that ever waited, since when it waits and until
    when, its lane, and what is its own, packed."""

    place: int
    since: int
    ends: int
    lane: str
    body: bytes


class Lane(msgspec.Struct, frozen=True):
    """Waiting jobs that are alike; `shape` is what they share, packed, `values` by what they are counted. `queue` has
    their places and ids. `own` are the limits of its own, of which one is reached if it is `shut`. `head` and `since`
    are the place and the time of the first, which is raised at `rises_at` or later, and looked at then; 0 if it is at
    the highest level."""

    shape: bytes
    tenant: str
    topic: str
    priority: int
    pools_number: int
    kind: str
    values: dict[str, str]
    constraints: str
    is_retry: bool
    queue: Order[Pair]
    size: int
    head: int
    since: int
    level: int = 0
    rises_at: int = 0
    section: str = ""
    shared: tuple[Gate, ...] = ()
    own: tuple[Gate, ...] = ()
    shut: bool = False


class Kind(msgspec.Struct, frozen=True):
    """What matters of jobs for which workers fit (`kind` is the type of their step): how many lanes are of that kind,
    and the profiles that fit."""

    topic: str
    kind: str = ""
    requires: tuple[str, ...] = ()
    placement: dict[str, str] = {}
    fits: tuple[int, ...] = ()
    lanes: int = 0


class Section(msgspec.Struct, frozen=True):
    """Lanes that are passed over together. In `order`: level (negative), turn, place, tenant."""

    fits: tuple[int, ...]
    is_retry: bool
    shared: tuple[Gate, ...]
    order: Order[tuple[int, int, int, str]] = msgspec.field(default_factory=Order)


class Tenant(msgspec.Struct, frozen=True):
    """Where it stands in the ring, how many lanes it has, and its lines by section."""

    turn: int
    lanes: int = 0
    lines: dict[str, Order[tuple[int, int, str]]] = {}


class Counter(msgspec.Struct, frozen=True):
    """How many jobs of one value are held, or began in the last minute, and the waiting lanes that mind, each with its
    limit."""

    count: int = 0
    lanes: dict[str, int] = {}


class Noted(msgspec.Struct, frozen=True):
    """Why people were told that jobs of a topic wait, and how many lanes of it there are."""

    reason: str
    lanes: int


class Pool(msgspec.Struct):
    """One pool; `lease` is the number of the last lease given, and `stale` how many jobs went back for a writ of the
    policy that holds now. `closed` is the number of the change that closed it, 0 while it is open. A pool is never
    changed, only replaced: what changes is a copy on its way (`moving.py`)."""

    name: str = ""
    at: int = 0
    terms: PoolTerms | None = None
    closed: int = 0
    why_closed: str = ""
    overloaded: str = ""
    workers: Table[Known] = msgspec.field(default_factory=Table)
    names: dict[str, tuple[str, ...]] = {}
    profiles: dict[int, Profile] = {}
    leases: Order[tuple[int, str]] = msgspec.field(default_factory=Order)
    lapsed: tuple[str, ...] = ()
    held: Table[Hold] = msgspec.field(default_factory=Table)
    waiting: Table[Waiting] = msgspec.field(default_factory=Table)
    ends: Order[Pair] = msgspec.field(default_factory=Pairs)
    lanes: Table[Lane] = msgspec.field(default_factory=Table)
    kinds: Table[Kind] = msgspec.field(default_factory=Table)
    sections: dict[str, Section] = {}
    tenants: Table[Tenant] = msgspec.field(default_factory=Table)
    turn: int = 0
    counters: Table[Counter] = msgspec.field(default_factory=Table)
    leaves: Order[tuple[int, int, str]] = msgspec.field(default_factory=Order)
    rises: Order[tuple[int, str]] = msgspec.field(default_factory=Order)
    heads: Order[tuple[int, str]] = msgspec.field(default_factory=Order)
    known_heads: Order[tuple[int, str]] = msgspec.field(default_factory=Order)
    noted: dict[str, Noted] = {}
    looked_at: int = 0
    numbers: dict[int, int] = {}
    number: int = 0
    tokens: int = MOST_TOKENS
    tokens_at: int = 0
    lease: int = 0
    stale: int = 0
