"""Members of a group on Kafka: who leaves in good order is not waited for."""

import asyncio
import os

from foldgate.contracts.places import Partition
from foldgate.contracts.topics import RUNS
from foldgate.eventlog.kafka import KafkaLog

PARTITIONS = [Partition("runs", number) for number in range(4)]


async def test_who_leaves_in_good_order_is_not_waited_for(kafka_bootstrap: str) -> None:
    """The session time-out is longer than the test may take, so only leaving at once can have freed the partitions."""
    suite = f"leaving{os.getpid()}"
    log = await KafkaLog.connect(kafka_bootstrap, suite=suite, session_timeout_ms=120_000)
    await log.prepare([RUNS])
    first = log.membership("engine", "instance-1", PARTITIONS)
    async with asyncio.timeout(60):
        assert await first.changed() == frozenset(PARTITIONS)
    await first.close()
    second = log.membership("engine", "instance-2", PARTITIONS)
    async with asyncio.timeout(60):
        assert await second.changed() == frozenset(PARTITIONS)
    await second.close()
    await log.close()
