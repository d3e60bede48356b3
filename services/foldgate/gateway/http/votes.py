"""Votes: answers of people to what is asked, vouched for by the gateway, in the name and the roles of the caller.

The answer is the approval service's word. To a vote for a question of a run that has ended it says nothing on
`approvals`, so what is over is looked for in the read model: before the vote, and when no word comes. A vote is not
held back while much is under way: people do not answer faster than they can be listened to. With an Idempotency-Key the
same vote may be sent again, and the one that was recorded is the answer.
"""

import asyncio
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.contracts import ids
from foldgate.contracts.events import ApprovalClosed, VoteRecorded, VoteRefused
from foldgate.eventlog.log import Submitted
from foldgate.gateway.http import asking, bodies
from foldgate.gateway.http.approvals import WHICH, Approvals
from foldgate.gateway.http.asking import Text
from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.places import text_of
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.querying import row_of
from foldgate.gateway.http.runs import OVER, Runs
from foldgate.gateway.http.verdicts import Verdict, Verdicts, nothing_else
from foldgate.runtime.context import Context
from foldgate.sdk.questions import ENDS, OPEN, Question
from foldgate.sdk.voting import a_vote

KEY = Parameter("Idempotency-Key", "header", "The same key means the same vote.", asking.KEY.pattern)
_IS_OF = "SELECT 1 FROM runs WHERE tenant = $1 AND run_id = $2 AND workflow = $3"


class VoteBody(BaseModel):
    """A vote, as somebody gives it."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Vote")

    reason: Text = Field(default="", title="Reason", description="In your words.")
    binding: Text = Field(
        default="", title="Binding", description="Vote only if this is still what is asked; else on what is asked then."
    )
    input: Any = Field(default=None, title="Input", description="The data, where data is asked for.")


class StepVoteBody(VoteBody):
    """A vote on what a step asks."""

    model_config = ConfigDict(extra="forbid", strict=True, title="StepVote")

    approved: bool = Field(title="Approved", description="Yes, or no.")


class VoteAnswer(BaseModel):
    """What has become of a vote."""

    model_config = ConfigDict(title="VoteAnswer")

    approval_id: str = Field(title="Question")
    run_id: str = Field(title="Run")
    request_id: str = Field(title="Request", description="This vote.")
    status: str = Field(title="Status", description="'recorded', or 'accepted' while no verdict is known.")
    position: str | None = Field(title="Position", description="Read what this has changed with ?after=<position>.")


_ANSWERS = {
    200: Said(VoteAnswer, "The vote counts."),
    202: Said(VoteAnswer, "The vote is on the log; no verdict is known yet."),
}
REFUSALS = ("not_open", "already_voted", "approval_stale", "run_closed", "not_allowed", "invalid_data")
_PROBLEMS = (*REFUSALS, "not_found", "roles_invalid", "not_yet", "log_unavailable", "database_unavailable")


class Votes:
    """Takes votes."""

    def __init__(self, context: Context, verdicts: Verdicts, *, approvals: Approvals, runs: Runs) -> None:
        self._context, self._verdicts, self._approvals, self._runs = context, verdicts, approvals, runs

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        return (
            self._vote(f"{prefix}/approvals/{{approval}}/approve", self.approve, "Say yes"),
            self._vote(f"{prefix}/approvals/{{approval}}/reject", self.reject, "Say no"),
            Operation(
                method="POST",
                path=f"{prefix}/workflows/{{workflow}}/runs/{{run_id}}/steps/{{step}}/approve",
                endpoint=self.of_step,
                summary="Answer what a step of a run asks",
                area="approvals",
                role="approver",
                body=StepVoteBody,
                parameters=(
                    Parameter("workflow", "path", "The id of a workflow."),
                    Parameter("run_id", "path", "The run."),
                    Parameter("step", "path", "The step that asks, or waits for leave."),
                    KEY,
                ),
                answers=_ANSWERS,
                problems=_PROBLEMS,
            ),
        )

    @staticmethod
    def _vote(path: str, endpoint: Any, summary: str) -> Operation:
        return Operation(
            method="POST",
            path=path,
            endpoint=endpoint,
            summary=summary,
            area="approvals",
            role="approver",
            body=VoteBody,
            parameters=(WHICH, KEY),
            answers=_ANSWERS,
            problems=_PROBLEMS,
        )

    async def approve(self, request: Request) -> Response:
        """Say yes."""
        return await self._named(request, approve=True)

    async def reject(self, request: Request) -> Response:
        """Say no."""
        return await self._named(request, approve=False)

    async def of_step(self, request: Request) -> Response:
        """Answer what a step asks."""
        body = await bodies.read(request, StepVoteBody)
        tenant, where = caller_of(request).tenant, request.path_params
        workflow, run_id, step = (where[name] for name in ("workflow", "run_id", "step"))
        asked = await self._approvals.of_step(run_id, step, tenant)
        await self._runs.status_of(run_id, tenant)  # which waits for one that has begun a moment ago
        assert self._context.models is not None
        if "\0" in workflow or await row_of(self._context.models, _IS_OF, tenant, run_id, workflow) is None:
            what = f"Expected a run of '{workflow[:200]}', but '{run_id[:100]}' is none of its runs."
            raise Problem("not_found", what, field="run_id")
        return await self._cast(request, asked, body, approve=body.approved)

    async def _named(self, request: Request, *, approve: bool) -> Response:
        body = await bodies.read_if_any(request, VoteBody)
        asked = await self._approvals.known(request.path_params["approval"], caller_of(request).tenant)
        return await self._cast(request, asked, body, approve=approve)

    async def _cast(self, request: Request, asked: Question, body: VoteBody, *, approve: bool) -> Response:
        caller, key = caller_of(request), asking.key_of(request)
        name = asked.approval_id
        request_id = ids.digest("vote", caller.principal, name, key).hex()[:24] if key else ""
        if request_id and await self._approvals.recorded(name, caller.principal, request_id):
            return _answer(200, asked, request_id, status="recorded", place=None)
        if asked.status != OPEN:  # policy may have asked again since
            await self._check_open(await self._approvals.known(name, caller.tenant, until_now=True))
        vote = a_vote(
            name,
            approve=approve,
            data=body.input,
            reason=body.reason,
            binding=body.binding,
            roles=caller.roles,
            request_id=request_id,
        )
        waits = self._verdicts.expected(
            vote.key, vote.request_id, on=vote.answered_on, also=nothing_else, is_urgent=True
        )
        with waits as waiting:
            lies = await asking.submitted(asking.client_of(request, self._context), vote)
            try:
                async with asyncio.timeout(asking.VERDICT_WITHIN_S):
                    return _judged(asked, vote.request_id, await waiting)
            except TimeoutError:
                if await self._approvals.recorded(name, caller.principal, vote.request_id):
                    return _answer(200, asked, vote.request_id, status="recorded", place=None)
                await self._check_open(await self._approvals.known(name, caller.tenant))
                return _answer(202, asked, vote.request_id, status="accepted", place=lies.place)

    async def _check_open(self, one: Question) -> None:
        """A problem if it is over; of one that nobody has answered, whether that is because its run has ended."""
        if one.status == OPEN:
            return
        code, what = "not_open", f"Expected an open question, but {one.approval_id} is over: {one.status}."
        if one.status == ENDS[ApprovalClosed] and await self._runs.status_of(one.run_id, one.tenant) in OVER:
            code, what = "run_closed", f"Expected a run that goes on, but that of {one.approval_id} has ended."
        raise Problem(code, what, field="approval", more={"approval_id": one.approval_id, "outcome": one.status})


def _judged(asked: Question, request_id: str, verdict: Verdict) -> Response:
    match verdict.event:
        case VoteRecorded():
            return _answer(200, asked, request_id, status="recorded", place=verdict.place)
        case VoteRefused(code="unknown_approval", reason=reason):
            raise Problem("not_found", reason, field="approval")
        case VoteRefused(code=code, reason=reason):
            raise Problem(code, reason, more={"approval_id": asked.approval_id, "request_id": request_id})
        case event:
            raise AssertionError(f"{type(event).__name__} answers a vote: {verdict.meta.event_id}")


def _answer(status_code: int, asked: Question, request_id: str, *, status: str, place: Submitted | None) -> Response:
    document = {
        "approval_id": asked.approval_id,
        "run_id": asked.run_id,
        "request_id": request_id,
        "status": status,
        "position": None if place is None else text_of(place),
    }
    return Response(msgspec.json.encode(document), status_code, media_type="application/json")
