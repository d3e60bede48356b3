"""A transform: its output is what it says, evaluated."""

from foldgate.engine.runs.places import Place
from foldgate.engine.runs.turn import Turn, encoded
from foldgate.engine.steps.instant import call_back, progress, wake
from foldgate.language.definition import TransformSpec

__all__ = ["begin", "call_back", "progress", "wake"]


def begin(turn: Turn, place: Place, _: str) -> None:
    """Evaluate it."""
    assert isinstance(place.step.spec, TransformSpec)
    turn.succeed(place, encoded(turn.evaluate(place.step.spec.output, place)))
