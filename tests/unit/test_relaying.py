"""Copies that go along with an append, and those that come after it: each once, and in the order of the log."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import JobCancelled, Meta
from foldgate.contracts.places import Partition, Position
from foldgate.contracts.topics import JOBS, stream_of
from foldgate.eventlog.acceptance import encode_head
from foldgate.eventlog.log import Batch, BatchHead, Outgoing, Record
from foldgate.eventlog.memory import MemoryLog
from foldgate.runtime.recovery import LogUnreadable
from foldgate.runtime.relaying import Relaying
from foldgate.runtime.service import Relay
from tests.support.waiting import tick

HERE, THERE = Partition(JOBS.name, 0), Partition("dispatch.default", 0)
CODEC = Codec()
RELAY = Relay(events=(JobCancelled,), target=lambda meta: f"dispatch.{meta.pool}", key=lambda _: b"w")


def an_event(number: int) -> Outgoing:
    meta = Meta(chain=NO_CHAIN, event_id=f"e{number}", stream=JOBS.name, key="k", pool="default", at=0)
    event = JobCancelled(job_id="run_1:a@1", step="a", lease=number, worker="w", reason="cancelled")
    return Outgoing(b"k", CODEC.encode(meta, event))


class Owner:
    """Appends one by one, as an owned partition does, and says to its relay what it has appended."""

    def __init__(self) -> None:
        self.log, self.sequence, self.reached = MemoryLog(), 1, Position()
        self.owned = SimpleNamespace(partition=HERE, copier=None, processor=self)
        self.inputs = dict[Partition, Position]()
        context: Any = SimpleNamespace(log=self.log, codec=CODEC, service="scheduler")
        owned: Any = self.owned
        self.relaying = Relaying(context, RELAY, owned)

    def skip(self, source: Partition, position: Position) -> None:
        assert source == HERE
        self.reached = position

    async def claim(self) -> None:
        await self.log.prepare([JOBS, stream_of(THERE.stream)])
        self.writer = await self.log.writer(HERE)
        await self.writer.append(Batch(BatchHead(1, 0, 1, (), "me"), [Outgoing(b"", b"claim")]))

    async def append(self, *records: Outgoing) -> bool:
        """Whether the copies went along."""
        head = BatchHead(1, self.sequence, len(records))
        copier = self.owned.copier
        copies = await copier.along(head, records) if copier is not None else None
        first = await self.writer.append(Batch(head, records))
        self.sequence += 1
        for name, some in (copies or {}).items():
            await self.log.submit(name, some)
        if copier is not None:
            lying = [Record(HERE, first + n, *r, None if n else encode_head(head)) for n, r in enumerate(records)]
            copier.appended(head, lying, copies)
        return copies is not None

    async def copied(self) -> Sequence[bytes]:
        return [record.value async for some in self.log.read(THERE, 0) for record in some]


@contextlib.asynccontextmanager
async def at_work() -> AsyncIterator[Owner]:
    owner = Owner()
    await owner.claim()
    await owner.append(an_event(1))
    working = asyncio.create_task(owner.relaying.run())
    try:
        yield owner
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def test_what_lay_there_is_copied_before_anything_goes_along() -> None:
    async with at_work() as owner:
        assert not await owner.append(an_event(2)), "it has not begun"
        await tick()
        assert await owner.append(an_event(3), Outgoing(b"", b"no event"), an_event(4))
        assert [*await owner.copied()] == [an_event(n).value for n in (1, 2, 3, 4)]
        assert owner.reached == Position(6, 1, 4), "and it was noted without being read again"


async def test_what_is_of_the_partition_alone_moves_no_position() -> None:
    async with at_work() as owner:
        await tick()
        before = owner.reached
        assert await owner.append(Outgoing(b"", b"positions"))
        assert owner.reached == before
        assert await owner.append(an_event(2))
        await tick()
        assert [*await owner.copied()] == [an_event(n).value for n in (1, 2)]


async def test_what_is_no_event_ends_it_before_it_is_on_the_log() -> None:
    async with at_work() as owner:
        await tick()
        end = await owner.log.end(HERE)
        with pytest.raises(LogUnreadable, match="jobs-0"):
            await owner.append(Outgoing(b"k", b"\xff no event"))
        assert await owner.log.end(HERE) == end
