"""The two ways in which drivers keep checkpoints, as a simulated process has them: it stops between any two steps.

As PostgreSQL keeps them, a save is there whole or not at all. On Kafka it is several appends to a topic, where owners
of all epochs write side by side, and which may lose its end: what does that here is the driver's own code, on topics in
memory.
"""

import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from foldgate.contracts.places import Partition
from foldgate.eventlog.checkpoints import Checkpoints, Saved
from foldgate.eventlog.kafka_checkpoints import KafkaCheckpoints
from foldgate.eventlog.kafka_producer import Produced
from foldgate.eventlog.log import Record
from foldgate.eventlog.memory import MemoryCheckpoints

Hop = Callable[[], Awaitable[None]]


async def at_once() -> None:
    """The way of who does not stop."""


class Store(Protocol):
    """What is kept for all."""

    def of(self, hop: Hop) -> Checkpoints:
        """As one life has it, which stops at each hop."""

    def forget(self, chance: random.Random) -> None:
        """One is lost, or as it was before."""


class Rows:
    """As PostgreSQL has them."""

    def __init__(self, kept: MemoryCheckpoints) -> None:
        self._kept = kept
        self.older: dict[Partition, Saved] = {}

    def of(self, hop: Hop) -> "RowsOfLife":
        return RowsOfLife(self, self._kept, hop)

    def forget(self, chance: random.Random) -> None:
        saved = self._kept._saved
        if saved:
            partition = chance.choice(sorted(saved))
            older = self.older.get(partition)
            if older is not None and chance.random() < 0.5:
                saved[partition] = older
            else:
                del saved[partition]


class RowsOfLife:
    """One connection to them."""

    def __init__(self, rows: Rows, kept: MemoryCheckpoints, hop: Hop) -> None:
        self._rows, self._kept, self._hop = rows, kept, hop

    async def save(
        self,
        partition: Partition,
        *,
        epoch: int,
        head: bytes,
        changed: Mapping[str, bytes | None],
        after: bytes | None = None,
    ) -> None:
        await self._hop()
        if (last := await self._kept.load(partition)) is not None:
            self._rows.older[partition] = last
        await self._kept.save(partition, epoch=epoch, head=head, changed=changed, after=after)
        await self._hop()

    async def load(self, partition: Partition) -> Saved | None:
        await self._hop()
        return await self._kept.load(partition)

    async def close(self) -> None:
        """Nothing to close."""


class Topics:
    """As Kafka has them."""

    def __init__(self) -> None:
        self._lanes: dict[Partition, list[Produced]] = defaultdict(list)

    def of(self, hop: Hop) -> KafkaCheckpoints:
        async def start(partition: Partition) -> _Producer:
            await hop()
            return _Producer(self._lanes[partition], hop)

        async def read_all(partition: Partition) -> AsyncIterator[Sequence[Record]]:
            await hop()
            yield [
                Record(partition, offset, key or b"", value or b"")
                for offset, (key, value, _) in enumerate(self._lanes[partition])
            ]

        return KafkaCheckpoints(start, read_all)  # type: ignore[arg-type]

    def forget(self, chance: random.Random) -> None:
        """The topic is empty, or has lost its end."""
        if kept := sorted(partition for partition, lane in self._lanes.items() if lane):
            lane = self._lanes[chance.choice(kept)]
            del lane[chance.choice([0, chance.randrange(len(lane))]) :]


class _Producer:
    """Adds to one of the topics."""

    def __init__(self, lane: list[Produced], hop: Hop) -> None:
        self._lane, self._hop = lane, hop

    async def append(self, records: Sequence[Produced]) -> int:
        await self._hop()
        first = len(self._lane)
        self._lane.extend(records)
        await self._hop()
        return first

    async def close(self) -> None:
        """Nothing to close."""
