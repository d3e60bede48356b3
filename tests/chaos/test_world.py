"""The world fails, as the services meet it as processes: bounded retry, one line, a clean exit; or it comes back."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from foldgate.contracts.codec import Codec
from foldgate.contracts.events import RunSucceeded
from foldgate.contracts.places import Partition
from foldgate.eventlog.log import Batch, BatchHead, Log, Outgoing
from foldgate.eventlog.owner import OwnStream, claim
from foldgate.sdk.client import Client
from tests.chaos.worlds import World, world_on
from tests.support.checker import check, check_ledger
from tests.support.history import history_of
from tests.support.keys import ISSUER
from tests.support.logs import Opened, opened_by
from tests.support.processes import SERVICES, Process, processes
from tests.support.settling import settled
from tests.support.waiting import until

CODEC = Codec()


@pytest.fixture(params=["postgres", "kafka"])
def world(request: pytest.FixtureRequest) -> World:
    return world_on(request.param, request)


def lines_of(process: Process) -> list[str]:
    """What it said to people, next to its log."""
    return [line for line in process.said().splitlines() if not line.startswith("{")]


async def ready(process: Process) -> None:
    await until(lambda: bool(process.logged("ready")), what="the service to be ready", within_s=60)


async def test_a_log_that_stays_away_ends_a_service_with_one_line(world: World, tmp_path: Path) -> None:
    with processes({**world.environment, "FOLDGATE_RETRY_WITHIN_MS": "1500"}, tmp_path) as started:
        services = [started.service(name) for name in SERVICES]
        for service in services:
            await ready(service)
        await world.goes()
        for service in services:
            assert await service.ends() == 1
            [line] = lines_of(service)
            assert line.startswith("foldgate: ")


async def test_a_log_that_is_not_there_ends_a_service_with_one_line(world: World, tmp_path: Path) -> None:
    await world.goes()
    with processes({**world.environment, "FOLDGATE_RETRY_WITHIN_MS": "1000"}, tmp_path) as started:
        service = started.service("engine")
        assert await service.ends() == 1
        [line] = lines_of(service)
        assert line.startswith("foldgate: ")
    await world.comes_back()


async def test_a_log_that_comes_back_is_gone_on_with(
    world: World, tmp_path: Path, *, record_property: Callable[[str, object], None]
) -> None:
    with processes(world.environment, tmp_path) as started:
        services = [started.service(name) for name in SERVICES]
        worker = started.worker("worker")
        for service in services:
            await ready(service)
        async with world.log() as log:
            client = Client(log, signer=ISSUER)
            runs: list[str] = []
            for number in range(2):
                asked = [await client.run_job("job.echo", idempotency_key=f"{number}-{n}") for n in range(10)]
                runs += [one.run_id for one in asked]
                await world.goes()
                await world.comes_back()
                back_at = time.monotonic()
                async with asyncio.timeout(60):
                    await asyncio.gather(*(client.ended(one.run_id) for one in asked))
                record_property("the log is back: all that was asked for has ended", time.monotonic() - back_at)
            await settled(log)
            history = await history_of(log)
            check(history)
            check_ledger(history, runs, started.begun())
        assert all(process.runs for process in (*services, worker))
        assert [lines_of(service) for service in services] == [[]] * len(services)


async def test_a_service_that_is_told_to_leave_leaves(
    world: World, tmp_path: Path, *, record_property: Callable[[str, object], None]
) -> None:
    with processes(world.environment, tmp_path) as started:
        services = [started.service(name) for name in SERVICES]
        for service in services:
            await ready(service)
        for name, service in zip(SERVICES, services, strict=True):
            told_at = time.monotonic()
            assert service.stop() == 0
            record_property(f"{name} is told to leave: it has", time.monotonic() - told_at)
        assert [lines_of(service) for service in services] == [[]] * len(services)


async def test_a_record_that_cannot_be_read_ends_its_owner_with_one_line(world: World, tmp_path: Path) -> None:
    async with world.log() as log:
        own = OwnStream(Partition("runs", 2))
        writer = await claim(log, CODEC, own, fold=lambda _: None, owner="broken", at=0)
        at = own.acceptance.position
        await writer.append(Batch(BatchHead(at.epoch, at.sequence, 1), [Outgoing(b"run_1", b"\xff anything")]))
        await writer.close()
    with processes(world.environment, tmp_path) as started:
        engine = started.service("engine")
        assert await engine.ends() == 1
        [line] = lines_of(engine)
        assert line.startswith("foldgate: runs-2 at offset 1: ")


@pytest.fixture
def kafka(request: pytest.FixtureRequest) -> Opened:
    return opened_by("kafka", request)


async def test_an_owner_whose_fence_grows_old_claims_anew_by_itself(
    kafka: Opened, kafka_bootstrap: str, tmp_path: Path
) -> None:
    given = {"FOLDGATE_KAFKA": kafka_bootstrap, "FOLDGATE_SUITE": kafka.suite, "FOLDGATE_FENCE_MAX_AGE_MS": "700"}
    with processes(given, tmp_path) as started:
        services = [started.service(name) for name in SERVICES]
        started.worker("worker")
        for service in services:
            await ready(service)
        async with kafka() as log:
            client = Client(log, signer=ISSUER)
            runs: list[str] = []

            async def old_enough() -> bool:
                asked = [await client.run_job("job.echo", idempotency_key=f"{len(runs)}-{n}") for n in range(4)]
                runs.extend(one.run_id for one in asked)
                for one in asked:
                    assert isinstance(await client.ended(one.run_id), RunSucceeded)
                return await epochs(log) >= 3

            await until(old_enough, what="owners to claim anew", within_s=60)
            await settled(log)
            history = await history_of(log)
            check(history)
            check_ledger(history, runs, started.begun())
        assert all(service.runs for service in services)
        assert [lines_of(service) for service in services] == [[]] * len(services)


async def epochs(log: Log) -> int:
    """How often each partition of the runs was claimed, at least."""
    counted = (await history_of(log)).batches
    return min(sum(bool(b.head.claimant) for b in counted[Partition("runs", n)]) for n in range(4))
