"""The graph of a workflow for those who look at it: which step leads to which, and why."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from foldgate.language.definition import Definition, JobSpec, StepDef

Why = Literal["depends_on", "case", "part", "on_error", "compensate"]


class Edge(msgspec.Struct, frozen=True):
    """One step leads to another. `case`: a switch may choose it; `part`: it is in that group."""

    source: str
    target: str
    why: Why


def edges(definition: Definition) -> list[Edge]:
    """All of them, in the order in which steps can run."""
    return [edge for step_id in definition.order for edge in _into(definition.steps[step_id])]


def _into(step: StepDef) -> Iterator[Edge]:
    for source in step.depends_on:
        yield Edge(source, step.id, "case" if source in step.switches else "depends_on")
    if step.parent:
        yield Edge(step.parent, step.id, "part")
    if step.handles:
        yield Edge(step.handles, step.id, "on_error")
    if step.undoes:
        yield Edge(step.undoes, step.id, "compensate")


def kind_of(step: StepDef) -> str:
    """The type of a step, as it was written: of jobs their kind."""
    return step.spec.kind if isinstance(step.spec, JobSpec) else step.type
