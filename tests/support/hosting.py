"""The services of a suite in memory and in virtual time: their real deciders and tables, followed as services follow.

Each partition is in order by itself, and nothing else is: of all sources that have something to read, whoever drives it
says which is read next. A service has a clock of its own, may be down, and may crash between deciding and appending;
then it folds its log again, with the positions that lie there.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from foldgate.contracts.codec import Codec
from foldgate.contracts.events import Event, MessageQuarantined, Meta
from foldgate.contracts.places import START, Partition, Position
from foldgate.contracts.topics import Stream, partition_of, stream_of
from foldgate.decider.processor import Processor
from foldgate.decider.stamp import Incoming
from foldgate.runtime.service import Aggregate, Follow, Service, Table, key_for

CODEC = Codec()
BATCH_BYTES = 850_000


class Written(NamedTuple):
    """A record as whoever reads it finds it."""

    meta: Meta
    event: Event
    value: bytes


class Streams:
    """All that was written, by partition, and what was set aside."""

    def __init__(self) -> None:
        self.records: dict[Partition, list[Written]] = defaultdict(list)
        self.aside: list[MessageQuarantined] = []

    def put(self, stream: str, key: bytes, value: bytes) -> Written:
        """Append one record, as bytes."""
        decoded = CODEC.decode(value)
        written = Written(decoded.meta, decoded.event, value)
        self.records[Partition(stream, partition_of(key, stream_of(stream).partitions))].append(written)
        return written

    def of(self, stream: str) -> Iterator[Written]:
        """What is on a stream."""
        for partition, records in self.records.items():
            if partition.stream == stream:
                yield from records


class Reading:
    """A table, as far as its process has read."""

    def __init__(self, table: Table, streams: Streams) -> None:
        self.table, self.reached = table, 0
        self._records = streams.records[Partition(table.stream.name, 0)]
        self.up_to_now()

    @property
    def is_behind(self) -> bool:
        """Whether there is more to read."""
        return self.reached < len(self._records)

    def next(self) -> None:
        """Read one more record."""
        written = self._records[self.reached]
        self.reached += 1
        self.table.add(written.meta, written.event, self.reached)

    def up_to_now(self) -> None:
        """Read to the end."""
        while self.is_behind:
            self.next()


class Owned:
    """One partition of an owned stream, at work."""

    def __init__(self, host: "Host", aggregate: Aggregate, number: int) -> None:
        self.host, self.aggregate = host, aggregate
        self.partition = Partition(aggregate.stream.name, number)
        self.positions: dict[Partition, Position] = {}
        self.links = [Link(self, source, follows) for source, follows in self._sources().items()]
        self.processor: Processor[Any]

    def _sources(self) -> Mapping[Partition, list[Follow]]:
        found: dict[Partition, list[Follow]] = defaultdict(list)
        for follow in self.aggregate.follows:
            same = is_same_key(follow, self.aggregate.stream)
            for number in (self.partition.number,) if same else range(follow.stream.partitions):
                found[Partition(follow.stream.name, number)].append(follow)
        return found

    def begin(self) -> None:
        """Fold the log, and read on from where it says."""
        decider, service = self.host.deciders[self.aggregate.stream.name], self.host.service.name
        self.processor = Processor(decider, self.partition, seal=CODEC.seal, service=service, batch_bytes=BATCH_BYTES)
        for written in self.host.streams.records[self.partition]:
            self.processor.restore(written.meta, written.event)
        self.processor.inputs.update(self.positions)
        for link in self.links:
            link.at = self.positions.get(link.source, START).offset

    def append(self) -> list[Written]:
        """Put what was decided on the log, with the positions that it answers."""
        assert not self.processor.faults, f"{self.partition} broke: {self.processor.faults}"
        said: list[Written] = []
        while (cut := self.processor.cut()) is not None:
            self.host.streams.aside += [one.event for one in cut.quarantined]
            own = self.host.streams.records[self.partition]
            for _, value in cut.records:
                decoded = CODEC.decode(value)
                own.append(Written(decoded.meta, decoded.event, value))
                said.append(own[-1])
            self.positions.update(cut.positions)
        self._relay(said)
        return said

    def _relay(self, said: list[Written]) -> None:
        relay = self.aggregate.relay
        for written in said if relay is not None else ():
            assert relay is not None
            if isinstance(written.event, relay.events):
                self.host.streams.put(relay.target(written.meta), relay.key(written.event), written.value)

    @property
    def due(self) -> int | None:
        """When it wants to be looked at, by the clock of all."""
        due = self.processor.next_due()
        return None if due is None else due - self.host.skew_ms

    def tick(self) -> None:
        """Time has come."""
        self.processor.tick(self.host.now())


class Link:
    """One source of one owned partition, and how far it was read. It may be stalled."""

    def __init__(self, owned: Owned, source: Partition, follows: list[Follow]) -> None:
        self.owned, self.source, self.at, self.stalled_until = owned, source, 0, 0
        self._follows = {event: follow for follow in follows for event in follow.events}
        self._records = owned.host.streams.records[source]
        self._is_open = stream_of(source.stream).kind != "owned"

    @property
    def has_more(self) -> bool:
        """Whether there is something that it has not read."""
        return self.at < len(self._records)

    def read(self) -> None:
        """Read on, through the first record that concerns its partition."""
        while self.has_more:
            written = self._records[self.at]
            self.at += 1
            key = self._key(written)
            if key and not self.owned.processor.has_taken(self.source, Position(self.at)):
                self._take(written, key)
                return

    def _key(self, written: Written) -> str:
        """The aggregate that it concerns; empty if none here."""
        follow, own = self._follows.get(type(written.event)), self.owned.aggregate.stream
        if follow is None:
            return ""
        key = key_for(own, written.meta) if follow.key is None else follow.key(written.event)
        here = is_same_key(follow, own) or partition_of(key.encode(), own.partitions) == self.owned.partition.number
        return key if here else ""

    def _take(self, written: Written, key: str) -> None:
        meta, event = written.meta, written.event
        for reading in self.owned.host.readings_of(self.owned.aggregate):
            if reading.table.lacks(meta, event, reached=reading.reached):
                reading.up_to_now()
        incoming = Incoming(self.source, Position(self.at), meta, event, written.value, self._is_open)
        self.owned.processor.take(incoming, key=key, now=self.owned.host.now())


class Host:
    """One service in one process."""

    def __init__(
        self, service: Service, streams: Streams, *, settings: Any, keys: Any, clock: Callable[[], int]
    ) -> None:
        self.service, self.streams, self.skew_ms, self.down_until = service, streams, 0, 0
        self.deciders: dict[str, Any] = {}
        self.readings: dict[Any, Reading] = {}
        self._settings, self._keys, self._clock = settings, keys, clock
        self.owned = [
            Owned(self, aggregate, number)
            for aggregate in service.aggregates
            for number in range(aggregate.stream.partitions)
        ]
        self.begin()

    def now(self) -> int:
        """Its own clock."""
        return self._clock() + self.skew_ms

    def begin(self) -> None:
        """Start, with nothing but what is on the log."""
        makers = dict.fromkeys(make for aggregate in self.service.aggregates for make in aggregate.tables)
        self.readings = {make: Reading(make(), self.streams) for make in makers}
        for aggregate in self.service.aggregates:
            tables = [reading.table for reading in self.readings_of(aggregate)]
            self.deciders[aggregate.stream.name] = aggregate.decider_with(self._settings, self._keys, tables)
        for owned in self.owned:
            owned.begin()

    def readings_of(self, aggregate: Aggregate) -> list[Reading]:
        """The tables that this aggregate is given."""
        return [self.readings[make] for make in aggregate.tables]


def is_same_key(follow: Follow, own: Stream) -> bool:
    """Whether each partition of ours reads its own of theirs."""
    same = follow.stream.key == own.key or own.partitions == 1
    return follow.key is None and same and follow.stream.partitions == own.partitions
