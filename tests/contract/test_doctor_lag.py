"""The doctor says who is behind the log, and whose clock is ahead of it."""

import asyncio

import pytest

from foldgate.cli.diagnosis import Finding
from foldgate.cli.stream_checks import check_log
from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import Meta, OwnerChanged, RunRequested
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import RUNS
from foldgate.eventlog.log import Batch, BatchHead, Log, Outgoing
from foldgate.eventlog.owner import ownership_meta
from foldgate.gateway.main import SERVICE as GATEWAY
from foldgate.readmodel.postgres import ReadModels
from foldgate.runtime.clock import SystemClock
from foldgate.runtime.service import Service
from tests.support.logs import Opened, opened_by
from tests.support.suite import OWNERS, running, settings
from tests.support.waiting import until

LONG_AGO_MS = 60_000
CODEC = Codec()
READERS = Service(name="gateway", projections=GATEWAY.projections)


@pytest.fixture
def on_postgres(request: pytest.FixtureRequest) -> Opened:
    return opened_by("postgres", request)


async def found(opened: Opened, url: str) -> dict[str, Finding]:
    return {one.check: one for one in await check_log(settings(postgres=url, suite=opened.suite))}


async def ask(log: Log, *, ago_ms: int = LONG_AGO_MS) -> None:
    """For a run, so long ago."""
    at = SystemClock().now_ms() - ago_ms
    name = f"run_{ago_ms}"
    meta = Meta(chain=NO_CHAIN, event_id=name, stream="intake", key=name, tenant="t", principal="p", at=at)
    event = RunRequested(workflow="none", input="{}")
    await log.submit("intake", [Outgoing(meta.key.encode(), CODEC.encode(meta, event))])


async def test_it_names_the_service_that_has_not_read_what_is_its_to_answer(
    on_postgres: Opened, postgres_url: str
) -> None:
    async with on_postgres() as log, asyncio.timeout(90):
        await ask(log, ago_ms=0)
        assert (await found(on_postgres, postgres_url))["services"].state == "ok", "it may be on its way"
        await ask(log)
        behind = (await found(on_postgres, postgres_url))["services"]
        assert behind.state == "bad"
        assert "the engine has not read RunRequested on intake-" in behind.found

        async def answered() -> bool:
            return (await found(on_postgres, postgres_url))["services"].state == "ok"

        async with running(log, services=OWNERS):
            await until(answered, what="the engine to have read it")
        assert await answered()


async def test_it_names_the_read_model_that_does_not_show_what_is_there(on_postgres: Opened, postgres_url: str) -> None:
    async with on_postgres() as log, asyncio.timeout(90):
        assert "The gateway makes them" in (await found(on_postgres, postgres_url))["read models"].advice
        models = await ReadModels.connect(postgres_url, suite=on_postgres.suite)
        try:
            async with running(log, services=(READERS,), models=models):
                assert (await found(on_postgres, postgres_url))["read models"].state == "ok"
            await ask(log)
            behind = (await found(on_postgres, postgres_url))["read models"]
            assert behind.state == "warn"
            assert "'timeline' does not show RunRequested on intake-" in behind.found

            async def shown() -> bool:
                return (await found(on_postgres, postgres_url))["read models"].state == "ok"

            async with running(log, services=(READERS,), models=models):
                await until(shown, what="the read models to show it")
        finally:
            await models.close()


async def test_it_says_that_a_clock_is_ahead(on_postgres: Opened, postgres_url: str) -> None:
    async with on_postgres() as log, asyncio.timeout(60):
        assert (await found(on_postgres, postgres_url))["clocks"].state == "ok"
        partition, at = Partition(RUNS.name, 0), SystemClock().now_ms() + LONG_AGO_MS
        meta = ownership_meta(partition, "owner/1/ahead", principal="engine", at=at)
        record = Outgoing(b"", CODEC.encode(meta, OwnerChanged(epoch=1, owner="ahead")))
        writer = await log.writer(partition)
        await writer.append(Batch(BatchHead(epoch=1, sequence=0, count=1, claimant="ahead"), [record]))
        await writer.close()
        ahead = (await found(on_postgres, postgres_url))["clocks"]
        assert ahead.state == "warn"
        assert ahead.found.startswith("the engine wrote an event that is ")
