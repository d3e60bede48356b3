"""What is on a log, read by the rule of its design and by no code of the runtime: a second opinion.

An owned partition is a sequence of batches. One counts if it is the next of the current owner, or the claim of the next
owner; all others are noise. Open and relayed streams are what lies there.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from foldgate.contracts.codec import Codec, Undecodable
from foldgate.contracts.events import Event, Meta
from foldgate.contracts.topics import STREAMS, Stream, stream_of
from foldgate.eventlog.acceptance import decode_head
from foldgate.eventlog.log import BatchHead, Log, Partition, Record

CODEC = Codec()
OPEN = tuple(stream for stream in STREAMS if stream.kind == "open" and stream.events)
OWNED = tuple(stream for stream in STREAMS if stream.kind == "owned" and stream.events)


class Fact(NamedTuple):
    """An accepted event, and the batch it came in."""

    partition: Partition
    offset: int
    batch: int
    meta: Meta
    event: Event
    value: bytes


class Counted(NamedTuple):
    """A batch that counts."""

    head: BatchHead
    records: list[Record]


class History(NamedTuple):
    """A whole log. `submitted` has what can be decoded on open streams, with where it lies."""

    batches: dict[Partition, list[Counted]]
    facts: list[Fact]
    submitted: list[Fact]
    dispatched: dict[str, list[Fact]]
    noise: int

    def of(self, *events: type[Event]) -> list[Fact]:
        """The accepted events of these types."""
        return [fact for fact in self.facts if isinstance(fact.event, events)]

    def asked(self, *events: type[Event]) -> list[Fact]:
        """The submissions of these types."""
        return [fact for fact in self.submitted if isinstance(fact.event, events)]


async def history_of(log: Log, *, pools: Sequence[str] = ("default",)) -> History:
    """Read everything. Partitions are read one after the other: only of a log that rests is it the whole truth."""
    await log.prepare([stream_of(f"dispatch.{pool}") for pool in pools])
    batches: dict[Partition, list[Counted]] = {}
    noise = 0
    for stream in OWNED:
        for number in range(stream.partitions):
            records = await raw(log, Partition(stream.name, number))
            counted = list(counting(records))
            batches[Partition(stream.name, number)] = counted
            noise += len(records) - sum(len(batch.records) for batch in counted)
    facts = [fact for counted in batches.values() for fact in _facts(counted)]
    submitted = [fact for stream in OPEN for fact in await _lying(log, stream)]
    dispatched = {pool: await _lying(log, stream_of(f"dispatch.{pool}")) for pool in pools}
    return History(batches, facts, submitted, dispatched, noise)


def counting(records: Sequence[Record]) -> Iterator[Counted]:
    """The batches that count among the records of one owned partition."""
    epoch = sequence = at = 0
    while at < len(records):
        data = records[at].head
        head = decode_head(data) if data is not None else None
        size = max(1, head.count) if head else 1
        group = [records[at], *_headless(records[at + 1 : at + size])]
        at += len(group)
        if head is None or len(group) != head.count:
            continue
        if head.claimant and (head.epoch, head.sequence) == (epoch + 1, 0):
            epoch, sequence = head.epoch, 1
        elif not head.claimant and (head.epoch, head.sequence) == (epoch, sequence):
            sequence += 1
        else:
            continue
        yield Counted(head, group)


async def raw(log: Log, partition: Partition) -> list[Record]:
    """Everything that lies in a partition."""
    return [record async for chunk in log.read(partition, 0) for record in chunk]


def _headless(records: Sequence[Record]) -> Iterator[Record]:
    for record in records:
        if record.head is not None:
            return
        yield record


def _facts(counted: Sequence[Counted]) -> Iterator[Fact]:
    for number, batch in enumerate(counted):
        for record in batch.records:
            if record.key:
                meta, event = CODEC.decode(record.value)
                yield Fact(record.partition, record.offset, number, meta, event, record.value)


async def _lying(log: Log, stream: Stream) -> list[Fact]:
    found = []
    for number in range(stream.partitions):
        for record in await raw(log, Partition(stream.name, number)):
            try:
                meta, event = CODEC.decode(record.value)
            except Undecodable:
                continue
            found.append(Fact(record.partition, record.offset, -1, meta, event, record.value))
    return found
