"""What happens, as it happens: the events of a run, and those of a tenant, over SSE and over a WebSocket.

Each event carries as its `id` where on the log its reader is then (`vectors.py`): who breaks off goes on from there,
here or at another gateway, and misses nothing and gets nothing twice. What is sent waits until it is taken, by this
reader alone (`following.py`).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from foldgate.contracts.endings import RUN_ENDS
from foldgate.gateway.http.arriving import View
from foldgate.gateway.http.callers import caller_of
from foldgate.gateway.http.following import Following, Told
from foldgate.gateway.http.guarding import Guard
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.paging import Given
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.querying import Row
from foldgate.gateway.http.runs import OVER, Runs
from foldgate.gateway.http.timelines import TYPES, document, one_of
from foldgate.gateway.http.vectors import CURSOR, LAST, Reader, given_in, text_of

MEDIA_TYPE = "text/event-stream"
ABOUT = {"runs": "runs", "approvals": "approvals", "workers": "jobs"}
"""What the stream of everything is about, and where that lies: of workers, what they do for the tenant."""
TAKEN_WITHIN_S = 60.0
_ENDS = frozenset(event.__name__ for event in RUN_ENDS)
_YES = ("true", "false")
_RETRY_MS = 1000
_HEADERS = {"X-Accel-Buffering": "no"}  # a proxy that keeps what comes until there is more of it


class LiveEvent(BaseModel):
    """What a WebSocket sends, as JSON text; without an `event` it is a sign of life."""

    model_config = ConfigDict(title="LiveEvent")

    id: str = Field(title="Id", description="Where its reader is: the `cursor` to go on with.")
    event: dict[str, Any] | None = Field(title="Event", description="As a timeline shows it.")


class Live:
    """Tells what happens."""

    def __init__(self, following: Following, runs: Runs, guard: Guard) -> None:
        self._following, self._runs, self._guard = following, runs, guard

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        problems = ("invalid_parameter", "not_found", "not_yet", "database_unavailable")
        of_run = Operation(
            method="GET",
            path=f"{prefix}/workflow-runs/{{run_id}}/events",
            endpoint=self.of_run,
            summary="Follow a run (SSE): each event as it comes, then `end`",
            area="runs",
            role="viewer",
            parameters=(
                Parameter("run_id", "path", "The run."),
                CURSOR,
                LAST,
                Parameter("follow", "query", "true: go on after the run's end.", one_of(_YES)),
            ),
            answers={
                200: Said(None, "Events as a timeline shows them, and a comment every 15 s.", MEDIA_TYPE),
                204: Said(None, "The end of the run was told already: browsers do not come again.", ""),
            },
            problems=problems,
        )
        everything = Operation(
            method="GET",
            path=f"{prefix}/stream",
            endpoint=self.of_tenant,
            summary="Follow runs, approvals and workers (SSE; as a WebSocket too)",
            area="operations",
            role="viewer",
            parameters=(
                Parameter("about", "query", "runs, approvals or workers. May come several times.", one_of(list(ABOUT))),
                Parameter("type", "query", "Only events of this type. May come several times.", one_of(TYPES)),
                Parameter("run", "query", "Only events of this run."),
                Parameter("workflow", "query", "Only events of runs of this workflow."),
                CURSOR,
                LAST,
            ),
            answers={200: Said(None, "Events that come from now on, or after the cursor.", MEDIA_TYPE)},
            problems=problems,
        )
        return of_run, everything

    def sockets(self, prefix: str) -> tuple[WebSocketRoute, ...]:
        """What is served beside operations: nobody has guarded that yet."""
        return (WebSocketRoute(f"{prefix}/stream", self.socket),)

    async def of_run(self, request: Request) -> Response:
        """The events of one run."""
        given = Given(request, ("cursor", "follow"))
        run_id, follows = request.path_params["run_id"], given.one_of("follow", _YES) == "true"
        cursor = given_in(request, given.one("cursor")) or Reader({})
        status = await self._runs.status_of(run_id, caller_of(request).tenant)
        if cursor.is_over and status in OVER and not follows:
            return Response(status_code=204)
        view = View(whose="run_id", name=run_id)
        return self._streamed(request, self._run(view, cursor, is_over=status in OVER, follows=follows))

    async def of_tenant(self, request: Request) -> Response:
        """The events of the caller's tenant."""
        view, cursor = self._asked(request)
        return self._streamed(request, self._tenant(view, cursor))

    async def socket(self, socket: WebSocket) -> None:
        """The same over a WebSocket. What its client says is not read, but that it leaves."""
        self._guard.check(socket, "viewer")
        _check_origin(socket)
        view, cursor = self._asked(socket)
        await socket.accept()
        sending = asyncio.create_task(self._send_all(socket, view, cursor))
        leaving = asyncio.create_task(_left(socket))
        try:
            await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.wait([sending, leaving])
        if not sending.cancelled():
            with contextlib.suppress(WebSocketDisconnect, TimeoutError):  # who leaves, or takes nothing
                sending.result()

    async def _send_all(self, socket: WebSocket, view: View, cursor: Reader) -> None:
        async for told in self._following.told(view, cursor.vector):
            for row, vector in told.events:
                await _sent(socket, {"id": text_of(vector), "event": document(row)})
            if told.is_beat:
                await _sent(socket, {"id": text_of(told.vector), "event": None})
        await socket.close(1012)

    def _asked(self, connection: HTTPConnection) -> tuple[View, Reader]:
        given = Given(connection, ("run", "workflow", "cursor"), ("about", "type"))
        about = given.among("about", tuple(ABOUT)) or list(ABOUT)
        view = View(
            whose="tenant",
            name=caller_of(connection).tenant,
            streams=tuple(sorted({ABOUT[one] for one in about})),
            types=tuple(given.among("type", TYPES)),
            run_id=given.one("run") or "",
            workflow=given.one("workflow") or "",
        )
        return view, given_in(connection, given.one("cursor")) or Reader(self._following.now)

    def _streamed(self, request: Request, parts: AsyncIterator[bytes]) -> Response:
        if request.method == "HEAD":
            return Response(media_type=MEDIA_TYPE)
        _ = self._following.now  # a problem while there is nothing to follow
        return StreamingResponse(parts, media_type=MEDIA_TYPE, headers=_HEADERS)

    async def _run(self, view: View, cursor: Reader, *, is_over: bool, follows: bool) -> AsyncIterator[bytes]:
        yield b"retry: %d\n\n" % _RETRY_MS
        async for told in self._following.told(view, cursor.vector):
            yield _rendered(told)
            is_over = is_over or any(_is_end(row) for row, _ in told.events)
            if is_over and not told.events and not follows:
                yield b"event: end\nid: %b\ndata: {}\n\n" % text_of(told.vector, is_over=True).encode()
                return

    async def _tenant(self, view: View, cursor: Reader) -> AsyncIterator[bytes]:
        yield b"retry: %d\n\n" % _RETRY_MS
        async for told in self._following.told(view, cursor.vector):
            yield _rendered(told)


def _rendered(told: Told) -> bytes:
    if told.is_beat:
        return b": still here\nid: %b\n\n" % text_of(told.vector).encode()
    return b"".join(
        b"id: %b\nevent: %b\ndata: %b\n\n"
        % (text_of(vector).encode(), row["type"].encode(), msgspec.json.encode(document(row)))
        for row, vector in told.events
    )


def _is_end(row: Row) -> bool:
    """Whether nothing more happens in the run: a refusal ends it where it is its beginning."""
    is_first_refusal = row["type"] == "RunRefused" and row["event_id"].endswith("/1")
    return row["stream"] == "runs" and (row["type"] in _ENDS or is_first_refusal)


async def _sent(socket: WebSocket, message: dict[str, Any]) -> None:
    """Wait until it is taken: whoever takes nothing for a minute is gone."""
    async with asyncio.timeout(TAKEN_WITHIN_S):
        await socket.send_text(msgspec.json.encode(message).decode())


async def _left(socket: WebSocket) -> None:
    try:
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass
    except (WebSocketDisconnect, RuntimeError):
        return


def _check_origin(socket: WebSocket) -> None:
    """A page of another site may open a WebSocket to anywhere: browsers only say that it does."""
    origin, host = socket.headers.get("origin"), socket.headers.get("host", "").lower()
    if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
        what = f"Expected no page of another site to open this, but its Origin is '{origin[:100]}'."
        raise Problem("foreign_page", what, field="Origin")
