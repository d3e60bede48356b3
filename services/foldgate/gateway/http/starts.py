"""Starts of workflows: a run of what is published, answered as any request for a run is.

What the read model knows to be wrong is answered at once, so that it uses up no key; the rest is the engine's word.
"""

import asyncio
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.authority.request import canonical
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import WORKFLOWS
from foldgate.gateway.http import asking, bodies
from foldgate.gateway.http.asking import Label, Starting, Text
from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.operations import Operation, Parameter
from foldgate.gateway.http.paging import Given
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.runs import WAIT, wait_in
from foldgate.gateway.http.workflows import Workflows
from foldgate.runtime.context import Context
from foldgate.sdk.client import Prepared

_PARTITION = Partition(WORKFLOWS.name, 0)


class StartBody(BaseModel):
    """What a run is given. A body without `input` is the input itself."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Start")

    input: Any = Field(title="Input", description="Any JSON.")
    version: Text = Field(default="", title="Version", description="The version to run; the latest if there is none.")
    labels: dict[Label, Text] = Field(
        default_factory=dict, max_length=50, title="Labels", description="What runs are found by."
    )


class Starts:
    """Starts runs of workflows."""

    def __init__(self, context: Context, starting: Starting, workflows: Workflows) -> None:
        self._context, self._starting, self._workflows = context, starting, workflows

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        start = Operation(
            method="POST",
            path=f"{prefix}/workflows/{{workflow}}/runs",
            endpoint=self.start,
            summary="Start a run of a workflow",
            area="runs",
            role="operator",
            body=StartBody,
            parameters=(Parameter("workflow", "path", "The id of a workflow."), asking.KEY, asking.FROM, WAIT),
            answers=asking.ANSWERS,
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
        key, within_s = asking.key_of(request), wait_in(Given(request, ("wait",)).one("wait"))
        body = _body(await bodies.received(request))
        prepared, answer = await self.started(request, request.path_params["workflow"], body, key=key)
        return await self._starting.waited(answer, request, prepared, within_s=within_s)

    async def started(self, request: Request, workflow: str, body: StartBody, *, key: str) -> tuple[Prepared, Response]:
        """What is asked for in the name of whoever sent this, and what became of it."""
        client = asking.client_of(request, self._context)
        known, offset = await asyncio.gather(
            self._workflows.known(workflow, body.version, tenant=caller_of(request).tenant),
            self._context.log.end(_PARTITION),
        )
        prepared = client.run(
            workflow,
            msgspec.Raw(canonical(msgspec.json.encode(body.input)).encode()),
            version=body.version,
            labels=asking.labels_of(request, body.labels),
            idempotency_key=key,
            workflows_offset=offset,
        )
        if (answer := await self._starting.known(prepared)) is not None:
            return prepared, answer
        if known["state"] == "retired":
            if (answer := await self._starting.known(prepared, latest=True)) is not None:
                return prepared, answer
            what = f"Expected a workflow that starts runs, but '{workflow}' is retired: publish it again."
            raise Problem("workflow_retired", what, field="workflow")
        return prepared, await self._starting.asked(client, prepared)


def _body(data: bytes) -> StartBody:
    """What a run is given: the body's `input`, or the body."""
    value = bodies.parsed(data) if data else {}
    if isinstance(value, dict) and "input" in value:
        return bodies.fitting(value, StartBody)
    if isinstance(value, dict) and "dry_run" in value:  # who wants a plan must not get a run
        what = "Expected no `dry_run`: `foldgate run start --dry-run` has plans. For the workflow, put it into `input`."
        raise Problem("invalid_body", what, field="dry_run")
    return StartBody(input=value)
