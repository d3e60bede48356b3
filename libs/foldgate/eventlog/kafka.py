"""The log on Apache Kafka: for production, and for CI.

An append is one record batch, which Kafka writes whole or not at all; no transaction is opened and no offset committed.
The batch head rides on the first record as a header. Owners write through a `FencedProducer` each, so an
acknowledgement is final while its fence is young; a writer older than `fence_max_age_ms` refuses to append, and its
owner claims anew. What the broker's fence cannot promise, and why correctness does not rest on it, stands in
`kafka_producer.py`; why it was built so, in ADR 0001.

Why a crash between any two lines is safe: what was appended is decided by the broker in one step, and nothing of the
log is kept here that is not read again from there.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from aiokafka.client import AIOKafkaClient
from aiokafka.structs import TopicPartition

from foldgate.contracts.topics import Stream, partition_of, stream_of
from foldgate.eventlog.kafka_checkpoints import KafkaCheckpoints
from foldgate.eventlog.kafka_client import KafkaAddress
from foldgate.eventlog.kafka_follower import KafkaFollower
from foldgate.eventlog.kafka_membership import KafkaMembership
from foldgate.eventlog.kafka_producer import FencedProducer, PartitionProducer
from foldgate.eventlog.kafka_reader import KafkaReader
from foldgate.eventlog.kafka_submit import Lane
from foldgate.eventlog.kafka_topics import checkpoint_topic_name, prepare_topics, topic_name, topics_of
from foldgate.eventlog.kafka_writer import KafkaWriter
from foldgate.eventlog.log import Batch, Outgoing, Partition, Record, Submitted, check_size
from foldgate.eventlog.tail import Tail, TailReader

FENCE_MAX_AGE_MS = 12 * 3_600_000
"""Half of what a broker remembers an idle producer, and far less than a coordinator an idle transactional id."""

SESSION_TIMEOUT_MS = 6_000
"""The shortest that brokers allow a group's member by default."""


class KafkaLog:
    """See `Log` in log.py."""

    def __init__(
        self,
        address: KafkaAddress,
        client: AIOKafkaClient,
        *,
        suite: str,
        fence_max_age_ms: int,
        session_timeout_ms: int,
    ) -> None:
        self._address, self._client, self._suite = address, client, suite
        self._fence_max_age_ms = fence_max_age_ms
        self._session_timeout_ms = session_timeout_ms
        self._reader = KafkaReader(client, patience_ms=address.patience_ms)
        self._tail = Tail(lambda starts: KafkaFollower(address, starts, topic=self._topic))
        self._lanes: dict[Partition, Lane] = {}
        self._checkpoints = KafkaCheckpoints(self._start_checkpoint_producer, self._read_checkpoints)

    @classmethod
    async def connect(
        cls,
        bootstrap: str | KafkaAddress,
        *,
        suite: str,
        instance: str = "",
        fence_max_age_ms: int = FENCE_MAX_AGE_MS,
        session_timeout_ms: int = SESSION_TIMEOUT_MS,
    ) -> "KafkaLog":
        """A log on the cluster at this address; `instance` names us to the brokers."""
        address = KafkaAddress(bootstrap=bootstrap) if isinstance(bootstrap, str) else bootstrap
        name = f"foldgate-{suite}-{instance}" if instance else address.client_id
        address = replace(address, client_id=name, opened=set())
        return cls(
            address,
            await address.connect(),
            suite=suite,
            fence_max_age_ms=fence_max_age_ms,
            session_timeout_ms=session_timeout_ms,
        )

    async def prepare(self, streams: Sequence[Stream]) -> None:
        await prepare_topics(self._client, topics_of(self._suite, streams), patience_ms=self._address.patience_ms)

    async def writer(self, partition: Partition) -> KafkaWriter:
        producer = await FencedProducer(self._address, self._place(partition)).start()
        return KafkaWriter(partition, producer, added=self._appended, max_age_ms=self._fence_max_age_ms)

    async def end(self, partition: Partition) -> int:
        return await self._reader.end(self._place(partition))

    def read(self, partition: Partition, start: int, stop: int | None = None) -> AsyncIterator[Sequence[Record]]:
        return self._reader.read(partition, self._place(partition), start=start, stop=stop)

    def follow(self, starts: Mapping[Partition, int]) -> TailReader:
        return self._tail.reader(starts)

    async def submit(self, stream: str, submissions: Sequence[Outgoing]) -> Sequence[Submitted]:
        known = stream_of(stream)
        for submission in submissions:
            check_size(submission, known.max_record_bytes)
        to: dict[Partition, list[int]] = {}
        for index, submission in enumerate(submissions):
            to.setdefault(Partition(stream, partition_of(submission.key, known.partitions)), []).append(index)
        places = await asyncio.gather(*(self._submit(p, indexes, submissions) for p, indexes in to.items()))
        return [submitted for _, submitted in sorted(place for group in places for place in group)]

    def membership(self, group: str, instance: str, partitions: Sequence[Partition]) -> KafkaMembership:
        return KafkaMembership(
            self._address,
            partitions,
            topic=self._topic,
            group=topic_name(self._suite, group),
            instance=instance,
            session_timeout_ms=self._session_timeout_ms,
        )

    def checkpoints(self) -> KafkaCheckpoints:
        return self._checkpoints

    async def close(self) -> None:
        try:
            await self._tail.close()
            await asyncio.gather(*(lane.close() for lane in self._lanes.values()))
            await self._checkpoints.close()
        finally:
            await self._address.close()  # of whatever the others have left open, where this is cut off

    def _appended(self, partition: Partition, first: int, batch: Batch) -> None:
        """Something is durable: those who follow here have it."""
        self._tail.take(partition, first, batch.records, head=batch.head)

    def _submitted(self, partition: Partition, first: int, records: Sequence[Outgoing]) -> None:
        self._tail.take(partition, first, records)

    def _topic(self, stream: str) -> str:
        return topic_name(self._suite, stream)

    def _place(self, partition: Partition) -> TopicPartition:
        return TopicPartition(self._topic(partition.stream), partition.number)

    async def _submit(
        self, partition: Partition, indexes: list[int], submissions: Sequence[Outgoing]
    ) -> list[tuple[int, Submitted]]:
        if partition not in self._lanes:
            start = functools.partial(self._start_producer, self._place(partition))
            self._lanes[partition] = Lane(start, functools.partial(self._submitted, partition))
        offsets = await self._lanes[partition].submit([submissions[index] for index in indexes])
        return [(index, Submitted(partition, offset)) for index, offset in zip(indexes, offsets, strict=True)]

    async def _start_producer(self, place: TopicPartition) -> PartitionProducer:
        return await PartitionProducer(self._address, place).start()

    async def _start_checkpoint_producer(self, partition: Partition) -> PartitionProducer:
        return await self._start_producer(self._checkpoint_place(partition))

    def _read_checkpoints(self, partition: Partition) -> AsyncIterator[Sequence[Record]]:
        return self._reader.read(partition, self._checkpoint_place(partition), start=0, stop=None)

    def _checkpoint_place(self, partition: Partition) -> TopicPartition:
        return TopicPartition(checkpoint_topic_name(self._suite, partition.stream), partition.number)
