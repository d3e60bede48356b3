"""The gateway at work in a test: asked in this process, or over a socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

import httpx

from foldgate.eventlog.log import Log
from foldgate.readmodel.postgres import ReadModels
from foldgate.runtime.clock import Clock
from foldgate.runtime.health import application, listen, serve
from foldgate.runtime.host import Host
from foldgate.runtime.keys import Keys
from foldgate.runtime.settings import Settings
from tests.support.keys import KEYS
from tests.support.suite import DOOR, running

OWN_HOST = "http://127.0.0.1"


class Door(NamedTuple):
    """A client of the gateway, and what is behind it."""

    client: httpx.AsyncClient
    host: Host
    models: ReadModels


@contextlib.asynccontextmanager
async def gateway(
    log: Log, url: str, *, given: Settings | None = None, clock: Clock | None = None, keys: Keys = KEYS
) -> AsyncIterator[Door]:
    """A gateway of its own connection to the read models, ready, asked in this process. What it raises, the client
    raises."""
    models = await ReadModels.connect(url, suite="t")
    try:
        async with running(log, services=DOOR, given=given, clock=clock, models=models, keys=keys) as (host,):
            transport = httpx.ASGITransport(application({"gateway": host}, host.app))
            async with httpx.AsyncClient(transport=transport, base_url=OWN_HOST, timeout=30) as client:
                yield Door(client, host, models)
    finally:
        await models.close()


@contextlib.asynccontextmanager
async def served(door: Door) -> AsyncIterator[int]:
    """The port on which the same gateway is served to everybody."""
    with contextlib.closing(listen("127.0.0.1", 0)) as listening:
        task = asyncio.create_task(serve(application({"gateway": door.host}, door.host.app), listening))
        try:
            yield listening.getsockname()[1]
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
