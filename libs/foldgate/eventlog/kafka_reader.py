"""Reading a range of one partition on Kafka, in chunks, the next one fetched while the last is worked on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, LeaderNotAvailableError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from foldgate.eventlog.kafka_client import leader_of, persevere
from foldgate.eventlog.kafka_fetch import EARLIEST, LATEST, fetch, offset_at, records_in
from foldgate.eventlog.log import Partition, Record

T = TypeVar("T")
_WAIT_MS = 100


class KafkaReader:
    """Reads on one client, which all readers of a log share."""

    def __init__(self, client: AIOKafkaClient, *, patience_ms: int) -> None:
        self._client = client
        self._patience_ms = patience_ms

    async def end(self, place: TopicPartition) -> int:
        """The offset after the last durable record."""
        return await self._persevere(place, lambda: offset_at(self._client, place, LATEST))

    async def read(
        self, partition: Partition, place: TopicPartition, *, start: int, stop: int | None
    ) -> AsyncIterator[Sequence[Record]]:
        """The records from `start` (or the first that is still there) up to `stop` (or the end as of now)."""
        end = await self.end(place)
        stop = end if stop is None else min(stop, end)
        # Nothing beyond `stop` is asked for: such a fetch would wait at the broker, and whoever reads next behind it.
        pending = self._ask(partition, place, start) if start < stop else None
        try:
            while pending is not None:
                records, start = await pending
                pending = self._ask(partition, place, start) if start < stop else None
                if chunk := records if start <= stop else [record for record in records if record.offset < stop]:
                    yield chunk
        finally:
            if pending is not None:
                pending.cancel()
                await asyncio.gather(pending, return_exceptions=True)

    def _ask(self, partition: Partition, place: TopicPartition, start: int) -> "asyncio.Task[tuple[list[Record], int]]":
        return asyncio.create_task(self._persevere(place, lambda: self._chunk(partition, place, start)))

    async def _chunk(self, partition: Partition, place: TopicPartition, start: int) -> tuple[list[Record], int]:
        """The next records, and the offset to go on from."""
        [answer] = await fetch(self._client, leader_of(self._client, place), {place: start}, wait_ms=_WAIT_MS)
        if isinstance(answer.error, OffsetOutOfRangeError):
            first = await offset_at(self._client, place, EARLIEST)
            if first > start:
                return [], first
        if answer.error is not None:
            raise answer.error
        records, following = records_in(partition, answer.raw, start)
        if following == start:
            raise LeaderNotAvailableError(f"nothing at offset {start} yet: its new leader has not caught up")
        return records, following

    async def _persevere(self, place: TopicPartition, attempt: Callable[[], Awaitable[T]]) -> T:
        async def fresh() -> T:
            try:
                await self._client.add_topic(place.topic)
                return await attempt()
            except KafkaError as error:
                if error.invalid_metadata:
                    await self._client.force_metadata_update()
                raise

        trouble = f"{place.topic}-{place.partition} could not be read"
        return await persevere(trouble, fresh, within_ms=self._patience_ms)
