"""The job of a step: all that it would do, as its definition says and by what it was given."""

from typing import Protocol

from foldgate.contracts import ids
from foldgate.contracts.events import Job
from foldgate.language.definition import JobSpec, StepDef


class Whose(Protocol):
    """The run that it is a job of."""

    @property
    def run_id(self) -> str: ...
    @property
    def workflow(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def labels(self) -> dict[str, str]: ...
    @property
    def tenant(self) -> str: ...
    @property
    def principal(self) -> str: ...


def job_of(
    run: Whose,
    step: StepDef,
    given: str,
    *,
    name: str,
    attempt: int,
    patience_ms: int,
    retries: int = 0,
    resume: str = "",
) -> Job:
    """One attempt of a step, which has that name in its run, after so many that failed; it goes on from the checkpoint
    that they left. `patience_ms` is how long it may wait for a worker."""
    spec, meta, route = step.spec, step.meta, step.route
    assert isinstance(spec, JobSpec)
    return Job(
        job_id=ids.job_id(run.run_id, name, attempt),
        step=name,
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
