"""What a run would do, in order, before anything is done: for a dry run, and to show a workflow."""

from collections.abc import Collection

import msgspec

from foldgate.language.definition import Definition, JobSpec, StepDef, StepType
from foldgate.language.upstream import kept


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step as it would run.

    kind        of a job: who does it
    when        the condition as it is written; empty where it always runs
    waits_for   the steps that must be over; of those kept from another run it no longer waits
    part_of     the group whose part it is; handles, undoes: whose handler it is, so that it may not run at all
    for_each    the items as they are written, where it runs once an item
    """

    id: str
    type: StepType
    name: str = ""
    kind: str = ""
    topic: str = ""
    pool: str = ""
    when: str = ""
    waits_for: tuple[str, ...] = ()
    part_of: str = ""
    handles: str = ""
    undoes: str = ""
    for_each: str = ""


def plan(definition: Definition, *, from_step: str = "", done: Collection[str] = ()) -> tuple[PlannedStep, ...]:
    """Every step that would run. With `from_step`: in a rerun from there, of a run in which these succeeded."""
    taken = kept(definition, from_step, done) if from_step else frozenset(done)
    return tuple(_planned(definition.steps[name], taken) for name in definition.order if name not in taken)


def _planned(step: StepDef, taken: frozenset[str]) -> PlannedStep:
    job = step.spec if isinstance(step.spec, JobSpec) else None
    return PlannedStep(
        id=step.id,
        type=step.type,
        name=step.name,
        kind=job.kind if job else "",
        topic=job.topic if job else "",
        pool=step.route.pool,
        when=str(step.when.source) if step.when else "",
        waits_for=tuple(name for name in step.depends_on if name not in taken),
        part_of=step.parent,
        handles=step.handles,
        undoes=step.undoes,
        for_each=_text(step.for_each.items.source) if step.for_each else "",
    )


def _text(items: object) -> str:
    return items if isinstance(items, str) else msgspec.json.encode(items).decode()
