"""Lists of runs: the newest first, of one workflow or of all, by status, labels, time and words."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.paging import PAGES, Given, cut, page
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.querying import Conditions, Row, rows_of
from foldgate.gateway.http.reflecting import AFTER, reflected
from foldgate.gateway.http.runs import RunError
from foldgate.gateway.projections.placing import LAST_MOMENT
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projector import Projector

STATUSES = ("running", "waiting", "paused", "succeeded", "failed", "denied", "timed_out", "cancelled", "refused")
_LIST = "runs"
_MOST_CHARS = 300
Began = Annotated[int, msgspec.Meta(ge=0, le=LAST_MOMENT)]
"""A time in a cursor."""
_Key = tuple[Began, str]
_ROWS = """
SELECT run_id, workflow, version, topic, status, principal, labels::text, error_code, error, error_step, started_at,
    ended_at, round(extract(epoch FROM started_at) * 1000)::bigint AS began
FROM runs WHERE tenant = $1 {also} ORDER BY started_at DESC, run_id DESC LIMIT $2
"""
_FILTERS = (
    Parameter("status", "query", "Only runs of this status. May come several times.", f"^({'|'.join(STATUSES)})$"),
    Parameter(
        "label",
        "query",
        "Only runs with this label, as name:value. May come several times; all must fit.",
        "^[^:\\x00]+:[^\\x00]*$",
    ),
    Parameter("from", "query", "Only runs that began then or later: RFC 3339, with a zone.", format="date-time"),
    Parameter("to", "query", "Only runs that began before then.", format="date-time"),
    Parameter("text", "query", "Only runs with all these words in id, workflow, topic, error or input."),
)
_WORKFLOW = Parameter("workflow", "query", "Only runs of this workflow.")


class RunItem(BaseModel):
    """One run of a list."""

    model_config = ConfigDict(title="RunItem")

    run_id: str = Field(title="Run")
    workflow: str = Field(title="Workflow", description="'job' for a run of one step.")
    version: str = Field(title="Version")
    topic: str = Field(title="Topic", description="Of a run of one step: its topic.")
    status: str = Field(title="Status")
    principal: str = Field(title="Principal", description="Who asked for it.")
    labels: dict[str, str] = Field(title="Labels")
    error: RunError | None = Field(title="Error")
    started_at: AwareDatetime = Field(title="Started at")
    ended_at: AwareDatetime | None = Field(title="Ended at")


class RunsAnswer(BaseModel):
    """A part of a list of runs."""

    model_config = ConfigDict(title="Runs")

    items: list[RunItem] = Field(title="Items")
    next_cursor: str | None = Field(title="Next cursor", description="Leads on; null at the end.")


class RunLists:
    """Finds runs."""

    def __init__(self, models: ReadModels, projector: Projector) -> None:
        self._models, self._projector = models, projector

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        answers = {200: Said(RunsAnswer, "The runs, the newest first.")}
        problems = ("invalid_parameter", "not_yet", "database_unavailable")
        find = Operation(
            method="GET",
            path=f"{prefix}/workflow-runs",
            endpoint=self.find,
            summary="Find runs",
            area="runs",
            role="viewer",
            parameters=(_WORKFLOW, *_FILTERS, *PAGES, AFTER),
            answers=answers,
            problems=problems,
        )
        of_workflow = Operation(
            method="GET",
            path=f"{prefix}/workflows/{{workflow}}/runs",
            endpoint=self.of_workflow,
            summary="Find runs of a workflow",
            area="runs",
            role="viewer",
            parameters=(Parameter("workflow", "path", "The id of a workflow."), *_FILTERS, *PAGES, AFTER),
            answers=answers,
            problems=problems,
        )
        return find, of_workflow

    async def find(self, request: Request) -> Response:
        """Runs of the caller's tenant."""
        given = Given(request, ("workflow", "from", "to", "text", "limit", "cursor", "after"), ("status", "label"))
        return await self._found(request, given, given.one("workflow"))

    async def of_workflow(self, request: Request) -> Response:
        """Runs of one workflow; a workflow that was never published has none."""
        given = Given(request, ("from", "to", "text", "limit", "cursor", "after"), ("status", "label"))
        return await self._found(request, given, request.path_params["workflow"].replace("\0", "\ufffd"))

    async def _found(self, request: Request, given: Given, workflow: str | None) -> Response:
        query = Conditions(caller_of(request).tenant, given.limit + 1)
        _narrow(query, given, workflow)
        await reflected(given.one("after"), self._projector)
        rows = await rows_of(self._models, _ROWS.format(also=query.also), *query.arguments)
        shown, more = cut(rows, given.limit, of=_LIST, by=("began", "run_id"))
        return page([_item(row) for row in shown], more)


def _narrow(query: Conditions, given: Given, workflow: str | None) -> None:
    if workflow is not None:
        query.add("workflow = {0}", workflow)
    if statuses := given.among("status", STATUSES):
        query.add("status = ANY({0}::text[])", statuses)
    if labels := dict(_label(text) for text in given.all("label")):
        query.add("labels @> {0}::text::jsonb", msgspec.json.encode(labels).decode())
    _narrow_further(query, given)


def _narrow_further(query: Conditions, given: Given) -> None:
    for name, sign in (("from", ">="), ("to", "<")):
        if (text := given.one(name)) is not None:
            query.add(f"started_at {sign} {{0}}::timestamptz", _time(name, text))
    if (text := given.one("text")) is not None:
        if len(text) > _MOST_CHARS:
            raise Problem("invalid_parameter", f"Expected at most {_MOST_CHARS} characters of `text`.", field="text")
        query.add("words @@ plainto_tsquery('simple', {0})", text)
    if (key := given.cursor(_LIST, _Key)) is not None:
        query.add("(started_at, run_id) < (to_timestamp({0}::bigint / 1000.0), {1}::text)", *key)


def _label(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not (name and colon):
        what = f"Expected `label` as name:value, but got '{text[:60]}'."
        raise Problem("invalid_parameter", what, field="label")
    return name, value


def _time(name: str, text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None or not 1900 <= time.year < 9999:
            raise ValueError
    except ValueError:
        what = f"Expected `{name}` as a time such as 2026-01-31T12:00:00Z, but got '{text[:40]}'."
        raise Problem("invalid_parameter", what, field=name) from None
    return time


def _item(row: Row) -> dict[str, Any]:
    item = dict(row)
    del item["began"]
    code, error, step = (item.pop(name) for name in ("error_code", "error", "error_step"))
    return {
        **item,
        "labels": msgspec.Raw(item["labels"].encode()),
        "error": None if code is None else {"code": code, "message": error, "step": step},
    }
