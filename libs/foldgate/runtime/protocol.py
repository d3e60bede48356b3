"""HTTP within bounds: uvicorn's protocol, which by itself waits for ever and reads without end.

Each connection has ten seconds for the head of a request, from its first byte or, for the first request, from the
connection; a body has to go on, by so much a minute; and what was written is taken within a minute. Heads are bounded
in bytes, headers in number, URLs in length. What is beyond is answered with a problem, as everything is, where nothing
else is being answered on that connection, and the connection ends. Of requests that wait behind another there are a
hundred at most. Of connections there are so many and no more, and some files stay free for the servers behind us.
"""

import asyncio
import contextlib
import resource
from typing import Any, NamedTuple

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection, Ping

HEAD_WITHIN_S, BODY_GOES_ON_S, TAKEN_WITHIN_S = 10.0, 60.0, 60.0
GOES_ON_BYTES = 256 * 1024
MAX_HEAD_BYTES, MAX_HEADERS, MAX_URL_BYTES = 64 * 1024, 100, 8 * 1024
MAX_WAITING = 100
"""Requests on one connection behind the one that is being answered: whoever sends more takes no answers."""
MAX_CONNECTIONS = 8_192
SPARE_FILES = 256


class Bounds(NamedTuple):
    """What one connection may take, and how many there may be."""

    connections: int = MAX_CONNECTIONS
    head_within_s: float = HEAD_WITHIN_S
    body_goes_on_s: float = BODY_GOES_ON_S
    taken_within_s: float = TAKEN_WITHIN_S


class Refusal(NamedTuple):
    """Why a connection ends before its request is one."""

    status: int
    code: str
    title: str
    detail: str


TOO_MANY = Refusal(
    503,
    "too_many_connections",
    "Too many connections",
    "Expected fewer connections to this process, but there are as many as it serves: try again soon.",
)
TOO_SLOW = Refusal(
    408,
    "too_slow",
    "The request took too long",
    f"Expected the head of a request within {HEAD_WITHIN_S:g} s, and then a body that goes on, but it has not come.",
)
URL_TOO_LONG = Refusal(
    414,
    "url_too_long",
    "The URL is too long",
    f"Expected a URL of at most {MAX_URL_BYTES} bytes, but it has more: ask for less at once.",
)
HEADERS_TOO_LARGE = Refusal(
    431,
    "headers_too_large",
    "The headers are too large",
    f"Expected at most {MAX_HEADERS} headers of at most {MAX_HEAD_BYTES} bytes together, but there are more.",
)
MALFORMED = Refusal(
    400, "malformed_request", "The request is not HTTP", "Expected a request as HTTP/1.1 has it, but it is not one."
)
REFUSALS = (TOO_MANY, TOO_SLOW, URL_TOO_LONG, HEADERS_TOO_LARGE, MALFORMED)


def places(wanted: int) -> int:
    """How many connections there may be: as many as are wanted, if this process may have the files for them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted + SPARE_FILES:
        most = wanted + SPARE_FILES
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft == resource.RLIM_INFINITY else min(wanted, max(soft - SPARE_FILES, soft // 2))


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *, bounds: Bounds, **given: Any) -> None:
        super().__init__(**given)
        self._bounds = bounds
        self._refusal = MALFORMED
        self._deadline: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None
        self._head_bytes = self._body_bytes = 0
        self._in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._bounds.connections:
            self._refuse(TOO_MANY)
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if self._taking is not None:
            self._taking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(HEADERS_TOO_LARGE if self.headers else URL_TOO_LONG)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if not self._in_head:  # the first began with the connection
            self._in_head, self._head_bytes = True, 0
            self._await_head()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_waiting()
        if len(self.pipeline) >= MAX_WAITING:
            raise _Objection
        if (refusal := self._objection()) is not None:
            self._refusal = refusal
            raise _Objection  # which the parser makes an error of, and that is answered by `send_400_response`
        super().on_headers_complete()
        self._await_body()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._stop_waiting()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._stop_waiting()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        del msg
        self._refuse(self._refusal)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._taking = self.loop.call_later(self._bounds.taken_within_s, self.transport.abort)

    def resume_writing(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None
        super().resume_writing()

    def _objection(self) -> Refusal | None:
        if len(self.url) > MAX_URL_BYTES:
            return URL_TOO_LONG
        held = sum(len(name) + len(value) for name, value in self.headers)
        return HEADERS_TOO_LARGE if len(self.headers) > MAX_HEADERS or held > MAX_HEAD_BYTES else None

    def _await_head(self) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(self._bounds.head_within_s, self._refuse, TOO_SLOW)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _await_body(self) -> None:
        self._body_bytes = 0
        self._deadline = self.loop.call_later(self._bounds.body_goes_on_s, self._look_at_body)

    def _look_at_body(self) -> None:
        """Wait on for a body that comes, or that we do not take; else its sender is told, and its reader let go."""
        if self._body_bytes >= GOES_ON_BYTES or self.flow.read_paused:
            self._await_body()
        else:
            self._refuse(TOO_SLOW)

    def _refuse(self, refusal: Refusal) -> None:
        """Say why, unless something else is being said here, and end the connection."""
        self._stop_waiting()
        cycle: RequestResponseCycle | None = self.cycle  # there is none before the first
        is_its_body = cycle is not None and cycle.more_body and not (cycle.response_started or self.pipeline)
        if self.transport.is_closing():
            return
        if cycle is None or cycle.response_complete or is_its_body:
            self.transport.write(_response(refusal))
        if cycle is not None and is_its_body:  # whoever waits for the rest of it says nothing more
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()


class BoundedWebSocket(WSProtocol):
    """One WebSocket. Who asks whether we are here, and does not take the answers, gets no more of them; who sends what
    is no frame is told by a code, not only let go."""

    def handle_ping(self, event: Ping) -> None:
        if self.writable.is_set():
            super().handle_ping(event)

    def handle_close(self, event: CloseConnection) -> None:
        if self.conn.state is ConnectionState.OPEN:  # nobody has asked for this: it came of what could not be read
            self.transport.write(self.conn.send(CloseConnection(code=event.code, reason=event.reason)))
        super().handle_close(event)


class _Objection(Exception):
    """The head of a request is refused."""


def _response(refusal: Refusal) -> bytes:
    body = msgspec.json.encode({"type": f"urn:foldgate:problem:{refusal.code}", **refusal._asdict()})
    again = b"retry-after: 1\r\n" if refusal.status == TOO_MANY.status else b""
    return b"".join(
        (
            STATUS_LINE[refusal.status],
            b"content-type: application/problem+json\r\n",
            b"cache-control: no-store\r\n",
            b"content-length: %d\r\n" % len(body),
            again,
            b"connection: close\r\n\r\n",
            body,
        )
    )
