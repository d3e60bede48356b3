"""Submissions to open streams: per partition, whatever came in while the last batch was in flight is the next batch.

Why a crash or a lost answer is safe: a submission is answered when its batch is, and a batch is in the log whole or
not at all. Who gets no answer submits again; the same request is then there twice, and its reader knows it by its id.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

from foldgate.eventlog.kafka_producer import PartitionProducer, Produced
from foldgate.eventlog.log import MAX_BATCH_BYTES, LogError, LogUnavailable, Outgoing

_OVERHEAD = 40  # bytes that Kafka may add to a record
_CLOSED = "The log was closed before a submission was answered: it may be there or not."
_START = Callable[[], Awaitable[PartitionProducer]]
Added = Callable[[int, Sequence[Outgoing]], None]
"""Told what lies there from which offset on, once it is durable."""


class _Part(NamedTuple):
    """Records of one caller that fit into one batch together."""

    records: list[Outgoing]
    size: int
    answer: "asyncio.Future[int]"


class Lane:
    """The way into one partition."""

    def __init__(self, start_producer: _START, added: Added) -> None:
        self._start_producer, self._added = start_producer, added
        self._producer: PartitionProducer | None = None
        self._waiting: deque[_Part] = deque()
        self._sending: asyncio.Task[None] | None = None

    async def submit(self, records: Sequence[Outgoing]) -> list[int]:
        """Add the records in order, and return their offsets once all are durable."""
        parts = [self._part(chunk, size) for chunk, size in _chunks(records)]
        self._waiting.extend(parts)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send_all())
        answers = await asyncio.gather(*(part.answer for part in parts))
        return [first + n for part, first in zip(parts, answers, strict=True) for n in range(len(part.records))]

    async def close(self) -> None:
        """Give up what waits, and close the connections."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        _answer_all(self._waiting, LogUnavailable(_CLOSED))
        await self._drop_producer()

    def _part(self, records: list[Outgoing], size: int) -> _Part:
        return _Part(records, size, asyncio.get_running_loop().create_future())

    async def _send_all(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            try:
                await self._send(batch)
            except LogError as error:
                await self._drop_producer()
                _answer_all(batch, error)
            except BaseException:
                _answer_all(batch, LogUnavailable(_CLOSED))
                raise

    def _next_batch(self) -> list[_Part]:
        batch, size = [self._waiting[0]], self._waiting.popleft().size
        while self._waiting and size + self._waiting[0].size <= MAX_BATCH_BYTES:
            size += self._waiting[0].size
            batch.append(self._waiting.popleft())
        return batch

    async def _send(self, batch: list[_Part]) -> None:
        if self._producer is None:
            self._producer = await self._start_producer()
        records = [record for part in batch for record in part.records]
        offset = await self._producer.append([Produced(key or None, value, []) for key, value in records])
        self._added(offset, records)
        for part in batch:
            if not part.answer.done():
                part.answer.set_result(offset)
            offset += len(part.records)

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.close()


def _answer_all(batch: Iterable[_Part], error: LogError) -> None:
    for part in batch:
        if not part.answer.done():
            part.answer.set_exception(error)


def _chunks(records: Sequence[Outgoing]) -> list[tuple[list[Outgoing], int]]:
    """The records in order, in runs that each fit into a batch."""
    chunks: list[tuple[list[Outgoing], int]] = []
    for record in records:
        size = len(record.key) + len(record.value) + _OVERHEAD
        if not chunks or chunks[-1][1] + size > MAX_BATCH_BYTES:
            chunks.append(([], 0))
        chunk, so_far = chunks[-1]
        chunk.append(record)
        chunks[-1] = (chunk, so_far + size)
    return chunks
