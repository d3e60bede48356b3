"""The log of all, in memory, and how each process sees it: late, twice, in another order, or not at all.

Each operation of a process on its log stops before it takes effect, and after it (`stepping.py`). `records` is what
counts, as the tests' own reading finds it while it is written.
"""

import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Protocol

from foldgate.contracts.codec import Codec, Decoded
from foldgate.contracts.events import MessageQuarantined
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import Stream
from foldgate.eventlog.acceptance import encode_head
from foldgate.eventlog.checkpoints import Checkpoints
from foldgate.eventlog.log import Batch, Copies, Fenced, LogUnavailable, Outgoing, Record, Submitted
from foldgate.eventlog.memory import MemoryLog, MemoryWriter
from tests.simulation.checkpoints import Rows, Store, Topics
from tests.simulation.faults import Faults
from tests.simulation.stepping import Hop
from tests.support.hosting import Streams, Written

Told = Callable[[Partition, Batch, list[Written]], None]


class Remembering(Codec):
    """Decodes the same bytes once, for all that read them."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[bytes, Decoded] = {}

    def decode(self, value: bytes) -> Decoded:
        known = self._known.get(value)
        if known is None:
            known = self._known[value] = super().decode(value)
        return known


class Life(Protocol):
    """Whose log it is."""

    dead: bool


class Network(Streams):
    """What lies on the log. `told` hears of each batch that counts. Of two drivers it has what differs: on Kafka
    checkpoints are kept in topics, on PostgreSQL copies go along with the append that they are of."""

    def __init__(self, rng: random.Random, faults: Faults, *, told: Told, is_kafka: bool) -> None:
        super().__init__()
        self.log, self.codec, self.rng, self.faults, self.told = MemoryLog(), Remembering(), rng, faults, told
        self.late: list[tuple[str, list[Outgoing]]] = []
        self.is_kafka = is_kafka
        self.kept: Store = Topics() if is_kafka else Rows(self.log.checkpoints())

    def put(self, stream: str, key: bytes, value: bytes) -> Written:
        """From outside: it may lie there twice."""
        one = Outgoing(key, value)
        self.lay(stream, [one])
        self._again(stream, [one])
        decoded = self.codec.decode(value)
        return Written(decoded.meta, decoded.event, value)

    def lay(self, stream: str, submissions: Sequence[Outgoing]) -> list[Submitted]:
        """As it is."""
        laid: list[Submitted] = list(_now(self.log.submit(stream, submissions)))
        for one, submission in zip(laid, submissions, strict=True):
            meta, event = self.codec.decode(submission.value)
            self.records[one.partition].append(Written(meta, event, submission.value))
            if isinstance(event, MessageQuarantined):
                self.aside.append(event)
        return laid

    def submit(self, stream: str, submissions: Sequence[Outgoing]) -> list[Submitted]:
        """By a process."""
        laid = self.lay(stream, submissions)
        self._again(stream, list(submissions))
        return laid

    def _again(self, stream: str, submissions: list[Outgoing]) -> None:
        if self.rng.random() < self.faults.duplicate:
            self.late.append((stream, submissions))

    def deliver_late(self) -> bool:
        """What was sent twice comes the second time."""
        if not self.late:
            return False
        self.lay(*self.late.pop(self.rng.randrange(len(self.late))))
        return True

    def counts(self, partition: Partition, batch: Batch) -> None:
        """A batch that was accepted."""
        said = []
        for key, value in batch.records:
            if key:
                meta, event = self.codec.decode(value)
                said.append(Written(meta, event, value))
        self.records[partition] += said
        self.told(partition, batch, said)

    def lie_there(self, partition: Partition, batch: Batch) -> None:
        """A batch that a replaced owner wrote, whatever the broker let through."""
        records = self.log.lane(partition).records
        for number, (key, value) in enumerate(batch.records):
            head = None if number else encode_head(batch.head)
            records.append(Record(partition, len(records), key, value, head))

    def forget_checkpoint(self) -> None:
        """One is lost, or as it was before."""
        self.kept.forget(self.rng)


class SimLog:
    """The log as one life of one process has it."""

    def __init__(self, network: Network, life: Life) -> None:
        self._network, self._life = network, life
        self.followers: list[SimFollower] = []
        self._checkpoints = network.kept.of(self.hop)

    async def prepare(self, streams: Sequence[Stream]) -> None:
        await self._network.log.prepare(streams)

    async def writer(self, partition: Partition) -> "SimWriter":
        await self.hop()
        kind = SimWriter if self._network.is_kafka else SimCopyingWriter
        return kind(self, self._network, partition)

    async def end(self, partition: Partition) -> int:
        await self.hop()
        return len(self._network.log.lane(partition).records)

    async def read(self, partition: Partition, start: int, stop: int | None = None) -> AsyncIterator[Sequence[Record]]:
        await self.hop()
        records = self._network.log.lane(partition).records
        found = records[start : len(records) if stop is None else stop]
        if found:
            yield found

    def follow(self, starts: Mapping[Partition, int]) -> "SimFollower":
        self.followers.append(SimFollower(self._network, dict(starts)))
        return self.followers[-1]

    async def submit(self, stream: str, submissions: Sequence[Outgoing]) -> Sequence[Submitted]:
        await self.hop()
        laid = self._network.submit(stream, submissions)
        await self.hop()
        return laid

    def membership(self, group: str, instance: str, partitions: Sequence[Partition]) -> Any:
        raise NotImplementedError("the simulation says itself who has what")

    def checkpoints(self) -> Checkpoints:
        return self._checkpoints

    async def close(self) -> None:
        """Nothing to close."""

    async def hop(self) -> None:
        """Stop here; perhaps the log is not to be had then."""
        await Hop()
        assert not self._life.dead, "nothing of the dead goes on"
        if self._network.faults.unavailable and self._network.rng.random() < self._network.faults.unavailable:
            raise LogUnavailable("Expected the log, but it is not to be had just now.")


class SimWriter:
    """One owner's pen."""

    def __init__(self, log: SimLog, network: Network, partition: Partition) -> None:
        self._log, self._network, self._partition = log, network, partition
        self._writer = MemoryWriter(network.log, partition)

    async def append(self, batch: Batch) -> int:
        return await self._append(batch, {})

    async def _append(self, batch: Batch, copies: Copies) -> int:
        await self._log.hop()
        try:
            first = await self._writer.append(batch)
        except Fenced:
            if self._network.rng.random() < self._network.faults.noise:
                self._network.lie_there(self._partition, batch)
            raise
        self._network.counts(self._partition, batch)
        for stream, some in copies.items():
            self._network.lay(stream, some)
        await self._log.hop()
        return first

    async def close(self) -> None:
        """Nothing to close."""


class SimCopyingWriter(SimWriter):
    """One that adds to other streams in the same append."""

    async def append_with(self, batch: Batch, copies: Copies) -> int:
        return await self._append(batch, copies)


class SimFollower:
    """What comes to one reader: in order within a partition, in any order among them, some of it late."""

    def __init__(self, network: Network, offsets: dict[Partition, int]) -> None:
        self._network, self._offsets = network, offsets
        self.stalled: set[Partition] = set()

    @property
    def has_more(self) -> bool:
        return bool(self._ready())

    def _ready(self) -> list[Partition]:
        lane, stalled = self._network.log.lane, self.stalled
        return [p for p, at in self._offsets.items() if len(lane(p).records) > at and p not in stalled]

    async def next(self, *, limit: int = 500, timeout_ms: int = 1000) -> list[Record]:
        del timeout_ms
        ready, rng = self._ready(), self._network.rng
        found: list[Record] = []
        for partition in rng.sample(ready, rng.randint(1, len(ready))) if ready else ():
            at = self._offsets[partition]
            found += self._network.log.lane(partition).records[at : at + min(limit, rng.choice([1, 3, 20, 500]))]
        for record in found:
            self._offsets[record.partition] = record.offset + 1
        return found

    def stall(self) -> None:
        """Some of what it follows comes late, until it no longer does."""
        rng = self._network.rng
        partitions = list(self._offsets)
        self.stalled = set(rng.sample(partitions, rng.randint(0, len(partitions) // 2))) if not self.stalled else set()

    def seek(self, partition: Partition, offset: int) -> None:
        self._offsets[partition] = offset

    def drop(self, partition: Partition) -> None:
        self._offsets.pop(partition, None)

    async def close(self) -> None:
        """Nothing to close."""


def _now(work: Any) -> Any:
    """What a coroutine gives that never stops."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it stopped")
