"""Runs the services of a suite inside a test, on any log, and a worker beside them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import structlog

from foldgate.approval.main import SERVICE as APPROVAL
from foldgate.contracts.codec import Codec
from foldgate.engine.main import SERVICE as ENGINE
from foldgate.eventlog.log import Log
from foldgate.gateway.main import SERVICE as GATEWAY
from foldgate.policy_kernel.main import SERVICE as POLICY_KERNEL
from foldgate.readmodel.postgres import ReadModels
from foldgate.runtime.clock import Clock, SystemClock
from foldgate.runtime.context import Context
from foldgate.runtime.host import Host
from foldgate.runtime.keys import Keys
from foldgate.runtime.service import Service
from foldgate.runtime.settings import Settings
from foldgate.scheduler.main import SERVICE as SCHEDULER
from foldgate.sdk.worker import Worker
from tests.support.keys import KEYS

OWNERS = (ENGINE, POLICY_KERNEL, SCHEDULER, APPROVAL)
DOOR = (GATEWAY,)


def settings(**changes: object) -> Settings:
    """Settings of a suite that allows what no rule forbids."""
    return Settings.model_validate({"postgres": "postgresql://unused", "default_decision": "allow", **changes})


@contextlib.asynccontextmanager
async def running(
    log: Log,
    *,
    services: Sequence[Service] = OWNERS,
    given: Settings | None = None,
    clock: Clock | None = None,
    models: ReadModels | None = None,
    keys: Keys = KEYS,
) -> AsyncIterator[list[Host]]:
    """These services at work, all ready; they leave in good order at the end."""
    hosts = [
        Host(service, context(service.name, log, given=given, clock=clock, models=models, keys=keys))
        for service in services
    ]
    tasks = [asyncio.create_task(host.run()) for host in hosts]
    try:
        async with asyncio.timeout(60):
            while not all(host.ready for host in hosts):
                for task in tasks:
                    if task.done():
                        await task
                await asyncio.sleep(0.005)
        yield hosts
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def working(log: Log, worker: Worker) -> AsyncIterator[Worker]:
    """A worker at work; one that cannot begin fails the test with its own words."""
    ready = asyncio.Event()
    task = asyncio.create_task(worker.work(log, ready=ready.set))
    begun = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait([task, begun], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield worker
    finally:
        begun.cancel()
        task.cancel()
        await asyncio.gather(begun, task, return_exceptions=True)


def context(
    service: str,
    log: Log,
    *,
    given: Settings | None = None,
    clock: Clock | None = None,
    models: ReadModels | None = None,
    keys: Keys = KEYS,
) -> Context:
    """What a service of that name is given."""
    return Context(
        service=service,
        settings=given or settings(),
        keys=keys,
        log=log,
        codec=Codec(),
        clock=clock or SystemClock(),
        models=models,
        logger=structlog.get_logger().bind(service=service),
    )
