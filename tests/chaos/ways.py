"""A network that can be cut: one way to the log for each program, through a proxy in the test's own process.

Nothing goes round it: a broker tells clients of a listener the proxy's address and no other, and a database is given by
the proxy's socket alone. A way that is cut resets what is open and whatever is tried; one that swallows takes what it
is given, and keeps it until it is restored: late, in order and complete, as from a network that was parted.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_RESET = struct.pack("ii", 1, 0)
_AT_ONCE = 65_536


class Way:
    """From one program to its log."""

    def __init__(self, reach: Callable[[], Awaitable[Streams]]) -> None:
        self._reach, self._is_cut, self._flows = reach, False, asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        self._flows.set()
        self.refused = 0

    def cut(self) -> None:
        """Reset whatever is open, and whatever is tried from now on."""
        self._is_cut = True
        for writer in self._open:
            _reset(writer)
        self._flows.set()

    def swallow(self) -> None:
        """Take everything, and pass nothing on."""
        self._flows.clear()

    def restore(self) -> None:
        """As it was."""
        self._is_cut = False
        self._flows.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        with self._counted(writer):
            await self._flows.wait()
            if self._is_cut:
                self.refused += 1
                return
            with contextlib.suppress(OSError):
                far_reader, far_writer = await self._reach()
                with self._counted(far_writer):
                    both = [self._pump(reader, far_writer), self._pump(far_reader, writer)]
                    await _first_of([asyncio.ensure_future(one) for one in both])

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while some := await source.read(_AT_ONCE):
                await self._flows.wait()
                target.write(some)
                await target.drain()

    @contextlib.contextmanager
    def _counted(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        self._open.add(writer)
        try:
            yield
        finally:
            self._open.discard(writer)
            _close(writer, reset=self._is_cut)


def _close(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if reset:
        _reset(writer)
    else:
        writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.family == socket.AF_INET:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def _first_of(tasks: "list[asyncio.Future[None]]") -> None:
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def way_to_port(port: int, *, at: int) -> AsyncIterator[Way]:
    """To a port of this machine, by another."""
    way = Way(lambda: asyncio.open_connection("127.0.0.1", port))
    server = await asyncio.start_server(way.serve, "127.0.0.1", at)
    try:
        yield way
    finally:
        way.cut()
        server.close()


@contextlib.asynccontextmanager
async def way_to_socket(path: Path, *, at: Path) -> AsyncIterator[Way]:
    """To a socket in the file system, by another."""
    way = Way(lambda: asyncio.open_unix_connection(str(path)))
    server = await asyncio.start_unix_server(way.serve, str(at))
    try:
        yield way
    finally:
        way.cut()
        server.close()
