"""What the log alone can do: as many events of the same size, appended and followed, with nothing in between.

It is measured on the server of the suite, right after it, so that the share of it that a suite reaches means the same
on any machine. Who follows has a log of its own: what a process has appended itself, it need not fetch.
"""

import asyncio
import contextlib

from foldgate.cli.reaching import Reached
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import RUNS
from foldgate.eventlog.log import Batch, BatchHead, Follower, Log, Outgoing
from foldgate.eventlog.owner import OwnStream, claim
from foldgate.runtime.connecting import open_log

AT_ONCE = 64
"""Events of one append."""


async def events_per_second(suite: Reached, *, events: int, size: int) -> float:
    """From the first append to the last event that the follower sees."""
    raw = suite.settings.model_copy(update={"suite": f"{suite.settings.suite}_raw"})
    async with contextlib.AsyncExitStack() as stack:
        log, other = await open_log(raw), await open_log(raw)
        stack.push_async_callback(log.close)
        stack.push_async_callback(other.close)
        await log.prepare([RUNS])
        partitions = [Partition(RUNS.name, number) for number in range(RUNS.partitions)]
        each = max(AT_ONCE, events // len(partitions))
        follower = other.follow({partition: await log.end(partition) for partition in partitions})
        stack.push_async_callback(follower.close)
        began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for partition in partitions:
                group.create_task(_append(log, suite, partition, count=each, size=size))
            group.create_task(_follow(follower, each * len(partitions)))
        return each * len(partitions) / (asyncio.get_running_loop().time() - began)


async def _append(log: Log, suite: Reached, partition: Partition, *, count: int, size: int) -> None:
    own = OwnStream(partition)
    writer = await claim(log, suite.codec, own, fold=lambda _: None, owner="bench", at=0)
    value, epoch = b"x" * size, own.acceptance.position.epoch
    try:
        for sequence, done in enumerate(range(0, count, AT_ONCE), 1):
            many = min(AT_ONCE, count - done)
            head = BatchHead(epoch=epoch, sequence=sequence, count=many)
            await writer.append(Batch(head, [Outgoing(b"k", value)] * many))
    finally:
        await writer.close()


async def _follow(follower: Follower, count: int) -> None:
    seen = 0
    while seen < count:
        seen += sum(1 for record in await follower.next() if record.key)
