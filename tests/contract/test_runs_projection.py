"""The read model of runs: what people see of a run is what its stream says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from foldgate.contracts.codec import Codec
from foldgate.eventlog.memory import MemoryLog
from foldgate.gateway.projections.runs import PROJECTION
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projector import Projector
from foldgate.runtime.projecting import LogSource
from foldgate.sdk import Fatal, Job, Worker
from foldgate.sdk.client import Client
from tests.support.keys import ISSUER, TRUST
from tests.support.suite import running, settings, working
from tests.support.waiting import until


def a_worker() -> Worker:
    worker = Worker("test", beat_every_ms=200, trust=TRUST)

    @worker.job("job.echo")
    async def echo(job: Job) -> Any:
        return {"said": job.input}

    @worker.job("job.broken")
    async def broken(job: Job) -> Any:
        raise Fatal("no_luck", f"{job.topic} never works")

    return worker


@contextlib.asynccontextmanager
async def projected(url: str, log: MemoryLog) -> AsyncIterator[ReadModels]:
    models = await ReadModels.connect(url, suite="t")
    projector = Projector(models, LogSource(log, Codec()), PROJECTION)
    await models.begin(PROJECTION)
    task = asyncio.create_task(projector.run())
    try:
        yield models
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await models.close()


async def row_of(models: ReadModels, run_id: str, status: str) -> asyncpg.Record:
    """The row of a run once it has this status."""
    found: list[asyncpg.Record] = []

    async def there() -> bool:
        query = "SELECT *, ended_at >= started_at AS in_order FROM runs WHERE run_id = $1 AND status = $2"
        found[:] = await models.run(lambda connection: connection.fetch(query, run_id, status))
        return bool(found)

    await until(there, what=f"a run that is {status}")
    return found[0]


async def test_a_run_is_one_row_from_its_start_to_its_end(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log), projected(postgres_url, log) as models:
        client = Client(log, signer=ISSUER)
        asked = await client.run_job("job.echo", {"a": 1})
        row = await row_of(models, asked.run_id, "running")
        assert (row["input"], row["output"], row["ended_at"]) == ('{"a":1}', None, None)
        assert row["workflow"] == "job"
        async with working(log, a_worker()):
            row = await row_of(models, asked.run_id, "succeeded")
        assert (row["output"], row["error_code"], row["error"]) == ('{"said":{"a":1}}', None, None)
        assert row["in_order"]


async def test_a_failure_and_a_denial_say_why(postgres_url: str) -> None:
    log = MemoryLog()
    async with projected(postgres_url, log) as models:
        async with running(log), working(log, a_worker()):
            broken = await Client(log, signer=ISSUER).run_job("job.broken")
            row = await row_of(models, broken.run_id, "failed")
            assert (row["error_code"], row["error"], row["output"]) == ("no_luck", "job.broken never works", None)
        async with running(log, given=settings(default_decision="deny")):
            refused = await Client(log, signer=ISSUER).run_job("job.echo")
            row = await row_of(models, refused.run_id, "denied")
            assert row["error"]
            assert row["error_code"] is not None
        rows = await models.run(lambda connection: connection.fetch("SELECT status FROM runs ORDER BY started_at"))
        assert [row["status"] for row in rows] == ["failed", "denied"]


async def test_built_anew_it_is_the_same(postgres_url: str) -> None:
    log = MemoryLog()
    everything = "SELECT * FROM runs ORDER BY run_id"
    async with running(log), working(log, a_worker()), projected(postgres_url, log) as models:
        for topic in ("job.echo", "job.broken", "job.echo"):
            asked = await Client(log, signer=ISSUER).run_job(topic)
            await row_of(models, asked.run_id, "succeeded" if topic == "job.echo" else "failed")
        live = await models.run(lambda connection: connection.fetch(everything))
        await Projector(models, LogSource(log, Codec()), PROJECTION).rebuild()
        assert await models.run(lambda connection: connection.fetch(everything)) == live
        assert len(live) == 3
