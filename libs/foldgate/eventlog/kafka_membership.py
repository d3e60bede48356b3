"""Membership on Kafka: a consumer group that shares partitions out, and consumes nothing.

The group's consumer is subscribed to the topics, all of its partitions are paused, and it is polled only to be seen to
be alive. One assignor is offered (the library joins once for each), and the instance is a static member: one that is
killed and comes back within the session time-out keeps its partitions; one that is closed leaves at once. Nothing is
done inside the rebalance callback but to note the assignment, because no heartbeats are sent while it runs. Correctness
never rests on any of this: the claim decides.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from foldgate.eventlog.kafka_client import KafkaAddress, describe, persevere
from foldgate.eventlog.kafka_leaving import leave
from foldgate.eventlog.log import LogError, LogUnavailable, Partition

_POLL_MS = 1_000
_REJOIN_WITHIN_MS = 10_000
_LEAVE_WITHIN_S = 2.0


class KafkaMembership:
    """See `Membership` in log.py."""

    def __init__(
        self,
        address: KafkaAddress,
        partitions: Sequence[Partition],
        *,
        topic: Callable[[str], str],
        group: str,
        instance: str,
        session_timeout_ms: int,
    ) -> None:
        self._address = address
        self._partitions = {TopicPartition(topic(p.stream), p.number): p for p in partitions}
        self._identity = {"group_id": group, "group_instance_id": instance}
        self._session_timeout_ms = session_timeout_ms
        self._assigned: frozenset[Partition] | None = None
        self._told: frozenset[Partition] | None = None
        self._news = asyncio.Event()
        self._failed: Exception | None = None
        self._staying: asyncio.Task[None] | None = None

    async def changed(self) -> frozenset[Partition]:
        if self._staying is None:
            self._staying = asyncio.create_task(self._stay())
        while self._assigned is None or self._assigned == self._told:
            if self._failed:
                raise self._failed
            self._news.clear()
            await self._news.wait()
        self._told = self._assigned
        return self._assigned

    async def close(self) -> None:
        if self._staying is not None:
            self._staying.cancel()
            await asyncio.gather(self._staying, return_exceptions=True)
            await self._leave()

    async def _leave(self) -> None:
        """Be out of the group, if a broker answers in time."""
        with contextlib.suppress(LogError, KafkaError, TimeoutError):
            async with asyncio.timeout(_LEAVE_WITHIN_S):
                client = await self._address.connect()
                try:
                    await leave(client, group=self._identity["group_id"], instance=self._identity["group_instance_id"])
                finally:
                    await client.close()

    async def _stay(self) -> None:
        """Be a member until closed."""
        try:
            consumer = self._consumer()
            try:
                await persevere("No place in the group", consumer.start, within_ms=self._address.patience_ms)
                consumer.subscribe(sorted({place.topic for place in self._partitions}), listener=_Notes(self, consumer))
                while True:
                    await consumer.getmany(timeout_ms=_POLL_MS)
            finally:
                with contextlib.suppress(KafkaError):
                    await consumer.stop()
                await consumer.client.close()  # which the library leaves open where it stops on an error
        except KafkaError as error:
            self._fail(LogUnavailable(f"No place in the group {self._identity['group_id']}: {describe(error)}."))
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits for news hears of it
            self._fail(error)

    def _consumer(self) -> "_Consumer":
        return _Consumer(
            self._address,
            **self._identity,
            partition_assignment_strategy=(RoundRobinPartitionAssignor,),
            enable_auto_commit=False,
            auto_offset_reset="latest",
            session_timeout_ms=self._session_timeout_ms,
            heartbeat_interval_ms=self._session_timeout_ms // 3,
            max_poll_interval_ms=_REJOIN_WITHIN_MS,
        )

    def note(self, assigned: Sequence[TopicPartition]) -> None:
        self._assigned = frozenset(self._partitions[place] for place in assigned if place in self._partitions)
        self._news.set()

    def _fail(self, error: Exception) -> None:
        self._failed = error
        self._news.set()


class _Consumer(AIOKafkaConsumer):  # type: ignore[misc]  # published without types
    """The library's consumer over a client of ours, which leaves no socket open; the library asks nobody for one."""

    def __init__(self, address: KafkaAddress, **options: Any) -> None:
        super().__init__(**address.options(), **options)
        self.client = self._client = address.client()


class _Notes(ConsumerRebalanceListener):  # type: ignore[misc] # published without types
    """Notes what was assigned, and lets the consumer fetch none of it."""

    def __init__(self, membership: KafkaMembership, consumer: AIOKafkaConsumer) -> None:
        self._membership, self._consumer = membership, consumer

    def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Most come back with the next assignment, so nothing is given up before it."""

    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self._consumer.pause(*assigned)
        self._membership.note(assigned)
