"""Members of a group on Kafka: who leaves in good order is not waited for, and leaves nothing open."""

import asyncio
import contextlib
import gc
import os

import pytest
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import NodeNotReadyError
from aiokafka.protocol.metadata import MetadataRequest

from foldgate.contracts.places import Partition
from foldgate.contracts.topics import RUNS
from foldgate.eventlog.kafka import KafkaLog
from foldgate.eventlog.kafka_client import KafkaAddress
from foldgate.eventlog.log import Writer
from tests.support.waiting import tick, until

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


async def test_whenever_a_member_leaves_it_leaves_no_connection_open(kafka_bootstrap: str) -> None:
    """Also while it meets the cluster, asks for its coordinator, or joins; and where leaving itself is cut off."""
    log = await KafkaLog.connect(kafka_bootstrap, suite=f"anywhere{os.getpid()}")
    await log.prepare([RUNS])
    before = connections()
    for ms in range(0, 60, 2):
        member = log.membership(f"group-{ms}", "instance", PARTITIONS)
        joining = asyncio.create_task(member.changed())
        await asyncio.wait({joining}, timeout=ms / 1000)
        joining.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(member.close(), timeout=None if ms % 4 else 0.001)
    await log.close()
    await until(lambda: connections() <= before, what="every connection to be closed", within_s=5)


async def test_an_address_that_is_closed_waits_for_what_was_being_closed(kafka_bootstrap: str) -> None:
    """Cut off twice, as by a crash and then by the end of the loop: nothing may still be under way behind our back."""
    address, before = KafkaAddress(bootstrap=kafka_bootstrap), connections()
    for turns in range(1, 60):
        meeting = asyncio.create_task(address.connect())
        for _ in range(turns):
            await tick()
        meeting.cancel()
        await tick()
        meeting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await (await meeting).close()
        await address.close()
        assert connections() <= before


async def test_a_log_whose_closing_is_cut_off_leaves_nothing_open(kafka_bootstrap: str) -> None:
    """Nor what its owner had not closed before, a writer here."""
    before, writers = connections(), list[Writer]()
    for turns in range(1, 12):
        log = await KafkaLog.connect(kafka_bootstrap, suite=f"closing{os.getpid()}")
        await log.prepare([RUNS])
        writers.append(await log.writer(PARTITIONS[0]))
        closing = asyncio.create_task(log.close())
        for _ in range(turns):
            await asyncio.wait({closing}, timeout=0)
        closing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await closing
        await until(lambda: connections() <= before, what="every connection to be closed", within_s=5)


async def test_a_client_that_is_closed_opens_nothing_any_more(kafka_bootstrap: str) -> None:
    client, before = await KafkaAddress(bootstrap=kafka_bootstrap).connect(), connections()
    (broker,) = client.cluster.brokers()
    await client.close()
    with pytest.raises(NodeNotReadyError):
        await client.send(broker.nodeId, MetadataRequest([]))
    assert connections() - before == set()


def connections() -> set[AIOKafkaConnection]:
    return {one for one in gc.get_objects() if isinstance(one, AIOKafkaConnection) and one.connected()}
