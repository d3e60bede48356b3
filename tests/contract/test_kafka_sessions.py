"""What a broker remembers of a follower changes what is said between them, and nothing that the follower is given."""

import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.structs import TopicPartition

from foldgate.contracts.topics import REPORTS, partition_of
from foldgate.eventlog.kafka import KafkaLog
from foldgate.eventlog.kafka_client import KafkaAddress, leader_of
from foldgate.eventlog.kafka_fetch import records_in
from foldgate.eventlog.kafka_session import FetchSession
from foldgate.eventlog.log import Outgoing, Partition

KEYS = {partition_of(key, REPORTS.partitions): key for key in (b"%d" % n for n in range(100))}
_numbers = itertools.count(1)


class Overhearing:
    """A client that remembers which partitions its fetches named, and which their answers did."""

    def __init__(self, client: AIOKafkaClient) -> None:
        self._client = client
        self.said: list[tuple[list[int], list[int]]] = []

    async def send(self, node: int, request: Any) -> Any:
        response = await self._client.send(node, request)
        fields = request._fields
        self.said.append((_numbers_in(fields[7]), [n for _, some in response.topics for n, *_ in some]))
        return response


def _numbers_in(topics: Any) -> list[int]:
    return sorted(number for _, some in topics for number, *_ in some)


class Fetching:
    """Four partitions, read by one session."""

    def __init__(self, log: KafkaLog, client: AIOKafkaClient, topic: str) -> None:
        self._log, self._node = log, leader_of(client, TopicPartition(topic, 0))
        self.client, self.session = Overhearing(client), FetchSession()
        self.offsets = {TopicPartition(topic, number): 0 for number in range(REPORTS.partitions)}
        self.got: list[bytes] = []

    async def put(self, number: int, value: bytes) -> None:
        await self._log.submit(REPORTS.name, [Outgoing(KEYS[number], value)])

    async def fetch(self, *, wait_ms: int = 10) -> None:
        session: Any = self.session
        for answer in await session.fetch(self.client, self._node, self.offsets, wait_ms=wait_ms):
            assert answer.error is None
            place = Partition(REPORTS.name, answer.place.partition)
            records, self.offsets[answer.place] = records_in(place, answer.raw, self.offsets[answer.place])
            self.got += [record.value for record in records]


@asynccontextmanager
async def fetching(bootstrap: str) -> AsyncIterator[Fetching]:
    suite = f"s{os.getpid()}-{next(_numbers)}"
    address = KafkaAddress(bootstrap=bootstrap)
    log = await KafkaLog.connect(address, suite=suite)
    try:
        await log.prepare([REPORTS])
        client = await address.connect()
        topic = f"{suite}.{REPORTS.name}"
        await client.set_topics([topic])
        try:
            yield Fetching(log, client, topic)
        finally:
            await client.close()
    finally:
        await log.close()


async def test_only_news_is_told(kafka_bootstrap: str) -> None:
    async with fetching(kafka_bootstrap) as one:
        await one.fetch()
        assert one.client.said[-1] == ([0, 1, 2, 3], [0, 1, 2, 3])
        for value, told in ((b"a", []), (b"b", [2])):
            await one.put(2, value)
            await one.fetch(wait_ms=5_000)
            assert one.client.said[-1] == (told, [2]), "what has moved is named, and what there is news of"
        await one.fetch()
        await one.fetch()
        assert one.client.said[-1] == ([], [])
        assert one.got == [b"a", b"b"]


async def test_what_was_not_taken_is_given_again(kafka_bootstrap: str) -> None:
    async with fetching(kafka_bootstrap) as one:
        await one.put(1, b"a")
        for _ in range(3):
            before = dict(one.offsets)
            await one.fetch(wait_ms=5_000)
            one.offsets = before
        assert one.got == [b"a"] * 3


async def test_who_goes_back_is_given_what_follows_there(kafka_bootstrap: str) -> None:
    async with fetching(kafka_bootstrap) as one:
        await one.put(1, b"a")
        await one.fetch(wait_ms=5_000)
        one.offsets = dict.fromkeys(one.offsets, 0)
        await one.fetch(wait_ms=5_000)
        assert one.got == [b"a", b"a"]


async def test_what_is_dropped_is_given_no_more_and_again_when_it_comes_back(kafka_bootstrap: str) -> None:
    async with fetching(kafka_bootstrap) as one:
        await one.fetch()
        [dropped] = [place for place in one.offsets if place.partition == 3]
        at = one.offsets.pop(dropped)
        await one.fetch()
        await one.put(3, b"a")
        await one.fetch()
        assert one.got == []
        one.offsets[dropped] = at
        await one.fetch(wait_ms=5_000)
        assert one.got == [b"a"]


@pytest.mark.parametrize("change", [{"_id": 4711}, {"_epoch": 4711}])
async def test_a_session_that_the_broker_does_not_know_is_begun_anew(
    kafka_bootstrap: str, change: dict[str, int]
) -> None:
    async with fetching(kafka_bootstrap) as one:
        await one.fetch()
        await one.put(0, b"a")
        vars(one.session).update(change)
        await one.fetch()
        await one.fetch(wait_ms=5_000)
        assert one.client.said[-1][0] == [0, 1, 2, 3]
        assert one.got == [b"a"]


async def test_after_a_fetch_without_an_answer_everything_is_named(kafka_bootstrap: str) -> None:
    async with fetching(kafka_bootstrap) as one:
        await one.fetch()
        node, one._node = one._node, -7
        with pytest.raises(Exception, match="not ready"):
            await one.fetch()
        one._node = node
        await one.put(0, b"a")
        await one.fetch(wait_ms=5_000)
        assert one.client.said[-1][0] == [0, 1, 2, 3]
        assert one.got == [b"a"]
