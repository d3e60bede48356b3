"""When a suite has nothing left to do: everything submitted is read, everything dispatched is relayed."""

import asyncio
from collections.abc import Sequence

from foldgate.contracts.places import Partition
from foldgate.contracts.topics import JOBS, RUNS
from foldgate.eventlog.log import Log
from tests.support.history import Counted, counting, raw
from tests.support.waiting import until

LOOK_EVERY_S = 0.05


async def settled(log: Log) -> None:
    """Wait until it is so."""

    async def nothing_left() -> bool:
        await asyncio.sleep(LOOK_EVERY_S)
        return await _all_read(log) and await _all_relayed(log)

    await until(nothing_left, what="everything to be read", within_s=120)


async def _all_read(log: Log) -> bool:
    """The engine has read all of `intake` and `reports`."""
    for number in range(RUNS.partitions):
        counted = list(counting(await raw(log, Partition("runs", number))))
        for source in (Partition("intake", number), Partition("reports", number)):
            records = await raw(log, source)
            if records and position(counted, source) <= records[-1].offset:
                return False
    return True


async def _all_relayed(log: Log) -> bool:
    """The scheduler has relayed all that its own stream has for aggregates."""
    for number in range(JOBS.partitions):
        own = Partition("jobs", number)
        counted = list(counting(await raw(log, own)))
        last = max((r.offset for batch in counted for r in batch.records if r.key), default=-1)
        if position(counted, own) <= last:
            return False
    return True


def position(counted: Sequence[Counted], source: Partition) -> int:
    """How far the owner of these batches has read the source, by their heads."""
    found = 0
    for batch in counted:
        for stream, number, at in batch.head.positions:
            if (stream, number) == source:
                found = at.offset
    return found
