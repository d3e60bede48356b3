"""Runs services in this process: from the environment to a clean exit.

Exit codes: 0 after SIGTERM or SIGINT; 2 for settings that cannot work; 1 when the world was lost for longer than
`retry_within_ms`, or a fault of ours that must not be survived. Every error is one line on standard error.
"""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable, Sequence

import structlog
import uvloop

from foldgate.database.connections import DatabaseRefused, DatabaseUnavailable
from foldgate.database.migrate import MigrationError
from foldgate.eventlog.log import Log, LogError
from foldgate.readmodel.postgres import ReadModels
from foldgate.runtime import garbage, logging
from foldgate.runtime.clock import SystemClock
from foldgate.runtime.connecting import check_models, codec_for, connect, connect_models
from foldgate.runtime.context import Context
from foldgate.runtime.health import PortInUse, application, listen, serve
from foldgate.runtime.host import Host
from foldgate.runtime.keys import Keys
from foldgate.runtime.protocol import Bounds
from foldgate.runtime.service import Service
from foldgate.runtime.settings import Settings, SettingsInvalid, from_environment
from foldgate.runtime.together import together

CLEAN, FAILED, UNUSABLE = 0, 1, 2


def run(service: Service) -> None:
    """Run one service as this process, configured by the environment."""
    try:
        settings = from_environment()
    except SettingsInvalid as error:
        sys.exit(_say(error, UNUSABLE))
    logging.configure(level=settings.log_level, style=settings.log_format)
    sys.exit(run_all([service], settings))


def run_all(services: Sequence[Service], settings: Settings, *, ready: Callable[[int], None] | None = None) -> int:
    """Run these services until a signal or a failure; `ready` is told the port once all of them work."""
    return uvloop.run(_until_stopped(services, settings, ready))


async def _until_stopped(services: Sequence[Service], settings: Settings, ready: Callable[[int], None] | None) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    working = asyncio.create_task(work(services, settings, ready=ready))
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait([working, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    working.cancel()
    _, late = await asyncio.wait([working], timeout=settings.drain_within_ms / 1000)
    if late:
        return _say(f"Stopped after {settings.drain_within_ms} ms with work under way: it is read again.", CLEAN)
    return _outcome(working)


def _outcome(working: "asyncio.Task[None]") -> int:
    if working.cancelled() or (error := working.exception()) is None:
        return CLEAN
    from foldgate.contracts.registry import RegistryRefused  # here: most suites have none, and it brings TLS along

    if isinstance(error, PortInUse | SettingsInvalid | RegistryRefused):
        return _say(error, UNUSABLE)
    if isinstance(error, LogError | DatabaseUnavailable | DatabaseRefused | MigrationError | OSError):
        return _say(error, FAILED)
    structlog.get_logger().error("failed", exc_info=error)
    return FAILED


async def work(
    services: Sequence[Service],
    settings: Settings,
    *,
    listening: socket.socket | None = None,
    ready: Callable[[int], None] | None = None,
) -> None:
    """Run these services until cancelled; raises what they cannot survive. `listening` was opened for them by `listen`,
    for a caller who wants to know of a port in use before anything else starts."""
    check_models(services, settings)
    listening = listening or listen(settings.http_host, settings.http_port)
    port: int = listening.getsockname()[1]
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(listening.close)
        log = await connect(settings)
        stack.push_async_callback(log.close)
        models = await connect_models(services, settings)
        if models is not None:
            stack.push_async_callback(models.close)
        hosts = [Host(service, _context(service, settings, log=log, models=models)) for service in services]
        apps = [host.app for host in hosts if host.app is not None]
        app = application({host.service.name: host for host in hosts}, apps[0] if apps else None)
        bounds = Bounds(connections=settings.max_connections)
        await together(
            serve(app, listening, bounds=bounds), *(host.run() for host in hosts), _announce(hosts, port, ready)
        )


async def _announce(hosts: Sequence[Host], port: int, ready: Callable[[int], None] | None) -> None:
    while not all(host.ready for host in hosts):
        await asyncio.sleep(0.01)
    garbage.look_rarely()
    structlog.get_logger().info("ready", port=port, services=[host.service.name for host in hosts])
    if ready is not None:
        ready(port)


def _context(service: Service, settings: Settings, *, log: Log, models: ReadModels | None) -> Context:
    return Context(
        service=service.name,
        settings=settings,
        keys=Keys.of(settings),
        log=log,
        codec=codec_for(settings),
        clock=SystemClock(),
        models=models if service.projections else None,
        logger=structlog.get_logger().bind(service=service.name),
    )


def _say(what: object, code: int) -> int:
    sys.stderr.write(f"foldgate: {what}\n")
    return code
