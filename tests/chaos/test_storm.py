"""Everything at once: runs of many kinds, while services, workers and servers are killed and paused at random.

Handlers write down what they begin outside the suite; afterwards the log, that ledger, and every read model are looked
at. `make chaos` takes 500 runs, the tests of every day a few.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from foldgate.eventlog.kafka import KafkaLog
from foldgate.eventlog.log import Log
from foldgate.eventlog.postgres import PostgresLog
from foldgate.servers.kafka import KafkaCluster
from foldgate.servers.postgres import PostgresServer
from tests.chaos.aftermath import nothing_is_lost_and_nothing_done_twice
from tests.support.logs import USED
from tests.support.processes import SERVICES, processes
from tests.support.settling import settled
from tests.support.storming import Runs, Storm, failing_kafka, failing_postgres, people, supervised
from tests.support.thorough import daily

COUNT, AT_ONCE = daily(16, thorough=500), daily(8, thorough=25)
SUITE = "storm"
GIVEN = {"FOLDGATE_LEASE_MS": "3000", "FOLDGATE_MAX_LOST": "100", "FOLDGATE_SUITE": SUITE}


class Place(NamedTuple):
    """Where a suite lives, and how one of its servers fails and comes back."""

    environment: dict[str, str]
    connect: Callable[[], Awaitable[Log]]
    server_fails: Callable[[], Awaitable[None]]
    postgres: str


@pytest.fixture(params=["postgres", "kafka"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "postgres":
        return _on_postgres(request.getfixturevalue("postgres_server"))
    return _on_kafka(request.getfixturevalue("kafka_trio"), request.getfixturevalue("postgres_url"))


def _on_postgres(server: PostgresServer) -> Place:
    """One server, for the log and for what is read; it is killed and started again, or stands still."""
    given = {"FOLDGATE_POSTGRES": server.url}
    fails = failing_postgres(server, random.Random(5))
    return Place(given, lambda: PostgresLog.connect(server.url, suite=SUITE), fails, server.url)


def _on_kafka(cluster: KafkaCluster, postgres: str) -> Place:
    """Three nodes, of which one is killed and comes back, or stands still."""
    given = {"FOLDGATE_KAFKA": cluster.bootstrap, "FOLDGATE_POSTGRES": postgres}
    fails = failing_kafka(cluster, random.Random(3))
    return Place(given, lambda: KafkaLog.connect(cluster.bootstrap, suite=SUITE), fails, postgres)


@pytest.mark.timeout(daily(300, thorough=3600))
async def test_whatever_fails_nothing_is_lost_and_nothing_done_twice(place: Place, tmp_path: Path) -> None:
    chance = random.Random(11)
    log = await place.connect()
    try:
        await log.prepare(USED)
        runs = Runs(log, chance)
        with processes({**GIVEN, **place.environment}, tmp_path) as started:
            for name in (*SERVICES, "gateway"):
                started.service(name)
            started.service("engine", instance="2")
            for name in ("worker-1", "worker-2"):
                started.worker(name)
            storm = Storm(started, chance, server=place.server_fails)
            with supervised(started):
                await runs.publish()
                async with people(log):
                    through = asyncio.create_task(runs.go_through(COUNT, at_once=AT_ONCE))
                    await storm.rage(until=through.done)
                    await through
                await settled(log)
        assert storm.done["kill"] + storm.done["pause"] > COUNT // 10, storm.done
        await nothing_is_lost_and_nothing_done_twice(
            log, runs.asked, started.begun(), postgres=place.postgres, suite=SUITE
        )
    finally:
        await log.close()
