"""The read model of runs: one row a run, from its start to how it ended."""

from collections.abc import Sequence
from importlib.resources import files

import msgspec

from foldgate.contracts.events import Event, Meta, RunDenied, RunFailed, RunStarted, RunSucceeded
from foldgate.contracts.topics import RUNS
from foldgate.readmodel.projection import Projection, Statement

# The id of a run that was forgotten long ago may be given again: then this is the run it means now.
_STARTED = """
INSERT INTO runs (run_id, tenant, principal, workflow, version, status, labels, input, started_at)
VALUES ($1, $2, $3, $4, $5, 'running', $6::text::jsonb, $7, to_timestamp($8::bigint / 1000.0))
ON CONFLICT (run_id) DO UPDATE SET
    tenant = excluded.tenant, principal = excluded.principal, workflow = excluded.workflow,
    version = excluded.version, status = excluded.status, labels = excluded.labels, input = excluded.input,
    output = NULL, error_code = NULL, error = NULL, started_at = excluded.started_at, ended_at = NULL
"""
_ENDED = """
UPDATE runs SET status = $2, output = $3, error_code = $4, error = $5, ended_at = to_timestamp($6::bigint / 1000.0)
WHERE run_id = $1
"""


def rows(meta: Meta, event: Event) -> Sequence[Statement]:
    """What an event changes."""
    match event:
        case RunStarted():
            labels = msgspec.json.encode(event.labels).decode().replace("\\u0000", "\\ufffd")
            whose = (meta.run_id, meta.tenant, meta.principal, event.workflow, event.version)
            return [Statement(meta.run_id, _STARTED, (*whose, labels, event.input, meta.at))]
        case RunSucceeded():
            return [_ended(meta, "succeeded", output=event.output)]
        case RunFailed():
            return [_ended(meta, "failed", code=event.code, error=event.message)]
        case RunDenied():
            return [_ended(meta, "denied", code=event.rule, error=event.reason)]
        case _:
            return []


def _ended(
    meta: Meta, status: str, *, output: str | None = None, code: str | None = None, error: str | None = None
) -> Statement:
    return Statement(meta.run_id, _ENDED, (meta.run_id, status, output, code, error, meta.at))


PROJECTION = Projection(
    name="runs",
    version=1,
    streams=(RUNS.name,),
    events=(RunStarted, RunSucceeded, RunFailed, RunDenied),
    tables=files("foldgate.gateway.projections").joinpath("runs.sql").read_text(),
    rows=rows,
)
