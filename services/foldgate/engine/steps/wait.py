"""A wait: until a signal of that name, with what it must match, reaches the run. Signals that came before are kept for
it, first in, first out."""

from operator import itemgetter
from typing import Any

import msgspec

from foldgate.contracts.events import StepStarted
from foldgate.engine.runs.places import Place
from foldgate.engine.runs.state import Signal
from foldgate.engine.runs.step import Step
from foldgate.engine.runs.turn import Turn, encoded
from foldgate.engine.steps.parallel import deadline
from foldgate.engine.steps.waiting import call_back, progress, wake
from foldgate.language.definition import WaitSpec

__all__ = ["begin", "call_back", "offer", "progress", "wake"]


def begin(turn: Turn, place: Place, _: str) -> None:
    """Take the first signal that fits, or wait for one."""
    spec = place.step.spec
    assert isinstance(spec, WaitSpec)
    match = encoded(turn.evaluate(spec.match, place)) if spec.match is not None else ""
    for signal in turn.run.signals:
        if fits(signal, spec.signal, match):
            _take(turn, place, signal)
            return
    started = StepStarted(
        step=place.id,
        kind="wait",
        parent=turn.parent(place),
        deadline=deadline(turn, place),
        signal=spec.signal,
        input=match,
    )
    turn.say(started)


def offer(turn: Turn, signal: Signal) -> None:
    """Give a signal to the step that waits longest for one like it."""
    waiting = [(step.since, step_id) for step_id, step in turn.run.steps.items() if _wants(step, signal)]
    if waiting:
        _, first = min(waiting, key=itemgetter(0))  # of those that began together, the one that was begun first
        _take(turn, turn.place(first), signal)


def _wants(step: Step, signal: Signal) -> bool:
    return step.status == "waiting" and step.kind == "wait" and fits(signal, step.awaits, step.input)


def fits(signal: Signal, name: str, match: str) -> bool:
    """Whether it has that name, and in its payload every entry of `match`."""
    if signal.name != name:
        return False
    return not match or _covers(msgspec.json.decode(signal.payload), msgspec.json.decode(match))


def _covers(value: Any, wanted: Any) -> bool:
    if isinstance(value, dict) and isinstance(wanted, dict):
        return all(name in value and _covers(value[name], part) for name, part in wanted.items())
    return encoded(value) == encoded(wanted)


def _take(turn: Turn, place: Place, signal: Signal) -> None:
    turn.succeed(place, signal.payload, signal=signal.signal_id)
