"""The log in memory: the executable specification, for unit tests and the simulator.

Nothing here survives the process. Everything happens between two awaits of one event loop, so each method is atomic
by construction; the other drivers have to earn what this one is given.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from foldgate.contracts.topics import Stream, partition_of, stream_of
from foldgate.eventlog.acceptance import encode_head
from foldgate.eventlog.checkpoints import BaseGone, Saved
from foldgate.eventlog.log import (
    Batch,
    Fenced,
    Outgoing,
    Partition,
    Record,
    Submitted,
    TopologyMismatch,
    check_batch,
    check_size,
)

_CHUNK = 500


@dataclass
class _Lane:
    """One partition, and the head row a database would keep for it."""

    records: list[Record] = field(default_factory=list)
    epoch: int = 0
    sequence: int = 0


class MemoryLog:
    """A log that several services of one event loop share."""

    def __init__(self) -> None:
        self._streams: dict[str, Stream] = {}
        self._lanes: dict[Partition, _Lane] = {}
        self._checkpoints = MemoryCheckpoints()
        self.arrived = asyncio.Event()

    async def prepare(self, streams: Sequence[Stream]) -> None:
        for stream in streams:
            known = self._streams.setdefault(stream.name, stream)
            if known.partitions != stream.partitions:
                raise TopologyMismatch(
                    f"Expected {stream.partitions} partitions of '{stream.name}', but it has {known.partitions}."
                )

    async def writer(self, partition: Partition) -> "MemoryWriter":
        return MemoryWriter(self, partition)

    async def end(self, partition: Partition) -> int:
        return len(self.lane(partition).records)

    async def read(self, partition: Partition, start: int, stop: int | None = None) -> AsyncIterator[Sequence[Record]]:
        records = self.lane(partition).records
        stop = len(records) if stop is None else min(stop, len(records))
        for at in range(start, stop, _CHUNK):
            yield records[at : min(at + _CHUNK, stop)]
            await asyncio.sleep(0)

    def follow(self, starts: Mapping[Partition, int]) -> "MemoryFollower":
        return MemoryFollower(self, dict(starts))

    async def submit(self, stream: str, submissions: Sequence[Outgoing]) -> Sequence[Submitted]:
        known = stream_of(stream)
        for submission in submissions:
            check_size(submission, known.max_record_bytes)
        return [self._add(Partition(stream, partition_of(s.key, known.partitions)), s) for s in submissions]

    def membership(self, group: str, instance: str, partitions: Sequence[Partition]) -> "MemoryMembership":  # noqa: ARG002 - one process has all
        return MemoryMembership(frozenset(partitions))

    def checkpoints(self) -> "MemoryCheckpoints":
        """The checkpoints that belong to this log."""
        return self._checkpoints

    async def close(self) -> None:
        pass

    def lane(self, partition: Partition) -> _Lane:
        return self._lanes.setdefault(partition, _Lane())

    def wake(self) -> None:
        """Let every waiting follower look again."""
        self.arrived.set()
        self.arrived = asyncio.Event()

    def _add(self, partition: Partition, submission: Outgoing) -> Submitted:
        records = self.lane(partition).records
        records.append(Record(partition, len(records), submission.key, submission.value))
        self.wake()
        return Submitted(partition, len(records) - 1)


class MemoryWriter:
    """Checks epoch and sequence in the append itself, as a database can."""

    def __init__(self, log: MemoryLog, partition: Partition) -> None:
        self._log, self._partition = log, partition

    async def append(self, batch: Batch) -> int:
        check_batch(batch)
        lane, head = self._log.lane(self._partition), batch.head
        expected = (lane.epoch + 1, 0) if head.claimant else (lane.epoch, lane.sequence)
        if (head.epoch, head.sequence) != expected:
            raise Fenced(
                f"{self._partition}: expected epoch and sequence {expected}, but got {(head.epoch, head.sequence)}."
            )
        lane.epoch, lane.sequence = head.epoch, head.sequence + 1
        first = len(lane.records)
        for index, (key, value) in enumerate(batch.records):
            data = encode_head(head) if index == 0 else None
            lane.records.append(Record(self._partition, first + index, key, value, data))
        self._log.wake()
        return first

    async def close(self) -> None:
        pass


class MemoryFollower:
    """Holds nothing ahead of its reader."""

    def __init__(self, log: MemoryLog, offsets: dict[Partition, int]) -> None:
        self._log, self._offsets = log, offsets

    async def next(self, *, limit: int = 500, timeout_ms: int = 1000) -> list[Record]:
        arrived = self._log.arrived
        found = self._take(limit)
        if found or timeout_ms == 0:
            return found
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                await arrived.wait()
        except TimeoutError:
            return []
        return self._take(limit)

    def seek(self, partition: Partition, offset: int) -> None:
        self._offsets[partition] = offset

    def drop(self, partition: Partition) -> None:
        self._offsets.pop(partition, None)

    async def close(self) -> None:
        pass

    def _take(self, limit: int) -> list[Record]:
        found: list[Record] = []
        for partition, offset in self._offsets.items():
            found += self._log.lane(partition).records[offset : offset + limit - len(found)]
        for record in found:
            self._offsets[record.partition] = record.offset + 1
        return found


class MemoryMembership:
    """One instance has everything."""

    def __init__(self, partitions: frozenset[Partition]) -> None:
        self._partitions = partitions
        self._told = False

    async def changed(self) -> frozenset[Partition]:
        if self._told:
            await asyncio.Event().wait()
        self._told = True
        return self._partitions

    async def close(self) -> None:
        pass


class MemoryCheckpoints:
    """Checkpoints in a dict, fenced by epoch."""

    def __init__(self) -> None:
        self._saved: dict[Partition, Saved] = {}

    async def save(
        self,
        partition: Partition,
        *,
        epoch: int,
        head: bytes,
        changed: Mapping[str, bytes | None],
        after: bytes | None = None,
    ) -> None:
        last = self._saved.get(partition)
        if last is not None and last.epoch > epoch:
            return
        if after is not None and (last is None or (last.epoch, last.head) != (epoch, after)):
            raise BaseGone(partition)
        entries = dict(last.entries) if last is not None and last.epoch == epoch else {}
        entries.update({key: value for key, value in changed.items() if value is not None})
        for key in [key for key, value in changed.items() if value is None]:
            entries.pop(key, None)
        self._saved[partition] = Saved(epoch, head, entries)

    async def load(self, partition: Partition) -> Saved | None:
        return self._saved.get(partition)

    async def close(self) -> None:
        pass
