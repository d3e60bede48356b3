"""A fault of ours while records are fetched from Kafka, or a group is followed: whoever waits hears of it, and nothing
is left behind that still fetches.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from foldgate.contracts.places import Partition
from foldgate.contracts.topics import REPORTS, RUNS, partition_of
from foldgate.eventlog import kafka_follower
from foldgate.eventlog.kafka import KafkaLog
from foldgate.eventlog.kafka_follower import KafkaFollower
from foldgate.eventlog.kafka_membership import _Consumer
from foldgate.eventlog.log import Outgoing

PLACE = Partition(REPORTS.name, partition_of(b"k", REPORTS.partitions))


class Fault(Exception):
    """Nobody expects it."""


def broken(*_: Any, **__: Any) -> Any:
    raise Fault


@asynccontextmanager
async def opened(bootstrap: str, suite: str) -> AsyncIterator[KafkaLog]:
    log = await KafkaLog.connect(bootstrap, suite=suite)
    try:
        await log.prepare([REPORTS, RUNS])
        yield log
    finally:
        await log.close()


async def test_who_reads_hears_of_it_and_may_read_on(kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(kafka_bootstrap, "faults-reading") as log:
        await log.submit(REPORTS.name, [Outgoing(b"k", b"v")])
        before = asyncio.all_tasks()
        follower = KafkaFollower(log._address, {PLACE: 0}, topic=log._topic)
        with monkeypatch.context() as patch:
            patch.setattr(kafka_follower, "records_in", broken)
            with pytest.raises(Fault):
                await follower.next(timeout_ms=30_000)
        assert asyncio.all_tasks() <= before
        assert [record.value for record in await follower.next(timeout_ms=30_000)] == [b"v"]
        await follower.close()
        assert asyncio.all_tasks() <= before


async def test_a_member_hears_of_it(kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(kafka_bootstrap, "faults-following") as log:
        monkeypatch.setattr(_Consumer, "getmany", broken)
        member = log.membership("engine", "one", [Partition(RUNS.name, 0)])

        async def followed() -> None:
            while True:
                await member.changed()

        with pytest.raises(Fault):
            await asyncio.wait_for(followed(), timeout=30)
        await member.close()
