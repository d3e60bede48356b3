"""What is done with workflows beside publishing and showing one: listed, looked through, tried, and retired.

A retirement is answered once the read model shows it. Whoever is cut off before that asks again: it is retired already,
or it is asked for once more, which changes nothing.
"""

import asyncio

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.eventlog.log import Submitted
from foldgate.gateway.http import asking, bodies
from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.paging import PAGES, Given, cut, page
from foldgate.gateway.http.places import text_of
from foldgate.gateway.http.querying import row_of, rows_of
from foldgate.gateway.http.reflecting import AFTER, reflected
from foldgate.gateway.http.run_lists import Began
from foldgate.gateway.http.runs import caught_up
from foldgate.gateway.http.workflows import DocumentBody, Workflows, validated
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projector import Projector
from foldgate.runtime.context import Context
from foldgate.sdk.requests import a_retirement

RETIRED_WITHIN_S = 2.0
_LOOK_AGAIN_S = 0.05
_LIST, _VERSIONS = "workflows", "versions"
_Name = tuple[str]
_Key = tuple[Began, str]
_ROWS = """
SELECT w.workflow AS id, w.version, v.digest, w.state, v.published_by, v.published_at FROM workflows w
JOIN workflow_versions v ON v.tenant = w.tenant AND v.workflow = w.workflow AND v.version = w.version
WHERE w.tenant = $1 AND ($2::text IS NULL OR w.workflow > $2) ORDER BY w.workflow LIMIT $3
"""
_OF_ONE = """
SELECT version, digest, published_by, published_at, round(extract(epoch FROM published_at) * 1000)::bigint AS at
FROM workflow_versions WHERE tenant = $1 AND workflow = $2
    AND ($3::bigint IS NULL OR (published_at, version) < (to_timestamp($3::bigint / 1000.0), $4::text))
ORDER BY published_at DESC, version DESC LIMIT $5
"""
_STATE = "SELECT state FROM workflows WHERE tenant = $1 AND workflow = $2"
_WHICH = Parameter("workflow", "path", "The id of a workflow.")


class VersionItem(BaseModel):
    """One version of a workflow."""

    model_config = ConfigDict(title="Version")

    version: str = Field(title="Version")
    digest: str = Field(title="Digest", description="What runs are pinned to.")
    published_by: str = Field(title="Published by")
    published_at: AwareDatetime = Field(title="Published at")


class WorkflowItem(VersionItem):
    """One workflow of a list, in its latest version."""

    model_config = ConfigDict(title="WorkflowItem")

    id: str = Field(title="Workflow")
    state: str = Field(title="State", description="active, or retired: it starts no new runs.")


class WorkflowsAnswer(BaseModel):
    """A part of a list of workflows."""

    model_config = ConfigDict(title="Workflows")

    items: list[WorkflowItem] = Field(title="Items")
    next_cursor: str | None = Field(title="Next cursor", description="Leads on; null at the end.")


class VersionsAnswer(BaseModel):
    """A part of a list of versions."""

    model_config = ConfigDict(title="Versions")

    items: list[VersionItem] = Field(title="Items")
    next_cursor: str | None = Field(title="Next cursor", description="Leads on; null at the end.")


class ValidAnswer(BaseModel):
    """A document without mistakes."""

    model_config = ConfigDict(title="Valid")

    id: str = Field(title="Workflow")
    status: str = Field(title="Status", description="valid.")


class RetireAnswer(BaseModel):
    """What became of the request."""

    model_config = ConfigDict(title="Retired")

    id: str = Field(title="Workflow")
    status: str = Field(title="Status", description="retired, or accepted while that is not seen.")
    position: str = Field(title="Position", description="Read what this has changed with ?after=<position>.")


class Catalogue:
    """Looks through workflows."""

    def __init__(self, context: Context, models: ReadModels, *, workflows: Workflows, projector: Projector) -> None:
        self._context, self._models = context, models
        self._workflows, self._projector = workflows, projector

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        lists = ("invalid_parameter", "not_yet", "database_unavailable")
        return (
            Operation(
                method="GET",
                path=f"{prefix}/workflows",
                endpoint=self.find,
                summary="List workflows",
                area="workflows",
                role="viewer",
                parameters=(*PAGES, AFTER),
                answers={200: Said(WorkflowsAnswer, "The workflows, by id.")},
                problems=lists,
            ),
            Operation(
                method="GET",
                path=f"{prefix}/workflows/{{workflow}}/versions",
                endpoint=self.versions,
                summary="List the versions of a workflow",
                area="workflows",
                role="viewer",
                parameters=(_WHICH, *PAGES, AFTER),
                answers={200: Said(VersionsAnswer, "The versions, the newest first.")},
                problems=(*lists, "unknown_workflow"),
            ),
            Operation(
                method="DELETE",
                path=f"{prefix}/workflows/{{workflow}}",
                endpoint=self.retire,
                summary="Retire a workflow: it starts no new runs until it is published again",
                area="workflows",
                role="operator",
                parameters=(_WHICH,),
                answers={
                    200: Said(RetireAnswer, "It is retired."),
                    202: Said(RetireAnswer, "The request is on the log; nothing is seen of it yet."),
                },
                problems=(*lists, "unknown_workflow", "log_unavailable"),
            ),
            Operation(
                method="POST",
                path=f"{prefix}/workflows:validate",
                endpoint=self.validate,
                summary="Look for mistakes in a workflow, and publish nothing",
                area="workflows",
                role="viewer",
                body=DocumentBody,
                answers={200: Said(ValidAnswer, "It has none.")},
                problems=("invalid_workflow",),
            ),
        )

    async def find(self, request: Request) -> Response:
        """The workflows of the caller's tenant."""
        given = Given(request, ("limit", "cursor", "after"))
        key = given.cursor(_LIST, _Name)
        await reflected(given.one("after"), self._projector)
        tenant, beyond = caller_of(request).tenant, None if key is None else key[0]
        rows = await rows_of(self._models, _ROWS, tenant, beyond, given.limit + 1)
        shown, more = cut(rows, given.limit, of=_LIST, by=("id",))
        return page([dict(row) for row in shown], more)

    async def versions(self, request: Request) -> Response:
        """The versions of one workflow."""
        given, workflow = Given(request, ("limit", "cursor", "after")), request.path_params["workflow"]
        key, tenant = given.cursor(_VERSIONS, _Key), caller_of(request).tenant
        await reflected(given.one("after"), self._projector)
        await self._workflows.known(workflow, "", tenant=tenant)
        rows = await rows_of(self._models, _OF_ONE, tenant, workflow, *(key or (None, None)), given.limit + 1)
        shown, more = cut(rows, given.limit, of=_VERSIONS, by=("at", "version"))
        return page([{name: value for name, value in row.items() if name != "at"} for row in shown], more)

    async def retire(self, request: Request) -> Response:
        """Let a workflow start no new runs. Whether it does is looked at once the read model has caught up: else what
        was published again a moment ago would still be shown as retired."""
        workflow, tenant = request.path_params["workflow"], caller_of(request).tenant
        await caught_up(self._projector)
        if (await self._workflows.known(workflow, "", tenant=tenant))["state"] == "retired":
            return _retired(200, workflow, await self._workflows.retired())
        asked = await asking.submitted(asking.client_of(request, self._context), a_retirement(tenant, workflow))
        try:
            async with asyncio.timeout(RETIRED_WITHIN_S):
                while (await row_of(self._models, _STATE, tenant, workflow) or {"state": ""})["state"] != "retired":
                    await asyncio.sleep(_LOOK_AGAIN_S)
        except TimeoutError:
            return _retired(202, workflow, asked.place)
        return _retired(200, workflow, await self._workflows.retired())

    async def validate(self, request: Request) -> Response:
        """Every mistake in the document, or none."""
        source = await bodies.received(request)
        workflow = await asyncio.to_thread(validated, caller_of(request).tenant, source)
        return _json(200, {"id": workflow, "status": "valid"})


def _retired(status_code: int, workflow: str, place: Submitted) -> Response:
    status = "retired" if status_code == 200 else "accepted"
    return _json(status_code, {"id": workflow, "status": status, "position": text_of(place)})


def _json(status_code: int, document: dict[str, str]) -> Response:
    return Response(msgspec.json.encode(document), status_code, media_type="application/json")
