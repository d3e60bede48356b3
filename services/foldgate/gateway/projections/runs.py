"""The read model of runs: one row a run, from its start to how it ended; and one a step of it (`step_rows.py`)."""

from collections.abc import Sequence
from importlib.resources import files

from foldgate.contracts.events import (
    Event,
    Meta,
    RunCancelled,
    RunDenied,
    RunFailed,
    RunPaused,
    RunRefused,
    RunResumed,
    RunStarted,
    RunSucceeded,
    RunTimedOut,
    SlotRequested,
    SlotTaken,
)
from foldgate.contracts.topics import RUNS
from foldgate.gateway.projections import step_rows
from foldgate.readmodel.projection import Projection, Statement, storable_json

# The id of a run that was forgotten long ago may be given again: then this is the run it means now.
_BEGUN = """
INSERT INTO runs (run_id, tenant, principal, started_at, workflow, version, digest, kind, topic, labels, input,
    request_hash, status)
VALUES ($1, $2, $3, to_timestamp($4::bigint / 1000.0), $5, $6, $7, $8, $9, $10::text::jsonb, $11, $12, 'running')
ON CONFLICT (run_id) DO UPDATE SET
    tenant = excluded.tenant, principal = excluded.principal, started_at = excluded.started_at,
    workflow = excluded.workflow, version = excluded.version, digest = excluded.digest, kind = excluded.kind,
    topic = excluded.topic,
    labels = excluded.labels, input = excluded.input, request_hash = excluded.request_hash, status = excluded.status,
    output = NULL, error_code = NULL, error = NULL, error_step = NULL, compensation = 'none', ended_at = NULL
"""
_MOVED = "UPDATE runs SET status = $2 WHERE run_id = $1 AND ended_at IS NULL"
_ENDED = """
UPDATE runs SET status = $2, output = $3, error_code = $4, error = $5, error_step = $6, compensation = $7,
    ended_at = to_timestamp($8::bigint / 1000.0)
WHERE run_id = $1
"""
_MOVES: dict[type[Event], str] = {
    RunPaused: "paused",
    RunResumed: "running",
    SlotRequested: "waiting",
    SlotTaken: "running",
}
"""What is seen of a run on its way. That it waits is not: the engine knows, and `foldgate why` tells."""


Grave = RunFailed | RunDenied | RunTimedOut | RunCancelled
"""The ends that are no success."""


def rows(meta: Meta, event: Event) -> Sequence[Statement]:
    """What an event changes. A refusal is a run's end where it is its beginning; later it changes nothing."""
    match event:
        case RunStarted():
            return [_begun(meta, event)]
        case RunRefused() if meta.sequence == 1:
            nothing = RunStarted(workflow="", kind="", input="null", request_hash=b"")
            return [_begun(meta, nothing), _ended(meta, "refused", code=event.code, error=event.reason)]
        case RunPaused() | RunResumed() | SlotRequested() | SlotTaken():
            return [Statement(meta.run_id, _MOVED, (meta.run_id, _MOVES[type(event)]))]
        case RunSucceeded():
            return [_ended(meta, "succeeded", output=event.output)]
        case RunFailed() | RunDenied() | RunTimedOut() | RunCancelled():
            return [_ended_badly(meta, event)]
        case _:
            return []


def _begun(meta: Meta, start: RunStarted) -> Statement:
    labels = storable_json(start.labels)
    whose = (meta.run_id, meta.tenant, meta.principal, meta.at)
    what = (start.workflow, start.version, start.digest, start.kind, start.topic)
    return Statement(meta.run_id, _BEGUN, (*whose, *what, labels, start.input, start.request_hash))


def _ended_badly(meta: Meta, event: Grave) -> Statement:
    match event:
        case RunFailed(code=code, message=message):
            return _ended(meta, "failed", code=code, error=message, how=event)
        case RunDenied(rule=rule, reason=reason):
            return _ended(meta, "denied", code=rule, error=reason, how=event)
        case RunTimedOut(code=code, reason=reason):
            return _ended(meta, "timed_out", code=code, error=reason, how=event)
        case RunCancelled(reason=reason):
            return _ended(meta, "cancelled", code="cancelled", error=reason, how=event)


def _ended(
    meta: Meta,
    status: str,
    *,
    output: str | None = None,
    code: str | None = None,
    error: str | None = None,
    how: Grave | None = None,
) -> Statement:
    step, compensation = (None, "none") if how is None else (how.step or None, how.compensation)
    return Statement(meta.run_id, _ENDED, (meta.run_id, status, output, code, error, step, compensation, meta.at))


_FOLDER = files("foldgate.gateway.projections")

PROJECTION = Projection(
    name="runs",
    version=4,
    streams=(RUNS.name,),
    events=(
        *(RunStarted, RunRefused, *_MOVES, RunSucceeded, RunFailed, RunDenied, RunTimedOut, RunCancelled),
        *step_rows.EVENTS,
    ),
    tables="".join(_FOLDER.joinpath(name).read_text() for name in ("runs.sql", "step_rows.sql")),
    rows=rows,
    write=step_rows.write,
)
