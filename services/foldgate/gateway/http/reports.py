"""What workers over HTTP say of the jobs they hold, proved by the token of the lease.

The gateway makes the report, and signs it with the secret of that lease, which it derives again: so a worker needs no
cryptography. Whether the lease still counts is for engine and scheduler to say, and for the timeline to show. Times are
the gateway's: what a worker's clock says changes nothing.
"""

from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from foldgate.authority.request import canonical
from foldgate.authority.token import Report
from foldgate.contracts.events import ConstraintBreached, JobFailed, JobProgressed, JobStarted, JobSucceeded
from foldgate.gateway.http import bodies
from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.pace import Pace
from foldgate.gateway.http.places import text_of
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.seats import Seats
from foldgate.gateway.http.speaking import Speaking
from foldgate.gateway.http.worker_tokens import MAX_CHARACTERS, LeaseToken, TokenInvalid, opened
from foldgate.gateway.http.workers import suite_keys
from foldgate.runtime.context import Context
from foldgate.sdk.artifacts import OUTPUT_BYTES

TOKEN = "X-Lease-Token"  # noqa: S105 - the name of a header
CODE = r"^[!-~]{1,100}$"
MOST_AFTER_MS = 86_400_000
A_SECOND, AT_ONCE = 500, 1000
_MOST_NUMBER = 2**31 - 1
Message = Annotated[str, StringConstraints(max_length=2000)]
Number = Annotated[int, Field(ge=1, le=_MOST_NUMBER)]
PARAMETERS = (
    Parameter("job", "path", "The id of a job, as it was handed out."),
    Parameter(TOKEN, "header", "The token of its lease; or `token` in the body."),
)
_PROBLEMS = ("wrong_lease_token", "too_fast", "log_unavailable", "no_keys")


class StartBody(BaseModel):
    """The handler begins."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Start")

    token: str = Field("", max_length=MAX_CHARACTERS, title="Token", description="Of the lease; or its header.")


class ProgressBody(StartBody):
    """How far it is."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Progress")

    percent: float | None = Field(None, ge=0, le=100, title="Percent")
    message: Message = Field("", title="Message")
    checkpoint: Any = Field(None, title="Checkpoint", description="What another attempt may go on from: any JSON.")
    number: Number | None = Field(None, title="Number", description="Its own, rising; or the gateway's.")


class CompleteBody(StartBody):
    """What became of it."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Complete")

    output: Any = Field(None, title="Output", description="Any JSON, of at most 256 KiB.")


class FailBody(StartBody):
    """Why it failed."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Fail")

    code: Annotated[str, StringConstraints(pattern=CODE)] = Field("handler_failed", title="Code")
    message: Message = Field("", title="Message")
    retryable: bool = Field(True, title="Retryable", description="Another attempt may succeed.")
    retry_after_ms: int = Field(0, ge=0, le=MOST_AFTER_MS, title="Not before", description="And not sooner than this.")
    began: bool = Field(True, title="Began", description="false: it was not begun, and is handed back.")


class BreachBody(StartBody):
    """What was tried against the constraints."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Breach")

    constraint: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,99}$")] = Field(title="Constraint")
    message: Message = Field("", title="Message")
    was_stopped: bool = Field(True, title="Stopped", description="Whether it was kept from happening.")
    number: Number | None = Field(None, title="Number", description="Its own, rising; or the gateway's.")


class ReportAnswer(BaseModel):
    """The report is on the log."""

    model_config = ConfigDict(title="ReportAnswer")

    job_id: str = Field(title="Job")
    status: str = Field(title="Status", description="reported: whether it counts is its run's word.")
    called_back: bool = Field(title="Called back", description="Whether the job is to be stopped.")
    position: str = Field(title="Position")


class Reports:
    """Takes reports."""

    def __init__(self, context: Context, speaking: Speaking, seats: Seats) -> None:
        self._context, self._speaking, self._seats = context, speaking, seats
        self._pace = Pace(context.clock, per_second=A_SECOND, at_once=AT_ONCE, what="reports of one worker")

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        said = (
            ("start", self.start, StartBody, "Say that a job begins", ("lease_over",)),
            ("progress", self.progress, ProgressBody, "Say how far a job is", ("output_too_large",)),
            ("complete", self.complete, CompleteBody, "Say what became of a job", ("output_too_large",)),
            ("fail", self.fail, FailBody, "Say why a job failed", ()),
            ("breach", self.breach, BreachBody, "Say what a job tried against its constraints", ()),
        )
        return tuple(
            Operation(
                method="POST",
                path=f"{prefix}/jobs/{{job}}/{name}",
                endpoint=endpoint,
                summary=summary,
                area="workers",
                role="worker",
                counts_itself=True,
                body=body,
                parameters=PARAMETERS,
                answers={200: Said(ReportAnswer, "It is on the log.")},
                problems=(*_PROBLEMS, *problems),
            )
            for name, endpoint, body, summary, problems in said
        )

    async def start(self, request: Request) -> Response:
        """A handler begins: refused once its lease has ended here."""
        lease = self._lease(request, await bodies.read(request, StartBody))
        seat = self._seats.known(lease.worker)
        if seat is not None and not seat.lasts(lease):
            raise Problem("lease_over", "Expected a lease that lasts, but it has ended: do not begin this job.")
        event = JobStarted(
            job_id=lease.job_id, lease=lease.lease, worker=lease.worker, began_at=self._context.clock.now_ms()
        )
        return await self._said(lease, event, name="/started")

    async def progress(self, request: Request) -> Response:
        """How far a job is."""
        body = await bodies.read(request, ProgressBody)
        lease = self._lease(request, body)
        number = body.number or self._number(lease)
        event = JobProgressed(
            job_id=lease.job_id,
            lease=lease.lease,
            worker=lease.worker,
            number=number,
            percent=-1 if body.percent is None else int(body.percent),
            message=body.message,
            checkpoint="" if body.checkpoint is None else _fitting(body.checkpoint, "checkpoint"),
        )
        return await self._said(lease, event, name=f"/progress/{number}")

    async def complete(self, request: Request) -> Response:
        """What became of a job."""
        body = await bodies.read(request, CompleteBody)
        lease = self._lease(request, body)
        event = JobSucceeded(
            job_id=lease.job_id,
            lease=lease.lease,
            worker=lease.worker,
            output=_fitting(body.output, "output"),
            began_at=lease.handed_out_at,
        )
        return await self._said(lease, event)

    async def fail(self, request: Request) -> Response:
        """Why a job failed."""
        body = await bodies.read(request, FailBody)
        lease = self._lease(request, body)
        event = JobFailed(
            job_id=lease.job_id,
            lease=lease.lease,
            worker=lease.worker,
            code=body.code,
            message=body.message,
            retryable=body.retryable,
            retry_after_ms=body.retry_after_ms,
            began_at=lease.handed_out_at if body.began else 0,
        )
        return await self._said(lease, event)

    async def breach(self, request: Request) -> Response:
        """What a job tried."""
        body = await bodies.read(request, BreachBody)
        lease = self._lease(request, body)
        number = body.number or self._number(lease)
        event = ConstraintBreached(
            job_id=lease.job_id,
            lease=lease.lease,
            worker=lease.worker,
            number=number,
            constraint=body.constraint,
            message=body.message,
            was_stopped=body.was_stopped,
        )
        return await self._said(lease, event, name=f"/breach/{number}")

    def _lease(self, request: Request, body: StartBody) -> LeaseToken:
        """The lease that the token is of; a problem unless it is of this job, and its worker of the caller's tenant."""
        lease = lease_shown(self._context, request, token=body.token)
        self._pace.count(lease.worker)
        return lease

    def _number(self, lease: LeaseToken) -> int:
        """Rises as time goes on: nobody has to count."""
        return min(_MOST_NUMBER, max(1, self._context.clock.now_ms() - lease.dispatched_at))

    async def _said(self, lease: LeaseToken, event: Report, *, name: str = "") -> Response:
        place = await self._speaking.report(lease, event, name=name)
        seat = self._seats.known(lease.worker)
        document = {
            "job_id": lease.job_id,
            "status": "reported",
            "called_back": seat is not None and seat.is_called_back(lease.lease),
            "position": text_of(place),
        }
        return Response(msgspec.json.encode(document), media_type="application/json")


def lease_shown(context: Context, request: Request, *, token: str = "") -> LeaseToken:
    """The lease whose token is shown; a problem unless it is of this job, and its worker of the caller's tenant."""
    keys, job = suite_keys(context), request.path_params["job"]
    try:
        lease = opened(keys, token or request.headers.get(TOKEN, ""), LeaseToken)
    except TokenInvalid:
        lease = None
    if lease is None or lease.job_id != job or lease.owner != caller_of(request).tenant:
        what = f"Expected the `lease_token` that '{job[:200]}' was handed out with, but it is none."
        raise Problem("wrong_lease_token", what, field="token")
    return lease


def _fitting(value: Any, field: str) -> str:
    text: str = canonical(msgspec.json.encode(value))
    if (size := len(text.encode())) > OUTPUT_BYTES:
        what = f"Expected at most {OUTPUT_BYTES} bytes of JSON in `{field}`, but there are {size}: put it elsewhere."
        raise Problem("output_too_large", f"{what} Its address is enough.", field=field)
    return text
