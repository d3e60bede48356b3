"""What a service says of its own readiness, over HTTP."""

import asyncio

import msgspec

_ANSWERS_WITHIN_S = 5.0


class Unreadiness(msgspec.Struct, frozen=True):
    """What a service that is not ready waits for, by service."""

    waiting_for: dict[str, str] = {}


async def is_ready(host: str, port: int) -> bool:
    """Whether it says that it is ready."""
    return await unreadiness(host, port) is None


async def unreadiness(host: str, port: int) -> Unreadiness | None:
    """What it still waits for; None if it is ready."""
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            head, _, body = (await _asked(at_home(host), port)).partition(b"\r\n\r\n")
    except (OSError, TimeoutError):
        return Unreadiness({"http": f"an answer at {host}:{port}"})
    if b" 200 " in head.partition(b"\r\n")[0]:
        return None
    try:
        return msgspec.json.decode(body, type=Unreadiness)
    except msgspec.MsgspecError:
        return Unreadiness()


async def _asked(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET /readyz HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode())
        return await reader.read()
    finally:
        writer.close()


def at_home(host: str) -> str:
    """The address under which this machine reaches what listens there."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - nothing is bound here
