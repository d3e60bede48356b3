"""Reads each source once, and gives each record to the owned partition it concerns.

What is not wanted here is skipped by its header alone; of the rest of a stream under another key only Meta is read
before it is known whether it is ours. On open streams, where anyone may write, the guard quarantines what nobody can
accept, and sends a request that a foreign partitioner put elsewhere to the partition of its key.

Positions are the partitions' own (`Processor.inputs`), so a partition that joins behind the others makes its sources
be read again from there; the others have taken those places and drop them. A crash between any two lines loses what
was read and not appended, which is read again. A request is moved before the position passes it: a crash between moves
it twice, and it is recognised as the repeat it is.

`attach`, `detach` and `step` are called by one task: a partition that joined while records are being handed out would
miss those between its own position and the one after them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from foldgate.contracts.codec import Undecodable
from foldgate.contracts.places import START, Partition, Position
from foldgate.contracts.topics import Stream, partition_of
from foldgate.decider.decider import SetAside
from foldgate.decider.stamp import Incoming, quarantined
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import Outgoing, Record
from foldgate.runtime import metrics
from foldgate.runtime.context import Context
from foldgate.runtime.owned import OwnedPartition
from foldgate.runtime.recovery import LogUnreadable
from foldgate.runtime.service import Aggregate, Follow, key_for

CHUNK = 500


@dataclass
class _Reader:
    """One owned partition as a reader of one source."""

    owned: OwnedPartition
    own: Stream
    follow: Follow
    names: frozenset[str]

    @property
    def same_key(self) -> bool:
        return _same_key(self.follow.stream, self.own)


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


class Routing:
    """The reading side of one service in one process."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._sources: dict[Partition, _Source] = {}
        self._follower = context.log.follow({})

    def attach(self, owned: OwnedPartition, aggregate: Aggregate) -> None:
        """Begin to read what this partition follows, from where it stands."""
        for follow in aggregate.follows:
            reader = _Reader(owned, aggregate.stream, follow, frozenset(event.__name__ for event in follow.events))
            for number in _numbers(follow.stream, aggregate.stream, owned.partition):
                self._join(Partition(follow.stream.name, number), reader)

    def detach(self, owned: OwnedPartition) -> None:
        """Read no more for this partition."""
        for partition, source in list(self._sources.items()):
            source.readers = [reader for reader in source.readers if reader.owned is not owned]
            if not source.readers:
                self._follower.drop(partition)
                del self._sources[partition]

    async def step(self, *, timeout_ms: int) -> None:
        """Wait for records, and hand them out."""
        records = await self._follower.next(limit=CHUNK, timeout_ms=timeout_ms)
        touched: set[Partition] = set()
        for record in records:
            source = self._sources.get(record.partition)
            if source is not None and record.offset >= source.offset:
                source.offset = record.offset + 1
                await self._hand_out(source, record)
                if (
                    record.key
                ):  # positions past others' positions need not be stored, or idle services would talk for ever
                    touched.add(record.partition)
        for partition in touched & self._sources.keys():
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
            if source.rule.accepts(record):
                self._hand_out_owned(source, record)
            else:
                metrics.PASSED_OVER.labels(self._context.service, record.partition.stream).inc()
            return
        for reader in source.readers:
            if reader.same_key and not reader.owned.processor.has_taken(record.partition, source.position(record)):
                await self._hand_out_open(source, record, reader)
        others = [reader for reader in source.readers if not reader.same_key]
        if others:
            self._hand_out_others(source, record, others)

    def _hand_out_owned(self, source: _Source, record: Record) -> None:
        try:
            if record.key and self._context.codec.peek(record.value).name in source.names:
                self._give(source, record, source.readers)
        except Undecodable as error:
            raise LogUnreadable(f"{record.partition} at offset {record.offset}: {error}") from error

    def _hand_out_others(self, source: _Source, record: Record, readers: list[_Reader]) -> None:
        """An open stream under another key: its guard is elsewhere, so what cannot be read is nothing here."""
        try:
            if self._context.codec.peek(record.value).name in source.names:
                self._give(source, record, readers)
        except Undecodable:
            return

    async def _hand_out_open(self, source: _Source, record: Record, reader: _Reader) -> None:
        try:
            name = self._checked(source, record)
            if name in reader.names:
                self._give(source, record, [reader])
        except Undecodable as error:
            self._set_aside(record, reader, SetAside(error.code, str(error)))
        except SetAside as refusal:
            self._set_aside(record, reader, refusal)
        except _Misplaced as misplaced:
            if reader.follow.guard:
                await self._context.log.submit(record.partition.stream, [Outgoing(misplaced.key, record.value)])
                metrics.RESUBMITTED.labels(self._context.service, record.partition.stream).inc()

    def _checked(self, source: _Source, record: Record) -> str:
        """The name of an acceptable record of an open stream."""
        size = len(record.key) + len(record.value)
        if size > source.stream.max_record_bytes:
            limit = source.stream.max_record_bytes
            raise SetAside("too_large", f"Expected at most {limit} bytes, but the record has {size}.")
        name = self._context.codec.peek(record.value).name
        if name not in source.stream.events:
            allowed = ", ".join(source.stream.events)
            raise SetAside(
                "not_for_this_stream", f"Expected one of {allowed} on '{source.stream.name}', but got {name}."
            )
        key = key_for(source.stream, self._context.codec.meta(record.value)).encode()
        if record.key != key:
            raise SetAside(
                "key_mismatch", f"Expected the key {key.decode()!r}, but the record has {record.key[:200]!r}."
            )
        if partition_of(key, source.stream.partitions) != record.partition.number:
            raise _Misplaced(key)
        return name

    def _give(self, source: _Source, record: Record, readers: Iterable[_Reader]) -> None:
        meta = self._context.codec.meta(record.value)
        concerned = [reader for reader in readers if self._concerns(reader, key_for(reader.own, meta))]
        if not concerned:
            return
        meta, event = self._context.codec.decode(record.value)
        now = self._context.clock.now_ms()
        submitted = None if source.stream.kind == "owned" else record.value
        incoming = Incoming(record.partition, source.position(record), meta, event, submitted)
        for reader in concerned:
            if type(event).__name__ in reader.names:
                reader.owned.processor.take(incoming, key=key_for(reader.own, meta), now=now)
                metrics.MESSAGES.labels(self._context.service, reader.own.name).inc()

    @staticmethod
    def _concerns(reader: _Reader, key: str) -> bool:
        return bool(key) and partition_of(key.encode(), reader.own.partitions) == reader.owned.partition.number

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
            at=self._context.clock.now_ms(),
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


def _numbers(source: Stream, own: Stream, partition: Partition) -> Iterable[int]:
    return (partition.number,) if _same_key(source, own) else range(source.partitions)


def _same_key(source: Stream, own: Stream) -> bool:
    return source.key == own.key and source.partitions == own.partitions
