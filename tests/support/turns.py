"""A service whose runs take turns: each asks for a slot, keeps it a little while, and lets go when it ends."""

from collections.abc import Iterator
from operator import attrgetter

import msgspec

from foldgate.contracts.events import (
    Event,
    Meta,
    RunCancelled,
    RunRequested,
    RunStarted,
    RunSucceeded,
    SlotGranted,
    SlotRefused,
    SlotReleased,
    SlotRequested,
    SlotRevoked,
    SlotTaken,
)
from foldgate.contracts.topics import INTAKE, RUNS, SLOTS
from foldgate.decider.decider import Decider, IllegalTransition, Message, Said, Tick
from foldgate.engine.slots.decide import slots
from foldgate.runtime.service import Aggregate, Follow, Service

KEEPS_MS = 5


class Turn(msgspec.Struct, frozen=True):
    """One run; `until` once it has its turn."""

    slot: str
    until: int | None = None
    over: bool = False


def _decide(state: Turn | None, message: Message) -> Iterator[Event | Said]:
    """'NAME LIMIT ON_CONFLICT' asks for that slot on these terms."""
    match message.event:
        case RunRequested(input=text) if state is None:
            slot, limit, on_conflict = text.split()
            yield RunStarted(workflow="turn", topic="", input=slot, request_hash=b"")
            yield SlotRequested(slot=slot, limit=int(limit), on_conflict=on_conflict)
        case SlotGranted() if state is not None:
            yield SlotTaken(slot=state.slot)
        case Tick() if state is not None:
            yield SlotReleased(slot=state.slot)
            yield RunSucceeded(output="null")
        case SlotRefused() | SlotRevoked() if state is not None:
            yield SlotReleased(slot=state.slot)
            yield RunCancelled(reason=type(message.event).__name__)
        case _:
            return


def _evolve(state: Turn | None, meta: Meta, event: Event) -> Turn:
    match event:
        case RunStarted(input=slot) if state is None:
            return Turn(slot=slot)
        case SlotTaken() if state is not None and state.until is None:
            return msgspec.structs.replace(state, until=meta.at + KEEPS_MS)
        case SlotRequested() | SlotReleased() if state is not None:
            return state
        case RunSucceeded() | RunCancelled() if state is not None:
            return msgspec.structs.replace(state, over=True)
        case _:
            raise IllegalTransition(f"{type(event).__name__} is no event of a turn.")


TURNS = Service(
    name="engine",
    aggregates=(
        Aggregate(
            stream=RUNS,
            decider=lambda *_: Decider(
                state=Turn,
                decide=_decide,
                evolve=_evolve,
                due=lambda state: state.until,
                ended=lambda state: state.over,
                openings=(RunRequested,),
            ),
            follows=(
                Follow(stream=INTAKE, events=(RunRequested,), guard=True),
                Follow(stream=SLOTS, events=(SlotGranted, SlotRefused, SlotRevoked)),
            ),
        ),
        Aggregate(
            stream=SLOTS,
            decider=lambda *_: slots(),
            follows=(Follow(stream=RUNS, events=(SlotRequested, SlotReleased), key=attrgetter("slot")),),
        ),
    ),
)
