"""Instances that share partitions come, go, die and take over, and each record is taken exactly once."""

import asyncio
import contextlib
import random
from collections.abc import Iterator

import pytest

from foldgate.contracts.events import JobLost, RunSucceeded, WorkerBeat, WorkerJoined
from foldgate.contracts.topics import DECISIONS, JOBS, stream_of
from foldgate.eventlog.log import Log, Partition
from foldgate.eventlog.memory import MemoryLog
from foldgate.sdk import Job, Worker
from foldgate.sdk.client import Client
from tests.support.assigning import Assigner
from tests.support.checker import check_streams
from tests.support.history import history_of
from tests.support.keys import ISSUER, TRUST
from tests.support.leaping import LoopClock, leaping
from tests.support.lives import CODEC, Kept, Stage, kept
from tests.support.logs import USED, Opened
from tests.support.recording import RECORDER, SPEAKER, messages, seen, to_be_seen
from tests.support.recovering import check_recovery
from tests.support.suite import OWNERS, running, working
from tests.support.waiting import until

ALL = {
    service.name: [Partition(s.name, n) for n in range(s.partitions)]
    for service, s in ((SPEAKER, DECISIONS), (RECORDER, JOBS))
}


async def submit(log: Log, numbers: range) -> None:
    for number in numbers:
        for stream, submission in messages(number):
            await log.submit(stream, [submission])


async def all_seen(log: Log, count: int) -> None:
    """Wait until the recorder has taken everything that came of so many messages; each once."""

    async def complete() -> bool:
        taken = seen(await history_of(log))
        assert set(taken.values()) <= {1}, taken.most_common(3)
        return len(taken) == 3 * count

    await until(complete, what=f"{3 * count} records to be taken", within_s=60)
    history = await history_of(log)
    check_streams(history)
    assert set(seen(history)) == to_be_seen(history)


def crashes(chance: random.Random, longest: int) -> Iterator[int]:
    while True:
        yield chance.randrange(1, longest)


async def shuffle(log: Log, stage: Stage, assigner: Assigner, *, seed: int, rounds: int) -> list[Kept]:
    """Two instances of each service, whose shares change while they crash; two may be told the same for a while."""
    chance = random.Random(seed)
    async with contextlib.AsyncExitStack() as stack:
        lives = []
        for service in (SPEAKER, RECORDER):
            for name in ("one", "two"):
                instance = f"{service.name}-{name}"
                plan = crashes(chance, 120)
                lives.append(await stack.enter_async_context(kept(stage, service, instance=instance, plan=plan)))
        for number in range(rounds):
            await submit(log, range(number * 8, number * 8 + 4))
            for service in (SPEAKER, RECORDER):
                first = {p for p in ALL[service.name] if chance.random() < 0.5}
                second = {p for p in ALL[service.name] if p not in first or chance.random() < 0.1}
                assigner.assign(f"{service.name}-one", first)
                assigner.assign(f"{service.name}-two", second)
            await submit(log, range(number * 8 + 4, number * 8 + 8))
            await some_progress(log)
            if chance.random() < 0.3:
                chance.choice(lives).kill()
        for service in (SPEAKER, RECORDER):
            assigner.assign(f"{service.name}-one", ALL[service.name][:2])
            assigner.assign(f"{service.name}-two", ALL[service.name][2:])
        await all_seen(log, rounds * 8)
        return lives


async def some_progress(log: Log) -> None:
    """Until somebody has appended something."""
    partitions = [p for service in (SPEAKER, RECORDER) for p in ALL[service.name]]
    before = [await log.end(partition) for partition in partitions]

    async def moved() -> bool:
        return [await log.end(partition) for partition in partitions] != before

    await until(moved, what="an append")


async def test_each_record_is_taken_once_while_shares_change_and_owners_crash(opened: Opened) -> None:
    assigner = Assigner()
    stage = Stage(assigner.through(opened))
    async with opened() as log:
        lives = await shuffle(log, stage, assigner, seed=3, rounds=6)
        assert sum(kept.crashes for kept in lives) > 3
        history = await history_of(log)
        assert max(batch.head.epoch for counted in history.batches.values() for batch in counted) > 3
        await check_recovery(log, stage, [SPEAKER, RECORDER])


@pytest.mark.parametrize("seed", range(10))
def test_each_record_is_taken_once_at_many_speeds(seed: int) -> None:
    """On the memory log, where operations take some time and then another."""

    async def play() -> None:
        log, assigner, chance = MemoryLog(), Assigner(), random.Random(seed)
        await log.prepare(USED)
        connect = assigner.through(lambda: contextlib.nullcontext(log))
        stage = Stage(connect, LoopClock(), lambda: chance.choice((0.0, 0.001, 0.005, 0.03)))
        await shuffle(log, stage, assigner, seed=seed, rounds=12)
        await check_recovery(log, stage, [SPEAKER, RECORDER])

    leaping(play())


async def test_instances_come_leave_and_die_and_the_others_take_over(opened: Opened) -> None:
    if opened.driver == "memory":
        pytest.skip("one process has everything in memory")
    stage = Stage(opened)
    async with opened() as log, kept(stage, SPEAKER), kept(stage, RECORDER, instance="a"):
        async with kept(stage, RECORDER, instance="b", lives=1) as dying:
            await owned_by(log, {"a", "b"})
            await submit(log, range(20))
            dying.kill()
            await submit(log, range(20, 40))
            await owned_by(log, {"a"})
        async with kept(stage, RECORDER, instance="c"):
            await owned_by(log, {"a", "c"})
            await submit(log, range(40, 60))
        await submit(log, range(60, 80))
        await owned_by(log, {"a"})
        await all_seen(log, 80)
        await check_recovery(log, stage, [RECORDER])


async def owned_by(log: Log, instances: set[str]) -> None:
    """Wait until these instances own the recorder's partitions, as the log says."""

    async def they_do() -> bool:
        counted = (await history_of(log)).batches
        claimants = [[b.head.claimant for b in counted[p] if b.head.claimant] for p in ALL[RECORDER.name]]
        return all(claimants) and {claims[-1].split("/")[0] for claims in claimants} == instances

    await until(they_do, what=f"{instances} to own all", within_s=60)


async def a_worker_outlives_the_scheduler(stage: Stage, log: Log) -> None:
    """Nobody reads a worker's beats for longer than its lease; then somebody does again."""
    doing, go_on = asyncio.Event(), asyncio.Event()
    worker = Worker("patient", beat_every_ms=100, clock=stage.clock, codec=CODEC, trust=TRUST)

    @worker.job("job.long")
    async def long(_: Job) -> None:
        doing.set()
        await go_on.wait()

    others = [service for service in OWNERS if service.name != "scheduler"]
    [scheduler] = [service for service in OWNERS if service.name == "scheduler"]
    client = Client(log, clock=stage.clock, codec=CODEC, signer=ISSUER)
    async with running(log, services=others, clock=stage.clock), working(log, worker):
        async with kept(stage, scheduler, lives=1) as first:
            asked = await client.run_job("job.long")
            await doing.wait()
            first.kill()
        beats = len((await history_of(log)).asked(WorkerBeat))
        await until(lambda: more_beats(log, beats + 25), what="beats that nobody reads")
        async with kept(stage, scheduler):
            await until(lambda: more_beats(log, beats + 35), what="more beats")
            go_on.set()
            assert isinstance(await client.ended(asked.run_id), RunSucceeded)
    history = await history_of(log)
    assert not history.of(JobLost)
    assert len(history.of(WorkerJoined)) == 1


async def more_beats(log: Log, count: int) -> bool:
    return len((await history_of(log)).asked(WorkerBeat)) >= count


async def test_a_worker_is_not_lost_because_nobody_listened(opened: Opened) -> None:
    if opened.driver == "memory":
        pytest.skip("on the memory log this takes no time: see below")
    async with opened() as log:
        await a_worker_outlives_the_scheduler(Stage(opened, changes={"lease_ms": 2_000}), log)


def test_a_worker_is_not_lost_because_nobody_listened_in_leaping_time() -> None:
    async def play() -> None:
        log = MemoryLog()
        await log.prepare([*USED, stream_of("dispatch.default")])
        stage = Stage(lambda: contextlib.nullcontext(log), LoopClock(), changes={"lease_ms": 2_000})
        await a_worker_outlives_the_scheduler(stage, log)

    leaping(play())
