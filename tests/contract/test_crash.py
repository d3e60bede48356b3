"""Every service crashes at every thing it does with the log, and nothing is lost, doubled or out of order."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from foldgate.contracts.events import JobLost
from foldgate.contracts.topics import stream_of
from foldgate.eventlog.log import Log
from foldgate.eventlog.memory import MemoryLog
from foldgate.sdk import Job, Worker
from foldgate.sdk.client import Client
from tests.support.checker import check, check_runs
from tests.support.crashing import CrashingLog, Incarnation, Nth, Place
from tests.support.history import History, history_of
from tests.support.keys import ISSUER, TRUST
from tests.support.leaping import LoopClock, leaping, time_passes
from tests.support.lives import CODEC, Kept, Stage, kept, kept_worker
from tests.support.logs import USED, Opened
from tests.support.recovering import check_recovery
from tests.support.settling import settled
from tests.support.suite import OWNERS
from tests.support.thorough import daily

RUNS = daily(6, thorough=12)
ACTORS = [*(service.name for service in OWNERS), "worker"]


class Cast:
    """The services and two workers at work on one log, with what the handlers did."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.executed: Counter[str] = Counter()
        self.kept: dict[str, Kept] = {}

    @contextlib.asynccontextmanager
    async def playing(self, plans: Mapping[str, Iterable[Place]]) -> Any:
        async with contextlib.AsyncExitStack() as stack:
            for service in OWNERS:
                plan = plans.get(service.name, ())
                self.kept[service.name] = await stack.enter_async_context(kept(self.stage, service, plan=plan))
            for name in ("worker", "other worker"):
                plan = plans.get(name, ())
                self.kept[name] = await stack.enter_async_context(kept_worker(self.stage, self.worker, plan=plan))
            yield

    def worker(self, life: Incarnation) -> Worker:
        worker = Worker("test", max_parallel=2, beat_every_ms=200, clock=self.stage.clock, codec=CODEC, trust=TRUST)

        @worker.job("job.echo")
        async def echo(job: Job) -> Any:
            self.executed[job.id] += not life.dead.is_set()
            await self.stage.a_while()
            return {"said": job.input}

        return worker


async def some_runs(log: Log, stage: Stage, prefix: str) -> list[str]:
    """Ask for runs, and wait until all have ended."""
    client = Client(log, clock=stage.clock, codec=CODEC, signer=ISSUER)
    asked = []
    for n in range(RUNS):
        asked.append(await client.run_job("job.echo", {"n": n}, idempotency_key=f"{prefix}{n}"))
        await stage.a_while()
    await asyncio.gather(*(client.ended(one.run_id) for one in asked))
    return [one.run_id for one in asked]


async def play(cast: Cast, log: Log, plans: Mapping[str, Iterable[Place]], *, prefix: str = "k") -> list[str]:
    """One play to its end: all over, all told."""
    async with cast.playing(plans), asyncio.timeout(600):
        runs = await some_runs(log, cast.stage, prefix)
        await settled(log)
        return runs


async def judge(log: Log, cast: Cast, runs: list[str]) -> History:
    history = await history_of(log)
    check(history)
    check_runs(history, runs, cast.executed)
    await check_recovery(log, cast.stage, OWNERS)
    return history


async def crash_at(actor: str, place: int, seed: int = 1) -> Incarnation:
    """A whole play on a fresh log in which one actor crashes once; returns its first life."""
    log = MemoryLog()
    await log.prepare([*USED, stream_of("dispatch.default")])
    chance = random.Random(f"{actor} {seed}")
    latency = lambda: chance.choice((0.0, 0.001, 0.004, 0.02))  # noqa: E731
    cast = Cast(Stage(lambda: contextlib.nullcontext(log), LoopClock(), latency))
    runs = await play(cast, log, {actor: [place]})
    life = cast.kept[actor].lives[0]
    try:
        history = await judge(log, cast, runs)
        if actor != "worker":
            assert not history.of(JobLost)
            assert cast.executed == {f"{run_id}:job@1": 1 for run_id in runs}
    except BaseException as error:
        error.add_note(f"{actor} crashed at place {place}: {life.died_in}")
        raise
    return life


@pytest.mark.parametrize("seed", daily([1], thorough=[1, 2, 3, 4]))
@pytest.mark.parametrize("actor", ACTORS)
def test_a_crash_at_any_place_loses_and_doubles_nothing(actor: str, seed: int) -> None:
    """On the memory log: place 1, place 2, … until a life has no such place any more."""
    place, died = 1, set()
    while (life := leaping(crash_at(actor, place, seed))).dead.is_set():
        died.add(life.died_in.rsplit(" ", 1)[0])
        place += 1
    assert place > (15 if actor == "worker" else 20)
    if actor in ("engine", "policy_kernel", "scheduler"):
        assert {"before append", "after append", "before claim", "after claim", "next", "within save"} <= died


async def test_crashes_everywhere_lose_and_double_nothing(opened: Opened) -> None:
    """On every driver: all actors crash again and again, and each round goes on on the log that the last one left."""
    chance = random.Random(7)
    cast, runs = Cast(Stage(opened, changes={"lease_ms": 2_000})), []
    async with opened() as log:
        for number in range(daily(2, thorough=20)):
            plans = {actor: [chance.randrange(1, 60) for _ in range(2)] for actor in ACTORS}
            runs += await play(cast, log, plans, prefix=f"{number}-")
            assert sum(kept.crashes for kept in cast.kept.values()) > 4
        await judge(log, cast, runs)


async def test_the_relay_copies_again_what_it_copied_before_a_crash_and_leaves_nothing_out(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dead between the copy and the position that would have told of it; each worker still does each lease once."""
    monkeypatch.setattr(CrashingLog, "copies_go_along", False)
    cast = Cast(Stage(opened))
    copied, not_yet = "after submit dispatch.default", "before submit dispatch.default"
    plan = [Nth(1, copied), Nth(2, copied), Nth(1, not_yet), Nth(2, copied), Nth(3, not_yet)]
    async with opened() as log:
        runs = await play(cast, log, {"scheduler": plan})
        history = await judge(log, cast, runs)
    assert cast.kept["scheduler"].crashes >= 2
    copies = [fact.meta.event_id for fact in history.dispatched["default"]]
    assert len(copies) > len(set(copies)) == RUNS
    assert cast.executed == {f"{run_id}:job@1": 1 for run_id in runs}


def test_a_suite_with_nothing_to_do_says_nothing() -> None:
    """Positions past others' positions would be told for ever, one service to the next."""

    async def play_and_rest() -> None:
        log = MemoryLog()
        await log.prepare([*USED, stream_of("dispatch.default")])
        cast = Cast(Stage(lambda: contextlib.nullcontext(log), LoopClock()))
        async with contextlib.AsyncExitStack() as stack:
            for service in OWNERS:
                await stack.enter_async_context(kept(cast.stage, service))
            async with kept_worker(cast.stage, cast.worker):
                await some_runs(log, cast.stage, "k")
                await settled(log)
            await time_passes(60)
            before = {partition: await log.end(partition) for partition in log._lanes}
            await time_passes(300)
            assert {partition: await log.end(partition) for partition in log._lanes} == before

    leaping(play_and_rest())
