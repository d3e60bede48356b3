"""A condition: its output is the truth of an expression."""

from foldgate.engine.runs.places import Place
from foldgate.engine.runs.turn import Turn
from foldgate.engine.steps.instant import call_back, progress, wake
from foldgate.language.definition import ConditionSpec

__all__ = ["begin", "call_back", "progress", "wake"]


def begin(turn: Turn, place: Place, _: str) -> None:
    """Evaluate it."""
    assert isinstance(place.step.spec, ConditionSpec)
    turn.succeed(place, "true" if turn.holds(place.step.spec.expression, place) else "false")
