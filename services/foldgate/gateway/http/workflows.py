"""Workflows: published and shown.

A document that is no workflow is answered at once, with every mistake and its place; what is published is its owner's
word. A workflow that the read model does not know may have been published a moment ago: it is not said to be missing
before the read model has caught up with the log.
"""

import asyncio
import re
from typing import Any

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.contracts.events import WorkflowConfirmed, WorkflowPublished, WorkflowRefused, WorkflowSubmitted
from foldgate.eventlog.log import Submitted
from foldgate.gateway.http import asking, bodies, runs
from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.documents import unfit
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.paging import Given
from foldgate.gateway.http.places import place_of, text_of
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.published import PARTITION, RETIRED
from foldgate.gateway.http.querying import Row, row_of
from foldgate.gateway.http.reflecting import AFTER
from foldgate.gateway.http.runs import caught_up
from foldgate.gateway.http.verdicts import Verdict, Verdicts, nothing_else
from foldgate.language.problems import WorkflowInvalid
from foldgate.readmodel.projector import Projector
from foldgate.runtime.context import Context
from foldgate.sdk.requests import Request as Asked
from foldgate.sdk.requests import a_publication

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
_ROW = """
SELECT w.workflow AS id, v.version, v.digest, w.state, v.definition, v.published_by, v.published_at,
    ARRAY(
        SELECT o.version FROM workflow_versions o WHERE o.tenant = w.tenant AND o.workflow = w.workflow
        ORDER BY o.published_at, o.version
    ) AS versions
FROM workflows w LEFT JOIN workflow_versions v
    ON v.tenant = w.tenant AND v.workflow = w.workflow AND v.version = coalesce(nullif($3, ''), w.version)
WHERE w.tenant = $1 AND w.workflow = $2
"""


class PublishAnswer(BaseModel):
    """The version that a document is."""

    model_config = ConfigDict(title="PublishAnswer")

    id: str = Field(title="Workflow", description="The id in the document.")
    version: str | None = Field(title="Version", description="Its label; the digest where the document has none.")
    digest: str | None = Field(title="Digest", description="What runs are pinned to.")
    status: str = Field(title="Status", description="published, unchanged, or accepted while no verdict is known.")
    position: str = Field(title="Position", description="Where the verdict lies, or the request.")


class WorkflowAnswer(BaseModel):
    """One version of a workflow."""

    model_config = ConfigDict(title="Workflow")

    id: str = Field(title="Workflow")
    version: str = Field(title="Version")
    digest: str = Field(title="Digest")
    state: str = Field(title="State", description="active, or retired: it starts no new runs.")
    definition: dict[str, Any] = Field(title="Definition", description="The canonical form of the document.")
    published_by: str = Field(title="Published by")
    published_at: AwareDatetime = Field(title="Published at")
    versions: list[str] = Field(title="Versions", description="All of them, the oldest first.")


class DocumentBody(BaseModel):
    """A workflow document, as YAML or as JSON."""

    model_config = ConfigDict(extra="allow", title="Document")

    id: str = Field(title="Workflow")
    steps: dict[str, Any] = Field(title="Steps", description="By their ids.")


class Workflows:
    """Publishes and shows workflows."""

    def __init__(self, context: Context, verdicts: Verdicts, projector: Projector) -> None:
        self._context, self._verdicts, self._projector = context, verdicts, projector

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        which = Parameter("workflow", "path", "The id of a workflow.")
        publish = Operation(
            method="POST",
            path=f"{prefix}/workflows",
            endpoint=self.publish,
            summary="Publish a workflow",
            area="workflows",
            role="operator",
            body=DocumentBody,
            answers={
                200: Said(PublishAnswer, "This document was published before."),
                201: Said(PublishAnswer, "The version is published."),
                202: Said(PublishAnswer, "The request is on the log; no verdict is known yet."),
            },
            problems=("invalid_workflow", "version_conflict", "log_unavailable"),
        )
        show = Operation(
            method="GET",
            path=f"{prefix}/workflows/{{workflow}}",
            endpoint=self.show,
            summary="Show a workflow",
            area="workflows",
            role="viewer",
            parameters=(
                which,
                Parameter("version", "query", "A version; the latest if there is none."),
                AFTER,
            ),
            answers={200: Said(WorkflowAnswer, "The version.")},
            problems=("invalid_parameter", "unknown_workflow", "unknown_version", "not_yet", "database_unavailable"),
        )
        return publish, show

    async def publish(self, request: Request) -> Response:
        """Publish the document in the body."""
        source = await bodies.received(request)
        asked = await asyncio.to_thread(_asked, caller_of(request).tenant, source)
        with self._verdicts.expected(asked.key, asked.request_id, on=asked.answered_on, also=nothing_else) as waiting:
            lies = await asking.submitted(asking.client_of(request, self._context), asked)
            try:
                async with asyncio.timeout(asking.VERDICT_WITHIN_S):
                    return _judged(await waiting)
            except TimeoutError:
                assert isinstance(asked.event, WorkflowSubmitted)
                return _answer(202, asked.event.workflow, status="accepted", place=lies.place)

    async def show(self, request: Request) -> Response:
        """One version of a workflow of the caller's tenant."""
        given = Given(request, ("version", "after"))
        named = given.one("after")
        after = None if named is None else place_of(named, field="after")
        workflow, tenant = request.path_params["workflow"], caller_of(request).tenant
        row = await self.known(workflow, given.one("version") or "", tenant=tenant, after=after)
        document = {**dict(row), "definition": msgspec.Raw(row["definition"].encode())}
        return Response(msgspec.json.encode(document), media_type="application/json")

    async def _reflects(self, after: Submitted) -> None:
        """Wait for the read model: a verdict has its place in it; a request is answered by what was published since."""
        if after.partition != PARTITION:
            await caught_up(self._projector)
            return
        try:
            async with asyncio.timeout(runs.CAUGHT_UP_WITHIN_S):
                await self._projector.reached(after.partition, after.offset)
        except TimeoutError:
            what = f"Expected the read model to reflect {text_of(after)} by now, but it does not yet: ask again."
            raise Problem("not_yet", what, field="after") from None

    async def starts(self, workflow: str, version: str, *, tenant: str, after: Submitted | None = None) -> bool:
        """Whether that version of a workflow, or its latest, starts runs: not if it is retired. A problem if there is
        none. What is not known here to start is looked up, where this place is reflected."""
        published = self._verdicts.published
        if published.starts(tenant, workflow, version):
            return True
        row = await self.known(workflow, version, tenant=tenant, after=after)
        published.learn(tenant, workflow, row["version"], state=row["state"])
        return bool(row["state"] != RETIRED)

    async def seen(self, after: Submitted | None) -> int:
        """How far the stream of workflows is to be read before a run is started: as far as it was seen or shown here,
        and by who names a place in it; as of now, if that says nothing."""
        if not self._verdicts.is_current or (after is not None and after.partition != PARTITION):
            return await self._context.log.end(PARTITION)
        named = 0 if after is None else after.offset + 1
        return max(self._verdicts.published.reached, self._projector.offsets.get(PARTITION, 0), named)

    async def retired(self) -> Submitted:
        """A place in the stream of workflows that is not before what the read model shows by now: who starts a run here
        meets it."""
        end = await self._context.log.end(PARTITION)
        self._verdicts.published.is_known(end)
        return Submitted(PARTITION, end - 1)

    async def known(self, workflow: str, version: str, *, tenant: str, after: Submitted | None = None) -> Row:
        """That version of a workflow, or its latest, once that place is reflected; a problem if there is none."""
        if after is not None:
            await self._reflects(after)
        row = await self._row(workflow, version, tenant)
        if row is None or row["digest"] is None:
            await caught_up(self._projector)
            row = await self._row(workflow, version, tenant)
        if row is None:
            what = f"Expected a workflow of tenant '{tenant}', but there is no '{workflow[:200]}': publish it first."
            raise Problem("unknown_workflow", what, field="workflow")
        if row["digest"] is None:
            what = f"Expected a version of '{workflow}', but there is no '{version[:100]}'."
            raise Problem("unknown_version", what, field="version")
        return row

    async def _row(self, workflow: str, version: str, tenant: str) -> Row | None:
        assert self._context.models is not None
        return await row_of(self._context.models, _ROW, tenant, workflow, version) if _ID.fullmatch(workflow) else None


def _asked(tenant: str, source: bytes) -> Asked:
    """The request to publish this; made beside the event loop, because a large document takes its time."""
    try:
        return a_publication(tenant, source)
    except WorkflowInvalid as error:
        raise unfit("invalid_workflow", error.problems) from None


def _judged(verdict: Verdict) -> Response:
    match verdict.event:
        case WorkflowPublished(workflow=workflow, version=version, digest=digest):
            return _answer(201, workflow, status="published", place=verdict.place, version=version, digest=digest)
        case WorkflowConfirmed(workflow=workflow, version=version, digest=digest):
            return _answer(200, workflow, status="unchanged", place=verdict.place, version=version, digest=digest)
        case WorkflowRefused(code=code, reason=reason, problems=problems):
            raise Problem(code, reason, more={"problems": list(problems)} if problems else None)
        case event:
            raise AssertionError(f"{type(event).__name__} answers a document: {verdict.meta.event_id}")


def _answer(
    status_code: int, workflow: str, *, status: str, place: Submitted, version: str = "", digest: str = ""
) -> Response:
    document = {
        "id": workflow,
        "version": version or None,
        "digest": digest or None,
        "status": status,
        "position": text_of(place),
    }
    where = {"Location": f"/api/v1/workflows/{workflow}"}
    return Response(msgspec.json.encode(document), status_code, headers=where, media_type="application/json")


def validated(tenant: str, source: bytes) -> str:
    """The id of the workflow that this document is; a problem that names every mistake if it is none."""
    event = _asked(tenant, source).event
    assert isinstance(event, WorkflowSubmitted)
    return event.workflow
