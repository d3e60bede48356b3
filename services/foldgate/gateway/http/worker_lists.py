"""Workers and pools as the read models show them.

They belong to the suite, not to a tenant. Whoever asks for all tenants, and names none, sees them all; whoever asks for
one sees the pools that take its jobs, the workers of those that are its own, and workers that hold or held its jobs.
"""

from typing import Any

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.authority.globs import glob
from foldgate.authority.pools import DEFAULT
from foldgate.authority.pools_terms import PoolTerms, terms_of
from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.callers import Caller
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.paging import PAGES, Given, cut, page
from foldgate.gateway.http.querying import Row, rows_of
from foldgate.gateway.http.reflecting import AFTER, reflected
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projector import Projector

STATES = ("alive", "lost")
_LIST = "workers"
_WORKERS = """
SELECT w.pool, w.worker, w.name, CASE WHEN w.lost_at IS NULL THEN 'alive' ELSE 'lost' END AS status, w.max_parallel,
    (SELECT count(*) FROM jobs j WHERE j.held_pool = w.pool AND j.worker = w.worker AND j.placed = 'dispatched')
        AS in_flight,
    w.topics, w.capabilities, w.labels::text, w.cpu_percent, w.gpu_percent, w.joined_at, w.beat_at, w.expires_at,
    w.lost_at, w.lost
FROM workers w
WHERE (w.pool, w.worker) > ($1, $2) AND ($3::text IS NULL OR w.pool = $3)
    AND ($4::text IS NULL OR (w.lost_at IS NULL) = ($4 = 'alive'))
    AND ($5::text IS NULL OR w.pool = ANY($6::text[])
        OR EXISTS (SELECT FROM jobs j WHERE j.tenant = $5 AND j.pool = w.pool AND j.worker = w.worker))
ORDER BY w.pool, w.worker LIMIT $7
"""
_POOLS = """
SELECT names.name, p.terms, coalesce(p.is_open, d.one IS NULL) AS open, coalesce(p.reason, '') AS reason,
    CASE WHEN starts_with(p.reason, 'draining') THEN p.words END AS words, p.changed_at,
    (SELECT count(*) FROM workers w WHERE w.pool = names.name AND w.lost_at IS NULL) AS workers,
    (SELECT count(*) FROM jobs j WHERE j.held_pool = names.name AND j.placed = 'dispatched') AS in_flight,
    (SELECT count(*) FROM jobs j WHERE j.held_pool = names.name AND j.placed = 'queued') AS waiting
FROM (
    SELECT name FROM pools WHERE reason <> 'removed'
    UNION SELECT pool FROM workers WHERE lost_at IS NULL
    UNION SELECT held_pool FROM jobs WHERE placed IN ('queued', 'dispatched')
) names
LEFT JOIN pools p ON p.name = names.name
LEFT JOIN pool_documents d ON true
ORDER BY names.name
"""
_RESERVED = "SELECT name, terms FROM pools WHERE terms IS NOT NULL"
_DOCUMENT = "SELECT document, revision, number, reason, put_by, put_at FROM pool_documents"


class WorkerItem(BaseModel):
    """One worker."""

    model_config = ConfigDict(title="WorkerItem")

    worker: str = Field(title="Worker", description="name/instance.")
    name: str = Field(title="Name")
    pool: str = Field(title="Pool")
    status: str = Field(title="Status", description="alive, or lost.")
    max_parallel: int = Field(title="Most at once")
    in_flight: int = Field(title="In flight", description="How many jobs it holds.")
    topics: list[str] = Field(title="Topics", description="What it does; empty: it does not say.")
    capabilities: list[str] = Field(title="Capabilities")
    labels: dict[str, str] = Field(title="Labels")
    cpu_percent: int | None = Field(title="Processors", description="How busy.")
    gpu_percent: int | None = Field(title="Graphics processors", description="How busy.")
    joined_at: AwareDatetime = Field(title="Joined at")
    beat_at: AwareDatetime = Field(title="Last beat at", description="As noted: at least once in a third of a lease.")
    expires_at: AwareDatetime = Field(title="Expires at", description="When its lease ends without another beat.")
    lost_at: AwareDatetime | None = Field(title="Lost at")
    lost: str | None = Field(title="Lost", description="left, or lease_ended.")


class WorkersAnswer(BaseModel):
    """A part of a list of workers."""

    model_config = ConfigDict(title="Workers")

    items: list[WorkerItem] = Field(title="Items")
    next_cursor: str | None = Field(title="Next cursor", description="Leads on; null at the end.")


class PoolItem(BaseModel):
    """One pool."""

    name: str = Field(title="Name")
    open: bool = Field(title="Open", description="Whether it takes jobs.")
    reason: str | None = Field(title="Reason", description="Why it takes none: draining, overloaded.")
    words: str | None = Field(title="Words", description="Of whoever drains it.")
    terms: Any = Field(title="Terms", description="null if no document has it.")
    workers: int = Field(title="Workers")
    in_flight: int = Field(title="In flight")
    waiting: int = Field(title="Waiting")
    changed_at: AwareDatetime | None = Field(title="Changed at")


class LayoutItem(BaseModel):
    """The document that holds."""

    document: Any = Field(title="Document")
    revision: int = Field(title="Revision", description="Name it when you put another.")
    number: int = Field(title="Number")
    reason: str = Field(title="Reason")
    put_by: str = Field(title="Put by")
    put_at: AwareDatetime = Field(title="Put at")


class PoolsAnswer(BaseModel):
    """All pools."""

    model_config = ConfigDict(title="Pools")

    items: list[PoolItem] = Field(title="Items")
    layout: LayoutItem | None = Field(title="Layout", description="null if there is none, or one tenant is asked for.")


class WorkerLists:
    """Shows workers and pools."""

    def __init__(self, models: ReadModels, projector: Projector) -> None:
        self._models, self._projector = models, projector

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        workers = Operation(
            method="GET",
            path=f"{prefix}/workers",
            endpoint=self.workers,
            summary="Find workers",
            area="workers",
            role="viewer",
            parameters=(
                Parameter("pool", "query", "Only workers of this pool."),
                Parameter("status", "query", "Only those that are alive, or lost.", f"^({'|'.join(STATES)})$"),
                *PAGES,
                AFTER,
            ),
            answers={200: Said(WorkersAnswer, "The workers, by pool and id.")},
            problems=("invalid_parameter", "not_yet", "database_unavailable"),
        )
        pools = Operation(
            method="GET",
            path=f"{prefix}/pools",
            endpoint=self.pools,
            summary="Show the pools, and the document that holds",
            area="workers",
            role="viewer",
            parameters=(AFTER,),
            answers={200: Said(PoolsAnswer, "The pools.")},
            problems=("invalid_parameter", "not_yet", "database_unavailable"),
        )
        return workers, pools

    async def workers(self, request: Request) -> Response:
        """The workers that the caller may see."""
        given, caller = Given(request, ("pool", "status", "limit", "cursor", "after")), caller_of(request)
        key = given.cursor(_LIST, tuple[str, str]) or ("", "")
        status = given.one_of("status", STATES)
        await reflected(given.one("after"), self._projector)
        tenant = None if caller.everywhere else caller.tenant
        asked = (given.one("pool"), status, tenant, await self._own(caller), given.limit + 1)
        rows = await rows_of(self._models, _WORKERS, *key, *asked)
        shown, more = cut(rows, given.limit, of=_LIST, by=("pool", "worker"))
        return page([{**row, "labels": msgspec.Raw(row["labels"].encode())} for row in map(dict, shown)], more)

    async def pools(self, request: Request) -> Response:
        """The pools that the caller may see."""
        given, caller = Given(request, ("after",)), caller_of(request)
        await reflected(given.one("after"), self._projector)
        rows = [row for row in await rows_of(self._models, _POOLS) if _is_seen(row, caller)]
        layout = await rows_of(self._models, _DOCUMENT) if caller.everywhere else []
        document = {"items": [_pool(row) for row in rows], "layout": _layout(layout[0]) if layout else None}
        return Response(msgspec.json.encode(document), media_type="application/json")

    async def _own(self, caller: Caller) -> list[str]:
        """The pools that are reserved for the caller's tenant, among others or alone."""
        if caller.everywhere:
            return []
        terms = {row["name"]: terms_of(row["terms"]) for row in await rows_of(self._models, _RESERVED)}
        return [name for name, each in terms.items() if each.tenants and _takes(each, caller.tenant)]


def _takes(terms: PoolTerms, tenant: str) -> bool:
    return not terms.tenants or any(glob(pattern)(tenant) for pattern in terms.tenants)


def _is_seen(row: Row, caller: Caller) -> bool:
    """A pool that no document has may be named in a tenant's own words: others do not see it."""
    if caller.everywhere or row["terms"] is None:
        return caller.everywhere or bool(row["name"] == DEFAULT)
    return _takes(terms_of(row["terms"]), caller.tenant)


def _pool(row: Row) -> dict[str, Any]:
    terms = None if row["terms"] is None else msgspec.Raw(row["terms"].encode())
    return {**dict(row), "terms": terms, "reason": row["reason"] or None, "words": row["words"] or None}


def _layout(row: Row) -> dict[str, Any]:
    return {**dict(row), "document": msgspec.Raw(row["document"].encode())}
