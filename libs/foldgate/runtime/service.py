"""A service is a value: which streams it owns, how their aggregates behave, what it follows."""

from collections.abc import Callable, Mapping
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
    open stream one is its guard: it quarantines what nobody can accept."""

    stream: Stream
    events: tuple[type[Event], ...]
    guard: bool = False


@dataclass(frozen=True, kw_only=True)
class Relay:
    """Copies events of an owned stream, in order and at least once, to where those may read who may not read it."""

    events: tuple[type[Event], ...]
    target: Callable[[Meta], str]
    key: Callable[[Event], bytes]


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """One owned stream. `decider` is made from the settings once, at start."""

    stream: Stream
    decider: Callable[[Any], Decider[Any]]
    follows: tuple[Follow, ...]
    relay: Relay | None = None


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
