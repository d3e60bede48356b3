"""The steps of runs, as a part of the read model of runs: one row each, as the last that was said of it left it.

All that is said of a run lies in one partition, in order. What a batch says of a step is put together first, and then
laid over what is there: so a step that goes through its whole life in one batch costs one row, and steps of all runs
one statement.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

from foldgate.contracts.events import (
    ApprovalRequested,
    AttemptFailed,
    ChildRequested,
    Event,
    JobCancelRequested,
    JobRequested,
    Meta,
    RunStarted,
    StepCancelled,
    StepCancelRequested,
    StepDenied,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    StepTimedOut,
)
from foldgate.database.connections import Connection
from foldgate.readmodel.projection import Stretch, columns

TAKEN_OVER = "taken_over"
_FORGET = "DELETE FROM steps WHERE run_id = ANY($1::text[])"
_PUT = """
INSERT INTO steps (run_id, step, place, status, attempts, kind, parent, job_id, child_run, approval_id, started_at,
    ended_at, code, message, output_event, output_bytes)
SELECT run_id, step, place, status, attempts, kind, parent, job_id, child_run, approval_id,
    to_timestamp(started_at / 1000.0), to_timestamp(ended_at / 1000.0), code, message, output_event,
    output_bytes
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::bigint[], $12::bigint[], $13::text[], $14::text[], $15::text[], $16::bigint[])
    AS n (run_id, step, place, status, attempts, kind, parent, job_id, child_run, approval_id, started_at, ended_at,
    code, message, output_event, output_bytes)
ON CONFLICT (run_id, step) DO UPDATE SET
    status = excluded.status, attempts = greatest(steps.attempts, excluded.attempts),
    kind = coalesce(excluded.kind, steps.kind), parent = coalesce(excluded.parent, steps.parent),
    job_id = coalesce(excluded.job_id, steps.job_id), child_run = coalesce(excluded.child_run, steps.child_run),
    approval_id = coalesce(excluded.approval_id, steps.approval_id), ended_at = excluded.ended_at,
    code = excluded.code, message = excluded.message,
    output_event = excluded.output_event, output_bytes = excluded.output_bytes
"""


@dataclass(kw_only=True, slots=True)
class Step:
    """What is known of one step. What the first of its events have told stays; the rest is by the last."""

    run_id: str
    step: str
    place: int
    status: str = "running"
    attempts: int = 0
    kind: str | None = None
    parent: str | None = None
    job_id: str | None = None
    child_run: str | None = None
    approval_id: str | None = None
    started_at: int
    ended_at: int | None = None
    code: str | None = None
    message: str | None = None
    output_event: str | None = None
    output_bytes: int | None = None

    def then(self, after: "Step") -> "Step":
        """What is known once more was said."""
        after.place, after.started_at = self.place, self.started_at
        after.attempts = max(self.attempts, after.attempts)
        for name in ("kind", "parent", "job_id", "child_run", "approval_id"):
            setattr(after, name, getattr(after, name) or getattr(self, name))
        return after


_row_of = attrgetter(*(field.name for field in fields(Step)))

Begun = StepStarted | JobRequested | ApprovalRequested | ChildRequested
Ended = StepSucceeded | StepFailed | StepDenied | StepTimedOut | StepCancelled | StepSkipped
EVENTS: tuple[type[Event], ...] = (
    *(StepStarted, JobRequested, ApprovalRequested, ChildRequested),
    *(StepSucceeded, StepFailed, StepDenied, StepTimedOut, StepCancelled, StepSkipped),
    *(AttemptFailed, JobCancelRequested, StepCancelRequested),
)
_ENDS: dict[type[Event], str] = {
    StepSucceeded: "succeeded",
    StepFailed: "failed",
    StepDenied: "denied",
    StepTimedOut: "timed_out",
    StepCancelled: "cancelled",
    StepSkipped: "skipped",
}
STATUSES = ("running", "retrying", "cancelling", *_ENDS.values(), TAKEN_OVER)


async def write(connection: Connection, stretches: Sequence[Stretch]) -> None:
    """Lay what was said over what is there."""
    forgotten, steps = folded((seen.meta, seen.event) for stretch in stretches for seen in stretch.seen)
    if forgotten:
        await connection.execute(_FORGET, forgotten)
    if steps:
        await connection.execute(_PUT, *columns(map(_row_of, steps)))


def folded(said: Iterable[tuple[Meta, Event]]) -> tuple[list[str], list[Step]]:
    """The runs that have begun, of which nothing that was there counts; and what was said of each step."""
    begun: list[str] = []
    runs: dict[str, dict[str, Step]] = {}
    for meta, event in said:
        if isinstance(event, RunStarted):
            begun.append(meta.run_id)
            runs[meta.run_id] = {step.step: step for step in _taken_over(meta, event)}
        elif (after := told(meta, event)) is not None:
            steps = runs.setdefault(meta.run_id, {})
            before = steps.get(after.step)
            steps[after.step] = after if before is None else before.then(after)
    return begun, [step for steps in runs.values() for step in steps.values()]


def told(meta: Meta, event: Event) -> Step | None:
    """What an event tells of a step by itself."""
    match event:
        case StepStarted() | JobRequested() | ApprovalRequested() | ChildRequested():
            return _begun(meta, event)
        case StepSucceeded() | StepFailed() | StepDenied() | StepTimedOut() | StepCancelled() | StepSkipped():
            return _ended(meta, event)
        case AttemptFailed(step=step, code=code, message=message):
            return _step(meta, step, status="retrying", code=code, message=message)
        case JobCancelRequested(step=step, reason=reason) | StepCancelRequested(step=step, reason=reason):
            return _step(meta, step, status="cancelling", message=reason)
        case _:
            return None


def _taken_over(meta: Meta, event: RunStarted) -> Iterator[Step]:
    outputs = event.rerun.outputs if event.rerun else {}
    for step, output in outputs.items():
        yield _with_output(_step(meta, step, status=TAKEN_OVER, ended_at=meta.at), meta, output)


def _with_output(step: Step, meta: Meta, output: str) -> Step:
    step.output_event, step.output_bytes = meta.event_id, len(output.encode())
    return step


def _begun(meta: Meta, event: Begun) -> Step:
    step = event.job.step if isinstance(event, JobRequested) else event.step
    found = _step(meta, step, parent=event.parent or None)
    match event:
        case JobRequested(job=job):
            found.kind, found.job_id, found.attempts = job.kind, job.job_id, job.attempt
        case ChildRequested(child_run=child):
            found.kind, found.child_run = "subworkflow", child
        case ApprovalRequested(kind=kind, approval_id=approval):
            found.kind, found.approval_id = kind, approval
        case StepStarted(kind=kind):
            found.kind = kind
    return found


def _ended(meta: Meta, event: Ended) -> Step:
    found = _step(meta, event.step, status=_ENDS[type(event)], parent=event.parent or None, ended_at=meta.at)
    found.job_id = getattr(event, "job_id", "") or None
    match event:
        case StepSucceeded(output=output):
            return _with_output(found, meta, output)
        case StepFailed(code=code, message=message):
            found.code, found.message = code, message
        case StepDenied(rule=rule, reason=reason):
            found.code, found.message = rule, reason
        case StepTimedOut(code=code, reason=reason):
            found.code, found.message = code, reason
        case StepCancelled(reason=reason) | StepSkipped(reason=reason):
            found.message = reason
    return found


def _step(
    meta: Meta,
    step: str,
    *,
    status: str = "running",
    parent: str | None = None,
    ended_at: int | None = None,
    code: str | None = None,
    message: str | None = None,
) -> Step:
    return Step(
        run_id=meta.run_id,
        step=step,
        place=meta.sequence,
        status=status,
        parent=parent,
        started_at=meta.at,
        ended_at=ended_at,
        code=code,
        message=message,
    )
