"""What an event makes of the dead letters of a run."""

from msgspec.structs import replace

from foldgate.authority.requests import UNVOUCHED
from foldgate.contracts import ids
from foldgate.contracts.events import (
    DeadLetterDiscarded,
    DeadLetterOpened,
    DeadLetterRefused,
    DeadLetterRetried,
    Event,
    Meta,
)
from foldgate.decider.decider import IllegalTransition
from foldgate.engine.letters.state import OPEN, Letter, Letters, Status, identity


def evolve(letters: Letters | None, meta: Meta, event: Event) -> Letters:
    """The letters after this event."""
    match event:
        case DeadLetterOpened():
            return _opened(letters or Letters(tenant=meta.tenant), meta, event)
        case DeadLetterRetried() if letters is not None:
            return _settled(letters, meta, event.step, "retried")
        case DeadLetterDiscarded() if letters is not None:
            return _settled(letters, meta, event.step, "discarded")
        case DeadLetterRefused() if letters is not None:
            return _refused(letters, meta, event)
        case _:
            raise IllegalTransition(f"{type(event).__name__} is no event of the letters there: {meta.event_id}")


def _opened(letters: Letters, meta: Meta, event: DeadLetterOpened) -> Letters:
    before = letters.get(event.step)
    if before is not None and before.status == OPEN:
        raise IllegalTransition(f"The letter of '{event.step}' is open already: {meta.event_id}")
    retry = ids.run_id(meta.tenant, event.workflow, ids.retry_key(meta.run_id, event.from_step))
    return letters.with_(event.step, Letter(OPEN, meta.at, meta.at, retry))


def _settled(letters: Letters, meta: Meta, step: str, status: Status) -> Letters:  # noqa: PLR0917 - which becomes what
    before = letters.get(step)
    if before is None or before.status != OPEN:
        raise IllegalTransition(f"A letter that is not open is not {status}: '{step}' by {meta.event_id}")
    return letters.with_(step, replace(before, status=status, since=meta.at, settled=identity(meta)))


def _refused(letters: Letters, meta: Meta, event: DeadLetterRefused) -> Letters:
    asked = {identity(meta)} - {b""}
    if event.code in UNVOUCHED:
        return replace(letters, dismissed=letters.dismissed | asked)
    return replace(letters, answered=letters.answered | asked)
