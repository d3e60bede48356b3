"""What is more than fits: appends that do not come back, answers larger than a batch, crashes in the middle of them."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from foldgate.contracts.codec import Codec
from foldgate.contracts.events import JobReportIgnored
from foldgate.contracts.places import Partition
from foldgate.eventlog.log import Batch, Log, Outgoing, Writer
from foldgate.eventlog.memory import MemoryLog
from foldgate.runtime.host import Host
from foldgate.runtime.owned import PENDING_LIMIT, OwnedPartition
from tests.support.checker import by_aggregate, check_streams
from tests.support.crashing import Incarnation
from tests.support.history import history_of
from tests.support.leaping import LoopClock, leaping
from tests.support.lives import Stage, kept
from tests.support.logs import USED, Opened
from tests.support.recovering import check_recovery
from tests.support.suite import running
from tests.support.tallying import CHUNK, TALLYING, request
from tests.support.thorough import daily
from tests.support.waiting import tick, until

CODEC = Codec()


class SlowLog:
    """Any log; but appends wait at a gate."""

    def __init__(self, log: Log) -> None:
        self._log, self.open, self.waiting = log, asyncio.Event(), 0
        self.open.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def writer(self, partition: Partition) -> Writer:
        return _SlowWriter(self, await self._log.writer(partition))


class _SlowWriter:
    def __init__(self, log: SlowLog, writer: Writer) -> None:
        self._log, self._writer = log, writer

    async def append(self, batch: Batch) -> int:
        self._log.waiting += not self._log.open.is_set()
        await self._log.open.wait()
        return await self._writer.append(batch)

    async def close(self) -> None:
        await self._writer.close()


@contextlib.asynccontextmanager
async def tallying_slowly(real: Log) -> AsyncIterator[tuple[SlowLog, Host]]:
    log = SlowLog(real)
    async with running(log, services=[TALLYING]) as [host]:
        log.open.clear()
        try:
            yield log, host
        finally:
            log.open.set()


def largest(host: Host) -> OwnedPartition:
    return max(host._owned.values(), key=lambda owned: owned.processor.pending_bytes)


def aside(host: Host) -> int:
    """How much waits to be set aside."""
    return sum(len(cut.quarantined) for cut in largest(host).processor._cuts)


async def stands_still(host: Host) -> int:
    """Until nothing more is taken; how much was."""
    before = None
    while before != (before := (largest(host).processor.taken, largest(host).processor.pending)):
        await tick()
    return largest(host).processor.taken


async def test_while_an_append_does_not_come_back_no_more_is_read_than_a_measure(
    opened: Opened, record_property: Callable[[str, object], None]
) -> None:
    each, count = 100_000, 300
    async with opened() as real:
        async with tallying_slowly(real) as (log, host):
            for number in range(count):
                await real.submit("intake", [request("run_1", f"keep {each}", name=str(number))])
            await until(lambda: largest(host).processor.taken * each > PENDING_LIMIT, what="as much as may wait")
            taken = await stands_still(host)
            assert log.waiting == 1
            assert taken * each < 2 * PENDING_LIMIT < count * each
            log.open.set()
            open_at = time.monotonic()
            await until(lambda: all_said(real, count), what="everything to be appended")
            what = f"appends come back: all of {count * each // 1_000_000} MB is decided on and appended"
            record_property(what, time.monotonic() - open_at)
        check_streams(await history_of(real))


async def test_what_is_set_aside_counts_as_well(opened: Opened) -> None:
    """Quarantined records wait in memory for the same append."""
    each, count = 100_000, 200
    async with opened() as real, tallying_slowly(real) as (log, host):
        for _ in range(count):
            await real.submit("intake", [Outgoing(b"run_1", b"\xff" * each)])
        await until(lambda: log.waiting == 1, what="an append")
        await until(lambda: aside(host) * each > PENDING_LIMIT // 2, what="much to be set aside")
        await stands_still(host)
        assert aside(host) * each < 2 * PENDING_LIMIT < count * each
        log.open.set()
        await until(lambda: reaches(real, "quarantine", count), what="all to be set aside")


async def all_said(log: Log, count: int) -> bool:
    return len((await history_of(log)).facts) == count


async def reaches(log: Log, stream: str, count: int) -> bool:
    return await log.end(Partition(stream, 0)) >= count


RUNS = {"run_1": 8, "run_2": 14}


async def say_in_chunks(log: Log) -> None:
    for number, (key, size) in enumerate(RUNS.items()):
        await log.submit("intake", [request(key, f"chunks {size}", name=str(number))])


async def all_in_chunks(log: Log) -> bool:
    return len((await history_of(log)).facts) == sum(1 + size for size in RUNS.values())


async def judge_chunks(log: Log, stage: Stage) -> None:
    """Each announced how many were left; none is missing, none twice, and none in the wrong order."""
    history = await history_of(log)
    check_streams(history)
    for (_, key), facts in by_aggregate(history.facts).items():
        left = [fact.event.lease for fact in facts if isinstance(fact.event, JobReportIgnored)]
        assert left == list(range(RUNS[key], -1, -1))
        assert len({fact.batch for fact in facts}) > RUNS[key] // CHUNK // 2
    await check_recovery(log, stage, [TALLYING])


async def chunks_with_a_crash(place: int) -> Incarnation:
    log, chance = MemoryLog(), random.Random(1)
    await log.prepare(USED)
    stage = Stage(lambda: contextlib.nullcontext(log), LoopClock(), lambda: chance.choice((0.0, 0.002, 0.01)))
    async with kept(stage, TALLYING, plan=[place]) as engine:
        await say_in_chunks(log)
        await until(lambda: all_in_chunks(log), what="every chunk", within_s=600)
    await judge_chunks(log, stage)
    return engine.lives[0]


def test_a_crash_anywhere_in_a_decision_of_many_chunks_says_each_chunk_once() -> None:
    place = 1
    while leaping(chunks_with_a_crash(place)).dead.is_set():
        place += 1
    assert place > 50


async def test_crashes_in_a_decision_of_many_chunks_say_each_chunk_once(opened: Opened) -> None:
    chance = random.Random(5)
    stage = Stage(opened)
    async with opened() as log:
        plan = [chance.randrange(5, 60) for _ in range(daily(4, thorough=30))]
        async with kept(stage, TALLYING, plan=plan) as engine:
            await say_in_chunks(log)
            await until(lambda: all_in_chunks(log), what="every chunk", within_s=60)
        assert engine.crashes > 1
        await judge_chunks(log, stage)
