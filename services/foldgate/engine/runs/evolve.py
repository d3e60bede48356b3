"""What an event makes of a run."""

import msgspec

from foldgate.contracts.events import Event, JobReportIgnored, JobRequested, Meta, RunRefused, RunStarted
from foldgate.decider.decider import IllegalTransition
from foldgate.engine.runs.state import TRANSITIONS, Run

IGNORED_REMEMBERED = 100


def evolve(run: Run | None, meta: Meta, event: Event) -> Run:
    """The run after this event."""
    if run is None:
        return _first(meta, event)
    name = type(event).__name__
    status = TRANSITIONS.get(name, {}).get(run.status)
    if status is None:
        raise IllegalTransition(f"{name} does not fit a run that is {run.status}: {meta.event_id}")
    if isinstance(event, JobRequested):
        lost = run.lost + (event.after == "worker_lost")
        return msgspec.structs.replace(run, job_id=event.job.job_id, attempt=event.job.attempt, lost=lost)
    if isinstance(event, JobReportIgnored):
        seen = (*run.ignored, (event.job_id, event.lease, event.reported))[-IGNORED_REMEMBERED:]
        return msgspec.structs.replace(run, ignored=seen)
    return msgspec.structs.replace(run, status=status)


def _first(meta: Meta, event: Event) -> Run:
    if isinstance(event, RunStarted):
        return Run(
            status="running",
            run_id=meta.run_id,
            workflow=event.workflow,
            kind=event.kind,
            topic=event.topic,
            input=event.input,
            labels=event.labels,
            tenant=meta.tenant,
            principal=meta.principal,
            request_hash=event.request_hash,
        )
    if isinstance(event, RunRefused):
        return Run(
            status="refused",
            run_id=meta.run_id,
            workflow="",
            kind="",
            topic="",
            input="",
            labels={},
            tenant=meta.tenant,
            principal=meta.principal,
            request_hash=b"",
        )
    raise IllegalTransition(f"{type(event).__name__} cannot be the first event of a run: {meta.event_id}")
