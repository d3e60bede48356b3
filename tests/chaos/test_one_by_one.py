"""One program after the other is killed with runs under way, and started again at once, as supervisors do.

How long it took until it was ready again, and until all had ended that was under way, is told at the end of the report;
beside it, how long the same takes when nothing is killed.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from tests.chaos.aftermath import nothing_is_lost_and_nothing_done_twice
from tests.chaos.worlds import SUITE, World, world_on
from tests.support.processes import SERVICES, Process, Processes, processes
from tests.support.settling import settled
from tests.support.storming import Runs, people
from tests.support.thorough import daily
from tests.support.waiting import until

TOGETHER = daily(4, thorough=20)
GIVEN = {"FOLDGATE_LEASE_MS": "3000", "FOLDGATE_SESSION_TIMEOUT_MS": "2000", "FOLDGATE_MAX_LOST": "100"}
SEEN = (*SERVICES, "gateway")
WITHIN_S = 240
Took = Callable[[str, object], None]


@pytest.fixture(params=["postgres", "kafka"])
def world(request: pytest.FixtureRequest) -> World:
    return world_on(request.param, request, kafka=daily("kafka_cluster", thorough="kafka_trio"))


@pytest.mark.timeout(600)
async def test_each_is_killed_and_what_was_under_way_goes_on(
    world: World, tmp_path: Path, *, record_property: Took
) -> None:
    async with world.log() as log:
        runs = Runs(log, random.Random(31))
        with processes({**GIVEN, **world.environment}, tmp_path) as started:
            for name in SEEN:
                started.service(name)
            started.worker("worker")
            await until(lambda: all(lives(started, name) for name in SEEN), what="all to be ready", within_s=WITHIN_S)
            await runs.publish()
            async with people(log):
                await until_ended(runs, nothing, started=started, told=record_property, what="nothing")
                for name in SEEN:

                    async def again(name: str = name) -> None:
                        await killed_and_ready(started, name)

                    await until_ended(runs, again, started=started, told=record_property, what=name)
                await up_to_date(started.all["gateway-1"])
                worker = started.all["worker"]
                await until_ended(runs, lambda: at_once(worker), started=started, told=record_property, what="worker")
                for node in world.nodes[1:]:
                    what = f"node {node.id} of {len(world.nodes)}, which stays away"
                    await until_ended(runs, node.kill, started=started, told=record_property, what=what)
                    await node.restart()
            await settled(log)
        await nothing_is_lost_and_nothing_done_twice(
            log, runs.asked, started.begun(), postgres=world.postgres, suite=SUITE
        )


async def until_ended(
    runs: Runs, fails: Callable[[], Awaitable[None]], *, started: Processes, told: Took, what: str
) -> None:
    """Some runs are under way when it fails; all of them end."""
    before = len(started.begun())
    under_way = asyncio.create_task(runs.go_through(TOGETHER, at_once=TOGETHER))
    await until(lambda: len(started.begun()) > before, what="something to be under way", within_s=WITHIN_S)
    failed_at = time.monotonic()
    await fails()
    told(f"{what} killed: ready", time.monotonic() - failed_at)
    await under_way
    told(f"{what} killed: all that was under way has ended", time.monotonic() - failed_at)


async def nothing() -> None:
    """How it is without a failure."""


async def at_once(process: Process) -> None:
    """It is killed, and started again."""
    process.kill()
    process.start()


async def killed_and_ready(started: Processes, name: str) -> None:
    """It says so itself."""
    before = lives(started, name)
    await at_once(started.all[f"{name}-1"])
    await until(lambda: lives(started, name) > before, what=f"{name} to be ready", within_s=WITHIN_S)


def lives(started: Processes, name: str) -> int:
    """How often it was ready."""
    return len(started.all[f"{name}-1"].logged("ready"))


async def up_to_date(gateway: Process) -> None:
    """Its read models show all that is on the log, as they did before it was killed."""
    port = gateway.logged("ready")[-1]["port"]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30) as client:

        async def shows_all() -> bool:
            answer = await client.get("/status")
            return answer.status_code == 200 and not any(answer.json()["read_models"].values())

        await until(shows_all, what="the read models to show all", within_s=WITHIN_S)
