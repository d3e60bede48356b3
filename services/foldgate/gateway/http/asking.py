"""Asks for runs, and answers with what became of the request.

A request is answered by the engine's verdict. The engine says nothing to a repeat, so whoever sends a key is also
looked up: before anything is asked for, and while no verdict comes. What is found under the key is compared with what
is asked for, so a repeat and a conflict are told apart long after the run has ended and the engine has forgotten it.
Without a verdict in time the answer says where the request lies: it is on the log and will be answered there.
"""

import asyncio
import re
from typing import Annotated

import msgspec
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from foldgate.authority.request import TRACE, request_hash
from foldgate.contracts.events import RunRefused, RunStarted
from foldgate.eventlog.log import LogUnavailable, Submitted
from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.operations import Parameter, Said
from foldgate.gateway.http.places import text_of
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.runs import Known, Runs
from foldgate.gateway.http.verdicts import Verdict, Verdicts, Waiting
from foldgate.runtime.context import Context
from foldgate.sdk.client import Asked, Client, Prepared
from foldgate.sdk.requests import Request as Asking
from foldgate.sdk.tracing import is_trace

VERDICT_WITHIN_S = 2.0
SUBMIT_WITHIN_S = 10.0
_LOOK_FIRST_S, _LOOK_MOST_S = 0.02, 0.25
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")
_FIELD_OF = {
    "no_topic": "topic",
    "unknown_workflow": "workflow",
    "workflow_retired": "workflow",
    "unknown_version": "version",
    "invalid_input": "input",
    "too_large": "input",
    "idempotency_conflict": "Idempotency-Key",
}
KEY = Parameter("Idempotency-Key", "header", "The same key means the same run.", f"^({_KEY.pattern})$")
FROM = Parameter(TRACE, "header", "The trace that the run is part of; what is no trace is passed over.")
KeyText = Annotated[str, StringConstraints(pattern=f"^({_KEY.pattern})$")]
"""A key in a body."""
Text = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


class StartAnswer(BaseModel):
    """The run that a request means."""

    model_config = ConfigDict(title="StartAnswer")

    run_id: str = Field(title="Run", description="The run.")
    request_id: str = Field(title="Request", description="This request.")
    status: str = Field(title="Status", description="'accepted' while no verdict is known; else the run's.")
    position: str | None = Field(title="Position", description="Read what this has changed with ?after=<position>.")


ANSWERS = {
    200: Said(StartAnswer, "The run that this key has started before."),
    201: Said(StartAnswer, "The run has started."),
    202: Said(StartAnswer, "The request is on the log; no verdict is known yet."),
}
PROBLEMS = ("invalid_parameter", "idempotency_conflict", "too_large", "log_unavailable", "database_unavailable")


def client_of(request: Request, context: Context) -> Client:
    """The client that speaks for whoever sent this."""
    caller = caller_of(request)
    return Client(
        context.log,
        codec=context.codec,
        clock=context.clock,
        tenant=caller.tenant,
        principal=caller.principal,
        signer=context.keys.voucher(unsigned=context.settings.unsigned_requests),
    )


class Starting:
    """Asks for runs."""

    def __init__(self, verdicts: Verdicts, runs: Runs) -> None:
        self._verdicts, self._runs = verdicts, runs

    async def known(self, prepared: Prepared, *, latest: bool = False) -> Response | None:
        """The answer to a repeat; None if the key is new, or there is none. The latest is what the log says now."""
        if not prepared.event.idempotency_key:
            return None
        known = await self._runs.known(prepared.run_id, latest=latest)
        return None if known is None else _repeat(prepared, known)

    async def waited(self, answer: Response, request: Request, prepared: Prepared, *, within_s: float) -> Response:
        """The answer, once the run has ended or that time is up: with the status that was seen then."""
        if not within_s:
            return answer
        status = await self._runs.over(prepared.run_id, caller_of(request).tenant, within_s=within_s)
        document = msgspec.json.decode(answer.body)
        body = msgspec.json.encode({**document, "status": status or document["status"]})
        where = {"Location": answer.headers["location"]}
        return Response(body, answer.status_code, headers=where, media_type="application/json")

    async def asked(self, client: Client, prepared: Prepared) -> Response:
        """Ask for this run, and answer with what became of it."""
        with self._verdicts.expected(prepared.run_id, prepared.request_id) as verdict:
            asked = await submitted(client, prepared)
            try:
                async with asyncio.timeout(VERDICT_WITHIN_S):
                    return await self._settled(prepared, verdict)
            except TimeoutError:
                return _answer(202, prepared, status="accepted", place=asked.place)

    async def _settled(self, prepared: Prepared, verdict: Waiting) -> Response:
        """The engine's word; to a repeat, which it passes over in silence, the run that is there."""
        pause_s = _LOOK_FIRST_S
        while prepared.event.idempotency_key and not verdict.done():
            await asyncio.wait([verdict], timeout=pause_s)
            if not verdict.done():
                if (known := await self._look(prepared.run_id)) is not None:
                    return _repeat(prepared, known)
                pause_s = min(pause_s * 2, _LOOK_MOST_S)
        return _judged(prepared, await verdict)

    async def _look(self, run_id: str) -> Known | None:
        """Whether the run is there; without a database the verdict may still come."""
        try:
            return await self._runs.known(run_id)
        except Problem:
            return None


async def submitted(client: Client, request: Asking) -> Asked:
    """Where the request lies on the log; LogUnavailable if that takes too long."""
    try:
        async with asyncio.timeout(SUBMIT_WITHIN_S):
            return await client.ask(request)
    except TimeoutError:
        raise LogUnavailable(f"Expected the log to take a request within {SUBMIT_WITHIN_S:g} s.") from None


def _judged(prepared: Prepared, verdict: Verdict) -> Response:
    mine = verdict.meta.request_id == prepared.request_id
    match verdict.event:
        case RunStarted() if mine:
            return _answer(201, prepared, status="running", place=verdict.place)
        case RunStarted(request_hash=asked_for):
            return _repeat(prepared, Known("running", asked_for, None, None), verdict.place)
        case RunRefused(code=code, reason=reason) if mine:
            raise _refused(prepared, code, reason)
        case RunRefused(code=code, reason=reason):
            return _repeat(prepared, Known("refused", b"", code, reason), verdict.place)
        case event:
            raise AssertionError(f"{type(event).__name__} answers a request for a run: {verdict.meta.event_id}")


def _repeat(prepared: Prepared, known: Known, place: Submitted | None = None) -> Response:
    """The answer to a request whose run is there."""
    if known.status == "refused":
        again = f"{known.error} The key was used up by that request: use another one."
        raise _refused(prepared, known.error_code or "refused", again)
    if known.request_hash != request_hash(prepared.event):
        what = f"Expected the body that started {prepared.run_id} with this key, but it differs: use another key."
        raise _refused(prepared, "idempotency_conflict", what)
    return _answer(200, prepared, status=known.status, place=place)


def _refused(prepared: Prepared, code: str, reason: str) -> Problem:
    ids = {"run_id": prepared.run_id, "request_id": prepared.request_id}
    return Problem(code, reason, field=_FIELD_OF.get(code, ""), more=ids)


def _answer(status_code: int, prepared: Prepared, *, status: str, place: Submitted | None) -> Response:
    document = {
        "run_id": prepared.run_id,
        "request_id": prepared.request_id,
        "status": status,
        "position": None if place is None else text_of(place),
    }
    where = {"Location": f"/api/v1/workflow-runs/{prepared.run_id}"}
    return Response(msgspec.json.encode(document), status_code, headers=where, media_type="application/json")


def labels_of(request: Request, labels: dict[str, str]) -> dict[str, str]:
    """The labels of a run that is asked for: those of the body, and the trace that its request is part of."""
    trace = request.headers.get(TRACE, "")
    return {TRACE: trace, **labels} if is_trace(trace) else labels


def key_of(request: Request) -> str:
    """The Idempotency-Key of a request; empty if it has none."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        what = "Expected an Idempotency-Key of 1 to 200 printable ASCII characters, but it is not."
        raise Problem("invalid_header", what, field="Idempotency-Key")
    return key or ""
