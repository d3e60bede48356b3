"""The job of a step: all that it would do, as its definition says and by what it was given."""

from foldgate.contracts import ids
from foldgate.contracts.events import Job
from foldgate.engine.runs.places import Place
from foldgate.engine.runs.state import Run
from foldgate.language.definition import JobSpec


def job_of(
    run: Run, place: Place, given: str, *, attempt: int, patience_ms: int, retries: int = 0, resume: str = ""
) -> Job:
    """One attempt of it, after so many that failed; it goes on from the checkpoint that they left. `patience_ms` is how
    long it may wait for a worker."""
    step, spec = place.step, place.step.spec
    assert isinstance(spec, JobSpec)
    meta, route = step.meta, step.route
    return Job(
        job_id=ids.job_id(run.run_id, place.id, attempt),
        step=place.id,
        attempt=attempt,
        kind=spec.kind,
        topic=spec.topic,
        input=given,
        labels={**run.labels, **meta.labels} if meta.labels else run.labels,
        tenant=run.tenant,
        principal=run.principal,
        workflow=run.workflow,
        digest=run.digest,
        priority=step.priority,
        pool=route.pool,
        worker=route.worker,
        placement=route.labels,
        capability=meta.capability,
        risk_tags=meta.risk_tags,
        requires=meta.requires,
        pack_id=meta.pack_id,
        actor_id=meta.actor_id,
        actor_type=meta.actor_type,
        queue_timeout_ms=patience_ms,
        attempt_timeout_ms=step.attempt_timeout_ms or 0,
        retries=retries,
        resume=resume,
    )
