"""What is asked of a run that goes on: to end, to begin nothing new, to go on, to take a signal.

The answer is the engine's verdict. It says nothing to what is asked of a run that has ended: that is seen in the read
model before the request, and by the run's end after it.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.authority.request import canonical
from foldgate.contracts.events import RequestRefused
from foldgate.eventlog.log import Submitted
from foldgate.gateway.http import asking, bodies
from foldgate.gateway.http.asking import Text
from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.paging import Given
from foldgate.gateway.http.places import text_of
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.runs import OVER, Runs
from foldgate.gateway.http.verdicts import Verdict, Verdicts, ending
from foldgate.runtime.context import Context
from foldgate.sdk.answers import ENDS
from foldgate.sdk.requests import Request as Asked
from foldgate.sdk.requests import a_cancel, a_pause, a_resume, a_signal

_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_RUN = Parameter("run_id", "path", "The run.")


class ReasonBody(BaseModel):
    """Why, for those who read it later."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Reason")

    reason: Text = Field(default="", title="Reason", description="In your words.")


class ControlAnswer(BaseModel):
    """What the run has been told."""

    model_config = ConfigDict(title="ControlAnswer")

    run_id: str = Field(title="Run")
    request_id: str = Field(title="Request", description="This request.")
    status: str = Field(title="Status", description="'done', or 'accepted' while no verdict is known.")
    position: str = Field(title="Position", description="Where the verdict lies, or the request.")


ANSWERS = {
    200: Said(ControlAnswer, "The run has taken it."),
    202: Said(ControlAnswer, "The request is on the log; no verdict is known yet."),
}
PROBLEMS = ("not_found", "run_ended", "not_yet", "log_unavailable", "database_unavailable")
_REFUSED = {"cancel": "not_cancellable", "pause": "already_paused", "resume": "not_paused"}
Asks = Callable[[str], Asked]
"""The request to a run, for this reason."""


class Controls:
    """Asks things of runs."""

    def __init__(self, context: Context, verdicts: Verdicts, runs: Runs) -> None:
        self._context, self._verdicts, self._runs = context, verdicts, runs

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        return (
            self._control(prefix, "cancel", self.cancel, summary="End a run"),
            Operation(
                method="DELETE",
                path=f"{prefix}/workflow-runs/{{run_id}}",
                endpoint=self.delete,
                summary="End a run, as cancel does; what has happened stays on the log",
                area="runs",
                role="operator",
                parameters=(_RUN,),
                answers=ANSWERS,
                problems=(*PROBLEMS, _REFUSED["cancel"]),
            ),
            self._control(prefix, "pause", self.pause, summary="Let a run begin nothing new"),
            self._control(prefix, "resume", self.resume, summary="Let a paused run go on"),
            Operation(
                method="POST",
                path=f"{prefix}/workflow-runs/{{run_id}}/signals/{{name}}",
                endpoint=self.signal,
                summary="Send a signal to a run; the body is its payload, any JSON",
                area="runs",
                role="operator",
                parameters=(
                    _RUN,
                    Parameter("name", "path", "The name that a step waits for."),
                    Parameter("Idempotency-Key", "header", "The same key means the same signal.", asking.KEY.pattern),
                ),
                answers=ANSWERS,
                problems=(*PROBLEMS, "malformed_json", "body_too_large", "payload_too_large", "too_many_signals"),
            ),
        )

    @staticmethod
    def _control(prefix: str, name: str, endpoint: Any, *, summary: str) -> Operation:
        return Operation(
            method="POST",
            path=f"{prefix}/workflow-runs/{{run_id}}/{name}",
            endpoint=endpoint,
            summary=summary,
            area="runs",
            role="operator",
            body=ReasonBody,
            parameters=(_RUN,),
            answers=ANSWERS,
            problems=(*PROBLEMS, _REFUSED[name]),
        )

    async def cancel(self, request: Request) -> Response:
        """Call a run back."""
        return await self.call_back(request, run_of(request))

    async def delete(self, request: Request) -> Response:
        """Call a run back. Of one that has ended there is nothing to take away: its log is the proof of it."""
        Given(request, ())
        return await self._asked(request, a_cancel(run_of(request), reason=""))

    async def call_back(self, request: Request, run_id: str) -> Response:
        """Call this run back, for the reason in the request."""
        return await self._with_reason(request, lambda reason: a_cancel(run_id, reason=reason))

    async def pause(self, request: Request) -> Response:
        """Let a run begin nothing new for now."""
        return await self._with_reason(request, lambda reason: a_pause(run_of(request), reason=reason))

    async def resume(self, request: Request) -> Response:
        """Let a paused run go on."""
        return await self._with_reason(request, lambda reason: a_resume(run_of(request), reason=reason))

    async def signal(self, request: Request) -> Response:
        """Send a signal; with a key it is the same one however often it is sent."""
        name, key = request.path_params["name"], asking.key_of(request)
        if _NAME.fullmatch(name) is None:
            raise Problem("not_found", "Expected a signal's name of 1 to 200 characters, but it is not.", field="name")
        data = await bodies.received(request)
        payload = msgspec.Raw(canonical(msgspec.json.encode(bodies.parsed(data) if data else None)).encode())
        return await self._asked(request, a_signal(run_of(request), name, payload, request_id=key))

    async def _with_reason(self, request: Request, asks: Asks) -> Response:
        body = await bodies.read_if_any(request, ReasonBody)
        return await self._asked(request, asks(body.reason))

    async def _asked(self, request: Request, asked: Asked) -> Response:
        tenant = caller_of(request).tenant
        _check_live(asked, await self._runs.status_of(asked.run_id, tenant))
        with self._verdicts.expected(asked.key, asked.request_id, also=ending) as waiting:
            lies = await asking.submitted(asking.client_of(request, self._context), asked)
            try:
                async with asyncio.timeout(asking.VERDICT_WITHIN_S):
                    return _judged(asked, await waiting)
            except TimeoutError:  # it may have ended between our look and our request
                _check_live(asked, await self._runs.status_of(asked.run_id, tenant))
                return _answer(202, asked, status="accepted", place=lies.place)


def run_of(request: Request) -> str:
    """The run that is asked."""
    run_id: str = request.path_params["run_id"]
    return run_id


def _check_live(asked: Asked, status: str) -> None:
    if status in OVER:
        what = f"Expected a run that goes on, but {asked.run_id} has ended: {status}."
        raise Problem("run_ended", what, field="run_id", more=_ids(asked))


def _judged(asked: Asked, verdict: Verdict) -> Response:
    match verdict.event:
        case RequestRefused(code=code, reason=reason):
            raise Problem(code, reason, more=_ids(asked))
        case event if isinstance(event, ENDS) and verdict.meta.request_id != asked.request_id:
            raise Problem("run_ended", f"Expected a run that goes on, but {asked.run_id} has ended.", more=_ids(asked))
        case _:
            return _answer(200, asked, status="done", place=verdict.place)


def _answer(status_code: int, asked: Asked, *, status: str, place: Submitted) -> Response:
    document = {**_ids(asked), "status": status, "position": text_of(place)}
    return Response(msgspec.json.encode(document), status_code, media_type="application/json")


def _ids(asked: Asked) -> dict[str, str]:
    return {"run_id": asked.run_id, "request_id": asked.request_id}
