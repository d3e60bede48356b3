"""Health, readiness and metrics of one process over HTTP, and the server they and the gateway share."""

import asyncio
import contextlib
import functools
import socket
from collections.abc import Iterator, Mapping
from typing import Protocol

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from foldgate.runtime.protocol import BoundedProtocol, BoundedWebSocket, Bounds, places

BOUNDS = Bounds()
MAX_MESSAGE_BYTES = 4096
"""What a client may say at once on a WebSocket: nobody has to say anything there."""
KEPT_S = 75
"""How long a connection without a request is kept: longer than clients and proxies do, so that it is they who end it,
and no request is on its way to a connection that has just ended."""


class Part(Protocol):
    """Something that becomes ready, and is measured."""

    @property
    def ready(self) -> bool: ...

    def waiting_for(self) -> str: ...

    async def measure(self) -> None:
        """Bring its metrics up to date that nothing else does."""


class PortInUse(Exception):
    """Another program listens where this one should."""


def application(parts: Mapping[str, Part], app: ASGIApp | None) -> ASGIApp:
    """Health routes for these parts, and the rest straight to `app`, which answers whatever happens in it."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        waiting = {name: part.waiting_for() for name, part in parts.items() if not part.ready}
        if waiting:
            return JSONResponse({"status": "starting", "waiting_for": waiting}, status_code=503)
        return JSONResponse({"status": "ready", "services": sorted(parts)})

    async def metrics(_: Request) -> Response:
        for part in parts.values():
            await part.measure()
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    own = Starlette(routes=routes)
    if app is None:
        return own
    paths = {route.path for route in routes}

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        is_own = scope["type"] == "http" and scope["path"] in paths
        await (own if is_own else app)(scope, receive, send)

    return served


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; taken before anything else starts, so that a port in use is known at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise PortInUse(
            f"Expected to serve on {host}:{port}, but {error.strerror or error}: stop what listens there, or set"
            " FOLDGATE_HTTP_PORT (0 takes any free port)."
        ) from error
    listening.listen(128)
    return listening


async def serve(app: ASGIApp, listening: socket.socket, *, bounds: Bounds = BOUNDS) -> None:
    """Serve until cancelled, then finish the requests under way, within two seconds."""
    bounds = bounds._replace(connections=places(bounds.connections))
    server = _Server(
        uvicorn.Config(
            app,
            http=functools.partial(BoundedProtocol, bounds=bounds),  # type: ignore[arg-type]
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # nobody asks from where a request came
            lifespan="off",
            ws=BoundedWebSocket,
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_per_message_deflate=False,  # which would cost each follower 64 KB
            timeout_graceful_shutdown=2,
            timeout_keep_alive=KEPT_S,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await asyncio.wait([serving], timeout=3)
        raise


class _Server(uvicorn.Server):
    """Leaves signals to the process it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
