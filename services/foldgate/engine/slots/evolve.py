"""What an event makes of a slot."""

import msgspec

from foldgate.contracts.events import Event, Meta, SlotFreed, SlotGranted, SlotQueued, SlotRefused, SlotRevoked
from foldgate.decider.decider import IllegalTransition
from foldgate.engine.slots.state import Place, Slot


def evolve(slot: Slot | None, meta: Meta, event: Event) -> Slot:
    """The slot after this event."""
    slot, run = slot or Slot(), meta.run_id
    match event:
        case SlotGranted() if run not in slot.holders and len(slot.holders) < event.limit:
            return _granted(slot, meta, event.limit)
        case SlotQueued() if not slot.has(run):
            waiting = {**slot.waiting, run: Place(correlation=meta.correlation)}
            return msgspec.structs.replace(slot, limit=event.limit, waiting=waiting)
        case SlotRefused() if not slot.has(run):
            return msgspec.structs.replace(slot.without(run), limit=event.limit)
        case SlotRevoked() if run in dict(slot.staying()):
            holders, waiting = _given_up(slot.holders, run), _given_up(slot.waiting, run)
            return msgspec.structs.replace(slot, holders=holders, waiting=waiting)
        case SlotFreed() if slot.has(event.run):
            return slot.without(event.run)
        case _:
            raise IllegalTransition(f"{type(event).__name__} does not fit what {run} has: {meta.event_id}")


def _granted(slot: Slot, meta: Meta, limit: int) -> Slot:
    place = slot.waiting.get(meta.run_id) or Place(correlation=meta.correlation)
    waiting = {run: place for run, place in slot.waiting.items() if run != meta.run_id}
    return msgspec.structs.replace(slot, limit=limit, holders={**slot.holders, meta.run_id: place}, waiting=waiting)


def _given_up(places: dict[str, Place], run: str) -> dict[str, Place]:
    if run not in places:
        return places
    return {**places, run: msgspec.structs.replace(places[run], revoked=True)}
