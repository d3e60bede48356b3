"""How a step came out for those that depend on it, for its group, and for the run.

open       not over yet, or its handler is not
satisfied  it succeeded, was skipped by its own condition, or was handled
dead       it is on a branch that was not taken
failed     anything else: what depends on it is skipped
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec

from foldgate.engine.runs.places import Place, join, place_of
from foldgate.engine.runs.scope import FAILED
from foldgate.engine.runs.state import Run
from foldgate.engine.runs.step import LIVE, Step
from foldgate.language.definition import Definition, Grave, StepDef

Outcome = Literal["open", "satisfied", "dead", "failed"]

GRAVEST: tuple[Grave, ...] = ("failed", "denied", "timed_out", "cancelled")
_HANDLED = FAILED - {"cancelled"}
_SKIPPED: dict[str, Outcome] = {"when_false": "satisfied", "branch_not_taken": "dead"}


def outcome(definition: Definition, run: Run, step_id: str) -> Outcome:
    """How that step came out."""
    step = run.steps.get(step_id)
    if step is None or step.status in LIVE:
        return "open"
    if step.status == "succeeded":
        return "satisfied"
    if step.status == "skipped":
        return _SKIPPED.get(step.code, "failed")
    place = place_of(definition, step_id)
    if not is_handled(place, step):
        return "failed"
    handler = join(place.step.on_error, place.path)
    handling = run.steps.get(handler)
    if handling is None:
        return "open" if _goes_on(definition, run, place, step) else "failed"
    return "failed" if handling.status == "skipped" else outcome(definition, run, handler)


def _goes_on(definition: Definition, run: Run, place: Place, step: Step) -> bool:  # noqa: PLR0917 - what, where, which
    """Whether a handler that was not begun still will be: not in a group that winds up, and not after a halt, but for
    what undoes."""
    group = run.step(step.parent) if step.parent else None
    if group is not None and group.status != "running":
        return False
    return run.phase == "running" or (run.phase == "compensating" and undoes(definition, place.step))


def undoes(definition: Definition, step: StepDef) -> bool:
    """Whether it is the compensate of a step, or a part or handler of one."""
    while above := step.handles or step.parent:
        step = definition.steps[above]
    return bool(step.undoes)


def is_handled(place: Place, step: Step) -> bool:
    """Whether a handler deals with how it ended: never with a cancellation, and never for one item alone."""
    return bool(place.step.on_error) and step.status in _HANDLED and not place.is_item


class Ready(NamedTuple):
    """What becomes of a step that was not begun: it waits, is skipped for that reason, or may begin."""

    waits: bool = False
    skipped: str = ""


_WAITS, _READY = Ready(waits=True), Ready()
_BLOCKED, _NOT_TAKEN = Ready(skipped="upstream_failed"), Ready(skipped="branch_not_taken")


def readiness(definition: Definition, run: Run, step: StepDef) -> Ready:
    """Whether a step at the top may begin, judged by what it depends on."""
    seen = [_edge(definition, run, step, base=base) for base in step.depends_on]
    if "open" in seen:
        return _WAITS
    if "failed" in seen:
        return _BLOCKED
    if step.switches and not any(_edge(definition, run, step, base=base) == "satisfied" for base in step.switches):
        return _NOT_TAKEN
    return _NOT_TAKEN if seen and "satisfied" not in seen else _READY


def _edge(definition: Definition, run: Run, step: StepDef, *, base: str) -> Outcome:
    """How one dependency came out, seen from that step: a switch is satisfied for those it chose alone."""
    came = outcome(definition, run, base)
    if base not in step.switches or came != "satisfied":
        return came
    return "satisfied" if step.id in chosen_by(run, base) else "dead"


def chosen_by(run: Run, step_id: str) -> tuple[str, ...]:
    """The steps that a switch leads to; none where it was skipped or did not succeed."""
    step = run.step(step_id)
    if step is None or step.status != "succeeded":
        return ()
    return tuple(msgspec.json.decode(step.output)["next"])


def failures(definition: Definition, run: Run) -> Iterator[tuple[str, Step]]:
    """The steps at the top that failed and were not handled: these alone count for the run."""
    for step_id in definition.order:
        define, step = definition.steps[step_id], run.step(step_id)
        if step is None or step.status not in FAILED or define.parent or define.handles or define.undoes:
            continue
        if outcome(definition, run, step_id) == "failed":
            yield step_id, step


def gravest(definition: Definition, run: Run) -> tuple[str, Step] | None:
    """The gravest of them, the first in the order of the workflow."""
    return min(failures(definition, run), key=lambda one: GRAVEST.index(one[1].status), default=None)
