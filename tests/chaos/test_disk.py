"""The disk under the log is full: what is acknowledged is there, and all goes on when there is room again."""

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from foldgate.contracts.events import RunSucceeded
from foldgate.eventlog.kafka import KafkaLog
from foldgate.eventlog.log import Log, LogError
from foldgate.eventlog.postgres import PostgresLog
from foldgate.sdk.client import Client
from foldgate.servers.kafka import KafkaCluster
from foldgate.servers.postgres import PostgresServer
from foldgate.testing.kafka import cluster
from foldgate.testing.plugin import provided
from foldgate.testing.postgres import own_server
from tests.support.checker import check, check_ledger
from tests.support.history import history_of
from tests.support.keys import ISSUER
from tests.support.logs import USED
from tests.support.processes import SERVICES, processes
from tests.support.settling import settled
from tests.support.storming import persistently, supervised
from tests.support.waiting import until

SIZE = "160m"
SMALL = {"log.index.size.max.bytes": "65536"}
"""Ten megabytes each are reserved for an index, else; the disk has no room for that."""
LARGE = {"text": "x" * 20_000}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0755", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("nobody here may mount a small disk (that takes Linux, and root)")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


class Place(NamedTuple):
    """A log on that disk."""

    environment: dict[str, str]
    connect: Callable[[], Awaitable[Log]]
    is_alive: Callable[[], bool]
    restart: Callable[[], Awaitable[None]]


@pytest.fixture(params=["postgres", "kafka"])
def place(request: pytest.FixtureRequest, disk: Path) -> Iterator[Place]:
    if request.param == "postgres":
        with provided(request, "POSTGRES", own_server(disk / "postgres")) as server:
            yield _postgres(server)
    else:
        with provided(request, "KAFKA", cluster(disk / "kafka", settings=SMALL)) as kafka:
            yield _kafka(kafka)


def _postgres(server: PostgresServer) -> Place:
    async def connect() -> Log:
        return await PostgresLog.connect(server.url, suite="full", patience_s=3)

    return Place({"FOLDGATE_POSTGRES": server.url}, connect, lambda: is_alive(server.pid), server.restart)


def _kafka(kafka: KafkaCluster) -> Place:
    [node] = kafka.nodes

    async def connect() -> Log:
        return await KafkaLog.connect(kafka.bootstrap, suite="full")

    return Place({"FOLDGATE_KAFKA": kafka.bootstrap}, connect, lambda: is_alive(node.pid), node.restart)


class Asking:
    """Runs with a large input, until each has ended."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.runs: list[str] = []
        self.acknowledged: set[str] = set()

    async def one(self, number: int) -> None:
        asked = self._client.job("job.echo", LARGE, idempotency_key=str(number))
        self.runs.append(asked.run_id)
        await persistently(lambda: self._client.ask(asked))
        assert isinstance(await persistently(lambda: self._client.ended(asked.run_id)), RunSucceeded)

    async def until_refused(self) -> None:
        """What was refused may be there all the same, as nobody could tell."""
        with contextlib.suppress(LogError):
            while True:
                asked = self._client.job("job.echo", LARGE)
                self.runs.append(asked.run_id)
                await self._client.ask(asked)
                self.acknowledged.add(asked.run_id)


async def test_what_is_acknowledged_is_there_and_all_goes_on(disk: Path, place: Place, tmp_path: Path) -> None:
    log = await place.connect()
    await log.prepare(USED)
    asking = Asking(Client(log, signer=ISSUER))
    given = {**place.environment, "FOLDGATE_SUITE": "full", "FOLDGATE_RETRY_WITHIN_MS": "2000"}
    with processes(given, tmp_path) as started, supervised(started):
        for name in SERVICES:
            started.service(name)
        started.worker("worker")
        await asking.one(0)
        fill(disk / "filler")
        under_way = [asyncio.create_task(asking.one(number)) for number in range(1, 9)]
        refused = asyncio.create_task(asking.until_refused())
        await until(lambda: refused.done() or not place.is_alive(), what="the log to take no more", within_s=60)
        refused.cancel()
        await asyncio.gather(refused, return_exceptions=True)
        (disk / "filler").unlink()
        if not place.is_alive():  # it gave up where it cannot write, as it should
            await place.restart()
        async with asyncio.timeout(120):
            await asyncio.gather(*under_way)
        await settled(log)
        history = await history_of(log)
        check(history)
        there = {fact.meta.run_id for fact in history.submitted if fact.meta.run_id}
        assert asking.acknowledged <= there <= set(asking.runs)
        check_ledger(history, there, started.begun())
    await log.close()


def fill(file: Path) -> None:
    """To the last byte."""
    with file.open("ab", buffering=0) as out:
        for size in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while out.write(b"\0" * size):
                    pass
    assert shutil.disk_usage(file.parent).free == 0


def is_alive(pid: int) -> bool:
    return bool(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
