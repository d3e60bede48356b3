"""What a run begins next. Everything here follows from the state: what was not begun, because the run was paused or a
decision was full, is found again by `scan`, and nothing is begun twice, since what was begun is in the state.
"""

from collections.abc import Iterator

from foldgate.engine.runs.beginning import begin, may_begin
from foldgate.engine.runs.ending import ended_badly, halt
from foldgate.engine.runs.outcomes import is_handled, outcome, readiness
from foldgate.engine.runs.places import Place, at
from foldgate.engine.runs.turn import Turn


def settle(turn: Turn) -> None:
    """Look at what has ended until nothing moves any longer."""
    while (step_id := turn.take_moved()) is not None:
        _after(turn, turn.place(step_id))


def scan(turn: Turn) -> None:
    """Look at everything, as after a pause or where a decision was full."""
    turn.scanning = True
    for place in list(_unhandled(turn)):
        begin(turn, at(turn.definition, place.step.on_error, place.path))
    for step_id, _ in list(turn.run.steps.items()):
        place = turn.place(step_id)
        if turn.step(place).status in ("running", "cancelling") or place.kind == "parallel":
            turn.kind(place).progress(turn, place)
    for step_id in turn.definition.order:
        consider(turn, step_id)
    settle(turn)


def consider(turn: Turn, step_id: str) -> None:
    """Begin a step at the top, or skip it, if that can be said by now."""
    step = turn.definition.steps[step_id]
    if step.parent or step.handles or step.undoes or turn.run.step(step_id) is not None or not may_begin(turn):
        return
    ready = readiness(turn.definition, turn.run, step)
    place = at(turn.definition, step_id, ())
    if ready.skipped:
        if turn.has_room():
            turn.skip(place, ready.skipped)
    elif not ready.waits:
        begin(turn, place)


def _after(turn: Turn, place: Place) -> None:
    """A step has ended: its handler begins, or whoever waits for it moves."""
    step = turn.run.step(place.id)
    assert step is not None
    if is_handled(place, step) and outcome(turn.definition, turn.run, place.id) == "open":
        begin(turn, at(turn.definition, place.step.on_error, place.path))
        return
    while place.step.handles and not place.is_item:  # a handler may have handled a handler
        place = at(turn.definition, place.step.handles, place.path)
    if parent := turn.parent(place):
        group = turn.place(parent)
        above = turn.run.step(parent)
        if above is not None and above.live:
            turn.kind(group).progress(turn, group)
    if place.path or turn.run.phase != "running":
        return
    if turn.definition.fail_fast and ended_badly(turn, place):
        halt(turn, status="", code="fail_fast", reason=f"Step '{place.id}' failed, and the workflow says fail_fast.")
        return
    for dependent in place.step.dependents:
        consider(turn, dependent)


def _unhandled(turn: Turn) -> Iterator[Place]:
    """The failed steps whose handlers were not begun yet."""
    for step_id, step in turn.run.steps.items():
        place = turn.place(step_id)
        handled = not step.live and is_handled(place, step)
        if handled and outcome(turn.definition, turn.run, place.id) == "open":
            yield place
