"""The log as projections read it: what counts, decoded where it is of interest, in stretches that end at a position.

An owned record that cannot be decoded stops the projection, as it stops every reader; on an open stream it is the
business of the stream's guard, and passed over here.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from functools import lru_cache

import msgspec

from foldgate.contracts.codec import Codec, Decoded, Undecodable
from foldgate.contracts.places import START, Partition, Position
from foldgate.contracts.topics import stream_of
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import Follower, Log, Record
from foldgate.readmodel.projection import Projection, Seen, Stretch
from foldgate.runtime.recovery import LogUnreadable

_CHUNK = 1000
_IDLE_MS = 1000
_RECENT, _SMALL = 2000, 4096


class LogSource:
    """Reads a log for projections: if they share one, each event is decoded once."""

    def __init__(self, log: Log, codec: Codec) -> None:
        self._log, self._codec = log, _Remembering(codec)

    def follow(self, projection: Projection, positions: Mapping[Partition, Position]) -> "LogFeed":
        readings = {p: self._reading(projection, p, positions) for p in projection.partitions}
        return LogFeed(self._log.follow({p: reading.offset for p, reading in readings.items()}), readings)

    async def up_to_now(
        self, projection: Projection, positions: Mapping[Partition, Position]
    ) -> AsyncIterator[Stretch]:
        for partition in projection.partitions:
            reading = self._reading(projection, partition, positions)
            async for records in self._log.read(partition, reading.offset):
                yield reading.take(records)

    async def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        wanted = list(partitions)
        return dict(zip(wanted, await asyncio.gather(*map(self._log.end, wanted)), strict=True))

    def _reading(
        self, projection: Projection, partition: Partition, positions: Mapping[Partition, Position]
    ) -> "_Reading":
        return _Reading(projection, self._codec, partition=partition, position=positions.get(partition, START))


class LogFeed:
    """One endless read."""

    def __init__(self, follower: Follower, readings: Mapping[Partition, "_Reading"]) -> None:
        self._follower, self._readings = follower, readings

    async def next(self) -> list[Stretch]:
        by_partition: dict[Partition, list[Record]] = {}
        for record in await self._follower.next(limit=_CHUNK, timeout_ms=_IDLE_MS):
            by_partition.setdefault(record.partition, []).append(record)
        return [self._readings[partition].take(records) for partition, records in by_partition.items()]

    async def close(self) -> None:
        await self._follower.close()


class _Remembering:
    """A codec that remembers the small of the last events: what one projection has had decoded, the next ones ask for
    within moments."""

    def __init__(self, codec: Codec) -> None:
        self.peek, self._decode = codec.peek, codec.decode
        self._recent = lru_cache(maxsize=_RECENT)(codec.decode)

    def decode(self, value: bytes) -> Decoded:
        return self._recent(value) if len(value) <= _SMALL else self._decode(value)


class _Reading:
    """One partition, as far as it was read."""

    def __init__(
        self, projection: Projection, codec: "_Remembering", *, partition: Partition, position: Position
    ) -> None:
        self._partition, self._codec = partition, codec
        self._rule = Acceptance(position) if stream_of(partition.stream).kind == "owned" else None
        self._names = frozenset(event.__name__ for event in projection.events)
        self._position = position

    @property
    def offset(self) -> int:
        return self._position.offset

    def take(self, records: Sequence[Record]) -> Stretch:
        start = self._position
        seen = [found for record in records if (found := self._seen(record)) is not None]
        if records:
            here = START if self._rule is None else self._rule.position
            # Also past what does not count: whoever waits for the end would wait for ever for a record after it.
            self._position = msgspec.structs.replace(here, offset=records[-1].offset + 1)
        return Stretch(self._partition, start, self._position, seen)

    def _seen(self, record: Record) -> Seen | None:
        if self._rule is not None and not self._rule.accepts(record):
            return None
        try:
            if record.key and self._codec.peek(record.value).name in self._names:
                return Seen(record.offset, *self._codec.decode(record.value))
        except Undecodable as error:
            if self._rule is not None:
                raise LogUnreadable(f"{record.partition} at offset {record.offset}: {error}") from error
        return None
