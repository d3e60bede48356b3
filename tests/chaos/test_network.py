"""The network between single programs and their log is cut, or swallows what it is given, and comes back.

Handlers write down what they begin outside the suite; afterwards the log, that ledger, and every read model are looked
at, as after a storm.
"""

import asyncio
import contextlib
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from foldgate.contracts.places import Partition
from foldgate.eventlog.kafka import KafkaLog
from foldgate.eventlog.log import Log
from foldgate.eventlog.postgres import PostgresLog
from foldgate.servers.kafka import free_port
from foldgate.servers.postgres import PostgresServer
from foldgate.testing.kafka import cluster
from foldgate.testing.plugin import provided
from tests.chaos.aftermath import nothing_is_lost_and_nothing_done_twice
from tests.chaos.test_kill import owned_by
from tests.chaos.ways import Way, way_to_port, way_to_socket
from tests.support.history import history_of
from tests.support.logs import USED
from tests.support.processes import SERVICES, Process, Processes, processes
from tests.support.settling import settled
from tests.support.storming import Runs, people, supervised
from tests.support.thorough import daily
from tests.support.waiting import until

SUITE = "parted"
WORKERS = ("worker-1", "worker-2")
NAMES = (*(f"{name}-1" for name in (*SERVICES, "gateway")), "engine-2", *WORKERS)
FEW = ("engine-1", "scheduler-1", "worker-1")
SESSION_S = 2
GIVEN = {
    "FOLDGATE_LEASE_MS": "3000",
    "FOLDGATE_MAX_LOST": "100",
    "FOLDGATE_SUITE": SUITE,
    "FOLDGATE_SESSION_TIMEOUT_MS": f"{1000 * SESSION_S}",
    "FOLDGATE_RETRY_WITHIN_MS": "60000",
}
SOCKET = ".s.PGSQL.5432"
Took = Callable[[str, object], None]


class Net(NamedTuple):
    """One log, a way to it for each program, and a straight one for the test."""

    ways: contextlib.AbstractAsyncContextManager[dict[str, Way]]
    environment: Mapping[str, Mapping[str, str]]
    connect: Callable[[], Awaitable[Log]]
    postgres: str


@pytest.fixture(params=["postgres", "kafka"])
def net(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Net]:
    if request.param == "postgres":
        with tempfile.TemporaryDirectory() as short:
            yield _postgres(request.getfixturevalue("postgres_server"), Path(short))
        return
    ports = {name: (free_port(), free_port()) for name in NAMES}
    listeners = [f"WAY{number}://127.0.0.1:{a}->127.0.0.1:{b}" for number, (a, b) in enumerate(ports.values())]
    kinds = ",".join(
        f"{name}:PLAINTEXT" for name in ("CONTROLLER", "PLAINTEXT", *(f"WAY{n}" for n in range(len(NAMES))))
    )
    broker = cluster(tmp_path / "kafka", settings={"listener.security.protocol.map": kinds}, listeners=listeners)
    with provided(request, "KAFKA", broker) as kafka:
        yield _kafka(kafka.bootstrap, ports, request.getfixturevalue("postgres_url"))


def _postgres(server: PostgresServer, short: Path) -> Net:
    [host] = parse_qs(urlsplit(server.url).query)["host"]

    @contextlib.asynccontextmanager
    async def ways() -> AsyncIterator[dict[str, Way]]:
        async with contextlib.AsyncExitStack() as stack:
            found = {}
            for name in NAMES:
                (short / name).mkdir()
                way = way_to_socket(Path(host) / SOCKET, at=short / name / SOCKET)
                found[name] = await stack.enter_async_context(way)
            yield found

    url = server.url.partition("?")[0]
    given = {name: {"FOLDGATE_POSTGRES": f"{url}?host={short / name}"} for name in NAMES}
    return Net(ways(), given, lambda: PostgresLog.connect(server.url, suite=SUITE), server.url)


def _kafka(bootstrap: str, ports: dict[str, tuple[int, int]], postgres: str) -> Net:
    @contextlib.asynccontextmanager
    async def ways() -> AsyncIterator[dict[str, Way]]:
        async with contextlib.AsyncExitStack() as stack:
            yield {
                name: await stack.enter_async_context(way_to_port(real, at=told))
                for name, (real, told) in ports.items()
            }

    given = {
        name: {"FOLDGATE_KAFKA": f"127.0.0.1:{told}", "FOLDGATE_POSTGRES": postgres}
        for name, (_, told) in ports.items()
    }
    return Net(ways(), given, lambda: KafkaLog.connect(bootstrap, suite=SUITE), postgres)


@pytest.mark.timeout(400)
async def test_whoever_is_cut_off_nothing_is_lost_and_nothing_done_twice(
    net: Net, tmp_path: Path, *, record_property: Took
) -> None:
    log = await net.connect()
    try:
        await log.prepare(USED)
        runs = Runs(log, random.Random(17))
        with processes(GIVEN, tmp_path) as started:
            async with net.ways as ways:
                for name in NAMES:
                    start(started, name, net.environment[name])
                with supervised(started) as again:
                    await runs.publish()
                    async with people(log):
                        for name in daily(FEW, thorough=NAMES):
                            took = await through_while(runs, [ways[name]], Way.cut, over=refused([ways[name]]))
                            record_property(f"{name} was cut off: all that was under way has ended", took)
                        every = list(ways.values())
                        took = await through_while(runs, every, Way.cut, over=refused(every))
                        record_property("all were cut off: all that was under way has ended", took)
                        took = await through_while(runs, every, Way.swallow, over=after(2 * SESSION_S))
                        record_property("nothing came through: all that was under way has ended", took)
                        took = await replaced_while_parted(
                            log, runs, parted=started.all["engine-1"], way=ways["engine-1"]
                        )
                        record_property(f"nothing of one comes through for {SESSION_S} s: another owns its runs", took)
                        await more(runs, 4)
                    await settled(log)
                    assert not again, "\n\n".join(again)
        assert len(set(runs.asked)) == len(runs.asked) == len(runs.ends)
        await nothing_is_lost_and_nothing_done_twice(
            log, runs.asked, started.begun(), postgres=net.postgres, suite=SUITE
        )
    finally:
        await log.close()


def start(started: Processes, name: str, own: Mapping[str, str]) -> None:
    if name in WORKERS:
        started.worker(name, **own)
    else:
        service, _, instance = name.rpartition("-")
        started.service(service, instance=instance, **own)


async def more(runs: Runs, count: int) -> None:
    """So many runs, all at once."""
    await runs.go_through(count, at_once=count)


async def through_while(
    runs: Runs, ways: list[Way], fault: Callable[[Way], None], *, over: Callable[[], bool]
) -> float:
    """Some runs are under way when it happens, and end when it is over; so many seconds later."""
    asked = len(runs.asked)
    under_way = asyncio.create_task(more(runs, 3))
    await until(lambda: len(runs.asked) > asked, what="something to be under way")
    for way in ways:
        fault(way)
    await until(over, what="the fault to be felt", within_s=60)
    for way in ways:
        way.restore()
    restored_at = time.monotonic()
    await under_way
    return time.monotonic() - restored_at


def refused(ways: list[Way]) -> Callable[[], bool]:
    """Each is tried a few times more, in vain."""
    before = {way: way.refused for way in ways}
    return lambda: all(way.refused >= before[way] + 3 for way in ways)


def after(seconds: float) -> Callable[[], bool]:
    """It lasts, and that is the point."""
    due = time.monotonic() + seconds
    return lambda: time.monotonic() > due


async def replaced_while_parted(log: Log, runs: Runs, *, parted: Process, way: Way) -> float:
    """An engine is not heard for so long that another owns what it did, so many seconds later; then all that it said
    meanwhile arrives, and it learns of that: it is refused, or is first told that it has other partitions now."""

    async def both_own() -> bool:
        return {"engine-1", "engine-2"} <= await owners(log)

    await until(both_own, what="both engines to own something", within_s=60)

    def learned() -> int:
        return len(parted.logged("lost")) + len(parted.logged("assigned"))

    before = learned()
    under_way = asyncio.create_task(more(runs, 6))
    way.swallow()
    parted_at = time.monotonic()
    await owned_by(log, "engine-2")
    took = time.monotonic() - parted_at
    await under_way
    way.restore()
    await until(lambda: learned() > before, what="it to learn of that", within_s=60)
    return took


async def owners(log: Log) -> set[str]:
    """Which engines own runs, as the log says."""
    counted = (await history_of(log)).batches
    claims = [[b.head.claimant for b in counted[Partition("runs", n)] if b.head.claimant] for n in range(4)]
    return {found[-1].split("/")[0] for found in claims if found}
