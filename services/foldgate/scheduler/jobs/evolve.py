"""What an event makes of a pool."""

from typing import TypeVar

import msgspec

from foldgate.contracts.events import (
    Event,
    JobDispatched,
    JobLost,
    JobQueued,
    JobReleased,
    Meta,
    WorkerJoined,
    WorkerLost,
    WorkerRenewed,
)
from foldgate.decider.decider import IllegalTransition
from foldgate.scheduler.jobs.state import Hold, Known, Pool, Waiting

V = TypeVar("V")


def evolve(pool: Pool | None, meta: Meta, event: Event) -> Pool:
    """The pool after this event."""
    pool = pool or Pool()
    match event:
        case WorkerJoined():
            known = Known(max_parallel=event.max_parallel, expires_at=event.expires_at)
            return _with_worker(pool, event.worker, known)
        case WorkerRenewed():
            known = _of(pool.workers, event.worker, meta)
            renewed = msgspec.structs.replace(known, max_parallel=event.max_parallel, expires_at=event.expires_at)
            return _with_worker(pool, event.worker, renewed)
        case WorkerLost():
            return msgspec.structs.replace(pool, workers=_without(pool.workers, event.worker))
        case JobQueued():
            waiting = Waiting(job=event.job, writ=event.writ, correlation=meta.correlation)
            return msgspec.structs.replace(pool, waiting={**pool.waiting, event.job.job_id: waiting})
        case JobDispatched():
            return _dispatched(pool, meta, event)
        case JobReleased() | JobLost():
            return _gone(pool, event.job_id)
        case _:
            raise IllegalTransition(f"{type(event).__name__} is no event of a pool: {meta.event_id}")


def _dispatched(pool: Pool, meta: Meta, event: JobDispatched) -> Pool:
    known, job = _of(pool.workers, event.worker, meta), event.job
    hold = Hold(
        worker=event.worker,
        lease=event.lease,
        step=job.step,
        run_id=meta.run_id,
        tenant=meta.tenant,
        correlation=meta.correlation,
    )
    pool = _with_worker(pool, event.worker, msgspec.structs.replace(known, holds=known.holds | {job.job_id}))
    held, waiting = {**pool.held, job.job_id: hold}, _without(pool.waiting, job.job_id)
    return msgspec.structs.replace(pool, held=held, waiting=waiting, lease=event.lease)


def _gone(pool: Pool, job_id: str) -> Pool:
    hold = pool.held.get(job_id)
    if hold is not None and (known := pool.workers.get(hold.worker)) is not None:
        pool = _with_worker(pool, hold.worker, msgspec.structs.replace(known, holds=known.holds - {job_id}))
    held, waiting = _without(pool.held, job_id), _without(pool.waiting, job_id)
    return msgspec.structs.replace(pool, held=held, waiting=waiting)


def _with_worker(pool: Pool, name: str, known: Known) -> Pool:
    return msgspec.structs.replace(pool, workers={**pool.workers, name: known})


def _without(table: dict[str, V], name: str) -> dict[str, V]:
    return {key: value for key, value in table.items() if key != name} if name in table else table


def _of(workers: dict[str, Known], name: str, meta: Meta) -> Known:
    if name not in workers:
        raise IllegalTransition(f"{meta.event_id} names a worker that is not known: {name}")
    return workers[name]
