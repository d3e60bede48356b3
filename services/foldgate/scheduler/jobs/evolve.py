"""What an event makes of a pool."""

from collections.abc import Container

from foldgate.authority.pools_terms import terms_of
from foldgate.contracts.events import (
    Event,
    JobCancelled,
    JobDispatched,
    JobLost,
    JobQueued,
    JobReleased,
    Meta,
    PoolOverloaded,
    PoolRelieved,
    PoolTermsTaken,
    PoolWaitNoted,
    WorkerJoined,
    WorkerLost,
    WorkerRenewed,
)
from foldgate.decider.decider import IllegalTransition
from foldgate.scheduler.jobs.fitting import values_of
from foldgate.scheduler.jobs.moving import Moving, replace
from foldgate.scheduler.jobs.packing import Authorised
from foldgate.scheduler.jobs.state import BUSY, FULL, Hold, Known, Pool

TAKE_WITHIN_LEASES = 2
UNANSWERED = frozenset({"not_taken", "attempt_timeout"})
"""Why a job is lost that its worker, which beats, said nothing of in time."""
LOOK_EVERY_MS = 10_000
"""What people were told of is looked at again, with the next event of a worker."""


def evolve(pool: Pool | None, meta: Meta, event: Event) -> Moving:
    """The pool after this event."""
    moving = Moving(name=meta.key) if pool is None else Moving.of(pool)
    moving.pass_time(meta.at)
    match event:
        case JobQueued(job=job):
            moving.queue(Authorised(job, event.writ, event.constraints, meta.correlation), place=meta.sequence)
        case JobDispatched(worker=worker):
            _expect(worker, moving.workers, meta)
            given(moving, event, run_id=meta.run_id, tenant=meta.tenant, correlation=meta.correlation)
        case JobReleased() | JobLost():
            left(moving, event)
        case JobCancelled(job_id=job_id):
            _expect(job_id, moving.held, meta)
            moving.set_hold(job_id, replace(moving.held[job_id], called_back=True))
        case WorkerJoined() | WorkerLost():
            worker_changed(moving, event)
        case WorkerRenewed(worker=worker):
            _expect(worker, moving.workers, meta)
            worker_changed(moving, event)
        case PoolTermsTaken() | PoolOverloaded() | PoolRelieved() | PoolWaitNoted():
            _pool_changed(moving, event)
        case _:
            raise IllegalTransition(f"{type(event).__name__} is no event of a pool: {meta.event_id}")
    return moving


def given(pool: Moving, event: JobDispatched, *, run_id: str, tenant: str, correlation: str) -> None:
    """A worker has the job."""
    job = event.job
    limit = pool.at + job.attempt_timeout_ms if job.attempt_timeout_ms else None
    hold = Hold(
        worker=event.worker,
        lease=event.lease,
        step=job.step,
        run_id=run_id,
        tenant=tenant,
        correlation=correlation,
        limit=limit,
        given_up=None if limit is None else limit + event.lease_ms,
        take_by=pool.at + TAKE_WITHIN_LEASES * event.lease_ms,
        values=values_of(job),
        token=event.token,
    )
    pool.give(Authorised(job, event.writ, event.constraints, correlation), hold)


def left(pool: Moving, event: JobReleased | JobLost) -> None:
    """The job is here no longer."""
    if isinstance(event, JobReleased):
        pool.leave(event.job_id, answered=True)
    else:
        pool.leave(event.job_id, answered=False if event.reason in UNANSWERED else None)
        pool.stale += event.reason == "writ_stale"


def worker_changed(pool: Moving, event: WorkerJoined | WorkerRenewed | WorkerLost) -> None:
    """A worker is known, known otherwise, or gone."""
    pool.looked_at = pool.at if pool.at >= pool.looked_at + LOOK_EVERY_MS else pool.looked_at
    match event:
        case WorkerLost(worker=worker):
            pool.lose(worker)
        case WorkerJoined(worker=worker):
            known = Known(
                name=event.name,
                profile=pool.profile(event.topics, event.capabilities, event.labels),
                max_parallel=event.max_parallel,
                expires_at=event.expires_at,
                beat=event.beat,
                cpu_percent=event.cpu_percent,
                gpu_percent=event.gpu_percent,
            )
            pool.join(worker, known)
        case _:
            renewed = replace(
                pool.workers[event.worker],
                max_parallel=event.max_parallel,
                expires_at=event.expires_at,
                beat=event.beat,
                cpu_percent=event.cpu_percent,
                gpu_percent=event.gpu_percent,
                lapsed=False,
                late=pool.workers[event.worker].late + 1 if event.late else 0,
            )
            pool.join(event.worker, renewed)
            _taken(pool, renewed, event.taken)


def _taken(pool: Moving, worker: Known, leases: tuple[int, ...]) -> None:
    """A beat has named these leases."""
    for lease in leases:
        job_id = worker.holds[lease]
        pool.set_hold(job_id, replace(pool.held[job_id], take_by=None))


def _pool_changed(pool: Moving, event: PoolTermsTaken | PoolOverloaded | PoolRelieved | PoolWaitNoted) -> None:
    match event:
        case PoolTermsTaken(terms=terms):
            closed, pool.number = 0 if event.is_open else event.number, event.number
            pool.take_terms(terms_of(terms) if terms else None, closed=closed, why=event.reason)
        case PoolOverloaded():
            assert pool.terms is not None
            pool.overloaded = FULL if event.waiting > pool.terms.max_waiting else BUSY
        case PoolRelieved():
            pool.overloaded = ""
        case _:
            pool.note(event.topic, event.reason)


def _expect(name: str, known: Container[str], meta: Meta) -> None:
    if name not in known:
        raise IllegalTransition(f"{meta.event_id} names what is not known here: {name}")
