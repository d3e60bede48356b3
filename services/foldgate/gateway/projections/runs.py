"""The read model of runs: one row a run, from its start to how it ended."""

from collections.abc import Sequence
from importlib.resources import files

import msgspec

from foldgate.contracts.events import Event, Meta, RunDenied, RunFailed, RunRefused, RunStarted, RunSucceeded
from foldgate.contracts.topics import RUNS
from foldgate.readmodel.projection import Projection, Statement

# The id of a run that was forgotten long ago may be given again: then this is the run it means now.
_BEGUN = """
INSERT INTO runs (run_id, tenant, principal, started_at, workflow, version, kind, topic, labels, input, request_hash,
    status)
VALUES ($1, $2, $3, to_timestamp($4::bigint / 1000.0), $5, $6, $7, $8, $9::text::jsonb, $10, $11, 'running')
ON CONFLICT (run_id) DO UPDATE SET
    tenant = excluded.tenant, principal = excluded.principal, started_at = excluded.started_at,
    workflow = excluded.workflow, version = excluded.version, kind = excluded.kind, topic = excluded.topic,
    labels = excluded.labels, input = excluded.input, request_hash = excluded.request_hash, status = excluded.status,
    output = NULL, error_code = NULL, error = NULL, ended_at = NULL
"""
_ENDED = """
UPDATE runs SET status = $2, output = $3, error_code = $4, error = $5, ended_at = to_timestamp($6::bigint / 1000.0)
WHERE run_id = $1
"""


def rows(meta: Meta, event: Event) -> Sequence[Statement]:
    """What an event changes. A refusal is a run's end where it is its beginning; later it changes nothing."""
    match event:
        case RunStarted():
            return [_begun(meta, event)]
        case RunRefused() if meta.sequence == 1:
            nothing = RunStarted(workflow="", kind="", input="null", request_hash=b"")
            return [_begun(meta, nothing), _ended(meta, "refused", code=event.code, error=event.reason)]
        case RunSucceeded():
            return [_ended(meta, "succeeded", output=event.output)]
        case RunFailed():
            return [_ended(meta, "failed", code=event.code, error=event.message)]
        case RunDenied():
            return [_ended(meta, "denied", code=event.rule, error=event.reason)]
        case _:
            return []


def _begun(meta: Meta, start: RunStarted) -> Statement:
    labels = msgspec.json.encode(start.labels).decode().replace("\\u0000", "\\ufffd")
    whose = (meta.run_id, meta.tenant, meta.principal, meta.at)
    what = (start.workflow, start.version, start.kind, start.topic, labels, start.input, start.request_hash)
    return Statement(meta.run_id, _BEGUN, (*whose, *what))


def _ended(
    meta: Meta, status: str, *, output: str | None = None, code: str | None = None, error: str | None = None
) -> Statement:
    return Statement(meta.run_id, _ENDED, (meta.run_id, status, output, code, error, meta.at))


PROJECTION = Projection(
    name="runs",
    version=1,
    streams=(RUNS.name,),
    events=(RunStarted, RunRefused, RunSucceeded, RunFailed, RunDenied),
    tables=files("foldgate.gateway.projections").joinpath("runs.sql").read_text(),
    rows=rows,
)
