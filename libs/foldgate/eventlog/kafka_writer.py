"""The pen of one owner on Kafka: batches with their heads, through a fenced producer that may grow too old."""

import asyncio
from collections.abc import Callable

from foldgate.eventlog.acceptance import encode_head
from foldgate.eventlog.kafka_fetch import HEAD_HEADER
from foldgate.eventlog.kafka_producer import FencedProducer, Produced
from foldgate.eventlog.log import Batch, Fenced, Partition, check_batch

Added = Callable[[Partition, int, Batch], None]
"""Told what lies there from which offset on, once it is durable."""


class KafkaWriter:
    """See `Writer` in log.py.

    The cluster forgets fences that are long unused, and then would let an old owner write. So a pen is put down in
    good time by itself, and its owner claims anew, which makes the fence anew.
    """

    def __init__(self, partition: Partition, producer: FencedProducer, *, added: Added, max_age_ms: int) -> None:
        self._partition, self._producer, self._added = partition, producer, added
        self._now = asyncio.get_running_loop().time
        self._too_old_at = self._now() + max_age_ms / 1000

    async def append(self, batch: Batch) -> int:
        check_batch(batch)
        if self._now() >= self._too_old_at:
            raise Fenced(f"{self._partition}: this claim is too old to be sure that nobody else has claimed it.")
        records = [Produced(key or None, value, []) for key, value in batch.records]
        records[0].headers.append((HEAD_HEADER, encode_head(batch.head)))
        first = await self._producer.append(records)
        self._added(self._partition, first, batch)
        return first

    async def close(self) -> None:
        await self._producer.close()
