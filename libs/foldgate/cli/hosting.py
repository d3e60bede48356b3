"""The services of a suite at work: all in this process, or each in one of its own.

Either way the coroutine here runs until it is cancelled, lets the services leave in good order within their time, and
raises if one of them cannot go on. A service that is ended without warning loses nothing: what it was at is on the log.
"""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from foldgate.cli.mistakes import CannotGoOn
from foldgate.cli.own_servers import Running, until_one_ends
from foldgate.cli.plan import Plan
from foldgate.cli.readiness import is_ready
from foldgate.cli.terminal import note
from foldgate.runtime.service import Service
from foldgate.runtime.settings import Settings, environment_with, to_environment
from foldgate.runtime.together import together

GATEWAY = "gateway"
_POLL_S = 0.02
_LEAVE_S = 2.0
"""Beyond the time that a service may take to drain: for its process to end."""

Ready = Callable[[Mapping[str, int]], None]
"""Told once everything works: the process ids of services that have processes of their own."""


class ServiceBroken(CannotGoOn):
    """A service of this installation cannot be loaded."""


async def in_this_process(plan: Plan, settings: Settings, *, listening: socket.socket, ready: Ready) -> None:
    """All services in one event loop."""
    from foldgate.runtime import logging
    from foldgate.runtime.run import work

    log = plan.log_of("foldgate")
    logging.configure(level=settings.log_level, style=settings.log_format, file=log)
    services = [_loaded(plan, name) for name in plan.services]
    working = asyncio.create_task(work(services, settings, listening=listening, ready=lambda _: ready({})))
    try:
        await asyncio.wait([working])
    finally:
        working.cancel()
        await asyncio.wait([working], timeout=settings.drain_within_ms / 1000)
        if not working.done():
            note(
                f"Stopped after {settings.drain_within_ms} ms with work under way: it is read again at the next start."
            )
    await _told_to_the_log(working)


async def _told_to_the_log(working: "asyncio.Task[None]") -> None:
    """People are told in a line; where exactly it happened is for the log."""
    try:
        await working
    except Exception as error:
        structlog.get_logger().error("failed", exc_info=error)
        raise


def _loaded(plan: Plan, name: str) -> Service:
    try:
        service: Service = plan.services[name].load()
    except ImportError as error:
        raise ServiceBroken(f"Expected to load the service '{name}', but: {error}. Install Foldgate anew.") from error
    return service


@dataclass(frozen=True)
class _Service:
    """One service in a process of its own."""

    running: Running
    process: "subprocess.Popen[bytes]"
    host: str
    port: int


async def in_processes(plan: Plan, settings: Settings, *, listening: socket.socket, ready: Ready) -> None:
    """Each service in a process of its own. They die with this one, whatever it dies of."""
    from foldgate.servers import child

    listening.close()  # it was taken to see that it is free; now it is the gateway's
    services: list[_Service] = []
    try:
        services.extend(_spawned(plan, name, settings) for name in plan.services)
        await together(until_one_ends([service.running for service in services]), _announce(services, ready))
    finally:
        grace_s = settings.drain_within_ms / 1000 + _LEAVE_S
        await asyncio.gather(*(child.stop(service.process, grace_s=grace_s) for service in services))


def _spawned(plan: Plan, name: str, settings: Settings) -> _Service:
    from foldgate.servers import child
    from foldgate.servers.kafka import free_port

    if name != GATEWAY:  # it serves nothing but its health
        settings = settings.model_copy(update={"http_host": "127.0.0.1", "http_port": free_port()})
    log = plan.log_of(name)
    command = [sys.executable, "-m", plan.services[name].module]
    values = {**to_environment(settings), "FOLDGATE_INSTANCE": settings.instance}
    process = child.spawn(command, log=log, environment=environment_with(values))
    return _Service(Running(name, process.pid, process.poll, log), process, settings.http_host, settings.http_port)


async def _announce(services: Sequence[_Service], ready: Ready) -> None:
    for service in services:
        while not await is_ready(service.host, service.port):
            await asyncio.sleep(_POLL_S)
    ready({service.running.name: service.running.pid for service in services})
