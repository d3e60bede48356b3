"""An input: a person is asked for data; the data is the output."""

from foldgate.engine.runs.places import Place
from foldgate.engine.runs.turn import Turn, encoded
from foldgate.engine.steps.approval import ask
from foldgate.engine.steps.waiting import call_back, progress, wake
from foldgate.language.definition import InputSpec

__all__ = ["begin", "call_back", "progress", "wake"]


def begin(turn: Turn, place: Place, given: str) -> None:
    """Ask for it."""
    spec = place.step.spec
    assert isinstance(spec, InputSpec)
    schema = encoded(spec.schema.source) if spec.schema is not None else ""
    ask(turn, place, given, terms=spec.terms, schema=schema)
