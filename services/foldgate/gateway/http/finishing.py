"""The outermost layer: what every answer has on it, and how it travels.

Nothing may be kept by anybody on the way unless an answer says otherwise, no browser may take it for anything but what
it is, and what is large is compressed for those who take that. Streams go through as they come.
"""

import asyncio
import gzip
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

WORTH_COMPRESSING, WORTH_A_THREAD = 1024, 128 * 1024
_LEVEL = 5
_GZIP = re.compile(r"\s*(gzip|x-gzip|\*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?", re.IGNORECASE)
_TEXT = re.compile(r"application/(problem\+)?json|text/(?!event-stream)")
_ALWAYS = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
}


class Finishing:
    """Finishes every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _Answer(scope, send).send)


def takes_gzip(headers: Headers) -> bool:
    """Whether the client says that it takes gzip."""
    wanted: dict[str, float] = {}
    for part in ",".join(headers.getlist("accept-encoding")).split(","):
        if match := _GZIP.fullmatch(part):
            wanted[match[1].lower()] = float(match[2] or 1)
    return wanted.get("gzip", wanted.get("x-gzip", wanted.get("*", 0))) > 0


class _Answer:
    """One answer, held back until it is known whether all of it is there at once."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            given = dict(message.get("headers", ()))
            own = [(name, value) for name, value in _ALWAYS.items() if name not in given]
            message["headers"] = [*message.get("headers", ()), *own]
            if b"content-length" in given:  # which a stream has not: its client is told at once that it begins
                self._start = message
            else:
                await self._send(message)
        elif self._start is not None:
            await self._begin(self._start, message)
        else:
            await self._send(message)

    async def _begin(self, start: Message, message: Message) -> None:
        self._start = None
        body, is_all = message.get("body", b""), not message.get("more_body", False)
        headers = MutableHeaders(raw=start["headers"])
        if is_all and len(body) >= WORTH_COMPRESSING and _may_shrink(headers):
            headers.add_vary_header("Accept-Encoding")
            if takes_gzip(Headers(scope=self._scope)):
                message = {**message, "body": await _compressed(body)}
                headers["Content-Encoding"] = "gzip"
                headers["Content-Length"] = str(len(message["body"]))
        await self._send(start)
        await self._send(message)


def _may_shrink(headers: MutableHeaders) -> bool:
    """Text does; what bytes are is not known."""
    return "content-encoding" not in headers and bool(_TEXT.match(headers.get("content-type", "")))


async def _compressed(body: bytes) -> bytes:
    if len(body) < WORTH_A_THREAD:
        return gzip.compress(body, _LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)
