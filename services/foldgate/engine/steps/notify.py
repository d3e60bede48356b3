"""Notify: tells whoever subscribes. It has succeeded when its event is on the log."""

from foldgate.contracts.events import NotificationRaised
from foldgate.engine.runs.places import Place
from foldgate.engine.runs.turn import Turn, Unfit, encoded, shortened
from foldgate.engine.steps.instant import call_back, progress, wake
from foldgate.expr.template import Template
from foldgate.language.definition import NotifySpec

__all__ = ["begin", "call_back", "progress", "wake"]

LEVELS = ("info", "warning", "error")
_MAX_MESSAGE = 16_000


def begin(turn: Turn, place: Place, _: str) -> None:
    """Raise the notification."""
    spec = place.step.spec
    assert isinstance(spec, NotifySpec)
    channel, message = _text(turn, place, spec.channel), _text(turn, place, spec.message)
    level = _text(turn, place, spec.level) or LEVELS[0]
    if level not in LEVELS:
        raise Unfit("no_such_level", f"Expected a level of {', '.join(LEVELS)}, but it is '{shortened(level, 100)}'.")
    raised = NotificationRaised(
        step=place.id, channel=shortened(channel, 255), message=shortened(message, _MAX_MESSAGE), level=level
    )
    turn.say(raised)
    turn.succeed(place, "null")


def _text(turn: Turn, place: Place, template: Template | None) -> str:
    value = "" if template is None else turn.evaluate(template, place)
    return value if isinstance(value, str) else encoded(value)
