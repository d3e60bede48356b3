"""The read model of jobs: one row an attempt, from what its run asked for to how it ended; and all decisions on it.

Three streams tell of an attempt, each under a key of its own. Each has its columns, and its status follows from them
all; so it does not matter which is read first. What only one of them knows is not waited for.

What a batch says of an attempt is put together first, and then laid over what is there: so one that goes through its
whole life in one batch costs one row, and those of all runs one statement; decisions are another (`decision_rows.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from importlib.resources import files
from itertools import count
from operator import attrgetter

from foldgate.contracts.events import (
    AttemptFailed,
    Event,
    JobCancelRequested,
    JobDispatched,
    JobLost,
    JobQueued,
    JobReleased,
    JobRequested,
    Meta,
    StepCancelled,
    StepDenied,
    StepFailed,
    StepSucceeded,
    StepTimedOut,
)
from foldgate.contracts.ids import job_id as named
from foldgate.contracts.ids import parse_job_id
from foldgate.contracts.topics import DECISIONS, JOBS, RUNS
from foldgate.database.connections import Connection
from foldgate.gateway.projections import decision_rows
from foldgate.readmodel.projection import Projection, Stretch, columns, storable_json


@dataclass(kw_only=True, slots=True)
class Attempt:
    """What is known of one attempt; times are milliseconds."""

    job_id: str
    run_id: str
    step: str
    attempt: int
    tenant: str | None = None
    principal: str | None = None
    workflow: str | None = None
    kind: str | None = None
    topic: str | None = None
    labels: str | None = None
    input: str | None = None
    priority: int | None = None
    asked_pool: str | None = None
    after: str | None = None
    requested_at: int | None = None
    cancelling_at: int | None = None
    ended: str | None = None
    ended_at: int | None = None
    code: str | None = None
    message: str | None = None
    decided: str | None = None
    chosen_pool: str | None = None
    decided_at: int | None = None
    placed: str | None = None
    held_pool: str | None = None
    queued_at: int | None = None
    dispatched_at: int | None = None
    worker: str | None = None
    lease: int | None = None
    released_at: int | None = None
    lost: str | None = None

    def ask(self, meta: Meta, event: JobRequested) -> None:
        """Its run wants it. The id of a run that was forgotten long ago may be given again: then it begins anew."""
        job = event.job
        self.tenant, self.principal, self.workflow = job.tenant, job.principal, job.workflow
        self.kind, self.topic, self.labels, self.input = job.kind, job.topic, storable_json(job.labels), job.input
        self.priority, self.asked_pool, self.after, self.requested_at = job.priority, job.pool, event.after, meta.at
        self.cancelling_at = self.ended = self.ended_at = self.code = self.message = None

    def end(self, meta: Meta, how: str, *, code: str | None, message: str | None) -> None:
        """Its run goes on without it; what is said of that later is not so."""
        if self.ended is None:
            self.ended, self.ended_at, self.code, self.message = how, meta.at, code, message

    def decide(self, meta: Meta, status: str, pool: str | None) -> None:
        """Policy has decided on it."""
        self.decided, self.chosen_pool, self.decided_at = status, pool, meta.at

    def queue(self, meta: Meta) -> None:
        """It waits in a pool."""
        self.placed, self.held_pool, self.queued_at = "queued", meta.key, meta.at
        self.dispatched_at = self.worker = self.lease = self.released_at = self.lost = None

    def dispatch(self, meta: Meta, event: JobDispatched) -> None:
        """A worker has it."""
        self.placed, self.held_pool, self.dispatched_at = "dispatched", meta.key, meta.at
        self.worker, self.lease, self.released_at, self.lost = event.worker, event.lease, None, None

    def leave(self, meta: Meta, lost: str | None) -> None:
        """Its pool is rid of it."""
        self.placed, self.held_pool = "released" if lost is None else "lost", meta.key
        self.released_at, self.lost = meta.at, lost


_COLUMNS = tuple(field.name for field in fields(Attempt))
_TYPES = {"attempt": "int", "priority": "int", "lease": "bigint"}


def _given(name: str, number: int) -> str:
    return f"${number}::{'bigint' if name.endswith('_at') else _TYPES.get(name, 'text')}[]"


def _read(name: str) -> str:
    if name.endswith("_at"):
        return f"to_timestamp({name} / 1000.0)"
    return "labels::jsonb" if name == "labels" else name


def _laid_over(when: str, *names: str) -> str:
    """These are together as the batch says if that holds, else as they were."""
    return ", ".join(f"{name} = CASE WHEN {when} THEN excluded.{name} ELSE jobs.{name} END" for name in names)


_ASKED = "excluded.requested_at IS NOT NULL"
_PUT = f"""
INSERT INTO jobs ({", ".join(_COLUMNS)})
SELECT {", ".join(map(_read, _COLUMNS))}
FROM unnest({", ".join(map(_given, _COLUMNS, count(1)))}) AS n ({", ".join(_COLUMNS)})
ON CONFLICT (job_id) DO UPDATE SET
    {_laid_over(_ASKED, *_COLUMNS[_COLUMNS.index("tenant") : _COLUMNS.index("cancelling_at")])},
    {_laid_over(f"{_ASKED} OR excluded.cancelling_at IS NOT NULL", "cancelling_at")},
    {_laid_over(f"{_ASKED} OR jobs.ended IS NULL", "ended", "ended_at", "code", "message")},
    {_laid_over("excluded.decided IS NOT NULL", "decided", "chosen_pool", "decided_at")},
    {_laid_over("excluded.placed IS NOT NULL", "placed", "held_pool", "released_at", "lost")},
    {_laid_over("excluded.queued_at IS NOT NULL", "queued_at")},
    {_laid_over("coalesce(excluded.queued_at, excluded.dispatched_at) IS NOT NULL", "dispatched_at", "worker", "lease")}
"""  # noqa: S608 - made of the names above
_row_of = attrgetter(*_COLUMNS)


async def write(connection: Connection, stretches: Sequence[Stretch]) -> None:
    """Lay what was said over what is there."""
    said = [(seen.meta, seen.event) for stretch in stretches for seen in stretch.seen]
    if attempts := folded(said):
        await connection.execute(_PUT, *columns(map(_row_of, attempts)))
    decisions = [decision_rows.decided(*one) for one in said if one[0].stream == DECISIONS.name]
    await decision_rows.write(connection, decisions)


Ended = StepSucceeded | StepFailed | StepDenied | StepTimedOut | StepCancelled


class _Attempts(dict[str, Attempt]):
    """Those that a batch speaks of."""

    def __missing__(self, job_id: str) -> Attempt:
        run_id, step, attempt = parse_job_id(job_id)
        self[job_id] = new = Attempt(job_id=job_id, run_id=run_id, step=step, attempt=attempt)
        return new


def folded(said: Iterable[tuple[Meta, Event]]) -> list[Attempt]:
    """What was said of each attempt."""
    attempts = _Attempts()
    for meta, event in said:
        match meta.stream:
            case RUNS.name:
                _run_said(attempts, meta, event)
            case DECISIONS.name:
                _kernel_said(attempts, meta, event)
            case JOBS.name:
                _scheduler_said(attempts, meta, event)
            case _:
                pass
    return list(attempts.values())


def _run_said(attempts: _Attempts, meta: Meta, event: Event) -> None:
    match event:
        case JobRequested(job=job):
            if job.attempt > 1:  # which says that the one before it is over, however it was
                before = attempts[named(meta.run_id, job.step, job.attempt - 1)]
                before.end(meta, "failed" if event.after == "failed" else "lost", code=event.after, message=None)
            attempts[job.job_id].ask(meta, event)
        case JobCancelRequested(job_id=job_id):
            attempts[job_id].cancelling_at = meta.at
        case AttemptFailed(job_id=job_id, code=code, message=message):
            attempts[job_id].end(meta, "failed", code=code, message=message)
        case StepSucceeded() | StepFailed() | StepDenied() | StepTimedOut() | StepCancelled() if event.job_id:
            _step_ended(attempts[event.job_id], meta, event)
        case _:
            pass


def _step_ended(attempt: Attempt, meta: Meta, event: Ended) -> None:
    match event:
        case StepSucceeded():
            attempt.end(meta, "succeeded", code=None, message=None)
        case StepFailed(code=code, message=message):
            attempt.end(meta, "failed", code=code, message=message)
        case StepDenied(rule=rule, reason=reason):
            attempt.end(meta, "denied", code=rule, message=reason)
        case StepTimedOut(code=code, reason=reason):
            attempt.end(meta, "timed_out", code=code, message=reason)
        case StepCancelled(reason=reason):
            attempt.end(meta, "cancelled", code="cancelled", message=reason)


def _kernel_said(attempts: _Attempts, meta: Meta, event: Event) -> None:
    if (status := decision_rows.STATUS.get(type(event))) is not None:
        one = decision_rows.decided(meta, event)
        attempts[one.job_id].decide(meta, status, one.pool)


def _scheduler_said(attempts: _Attempts, meta: Meta, event: Event) -> None:
    match event:
        case JobQueued(job=job):
            attempts[job.job_id].queue(meta)
        case JobDispatched(job=job):
            attempts[job.job_id].dispatch(meta, event)
        case JobReleased(job_id=job_id):
            attempts[job_id].leave(meta, None)
        case JobLost(job_id=job_id, reason=reason):
            attempts[job_id].leave(meta, reason)
        case _:
            pass


PROJECTION = Projection(
    name="jobs",
    version=1,
    streams=(RUNS.name, DECISIONS.name, JOBS.name),
    events=(
        *(JobRequested, JobCancelRequested, AttemptFailed),
        *(StepSucceeded, StepFailed, StepDenied, StepTimedOut, StepCancelled),
        *decision_rows.EVENTS,
        *(JobQueued, JobDispatched, JobReleased, JobLost),
    ),
    tables=files("foldgate.gateway.projections").joinpath("jobs.sql").read_text(),
    write=write,
)
