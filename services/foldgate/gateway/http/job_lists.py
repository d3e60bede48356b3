"""Jobs as the read model shows them: lists of attempts, one job with its attempts, and the decisions on it.

A job is a run of one step, or the job of a step: `run_1f` means the first, `run_1f:deploy` the second, and
`run_1f:deploy@2` its second attempt. Whatever is shown is the caller's own tenant's; another's is not there.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.paging import PAGES, Given, Long, cut, page
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.querying import Conditions, Row, rows_of
from foldgate.gateway.http.reflecting import AFTER, reflected
from foldgate.gateway.http.run_lists import Began
from foldgate.gateway.http.runs import found
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projector import Projector

STATUSES = (
    *("requested", "authorised", "awaiting_approval", "throttled", "queued", "dispatched", "cancelling"),
    *("succeeded", "failed", "denied", "timed_out", "cancelled", "lost"),
)
MOST_ATTEMPTS = 200
_LIST, _DECISIONS = "jobs", "decisions"
_Key = tuple[Began, str]
_NAME = re.compile(r"([!-9;-~]{1,100})(?::([^@\x00-\x1f\x7f]{1,150})(?:@([1-9][0-9]{0,8}))?)?")
_COLUMNS = """job_id, run_id, step, attempt, status, topic, kind, workflow, principal, labels::text, priority, pool,
    worker, lease, after, code, message, lost, requested_at, decided_at, queued_at, dispatched_at, released_at,
    ended_at, round(extract(epoch FROM requested_at) * 1000)::bigint AS began"""
_ROWS = "SELECT {columns} FROM jobs WHERE tenant = $1 {also} ORDER BY requested_at DESC, job_id DESC LIMIT $2"
_ATTEMPTS = """
SELECT {columns}, input FROM jobs
WHERE tenant = $1 AND run_id = $2 AND step = $3 AND ($4::int = 0 OR attempt = $4)
ORDER BY attempt DESC LIMIT $5
"""
_DECIDED = """
SELECT sequence, event_id, type, step, job_id, at, phase, decision, code, rule, reason, policy_snapshot, constraints,
    remediations, trace, writ_id, pool, approval_id, until, bundle
FROM job_decisions
WHERE run_id = $1 AND (phase = 'submit' OR (step = $2 AND ($3 = '' OR job_id = $3))) AND sequence > $4
ORDER BY sequence LIMIT $5
"""
JOB = Parameter("job", "path", "A run of one step, a step's job as run:step, or one attempt as run:step@attempt.")
_FILTERS = (
    Parameter("status", "query", "Only attempts of this status. May come several times.", f"^({'|'.join(STATUSES)})$"),
    Parameter("topic", "query", "Only jobs of this topic."),
    Parameter("pool", "query", "Only jobs in, or for, this pool."),
    Parameter("tenant", "query", "Only jobs of this tenant: of another than the caller's own there are none."),
    Parameter("run", "query", "Only jobs of this run."),
)


class JobItem(BaseModel):
    """One attempt of a job."""

    model_config = ConfigDict(title="JobItem")

    job_id: str = Field(title="Job", description="run:step@attempt.")
    run_id: str = Field(title="Run")
    step: str = Field(title="Step", description="'job' in a run of one step.")
    attempt: int = Field(title="Attempt", description="From 1.")
    status: str = Field(title="Status", description=f"{', '.join(STATUSES[:-1])} or lost.")
    topic: str = Field(title="Topic")
    kind: str = Field(title="Kind", description="The step type that asks.")
    workflow: str = Field(title="Workflow")
    principal: str = Field(title="Principal", description="Who asked for the run.")
    labels: dict[str, str] = Field(title="Labels")
    priority: int = Field(title="Priority", description="From 0 to 9; higher goes first.")
    pool: str | None = Field(title="Pool", description="Where it is, or is to go.")
    worker: str | None = Field(title="Worker", description="Who holds it, or held it.")
    lease: int | None = Field(title="Lease")
    after: str | None = Field(title="After", description="Why there is another attempt; null for the first.")
    code: str | None = Field(title="Code", description="Why it has not succeeded.")
    message: str | None = Field(title="Message")
    lost: str | None = Field(title="Lost", description="Why the scheduler gave it up.")
    requested_at: AwareDatetime = Field(title="Requested at")
    decided_at: AwareDatetime | None = Field(title="Decided at", description="When policy last said something of it.")
    queued_at: AwareDatetime | None = Field(title="Queued at")
    dispatched_at: AwareDatetime | None = Field(title="Dispatched at")
    released_at: AwareDatetime | None = Field(title="Released at", description="When its worker had it no more.")
    ended_at: AwareDatetime | None = Field(title="Ended at")


class JobsAnswer(BaseModel):
    """A part of a list of jobs."""

    model_config = ConfigDict(title="Jobs")

    items: list[JobItem] = Field(title="Items")
    next_cursor: str | None = Field(title="Next cursor", description="Leads on; null at the end.")


class JobAnswer(JobItem):
    """One job, as its last attempt is, or the one that was asked for."""

    model_config = ConfigDict(title="JobAnswer")

    input: Any = Field(title="Input")
    attempts: list[JobItem] = Field(title="Attempts", description=f"The last first; at most {MOST_ATTEMPTS}.")


class DecisionItem(BaseModel):
    """One decision of the policy kernel."""

    model_config = ConfigDict(title="DecisionItem")

    id: str = Field(title="Id", description="The event that says it.")
    type: str = Field(title="Type", description="Its type, such as WritIssued.")
    step: str | None = Field(title="Step", description="null where it is on the whole run.")
    job_id: str | None = Field(title="Job", description="The attempt.")
    at: AwareDatetime = Field(title="At")
    phase: str = Field(title="Phase", description="submit, dispatch, or shadow: a draft that changes nothing.")
    decision: str = Field(
        title="Decision",
        description="allow, deny, require_approval, allow_with_constraints, throttle, refuse or revoke.",
    )
    code: str | None = Field(title="Code", description="Of a refusal, such as no_pool.")
    rule: str | None = Field(title="Rule", description="bundle#rule, or default_decision.")
    reason: str = Field(title="Reason")
    policy_snapshot: str | None = Field(title="Snapshot", description="Under which it was made.")
    constraints: Any = Field(title="Constraints")
    remediations: Any = Field(title="Remediations", description="What could be done instead.")
    trace: list[str] = Field(
        title="Trace", description="Which rules were looked at, and why each did or did not match."
    )
    writ_id: str | None = Field(title="Writ")
    pool: str | None = Field(title="Pool")
    approval_id: str | None = Field(title="Approval", description="The question that is asked of people.")
    until: AwareDatetime | None = Field(title="Until", description="When it is decided on again.")
    bundle: str | None = Field(title="Bundle", description="Of a shadow: bundle@revision.")


class DecisionsAnswer(BaseModel):
    """A part of the decisions on a job."""

    model_config = ConfigDict(title="Decisions")

    items: list[DecisionItem] = Field(title="Items")
    next_cursor: str | None = Field(title="Next cursor", description="Leads on; null at the end.")


class Name(NamedTuple):
    """What somebody calls a job by. `attempt` is 0 where all are meant."""

    run_id: str
    step: str
    attempt: int

    @property
    def job_id(self) -> str:
        """Of the one attempt that is meant; empty if all are."""
        return f"{self.run_id}:{self.step}@{self.attempt}" if self.attempt else ""


class JobLists:
    """Shows jobs."""

    def __init__(self, models: ReadModels, projector: Projector) -> None:
        self._models, self._projector = models, projector

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        problems = ("invalid_parameter", "not_yet", "database_unavailable")
        find = Operation(
            method="GET",
            path=f"{prefix}/jobs",
            endpoint=self.find,
            summary="Find jobs",
            area="jobs",
            role="viewer",
            parameters=(*_FILTERS, *PAGES, AFTER),
            answers={200: Said(JobsAnswer, "The attempts, the newest first.")},
            problems=problems,
        )
        show = Operation(
            method="GET",
            path=f"{prefix}/jobs/{{job}}",
            endpoint=self.show,
            summary="Show a job with its attempts",
            area="jobs",
            role="viewer",
            parameters=(JOB, AFTER),
            answers={200: Said(JobAnswer, "The job.")},
            problems=(*problems, "not_found"),
        )
        decisions = Operation(
            method="GET",
            path=f"{prefix}/jobs/{{job}}/decisions",
            endpoint=self.decisions,
            summary="Show what policy said of a job, and why",
            area="jobs",
            role="viewer",
            parameters=(JOB, *PAGES, AFTER),
            answers={200: Said(DecisionsAnswer, "The decisions, the first first.")},
            problems=(*problems, "not_found"),
        )
        return find, show, decisions

    async def find(self, request: Request) -> Response:
        """Attempts of the caller's tenant."""
        once = ("topic", "pool", "tenant", "run", "limit", "cursor", "after")
        given = Given(request, once, ("status",))
        query = Conditions(caller_of(request).tenant, given.limit + 1)
        _narrow(query, given)
        await reflected(given.one("after"), self._projector)
        rows = await rows_of(self._models, _ROWS.format(columns=_COLUMNS, also=query.also), *query.arguments)
        shown, more = cut(rows, given.limit, of=_LIST, by=("began", "job_id"))
        return page([_item(row) for row in shown], more)

    async def show(self, request: Request) -> Response:
        """One job of the caller's tenant."""
        given = Given(request, ("after",))
        await reflected(given.one("after"), self._projector)
        rows = await self.attempts(request.path_params["job"], caller_of(request).tenant)
        attempts = [_item(row) for row in rows]
        document = {**attempts[0], "input": msgspec.Raw(rows[0]["input"].encode()), "attempts": attempts}
        return Response(msgspec.json.encode(document), media_type="application/json")

    async def decisions(self, request: Request) -> Response:
        """The decisions on a job of the caller's tenant."""
        given = Given(request, ("limit", "cursor", "after"))
        key = given.cursor(_DECISIONS, tuple[Long])
        await reflected(given.one("after"), self._projector)
        name = name_of(request.path_params["job"])
        await self.attempts(request.path_params["job"], caller_of(request).tenant)
        rows = await self.decided(name, behind=key[0] if key else 0, limit=given.limit + 1)
        shown, more = cut(rows, given.limit, of=_DECISIONS, by=("sequence",))
        return page([_decision(row) for row in shown], more)

    async def attempts(self, job: str, tenant: str) -> Sequence[Row]:
        """The attempts that are meant, the last first; a problem if there are none of this tenant."""
        name = name_of(job)
        if not (rows := await found(lambda: self._rows(tenant, name), self._projector)):
            raise no_such_job(job)
        return rows

    async def _rows(self, tenant: str, name: Name) -> Sequence[Row]:
        return await rows_of(self._models, _ATTEMPTS.format(columns=_COLUMNS), tenant, *name, MOST_ATTEMPTS)

    async def decided(self, name: Name, *, behind: int, limit: int) -> list[Row]:
        """Decisions on it and on its run."""
        return await rows_of(self._models, _DECIDED, name.run_id, name.step, name.job_id, behind, limit)


def name_of(job: str) -> Name:
    """What a text calls a job by; a problem if it can be no job."""
    found = _NAME.fullmatch(job)
    if found is None:
        raise no_such_job(job)
    return Name(found[1], found[2] or "job", int(found[3] or 0))


def no_such_job(job: str) -> Problem:
    """Whatever of it there is for others."""
    what = (
        f"Expected a run of one step, or a job such as run_1f:deploy or run_1f:deploy@2, but there is no '{job[:100]}'."
    )
    return Problem("not_found", what, field="job")


def _narrow(query: Conditions, given: Given) -> None:
    if statuses := given.among("status", STATUSES):
        query.add("status = ANY({0}::text[])", statuses)
    for name, column in (("topic", "topic"), ("pool", "pool"), ("tenant", "tenant"), ("run", "run_id")):
        if (text := given.one(name)) is not None:
            query.add(f"{column} = {{0}}", text)
    if (key := given.cursor(_LIST, _Key)) is not None:
        query.add("(requested_at, job_id) < (to_timestamp({0}::bigint / 1000.0), {1}::text)", *key)


def _item(row: Row) -> dict[str, Any]:
    item = {name: value for name, value in row.items() if name not in ("began", "input")}
    return {**item, "labels": msgspec.Raw(item["labels"].encode()), "after": item["after"] or None}


def _decision(row: Row) -> dict[str, Any]:
    item = {name: value for name, value in row.items() if name != "sequence"}
    for name, nothing in (("constraints", None), ("remediations", None), ("trace", "[]")):
        text = item[name] or nothing
        item[name] = None if text is None else msgspec.Raw(text.encode())
    return {"id": item.pop("event_id"), **item, "step": item["step"] or None, "job_id": item["job_id"] or None}
