"""When a suite has nothing left to do: everything submitted is read, everything dispatched is relayed."""

from foldgate.contracts.places import Partition
from foldgate.contracts.topics import JOBS, stream_of
from foldgate.eventlog.log import Log
from tests.support.history import History, history_of
from tests.support.waiting import until

READ_BY = {"intake": "runs", "reports": "runs"}


async def settled(log: Log) -> None:
    """Wait until it is so."""

    async def nothing_left() -> bool:
        return not list(_left(await history_of(log)))

    await until(nothing_left, what="everything to be read")


def _left(history: History) -> list[str]:
    ends: dict[Partition, int] = {}
    for fact in history.submitted:
        ends[fact.partition] = fact.offset + 1
    wanted = [
        (Partition(stream, number), Partition(owner, number))
        for stream, owner in READ_BY.items()
        for number in range(stream_of(stream).partitions)
    ]
    left = [str(source) for source, owner in wanted if _position(history, owner, source) < ends.get(source, 0)]
    for number in range(JOBS.partitions):
        own = Partition("jobs", number)
        last = max((fact.offset + 1 for fact in history.facts if fact.partition == own), default=0)
        if _position(history, own, own) < last:
            left.append(f"relay of {own}")
    return left


def _position(history: History, owner: Partition, source: Partition) -> int:
    """How far the owner has read the source, by the heads of its batches."""
    found = 0
    for batch in history.batches[owner]:
        for stream, number, position in batch.head.positions:
            if (stream, number) == source:
                found = position.offset
    return found
