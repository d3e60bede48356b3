"""Questions to people, of both kinds: found, and shown whole, with what is decided on and on which terms."""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.authority.terms import Terms
from foldgate.contracts.codec import NO_CHAIN
from foldgate.contracts.events import ApprovalOpened, ApprovalRevised, Event, Meta
from foldgate.contracts.ids import MalformedId, parse_job_id
from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.paging import PAGES, Given, cut, page
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.querying import Conditions, Row, row_of, rows_of
from foldgate.gateway.http.reflecting import AFTER, reflected
from foldgate.gateway.http.runs import caught_up, found
from foldgate.gateway.projections.approvals import KINDS
from foldgate.gateway.projections.placing import LAST_MOMENT
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projector import Projector
from foldgate.sdk.questions import Question, take

STATUSES = ("open", "granted", "refused", "expired", "closed")
WHICH = Parameter("approval", "path", "The question, or a job that waits for it.")
_LIST = "approvals"
_Key = tuple[Annotated[int, msgspec.Meta(ge=0, le=LAST_MOMENT)], str]
_EVENTS_OF = {kind.__name__: kind for kind in KINDS}
_ROWS = """
SELECT {columns} FROM approvals WHERE tenant = $1 {also} ORDER BY opened_at DESC, approval_id DESC LIMIT $2
"""
_ROW = "SELECT {columns} FROM approvals WHERE tenant = $1 AND approval_id = $2"
_OF_STEP = """
SELECT {columns} FROM approvals WHERE tenant = $1 AND run_id = $2 AND step = $3
ORDER BY (status = 'open') DESC, opened_at DESC, approval_id DESC LIMIT 1
"""
_COLUMNS = "approval_id, run_id, tenant, round(extract(epoch FROM opened_at) * 1000)::bigint AS opened"
_SAID = """
SELECT approval_id, sequence, at, type, principal, request_id, body FROM approval_events
WHERE approval_id = ANY($1::text[]) ORDER BY approval_id, sequence
"""


class ApprovalItem(BaseModel):
    """One question of a list. Times are in milliseconds since 1970."""

    model_config = ConfigDict(title="ApprovalItem")

    approval_id: str = Field(title="Question")
    run_id: str = Field(title="Run")
    step: str = Field(title="Step", description="The step that asks, or waits.")
    tenant: str = Field(title="Tenant")
    kind: str = Field(
        title="Kind", description="approval: yes or no; input: data is asked for; policy: leave for a job."
    )
    status: str = Field(title="Status", description="open, granted, refused, expired or closed.")
    opened_at: int = Field(title="Opened at")
    expires_at: int | None = Field(title="Expires at")
    settled_at: int | None = Field(title="Settled at")
    revised_at: int | None = Field(title="Revised at", description="When what is asked last changed.")
    revised_because: str = Field(title="Revised because")
    settled_after_ms: int | None = Field(title="Settled after", description="For how long it was open.")
    requester: str = Field(title="Requester", description="Who asked for the run.")
    input: Any = Field(title="Input", description="What people are shown; of policy the job, the rule, its reason.")
    terms: dict[str, Any] = Field(title="Terms", description="Who may answer, and how many must.")
    missing: list[str] = Field(title="Missing", description="What is not there yet, in words.")
    votes: list[dict[str, Any]] = Field(title="Votes", description="Those that count under the terms of now.")
    binding: str = Field(title="Binding", description="Digest of what is asked: a vote that names it means just that.")
    job_hash: str = Field(title="Job hash", description="Of policy: what would be done.")
    policy_snapshot: str = Field(title="Snapshot", description="Of policy: the snapshot that asks.")
    data_schema: Any = Field(
        title="Schema", alias="schema", description="What the data must fit; null if anything does."
    )
    data: Any = Field(title="Data", description="What was given.")


class TermsChange(BaseModel):
    """One change of what is asked."""

    model_config = ConfigDict(title="TermsChange")

    at: int = Field(title="At")
    reason: str = Field(title="Reason")
    binding: str = Field(title="Binding", description="Of what is asked since then.")
    before: dict[str, Any] = Field(title="Before", description="Of the terms, what was other.")
    after: dict[str, Any] = Field(title="After", description="Of the terms, what is other since.")
    input_changed: bool = Field(
        title="Input changed", description="Whether another thing is shown: then votes are void."
    )


class ApprovalAnswer(ApprovalItem):
    """One question, whole."""

    model_config = ConfigDict(title="Approval")

    changes: list[TermsChange] = Field(title="Changes", description="How what is asked has changed, in order.")


class ApprovalsAnswer(BaseModel):
    """A part of a list of questions."""

    model_config = ConfigDict(title="Approvals")

    items: list[ApprovalItem] = Field(title="Items")
    next_cursor: str | None = Field(title="Next cursor", description="Leads on; null at the end.")


class Approvals:
    """Finds and shows questions."""

    def __init__(self, models: ReadModels, projector: Projector) -> None:
        self._models, self._projector = models, projector

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        find = Operation(
            method="GET",
            path=f"{prefix}/approvals",
            endpoint=self.find,
            summary="Find questions to people",
            area="approvals",
            role="viewer",
            parameters=(
                Parameter("status", "query", "May come several times.", f"^({'|'.join(STATUSES)})$"),
                Parameter("role", "query", "Only what somebody with this role may answer."),
                Parameter("run", "query", "Only questions of this run."),
                *PAGES,
                AFTER,
            ),
            answers={200: Said(ApprovalsAnswer, "The questions, the newest first.")},
            problems=("invalid_parameter", "not_yet", "database_unavailable"),
        )
        show = Operation(
            method="GET",
            path=f"{prefix}/approvals/{{approval}}",
            endpoint=self.show,
            summary="Show a question to people",
            area="approvals",
            role="viewer",
            parameters=(WHICH, AFTER),
            answers={200: Said(ApprovalAnswer, "The question.")},
            problems=("invalid_parameter", "not_found", "not_yet", "database_unavailable"),
        )
        return find, show

    async def find(self, request: Request) -> Response:
        """Questions of the caller's tenant."""
        given = Given(request, ("role", "run", "limit", "cursor", "after"), ("status",))
        query = Conditions(caller_of(request).tenant, given.limit + 1)
        _narrow(query, given)
        await reflected(given.one("after"), self._projector)
        rows = await rows_of(self._models, _ROWS.format(columns=_COLUMNS, also=query.also), *query.arguments)
        shown, more = cut(rows, given.limit, of=_LIST, by=("opened", "approval_id"))
        said = await self._said(row["approval_id"] for row in shown)
        return page([_item(_folded(row, said)) for row in shown], more)

    async def show(self, request: Request) -> Response:
        """One question of the caller's tenant."""
        given = Given(request, ("after",))
        await reflected(given.one("after"), self._projector)
        row = await self._row(request.path_params["approval"], caller_of(request).tenant)
        said = await self._said([row["approval_id"]])
        document = {**_item(_folded(row, said)), "changes": list(_changes(said))}
        return Response(msgspec.json.encode(document), media_type="application/json")

    async def known(self, named: str, tenant: str, *, until_now: bool = False) -> Question:
        """The question that is meant; a problem if there is none. `until_now`: as the log has it at this moment."""
        if until_now:
            await caught_up(self._projector)
        row = await self._row(named, tenant)
        return _folded(row, await self._said([row["approval_id"]]))

    async def of_step(self, run_id: str, step: str, tenant: str) -> Question:
        """The question that a step of a run asks, or waits for."""
        row = await self._looked(_OF_STEP, tenant, run_id, step)
        if row is None:
            raise _none(f"{run_id}:{step}", tenant)
        return _folded(row, await self._said([row["approval_id"]]))

    async def recorded(self, approval_id: str, principal: str, request_id: str) -> bool:
        """Whether that vote counts already."""
        said = await self._said([approval_id])
        return any((row["principal"], row["request_id"]) == (principal, request_id) for row in said)

    async def _row(self, named: str, tenant: str) -> Row:
        if (row := await self._looked(_ROW, tenant, named)) is not None:
            return row
        try:
            job = parse_job_id(named)
        except MalformedId:
            raise _none(named, tenant) from None
        if (row := await self._looked(_OF_STEP, tenant, job.run_id, job.step)) is None:
            raise _none(named, tenant)
        return row

    async def _looked(self, sql: str, *arguments: str) -> Row | None:
        """The row, which may have come a moment ago."""
        if any("\0" in one for one in arguments):
            return None
        sql = sql.format(columns=_COLUMNS)
        return await found(lambda: row_of(self._models, sql, *arguments), self._projector)

    async def _said(self, names: Iterable[str]) -> list[Row]:
        return await rows_of(self._models, _SAID, list(names))


def _narrow(query: Conditions, given: Given) -> None:
    if statuses := given.among("status", STATUSES):
        query.add("status = ANY({0}::text[])", statuses)
    if (role := given.one("role")) is not None:
        query.add("(roles = '{{}}' OR {0}::text = ANY(roles))", role)
    if (run := given.one("run")) is not None:
        query.add("run_id = {0}", run)
    if (key := given.cursor(_LIST, _Key)) is not None:
        query.add("(opened_at, approval_id) < (to_timestamp({0}::bigint / 1000.0), {1}::text)", *key)


def _none(named: str, tenant: str) -> Problem:
    what = f"Expected a question of tenant '{tenant}', but there is no '{named[:200]}': see /api/v1/approvals."
    return Problem("not_found", what, field="approval")


def _event(row: Row) -> Event:
    return msgspec.json.decode(row["body"], type=_EVENTS_OF[row["type"]])


def _folded(of: Row, said: Iterable[Row]) -> Question:
    found: dict[str, Question] = {}
    for row in said:
        if row["approval_id"] == of["approval_id"]:
            about = Meta(
                chain=NO_CHAIN, event_id="", stream="approvals", key=of["run_id"], run_id=of["run_id"],
                at=row["at"], tenant=of["tenant"], principal=row["principal"],
            )  # fmt: skip
            take(found, about, _event(row))
    return found[of["approval_id"]]


def _item(one: Question) -> dict[str, Any]:
    settled_after_ms = None if one.settled_at is None else one.open_ms
    return {**msgspec.to_builtins(one), "missing": one.missing, "settled_after_ms": settled_after_ms}


def _changes(said: Iterable[Row]) -> Iterable[dict[str, Any]]:
    """How the terms changed: of each change what is other."""
    terms: dict[str, Any] = {}
    for row in said:
        match _event(row):
            case ApprovalOpened(terms=text):
                terms = _terms(text)
            case ApprovalRevised(terms=text) as event:
                after = _terms(text)
                names = [name for name in {**terms, **after} if terms.get(name) != after.get(name)]
                yield {
                    "at": row["at"],
                    "reason": event.reason,
                    "binding": event.binding,
                    "before": {name: terms.get(name) for name in names},
                    "after": {name: after.get(name) for name in names},
                    "input_changed": bool(event.input),
                }
                terms = after
            case _:
                pass


def _terms(text: str) -> dict[str, Any]:
    """Also what is said by default, so that a change to it shows."""
    found = Terms.of(text or "{}")
    return {name: msgspec.to_builtins(getattr(found, name)) for name in Terms.__struct_fields__}
