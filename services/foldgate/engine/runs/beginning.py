"""The beginning of one step: its condition, its input, and then what its type does."""

import msgspec

from foldgate.engine.runs.places import Place
from foldgate.engine.runs.scope import item_text
from foldgate.engine.runs.turn import MAX_CARRIED_BYTES, Turn, Unfit, encoded, guarded

_TAKE_INPUT = frozenset({"job", "approval", "input", "subworkflow"})
"""The types that are given an input also where none is written."""
GATED = frozenset({"notify", "storage", "subworkflow", "approval", "input"})
"""The types that no writ stands before: they wait until policy has let the run begin."""


def may_begin(turn: Turn) -> bool:
    """Whether the run begins anything now."""
    return turn.run.phase == "running" and not turn.run.paused


def begin(turn: Turn, place: Place) -> None:
    """Begin a step, or skip it by its own condition. The run may be paused, policy silent, and the decision full: then
    later."""
    if place.step.type in GATED and not place.is_group_of_items and not turn.run.cleared:
        return
    may = may_begin(turn) or turn.run.phase == "compensating"
    if may and turn.run.step(place.id) is None and turn.has_room(_more(place)):
        guarded(turn, place, lambda: _begin(turn, place))


def _more(place: Place) -> int:
    """What is set is also given: two values."""
    return MAX_CARRIED_BYTES if place.step.type == "storage" else 0


def _begin(turn: Turn, place: Place) -> None:
    step = place.step
    if step.when is not None and not place.is_item and not turn.holds(step.when, place):
        turn.skip(place, "when_false")
    else:
        takes = step.type in _TAKE_INPUT or step.input is not None
        given = _given(turn, place) if takes and not place.is_group_of_items else ""
        turn.kind(place).begin(turn, place, given)


def _given(turn: Turn, place: Place) -> str:
    """The input of a step: as written; else its item; else that of the run."""
    step = place.step
    if step.input is not None:
        text = encoded(turn.evaluate(step.input, place))
    else:
        text = item_text(turn.definition, turn.run, place) or turn.run.input
    if step.input_schema is not None:
        problem = step.input_schema.problem(msgspec.json.decode(text))
        if problem is not None:
            raise Unfit("input_invalid", f"The input does not fit input_schema: {problem}")
    return text
