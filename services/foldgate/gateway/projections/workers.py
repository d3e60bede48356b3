"""The read model of workers and pools: who is there to do jobs, where, and on what terms.

What workers hold and what waits in pools is in the read model of jobs.
"""

from collections.abc import Sequence
from importlib.resources import files

from foldgate.contracts.events import (
    Event,
    Meta,
    PoolChanged,
    PoolsPublished,
    WorkerJoined,
    WorkerLost,
    WorkerRenewed,
)
from foldgate.contracts.topics import JOBS, POOLS
from foldgate.readmodel.projection import Projection, Statement, storable, storable_json

KEPT_MS = 24 * 60 * 60 * 1000
"""So long those are shown that are gone."""
_JOINED = """
INSERT INTO workers (pool, worker, name, max_parallel, topics, capabilities, labels, cpu_percent, gpu_percent,
    joined_at, beat_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb, nullif($8::int, -1), nullif($9::int, -1),
    to_timestamp($10::bigint / 1000.0), to_timestamp($10::bigint / 1000.0), to_timestamp($11::bigint / 1000.0))
ON CONFLICT (pool, worker) DO UPDATE SET
    name = excluded.name, max_parallel = excluded.max_parallel, topics = excluded.topics,
    capabilities = excluded.capabilities, labels = excluded.labels, cpu_percent = excluded.cpu_percent,
    gpu_percent = excluded.gpu_percent, joined_at = excluded.joined_at, beat_at = excluded.beat_at,
    expires_at = excluded.expires_at, lost_at = NULL, lost = NULL
"""
_RENEWED = """
UPDATE workers SET max_parallel = $3, cpu_percent = nullif($4::int, -1), gpu_percent = nullif($5::int, -1),
    beat_at = to_timestamp($6::bigint / 1000.0), expires_at = to_timestamp($7::bigint / 1000.0)
WHERE pool = $1 AND worker = $2
"""
_LOST = "UPDATE workers SET lost_at = to_timestamp($3::bigint / 1000.0), lost = $4 WHERE pool = $1 AND worker = $2"
_FORGET = "DELETE FROM workers WHERE pool = $1 AND lost_at < to_timestamp($2::bigint / 1000.0)"
_CHANGED = """
INSERT INTO pools (name, terms, is_open, reason, number, words, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7::bigint / 1000.0))
ON CONFLICT (name) DO UPDATE SET
    terms = excluded.terms, is_open = excluded.is_open, reason = excluded.reason, number = excluded.number,
    words = excluded.words, changed_at = excluded.changed_at
"""
_PUBLISHED = """
INSERT INTO pool_documents (document, revision, number, reason, put_by, put_at)
VALUES ($1, $2, $3, $4, $5, to_timestamp($6::bigint / 1000.0))
ON CONFLICT (one) DO UPDATE SET
    document = excluded.document, revision = excluded.revision, number = excluded.number, reason = excluded.reason,
    put_by = excluded.put_by, put_at = excluded.put_at
"""


def rows(meta: Meta, event: Event) -> Sequence[Statement]:
    """What an event changes. All that happens in a pool is in order, so all of it has that key."""
    match event:
        case WorkerJoined(worker=worker):
            able = (_texts(event.topics), _texts(event.capabilities), storable_json(event.labels))
            busy = (event.cpu_percent, event.gpu_percent)
            who = (meta.key, worker, event.name, event.max_parallel)
            return [Statement(meta.key, _JOINED, (*who, *able, *busy, meta.at, event.expires_at))]
        case WorkerRenewed(worker=worker):
            how = (event.max_parallel, event.cpu_percent, event.gpu_percent)
            return [Statement(meta.key, _RENEWED, (meta.key, worker, *how, meta.at, event.expires_at))]
        case WorkerLost(worker=worker, reason=reason):
            lost = Statement(meta.key, _LOST, (meta.key, worker, meta.at, reason))
            return [lost, Statement(meta.key, _FORGET, (meta.key, meta.at - KEPT_MS))]
        case PoolChanged(pool=pool):
            state = (event.terms or None, event.is_open, event.reason, event.number, storable(event.words))
            return [Statement(meta.key, _CHANGED, (pool, *state, meta.at))]
        case PoolsPublished(document=document):
            said = (event.revision, event.number, event.reason, meta.principal)
            return [Statement(meta.key, _PUBLISHED, (document, *said, meta.at))]
        case _:
            return []


def _texts(names: Sequence[str]) -> list[str]:
    return [storable(name) for name in names]


PROJECTION = Projection(
    name="workers",
    version=2,
    streams=(POOLS.name, JOBS.name),
    events=(PoolsPublished, PoolChanged, WorkerJoined, WorkerRenewed, WorkerLost),
    tables=files("foldgate.gateway.projections").joinpath("workers.sql").read_text(),
    rows=rows,
)
