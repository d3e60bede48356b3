"""Dead letters: found, shown, tried again by a linked rerun, or discarded.

A retry asks for a run under a key that derives from the letter, and then says so to the letter. Whoever is cut off
between the two, or hears nothing in time, asks again and means the same new run.
"""

import asyncio
from typing import Annotated, Any

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.contracts.events import DeadLetterDiscarded, DeadLetterRefused, DeadLetterRetried, Event, RunRefused
from foldgate.gateway.http import asking, bodies
from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.controls import ReasonBody
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.paging import PAGES, Given, cut, page
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.querying import Conditions, Row, row_of, rows_of
from foldgate.gateway.http.reflecting import AFTER, reflected
from foldgate.gateway.http.runs import found
from foldgate.gateway.projections.placing import LAST_MOMENT
from foldgate.readmodel.projector import Projector
from foldgate.runtime.context import Context
from foldgate.sdk.answers import NoVerdict
from foldgate.sdk.retrying import RunGoesOn

STATUSES = ("open", "retried", "discarded")
WITHIN_S = 15.0
_LIST = "dlq"
_Key = tuple[Annotated[int, msgspec.Meta(ge=0, le=LAST_MOMENT)], str, str]
_LETTER = Parameter("letter", "path", "The letter: its run and its step, as run:step.")
_COLUMNS = """run_id || ':' || step AS id, run_id, step, topic, job_id, coalesce(settled, 'open') AS status,
    status AS ended, code, message, attempts, rule, opened_at, settled_at, settled_by, reason, new_run"""
_ROWS = """
SELECT {columns}, round(extract(epoch FROM opened_at) * 1000)::bigint AS opened FROM letters
WHERE tenant = $1 AND opened_at IS NOT NULL {also} ORDER BY opened_at DESC, run_id DESC, step DESC LIMIT $2
"""
_ROW = """
SELECT {columns}, kind, input FROM letters WHERE tenant = $1 AND run_id = $2 AND step = $3 AND opened_at IS NOT NULL
"""


class LetterItem(BaseModel):
    """One dead letter of a list."""

    model_config = ConfigDict(title="DeadLetterItem")

    id: str = Field(title="Letter", description="Its run and its step, as run:step.")
    run_id: str = Field(title="Run")
    step: str = Field(title="Step")
    topic: str = Field(title="Topic")
    job_id: str = Field(title="Job", description="The last attempt.")
    status: str = Field(title="Status", description="open, retried or discarded.")
    ended: str | None = Field(title="Ended", description="How its step has: failed, denied or timed_out.")
    code: str = Field(title="Code", description="Why nobody tries it again by itself.")
    message: str | None = Field(title="Message")
    attempts: int | None = Field(title="Attempts")
    rule: str | None = Field(title="Rule", description="Of policy, where it denied.")
    opened_at: AwareDatetime = Field(title="Opened at")
    settled_at: AwareDatetime | None = Field(title="Settled at")
    settled_by: str | None = Field(title="Settled by")
    reason: str | None = Field(title="Reason", description="Of whoever settled it.")
    new_run: str | None = Field(title="New run", description="The run that tries it again.")


class LetterAnswer(LetterItem):
    """One dead letter, whole."""

    model_config = ConfigDict(title="DeadLetter")

    kind: str | None = Field(title="Kind")
    input: Any = Field(title="Input", description="What the job was given.")


class LettersAnswer(BaseModel):
    """A part of a list of dead letters."""

    model_config = ConfigDict(title="DeadLetters")

    items: list[LetterItem] = Field(title="Items")
    next_cursor: str | None = Field(title="Next cursor", description="Leads on; null at the end.")


class SettledAnswer(BaseModel):
    """What has become of a letter."""

    model_config = ConfigDict(title="DeadLetterSettled")

    id: str = Field(title="Letter")
    status: str = Field(title="Status", description="retried or discarded.")
    new_run: str | None = Field(title="New run", description="The run that tries it again.")


_PROBLEMS = ("not_found", "already_retried", "already_discarded", "not_yet", "log_unavailable", "database_unavailable")


class DeadLetters:
    """Shows and settles dead letters."""

    def __init__(self, context: Context, projector: Projector) -> None:
        assert context.models is not None
        self._context, self._models, self._projector = context, context.models, projector

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        status = Parameter("status", "query", "May come several times.", f"^({'|'.join(STATUSES)})$")
        topic = Parameter("topic", "query", "Only jobs of this topic.")
        found = {200: Said(LettersAnswer, "The letters, the newest first.")}
        shown = {200: Said(LetterAnswer, "The letter.")}
        settled = {200: Said(SettledAnswer, "It is settled.")}
        wrong = ("invalid_parameter", "not_yet", "database_unavailable")
        at, one = f"{prefix}/dlq", f"{prefix}/dlq/{{letter}}"
        return (
            Operation(
                method="GET", path=at, endpoint=self.find, summary="Find dead letters", area="dead letters",
                role="viewer", parameters=(status, topic, *PAGES, AFTER), answers=found, problems=wrong,
            ),
            Operation(
                method="GET", path=one, endpoint=self.show, summary="Show a dead letter", area="dead letters",
                role="viewer", parameters=(_LETTER, AFTER), answers=shown, problems=("not_found", *wrong),
            ),
            Operation(
                method="POST", path=f"{one}/retry", endpoint=self.retry, summary="Try a dead letter again: a new run",
                area="dead letters", role="operator", body=ReasonBody, parameters=(_LETTER,), answers=settled,
                problems=(*_PROBLEMS, "run_goes_on", "workflow_retired"),
            ),
            Operation(
                method="DELETE", path=one, endpoint=self.discard, summary="Discard a dead letter",
                area="dead letters", role="operator", parameters=(_LETTER,), answers=settled, problems=_PROBLEMS,
            ),
        )  # fmt: skip

    async def find(self, request: Request) -> Response:
        """Letters of the caller's tenant."""
        given = Given(request, ("topic", "limit", "cursor", "after"), ("status",))
        query = Conditions(caller_of(request).tenant, given.limit + 1)
        if statuses := given.among("status", STATUSES):
            query.add("coalesce(settled, 'open') = ANY({0}::text[])", statuses)
        if (topic := given.one("topic")) is not None:
            query.add("topic = {0}", topic)
        if (key := given.cursor(_LIST, _Key)) is not None:
            query.add("(opened_at, run_id, step) < (to_timestamp({0}::bigint / 1000.0), {1}::text, {2}::text)", *key)
        await reflected(given.one("after"), self._projector)
        rows = await rows_of(self._models, _ROWS.format(columns=_COLUMNS, also=query.also), *query.arguments)
        shown, more = cut(rows, given.limit, of=_LIST, by=("opened", "run_id", "step"))
        items = [{name: value for name, value in row.items() if name != "opened"} for row in shown]
        return page(items, more)

    async def show(self, request: Request) -> Response:
        """One letter of the caller's tenant."""
        given = Given(request, ("after",))
        await reflected(given.one("after"), self._projector)
        document = dict(await self._known(request))
        document["input"] = None if document["input"] is None else msgspec.Raw(document["input"].encode())
        return Response(msgspec.json.encode(document), media_type="application/json")

    async def retry(self, request: Request) -> Response:
        """Try a letter again."""
        body = await bodies.read_if_any(request, ReasonBody)
        row, client = await self._known(request), asking.client_of(request, self._context)
        return _judged(row, await _in_time(client.retry_letter(row["run_id"], row["step"], reason=body.reason)))

    async def discard(self, request: Request) -> Response:
        """Give a letter up."""
        row, client = await self._known(request), asking.client_of(request, self._context)
        return _judged(row, await _in_time(client.discard_letter(row["run_id"], row["step"])))

    async def _known(self, request: Request) -> Row:
        named, tenant = request.path_params["letter"], caller_of(request).tenant
        run_id, _, step = named.partition(":")
        sql = _ROW.format(columns=_COLUMNS)
        row = None
        if "\0" not in named:
            row = await found(lambda: row_of(self._models, sql, tenant, run_id, step), self._projector)
        if row is None:
            what = f"Expected a dead letter of tenant '{tenant}', but there is no '{named[:200]}': see /api/v1/dlq."
            raise Problem("not_found", what, field="letter")
        return row


async def _in_time(work: Any) -> Event:
    try:
        async with asyncio.timeout(WITHIN_S):
            event: Event = await work
            return event
    except (TimeoutError, NoVerdict):
        raise Problem(
            "not_yet", "Expected a verdict by now, but there is none: ask again, it means the same."
        ) from None
    except RunGoesOn as error:
        raise Problem("run_goes_on", str(error)) from None


def _judged(row: Row, said: Event) -> Response:
    match said:
        case DeadLetterRetried(new_run=new_run):
            document = {"id": row["id"], "status": "retried", "new_run": new_run}
        case DeadLetterDiscarded():
            document = {"id": row["id"], "status": "discarded", "new_run": None}
        case DeadLetterRefused(code=code, reason=reason) | RunRefused(code=code, reason=reason):
            raise Problem("not_found" if code == "unknown_letter" else code, reason, field="letter")
        case event:
            raise AssertionError(f"{type(event).__name__} answers what is asked of a dead letter")
    return Response(msgspec.json.encode(document), media_type="application/json")
