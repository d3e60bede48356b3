"""Opens logs of any driver for the contract suite, all of one test on one fresh suite name."""

import contextlib
import itertools
import os
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from foldgate.contracts.topics import STREAMS
from foldgate.eventlog.log import Log
from foldgate.eventlog.memory import MemoryLog

if TYPE_CHECKING:
    import pytest

_numbers = itertools.count(1)
USED = tuple(stream for stream in STREAMS if stream.events and not stream.name.endswith(".*"))


class Opened:
    """Call it for one more connection to the same log: `async with opened() as log`."""

    def __init__(self, driver: str, connect: Callable[[str], "contextlib.AbstractAsyncContextManager[Log]"]) -> None:
        self.driver = driver
        self.suite = f"t{os.getpid()}_{next(_numbers)}"
        self._connect = connect

    @contextlib.asynccontextmanager
    async def __call__(self) -> AsyncIterator[Log]:
        async with self._connect(self.suite) as log:
            await log.prepare(USED)
            yield log


def opened_by(driver: str, request: "pytest.FixtureRequest") -> Opened:
    """The fixture's value for one driver; skips (or fails, in CI) where its server is not to be had."""
    return Opened(driver, {"memory": _memory, "postgres": _postgres, "kafka": _kafka}[driver](request))


def _memory(request: "pytest.FixtureRequest") -> Callable[[str], "contextlib.AbstractAsyncContextManager[Log]"]:
    del request
    log = MemoryLog()
    return lambda _: contextlib.nullcontext(log)


def _postgres(request: "pytest.FixtureRequest") -> Callable[[str], "contextlib.AbstractAsyncContextManager[Log]"]:
    from foldgate.eventlog.postgres import PostgresLog

    url = request.getfixturevalue("postgres_url")

    @contextlib.asynccontextmanager
    async def connect(suite: str) -> AsyncIterator[Log]:
        log = await PostgresLog.connect(url, suite=suite)
        try:
            yield log
        finally:
            await log.close()

    return connect


def _kafka(request: "pytest.FixtureRequest") -> Callable[[str], "contextlib.AbstractAsyncContextManager[Log]"]:
    from foldgate.eventlog.kafka import KafkaLog

    bootstrap = request.getfixturevalue("kafka_bootstrap")

    @contextlib.asynccontextmanager
    async def connect(suite: str) -> AsyncIterator[Log]:
        log = await KafkaLog.connect(bootstrap, suite=suite)
        try:
            yield log
        finally:
            await log.close()

    return connect
