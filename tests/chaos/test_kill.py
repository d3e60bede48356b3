"""Real processes on real servers, killed and stopped while runs go through: nothing is lost, nothing is done twice."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from foldgate.contracts.events import OwnerChanged, RunSucceeded
from foldgate.contracts.places import START, Partition
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import Log
from foldgate.sdk.client import Client
from tests.support.checker import check, check_runs
from tests.support.history import CODEC, history_of, raw
from tests.support.logs import Opened, opened_by
from tests.support.services import OWNERS, Started, Suite, suite
from tests.support.settling import settled
from tests.support.thorough import daily
from tests.support.waiting import until

RUNS, KILLS, WORKERS = daily(40, thorough=200), daily(8, thorough=60), 2
WITHIN_S = 60.0
LATE_OR_REPEATED = frozenset({"run_closed"})


@pytest.fixture(params=["postgres", "kafka"])
def opened(request: pytest.FixtureRequest) -> Opened:
    """Connections to one fresh log on each real driver."""
    return opened_by(request.param, request)


@pytest.fixture
def processes(opened: Opened, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Suite]:
    """A suite of real processes on that log."""
    with suite(tmp_path, _settings(opened, request)) as started:
        yield started


def _settings(opened: Opened, request: pytest.FixtureRequest) -> Mapping[str, str]:
    fixture = {"postgres": "postgres_url", "kafka": "kafka_bootstrap"}[opened.driver]
    return {
        f"FOLDGATE_{opened.driver.upper()}": request.getfixturevalue(fixture),
        "FOLDGATE_SUITE": opened.suite,
        "FOLDGATE_DEFAULT_DECISION": "allow",
        "FOLDGATE_LEASE_MS": "2000",
        "FOLDGATE_MAX_LOST": "20",
        "FOLDGATE_CHECKPOINT_EVERY_MS": "500",
        "FOLDGATE_LOG_FORMAT": "text",
    }


async def ended(log: Log) -> set[str]:
    """The runs that have succeeded so far."""
    found = set()
    for number in range(4):
        rule = Acceptance(START)
        for record in await raw(log, Partition("runs", number)):
            if rule.accepts(record) and record.key and CODEC.peek(record.value).name == RunSucceeded.__name__:
                found.add(record.key.decode())
    return found


async def ask(log: Log, ledger: Path, count: int) -> set[str]:
    """Ask for so many runs."""
    client = Client(log)
    asked = [await client.run_job("job.ledger", {"ledger": str(ledger), "takes_s": 0.05}) for _ in range(count)]
    return {one.run_id for one in asked}


async def until_ended(log: Log, count: int) -> None:
    async def enough() -> bool:
        return len(await ended(log)) >= count

    await until(enough, what=f"{count} runs to end", within_s=WITHIN_S)


async def test_services_and_workers_killed_at_any_time_lose_and_double_nothing(
    opened: Opened, processes: Suite, tmp_path: Path
) -> None:
    chance, ledger = random.Random(7), tmp_path / "ledger"
    ledger.touch()
    for service in OWNERS:
        processes.service(service)
    for number in range(WORKERS):
        processes.worker(f"worker-{number}")
    async with opened() as log:
        runs: set[str] = set()
        for _ in range(KILLS):
            runs |= await ask(log, ledger, RUNS // KILLS)
            victim: Started = chance.choice(list(processes.started.values()))
            victim.kill_and_start_again()
            await until_ended(log, len(runs) - RUNS // KILLS)
        await until_ended(log, len(runs))
        codes = await stopped(processes, workers=True)
        await settled(log)
        codes |= await stopped(processes, workers=False)
        assert codes == dict.fromkeys(codes, 0), "each left in good order"
        begun = Counter(ledger.read_text().split())
        assert set(begun.values()) == {1}, "no attempt was begun twice"
        history = await history_of(log)
        check(history, set_aside=LATE_OR_REPEATED)
        check_runs(history, runs, begun)


async def test_an_engine_stopped_past_its_takeover_gets_nothing_in_when_it_goes_on(
    opened: Opened, processes: Suite, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    ledger.touch()
    first = processes.service("engine", name="engine-1")
    for service in OWNERS[1:]:
        processes.service(service)
    processes.worker("worker")
    async with opened() as log:
        runs = await ask(log, ledger, 8)
        await until_ended(log, 8)
        first.signal(signal.SIGSTOP)
        runs |= await ask(log, ledger, 8)
        processes.service("engine", name="engine-2")
        await until_ended(log, 16)
        owners = await owners_of(log)
        first.signal(signal.SIGCONT)
        runs |= await ask(log, ledger, 8)
        await until_ended(log, 24)
        await stopped(processes, workers=True)
        await settled(log)
        history = await history_of(log)
        check(history, set_aside=LATE_OR_REPEATED)
        check_runs(history, runs, Counter(ledger.read_text().split()))
        assert all(owner.startswith("engine-2/") for owner in owners.values())


async def stopped(processes: Suite, *, workers: bool) -> dict[str, int]:
    """Stop the workers, which are never done with saying that they live, or all the others; their exit codes."""
    wanted = {name: one for name, one in processes.started.items() if name.startswith("worker") is workers}
    return {name: await asyncio.to_thread(one.stop) for name, one in wanted.items()}


async def owners_of(log: Log) -> dict[int, str]:
    """Who owns each partition of `runs`, by the reader rule."""
    found: dict[int, str] = {}
    for number in range(4):
        rule = Acceptance(START)
        for record in await raw(log, Partition("runs", number)):
            if rule.accepts(record) and not record.key:
                event = CODEC.decode(record.value).event
                found[number] = event.owner if isinstance(event, OwnerChanged) else found[number]
    return found
