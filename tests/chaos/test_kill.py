"""The suite as processes, killed and paused at random while runs go through; then the checker reads the log."""

import asyncio
import random
from pathlib import Path

import pytest

from foldgate.contracts.events import RunFailed
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import RUNS as RUNS_STREAM
from foldgate.eventlog.log import Log
from foldgate.sdk.client import Client
from tests.support.checker import LATE, check, check_ledger
from tests.support.history import history_of
from tests.support.keys import ISSUER
from tests.support.lives import Stage
from tests.support.logs import Opened, opened_by
from tests.support.processes import SERVICES, Processes, processes
from tests.support.recovering import check_recovery
from tests.support.settling import settled
from tests.support.suite import OWNERS
from tests.support.thorough import daily
from tests.support.waiting import until

RUNS = daily(100, thorough=400)
BURST = 5


@pytest.fixture(params=["postgres", "kafka"])
def opened(request: pytest.FixtureRequest) -> Opened:
    """Connections to one fresh log of each driver that outlives a process."""
    return opened_by(request.param, request)


def environment(opened: Opened, request: pytest.FixtureRequest) -> dict[str, str]:
    """What makes a process find that log."""
    where = {"postgres": "postgres_url", "kafka": "kafka_bootstrap"}[opened.driver]
    return {f"FOLDGATE_{opened.driver.upper()}": request.getfixturevalue(where), "FOLDGATE_SUITE": opened.suite}


async def length(log: Log) -> int:
    """How many records the runs have."""
    return sum([await log.end(Partition("runs", number)) for number in range(RUNS_STREAM.partitions)])


async def test_kills_at_any_moment_lose_and_double_nothing(
    opened: Opened, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    chance = random.Random(29)
    given = {**environment(opened, request), "FOLDGATE_LEASE_MS": "4000", "FOLDGATE_MAX_LOST": "20"}
    with processes(given, tmp_path) as started:
        for name in SERVICES:
            started.service(name)
        for name in ("worker-1", "worker-2"):
            started.worker(name)
        async with opened() as log:
            client, kills = Client(log, signer=ISSUER), 0
            runs: list[str] = []
            waiting: list[asyncio.Task[object]] = []
            while len(runs) < RUNS or not all(task.done() for task in waiting):
                more = await ask(client, BURST if len(runs) < RUNS else 0, first=len(runs))
                runs += more
                waiting += [asyncio.ensure_future(client.ended(run_id)) for run_id in more]
                await some_progress(log, waiting, chance.randrange(1, 25))
                kill_one(started, chance)
                kills += 1
            assert kills >= RUNS // BURST
            await settled(log)
            history = await history_of(log)
            check(history)
            check_ledger(history, runs, started.begun())
            assert not history.of(RunFailed)
            await check_recovery(log, Stage(opened), OWNERS)


async def ask(client: Client, count: int, *, first: int) -> list[str]:
    """Ask for so many runs more."""
    numbers = range(first, first + count)
    asked = [await client.run_job("job.echo", {"n": n}, idempotency_key=str(n)) for n in numbers]
    return [one.run_id for one in asked]


async def some_progress(log: Log, waiting: list["asyncio.Task[object]"], records: int) -> None:
    """Until the engine has appended so many records more, or all runs have ended."""
    before = await length(log)

    async def enough() -> bool:
        return all(task.done() for task in waiting) or await length(log) >= before + records

    await until(enough, what=f"{records} more records of runs", within_s=60)


def kill_one(started: Processes, chance: random.Random) -> None:
    """Kill a service, or now and then a worker, and start it again."""
    victims = [f"{name}-1" for name in SERVICES if name != "approval"] * 4 + ["approval-1", "worker-1"]
    process = started.all[chance.choice(victims)]
    process.kill()
    process.start()


async def test_an_engine_that_was_paused_past_its_takeover_is_not_heard(
    opened: Opened, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with processes(environment(opened, request), tmp_path) as started:
        first = started.service("engine", instance="1")
        for name in ("policy_kernel", "scheduler", "approval"):
            started.service(name)
        started.worker("worker-1")
        async with opened() as log:
            client = Client(log, signer=ISSUER)
            runs: list[str] = []

            async def through(count: int) -> None:
                more = await ask(client, count, first=len(runs))
                runs.extend(more)
                await asyncio.gather(*(client.ended(run_id) for run_id in more))

            await through(5)
            under_way = await ask(client, 10, first=5)
            runs += under_way
            first.pause()
            started.service("engine", instance="2")
            await owned_by(log, "engine-2")
            await asyncio.gather(*(client.ended(run_id) for run_id in under_way))
            await through(5)
            first.go_on()
            await until(lambda: bool(first.logged("lost")), what="the first engine to learn that it was replaced")
            assert any("Fenced" in str(line["reason"]) for line in first.logged("lost"))
            await through(10)
            first.kill()
            await owned_by(log, "engine-2")
            await through(5)
            await settled(log)
            history = await history_of(log)
            # Until it learns that it was replaced it may set aside reports of runs begun since: that has no fence yet.
            # Whoever owns the partition has answered them, or those runs would not have ended.
            check(history, set_aside={*LATE, "run_unknown"})
            check_ledger(history, runs, started.begun())
            assert sorted(line.job_id for line in started.begun()) == sorted(f"{run_id}:job@1" for run_id in runs)


async def owned_by(log: Log, instance: str) -> None:
    """Wait until that engine owns all runs, as the log says."""

    async def it_does() -> bool:
        counted = (await history_of(log)).batches
        claims = [[b.head.claimant for b in counted[Partition("runs", n)] if b.head.claimant] for n in range(4)]
        return {found[-1].split("/")[0] for found in claims if found} == {instance}

    await until(it_does, what=f"{instance} to own all runs", within_s=60)
