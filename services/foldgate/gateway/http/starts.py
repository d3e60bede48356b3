"""Starts of workflows: a run of what is published, answered as any request for a run is.

What the read model knows to be wrong is answered at once, so that it uses up no key; the rest is the engine's word.
"""

import asyncio
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.authority.foreseeing import Planned
from foldgate.authority.request import canonical
from foldgate.eventlog.log import Submitted
from foldgate.gateway.http import asking, bodies
from foldgate.gateway.http.asking import Label, StartAnswer, Starting, Text
from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.graphs import compiled_once
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.paging import Given
from foldgate.gateway.http.places import place_of
from foldgate.gateway.http.plans import PlanItem, Plans
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.reflecting import AFTER
from foldgate.gateway.http.runs import WAIT, wait_in
from foldgate.gateway.http.workflows import Workflows
from foldgate.runtime.context import Context
from foldgate.sdk.client import Prepared


class StartBody(BaseModel):
    """What a run is given. A body without `input` is the input itself."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Start")

    input: Any = Field(title="Input", description="Any JSON.")
    version: Text = Field(default="", title="Version", description="The version to run; the latest if there is none.")
    labels: dict[Label, Text] = Field(
        default_factory=dict, max_length=50, title="Labels", description="What runs are found by."
    )


class StartRequest(StartBody):
    """What a run is given, or would be."""

    model_config = ConfigDict(extra="forbid", strict=True, title="StartRequest")

    dry_run: bool = Field(default=False, title="Dry run", description="Only say what it would do: ask for nothing.")


class StartedAnswer(StartAnswer):
    """The run that a request means, or the plan of one."""

    model_config = ConfigDict(title="Started")

    run_id: str | None = Field(title="Run", description="The run; null of a plan.")  # type: ignore[assignment]
    request_id: str | None = Field(title="Request", description="null of a plan.")  # type: ignore[assignment]
    plan: PlanItem | None = Field(default=None, title="Plan", description="What a run would do.")


class Starts:
    """Starts runs of workflows."""

    def __init__(self, context: Context, starting: Starting, workflows: Workflows, *, plans: Plans) -> None:
        self._context, self._starting, self._workflows, self._plans = context, starting, workflows, plans

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        start = Operation(
            method="POST",
            path=f"{prefix}/workflows/{{workflow}}/runs",
            endpoint=self.start,
            summary="Start a run of a workflow",
            area="runs",
            role="operator",
            body=StartRequest,
            or_any_without=("input", "dry_run"),
            parameters=(Parameter("workflow", "path", "The id of a workflow."), asking.KEY, asking.FROM, WAIT, AFTER),
            answers={code: Said(StartedAnswer, said.description) for code, said in asking.ANSWERS.items()},
            problems=(
                *asking.PROBLEMS,
                "unknown_workflow",
                "unknown_version",
                "workflow_retired",
                "invalid_input",
                "not_yet",
            ),
        )
        return (start,)

    async def start(self, request: Request) -> Response:
        """Ask for a run, and answer with what became of it."""
        key, given = asking.key_of(request), Given(request, ("wait", "after"))
        within_s, after = wait_in(given.one("wait")), given.one("after")
        seen = None if after is None else place_of(after, field="after")
        body = _body(await bodies.received(request))
        if body.dry_run:
            return await self._planned(request, body, after=seen)
        prepared, answer = await self.started(request, request.path_params["workflow"], body, key=key, after=seen)
        return await self._starting.waited(answer, request, prepared, within_s=within_s)

    async def _planned(self, request: Request, body: StartRequest, *, after: Submitted | None) -> Response:
        """What such a run would do."""
        caller, workflow = caller_of(request), request.path_params["workflow"]
        known = await self._workflows.known(workflow, body.version, tenant=caller.tenant, after=after)
        if known["state"] == "retired":
            raise _retired(workflow)
        definition = await asyncio.to_thread(compiled_once, known["definition"], known["digest"])
        if definition.input_schema is not None and (wrong := definition.input_schema.problem(body.input)) is not None:
            raise Problem("invalid_input", f"The input does not fit input_schema: {wrong}", field="input")
        run = Planned.of(
            definition,
            tenant=caller.tenant,
            principal=caller.principal,
            labels=asking.labels_of(request, body.labels),
            given=canonical(msgspec.json.encode(body.input)),
            key=asking.key_of(request),
        )
        plan = await self._plans.plan(definition, run)
        document = {"run_id": None, "request_id": None, "status": "planned", "position": None, "plan": plan}
        return Response(msgspec.json.encode(document), media_type="application/json")

    async def started(
        self, request: Request, workflow: str, body: StartBody, *, key: str, after: Submitted | None = None
    ) -> tuple[Prepared, Response]:
        """What is asked for in the name of whoever sent this, and what became of it."""
        client = asking.client_of(request, self._context)
        tenant = caller_of(request).tenant
        starts = await self._workflows.starts(workflow, body.version, tenant=tenant, after=after)
        prepared = client.run(
            workflow,
            msgspec.Raw(canonical(msgspec.json.encode(body.input)).encode()),
            version=body.version,
            labels=asking.labels_of(request, body.labels),
            idempotency_key=key,
            workflows_offset=await self._workflows.seen(after),
        )
        if (answer := await self._starting.known(prepared)) is not None:
            return prepared, answer
        if not starts:
            if (answer := await self._starting.known(prepared, latest=True)) is not None:
                return prepared, answer
            raise _retired(workflow)
        return prepared, await self._starting.asked(client, prepared)


def _retired(workflow: str) -> Problem:
    what = f"Expected a workflow that starts runs, but '{workflow}' is retired: publish it again."
    return Problem("workflow_retired", what, field="workflow")


def _body(data: bytes) -> StartRequest:
    """What a run is given: the body's `input`, or the body."""
    value = bodies.parsed(data) if data else {}
    if isinstance(value, dict) and "input" in value:
        return bodies.fitting(value, StartRequest)
    if isinstance(value, dict) and "dry_run" in value:  # who wants a plan must not get a run
        what = "Expected `input` beside `dry_run`. If it is for the workflow, put it into `input`."
        raise Problem("invalid_body", what, field="dry_run")
    return StartRequest(input=value)
