"""Reads each source once, and gives each record to the owned partition it concerns.

What is not wanted here is skipped by its header alone; of the rest of a stream under another key only Meta is read
before it is known whether it is ours. On open streams, where anyone may write, the guard quarantines what nobody can
accept, and sends a request that a foreign partitioner put elsewhere to the partition of its key. Where the event says
whose it is (`Follow.key`), all that is wanted is decoded; such events are few. A partition of a stream that follows its
own stream is a source like any other: its positions in itself come back from the log with its appends.

Positions are the partitions' own (`Processor.inputs`), so a partition that joins behind the others makes its sources
be read again from there; the others have taken those places and drop them. A crash between any two lines loses what
was read and not appended, which is read again. A request is moved before the position passes it: a crash between moves
it twice, and it is recognised as the repeat it is.

`attach`, `detach` and `step` are called by one task: a partition that joined while records are being handed out would
miss those between its own position and the one after them.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from foldgate.contracts.codec import Decoded, Undecodable
from foldgate.contracts.places import START, Partition, Position
from foldgate.contracts.topics import Stream, partition_of
from foldgate.decider.decider import SetAside
from foldgate.decider.stamp import Incoming, quarantined
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import BatchHead, Outgoing, Record
from foldgate.runtime import metrics
from foldgate.runtime.context import Context
from foldgate.runtime.owned import OwnedPartition
from foldgate.runtime.recovery import LogUnreadable
from foldgate.runtime.service import Aggregate, Follow, is_same_key, key_for
from foldgate.runtime.tables import TableReader, Tables
from foldgate.runtime.watching import Asked

CHUNK = 500
_NEWS_WITHIN_MS = 5_000


@dataclass
class _Reader:
    """One owned partition as a reader of one source."""

    owned: OwnedPartition
    own: Stream
    follow: Follow
    names: frozenset[str]

    same_key: bool
    tables: Sequence[TableReader]

    @property
    def asks_meta(self) -> bool:
        """Whether Meta alone says if a message belongs to this partition."""
        return not self.same_key and self.follow.key is None

    def key_of(self, decoded: Decoded) -> str:
        """The aggregate of this partition that a message concerns; empty if it concerns none."""
        key = key_for(self.own, decoded.meta) if self.follow.key is None else self.follow.key(decoded.event)
        return key if self.same_key or self.has(key) else ""

    def has(self, key: str) -> bool:
        """Whether a key belongs to this partition."""
        return bool(key) and partition_of(key.encode(), self.own.partitions) == self.owned.partition.number


@dataclass
class _Source:
    """One partition that is read, and who reads it."""

    stream: Stream
    rule: Acceptance
    offset: int
    readers: list[_Reader] = field(default_factory=list)
    names: frozenset[str] = frozenset()

    def position(self, record: Record) -> Position:
        return self.rule.position if self.stream.kind == "owned" else Position(record.offset + 1)


class _News(NamedTuple):
    """What lies before a partition unread, and how long that is waited for."""

    ends: dict[Partition, int]
    until: int


class Routing:
    """The reading side of one service in one process."""

    def __init__(self, context: Context, tables: Tables) -> None:
        self._context, self._tables = context, tables
        self._read_up: set[TableReader] = set()
        self._sources: dict[Partition, _Source] = {}
        self._news: dict[OwnedPartition, _News] = {}
        self._follower = context.log.follow({})

    def attach(self, owned: OwnedPartition, aggregate: Aggregate) -> None:
        """Begin to read what this partition follows, from where it stands."""
        owned.asked = None if aggregate.asks is None else Asked(aggregate.asks, owned.partition)
        for follow in aggregate.follows:
            names = frozenset(event.__name__ for event in follow.events)
            same_key = is_same_key(follow, aggregate.stream)
            tables = self._tables.of(aggregate)
            reader = _Reader(owned, aggregate.stream, follow, names, same_key=same_key, tables=tables)
            for source in _sources(follow, aggregate.stream, owned.partition):
                self._join(source, reader)

    def expect(self, owned: OwnedPartition, ends: Mapping[Partition, int]) -> None:
        """Note how much there is to read for this partition before it may judge the time."""
        self._news[owned] = _News(dict(ends), self._context.clock.monotonic_ms() + _NEWS_WITHIN_MS)

    def is_up_to_date(self, owned: OwnedPartition) -> bool:
        """Whether that has been read, or was waited for long enough: offsets may have holes, also at the end."""
        news = self._news.get(owned)
        if news is None:
            return True
        read = [p for p, end in news.ends.items() if p in self._sources and self._sources[p].offset >= end]
        for partition in read:
            del news.ends[partition]
        if not news.ends or self._context.clock.monotonic_ms() >= news.until:
            del self._news[owned]
        return owned not in self._news

    def detach(self, owned: OwnedPartition) -> None:
        """Read no more for this partition."""
        self._news.pop(owned, None)
        for partition, source in list(self._sources.items()):
            source.readers = [reader for reader in source.readers if reader.owned is not owned]
            if not source.readers:
                self._follower.drop(partition)
                del self._sources[partition]

    async def step(self, *, timeout_ms: int) -> None:
        """Wait for records, and hand them out; each when its readers have room for what it may make them say."""
        records = await self._follower.next(limit=CHUNK, timeout_ms=timeout_ms)
        self._read_up.clear()
        touched: set[Partition] = set()
        for record in records:
            source = self._sources.get(record.partition)
            if source is not None and record.offset >= source.offset:
                source.offset = record.offset + 1
                await self._hand_out(source, record)
                for reader in source.readers:
                    await reader.owned.room()
                if record.key:  # positions past others' positions are not stored: idle services would talk for ever
                    touched.add(record.partition)
        for partition in sorted(touched & self._sources.keys()):  # what is appended says them in this order
            self._skip_to_here(partition, self._sources[partition])

    async def close(self) -> None:
        await self._follower.close()

    def _join(self, partition: Partition, reader: _Reader) -> None:
        at = reader.owned.processor.inputs.get(partition, START)
        source = self._sources.get(partition)
        if source is None or at.offset < source.offset:
            readers = source.readers if source else []
            source = _Source(reader.follow.stream, Acceptance(at), at.offset, readers)
            self._sources[partition] = source
            self._follower.seek(partition, at.offset)
        source.readers.append(reader)
        source.names = frozenset().union(*(reader.names for reader in source.readers))

    async def _hand_out(self, source: _Source, record: Record) -> None:
        if source.stream.kind == "owned":
            await self._hand_out_owned(source, record)
            return
        for reader in source.readers:
            if not reader.same_key:
                await self._hand_out_elsewhere(source, record, reader)
            elif not reader.owned.processor.has_taken(record.partition, source.position(record)):
                await self._hand_out_open(source, record, reader)

    async def _hand_out_owned(self, source: _Source, record: Record) -> None:
        if not source.rule.accepts(record):
            metrics.PASSED_OVER.labels(self._context.service, record.partition.stream).inc()
            return
        if record.head is not None and source.rule.head is not None:
            _note_read(source.readers, record.partition.stream, source.rule.head)
        try:
            if record.key and (name := self._context.codec.peek(record.value).name) in source.names:
                await self._give(source, record, [reader for reader in source.readers if name in reader.names])
        except Undecodable as error:
            raise LogUnreadable(f"{record.partition} at offset {record.offset}: {error}") from error

    async def _hand_out_elsewhere(self, source: _Source, record: Record, reader: _Reader) -> None:
        """An open stream under another key: its guard is elsewhere, so what cannot be read is nothing here."""
        with contextlib.suppress(Undecodable):
            if self._context.codec.peek(record.value).name in reader.names:
                await self._give(source, record, [reader])

    async def _hand_out_open(self, source: _Source, record: Record, reader: _Reader) -> None:
        try:
            meta, event = self._accepted(source.stream, record)
            if type(event).__name__ in reader.names:
                await self._take(reader, Incoming(record.partition, source.position(record), meta, event, record.value))
        except Undecodable as error:
            self._set_aside(record, reader, SetAside(error.code, str(error)))
        except SetAside as refusal:
            self._set_aside(record, reader, refusal)
        except _Misplaced as misplaced:
            if reader.follow.guard:
                await self._context.log.submit(record.partition.stream, [Outgoing(misplaced.key, record.value)])
                metrics.RESUBMITTED.labels(self._context.service, record.partition.stream).inc()

    def _accepted(self, stream: Stream, record: Record) -> Decoded:
        """The event in a record of an open stream, if it may be here."""
        size = len(record.key) + len(record.value)
        if size > stream.max_record_bytes:
            raise SetAside("too_large", f"Expected at most {stream.max_record_bytes} bytes, but the record has {size}.")
        name = self._context.codec.peek(record.value).name
        if name not in stream.events:
            allowed = ", ".join(stream.events)
            raise SetAside("not_for_this_stream", f"Expected one of {allowed} on '{stream.name}', but got {name}.")
        decoded = self._context.codec.decode(record.value)
        key = key_for(stream, decoded.meta).encode()
        if not key or record.key != key:
            found = record.key[:200]
            raise SetAside("key_mismatch", f"Expected the key {key.decode()!r} as its Meta says, but it is {found!r}.")
        if partition_of(key, stream.partitions) != record.partition.number:
            raise _Misplaced(key)
        return decoded

    async def _give(self, source: _Source, record: Record, readers: Sequence[_Reader]) -> None:
        """Under another key, Meta says whose it is where the event does not; the rest is decoded only if it is ours."""
        codec = self._context.codec
        if all(reader.asks_meta for reader in readers):
            meta = codec.meta(record.value)
            readers = [reader for reader in readers if reader.has(key_for(reader.own, meta))]
        if not readers:
            return
        meta, event = codec.decode(record.value)
        submitted = source.stream.kind != "owned"
        for reader in readers:
            await self._take(
                reader, Incoming(record.partition, source.position(record), meta, event, record.value, submitted)
            )

    async def _take(self, reader: _Reader, incoming: Incoming) -> None:
        """Let an aggregate answer, once its tables have what the message may name."""
        meta, event, processor = incoming.meta, incoming.event, reader.owned.processor
        key = reader.key_of(Decoded(meta, event))
        if not key or processor.has_taken(incoming.source, incoming.position):
            return
        for table in reader.tables:
            if table not in self._read_up and table.table.lacks(meta, event, reached=table.reached):
                self._read_up.add(table)
                await table.up_to_now()
        processor.take(incoming, key=key, now=self._now(), behind=not self.is_up_to_date(reader.owned))

    def _now(self) -> int:
        return self._context.clock.now_ms()

    def _set_aside(self, record: Record, reader: _Reader, why: SetAside) -> None:
        if not reader.follow.guard:
            return
        position = Position(record.offset + 1)
        aside = quarantined(
            record.partition,
            position,
            why,
            by=reader.owned.partition,
            service=self._context.service,
            key=record.key,
            original=record.value,
            at=self._now(),
        )
        reader.owned.processor.set_aside(record.partition, position, aside)

    @staticmethod
    def _skip_to_here(partition: Partition, source: _Source) -> None:
        """Everything up to here was handed out or asked for nothing."""
        here = source.rule.position if source.stream.kind == "owned" else Position(source.offset)
        for reader in source.readers:
            reader.owned.processor.skip(partition, here)


class _Misplaced(Exception):
    """A well-formed request lies on another partition than its key's."""

    def __init__(self, key: bytes) -> None:
        super().__init__(key)
        self.key = key


def sources_of(aggregate: Aggregate, partition: Partition) -> list[Partition]:
    """Every partition that the owner of this one reads."""
    follows = (_sources(follow, aggregate.stream, partition) for follow in aggregate.follows)
    return list(dict.fromkeys(source for sources in follows for source in sources))


def _sources(follow: Follow, own: Stream, partition: Partition) -> list[Partition]:
    stream = follow.stream
    numbers = (partition.number,) if is_same_key(follow, own) else range(stream.partitions)
    return [Partition(stream.name, number) for number in numbers]


def _note_read(readers: Sequence[_Reader], stream: str, head: BatchHead) -> None:
    """Whoever asked the owner of that stream something hears how far it has read."""
    for reader in readers:
        if reader.owned.asked is not None:
            reader.owned.asked.heard(stream, head)
