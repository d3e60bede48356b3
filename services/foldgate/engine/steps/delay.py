"""A delay: until so much time has passed, or until a time. The timer is in the run's state, so it survives restarts."""

from typing import Any

from foldgate.contracts.events import StepStarted
from foldgate.engine.runs.places import Place
from foldgate.engine.runs.turn import Turn, Unfit, encoded, shortened
from foldgate.engine.steps.parallel import deadline
from foldgate.engine.steps.waiting import call_back, progress
from foldgate.language.definition import DelaySpec
from foldgate.language.durations import instant, milliseconds

__all__ = ["begin", "call_back", "progress", "wake"]

_MOST_MS = 100 * 366 * 86_400_000
"""A hundred years: later is a mistake."""


def begin(turn: Turn, place: Place, _: str) -> None:
    """Wait, unless the time has come."""
    until = _until(turn, place)
    if until <= turn.at:
        turn.succeed(place, "null")
        return
    parent = turn.parent(place)
    turn.say(StepStarted(step=place.id, kind="delay", parent=parent, deadline=deadline(turn, place), until=until))


def wake(turn: Turn, place: Place) -> None:
    """The time has come."""
    turn.succeed(place, "null")


def _until(turn: Turn, place: Place) -> int:
    spec = place.step.spec
    assert isinstance(spec, DelaySpec)
    template = spec.delay if spec.delay is not None else spec.until
    assert template is not None
    value = turn.evaluate(template, place)
    try:
        until = turn.at + _duration(value) if spec.delay is not None else _time(value)
    except ValueError as error:
        raise Unfit("no_time", str(error)) from None
    if until > turn.at + _MOST_MS:
        raise Unfit("no_time", f"Expected a time within a hundred years, but got {shortened(encoded(value), 100)}.")
    return until


def _duration(value: Any) -> int:
    if isinstance(value, str):
        return milliseconds(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST_MS:
        raise ValueError(f"Expected a duration such as '5s' or milliseconds, but got {shortened(encoded(value), 100)}.")
    return int(value)


def _time(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError(  # noqa: TRY004 - a value in a document, not a type in the program
            f"Expected a time such as '2030-01-31T12:00:00Z', but got {shortened(encoded(value), 100)}."
        )
    return instant(value)
