"""Answers that are problems: RFC 9457 documents with a stable `code`, a sentence that says what to do, and the field.

Whatever goes wrong in a request ends here. A fault of ours is answered with an id that is also in the log, where the
rest of it is told; the answer itself never shows anything of our inside.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import structlog
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foldgate.authority.requests import UNVOUCHED
from foldgate.database.connections import DatabaseRefused, DatabaseUnavailable
from foldgate.eventlog.log import LogUnavailable, RecordTooLarge
from foldgate.runtime.clock import Clock

MEDIA_TYPE = "application/problem+json"
AGAIN_AFTER_S = 1


class Kind(NamedTuple):
    """What all problems of one code share."""

    status: int
    title: str


CODES: dict[str, Kind] = {
    "malformed_request": Kind(400, "The request is not HTTP"),
    "malformed_json": Kind(400, "The body is not JSON"),
    "invalid_header": Kind(400, "A header is not valid"),
    "invalid_parameter": Kind(400, "A parameter is not valid"),
    "unauthenticated": Kind(401, "No valid key"),
    "forbidden": Kind(403, "Not allowed"),
    "foreign_tenant": Kind(403, "Not a tenant of the caller"),
    "foreign_page": Kind(403, "Sent by a page of another site"),
    "foreign_host": Kind(403, "Sent to another host"),
    "wrong_worker_token": Kind(403, "Not the token of this worker"),
    "wrong_lease_token": Kind(403, "Not the token of this job's lease"),
    "not_allowed": Kind(403, "May not answer this"),
    **dict.fromkeys(sorted(UNVOUCHED), Kind(403, "Vouched for by somebody who may not")),
    "not_found": Kind(404, "There is nothing here"),
    "unknown_workflow": Kind(404, "There is no such workflow"),
    "unknown_version": Kind(404, "There is no such version"),
    "unknown_bundle": Kind(404, "There is no such bundle"),
    "unknown_snapshot": Kind(404, "There is no such snapshot"),
    "unknown_pool": Kind(404, "There is no such pool"),
    "unknown_worker": Kind(404, "There is no such worker"),
    "artifact_missing": Kind(404, "There is no such artifact"),
    "method_not_allowed": Kind(405, "Not done this way"),
    "too_slow": Kind(408, "The request took too long"),
    "idempotency_conflict": Kind(409, "The key was used for something else"),
    "version_conflict": Kind(409, "The version is another document"),
    "workflow_retired": Kind(409, "The workflow starts no runs"),
    "run_goes_on": Kind(409, "The run has not ended"),
    "run_ended": Kind(409, "The run has ended"),
    "job_goes_on": Kind(409, "The job has not ended"),
    "unchanged": Kind(409, "It is so already"),
    "revision_conflict": Kind(409, "Another revision holds"),
    "nothing_to_publish": Kind(409, "No draft waits"),
    "not_shadowed": Kind(409, "It is not evaluated beside what holds"),
    "not_cancellable": Kind(409, "The run is ending"),
    "not_pausable": Kind(409, "The run is ending"),
    "already_paused": Kind(409, "The run is paused"),
    "not_paused": Kind(409, "The run goes on"),
    "too_many_signals": Kind(409, "Too many signals wait"),
    "already_retried": Kind(409, "The letter is settled"),
    "already_discarded": Kind(409, "The letter is settled"),
    "not_open": Kind(409, "The question is over"),
    "run_closed": Kind(409, "The question is over"),
    "already_voted": Kind(409, "Voted already"),
    "approval_stale": Kind(409, "Another thing is asked now"),
    "beat_out_of_order": Kind(409, "The beat is older than another"),
    "lease_over": Kind(409, "The lease has ended"),
    "body_too_large": Kind(413, "The body is too large"),
    "too_large": Kind(413, "The request is too large"),
    "payload_too_large": Kind(413, "The payload is too large"),
    "artifact_too_large": Kind(413, "The artifact is too large"),
    "output_too_large": Kind(413, "The output is too large"),
    "url_too_long": Kind(414, "The URL is too long"),
    "unsupported_encoding": Kind(415, "The body is encoded"),
    "invalid_body": Kind(422, "The body does not fit"),
    "artifact_mismatch": Kind(422, "Not the bytes of this digest"),
    "no_remediation": Kind(422, "There is no such remediation"),
    "invalid_data": Kind(422, "Not the data that is asked for"),
    "roles_invalid": Kind(422, "Too many roles, or too long"),
    "unknown_step": Kind(422, "There is no such step"),
    "no_topic": Kind(422, "Refused"),
    "invalid_input": Kind(422, "Refused"),
    "invalid_bundle": Kind(422, "The document is no bundle of rules"),
    "invalid_pools": Kind(422, "The document does not say which pools there are"),
    "invalid_workflow": Kind(422, "The document is no workflow"),
    "too_fast": Kind(429, "Too often"),
    "too_many_polls": Kind(429, "Too many at once"),
    "too_many_workers": Kind(429, "Too many workers"),
    "overloaded": Kind(429, "Too much at once"),
    "headers_too_large": Kind(431, "The headers are too large"),
    "internal_error": Kind(500, "A fault of ours"),
    "too_many_connections": Kind(503, "Too many connections"),
    "issuer_unavailable": Kind(503, "The issuer's keys are not known"),
    "no_keys": Kind(503, "No keys here"),
    "not_yet": Kind(503, "Not there yet"),
    "log_unavailable": Kind(503, "The log does not answer"),
    "artifacts_unreachable": Kind(503, "The artifacts cannot be reached"),
    "database_unavailable": Kind(503, "The database does not answer"),
}
"""Stable: programs may rely on a code. A refusal by a stream's owner has the owner's code and status 422."""
_REFUSED = Kind(422, "Refused")


class ProblemDocument(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(title="Type", description="urn:foldgate:problem:<code>")
    title: str = Field(title="Title", description="The same for all problems of one code.")
    status: int = Field(title="Status")
    code: str = Field(title="Code", description="Stable: for programs.")
    detail: str = Field(title="Detail", description="What was expected, what there was, and what to do.")
    field: str = Field("", title="Field", description="The field, parameter or header at fault.")
    errors: list[dict[str, str]] = Field(default_factory=list, title="Errors", description="Where there are several.")


class Mistake(NamedTuple):
    """One of several faults in a body."""

    field: str
    detail: str


class Problem(Exception):
    """Ends a request with this answer."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        field: str = "",
        more: Mapping[str, Any] | None = None,
        mistakes: Sequence[Mistake] = (),
        again_after_s: int = AGAIN_AFTER_S,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code, self.detail, self.field, self.again_after_s = code, detail, field, again_after_s
        self.more, self.mistakes, self.headers = dict(more or {}), mistakes, dict(headers or {})

    @property
    def kind(self) -> Kind:
        return CODES.get(self.code, _REFUSED)


def answer(problem: Problem) -> Response:
    """The problem as a document."""
    document: dict[str, Any] = {
        "type": f"urn:foldgate:problem:{problem.code}",
        "title": problem.kind.title,
        "status": problem.kind.status,
        "code": problem.code,
        "detail": problem.detail,
    }
    if problem.field:
        document["field"] = problem.field
    if len(problem.mistakes) > 1:
        document["errors"] = [mistake._asdict() for mistake in problem.mistakes]
    body = msgspec.json.encode({**document, **problem.more})
    return Response(body, problem.kind.status, headers=_headers(problem), media_type=MEDIA_TYPE)


def _headers(problem: Problem) -> dict[str, str]:
    if problem.kind.status == 401:
        return {**problem.headers, "WWW-Authenticate": 'Bearer realm="foldgate"'}
    if problem.kind.status in (429, 503):
        return {**problem.headers, "Retry-After": str(problem.again_after_s)}
    return problem.headers


def problem_of(error: Exception) -> Problem | None:
    """What is to be said of a failure that is not ours; None for one that is."""
    match error:
        case Problem():
            return error
        case RecordTooLarge():
            return Problem("body_too_large", f"{error} Put large data elsewhere, and its address into `input`.")
        case LogUnavailable():
            what = "Expected the log to answer, but it did not: your request may have been taken."
            return Problem("log_unavailable", f"{what} Send it again with the same Idempotency-Key.")
        case DatabaseUnavailable() | DatabaseRefused():
            return Problem("database_unavailable", "Expected the database to answer, but it did not: try again soon.")
        case HTTPException(status_code=405, headers=headers):
            allowed = (headers or {}).get("Allow", "")
            what = f"Expected one of the methods {allowed} on this path, but got another."
            return Problem("method_not_allowed", what, headers={"Allow": allowed})
        case _:
            return None


async def refuse(problem: Problem, scope: Scope, *, receive: Receive, send: Send) -> None:
    """Answer with a problem; to a WebSocket that is not open yet too, if the server can."""
    if scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
        await answer(problem)(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008})


class Answering:
    """The outermost layer: whatever is raised inside is answered, once, with a problem."""

    def __init__(self, app: ASGIApp, *, clock: Clock) -> None:
        self._app, self._clock = app, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - nothing of our inside leaves it
            problem = problem_of(error) or self._fault(scope, error)
            if not started:
                await refuse(problem, scope, receive=receive, send=send)

    def _fault(self, scope: Scope, error: Exception) -> Problem:
        place = f"{scope.get('method')} {scope.get('path')}"
        name = hashlib.sha256(f"{self._clock.monotonic_ms()} {id(error)} {place}".encode()).hexdigest()[:16]
        structlog.get_logger().error("fault", fault=name, request=place[:200], exc_info=error)
        what = "Something broke here, not in your request; your request may have been taken."
        return Problem("internal_error", f"{what} Look for fault {name} in the gateway's log.", more={"fault": name})
