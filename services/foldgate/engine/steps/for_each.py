"""A step with for_each: one child `step[i]` an item, of the step's own type. Each move of it costs the same, however
many items there are: it is counted as they come and go, and looked at one by one only at its end."""

from collections.abc import Iterable

from foldgate.contracts.events import StepStarted
from foldgate.engine.runs.beginning import begin as begin_part
from foldgate.engine.runs.places import Place, at
from foldgate.engine.runs.scope import error_of
from foldgate.engine.runs.step import Parts
from foldgate.engine.runs.turn import Ending, Turn, Unfit, encoded, shortened
from foldgate.engine.steps import groups
from foldgate.engine.steps.parallel import deadline
from foldgate.language.definition import ForEach


def begin(turn: Turn, place: Place, _: str) -> None:
    """Evaluate the items, once, and begin as many as may go on at once."""
    items = _items(turn, place)
    if not items:
        turn.succeed(place, "[]")
        return
    started = StepStarted(
        step=place.id, kind="for_each", parent=turn.parent(place), deadline=deadline(turn, place), items=items
    )
    turn.say(started)
    progress(turn, place)


def progress(turn: Turn, place: Place) -> None:
    """All are over, one has failed, or the next may begin."""
    step, terms = turn.run.step(place.id), _terms(place)
    assert step is not None
    assert step.parts is not None
    if groups.is_winding_up(step):
        groups.go_on_winding_up(turn, place, _parts)
    elif step.parts.failed and terms.on_item_failure == "fail":
        groups.wind_up(turn, place, groups.first_failure(turn, _parts(turn, place)), parts=_parts)
    elif step.parts.begun - step.parts.live == len(step.items):
        if turn.has_room():
            _end(turn, place, step.parts)
    else:
        _begin_more(turn, place, len(step.items))


def wake(turn: Turn, place: Place) -> None:
    """Nothing of it comes by itself."""


def call_back(turn: Turn, place: Place, ending: Ending) -> None:
    """Call its items back, and end when they have."""
    groups.wind_up(turn, place, ending, parts=_parts)


def _items(turn: Turn, place: Place) -> tuple[str, ...]:
    terms = _terms(place)
    value = turn.evaluate(terms.items, place)
    if not isinstance(value, list | tuple):
        raise Unfit("not_a_list", f"Expected for_each to give a list, but it gave {shortened(encoded(value), 100)}.")
    if len(value) > terms.max_items:
        raise Unfit("too_many_items", f"Expected at most {terms.max_items} items, but there are {len(value)}.")
    return tuple(map(encoded, value))


def _begin_more(turn: Turn, place: Place, count: int) -> None:
    terms = _terms(place)
    most, spare = terms.max_parallel or count, count if terms.on_item_failure == "collect" else 0
    while (parts := _counts(turn, place)) is not None and parts.begun < count and parts.live < most:
        if parts.failed > spare:
            return  # what that means for all comes first
        begin_part(turn, at(turn.definition, place.step.id, (*place.path, parts.begun)))
        if _counts(turn, place) == parts:
            return  # the run is paused, or the decision full


def _counts(turn: Turn, place: Place) -> Parts | None:
    step = turn.run.step(place.id)
    return step.parts if step is not None else None


def _end(turn: Turn, place: Place, parts: Parts) -> None:
    terms = _terms(place)
    if parts.succeeded < terms.min_success:
        reason = f"Expected at least {terms.min_success} of {parts.begun} items to succeed, but {parts.succeeded} did."
        turn.fail(place, "too_few_succeeded", reason)
    else:
        given = [_given(turn, part) for part in _parts(turn, place)]
        turn.succeed(place, "[" + ",".join(given) + "]")


def _given(turn: Turn, part: Place) -> str:
    step = turn.run.step(part.id)
    assert step is not None
    error = error_of(step)
    return encoded({"error": error}) if error is not None else step.output or "null"


def _parts(turn: Turn, place: Place) -> Iterable[Place]:
    """The items that were begun."""
    parts = _counts(turn, place)
    for index in range(parts.begun if parts is not None else 0):
        yield at(turn.definition, place.step.id, (*place.path, index))


def _terms(place: Place) -> ForEach:
    assert place.step.for_each is not None
    return place.step.for_each
