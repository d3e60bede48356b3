"""Checkpoints on Kafka: a compacted topic beside each owned stream, with a name space for each epoch.

A record's key is `<epoch>/<entry>`; the head's entry is empty. A save writes the changed entries, then the head. So a
crash between leaves entries that are newer than the head, which recovery may read (`checkpoints.py`), and an epoch
without a head, which it does not. After the first head of an epoch everything of older epochs is removed; a crash
before or during that leaves rubbish that no reader looks at, and that the next first save removes. An owner that was
replaced writes under its own, older epoch, where nobody looks any more.

A topic that lost its end, or was made anew, is known by its places: what is appended comes before what was. Its owner
gives up when it sees that; and a head says behind which place it was to lie, so that one which lies before that, as
where nothing but a head was saved, or where a crash came first, is none.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from foldgate.eventlog.checkpoints import BaseGone, Saved
from foldgate.eventlog.kafka_producer import PartitionProducer, Produced
from foldgate.eventlog.log import MAX_BATCH_BYTES, Partition, Record

_OVERHEAD = 40  # bytes that Kafka may add to a record
_HEAD = ""
_PLACE = 8  # bytes of a place in a topic
Start = Callable[[Partition], Awaitable[PartitionProducer]]
ReadAll = Callable[[Partition], AsyncIterator[Sequence[Record]]]


class KafkaCheckpoints:
    """See `Checkpoints`. Used by one task at a time for each partition."""

    def __init__(self, start_producer: Start, read_all: ReadAll) -> None:
        self._start_producer = start_producer
        self._read_all = read_all
        self._producers: dict[Partition, PartitionProducer] = {}
        self._begun: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}

    async def save(
        self,
        partition: Partition,
        *,
        epoch: int,
        head: bytes,
        changed: Mapping[str, bytes | None],
        after: bytes | None = None,  # noqa: ARG002 - here places say it,
    ) -> None:
        await self._write(partition, [_entry(epoch, key, value) for key, value in changed.items()])
        behind = self._ends.get(partition, 0)
        await self._write(partition, [_entry(epoch, _HEAD, behind.to_bytes(_PLACE) + head)])
        if self._begun.get(partition) != epoch:
            await self._remove_older(partition, epoch)
            self._begun[partition] = epoch

    async def load(self, partition: Partition) -> Saved | None:
        epochs = await self._read(partition)
        with_head = [epoch for epoch, entries in epochs.items() if _HEAD in entries]
        if not with_head:
            return None
        entries = epochs[max(with_head)]
        return Saved(max(with_head), entries.pop(_HEAD)[_PLACE:], entries)

    async def close(self) -> None:
        for producer in self._producers.values():
            await producer.close()
        self._producers.clear()

    async def _read(self, partition: Partition) -> dict[int, dict[str, bytes]]:
        """Everything that is there, by epoch. A removed entry has no value, and no entry is ever empty."""
        epochs: dict[int, dict[str, bytes]] = {}
        async for chunk in self._read_all(partition):
            for record in chunk:
                epoch, _, key = record.key.decode().partition("/")
                entries = epochs.setdefault(int(epoch), {})
                if not record.value:
                    entries.pop(key, None)
                elif key != _HEAD or record.offset >= int.from_bytes(record.value[:_PLACE]):
                    entries[key] = record.value
        return epochs

    async def _remove_older(self, partition: Partition, epoch: int) -> None:
        epochs = await self._read(partition)
        older = [_entry(old, key, None) for old, entries in epochs.items() if old < epoch for key in entries]
        await self._write(partition, older)

    async def _write(self, partition: Partition, records: Sequence[Produced]) -> None:
        for batch in _batches(records):
            await self._append(partition, batch)

    async def _append(self, partition: Partition, batch: list[Produced]) -> None:
        if partition not in self._producers:
            self._producers[partition] = await self._start_producer(partition)
        try:
            first = await self._producers[partition].append(batch)
        except BaseException:  # also where its owner gave the save up: such a producer takes nothing more
            await self._producers.pop(partition).close()
            raise
        before = self._ends.get(partition, 0)
        self._ends[partition] = first + len(batch)
        if first < before:
            raise BaseGone(partition)


def _entry(epoch: int, key: str, value: bytes | None) -> Produced:
    return Produced(f"{epoch}/{key}".encode(), value, [])


def _batches(records: Sequence[Produced]) -> list[list[Produced]]:
    """The records in order, in runs that each fit into a batch."""
    batches: list[list[Produced]] = []
    room = 0
    for record in records:
        size = len(record.key or b"") + len(record.value or b"") + _OVERHEAD
        if size > room:
            batches.append([])
            room = MAX_BATCH_BYTES
        batches[-1].append(record)
        room -= size
    return batches
