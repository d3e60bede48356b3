"""A parallel: its steps begin together, and all, one, or n of them must succeed."""

from collections.abc import Iterable

from foldgate.contracts.events import StepStarted
from foldgate.engine.runs.beginning import begin as begin_part
from foldgate.engine.runs.outcomes import outcome
from foldgate.engine.runs.places import Place, at
from foldgate.engine.runs.scope import output_of
from foldgate.engine.runs.turn import Ending, Turn, encoded
from foldgate.engine.steps import groups
from foldgate.language.definition import ParallelSpec


def begin(turn: Turn, place: Place, _: str) -> None:
    """Begin as many steps as may go on at once."""
    turn.say(StepStarted(step=place.id, kind="parallel", parent=turn.parent(place), deadline=deadline(turn, place)))
    progress(turn, place)


def progress(turn: Turn, place: Place) -> None:
    """Enough have succeeded, or cannot any longer; or the next may begin. Of one that is over, those are called back
    that there was no room for."""
    step, spec = turn.step(place), _spec(place)
    if not step.live:
        turn.skip_parts(place)
        groups.call_parts_back(turn, place, _parts)
        return
    if groups.is_winding_up(step):
        groups.go_on_winding_up(turn, place, _parts)
        return
    parts = list(_parts(turn, place))
    came = [outcome(turn.definition, turn.run, part.id) for part in parts]
    if came.count("satisfied") + came.count("dead") >= spec.required:
        if turn.has_room():
            turn.succeed(place, _output(turn, parts))
            groups.call_parts_back(turn, place, _parts)
    elif len(parts) - came.count("failed") < spec.required:
        groups.wind_up(turn, place, groups.first_failure(turn, parts), parts=_parts)
    else:
        _begin_more(turn, parts, spec.max_parallel)


def wake(turn: Turn, place: Place) -> None:
    """Nothing of it comes by itself."""


def call_back(turn: Turn, place: Place, ending: Ending) -> None:
    """Call its steps back, and end when they have."""
    groups.wind_up(turn, place, ending, parts=_parts)


def _begin_more(turn: Turn, parts: list[Place], most: int | None) -> None:
    live = sum(1 for part in parts if turn.run.step(part.id) and outcome(turn.definition, turn.run, part.id) == "open")
    for part in parts:
        if most is not None and live >= most:
            return
        if turn.run.step(part.id) is None:
            begin_part(turn, part)
            begun = turn.run.step(part.id) is not None
            if begun and outcome(turn.definition, turn.run, part.id) != "open":
                return  # it is over already: what it means for the group comes first
            live += begun


def _parts(turn: Turn, place: Place) -> Iterable[Place]:
    for part in _spec(place).steps:
        yield at(turn.definition, part, place.path)


def _output(turn: Turn, parts: list[Place]) -> str:
    given = {part.step.id: output_of(turn.definition, turn.run, part.id) or "null" for part in parts}
    return "{" + ",".join(f"{encoded(name)}:{given[name]}" for name in sorted(given)) + "}"


def deadline(turn: Turn, place: Place) -> int | None:
    """When a step that begins now times out; an item has the time of the whole."""
    limit = place.step.timeout_ms
    return None if limit is None or place.is_item else turn.at + limit


def _spec(place: Place) -> ParallelSpec:
    assert isinstance(place.step.spec, ParallelSpec)
    return place.step.spec
