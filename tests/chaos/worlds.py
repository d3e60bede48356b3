"""A log's server of the test's own, which goes away without a word and comes back at the same address."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import pytest

from foldgate.eventlog.kafka import KafkaLog
from foldgate.eventlog.log import Log
from foldgate.eventlog.postgres import PostgresLog
from foldgate.servers.kafka import KafkaCluster, KafkaNode
from foldgate.servers.postgres import PostgresServer
from tests.support.logs import USED

SUITE = "world"


class World(NamedTuple):
    """What programs are told of it; `postgres` has what is read, and `nodes` are those of a Kafka."""

    environment: dict[str, str]
    connect: Callable[[], Awaitable[Log]]
    goes: Callable[[], Awaitable[None]]
    comes_back: Callable[[], Awaitable[None]]
    postgres: str
    nodes: tuple[KafkaNode, ...] = ()

    @contextlib.asynccontextmanager
    async def log(self) -> AsyncIterator[Log]:
        """A connection of the test's."""
        log = await self.connect()
        try:
            await log.prepare(USED)
            yield log
        finally:
            await log.close()


def world_on(driver: str, request: pytest.FixtureRequest, *, kafka: str = "kafka_cluster") -> World:
    """The fixture's value for one driver; `kafka` names the fixture of its cluster."""
    if driver == "kafka":
        return _kafka(request.getfixturevalue(kafka), request.getfixturevalue("postgres_url"))
    return _postgres(request.getfixturevalue("postgres_server"))


def _postgres(server: PostgresServer) -> World:
    async def goes() -> None:
        os.kill(server.pid, signal.SIGKILL)

    given = {"FOLDGATE_POSTGRES": server.url, "FOLDGATE_SUITE": SUITE}
    return World(given, lambda: PostgresLog.connect(server.url, suite=SUITE), goes, server.restart, server.url)


def _kafka(cluster: KafkaCluster, postgres: str) -> World:
    """All of its nodes at once."""

    async def goes() -> None:
        await asyncio.gather(*(node.kill() for node in cluster.nodes))

    async def comes_back() -> None:
        await asyncio.gather(*(node.restart() for node in cluster.nodes))

    given = {"FOLDGATE_KAFKA": cluster.bootstrap, "FOLDGATE_POSTGRES": postgres, "FOLDGATE_SUITE": SUITE}

    def connect() -> Awaitable[Log]:
        return KafkaLog.connect(cluster.bootstrap, suite=SUITE)

    return World(given, connect, goes, comes_back, postgres, cluster.nodes)
