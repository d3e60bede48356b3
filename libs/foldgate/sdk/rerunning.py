"""What a new run takes over of an old one that it begins again: by the events of the old one, and its definition."""

from collections.abc import Iterable

from foldgate.contracts.events import ContextChanged, Event, Rerun, RunRequested, RunStarted, StepSucceeded
from foldgate.language.definition import Definition
from foldgate.language.upstream import kept

_JOB = "job"


def a_rerun(
    run_id: str,
    started: RunStarted,
    events: Iterable[Event],
    *,
    definition: Definition,
    step: str,
    latest: bool = False,
    key: str = "",
    workflows_offset: int = 0,
) -> RunRequested:
    """The request that begins a run again from a step at the top, by the version it had or by the latest. The same key
    means the same run."""
    done = list(events)
    outputs = outputs_of(started, done)
    taken = kept(definition, step, outputs.keys() & definition.steps.keys()) if step in definition.steps else ()
    return RunRequested(
        workflow=started.workflow,
        version="" if latest or started.workflow == _JOB else started.version,
        kind=started.kind or "job",
        topic=started.topic,
        input=started.input,
        labels=started.labels,
        idempotency_key=key,
        workflows_offset=workflows_offset,
        rerun=Rerun(
            run_id=run_id,
            from_step=step,
            ctx=ctx_of(started, done),
            outputs={name: output for name, output in outputs.items() if name in taken},
        ),
    )


def outputs_of(started: RunStarted, events: Iterable[Event]) -> dict[str, str]:
    """What steps succeeded with, in this run or in those that it took over from."""
    found = dict(started.rerun.outputs) if started.rerun else {}
    return found | {event.step: event.output for event in events if isinstance(event, StepSucceeded)}


def ctx_of(started: RunStarted, events: Iterable[Event]) -> dict[str, str]:
    """The values that the run kept."""
    found = dict(started.rerun.ctx) if started.rerun else {}
    for event in events:
        match event:
            case ContextChanged(name=name, value=None):
                found.pop(name, None)
            case ContextChanged(name=name, value=str(value)):
                found[name] = value
            case _:
                pass
    return found
