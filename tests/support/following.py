"""Those who follow a gateway: by SSE and by WebSocket, over real connections."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import httpx
import msgspec
from wsproto import ConnectionType, WSConnection
from wsproto.events import CloseConnection, Event, RejectConnection, RejectData, Request, TextMessage


class Sent(NamedTuple):
    """One event of an SSE stream; a sign of life has neither a type nor data."""

    type: str
    id: str
    data: Any

    @property
    def place(self) -> tuple[str, int, int]:
        return self.data["stream"], self.data["partition"], self.data["offset"]


async def sent(answer: httpx.Response) -> AsyncIterator[Sent]:
    """What comes, whatever it is."""
    assert answer.status_code == 200, await answer.aread()
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        else:
            yield Sent(fields.get("event", ""), fields.get("id", ""), msgspec.json.decode(fields.get("data", "null")))
            fields = {}


class Refused(Exception):
    """There is no WebSocket: the status, and what was said."""

    def __init__(self, status: int, said: Any) -> None:
        super().__init__(f"{status}: {said}")
        self.status, self.said = status, said


class Socket:
    """A WebSocket that was opened. Its client says nothing."""

    def __init__(self, connection: WSConnection, reader: asyncio.StreamReader) -> None:
        self._connection, self._reader = connection, reader
        self._events: list[Event] = []

    async def event(self) -> Event:
        """The next of the protocol's events."""
        while not self._events:
            data = await self._reader.read(65536)
            self._connection.receive_data(data or None)
            self._events += self._connection.events()
        return self._events.pop(0)

    async def message(self) -> Any:
        """The next message; None at the end."""
        text = ""
        while not isinstance(event := await self.event(), CloseConnection):
            if isinstance(event, TextMessage):
                text += event.data
                if event.message_finished:
                    return msgspec.json.decode(text)
        return None


@contextlib.asynccontextmanager
async def socket_to(port: int, target: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[Socket]:
    """A WebSocket to a gateway here."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        connection = WSConnection(ConnectionType.CLIENT)
        named = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        writer.write(connection.send(Request(host=f"127.0.0.1:{port}", target=target, extra_headers=named)))
        socket = Socket(connection, reader)
        if isinstance(answer := await socket.event(), RejectConnection):
            said = b""
            while isinstance(part := await socket.event(), RejectData):
                said += part.data
                if part.body_finished:
                    break
            raise Refused(answer.status_code, msgspec.json.decode(said))
        yield socket
    finally:
        writer.close()
