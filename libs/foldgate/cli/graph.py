"""The graph of a workflow: which step leads to which, and why."""

from typing import Any

import msgspec

from foldgate.language.definition import (
    Definition,
    JobSpec,
    LoopSpec,
    ParallelSpec,
    StepDef,
    SubworkflowSpec,
    SwitchSpec,
    WaitSpec,
)
from foldgate.language.edges import edges, kind_of


def as_object(definition: Definition) -> dict[str, Any]:
    """The graph as programs get it."""
    steps = [definition.steps[step_id] for step_id in definition.order]
    return {
        "workflow": definition.workflow,
        "version": definition.version,
        "digest": definition.digest,
        "steps": [{"id": step.id, "type": kind_of(step), "about": about(step)} for step in steps],
        "edges": [msgspec.structs.asdict(edge) for edge in edges(definition)],
    }


def about(step: StepDef) -> str:
    """What there is to say of a step beside its type."""
    words = [_about_type(step)]
    if step.for_each is not None:
        most = step.for_each.max_parallel
        words.append(f"for each item{f', {most} at once' if most else ''}")
    if step.when is not None:
        words.append(f"when {step.when.source}")
    return ", ".join(word for word in words if word)


def _about_type(step: StepDef) -> str:
    match step.spec:
        case JobSpec(topic=topic):
            return topic
        case WaitSpec(signal=signal):
            return f"signal '{signal}'"
        case SubworkflowSpec(workflow=workflow, version=version):
            return f"{workflow} {version}".rstrip()
        case SwitchSpec(cases=cases, default=default):
            count = "1 case" if len(cases) == 1 else f"{len(cases)} cases"
            return f"{count}{'' if default is None else ' and a default'}"
        case ParallelSpec() | LoopSpec() as group:
            return _about_group(group)
        case _:
            return ""


def _about_group(group: ParallelSpec | LoopSpec) -> str:
    if isinstance(group, LoopSpec):
        return f"{'until' if group.while_ is None else 'while'} …, at most {group.max_iterations} times"
    if group.strategy == "n_of_m":
        return f"{group.required} of {len(group.steps)}"
    return group.strategy
