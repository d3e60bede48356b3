"""The read model of dead letters: one row each, with how its job ended and what became of it."""

from collections.abc import Sequence
from importlib.resources import files

from foldgate.contracts.events import (
    DeadLetterDiscarded,
    DeadLetterOpened,
    DeadLetterRetried,
    Event,
    JobAbandoned,
    Meta,
)
from foldgate.contracts.topics import LETTERS, RUNS
from foldgate.readmodel.projection import Projection, Statement

_OPENED = """
INSERT INTO letters (run_id, step, tenant, job_id, topic, code, opened_at)
VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7::bigint / 1000.0))
ON CONFLICT (run_id, step) DO UPDATE SET
    job_id = excluded.job_id, topic = excluded.topic, code = excluded.code, opened_at = excluded.opened_at
"""
_SETTLED = """
UPDATE letters SET settled = $3, settled_by = $4, settled_at = to_timestamp($5::bigint / 1000.0), new_run = $6,
    reason = $7
WHERE run_id = $1 AND step = $2
"""
_ABANDONED = """
INSERT INTO letters (run_id, step, tenant, status, kind, message, attempts, rule, input)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (run_id, step) DO UPDATE SET
    status = excluded.status, kind = excluded.kind, message = excluded.message, attempts = excluded.attempts,
    rule = excluded.rule, input = excluded.input
"""


def rows(meta: Meta, event: Event) -> Sequence[Statement]:
    """What an event changes."""
    match event:
        case DeadLetterOpened(step=step):
            arguments = (meta.run_id, step, meta.tenant, event.job_id, event.topic, event.code, meta.at)
            return [Statement(meta.run_id, _OPENED, arguments)]
        case DeadLetterRetried(step=step, new_run=new_run, reason=reason):
            return [_settled(meta, step, "retried", how=(new_run, reason))]
        case DeadLetterDiscarded(step=step, reason=reason):
            return [_settled(meta, step, "discarded", how=(None, reason))]
        case JobAbandoned(step=step, job=job):
            how = (event.status, job.kind, event.message, event.attempts, event.rule or None, job.input)
            return [Statement(meta.run_id, _ABANDONED, (meta.run_id, step, meta.tenant, *how))]
        case _:
            return []


def _settled(meta: Meta, step: str, settled: str, *, how: tuple[str | None, str]) -> Statement:
    return Statement(meta.run_id, _SETTLED, (meta.run_id, step, settled, meta.principal, meta.at, *how))


PROJECTION = Projection(
    name="letters",
    version=1,
    streams=(LETTERS.name, RUNS.name),
    events=(DeadLetterOpened, DeadLetterRetried, DeadLetterDiscarded, JobAbandoned),
    tables=files("foldgate.gateway.projections").joinpath("letters.sql").read_text(),
    rows=rows,
)
