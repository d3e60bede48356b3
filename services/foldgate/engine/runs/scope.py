"""What expressions see: only what they name is made ready for them."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from foldgate.engine.runs.places import Place, join, place_of, reference
from foldgate.engine.runs.state import Run
from foldgate.engine.runs.step import Step
from foldgate.expr.template import Template
from foldgate.language.definition import Definition, LoopSpec

_decode = msgspec.json.decode
FAILED = frozenset({"failed", "denied", "timed_out", "cancelled"})


def scope_of(
    definition: Definition,
    run: Run,
    place: Place | None,
    *,
    template: Template,
    at: int,
    loop: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The values of the names that a template reads, seen from a place; without one, from the run as a whole."""
    makers: dict[str, Callable[[], Any]] = {
        "input": lambda: _decode(run.input),
        "ctx": lambda: {name: _decode(value) for name, value in run.ctx.items()},
        "steps": lambda: {base: _seen(definition, run, place, base=base) for base in template.steps},
        "item": lambda: _item(definition, run, place),
        "index": lambda: _nearest_item(definition, place)[1],
        "loop": lambda: loop or _loop(definition, run, place),
        "run": lambda: {
            "id": run.run_id,
            "workflow": run.workflow,
            "tenant": run.tenant,
            "attempt_of": run.rerun_of,
        },
        "now": lambda: at,
    }
    return {name: makers[name]() for name in template.roots}


def _seen(definition: Definition, run: Run, place: Place | None, *, base: str) -> dict[str, Any]:
    """A step as others see it. One that was handled has its handler's output."""
    step_id = reference(definition, place, base)
    step = run.step(step_id)
    if step is None:
        return {"status": "pending", "output": None, "error": None}
    output = output_of(definition, run, step_id)
    return {"status": step.status, "output": _decode(output) if output else None, "error": error_of(step)}


def output_of(definition: Definition, run: Run, step_id: str) -> str:
    """The output of a step or of what handled it, as JSON; empty if it has none."""
    step = run.step(step_id)
    if step is None or step.status == "succeeded":
        return step.output if step is not None else ""
    place = place_of(definition, step_id)
    if step.status not in FAILED or not place.step.on_error:
        return ""
    return output_of(definition, run, join(place.step.on_error, place.path))


def error_of(step: Step) -> dict[str, str] | None:
    """Why a step failed, as expressions and collected outputs see it."""
    if step.status not in FAILED:
        return None
    return {"status": step.status, "code": step.code, "message": step.reason}


def item_text(definition: Definition, run: Run, place: Place) -> str:
    """The item that this place is about, as JSON; empty outside a for_each."""
    group_id, index = _nearest_item(definition, place)
    group = run.step(group_id) if group_id else None
    return group.items[index] if group is not None and index < len(group.items) else ""


def _item(definition: Definition, run: Run, place: Place | None) -> Any:
    text = item_text(definition, run, place) if place is not None else ""
    return _decode(text) if text else None


def _nearest_item(definition: Definition, place: Place | None) -> tuple[str, int]:
    """The innermost for_each around a place, and the index in it."""
    for around in _around(definition, place):
        if around.is_item:
            return join(around.step.id, around.path[:-1]), around.path[-1]
    return "", 0


def _loop(definition: Definition, run: Run, place: Place | None) -> dict[str, Any]:
    """The innermost loop around a place: its iteration, and what the one before gave."""
    for around in _around(definition, place):
        loop = definition.steps.get(around.step.parent)
        if loop is not None and isinstance(loop.spec, LoopSpec):
            outer = around.path[: loop.depth + (loop.for_each is not None)]
            index = around.path[len(outer)]
            return loop_seen(definition, run, loop.spec, outer=outer, index=index, previous=index - 1)
    return {"index": 0, "previous_output": None}


def loop_seen(
    definition: Definition, run: Run, spec: LoopSpec, *, outer: tuple[int, ...], index: int, previous: int
) -> dict[str, Any]:
    """A loop as its expressions see it: the iteration, and what that one gave that is over."""
    output = output_of(definition, run, join(spec.body[-1], (*outer, previous))) if previous >= 0 else ""
    return {"index": index, "previous_output": _decode(output) if output else None}


def _around(definition: Definition, place: Place | None) -> Iterator[Place]:
    """The place, and the groups around it, the innermost first. A handler stands where the step does it belongs to."""
    while place is not None:
        yield place
        step, path = place.step, place.path
        owner = step.handles or step.undoes or step.parent
        if not owner:
            return
        group = definition.steps[owner]
        place = Place(join(owner, path), group, path[: group.depth + (group.for_each is not None)])
