"""A loop: its body runs in order, again and again, while or until something holds."""

from collections.abc import Iterable

from foldgate.contracts.events import StepStarted
from foldgate.engine.runs.beginning import begin as begin_part
from foldgate.engine.runs.outcomes import chosen_by, outcome
from foldgate.engine.runs.places import Place, at, join
from foldgate.engine.runs.scope import loop_seen, output_of
from foldgate.engine.runs.turn import Ending, Turn, guarded
from foldgate.engine.steps import groups
from foldgate.engine.steps.parallel import deadline
from foldgate.expr.template import Template
from foldgate.language.definition import LoopSpec


def begin(turn: Turn, place: Place, _: str) -> None:
    """Begin the first iteration, if there is one."""
    turn.say(StepStarted(step=place.id, kind="loop", parent=turn.parent(place), deadline=deadline(turn, place)))
    progress(turn, place)


def progress(turn: Turn, place: Place) -> None:
    """The next step of the body; after the last one, the next iteration or the end."""
    step = turn.run.step(place.id)
    assert step is not None
    assert step.parts is not None
    if groups.is_winding_up(step):
        groups.go_on_winding_up(turn, place, _parts)
    elif step.parts.index < 0 or _is_through(turn, place, step.parts.index):
        if not turn.has_room():
            return
        guarded(turn, place, lambda: _iterate(turn, place, step.parts.index))  # type: ignore[union-attr]


def wake(turn: Turn, place: Place) -> None:
    """Nothing of it comes by itself."""


def call_back(turn: Turn, place: Place, ending: Ending) -> None:
    """Call its body back, and end when it has."""
    groups.wind_up(turn, place, ending, parts=_parts)


def _is_through(turn: Turn, place: Place, index: int) -> bool:
    """Whether that iteration is over. If not, it goes on, or the loop ends with the step that failed."""
    for base in _spec(place).body:
        part = at(turn.definition, base, (*place.path, index))
        if turn.run.step(part.id) is None and not _is_on_the_way(turn, part):
            if not turn.has_room():
                return False
            turn.skip(part, "branch_not_taken")
        elif turn.run.step(part.id) is None:
            begin_part(turn, part)
            return False
        came = outcome(turn.definition, turn.run, part.id)
        if came == "failed":
            groups.wind_up(turn, place, groups.first_failure(turn, [part]), parts=_parts)
        if came in ("failed", "open"):
            return False
    return True


def _is_on_the_way(turn: Turn, part: Place) -> bool:
    """Whether a switch of the same iteration leads here, where one could."""
    chosen = [chosen_by(turn.run, join(switch, part.path)) for switch in part.step.switches]
    return not chosen or any(part.step.id in steps for steps in chosen)


def _iterate(turn: Turn, place: Place, index: int) -> None:
    """After iteration `index`: begin the next, or end."""
    spec = _spec(place)
    if (index >= 0 and spec.until is not None and _holds(turn, place, spec.until, index=index, previous=index)) or (
        spec.while_ is not None and not _holds(turn, place, spec.while_, index=index + 1, previous=index)
    ):
        _succeed(turn, place, index)
    elif index + 1 >= spec.max_iterations:
        turn.fail(place, "max_iterations", f"The condition did not end it within {spec.max_iterations} iterations.")
    else:
        begin_part(turn, at(turn.definition, spec.body[0], (*place.path, index + 1)))


def _holds(turn: Turn, place: Place, template: Template, *, index: int, previous: int) -> bool:
    """The truth of its condition, which sees the steps of the iteration that is over."""
    spec = _spec(place)
    seen = loop_seen(turn.definition, turn.run, spec, outer=place.path, index=index, previous=previous)
    return turn.holds(template, at(turn.definition, spec.body[-1], (*place.path, previous)), loop=seen)


def _succeed(turn: Turn, place: Place, index: int) -> None:
    last = join(_spec(place).body[-1], (*place.path, index))
    turn.succeed(place, output_of(turn.definition, turn.run, last) or "null")


def _parts(turn: Turn, place: Place) -> Iterable[Place]:
    """The body of the iteration under way."""
    step = turn.run.step(place.id)
    index = step.parts.index if step is not None and step.parts is not None else -1
    for base in _spec(place).body if index >= 0 else ():
        yield at(turn.definition, base, (*place.path, index))


def _spec(place: Place) -> LoopSpec:
    assert isinstance(place.step.spec, LoopSpec)
    return place.step.spec
