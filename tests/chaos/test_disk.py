"""The disk under the log is full: what is acknowledged is there, and all goes on when there is room again.

Meanwhile whoever asks the gateway is told so, and `foldgate doctor` names what is amiss.
"""

import asyncio
import contextlib
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import msgspec
import psutil
import pytest

from foldgate.contracts import ids
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
from tests.support.commands import foldgate
from tests.support.history import history_of
from tests.support.keys import ISSUER
from tests.support.logs import USED
from tests.support.processes import SERVICES, Process, processes
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
    amiss: set[str]
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
            yield _kafka(kafka, request.getfixturevalue("postgres_url"))


def _postgres(server: PostgresServer) -> Place:
    async def connect() -> Log:
        return await PostgresLog.connect(server.url, suite="full", patience_s=3)

    amiss = {"room", "postgres"}  # the second where it has given up by now
    return Place({"FOLDGATE_POSTGRES": server.url}, amiss, connect, lambda: is_alive(server.pid), server.restart)


def _kafka(kafka: KafkaCluster, postgres: str) -> Place:
    """The broker ends itself when it cannot write."""
    [node] = kafka.nodes

    async def connect() -> Log:
        return await KafkaLog.connect(kafka.bootstrap, suite="full")

    given = {"FOLDGATE_KAFKA": kafka.bootstrap, "FOLDGATE_POSTGRES": postgres}
    return Place(given, {"kafka"}, connect, lambda: is_alive(node.pid), node.restart)


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


async def test_what_is_acknowledged_is_there_and_all_goes_on(
    disk: Path, place: Place, tmp_path: Path, *, record_property: Callable[[str, object], None]
) -> None:
    log = await place.connect()
    await log.prepare(USED)
    asking = Asking(Client(log, signer=ISSUER))
    own = {"FOLDGATE_SUITE": "full", "FOLDGATE_RETRY_WITHIN_MS": "2000", "FOLDGATE_MAX_LOST": "100"}
    given = {**place.environment, **own}
    with processes(given, tmp_path) as started, supervised(started):
        for name in SERVICES:
            started.service(name)
        started.worker("worker")
        gateway = started.service("gateway", FOLDGATE_RETRY_WITHIN_MS="120000")
        await asking.one(0)
        await until(lambda: bool(gateway.logged("ready")), what="the gateway to be ready", within_s=60)
        fill(disk / "filler")
        under_way = [asyncio.create_task(asking.one(number)) for number in range(1, 9)]
        refused = asyncio.create_task(asking.until_refused())
        await until(lambda: refused.done() or not place.is_alive(), what="the log to take no more", within_s=60)
        refused.cancel()
        await asyncio.gather(refused, return_exceptions=True)
        asked = await a_refused_request(gateway)
        asking.runs.append(asked)
        await status_or_why_not(gateway)
        found = told_by_doctor(given)
        assert {name for name, check in found.items() if check["state"] == "bad"} & place.amiss, found
        (disk / "filler").unlink()
        if not place.is_alive():  # it gave up where it cannot write, as it should
            await place.restart()
        freed_at = time.monotonic()
        async with asyncio.timeout(240):
            await asyncio.gather(*under_way)
            record_property("all that waited has ended", time.monotonic() - freed_at)
            assert await the_same_request(gateway) == asked
            assert (await asked_for_status(gateway)).status_code == 200
        assert told_by_doctor(given, healthy=True)
        await settled(log)
        history = await history_of(log)
        check(history)
        there = {fact.meta.run_id for fact in history.submitted if fact.meta.run_id}
        assert asking.acknowledged <= there <= set(asking.runs)
        check_ledger(history, there, started.begun())
    await log.close()


def at_the_door(gateway: Process) -> httpx.AsyncClient:
    port = gateway.logged("ready")[-1]["port"]
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30)


async def asked_for_status(gateway: Process) -> httpx.Response:
    async with at_the_door(gateway) as client:
        return await client.get("/status")


async def asked_again(gateway: Process) -> httpx.Response:
    """Always for the same run."""
    async with at_the_door(gateway) as client:
        return await client.post("/jobs", json={"topic": "job.echo"}, headers={"Idempotency-Key": "again"})


async def a_refused_request(gateway: Process) -> str:
    """The run that somebody asked for in vain."""
    answer = await asked_again(gateway)
    assert answer.status_code == 503, answer.text
    assert answer.json()["code"] == "log_unavailable"
    assert int(answer.headers["Retry-After"]) >= 1
    return ids.run_id("default", "job", "again")


async def status_or_why_not(gateway: Process) -> None:
    """What is read is shown where the server still answers; else it is said that it does not."""
    answer = await asked_for_status(gateway)
    assert answer.status_code in (200, 503), answer.text
    if answer.status_code == 503:
        assert answer.json()["code"] in ("log_unavailable", "database_unavailable")


async def the_same_request(gateway: Process) -> str:
    """The run that there is now."""
    answer = await asked_again(gateway)
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["run_id"])


def told_by_doctor(settings: dict[str, str], *, healthy: bool = False) -> dict[str, dict[str, str]]:
    """By check."""
    told = foldgate("doctor", "--json", settings=settings)
    assert told.returncode == (0 if healthy else 1), told.stdout + told.stderr
    return {check["check"]: check for check in msgspec.json.decode(told.stdout)["checks"]}


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
