"""Where a job goes: which pools there are and which of them are open, as a table (`foldgate.runtime.tables`).

The kernel folds it from `pools`. Every change of pools has a number, one more than the one before it, and a writ names
the last that the kernel knew. So a pool that was closed can tell a job that was sent before that from one that was sent
because nothing else takes it: the one goes back with the number that the kernel must know, the other waits.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from foldgate.authority.globs import glob
from foldgate.authority.pools_terms import Layout, PoolRoute, PoolTerms, drained_for, layout_of
from foldgate.contracts.events import Event, Job, JobRequested, Meta, PoolChanged, PoolsPublished
from foldgate.contracts.kinds import is_kind_topic, kind_topic
from foldgate.contracts.topics import POOLS, is_pool_name

DEFAULT = "default"
"""Where a job goes that asks for no pool, while nobody has said which pools there are."""
MAX_TOPICS = 10_000
"""Topics whose way is remembered."""


class Choice(NamedTuple):
    """The pool that takes a job, and why it is that one; without a pool, why none does."""

    pool: str
    reason: str


class _Way(NamedTuple):
    """Where jobs of a topic go: by which route, to which pools, and to which more if they ask for one of them."""

    route: int
    pools: tuple[PoolTerms, ...]
    asked: Mapping[str, PoolTerms]


class _Route:
    """A route: which topics it names, and which kinds, as workers name them (`foldgate.contracts.kinds`)."""

    def __init__(self, route: PoolRoute) -> None:
        self.pools = route.pools
        self._topics = [glob(one) for one in route.topics if not is_kind_topic(one)]
        self._kinds = [glob(one) for one in route.topics if is_kind_topic(one)]

    def takes(self, topic: str, kind: str) -> bool:
        """Whether such jobs go this way."""
        return _matches(self._topics, topic) or _matches(self._kinds, kind_topic(kind))


class Router:
    """The ways of one layout. `closed` says of each pool that takes no more jobs why."""

    def __init__(self, layout: Layout, closed: Mapping[str, str]) -> None:
        self._pools = {pool.name: pool for pool in layout.pools}
        self._routes = list(map(_Route, layout.routes))
        self._closed = closed
        self._ways: dict[tuple[str, str], _Way | None] = {}

    def choose(self, job: Job) -> Choice:
        """The pool that it asks for, else the first of its route; of those that fit it, the first that is open."""
        way = self._way(job.topic, job.kind)
        if way is None:
            return Choice("", f"Expected a route for the topic '{job.topic[:200]}', but no pool takes it.")
        fitting = [pool.name for pool in _candidates(way, job) if not unfit(pool, job)]
        if not fitting:
            return Choice("", _nothing_fits(way, job))
        for name in fitting:
            if name not in self._closed:
                return Choice(name, "asked for" if name == job.pool else f"the first open one of route {way.route}")
        return Choice(fitting[0], f"{self._closed[fitting[0]]}, but no other fits")

    def _way(self, topic: str, kind: str) -> _Way | None:
        if (topic, kind) not in self._ways:
            if len(self._ways) >= MAX_TOPICS:
                self._ways.clear()
            self._ways[topic, kind] = self._found(topic, kind)
        return self._ways[topic, kind]

    def _found(self, topic: str, kind: str) -> _Way | None:
        """The first route says where it goes by itself; each that matches, where it may ask to go."""
        routes = [(at, each) for at, each in enumerate(self._routes, 1) if each.takes(topic, kind)]
        if not routes:
            return None
        first, route = routes[0]
        asked = {name: self._pools[name] for _, each in routes for name in each.pools}
        return _Way(first, tuple(self._pools[name] for name in route.pools), asked)


class Pools:
    """The table. `number` is that of the last change of pools that was read; `words` are those of who drains a pool."""

    stream = POOLS

    def __init__(self) -> None:
        self.number = self.revision = 0
        self.layout: Layout | None = None
        self.closed: dict[str, str] = {}
        self.words: dict[str, str] = {}
        self._router: Router | None = None

    def add(self, _: Meta, event: Event, _reached: int, /) -> None:
        """Take in the next event of the stream."""
        match event:
            case PoolsPublished(document=document, revision=revision, number=number):
                self.number, self.revision, self.layout = number, revision, layout_of(document)
            case PoolChanged(pool=pool, number=number):
                self.number = number
                self.closed.pop(pool, None)
                self.closed |= {} if event.is_open else {pool: event.reason}
                self.words.pop(pool, None)
                self.words |= {pool: words} if (words := drained_for(event)) else {}
            case _:
                return
        self._router = None if self.layout is None else Router(self.layout, self.closed)

    def lacks(self, _: Meta, event: Event, *, reached: int) -> bool:  # noqa: ARG002 - a change has a number of its own
        """Whether this message was said by somebody who knows of a later change."""
        return isinstance(event, JobRequested) and event.pools_number > self.number

    def choose(self, job: Job) -> Choice:
        """Where this job goes. While nobody has said which pools there are: where it asks to go."""
        if self._router is not None:
            return self._router.choose(job)
        if job.pool and not is_pool_name(job.pool):
            return Choice("", f"Expected the name of a pool such as '{DEFAULT}', but got '{job.pool[:200]}'.")
        return Choice(job.pool or DEFAULT, "")


def unfit(pool: PoolTerms, job: Job) -> str:
    """Why a job cannot be done in a pool; empty if it can."""
    if missing := [one for one in job.requires if one not in pool.capabilities]:
        return f"has no {', '.join(missing)}"
    if pool.tenants and not _matches(map(glob, pool.tenants), job.tenant):
        return f"is not for tenant '{job.tenant}'"
    for name, value in job.placement.items():
        if pool.labels.get(name, value) != value:
            return f"has {name}={pool.labels[name]}"
    return ""


def _candidates(way: _Way, job: Job) -> Iterator[PoolTerms]:
    if job.pool in way.asked:
        yield way.asked[job.pool]
    for pool in way.pools:
        if pool.name != job.pool:
            yield pool


def _nothing_fits(way: _Way, job: Job) -> str:
    why = "; ".join(f"'{pool.name}' {unfit(pool, job)}" for pool in _candidates(way, job))
    return f"Expected a pool of route {way.route} that fits the job, but {why}"[:1000] + "."


def _matches(globs: Iterable[Callable[[str], bool]], text: str) -> bool:
    return any(each(text) for each in globs)
