"""What an event makes of a pool."""

from typing import TypeVar

import msgspec

from foldgate.contracts.events import (
    Event,
    JobCancelled,
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
from foldgate.scheduler.jobs.state import Hold, Known, Pool, Waiting, with_entry, without_entry

V = TypeVar("V")


def evolve(pool: Pool | None, meta: Meta, event: Event) -> Pool:
    """The pool after this event."""
    pool = pool or Pool()
    match event:
        case WorkerJoined() | WorkerRenewed() | WorkerLost():
            return _worker_changed(pool, meta, event)
        case JobQueued():
            return _queued(pool, meta, event)
        case JobDispatched():
            return _dispatched(pool, meta, event)
        case JobCancelled():
            return _called_back(pool, meta, event)
        case JobReleased():
            return _gone(pool, event.job_id)
        case JobLost():
            stale = pool.stale + (event.reason == "writ_stale")
            return msgspec.structs.replace(_gone(pool, event.job_id), stale=stale)
        case _:
            raise IllegalTransition(f"{type(event).__name__} is no event of a pool: {meta.event_id}")


def _worker_changed(pool: Pool, meta: Meta, event: WorkerJoined | WorkerRenewed | WorkerLost) -> Pool:
    if isinstance(event, WorkerLost):
        return msgspec.structs.replace(pool, workers=_without(pool.workers, event.worker))
    holds = _of(pool.workers, event.worker, meta).holds if isinstance(event, WorkerRenewed) else frozenset()
    known = Known(max_parallel=event.max_parallel, expires_at=event.expires_at, holds=holds, beat=event.beat)
    return _with_worker(pool, event.worker, known)


def _queued(pool: Pool, meta: Meta, event: JobQueued) -> Pool:
    waiting = Waiting(
        job=event.job, writ=event.writ, correlation=meta.correlation, place=meta.sequence, constraints=event.constraints
    )
    return msgspec.structs.replace(
        pool,
        waiting={**pool.waiting, event.job.job_id: waiting},
        line=with_entry(pool.line, waiting.turn),
        ends=with_entry(pool.ends, (waiting.ends, event.job.job_id)),
    )


def _dispatched(pool: Pool, meta: Meta, event: JobDispatched) -> Pool:
    known, job = _of(pool.workers, event.worker, meta), event.job
    limit = meta.at + job.attempt_timeout_ms if job.attempt_timeout_ms else None
    hold = Hold(
        worker=event.worker,
        lease=event.lease,
        step=job.step,
        run_id=meta.run_id,
        tenant=meta.tenant,
        correlation=meta.correlation,
        limit=limit,
        given_up=None if limit is None else limit + event.lease_ms,
    )
    pool = _with_worker(pool, event.worker, msgspec.structs.replace(known, holds=known.holds | {job.job_id}))
    pool = _with_hold(_gone(pool, job.job_id) if job.job_id in pool.waiting else pool, job.job_id, hold)
    return msgspec.structs.replace(pool, lease=event.lease)


def _called_back(pool: Pool, meta: Meta, event: JobCancelled) -> Pool:
    hold = _of(pool.held, event.job_id, meta)
    without = _without_end(pool, event.job_id, hold)
    return _with_hold(without, event.job_id, msgspec.structs.replace(hold, called_back=True))


def _gone(pool: Pool, job_id: str) -> Pool:
    """Without the job, whether it waited or was held."""
    if (waiting := pool.waiting.get(job_id)) is not None:
        line = without_entry(pool.line, waiting.turn)
        pool = msgspec.structs.replace(_without_end(pool, job_id, waiting), line=line)
        return msgspec.structs.replace(pool, waiting=_without(pool.waiting, job_id))
    if (hold := pool.held.get(job_id)) is None:
        return pool
    if (known := pool.workers.get(hold.worker)) is not None:
        pool = _with_worker(pool, hold.worker, msgspec.structs.replace(known, holds=known.holds - {job_id}))
    return msgspec.structs.replace(_without_end(pool, job_id, hold), held=_without(pool.held, job_id))


def _with_hold(pool: Pool, job_id: str, hold: Hold) -> Pool:
    ends = pool.ends if hold.ends is None else with_entry(pool.ends, (hold.ends, job_id))
    return msgspec.structs.replace(pool, held={**pool.held, job_id: hold}, ends=ends)


def _without_end(pool: Pool, job_id: str, what: Hold | Waiting) -> Pool:
    if what.ends is None:
        return pool
    return msgspec.structs.replace(pool, ends=without_entry(pool.ends, (what.ends, job_id)))


def _with_worker(pool: Pool, name: str, known: Known) -> Pool:
    return msgspec.structs.replace(pool, workers={**pool.workers, name: known})


def _without(table: dict[str, V], name: str) -> dict[str, V]:
    rest = dict(table)
    rest.pop(name, None)
    return rest


def _of(table: dict[str, V], name: str, meta: Meta) -> V:
    if name not in table:
        raise IllegalTransition(f"{meta.event_id} names what is not known here: {name}")
    return table[name]
