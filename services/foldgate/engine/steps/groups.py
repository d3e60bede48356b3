"""What parallel, loop and for_each have in common: calling back their parts, and ending when the last of them has.

A group that fails ends when its parts have ended, so that nothing of it goes on beside what comes after. One whose
parts were called back in a decision that was full goes on with that when the run is looked at as a whole (`scan`).
"""

from collections.abc import Callable, Iterable, Iterator

from foldgate.contracts.events import StepCancelRequested
from foldgate.engine.runs.ending import call_back as call_part_back
from foldgate.engine.runs.outcomes import outcome
from foldgate.engine.runs.places import Place
from foldgate.engine.runs.scope import FAILED
from foldgate.engine.runs.step import Step
from foldgate.engine.runs.turn import Ending, Turn, shortened

NOT_NEEDED = Ending("cancelled", "cancelled", "What it is a part of needs it no longer.")
Parts = Callable[[Turn, Place], Iterable[Place]]


def wind_up(turn: Turn, place: Place, ending: Ending, *, parts: Parts) -> None:
    """Call back what the group is made of; it ends so when all of it has."""
    said = StepCancelRequested(step=place.id, ending=ending.status, code=ending.code, reason=shortened(ending.reason))
    turn.say(said)
    call_parts_back(turn, place, parts)
    go_on_winding_up(turn, place, parts)


def call_parts_back(turn: Turn, place: Place, parts: Parts) -> None:
    """Call back each part that is live, and what handles one."""
    for part in parts(turn, place):
        call_part_back(turn, part, NOT_NEEDED)
        for handler in _handlers(turn, part):
            call_part_back(turn, handler, NOT_NEEDED)


def _handlers(turn: Turn, part: Place) -> Iterator[Place]:
    """What may handle a part, and what may handle that."""
    while part.step.on_error and not part.is_item:
        part = turn.place(part.step.on_error + part.id[len(part.step.id) :])
        yield part


def go_on_winding_up(turn: Turn, place: Place, parts: Parts) -> None:
    """End if nothing of it is live."""
    step = turn.run.step(place.id)
    assert step is not None
    if turn.scanning and step.parts is not None and step.parts.live:
        call_parts_back(turn, place, parts)
        step = turn.run.step(place.id) or step
    if step.status == "cancelling" and step.parts is not None and not step.parts.live:
        turn.end(place, Ending(step.ending, step.code, step.reason))


def is_winding_up(step: Step) -> bool:
    """Whether its parts were called back."""
    return step.status == "cancelling"


def first_failure(turn: Turn, parts: Iterable[Place]) -> Ending:
    """How the part ended that failed first, of those that failed, and so how the group will."""
    failed = (step for part in parts if (step := _failed(turn, part)) is not None)
    first = min(failed, key=lambda step: step.order)
    return Ending(first.status, first.code, first.reason)


def _failed(turn: Turn, part: Place) -> Step | None:
    step = turn.run.step(part.id)
    if step is None or step.status not in FAILED or outcome(turn.definition, turn.run, part.id) != "failed":
        return None
    return step
