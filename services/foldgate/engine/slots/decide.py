"""Who may go on: at most so many runs with the same concurrency key at a time, in the order in which they asked.

Why no place is lost, whatever crashes between any two lines. A run asks (`SlotRequested`) and lets go (`SlotReleased`)
with events of its own stream, and the decision that ends a run that has asked also lets go: one append, so there is no
run that is over and has not let go. Both are read here in the run's own order, each exactly once, because the append
that answers them carries the position past them: before it they are read again, after it they are answered. The answer
frees the place and gives it to whoever waits longest in one decision, so a free place and somebody waiting for it are
never both in the log, but where more are let go on than one decision takes; then the slot is due at once. The answers
are read by the runs in the same way. A run that ended while it waited has let go as well: should its place be given to
it meanwhile, `SlotReleased` is on its way, behind the request. And a repeat does no harm: who holds or waits and asks
again, or has left, gets no second place.

The newest request says how many there are; where they become fewer, nobody loses a place, and nobody gets one until
they have become fewer. With `cancel_oldest` the oldest that hold or wait have to give up, until with the newcomer no
more stay than may hold a place. They keep theirs until they have let go, so the limit holds all the time.

A slot that nobody holds stays, as a few bytes: its next event continues its numbers and its chain.
"""

import itertools
from collections.abc import Iterable, Iterator

import msgspec

from foldgate.contracts.events import (
    Event,
    Meta,
    SlotFreed,
    SlotGranted,
    SlotQueued,
    SlotRefused,
    SlotReleased,
    SlotRequested,
    SlotRevoked,
)
from foldgate.decider.decider import Decider, Message, Said, Tick
from foldgate.engine.slots.evolve import evolve
from foldgate.engine.slots.state import Place, Slot, due

Outcome = Iterator[Event | Said]
PRINCIPAL = "engine"
MAX_TOLD = 50
"""Of those that hold the places, as many as an answer names."""
_GRANTED_BYTES = 256 * 1024
_ANSWER_BYTES = 2048


def slots() -> Decider[Slot]:
    """The decider of slots."""
    return Decider(state=Slot, decide=decide, evolve=evolve, due=due, fail=_fail)


def decide(state: Slot | None, message: Message) -> Outcome:
    """The events that answer this message."""
    slot = state or Slot()
    match message.event:
        case SlotRequested() as request if message.meta is not None and not slot.knows(message.meta.run_id):
            yield from _requested(slot, request, message.meta)
        case SlotReleased() if message.meta is not None and slot.has(message.meta.run_id):
            yield _to(message.meta, SlotFreed(slot=message.key, run=message.meta.run_id))
            yield from _filled(slot.without(message.meta.run_id), message.key)
        case Tick():
            yield from _filled(slot, message.key)
        case _:
            return


def _requested(slot: Slot, request: SlotRequested, meta: Meta) -> Outcome:
    name, limit = request.slot, max(1, request.limit)
    slot = msgspec.structs.replace(slot, limit=limit)
    yield from _filled(slot, name)
    if len(slot.holders) + slot.in_line < limit:
        yield _to(meta, SlotGranted(slot=name, limit=limit))
    elif request.on_conflict == "reject":
        yield _to(meta, SlotRefused(slot=name, holders=_told(slot), limit=limit))
    else:
        yield _to(meta, SlotQueued(slot=name, holders=_told(slot), limit=limit))
        yield from _revoked(slot, meta, name=name) if request.on_conflict == "cancel_oldest" else ()


def _revoked(slot: Slot, newcomer: Meta, *, name: str) -> Outcome:
    """Those that give up for the newcomer; were it more than one decision takes, it waits for the others' turn."""
    staying = list(slot.staying())
    surplus = max(0, len(staying) + 1 - slot.limit)
    for run, place in staying[: min(surplus, _most(name))]:
        yield _about(run, place, SlotRevoked(slot=name, by_run=newcomer.run_id))


def _filled(slot: Slot, name: str) -> Outcome:
    """The free places are given to whoever waits longest; what one decision does not take, the next does."""
    for run, place in itertools.islice(slot.next_in_line(), _most(name)):
        yield _about(run, place, SlotGranted(slot=name, limit=slot.limit))


def _most(name: str) -> int:
    """How many answers of a kind fit a decision: each has the slot's name several times."""
    return max(1, _GRANTED_BYTES // (_ANSWER_BYTES + 5 * len(name.encode())))


def _told(slot: Slot) -> tuple[str, ...]:
    return tuple(itertools.islice(slot.holders, MAX_TOLD))


def _fail(state: Slot | None, message: Message, _reason: str) -> Iterable[Event | Said]:
    """After a fault of ours the run that asked is refused, and does not wait for ever; the reason is in quarantine."""
    slot = state or Slot()
    if isinstance(message.event, SlotRequested) and message.meta is not None and not slot.knows(message.meta.run_id):
        yield _to(message.meta, SlotRefused(slot=message.key, holders=_told(slot), limit=slot.limit))


def _to(meta: Meta, event: Event) -> Said:
    """The answer to the run that a message is of."""
    return _about(meta.run_id, Place(correlation=meta.correlation), event)


def _about(run: str, place: Place, event: Event) -> Said:
    return Said(event, run_id=run, principal=PRINCIPAL, correlation=place.correlation)
