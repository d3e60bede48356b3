"""The fence on a real broker: who is replaced appends nothing that counts, whatever he, the broker or time do.

Where the broker itself can refuse, it must (`Fenced`). Where it has forgotten the old owner, it takes his batch, and
then no reader may accept it.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import ConnectionGroup, CoordinationType
from aiokafka.protocol.transaction import InitProducerIdRequest

from foldgate.contracts.codec import Codec
from foldgate.contracts.topics import RUNS
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.kafka import KafkaLog
from foldgate.eventlog.kafka_client import KafkaAddress, leader_of, persevere
from foldgate.eventlog.kafka_producer import FencedProducer, Produced
from foldgate.eventlog.kafka_writer import KafkaWriter
from foldgate.eventlog.log import START, Batch, BatchHead, Fenced, LogUnavailable, Outgoing, Partition, Record
from foldgate.eventlog.owner import ClaimLost, OwnStream, claim
from foldgate.servers.kafka import KafkaCluster
from foldgate.testing import kafka
from foldgate.testing.plugin import provided
from tests.support.waiting import until

OWNED = Partition("runs", 0)
SUITE = f"fence{os.getpid()}"
PLACE = TopicPartition(f"{SUITE}.runs", 0)
STATE = "__transaction_state"
LAST_EPOCH = 32_766  # the coordinator keeps 32,767 for itself

# Brokers that forget in a second what they usually remember for a day and for a week.
FORGETFUL = {
    "transactional.id.expiration.ms": "1000",
    "transaction.remove.expired.transaction.cleanup.interval.ms": "300",
    "producer.id.expiration.ms": "1000",
    "producer.id.expiration.check.interval.ms": "300",
    "transaction.state.log.num.partitions": "1",
}

# An owner in a process of its own: claims epoch 1, then appends until it is refused, and says of each what it was told.
OWNER = """
import asyncio, sys
from foldgate.eventlog.kafka import KafkaLog
from foldgate.eventlog.log import Batch, BatchHead, Fenced, LogUnavailable, Outgoing, Partition

async def main(bootstrap, suite):
    log = await KafkaLog.connect(bootstrap, suite=suite)
    writer = await log.writer(Partition("runs", 0))
    await writer.append(Batch(BatchHead(1, 0, 1, (), "old"), [Outgoing(b"", b"claim")]))
    for n in range(1, 1_000_000):
        try:
            await writer.append(Batch(BatchHead(1, n, 1), [Outgoing(b"k", f"old {n}".encode())]))
        except Fenced:
            print("fenced", flush=True)
            break
        print(n, flush=True)
    await writer.close()
    await log.close()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def forgetful(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KafkaCluster]:
    with provided(request, "KAFKA", kafka.cluster(tmp_path / "kafka", settings=FORGETFUL)) as cluster:
        yield cluster


@asynccontextmanager
async def opened(bootstrap: str, *, suite: str = SUITE) -> AsyncIterator[KafkaLog]:
    log = await KafkaLog.connect(bootstrap, suite=suite)
    try:
        await log.prepare([RUNS])
        yield log
    finally:
        await log.close()


async def claimed(log: KafkaLog, epoch: int, owner: str, *, partition: Partition = OWNED) -> KafkaWriter:
    writer = await log.writer(partition)
    await writer.append(Batch(BatchHead(epoch, 0, 1, (), owner), [Outgoing(b"", b"claim")]))
    return writer


def batch(epoch: int, sequence: int, value: str) -> Batch:
    return Batch(BatchHead(epoch, sequence, 1), [Outgoing(b"k", value.encode())])


async def everything(log: KafkaLog) -> list[Record]:
    return [record async for chunk in log.read(OWNED, 0) for record in chunk]


async def values(log: KafkaLog) -> list[str]:
    return [record.value.decode() for record in await everything(log) if record.key]


async def accepted(log: KafkaLog) -> list[str]:
    rule = Acceptance(START)
    records = [record for record in await everything(log) if rule.accepts(record)]
    return [record.value.decode() for record in records if record.key]


async def expect_only_readers_refuse(log: KafkaLog, old: KafkaWriter, new: KafkaWriter) -> None:
    """The broker takes the old owner's batch, all readers pass it over, and the new owner goes on as if it were not."""
    await old.append(batch(1, 1, "zombie"))
    await new.append(batch(2, 1, "new"))
    assert "zombie" in await values(log)
    assert await accepted(log) == ["new"]


async def test_an_owner_paused_and_resumed_is_refused(kafka_bootstrap: str) -> None:
    async with opened(kafka_bootstrap) as log:
        old = subprocess_owner(kafka_bootstrap)
        try:
            while await said(old) != "20":
                pass
            old.send_signal(signal.SIGSTOP)
            new = await claimed(log, 2, "new")
            before = await values(log)
            await new.append(batch(2, 1, "new 1"))
            old.send_signal(signal.SIGCONT)
            told = (await asyncio.to_thread(old.communicate))[0].split()
            await new.append(batch(2, 2, "new 2"))
        finally:
            old.kill()
            old.wait()
        assert told[-1] == "fenced"
        assert await values(log) == await accepted(log) == [*before, "new 1", "new 2"]
        acknowledged = int(told[-2]) if len(told) > 1 else 20
        assert before[: acknowledged + 1] == [f"old {n}" for n in range(1, len(before) + 1)]
        await new.close()


def subprocess_owner(bootstrap: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", OWNER, bootstrap, SUITE]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def said(owner: "subprocess.Popen[str]") -> str:
    assert owner.stdout
    return (await asyncio.to_thread(owner.stdout.readline)).strip()


async def test_the_old_owner_is_refused_by_a_broker_that_was_killed_and_restarted(kafka_cluster: KafkaCluster) -> None:
    async with opened(kafka_cluster.bootstrap) as log:
        old = await claimed(log, 1, "old")
        await old.append(batch(1, 1, "old"))
        new = await claimed(log, 2, "new")
        await kafka_cluster.nodes[0].kill()
        await kafka_cluster.nodes[0].restart()
        with pytest.raises(Fenced):
            await old.append(batch(1, 2, "zombie"))
        await new.append(batch(2, 1, "new"))
        assert await values(log) == await accepted(log) == ["old", "new"]
        await old.close()
        await new.close()


async def test_the_old_owner_is_refused_by_the_next_leader(kafka_trio: KafkaCluster) -> None:
    async with opened(kafka_trio.bootstrap) as log:
        old = await claimed(log, 1, "old")
        await old.append(batch(1, 1, "old"))
        new = await claimed(log, 2, "new")
        leader = leader_of(new._producer._connected, PLACE)
        await kafka_trio.nodes[leader - 1].kill()
        with pytest.raises(Fenced):
            await old.append(batch(1, 2, "zombie"))
        await new.append(batch(2, 1, "new"))
        assert await values(log) == await accepted(log) == ["old", "new"]
        assert leader_of(new._producer._connected, PLACE) != leader
        await old.close()
        await new.close()


async def test_no_reader_accepts_the_old_owner_once_his_transactional_id_expired(forgetful: KafkaCluster) -> None:
    async with opened(forgetful.bootstrap) as log:
        old = await claimed(log, 1, "old")
        await until_forgotten(forgetful.bootstrap)
        new = await claimed(log, 2, "new")
        assert new._producer.identity.producer_id != old._producer.identity.producer_id
        await expect_only_readers_refuse(log, old, new)
        await old.close()
        await new.close()


async def until_forgotten(bootstrap: str) -> None:
    """Wait until the coordinator has written that it forgets the transactional id of the partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    consumer.assign([TopicPartition(STATE, 0)])
    await consumer.seek_to_beginning()
    try:
        async with asyncio.timeout(30):
            async for record in consumer:
                if f"{PLACE.topic}-0".encode() in record.key and record.value is None:
                    return
    finally:
        await consumer.stop()


async def test_no_reader_accepts_the_old_owner_once_the_epochs_are_used_up(kafka_bootstrap: str) -> None:
    suite = f"{SUITE}wrap"
    async with opened(kafka_bootstrap, suite=suite) as log:
        await use_up_epochs(kafka_bootstrap, f"{suite}.runs-0", leaving=2)
        last_but_one = await claimed(log, 1, "last but one")
        assert last_but_one._producer.identity.epoch == LAST_EPOCH - 1
        old = await claimed(log, 2, "old")
        assert old._producer.identity.epoch == LAST_EPOCH
        with pytest.raises(Fenced):
            await last_but_one.append(batch(1, 1, "zombie"))
        new = await claimed(log, 3, "new")
        assert new._producer.identity.epoch == 0
        assert new._producer.identity.producer_id != old._producer.identity.producer_id
        await old.append(batch(2, 1, "zombie"))
        await new.append(batch(3, 1, "new"))
        assert await values(log) == ["zombie", "new"]
        assert await accepted(log) == ["new"]
        for writer in (last_but_one, old, new):
            await writer.close()


async def use_up_epochs(bootstrap: str, transactional_id: str, *, leaving: int) -> None:
    """Ask for one producer epoch after the other, as that many claims would."""
    client = await KafkaAddress(bootstrap=bootstrap).connect()
    coordinator = await persevere(
        "no coordinator",
        lambda: client.coordinator_lookup(CoordinationType.TRANSACTION, transactional_id),
        within_ms=30_000,
    )
    request, epoch = InitProducerIdRequest(transactional_id, 60_000), -1
    while epoch < LAST_EPOCH - leaving:
        response = await client.send(coordinator, request, group=ConnectionGroup.COORDINATION)
        epoch = epoch if response.error_code else response.producer_epoch
    await client.close()


async def test_no_reader_accepts_the_old_owner_once_the_broker_forgot_an_idle_producer(forgetful: KafkaCluster) -> None:
    async with opened(forgetful.bootstrap) as log:
        old = await claimed(log, 1, "old")
        new = await claimed(log, 2, "new")
        assert not await takes(old, 1)
        await until(lambda: takes(old, 1), what="the broker to forget the fence")
        with pytest.raises(LogUnavailable, match="OutOfOrderSequence"):  # it knows only the old one now
            await new.append(batch(2, 1, "unheard"))
        newest = await claimed(log, 3, "newest")
        await newest.append(batch(3, 1, "newest"))
        assert await values(log) == ["zombie", "newest"]
        assert await accepted(log) == ["newest"]
        for writer in (old, new, newest):
            await writer.close()


async def test_an_owner_idle_for_longer_than_the_broker_remembers_goes_on(forgetful: KafkaCluster) -> None:
    async with opened(forgetful.bootstrap) as log:
        owner = await claimed(log, 1, "owner")
        await owner.append(batch(1, 1, "before"))
        for number in (
            1,
            2,
        ):  # the second begins after the first is forgotten, so the owner is by then, whatever the phase
            idle = [await claimed(log, epoch, "idle", partition=Partition("runs", number)) for epoch in (1, 2)]
            await until(lambda idle=idle: takes(idle[0], 1), what="the broker to forget idle producers")
            for writer in idle:
                await writer.close()
        await owner.append(batch(1, 2, "after"))
        assert await values(log) == await accepted(log) == ["before", "after"]
        await owner.close()


async def takes(old: KafkaWriter, epoch: int) -> bool:
    """Whether the broker now takes what it refused before."""
    old._producer._dead = ""
    try:
        await old.append(batch(epoch, 1, "zombie"))
    except Fenced:
        return False
    return True


async def test_of_many_claims_that_race_one_owner_remains(kafka_bootstrap: str) -> None:
    suite = f"{SUITE}race"
    logs = [await KafkaLog.connect(kafka_bootstrap, suite=suite) for _ in range(4)]
    await logs[0].prepare([RUNS])
    codec = Codec()

    async def compete(log: KafkaLog, name: str) -> tuple[str, KafkaWriter, OwnStream] | None:
        own = OwnStream(OWNED)
        try:
            writer = await claim(log, codec, own, fold=lambda _: None, owner=name, at=0)
        except ClaimLost:
            return None
        assert isinstance(writer, KafkaWriter)
        return name, writer, own

    for number in range(3):
        won = [w for w in await asyncio.gather(*(compete(log, f"{number}-{n}") for n, log in enumerate(logs))) if w]
        rule = Acceptance(START)
        for record in await everything(logs[0]):
            rule.accepts(record)
        [(_, owner, own)] = [(name, writer, own) for name, writer, own in won if name == rule.claimant]
        await own.catch_up(logs[0], lambda _: None)
        at = own.acceptance.position
        await owner.append(Batch(BatchHead(at.epoch, at.sequence, 1), [Outgoing(b"k", str(number).encode())]))
        for name, writer, _ in won:
            if name != rule.claimant:
                with pytest.raises(Fenced):
                    await writer.append(Batch(BatchHead(at.epoch, 1, 1), [Outgoing(b"k", b"loser")]))
            await writer.close()
    assert await accepted(logs[0]) == ["0", "1", "2"]
    for log in logs:
        await log.close()


async def test_a_pen_too_old_to_be_sure_is_put_down(kafka_bootstrap: str) -> None:
    log = await KafkaLog.connect(kafka_bootstrap, suite=f"{SUITE}old", fence_max_age_ms=0)
    await log.prepare([RUNS])
    writer = await log.writer(OWNED)
    with pytest.raises(Fenced, match="too old"):
        await writer.append(batch(1, 0, "x"))
    assert await values(log) == []
    await writer.close()
    await log.close()


async def test_a_claim_makes_the_next_producer_epoch_of_one_producer_id(kafka_bootstrap: str) -> None:
    suite = f"{SUITE}next"
    address, place = KafkaAddress(bootstrap=kafka_bootstrap), TopicPartition(f"{suite}.runs", 0)
    async with opened(kafka_bootstrap, suite=suite):
        first = await FencedProducer(address, place).start()
        second = await FencedProducer(address, place).start()
        assert second.identity == (first.identity.producer_id, first.identity.epoch + 1)
        await first.append([Produced(b"k", b"still free to write", [])])
        await second.append([Produced(b"k", b"now the only one", [])])
        with pytest.raises(Fenced):
            await first.append([Produced(b"k", b"refused", [])])
        await first.close()
        await second.close()
