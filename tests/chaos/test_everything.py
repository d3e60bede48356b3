"""Everything is killed in one moment, with many runs under way: services, gateway, workers; and their log as well.

Then all is started again at once, as after a power cut, and looked at as after a storm. `make chaos` takes 500 runs,
and kills three Kafka nodes instead of one. How long it took until things went on is told at the end of the report.
"""

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.aftermath import nothing_is_lost_and_nothing_done_twice
from tests.chaos.worlds import SUITE, World, world_on
from tests.support.processes import SERVICES, Processes, processes
from tests.support.settling import settled
from tests.support.storming import Runs, all_succeed, people, supervised
from tests.support.thorough import daily
from tests.support.waiting import until

COUNT = daily(16, thorough=500)
GIVEN = {"FOLDGATE_LEASE_MS": "3000", "FOLDGATE_SESSION_TIMEOUT_MS": "2000", "FOLDGATE_MAX_LOST": "100"}
READY = tuple(f"{name}-1" for name in (*SERVICES, "gateway"))
WITHIN_S = 240
"""On a machine that has other things to do, too."""
Took = Callable[[str, object], None]


@pytest.fixture(params=["postgres", "kafka"])
def world(request: pytest.FixtureRequest) -> World:
    return world_on(request.param, request, kafka=daily("kafka_cluster", thorough="kafka_trio"))


@pytest.mark.timeout(daily(600, thorough=1800))
@pytest.mark.parametrize("and_the_log", [False, True], ids=["all but the log", "all and the log"])
async def test_killed_at_once_it_goes_on_where_it_was(
    world: World, tmp_path: Path, *, and_the_log: bool, record_property: Took
) -> None:
    async with world.log() as log:
        runs = Runs(log, random.Random(23))
        with processes({**GIVEN, **world.environment}, tmp_path) as started:
            for name in (*SERVICES, "gateway"):
                started.service(name)
            for name in ("worker-1", "worker-2"):
                started.worker(name)
            await until(lambda: ready(started) == 1, what="all to be ready", within_s=WITHIN_S)
            await runs.publish()
            asked = await runs.ask(COUNT, at_once=min(COUNT, 25))
            await until(lambda: len(started.begun()) > COUNT, what="much to be under way", within_s=WITHIN_S)
            killed_at, begun = time.time(), len(started.begun())
            going = [world.goes()] if and_the_log else []
            await asyncio.gather(*going, killed(started))
            if and_the_log:
                await world.comes_back()
                record_property("the log answers", time.time() - killed_at)
            started.start()
            with supervised(started):
                await until(lambda: ready(started) > 1, what="all to be ready", within_s=WITHIN_S)
                record_property("the services are ready", time.time() - killed_at)
                await until(lambda: len(started.begun()) > begun, what="something to begin", within_s=WITHIN_S)
                record_property("the next step begins", time.time() - killed_at)
                async with people(log):
                    await all_succeed(log, asked)
                record_property(f"all of {COUNT} runs have ended", time.time() - killed_at)
                await settled(log)
        await nothing_is_lost_and_nothing_done_twice(log, asked, started.begun(), postgres=world.postgres, suite=SUITE)


async def killed(started: Processes) -> None:
    """Without waiting for anything before all are."""
    started.kill()


def ready(started: Processes) -> int:
    """How often all services have been."""
    return min(len(started.all[name].logged("ready")) for name in READY)
