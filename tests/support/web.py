"""A real server on loopback that answers as a test has it, byte by byte, and remembers what it was asked."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import NamedTuple

Answer = bytes | Callable[["Asked", asyncio.StreamWriter], Awaitable[None]]


class Asked(NamedTuple):
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Web:
    """What it answers by path; `asked` are the requests, in order."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request on a connection."""
        self._writers.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head.split(" ")
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            asked = Asked(method, target, headers, body)
            self.asked.append(asked)
            answer = self.answers.get(target.partition("?")[0], response(404, b"nothing here"))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(asked, writer)
        self._writers.discard(writer)
        writer.close()

    async def hang_up(self) -> None:
        """Whoever still waits for an answer gets none."""
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)


def response(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """A whole answer."""
    named = {"Content-Length": str(len(body)), **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode("latin-1") + body


@contextlib.contextmanager
def web(*, tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    """One at work in a thread of its own, on a port of its own."""
    site, began, stop = Web(), threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def stay() -> None:
        server = await asyncio.start_server(site.serve, "127.0.0.1", 0, ssl=tls)
        site.port = server.sockets[0].getsockname()[1]
        loops.append(asyncio.get_running_loop())
        began.set()
        await stop.wait()
        server.close()
        await site.hang_up()

    thread = threading.Thread(target=lambda: asyncio.run(stay()), daemon=True)
    thread.start()
    assert began.wait(10)
    try:
        yield site
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(10)
