"""How a host holds partitions while its log fails, in time that leaps."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

from foldgate.contracts.topics import DECISIONS
from foldgate.eventlog.log import Batch, Log, LogUnavailable, Partition, Writer
from foldgate.eventlog.memory import MemoryLog
from foldgate.runtime.host import Host
from tests.support.assigning import Assigner
from tests.support.leaping import LoopClock, leaping, time_passes
from tests.support.logs import USED
from tests.support.recording import SPEAKER, messages
from tests.support.suite import context, settings
from tests.support.waiting import until

FIRST, SECOND = Partition(DECISIONS.name, 0), Partition(DECISIONS.name, 1)
GIVEN = settings(instance="it", retry_within_ms=60_000, positions_every_ms=100)


class Failing:
    """The log, but what is appended to some partitions gets no answer, and some pens are not put down in order."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.away: set[Partition] = set()
        self.stuck: set[Partition] = set()
        self.claimed: list[Partition] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def writer(self, partition: Partition) -> Writer:
        self.claimed.append(partition)
        return _Pen(self, partition, await self._log.writer(partition))


class _Pen:
    def __init__(self, log: Failing, partition: Partition, pen: Writer) -> None:
        self._log, self._partition, self._pen = log, partition, pen

    async def append(self, batch: Batch) -> int:
        if self._partition in self._log.away:
            raise LogUnavailable(f"{self._partition}: away")
        return await self._pen.append(batch)

    async def close(self) -> None:
        await self._pen.close()
        if self._partition in self._log.stuck:
            raise RuntimeError("the handler is closed")


class Held:
    """A host that is told what to hold, at first both, on a log that fails as told."""

    def __init__(self, host: Host, log: Failing, assigner: Assigner) -> None:
        self.host, self.log, self._assigner = host, log, assigner
        self.working = asyncio.create_task(host.run())
        self._asked = itertools.count()

    def assign(self, *partitions: Partition) -> None:
        self._assigner.assign("it", partitions)

    async def is_asked(self) -> None:
        """So much that each partition has something to append."""
        for number in itertools.islice(self._asked, 20):
            for stream, submission in messages(number):
                await self.log.submit(stream, [submission])

    async def owns(self, *partitions: Partition) -> None:
        await until(lambda: set(self.host._owned) == set(partitions), what=f"{partitions} to be owned, and no others")


@contextlib.asynccontextmanager
async def held() -> AsyncIterator[Held]:
    plain, assigner = MemoryLog(), Assigner()
    await plain.prepare(USED)
    async with assigner.through(lambda: contextlib.nullcontext(plain))() as log:
        failing = Failing(log)
        host = Host(SPEAKER, context(SPEAKER.name, failing, given=GIVEN, clock=LoopClock()))
        it = Held(host, failing, assigner)
        try:
            it.assign(FIRST, SECOND)
            await it.owns(FIRST, SECOND)
            yield it
        finally:
            it.working.cancel()
            await asyncio.gather(it.working, return_exceptions=True)


def test_a_partition_that_is_taken_away_is_not_claimed_again_whatever_is_raised_on_the_way_out() -> None:
    async def play() -> None:
        async with held() as it:
            it.log.stuck = {FIRST}
            it.assign(SECOND)
            await it.owns(SECOND)
            claimed = list(it.log.claimed)
            await time_passes(120)
            assert it.log.claimed == claimed
            assert not it.working.done()

    leaping(play())


def test_a_partition_that_somebody_else_got_while_it_was_away_counts_for_nothing_later() -> None:
    """Only for as long as one partition is not to be had does the time run after which a service gives up."""

    async def play() -> None:
        async with held() as it:
            it.log.away = {FIRST}
            await it.is_asked()
            await it.owns(SECOND)
            await time_passes(1)
            it.assign(SECOND)
            await time_passes(120)
            it.log.away = {SECOND}
            await it.is_asked()
            await it.owns()
            it.log.away = set()
            await it.owns(SECOND)
            assert not it.working.done()

    leaping(play())


def test_who_cannot_have_a_partition_for_long_gives_up() -> None:
    async def play() -> None:
        async with held() as it:
            it.log.away = {FIRST}
            await it.is_asked()
            await it.owns(SECOND)
            await until(it.working.done, what="it to give up", within_s=120)
            assert isinstance(it.working.exception(), LogUnavailable)

    leaping(play())
