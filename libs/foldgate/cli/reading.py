"""Reads streams for people: what counts and what does not, what can be decoded and what cannot.

Nothing is skipped in silence and nothing stops the reading: a record that the reader rule passes over is marked, and
one that nobody can decode is given as its bytes with the reason. Partitions are read side by side and told in the order
of time, as far as their clocks go; no more than a chunk of each is held.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import NamedTuple

import msgspec

from foldgate.contracts.codec import Codec, Undecodable
from foldgate.contracts.events import Event, Meta
from foldgate.contracts.places import START, Partition, Position
from foldgate.contracts.topics import Stream
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import Log, Record
from foldgate.runtime.saving import Head


class Seen(NamedTuple):
    """A record, and what could be made of it. `at` is its time, or of what cannot be decoded the time before it."""

    record: Record
    accepted: bool
    at: int
    meta: Meta | None
    event: Event | None
    trouble: str = ""


class Reading:
    """One partition, from a place on: `see` is called once for each record, in order."""

    def __init__(self, partition: Partition, codec: Codec, *, begin: Position, owned: bool) -> None:
        self.partition, self._codec = partition, codec
        self.next = begin.offset
        self._rule = Acceptance(begin) if owned else None
        self._at = 0

    def pass_over(self, record: Record) -> None:
        """A record that nobody asked about, undecoded; the rule still goes on by it."""
        self.next = record.offset + 1
        if self._rule is not None:
            self._rule.accepts(record)

    def see(self, record: Record) -> Seen:
        """What this record is."""
        self.next = record.offset + 1
        accepted = self._rule is None or self._rule.accepts(record)
        try:
            meta, event = self._codec.decode(record.value)
        except Undecodable as error:
            return Seen(record, accepted, self._at, None, None, str(error))
        self._at = meta.at
        return Seen(record, accepted, meta.at, meta, event)


class StreamReader:
    """Some partitions of a stream, from their own places on: first what is there, then what comes. With a key, only
    what lies under it: the rest is not even decoded."""

    def __init__(
        self, log: Log, readings: Sequence[Reading], starts: Mapping[Partition, int], *, key: bytes | None = None
    ) -> None:
        self.log, self.readings, self._starts, self._key = log, readings, starts, key

    @classmethod
    async def at(
        cls, log: Log, codec: Codec, *, stream: Stream, starts: Mapping[int, int], key: bytes | None = None
    ) -> "StreamReader":
        """Begin at these offsets. Which records of an owned stream count is known only when it is read from a place
        where that is known: a checkpoint, or its beginning."""
        readings, owned = [], stream.kind == "owned"
        for number, start in starts.items():
            partition = Partition(stream.name, number)
            begin = await position_before(log, partition, start) if owned else Position(start)
            readings.append(Reading(partition, codec, begin=begin, owned=owned))
        places = {Partition(stream.name, number): start for number, start in starts.items()}
        return cls(log, readings, places, key=key)

    async def there(self) -> AsyncIterator[Seen]:
        """What is there as of now, in the order of time."""
        sources = [self._partition(reading) for reading in self.readings]
        heads = [await anext(source, None) for source in sources]
        while any(heads):
            turn = min((i for i, head in enumerate(heads) if head is not None), key=lambda i: _order(heads[i]))
            if (seen := heads[turn]) is not None:
                yield seen
            heads[turn] = await anext(sources[turn], None)

    async def coming(self) -> AsyncIterator[Seen]:
        """What comes after that, for ever."""
        async with aclosing(coming_to([self])) as batches:
            async for batch in batches:
                for seen in batch:
                    yield seen

    async def _partition(self, reading: Reading) -> AsyncGenerator[Seen, None]:
        async for chunk in self.log.read(reading.partition, reading.next):
            for record in chunk:
                if (seen := self.seen(reading, record)) is not None:
                    yield seen

    def seen(self, reading: Reading, record: Record) -> Seen | None:
        """What this record is; None if nobody wants to know."""
        if self._key is not None and record.key != self._key:
            reading.pass_over(record)
            return None
        seen = reading.see(record)
        return seen if record.offset >= self._starts[record.partition] else None


async def coming_to(readers: Sequence[StreamReader]) -> AsyncGenerator[list[Seen], None]:
    """What comes to any of them after what they have read, as it comes, for ever: by one follower. While nothing does,
    an empty batch about each second."""
    by_partition = {reading.partition: (reader, reading) for reader in readers for reading in reader.readings}
    follower = readers[0].log.follow({partition: reading.next for partition, (_, reading) in by_partition.items()})
    try:
        while True:
            batch = []
            for record in await follower.next():
                reader, reading = by_partition[record.partition]
                if (seen := reader.seen(reading, record)) is not None:
                    batch.append(seen)
            yield batch
    finally:
        await follower.close()


def _order(seen: Seen | None) -> tuple[int, int]:
    return (0, 0) if seen is None else (seen.at, seen.record.partition.number)


async def position_before(log: Log, partition: Partition, offset: int) -> Position:
    """The last checkpoint's position if that is not beyond this offset; else the beginning."""
    saved = await log.checkpoints().load(partition) if offset else None
    position = START if saved is None else msgspec.msgpack.decode(saved.head, type=Head).position
    return position if position.offset <= offset else START
