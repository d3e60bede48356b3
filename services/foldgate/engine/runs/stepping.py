"""One step of a run makes a move, and what changes with it: its timer, the group it is a part of, the counts."""

from typing import Any

from msgspec.structs import replace

from foldgate.contracts.events import Event
from foldgate.decider.decider import IllegalTransition
from foldgate.engine.runs import step as steps
from foldgate.engine.runs.state import Run
from foldgate.engine.runs.step import Parts, Step
from foldgate.engine.runs.tables import with_timer, without_timer

Changes = dict[str, Any]


def moved(run: Run, step_id: str, event: Event, after: Step) -> Changes:  # noqa: PLR0917 - what, where, why, to what
    """The changes that come with it: to the step, its timer, its group, and the counts of the run."""
    before = run.steps.get(step_id)
    was, is_live = before.status if before is not None else "", after.status in steps.LIVE
    if was not in steps.MOVES[type(event).__name__]:
        raise IllegalTransition(f"{type(event).__name__} does not fit step '{step_id}', which is {was or 'not begun'}")
    was_live = was in steps.LIVE
    changes: Changes = {"live": run.live + is_live - was_live}
    if not is_live:
        changes["over"] = run.over + 1
        after = replace(after, order=run.over + 1)
    table = run.steps.with_(step_id, after)
    if after.parent and (group := table.get(after.parent)) is not None and group.parts is not None:
        parts = _counted(group.parts, step_id, was=was, after=after)
        table = table.with_(after.parent, replace(group, parts=parts))
    changes["steps"] = table
    old, new = (before.wakes if before is not None and was_live else None), (after.wakes if is_live else None)
    if old != new:
        timers = run.timers if old is None else without_timer(run.timers, (old, step_id))
        changes["timers"] = timers if new is None else with_timer(timers, (new, step_id))
    return changes


def the_step(run: Run, step_id: str) -> Step:
    """The step, which was begun or skipped."""
    step = run.steps.get(step_id)
    if step is None:
        raise IllegalTransition(f"Step '{step_id}' was not begun")
    return step


def _counted(parts: Parts, step_id: str, *, was: str, after: Step) -> Parts:
    over = not after.live
    return Parts(
        begun=parts.begun + (was == ""),
        live=parts.live + after.live - (was in steps.LIVE),
        succeeded=parts.succeeded + (over and after.status == "succeeded"),
        failed=parts.failed + (over and after.status not in ("succeeded", "skipped")),
        index=max(parts.index, int(step_id[step_id.rindex("[") + 1 : -1])) if step_id.endswith("]") else parts.index,
    )
