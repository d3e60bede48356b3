"""Projections as a part of a service: they go on where they were, and count for readiness once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from foldgate.contracts.events import Event, Meta, RunStarted
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import RUNS
from foldgate.eventlog.log import Log, Outgoing
from foldgate.eventlog.memory import MemoryLog
from foldgate.gateway.main import SERVICE as GATEWAY
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projection import Projection, Statement
from foldgate.runtime.connecting import check_models
from foldgate.runtime.host import Host
from foldgate.runtime.service import Service
from foldgate.runtime.settings import SettingsInvalid
from foldgate.sdk.client import Client
from tests.support.keys import ISSUER
from tests.support.logs import Opened
from tests.support.suite import OWNERS, running, settings
from tests.support.waiting import until

TABLES = "CREATE TABLE counted (run_id text PRIMARY KEY, times int NOT NULL);"
COUNT = "INSERT INTO counted VALUES ($1, 1) ON CONFLICT (run_id) DO UPDATE SET times = counted.times + 1"


def count(meta: Meta, _: Event) -> list[Statement]:
    """Every start, counted: a gap is a row that is missing, a double one that says 2."""
    return [Statement(meta.run_id, COUNT, (meta.run_id,))]


COUNTED = Projection(name="counted", version=1, streams=(RUNS.name,), events=(RunStarted,), tables=TABLES, rows=count)
SHOWING = Service(name="showing", projections=(COUNTED,))


@contextlib.asynccontextmanager
async def read_models(url: str) -> AsyncIterator[ReadModels]:
    models = await ReadModels.connect(url, suite="t")
    try:
        yield models
    finally:
        await models.close()


async def counted(models: ReadModels) -> dict[str, int]:
    rows = await models.run(lambda connection: connection.fetch("SELECT run_id, times FROM counted"))
    return {row["run_id"]: row["times"] for row in rows}


async def started(log: Log, count: int) -> set[str]:
    client = Client(log, signer=ISSUER)
    return {(await client.run_job("job.echo")).run_id for _ in range(count)}


async def test_it_follows_across_restarts_without_gaps_or_doubles(opened: Opened, postgres_url: str) -> None:
    asked: set[str] = set()
    async with opened() as log, read_models(postgres_url) as models, running(log), asyncio.timeout(90):
        for _ in range(3):
            async with running(log, services=(SHOWING,), models=models):
                asked |= await started(log, 7)
                # It is stopped somewhere in these, and begins again behind them.
                await until(lambda: any_of(models), what="some run to be shown")
            asked |= await started(log, 7)
        async with running(log, services=(SHOWING, SHOWING), models=models):
            await until(lambda: all_of(models, asked), what="every run to be shown")
        assert set((await counted(models)).values()) == {1}


async def any_of(models: ReadModels) -> bool:
    return bool(await counted(models))


async def all_of(models: ReadModels, asked: set[str]) -> bool:
    return (await counted(models)).keys() == asked


async def test_when_it_is_ready_it_has_shown_what_was_there(postgres_url: str) -> None:
    log = MemoryLog()
    async with read_models(postgres_url) as models, asyncio.timeout(60):
        async with running(log, services=(SHOWING,), models=models):
            assert await counted(models) == {}, "with an empty log it is ready, and can be asked"
        async with running(log):
            asked = await started(log, 50)
            await until(lambda: all_started(log, asked), what="the starts to be on the log")
        async with running(log, services=(SHOWING,), models=models) as (host,):
            assert (await counted(models)).keys() == asked
            assert (host.ready, host.waiting_for()) == (True, "")


async def all_started(log: Log, asked: set[str]) -> bool:
    keys: set[str] = set()
    for number in range(RUNS.partitions):
        async for records in log.read(Partition(RUNS.name, number), 0):
            keys |= {record.key.decode() for record in records if record.key}
    return keys >= asked


async def test_records_that_do_not_count_do_not_hold_it_up(postgres_url: str) -> None:
    """What a stranger wrote at the end of each partition: nothing that counts comes after it."""
    log = MemoryLog()
    async with read_models(postgres_url) as models, asyncio.timeout(60):
        async with running(log):
            asked = await started(log, 5)
            await until(lambda: all_started(log, asked), what="the starts to be on the log")
        await log.submit(RUNS.name, [Outgoing(str(n).encode(), b"by nobody") for n in range(50)])
        async with running(log, services=(SHOWING,), models=models):
            assert (await counted(models)).keys() == asked


def test_read_models_need_a_database_also_beside_kafka() -> None:
    with pytest.raises(SettingsInvalid, match=r"^FOLDGATE_POSTGRES: expected .*gateway keeps its read models"):
        check_models([GATEWAY], settings(postgres=None, kafka="localhost:9092"))
    check_models(OWNERS, settings(postgres=None, kafka="localhost:9092"))


async def test_a_service_without_any_is_ready_without_a_database() -> None:
    async with running(MemoryLog(), services=(Service(name="nothing"),)) as (host,):
        assert isinstance(host, Host)
