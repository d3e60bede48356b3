"""A service is a value: which streams it owns, how their aggregates behave, what it follows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from starlette.types import Receive, Scope, Send

from foldgate.contracts.events import Event, Meta
from foldgate.contracts.topics import Stream
from foldgate.decider.decider import Decider
from foldgate.readmodel.projection import Projection
from foldgate.readmodel.projector import Projector

if TYPE_CHECKING:
    from foldgate.runtime.context import Context


@dataclass(frozen=True, kw_only=True)
class Follow:
    """A stream whose events are messages here. A stream under the same key is read partition by partition; of one
    under another key all partitions are read, and what belongs to owned partitions is kept. Of the followers of an
    open stream one is its guard: it quarantines what nobody can accept.

    `key` says of an event which aggregate it concerns, where its Meta does not: an event of a run that is for another
    run, or for a slot. All partitions are read then, also where an aggregate follows its own stream."""

    stream: Stream
    events: tuple[type[Event], ...]
    guard: bool = False
    key: Callable[[Any], str] | None = None


class Table(Protocol):
    """What a decider is given besides state and message: immutable values by their digests, such as definitions, which
    each process folds for itself from an owned stream of one partition (`tables.py`)."""

    @property
    def stream(self) -> Stream: ...

    def add(self, meta: Meta, event: Event, reached: int, /) -> None:
        """Take in the next event of the stream; `reached` is the place behind it."""

    def lacks(self, meta: Meta, event: Event, *, reached: int) -> bool:
        """Whether this message may need what is not in the table yet, which has all before the offset `reached`."""


@dataclass(frozen=True, kw_only=True)
class Relay:
    """Copies events of an owned stream, in order and at least once, to where those may read who may not read it."""

    events: tuple[type[Event], ...]
    target: Callable[[Meta], str]
    key: Callable[[Event], bytes]


@dataclass(frozen=True, kw_only=True)
class Asks:
    """Events that ask something of the owner of the stream `of`, under the same key. What that owner has read is
    answered by what it says; what it has not is measured as a wait for `wait`."""

    events: tuple[type[Event], ...]
    of: Stream
    wait: str


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """One owned stream. `decider` is made once, at start, of the settings, the keys, and the tables if there are any.
    `tables` make empty ones: each process has its own, which those aggregates of a service share that name the same
    makers."""

    stream: Stream
    decider: Callable[..., Decider[Any]]
    follows: tuple[Follow, ...]
    relay: Relay | None = None
    asks: Asks | None = None
    tables: tuple[Callable[[], Table], ...] = ()

    def __post_init__(self) -> None:
        names = [(follow.stream.name, event) for follow in self.follows for event in follow.events]
        if twice := [event.__name__ for stream, event in set(names) if names.count((stream, event)) > 1]:
            raise ValueError(f"'{self.stream.name}': expected each event in one follow, but {twice[0]} is in several.")
        if any(follow.guard and follow.key is not None for follow in self.follows):
            raise ValueError(
                f"'{self.stream.name}': expected a guard to read by the key of records, but it has its own."
            )
        if self.relay is not None and self.stream.name in {follow.stream.name for follow in self.follows}:
            raise ValueError(
                f"'{self.stream.name}': expected either a relay or itself among what it follows, not both."
            )

    def decider_with(self, settings: Any, keys: Any, tables: Sequence[Table]) -> Decider[Any]:
        """How its aggregates behave, under these settings, with these keys, and with these tables of its making."""
        return self.decider(settings, keys, *tables)


class App(Protocol):
    """What a service serves over HTTP besides health and metrics: an ASGI application, and the work behind it."""

    @property
    def ready(self) -> bool: ...

    def waiting_for(self) -> str: ...

    async def run(self) -> None: ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service of the suite. `app` is made of the context and of the projectors by their projections' names."""

    name: str
    aggregates: tuple[Aggregate, ...] = ()
    projections: tuple[Projection, ...] = ()
    app: "Callable[[Context, Mapping[str, Projector]], App] | None" = None


def key_for(stream: Stream, meta: Meta) -> str:
    """The key under which a message concerns an aggregate of this stream; empty if it concerns none."""
    if stream.key == "run":
        return meta.run_id
    return meta.pool if stream.key == "pool" else meta.key


def is_same_key(follow: Follow, own: Stream) -> bool:
    """Whether each partition of ours reads its own of theirs: it is under the same key, or there is but one of each."""
    same = follow.stream.key == own.key or own.partitions == 1
    return follow.key is None and same and follow.stream.partitions == own.partitions
