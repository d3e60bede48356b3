"""Jobs: a job is a run of one step."""

from typing import Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.authority.request import canonical
from foldgate.gateway.http import asking, bodies
from foldgate.gateway.http.asking import Label, Starting, Text
from foldgate.gateway.http.operations import Operation
from foldgate.gateway.http.paging import Given
from foldgate.gateway.http.runs import WAIT, wait_in
from foldgate.runtime.context import Context


class JobBody(BaseModel):
    """What a job is to do."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Job")

    topic: Text = Field(
        title="Topic", description="What kind of work it is: pools take topics.", json_schema_extra={"minLength": 1}
    )
    input: Any = Field(default_factory=dict, title="Input", description="What its worker is given: any JSON.")
    kind: Literal["job", "llm", "http", "container", "script"] = Field(
        "job", title="Kind", description="Its step type."
    )
    labels: dict[Label, Text] = Field(
        default_factory=dict, max_length=50, title="Labels", description="What runs are found by."
    )


class Jobs:
    """Starts runs of one step."""

    def __init__(self, context: Context, starting: Starting) -> None:
        self._context, self._starting = context, starting

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        start = Operation(
            method="POST",
            path=f"{prefix}/jobs",
            endpoint=self.start,
            summary="Start a job: a run of one step",
            area="jobs",
            role="operator",
            body=JobBody,
            parameters=(asking.KEY, asking.FROM, WAIT),
            answers=asking.ANSWERS,
            problems=(*asking.PROBLEMS, "no_topic"),
        )
        return (start,)

    async def start(self, request: Request) -> Response:
        """Ask for a run, and answer with what became of it."""
        key, client = asking.key_of(request), asking.client_of(request, self._context)
        within_s = wait_in(Given(request, ("wait",)).one("wait"))
        body = await bodies.read(request, JobBody)
        payload = msgspec.Raw(canonical(msgspec.json.encode(body.input)).encode())
        prepared = client.job(
            body.topic, payload, idempotency_key=key, kind=body.kind, labels=asking.labels_of(request, body.labels)
        )
        answer = await self._starting.known(prepared) or await self._starting.asked(client, prepared)
        return await self._starting.waited(answer, request, prepared, within_s=within_s)
