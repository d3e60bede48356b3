"""HTTP within bounds, on a server that is really there: who sends too much, too little or nonsense is told, and let go,
and everybody else is served meanwhile."""

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from wsproto.events import Ping

from foldgate.gateway.http.problems import CODES
from foldgate.runtime import protocol
from foldgate.runtime.health import listen, serve
from foldgate.runtime.protocol import (
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_URL_BYTES,
    MAX_WAITING,
    REFUSALS,
    BoundedProtocol,
    BoundedWebSocket,
    Bounds,
    places,
)
from tests.support.waiting import until

OPENING = (
    b"GET /socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
GOOD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
SOON = Bounds(head_within_s=0.1, body_goes_on_s=0.1, taken_within_s=0.1)


class Server:
    """An application that counts what reached it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gone = asyncio.Event()
        self.port = 0
        paths = [
            Route("/", self.hello, methods=["GET", "POST"]),
            Route("/large", self.large),
            WebSocketRoute("/socket", self.socket),
            Route("/{_:path}", self.hello),
        ]
        self.app = Starlette(routes=paths)

    async def hello(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        try:
            return PlainTextResponse(f"hello {len(await request.body())}")
        except ClientDisconnect:
            self.gone.set()
            raise

    async def socket(self, socket: WebSocket) -> None:
        await socket.accept()
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass

    async def large(self, _: Request) -> Response:
        return Response(bytes(64 * 1024 * 1024))

    async def says(self, data: bytes) -> bytes:
        """All that is answered to these bytes, until the connection ends."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        with contextlib.suppress(ConnectionError):
            writer.write(data)
            await writer.drain()
        found = b""
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(65_536):
                found += chunk
        writer.close()
        return found


@contextlib.asynccontextmanager
async def serving(bounds: Bounds = Bounds()) -> AsyncIterator[Server]:  # noqa: B008 - a value
    server = Server()
    with contextlib.closing(listen("127.0.0.1", 0)) as listening:
        server.port = listening.getsockname()[1]
        task = asyncio.create_task(serve(server.app, listening, bounds=bounds))
        try:
            async with asyncio.timeout(60):
                yield server
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def problem(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert b"content-type: application/problem+json" in lines, answer[:500]
    assert b"connection: close" in lines
    document: dict[str, Any] = msgspec.json.decode(body)
    assert document["type"] == f"urn:foldgate:problem:{document['code']}"
    assert document["status"] == int(lines[0].split()[1])
    return document["status"], document["code"]


def head(*lines: bytes) -> bytes:
    return b"\r\n".join((b"GET / HTTP/1.1", b"Host: x", b"Connection: close", *lines)) + b"\r\n\r\n"


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.code)
def test_its_problems_are_those_of_the_gateway(refusal: protocol.Refusal) -> None:
    assert CODES[refusal.code] == (refusal.status, refusal.title)


TOLD = {
    "no HTTP": (b"hello\r\n\r\n", (400, "malformed_request")),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", (400, "malformed_request")),
    "a header of two lines": (head(b"X-Tenant-ID: a\r\n b"), (400, "malformed_request")),
    "a header without a name": (head(b": a"), (400, "malformed_request")),
    "a name with a blank": (head(b"X-Tenant-ID : a"), (400, "malformed_request")),
    "a zero in a header": (head(b"X-Tenant-ID: a\0b"), (400, "malformed_request")),
    "a bare line feed in a header": (head(b"X: a\nX-Tenant-ID: b\rc"), (400, "malformed_request")),
    "two lengths": (head(b"Content-Length: 1", b"Content-Length: 2"), (400, "malformed_request")),
    "a length and chunks": (head(b"Content-Length: 1", b"Transfer-Encoding: chunked"), (400, "malformed_request")),
    "a length that is none": (head(b"Content-Length: -1"), (400, "malformed_request")),
    "a long URL": (b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * MAX_URL_BYTES), (414, "url_too_long")),
    "a URL without end": (b"GET /%s" % (b"a" * MAX_HEAD_BYTES), (414, "url_too_long")),
    "many headers": (head(*(b"X-%d: 1" % n for n in range(MAX_HEADERS))), (431, "headers_too_large")),
    "a large header": (head(b"X: " + b"a" * MAX_HEAD_BYTES), (431, "headers_too_large")),
    "headers without end": (head()[:-2] + b"X: %s" % (b"a" * MAX_HEAD_BYTES), (431, "headers_too_large")),
}


@pytest.mark.parametrize("name", TOLD)
async def test_what_is_beyond_the_bounds_is_told_and_reaches_nobody(name: str) -> None:
    sent, expected = TOLD[name]
    async with serving() as server:
        assert problem(await server.says(sent)) == expected
        assert server.asked == []
        assert (await server.says(head())).endswith(b"hello 0"), "and others are served"


async def test_what_is_within_the_bounds_is_taken() -> None:
    many = [b"X-%d: 1" % n for n in range(MAX_HEADERS - 2)]
    async with serving() as server:
        assert (await server.says(head(*many))).endswith(b"hello 0")
        assert (await server.says(head(b"X: " + b"a" * (MAX_HEAD_BYTES // 2)))).endswith(b"hello 0")
        long = b"GET /%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % (b"a" * (MAX_URL_BYTES - 1))
        assert (await server.says(long)).endswith(b"hello 0")


async def test_connections_are_kept_and_requests_on_them_answered_in_order() -> None:
    body = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    async with serving() as server:
        found = await server.says(GOOD + body + head())
    assert found.count(b"HTTP/1.1 200 OK") == 3
    assert found.index(b"hello 0") < found.index(b"hello 3") < found.rindex(b"hello 0")


async def test_who_asks_for_too_much_before_he_takes_an_answer_is_let_go(connections: list[BoundedProtocol]) -> None:
    async with serving() as server:
        found = await server.says(GOOD * MAX_WAITING + head())
        assert found.count(b"HTTP/1.1 200 OK") == MAX_WAITING + 1, "the first does not wait"
        found = await server.says(GOOD * 10 * MAX_WAITING + head())
        assert found.count(b"HTTP/1.1 200 OK") < 10 * MAX_WAITING
        assert len(connections[-1].pipeline) <= MAX_WAITING
        assert (await server.says(head())).endswith(b"hello 0")


@pytest.mark.parametrize("sent", [b"", b"GET / HT", head()[:-2]], ids=["nothing", "a beginning", "all but the end"])
async def test_who_does_not_say_what_is_wanted_is_not_waited_for(sent: bytes) -> None:
    async with serving(SOON) as server:
        assert problem(await server.says(sent)) == (408, "too_slow")
        assert server.asked == []


async def test_a_second_request_that_does_not_come_is_not_waited_for() -> None:
    async with serving(SOON) as server:
        found = await server.says(GOOD + b"GET / HT")
    first, _, second = found.partition(b"hello 0")
    assert first.startswith(b"HTTP/1.1 200 OK")
    assert problem(second) == (408, "too_slow")


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async with serving(SOON) as server:
        sent = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"
        assert problem(await server.says(sent)) == (408, "too_slow")
        await server.gone.wait()


WRONG_BODIES = {
    "longer than it says": b"2\r\nabc\r\n",
    "of no size": b"x\r\n",
    "of less than nothing": b"-1\r\n",
    "larger than anything": b"f" * 17 + b"\r\n",
}


@pytest.mark.parametrize("name", WRONG_BODIES)
async def test_a_body_that_is_none_is_told_and_its_reader_let_go(name: str) -> None:
    chunked = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
    async with serving() as server:
        assert problem(await server.says(chunked + WRONG_BODIES[name] + GOOD)) == (400, "malformed_request")
        await server.gone.wait()
        found = await server.says(GOOD + chunked + WRONG_BODIES[name])
        assert not found or found.startswith(b"HTTP/1.1 200 "), "what is said to one is not said to another"
        assert (await server.says(head())).endswith(b"hello 0")


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[BoundedProtocol]:
    """Those that were made."""
    found: list[BoundedProtocol] = []
    made = BoundedProtocol.connection_made

    def note(self: BoundedProtocol, transport: asyncio.Transport) -> None:
        found.append(self)
        made(self, transport)

    monkeypatch.setattr(BoundedProtocol, "connection_made", note)
    return found


async def test_a_body_that_goes_on_is_waited_for(
    connections: list[BoundedProtocol], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "GOES_ON_BYTES", 3)
    async with serving() as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        await until(lambda: bool(connections) and connections[0]._body_bytes == 3, what="the beginning of a body")
        connections[0]._look_at_body()
        assert not connections[0].transport.is_closing()
        connections[0]._look_at_body()
        assert connections[0].transport.is_closing(), "nothing came since"
        await server.gone.wait()
        writer.close()


async def test_who_does_not_take_his_answer_is_let_go(connections: list[BoundedProtocol]) -> None:
    async with serving(SOON) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: bool(connections) and connections[0].transport.is_closing(), what="the end of it")
        writer.close()


async def test_of_connections_there_are_so_many_and_no_more(connections: list[BoundedProtocol]) -> None:
    async with serving(Bounds(connections=3)) as server:
        open_ones = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(3)]
        await until(lambda: len(connections) == 3, what="three connections")
        found = await server.says(GOOD)
        assert problem(found) == (503, "too_many_connections")
        assert b"retry-after: 1" in found
        for _, writer in open_ones:
            writer.close()
        await until(lambda: not connections[0].connections, what="nobody")
        assert (await server.says(head())).endswith(b"hello 0")


async def test_three_thousand_who_say_nothing_keep_nobody_from_being_served(
    connections: list[BoundedProtocol],
) -> None:
    many = 3_000
    async with serving(Bounds(connections=many + 1, head_within_s=600)) as server:
        idle = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(many)]
        await until(lambda: len(connections) == many, what="all of them")
        assert (await server.says(head())).endswith(b"hello 0")
        last = await asyncio.open_connection("127.0.0.1", server.port)
        await until(lambda: len(connections[0].connections) == many + 1, what="as many as there may be")
        assert problem(await server.says(GOOD)) == (503, "too_many_connections")
        for _, writer in (*idle, last):
            writer.close()
        await until(lambda: not connections[0].connections, what="nobody")
        assert (await server.says(head())).endswith(b"hello 0")


async def test_who_takes_no_answer_to_a_ping_gets_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    sockets: list[BoundedWebSocket] = []
    made = BoundedWebSocket.connection_made

    def note(self: BoundedWebSocket, transport: asyncio.Transport) -> None:
        sockets.append(self)
        made(self, transport)

    monkeypatch.setattr(BoundedWebSocket, "connection_made", note)
    async with serving() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(OPENING)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        sockets[0].pause_writing()
        sockets[0].handle_ping(Ping(b"unanswered"))
        sockets[0].resume_writing()
        sockets[0].handle_ping(Ping(b"answered"))
        assert await reader.readexactly(10) == b"\x8a\x08answered"
        writer.write(b"\x83\x80\0\0\0\0")  # a frame of no kind
        said = await reader.read()
        assert (said[:1], said[2:4]) == (b"\x88", b"\x03\xea"), "closed, for an error of protocol"
        writer.close()


LIMITS = {
    "enough": ((4_096, 4_096), 1_000, None, 1_000),
    "enough if it asks": ((300, 4_096), 1_000, (1_256, 4_096), 1_000),
    "not enough": ((300, 1_000), 1_000, (1_000, 1_000), 744),
    "hardly any": ((100, 100), 1_000, (100, 100), 50),
    "without end": ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), 1_000, None, 1_000),
    "enough without end": ((300, resource.RLIM_INFINITY), 1_000, (1_256, resource.RLIM_INFINITY), 1_000),
}


@pytest.mark.parametrize("name", LIMITS)
def test_files_are_left_for_others(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limit, wanted, asked, expected = LIMITS[name]
    limits = [limit]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, given: limits.append(given))
    assert places(wanted) == expected
    assert limits == [limit, *([asked] if asked else [])]
