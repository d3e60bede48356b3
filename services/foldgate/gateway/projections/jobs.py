"""The read model of jobs: one row an attempt, from what its run asked for to how it ended; and all decisions on it.

Three streams tell of an attempt, each under a key of its own. Each has its columns, and its status follows from them
all; so it does not matter which is read first. What only one of them knows is not waited for.
"""

from collections.abc import Iterator, Sequence
from importlib.resources import files

from foldgate.contracts.events import (
    ApprovalRequired,
    AttemptFailed,
    Decision,
    Event,
    JobCancelRequested,
    JobDenied,
    JobDispatched,
    JobLost,
    JobQueued,
    JobRefused,
    JobReleased,
    JobRequested,
    JobThrottled,
    Meta,
    RunAdmitted,
    RunRejected,
    ShadowDecided,
    StepCancelled,
    StepDenied,
    StepFailed,
    StepSucceeded,
    StepTimedOut,
    WritIssued,
    WritRevoked,
)
from foldgate.contracts.ids import job_id as named
from foldgate.contracts.ids import parse_job_id
from foldgate.contracts.topics import DECISIONS, JOBS, RUNS
from foldgate.readmodel.projection import Projection, Statement, storable_json

# The id of a run that was forgotten long ago may be given again: then its jobs begin anew, in each stream's columns.
_REQUESTED = """
INSERT INTO jobs (job_id, run_id, step, attempt, tenant, principal, workflow, kind, topic, labels, input, priority,
    asked_pool, after, requested_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::jsonb, $11, $12, $13, $14,
    to_timestamp($15::bigint / 1000.0))
ON CONFLICT (job_id) DO UPDATE SET
    tenant = excluded.tenant, principal = excluded.principal, workflow = excluded.workflow, kind = excluded.kind,
    topic = excluded.topic, labels = excluded.labels, input = excluded.input, priority = excluded.priority,
    asked_pool = excluded.asked_pool, after = excluded.after, requested_at = excluded.requested_at,
    cancelling_at = NULL, ended = NULL, ended_at = NULL, code = NULL, message = NULL
"""
_CANCELLING = "UPDATE jobs SET cancelling_at = to_timestamp($2::bigint / 1000.0) WHERE job_id = $1"
_ENDED = """
UPDATE jobs SET ended = $2, code = $3, message = $4, ended_at = to_timestamp($5::bigint / 1000.0)
WHERE job_id = $1 AND ended IS NULL
"""
_DECIDED = """
INSERT INTO jobs (job_id, run_id, step, attempt, decided, chosen_pool, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7::bigint / 1000.0))
ON CONFLICT (job_id) DO UPDATE SET
    decided = excluded.decided, chosen_pool = excluded.chosen_pool, decided_at = excluded.decided_at
"""
_DECISION = """
INSERT INTO job_decisions (run_id, sequence, event_id, type, step, job_id, at, phase, decision, code, rule, reason,
    policy_snapshot, constraints, remediations, trace, writ_id, pool, approval_id, until, bundle)
VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7::bigint / 1000.0), $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
    $19, to_timestamp($20::bigint / 1000.0), $21)
ON CONFLICT (run_id, sequence) DO UPDATE SET
    event_id = excluded.event_id, type = excluded.type, step = excluded.step, job_id = excluded.job_id,
    at = excluded.at, phase = excluded.phase, decision = excluded.decision, code = excluded.code, rule = excluded.rule,
    reason = excluded.reason, policy_snapshot = excluded.policy_snapshot, constraints = excluded.constraints,
    remediations = excluded.remediations, trace = excluded.trace, writ_id = excluded.writ_id, pool = excluded.pool,
    approval_id = excluded.approval_id, until = excluded.until, bundle = excluded.bundle
"""
_PLACED = """
INSERT INTO jobs (job_id, run_id, step, attempt, placed, held_pool, queued_at, dispatched_at, worker, lease)
VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7::bigint / 1000.0), to_timestamp($8::bigint / 1000.0), $9, $10)
ON CONFLICT (job_id) DO UPDATE SET
    placed = excluded.placed, held_pool = excluded.held_pool, dispatched_at = excluded.dispatched_at,
    queued_at = CASE excluded.placed WHEN 'queued' THEN excluded.queued_at ELSE jobs.queued_at END,
    worker = excluded.worker, lease = excluded.lease, released_at = NULL, lost = NULL
"""
_LEFT = """
INSERT INTO jobs (job_id, run_id, step, attempt, placed, held_pool, released_at, lost)
VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7::bigint / 1000.0), $8)
ON CONFLICT (job_id) DO UPDATE SET
    placed = excluded.placed, held_pool = excluded.held_pool, released_at = excluded.released_at, lost = excluded.lost
"""
_STATUS: dict[type[Event], str] = {
    WritIssued: "authorised",
    ApprovalRequired: "awaiting_approval",
    JobThrottled: "throttled",
    JobDenied: "denied",
    JobRefused: "failed",
    WritRevoked: "cancelled",
}
"""What an attempt is by the last decision on it, until somebody else says more."""
Ended = StepSucceeded | StepFailed | StepDenied | StepTimedOut | StepCancelled


_WORDS: dict[type[Event], str] = {
    WritIssued: "allow",
    JobDenied: "deny",
    JobRefused: "refuse",
    WritRevoked: "revoke",
}
"""What those say that need not come with the decision they follow from."""
_PHASES: dict[type[Event], str] = {RunAdmitted: "submit", RunRejected: "submit", ShadowDecided: "shadow"}


def rows(meta: Meta, event: Event) -> Sequence[Statement]:
    """What an event changes."""
    match meta.stream:
        case RUNS.name:
            return list(_run_said(meta, event))
        case DECISIONS.name if type(event) in PROJECTION.events:
            return list(_kernel_said(meta, event))
        case JOBS.name:
            return list(_scheduler_said(meta, event))
        case _:
            return []


def _run_said(meta: Meta, event: Event) -> Iterator[Statement]:
    match event:
        case JobRequested():
            yield from _requested(meta, event)
        case JobCancelRequested(job_id=job):
            yield Statement(job, _CANCELLING, (job, meta.at))
        case AttemptFailed(job_id=job, code=code, message=message):
            yield _ended(meta, job, "failed", code=code, message=message)
        case StepSucceeded() | StepFailed() | StepDenied() | StepTimedOut() | StepCancelled() if event.job_id:
            yield _step_ended(meta, event)
        case _:
            pass


def _requested(meta: Meta, event: JobRequested) -> Iterator[Statement]:
    job = event.job
    if job.attempt > 1:  # which says that the one before it is over, however it was
        before = named(meta.run_id, job.step, job.attempt - 1)
        yield _ended(meta, before, "failed" if event.after == "failed" else "lost", code=event.after, message=None)
    labels = storable_json(job.labels)
    whose = (job.tenant, job.principal, job.workflow)
    what = (job.kind, job.topic, labels, job.input, job.priority, job.pool, event.after, meta.at)
    yield Statement(job.job_id, _REQUESTED, (job.job_id, meta.run_id, job.step, job.attempt, *whose, *what))


def _step_ended(meta: Meta, event: Ended) -> Statement:
    match event:
        case StepSucceeded():
            return _ended(meta, event.job_id, "succeeded", code=None, message=None)
        case StepFailed(code=code, message=message):
            return _ended(meta, event.job_id, "failed", code=code, message=message)
        case StepDenied(rule=rule, reason=reason):
            return _ended(meta, event.job_id, "denied", code=rule, message=reason)
        case StepTimedOut(code=code, reason=reason):
            return _ended(meta, event.job_id, "timed_out", code=code, message=reason)
        case StepCancelled(reason=reason):
            return _ended(meta, event.job_id, "cancelled", code="cancelled", message=reason)


def _ended(meta: Meta, job: str, how: str, *, code: str | None, message: str | None) -> Statement:
    return Statement(job, _ENDED, (job, how, code, message, meta.at))


def _scheduler_said(meta: Meta, event: Event) -> Iterator[Statement]:
    match event:
        case JobQueued(job=job):
            where = ("queued", meta.key, meta.at, None, None, None)
            yield Statement(job.job_id, _PLACED, (*_parts(job.job_id), *where))
        case JobDispatched(job=job, worker=worker, lease=lease):
            held = ("dispatched", meta.key, None, meta.at, worker, lease)
            yield Statement(job.job_id, _PLACED, (*_parts(job.job_id), *held))
        case JobReleased(job_id=job_id):
            yield Statement(job_id, _LEFT, (*_parts(job_id), "released", meta.key, meta.at, None))
        case JobLost(job_id=job_id, reason=reason):
            yield Statement(job_id, _LEFT, (*_parts(job_id), "lost", meta.key, meta.at, reason))
        case _:
            pass


def _parts(job: str) -> tuple[str, str, str, int]:
    return (job, *parse_job_id(job))


def _kernel_said(meta: Meta, event: Event) -> Iterator[Statement]:
    """A decision, and where it is on an attempt, what that is by it."""
    about = getattr(event, "job", None) or event
    step, job_id = getattr(about, "step", ""), getattr(about, "job_id", "")
    pool = getattr(getattr(event, "writ", event), "pool", "") or None
    says = (meta.run_id, meta.sequence, meta.event_id, type(event).__name__, step, job_id, meta.at)
    yield Statement(meta.event_id, _DECISION, (*says, *_terms(event), pool, *_came_of_it(event)))
    if (status := _STATUS.get(type(event))) is not None:
        yield Statement(job_id, _DECIDED, (*_parts(job_id), status, pool, meta.at))


def _terms(event: Event) -> tuple[str | None, ...]:
    writ = getattr(event, "writ", event)
    said: Decision = getattr(event, "decision", None) or Decision(
        decision=_WORDS[type(event)],
        policy_snapshot=getattr(writ, "policy_snapshot", ""),
        rule=getattr(writ, "rule", ""),
        reason=getattr(event, "reason", ""),
    )
    why = (getattr(event, "code", None), said.rule or None, said.reason, said.policy_snapshot or None)
    trace = storable_json(said.trace)
    what = (said.constraints or None, said.remediations or None, trace, getattr(writ, "writ_id", None))
    return (_PHASES.get(type(event), "dispatch"), said.decision, *why, *what)


def _came_of_it(event: Event) -> tuple[object, ...]:
    draft = f"{event.bundle}@{event.revision}" if isinstance(event, ShadowDecided) else None
    return getattr(event, "approval_id", None), getattr(event, "until", None), draft


PROJECTION = Projection(
    name="jobs",
    version=1,
    streams=(RUNS.name, DECISIONS.name, JOBS.name),
    events=(
        *(JobRequested, JobCancelRequested, AttemptFailed),
        *(StepSucceeded, StepFailed, StepDenied, StepTimedOut, StepCancelled),
        *(*_STATUS, ShadowDecided, RunAdmitted, RunRejected),
        *(JobQueued, JobDispatched, JobReleased, JobLost),
    ),
    tables=files("foldgate.gateway.projections").joinpath("jobs.sql").read_text(),
    rows=rows,
)
