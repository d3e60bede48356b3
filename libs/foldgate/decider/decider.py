"""The decider: a service's behaviour on one aggregate, as two pure functions and what goes with them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from foldgate.contracts.events import Event, Meta
from foldgate.decider.keeping import Keeping

S = TypeVar("S")


class Tick(msgspec.Struct, frozen=True):
    """Time has passed: what was due is due."""


class Message(msgspec.Struct, frozen=True):
    """What `decide` answers: another's event or a tick. `at` is the owner's clock, never below the aggregate's.
    `behind` while the owner has not read all that lay there when it began, or went on after a pause."""

    key: str
    at: int
    event: Event | Tick
    meta: Meta | None = None
    behind: bool = False


class Said(msgspec.Struct, frozen=True):
    """An event to append, and where its address differs from the aggregate's own."""

    event: Event
    run_id: str | None = None
    pool: str | None = None
    tenant: str | None = None
    principal: str | None = None
    correlation: str | None = None


class Wait(msgspec.Struct, frozen=True):
    """What something unfinished waits for: which step, why in a few words, since when, and until when if time ends it.
    `step` is empty where the aggregate as a whole waits."""

    step: str
    reason: str
    since: int
    until: int | None = None


Watched = tuple[str, int] | tuple[str, int, int]
"""What something waits for, since when, and how many do; the first of them since then."""


class SetAside(Exception):
    """`decide` cannot accept this message: it goes to quarantine with this code and sentence, and work goes on."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class IllegalTransition(Exception):
    """An event does not fit the state it meets: a fault of ours."""


def never(_: object) -> None:
    """When an aggregate without timers wants a Tick."""


def nothing(_: object) -> Iterable[Watched]:
    """What is watched of an aggregate that is not."""
    return ()


def unmeasured(_: object, __: int) -> Mapping[str, float]:
    """What is measured of an aggregate that is not."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Decider(Generic[S]):
    """How aggregates of one stream behave.

    decide   the events that answer a message, given the state (None before the first event)
    evolve   the state after an event; never refuses, raises IllegalTransition on what cannot be
    due      when the aggregate next wants a Tick; a time that has passed means at once
    later    when it wants one again after a Tick, at that time, to which it had nothing to say; None: that is a fault
    ended    whether the state is final: the aggregate is then forgotten but for its key
    fail     the events that end an aggregate after `decide` or `evolve` broke on a message
    edition  raised when `evolve` means something else by the same state, so that old checkpoints are not read
    openings the events that ask for a new aggregate: a repeat of one adds nothing after the end
    passing  the events of open streams that ask for nothing after the end: others are set aside then
    state    the type of S, so that checkpoints can keep it
    keeping  how they do, where it is not plain data or is large
    settles  since when something was open that this event settles, given the state before it: that is measured
    counts   what of an event is counted, in a word; empty for most
    waits    what keeps the aggregate from its end, one a thing waited for: people are told it
    watches  what waits in a state: for what, in a word, since when, and how many where that is more than one. It is
             measured
    gauges   what else of a state is measured, by name (`runtime/metrics.py` has them), as of that time
    explain  why one thing in a state waits, by its name; empty if it does not: people are told it
    describe the state as JSON-like values, for people and their programs
    """

    state: type[S]
    keeping: Keeping[S] | None = None
    decide: Callable[[S | None, Message], Iterable[Event | Said]]
    evolve: Callable[[S | None, Meta, Event], S]
    due: Callable[[S], int | None] = never
    later: Callable[[S, int], int | None] = lambda *_: None
    ended: Callable[[S], bool] = lambda _: False
    fail: Callable[[S | None, Message, str], Iterable[Event | Said]] = lambda *_: ()
    openings: tuple[type[Event], ...] = ()
    passing: tuple[type[Event], ...] = ()
    edition: int = 1
    settles: Callable[[S | None, Event], int | None] = lambda *_: None
    counts: Callable[[Event], str] = lambda _: ""
    waits: Callable[[S], Iterable[Wait]] = lambda _: ()
    watches: Callable[[S], Iterable[Watched]] = nothing
    gauges: Callable[[S, int], Mapping[str, float]] = unmeasured
    explain: Callable[[S, str], str] = lambda *_: ""
    describe: Callable[[S], Mapping[str, Any]] = lambda _: {}


def fold(decider: Decider[S], history: Iterable[tuple[Meta, Event]], state: S | None = None) -> S | None:
    """The state that a history of one aggregate leads to."""
    for meta, event in history:
        state = decider.evolve(state, meta, event)
    return state
