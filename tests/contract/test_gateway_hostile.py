"""A gateway among clients that mean it no good: requests that two servers would read differently, frames that are none,
cursors of another list, conditions that nobody sets. Each is answered within bounds, and everybody else is served."""

import asyncio
import base64
import contextlib
import struct
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec

from foldgate.eventlog.memory import MemoryLog
from foldgate.gateway.http.app import API, Gateway
from foldgate.gateway.http.live import MEDIA_TYPE
from foldgate.runtime.health import MAX_MESSAGE_BYTES
from tests.support.door import Door, gateway, served
from tests.support.suite import running
from tests.support.waiting import until

JOBS = f"{API}/jobs"
BODY = b'{"topic": "job.x"}'
INNER = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (JOBS.encode(), len(BODY), BODY)
"""What is to be smuggled in: it would start a job."""


@contextlib.asynccontextmanager
async def a_door(url: str) -> AsyncIterator[tuple[Door, int]]:
    log = MemoryLog()
    async with running(log), gateway(log, url) as door, served(door) as port, asyncio.timeout(120):
        yield door, port


async def raw(port: int, sent: bytes) -> bytes:
    """All that is answered, until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        writer.write(sent)
        await writer.drain()
    found = await until_end(reader)
    writer.close()
    return found


async def until_end(reader: asyncio.StreamReader) -> bytes:
    """What comes, however the connection ends."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(65_536):
            found += chunk
    return found


def asked(
    *headers: bytes, body: bytes = b"", line: bytes = b"POST %s HTTP/1.1" % JOBS.encode(), end: bytes = b"\r\n"
) -> bytes:
    return end.join((line, b"Host: localhost", *headers)) + end + end + body


CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
LENGTH = b"Content-Length: %d"
SMUGGLED = {
    "a length and chunks": asked(LENGTH % 5, b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + INNER),
    "chunks and a length": asked(b"Transfer-Encoding: chunked", LENGTH % 5, body=b"0\r\n\r\n" + INNER),
    "two lengths": asked(LENGTH % len(BODY), LENGTH % 0, body=BODY + INNER),
    "a length twice": asked(LENGTH % len(BODY), LENGTH % len(BODY), body=BODY + INNER),
    "a list of lengths": asked(b"Content-Length: 0, 18", body=BODY + INNER),
    "a length with a sign": asked(b"Content-Length: +18", body=BODY + INNER),
    "a hexadecimal length": asked(b"Content-Length: 0x12", body=BODY + INNER),
    "a length with a blank in it": asked(b"Content-Length: 1 8", body=BODY + INNER),
    "a length without end": asked(b"Content-Length: " + b"9" * 30, body=BODY + INNER),
    "another coding": asked(b"Transfer-Encoding: xchunked", body=CHUNKS + INNER),
    "a coding after chunked": asked(b"Transfer-Encoding: chunked, identity", body=CHUNKS + INNER),
    "two codings": asked(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=CHUNKS + INNER),
    "a blank before the colon": asked(b"Transfer-Encoding : chunked", LENGTH % 0, body=CHUNKS + INNER),
    "a line that is folded": asked(b"X: a\r\n Transfer-Encoding: chunked", body=CHUNKS + INNER),
    "a folded coding": asked(b"Transfer-Encoding:\r\n chunked", body=CHUNKS + INNER),
    "bare line feeds": asked(LENGTH % 0, end=b"\n") + INNER,
    "a bare line feed in a header": asked(b"X: a\nContent-Length: 0", body=INNER),
    "a bare carriage return": asked(b"X: a\rContent-Length: 0", body=INNER),
    "a zero": asked(b"X: a\0b", LENGTH % 0, body=INNER),
    "a chunk that is longer than it says": asked(b"Transfer-Encoding: chunked", body=b"2\r\n{}x\r\n0\r\n\r\n" + INNER),
    "a chunk of less than nothing": asked(b"Transfer-Encoding: chunked", body=b"-1\r\n{}\r\n0\r\n\r\n" + INNER),
    "a chunk without end": asked(b"Transfer-Encoding: chunked", body=b"f" * 17 + b"\r\n{}\r\n0\r\n\r\n" + INNER),
    "a chunk with a bare line feed": asked(b"Transfer-Encoding: chunked", body=b"2\n{}\n0\n\n" + INNER),
    "a request in the trailer": asked(b"Transfer-Encoding: chunked", body=b"0\r\n" + INNER),
    "a request line of two": asked(line=b"POST %s HTTP/1.1 HTTP/1.1" % JOBS.encode(), body=INNER),
    "a blank in the target": asked(line=b"POST %s x HTTP/1.1" % JOBS.encode(), body=INNER),
    "another version": asked(line=b"POST %s HTTP/3.7" % JOBS.encode(), body=INNER),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + INNER,
    "a tunnel": asked(line=b"CONNECT localhost:443 HTTP/1.1", body=INNER),
}


async def test_what_two_servers_would_read_differently_is_refused_and_starts_nothing(postgres_url: str) -> None:
    async with a_door(postgres_url) as (door, port):
        answers = {name: await raw(port, sent) for name, sent in SMUGGLED.items()}
        wrong = {name: found for name, found in answers.items() if not _is_one_refusal(found)}
        assert wrong == {}
        assert (await door.client.get(f"{API}/workflow-runs")).json()["items"] == []
        found = await raw(port, asked(LENGTH % len(BODY), b"Connection: close", body=BODY))
        assert found.startswith(b"HTTP/1.1 201 "), "and whoever means well is served"
        assert "foldgate_" in (await door.client.get("/metrics")).text


def _is_one_refusal(found: bytes) -> bool:
    """Whether one thing is said, and that is that it is no request."""
    head, _, body = found.partition(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 400 ") and msgspec.json.decode(body)["code"] == "malformed_request"


def frame(opcode: int, payload: bytes = b"", *, is_last: bool = True, bits: int = 0, is_masked: bool = True) -> bytes:
    """A frame of a WebSocket as a client sends it; the mask is of zeros, which changes nothing."""
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + struct.pack("!H", size)
    first = is_last << 7 | bits << 4 | opcode
    return bytes([first, length[0] | is_masked << 7]) + length[1:] + bytes(4) * is_masked + payload


TEXT, BINARY, CLOSE, PING, PONG, GOES_ON = 1, 2, 8, 9, 10, 0
PROTOCOL, NO_TEXT, TOO_LARGE = 1002, 1007, 1009
FRAMES = {
    "without a mask": (frame(TEXT, b"x", is_masked=False), PROTOCOL),
    "a bit that means nothing": (frame(TEXT, b"x", bits=4), PROTOCOL),
    "a kind that means nothing": (frame(3), PROTOCOL),
    "a control that means nothing": (frame(11), PROTOCOL),
    "a ping in pieces": (frame(PING, is_last=False), PROTOCOL),
    "a large ping": (frame(PING, bytes(126)), PROTOCOL),
    "a piece of nothing": (frame(GOES_ON, b"x"), PROTOCOL),
    "a text within a text": (frame(TEXT, b"x", is_last=False) + frame(TEXT, b"x"), PROTOCOL),
    "a length that is not the shortest": (b"\x81\xfe\0\x01" + bytes(5), PROTOCOL),
    "a length beyond all": (b"\x82\xff" + b"\xff" * 8 + bytes(4), PROTOCOL),
    "half a code": (frame(CLOSE, b"\x03"), PROTOCOL),
    "a code that nobody may send": (frame(CLOSE, struct.pack("!H", 1005)), PROTOCOL),
    "a reason that is no text": (frame(CLOSE, struct.pack("!H", 1000) + b"\xff"), NO_TEXT),
    "what is no text": (frame(TEXT, b"\xff"), NO_TEXT),
    "half a letter": (frame(TEXT, "\u00e4".encode()[:1]), NO_TEXT),
    "more than is taken": (frame(TEXT, bytes(MAX_MESSAGE_BYTES + 1)), TOO_LARGE),
    "more bytes than are taken": (frame(BINARY, bytes(MAX_MESSAGE_BYTES + 1)), TOO_LARGE),
    "pieces without end": (
        frame(TEXT, b"x", is_last=False) + frame(GOES_ON, bytes(1000), is_last=False) * 9,
        TOO_LARGE,
    ),
    "no frames": (INNER, PROTOCOL),
}
"""What ends a WebSocket, and the code that its client is told."""
HARMLESS = {
    "a text": frame(TEXT, b"x" * 100),
    "bytes": frame(BINARY, bytes(100)),
    "a pong that nobody asked for": frame(PONG, b"x"),
    "pieces with a ping between": frame(TEXT, b"x", is_last=False) + frame(PING) + frame(GOES_ON, b"x"),
    "a beginning": frame(TEXT, b"x", is_last=False) + frame(GOES_ON, b"x", is_last=False),
    "many texts": frame(TEXT, b"x") * 200,
    "many pings": frame(PING, b"x") * 2000,
}


@contextlib.asynccontextmanager
async def a_socket(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """One that was opened, byte by byte."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        key = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
        opening = (b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13", key)
        writer.write(asked(*opening, line=b"GET %s/stream HTTP/1.1" % API.encode()))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        yield reader, writer
    finally:
        writer.close()


async def code_at_the_end(reader: asyncio.StreamReader) -> int:
    """The code that a WebSocket is closed with; 0 if it is none."""
    found = await until_end(reader)
    return int(struct.unpack_from("!H", found, 2)[0]) if found[:1] == b"\x88" else 0


async def test_frames_that_are_none_end_their_socket_and_no_other(postgres_url: str) -> None:
    async with a_door(postgres_url) as (door, port), a_socket(port) as (reader, writer):
        codes = {}
        for name, (sent, _) in FRAMES.items():
            async with a_socket(port) as (its_reader, its_writer):
                its_writer.write(sent)
                codes[name] = await code_at_the_end(its_reader)
        assert codes == {name: expected for name, (_, expected) in FRAMES.items()}
        for name, sent in HARMLESS.items():
            async with a_socket(port) as (its_reader, its_writer):
                its_writer.write(sent + frame(PING, name.encode()))
                await its_reader.readuntil(name.encode())
                its_writer.write(frame(CLOSE, struct.pack("!H", 1000)))
                assert await code_at_the_end(its_reader) == 1000, name
        writer.write(frame(PING, b"still"))
        await reader.readuntil(b"still")
        assert (await door.client.get(f"{API}/status")).status_code == 200


FLOW = "id: flow\nversion: '{version}'\nsteps:\n  hold: {{type: wait, signal: go}}\n"


async def lists_of(door: Door) -> dict[str, str]:
    """All lists that have pages, with the cursor of the second where there is one."""
    run_id = ""
    for version in (1, 2):
        document = FLOW.format(version=version)
        for text in (document, document.replace("flow", "other")):
            assert (await door.client.post(f"{API}/workflows", content=text)).status_code == 201
        begun = await door.client.post(f"{API}/workflows/flow/runs", json={"input": {}})
        run_id = begun.json()["run_id"]
        assert (await door.client.post(JOBS, content=BODY)).status_code == 201
    ids = {"run_id": run_id, "workflow": "flow", "job": run_id}
    assert isinstance(door.host.app, Gateway)
    paths = [
        one.path.format(**ids)
        for one in door.host.app.operations
        if any(parameter.name == "cursor" for parameter in one.parameters) and one.answers[200].media_type != MEDIA_TYPE
    ]
    found: dict[str, str] = {}

    async def have_pages() -> bool:
        for path in paths:
            found[path] = (await door.client.get(path, params={"limit": 1})).json().get("next_cursor") or ""
        return sum(map(bool, found.values())) >= 6

    await until(have_pages, what="lists of more than a page")
    return found


def list_in(cursor: str) -> Any:
    """The list that it leads on in."""
    return msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))[0]


async def test_a_cursor_leads_on_in_its_own_list_alone(postgres_url: str) -> None:
    async with a_door(postgres_url) as (door, _):
        found = await lists_of(door)
        for path, own in found.items():
            for other in filter(None, found.values()):
                answer = await door.client.get(path, params={"cursor": other})
                if own and list_in(other) == list_in(own):
                    assert answer.status_code == 200, path
                elif own:
                    said = (answer.status_code, answer.json()["code"], answer.json()["field"])
                    assert said == (400, "invalid_parameter", "cursor"), (path, list_in(other))
                else:
                    assert answer.status_code in (200, 400), path
            for made_up in (own[:-1], own + "A", own.upper(), f"{own}=", "W10", "bnVsbA", "e30"):
                if made_up and made_up != own:
                    assert (await door.client.get(path, params={"cursor": made_up})).status_code == 400, (path, made_up)


CONDITIONS = (
    {"If-None-Match": "*"},
    {"If-Match": '"x"'},
    {"If-Modified-Since": "Fri, 31 Dec 2100 00:00:00 GMT"},
    {"If-Unmodified-Since": "Fri, 31 Dec 1999 00:00:00 GMT"},
    {"Range": "bytes=0-0"},
    {"Range": "bytes=5-1,-,x", "If-Range": '"x"'},
    {"Accept": "text/html"},
    {"Accept-Encoding": "gzip;q=x, \t,,,"},
    {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"},
    {"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Host": "elsewhere", "Forwarded": "for=x"},
    {"X-Original-URL": "/metrics", "X-Rewrite-URL": "/metrics"},
    {"Expect": "nonsense"},
    {"Cookie": "a=" + "b" * 4000},
    {"TE": "trailers", "Trailer": "X-Tenant-ID", "Keep-Alive": "timeout=-1"},
)
"""Headers that could mean something, and mean nothing here."""


async def test_conditions_and_overrides_change_nothing(postgres_url: str) -> None:
    async with a_door(postgres_url) as (door, port):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            for path in (f"{API}/workflow-runs", f"{API}/pools", "/openapi.json"):
                plain = await client.get(path)
                assert plain.status_code == 200
                for headers in CONDITIONS:
                    answer = await client.get(path, headers=headers)
                    assert (answer.status_code, answer.content) == (200, plain.content), (path, headers)
                    assert "content-range" not in answer.headers
            assert (await client.get(f"{API}/nowhere", headers={"If-None-Match": "*"})).status_code == 404
        waits = asked(LENGTH % len(BODY), b"Expect: 100-continue", b"Connection: close", body=BODY)
        found = await raw(port, waits)
        assert b" 201 " in found.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").partition(b"\r\n")[0]
        assert (await door.client.get(f"{API}/status")).status_code == 200
