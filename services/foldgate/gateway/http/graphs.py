"""The graph of a run: the steps of its workflow, and how each is in this run."""

import asyncio
from collections import defaultdict
from functools import lru_cache
from typing import Any

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.paging import Given
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.querying import Row, row_of, rows_of
from foldgate.gateway.http.reflecting import AFTER, reflected
from foldgate.gateway.http.runs import caught_up, no_such_run
from foldgate.gateway.http.step_views import StepError, error_of
from foldgate.language.compile import compiled, single_job
from foldgate.language.definition import Definition, StepDef
from foldgate.language.edges import edges, kind_of
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projector import Projector

PENDING = "pending"
_TOP = """
SELECT step, status, attempts, code, message, started_at, ended_at FROM steps
WHERE run_id = $1 AND step = ANY($2::text[])
"""
_INSTANCES = r"""
SELECT regexp_replace(step, '(\[[0-9]+\])+$', '') AS node, status, count(*) FROM steps
WHERE run_id = $1 AND right(step, 1) = ']' GROUP BY 1, 2 ORDER BY max(place)
"""
_PINNED = """
SELECT r.workflow, r.version, r.digest, r.kind, r.topic, r.status, w.definition FROM runs r
LEFT JOIN workflow_versions w ON w.tenant = r.tenant AND w.workflow = r.workflow AND w.digest = r.digest
WHERE r.run_id = $1 AND r.tenant = $2
"""
_SINGLE, _REFUSED = "job", "refused"


class NodeItem(BaseModel):
    """A step of the workflow, and how it is in this run."""

    id: str = Field(title="Id")
    type: str = Field(title="Type")
    status: str = Field(title="Status", description="That of a step, or pending: it has not begun.")
    attempts: int = Field(title="Attempts")
    error: StepError | None = Field(title="Error")
    started_at: AwareDatetime | None = Field(title="Started at")
    ended_at: AwareDatetime | None = Field(title="Ended at")
    instances: dict[str, int] = Field(title="Instances", description="Where it is repeated: how many of each status.")


class EdgeItem(BaseModel):
    """One step leads to another."""

    source: str = Field(title="Source")
    target: str = Field(title="Target")
    why: str = Field(title="Why", description="depends_on, case, part, on_error or compensate.")


class GraphAnswer(BaseModel):
    """The graph of a run."""

    model_config = ConfigDict(title="Graph")

    run_id: str = Field(title="Run")
    workflow: str = Field(title="Workflow")
    version: str = Field(title="Version")
    digest: str = Field(title="Digest")
    status: str = Field(title="Status", description="Of the run.")
    nodes: list[NodeItem] = Field(title="Nodes", description="In an order in which they can run.")
    edges: list[EdgeItem] = Field(title="Edges")


class Graphs:
    """Shows the graphs of runs."""

    def __init__(self, models: ReadModels, *, runs: Projector, workflows: Projector) -> None:
        self._models, self._runs, self._workflows = models, runs, workflows

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        show = Operation(
            method="GET",
            path=f"{prefix}/workflow-runs/{{run_id}}/graph",
            endpoint=self.show,
            summary="Show the graph of a run, with the status of each step",
            area="runs",
            role="viewer",
            parameters=(Parameter("run_id", "path", "The run."), AFTER),
            answers={200: Said(GraphAnswer, "Nodes and edges.")},
            problems=("invalid_parameter", "not_found", "not_yet", "database_unavailable"),
        )
        return (show,)

    async def show(self, request: Request) -> Response:
        """The graph of a run of the caller's tenant."""
        run_id, tenant = request.path_params["run_id"].replace("\0", "\ufffd"), caller_of(request).tenant
        await reflected(Given(request, ("after",)).one("after"), self._runs)
        run = await self._pinned(run_id, tenant)
        definition = await _definition(run)
        nodes = await self._nodes(run_id, definition) if definition else []
        document = {
            "run_id": run_id,
            **{name: run[name] for name in ("workflow", "version", "digest", "status")},
            "nodes": nodes,
            "edges": edges(definition) if definition else [],
        }
        return Response(msgspec.json.encode(document), media_type="application/json")

    async def definition_of(self, run_id: str, tenant: str) -> Definition | None:
        """What a run runs; None of one that was refused."""
        return await _definition(await self._pinned(run_id, tenant))

    async def _pinned(self, run_id: str, tenant: str) -> Row:
        """The run, and the workflow as it is pinned to it."""
        run = await row_of(self._models, _PINNED, run_id, tenant)
        if run is None or (_is_pinned(run) and run["definition"] is None):
            for projector in (self._runs, self._workflows):
                await caught_up(projector)
            run = await row_of(self._models, _PINNED, run_id, tenant)
        if run is None:
            raise no_such_run(run_id, tenant)
        if _is_pinned(run) and run["definition"] is None:
            raise Problem("not_yet", f"Expected the workflow of {run_id} in the read model, but it is not there yet.")
        return run

    async def _nodes(self, run_id: str, definition: Definition) -> list[dict[str, Any]]:
        rows = await rows_of(self._models, _TOP, run_id, list(definition.order))
        found = {row["step"]: row for row in rows}
        instances: dict[str, dict[str, int]] = defaultdict(dict)
        for node, status, count in await rows_of(self._models, _INSTANCES, run_id):
            instances[node][status] = count
        return [_node(definition.steps[name], found.get(name), instances[name]) for name in definition.order]


def _is_pinned(run: Row) -> bool:
    return bool(run["workflow"] != _SINGLE and run["status"] != _REFUSED)


async def _definition(run: Row) -> Definition | None:
    """None of a run that was refused: it may have asked for anything."""
    if run["status"] == _REFUSED:
        return None
    if run["workflow"] == _SINGLE:
        return single_job(run["kind"], run["topic"])
    return await asyncio.to_thread(compiled_once, run["definition"], run["digest"])


@lru_cache(maxsize=64)
def compiled_once(definition: str, digest: str) -> Definition:
    """What a canonical form means."""
    return compiled(definition, digest=digest)


def _node(step: StepDef, row: Row | None, instances: dict[str, int]) -> dict[str, Any]:
    about = {"id": step.id, "type": kind_of(step), "instances": instances}
    if row is None:  # of what is in a loop there are only instances: it is as the last of them
        status = next(reversed(instances), PENDING)
        return {**about, "status": status, "attempts": 0, "error": None, "started_at": None, "ended_at": None}
    fields = {name: row[name] for name in ("status", "attempts", "started_at", "ended_at")}
    return {**about, **fields, "error": error_of(row["code"], row["message"])}
