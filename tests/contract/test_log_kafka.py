"""What the Kafka log promises beyond the contract: no kill, restart or change of leader loses or doubles a record."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.structs import TopicPartition

from foldgate.contracts.topics import REPORTS, RUNS, partition_of
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.checkpoints import Saved
from foldgate.eventlog.kafka import KafkaLog
from foldgate.eventlog.kafka_client import KafkaAddress, UnsupportedClientLibrary, check_library, leader_of
from foldgate.eventlog.kafka_follower import AHEAD_BYTES, KafkaFollower
from foldgate.eventlog.kafka_writer import KafkaWriter
from foldgate.eventlog.log import (
    START,
    Batch,
    BatchHead,
    Follower,
    LogUnavailable,
    Outgoing,
    Partition,
    Record,
    RecordTooLarge,
    TopologyMismatch,
)
from foldgate.servers.kafka import KafkaCluster
from tests.support.waiting import tick, until

OWNED = Partition("runs", 0)
OPEN = Partition("reports", partition_of(b"k", 4))
_numbers = itertools.count(1)


@asynccontextmanager
async def opened(bootstrap: str, *, suite: str = "", patience_ms: int = 30_000) -> AsyncIterator[KafkaLog]:
    address = KafkaAddress(bootstrap=bootstrap, patience_ms=patience_ms, request_timeout_ms=min(5_000, patience_ms))
    log = await KafkaLog.connect(address, suite=suite or f"k{os.getpid()}-{next(_numbers)}")
    try:
        await log.prepare([RUNS, REPORTS])
        yield log
    finally:
        await log.close()


def batch(epoch: int, sequence: int, *values: str, claimant: str = "") -> Batch:
    return Batch(BatchHead(epoch, sequence, len(values), (), claimant), [Outgoing(b"k", v.encode()) for v in values])


async def claimed(log: KafkaLog, epoch: int = 1) -> KafkaWriter:
    writer = await log.writer(OWNED)
    await writer.append(batch(epoch, 0, f"claim {epoch}", claimant=f"owner {epoch}"))
    return writer


async def everything(log: KafkaLog, partition: Partition = OWNED) -> list[Record]:
    return [record async for chunk in log.read(partition, 0) for record in chunk]


async def accepted(log: KafkaLog) -> list[str]:
    rule = Acceptance(START)
    return [record.value.decode() for record in await everything(log) if rule.accepts(record)]


class Traffic:
    """An owner and a submitter that never stop, and a follower that writes down what it sees."""

    def __init__(self, log: KafkaLog, writer: KafkaWriter) -> None:
        self._log, self._writer = log, writer
        self._follower = log.follow({OWNED: 0, OPEN: 0})
        self.followed: list[Record] = []
        self.last = 0
        self._stop = asyncio.Event()
        self._tasks = [asyncio.create_task(self._append()), asyncio.create_task(self._submit())]
        self._following = asyncio.create_task(self._follow())

    async def goes_on(self, records: int = 200) -> None:
        """Return when so many more records were followed on both partitions."""
        wanted = {partition: len(self.of(partition)) + records for partition in (OWNED, OPEN)}
        await until(
            lambda: all(len(self.of(p)) > n or self._broke() for p, n in wanted.items()), what="traffic", within_s=90
        )

    def of(self, partition: Partition) -> list[Record]:
        return [record for record in self.followed if record.partition == partition]

    async def end(self) -> int:
        """Stop, and return how many submissions were acknowledged, once all of both is followed."""
        self._stop.set()
        _, submitted = await asyncio.gather(*self._tasks)
        for partition in (OWNED, OPEN):
            await until(lambda p=partition: self._seen(p), what=f"the rest of {partition}")
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)
        await self._follower.close()
        assert isinstance(submitted, int)
        return submitted

    async def _seen(self, partition: Partition) -> bool:
        return self.of(partition)[-1].offset + 1 == await self._log.end(partition)

    def _broke(self) -> bool:
        for task in (*self._tasks, self._following):
            if task.done():
                task.result()
        return False

    async def _append(self) -> None:
        while not self._stop.is_set():
            self.last += 1
            await self._writer.append(batch(1, self.last, *(f"{self.last} {part}" for part in "abc")))

    async def _submit(self) -> int:
        for number in itertools.count(1):
            await self._log.submit("reports", [Outgoing(b"k", str(number).encode())])
            if self._stop.is_set():
                return number
        raise AssertionError

    async def _follow(self) -> None:
        while True:
            self.followed += await self._follower.next()


async def expect_nothing_lost_or_doubled(log: KafkaLog, traffic: Traffic) -> None:
    submitted = await traffic.end()
    appended = ["claim 1", *(f"{n} {part}" for n in range(1, traffic.last + 1) for part in "abc")]
    assert [record.value.decode() for record in traffic.of(OWNED)] == appended == await accepted(log)
    assert traffic.of(OWNED) == await everything(log)
    assert traffic.of(OPEN) == await everything(log, OPEN)
    numbers = [int(record.value) for record in traffic.of(OPEN)]
    assert list(dict.fromkeys(numbers)) == list(range(1, submitted + 1))  # at least once, in order


async def test_a_broker_killed_and_restarted_loses_and_doubles_nothing(kafka_cluster: KafkaCluster) -> None:
    async with opened(kafka_cluster.bootstrap) as log:
        traffic = Traffic(log, await claimed(log))
        for _ in range(2):
            await traffic.goes_on()
            await kafka_cluster.nodes[0].kill()
            await kafka_cluster.nodes[0].restart()
        await traffic.goes_on()
        await expect_nothing_lost_or_doubled(log, traffic)
        await traffic._writer.close()


async def test_changes_of_leader_lose_and_double_nothing(kafka_trio: KafkaCluster) -> None:
    async with opened(kafka_trio.bootstrap) as log:
        writer = await claimed(log)
        traffic = Traffic(log, writer)
        for end, back in (("kill", "restart"), ("pause", "resume")):
            await traffic.goes_on()
            leader = leader_of(writer._producer._connected, writer._producer.place)
            node = kafka_trio.nodes[leader - 1]
            await _do(getattr(node, end))
            await until(
                lambda was=leader: leader_of(writer._producer._connected, writer._producer.place) != was,
                what="another leader",
                within_s=60,
            )
            await traffic.goes_on()
            await _do(getattr(node, back))
        await traffic.goes_on()
        await expect_nothing_lost_or_doubled(log, traffic)
        await writer.close()


async def _do(what: Callable[[], Awaitable[None] | None]) -> None:
    if (doing := what()) is not None:
        await doing


async def test_a_broker_that_does_not_answer_is_said_to_be_and_the_log_tells_what_landed(
    kafka_cluster: KafkaCluster,
) -> None:
    [node] = kafka_cluster.nodes
    async with (
        opened(kafka_cluster.bootstrap, suite="t") as log,
        opened(kafka_cluster.bootstrap, suite="t", patience_ms=500) as hasty,
    ):
        await (await log.writer(OWNED)).close()  # a broker that has just begun lets even the patient wait
        writer = await claimed(hasty)
        follower = hasty.follow({OWNED: 0})
        assert [record.value for record in await follower.next()] == [b"claim 1"]
        await hasty.submit("reports", [Outgoing(b"k", b"before")])
        node.pause()
        with pytest.raises(LogUnavailable, match=r"did not take an append within 0\.5 s"):
            await writer.append(batch(1, 1, "unanswered"))
        with pytest.raises(LogUnavailable, match="dead"):
            await writer.append(batch(1, 1, "unanswered"))
        with pytest.raises(LogUnavailable):
            await hasty.submit("reports", [Outgoing(b"k", b"unanswered")])
        with pytest.raises(LogUnavailable, match="gives no records"):
            await until_it_fails(follower)
        with pytest.raises(LogUnavailable, match="could not be read"):
            await hasty.end(OWNED)
        with pytest.raises(LogUnavailable, match=r"no producer id|No Kafka at"):
            await hasty.writer(OWNED)
        await writer.close()
        node.resume()
        again = await claimed(log, 2)
        await again.append(batch(2, 1, "after"))
        assert await accepted(log) in (["claim 1", *landed, "claim 2", "after"] for landed in ([], ["unanswered"]))
        followed: list[Record] = []
        while not followed or followed[-1].value != b"after":
            followed += await follower.next()
        assert followed == (await everything(log))[1:]
        await hasty.submit("reports", [Outgoing(b"k", b"after")])
        await again.close()
        await follower.close()


async def until_it_fails(follower: Follower) -> None:
    while True:
        assert await follower.next() == []


async def test_an_address_without_a_broker_is_named() -> None:
    address = KafkaAddress(bootstrap="127.0.0.1:1", patience_ms=300)
    with pytest.raises(LogUnavailable, match=r"^No Kafka at 127\.0\.0\.1:1 within 0\.3 s: .*\.$"):
        await KafkaLog.connect(address, suite="t")


async def test_topics_with_other_partition_counts_are_named_in_one_line(kafka_bootstrap: str) -> None:
    async with opened(kafka_bootstrap) as log:
        wrong = [replace(RUNS, partitions=7), replace(REPORTS, partitions=2)]
        with pytest.raises(TopologyMismatch) as raised:
            await log.prepare(wrong)
        assert "\n" not in str(raised.value)
        assert f"4 partitions in topic '{log._topic('runs')}', which is to have 7" in str(raised.value)
        assert f"4 partitions in topic '{log._topic('reports')}', which is to have 2" in str(raised.value)


async def test_many_prepare_at_once(kafka_bootstrap: str) -> None:
    suite = f"k{os.getpid()}-{next(_numbers)}"
    logs = await asyncio.gather(*(KafkaLog.connect(kafka_bootstrap, suite=suite) for _ in range(4)))
    await asyncio.gather(*(log.prepare([RUNS, REPORTS]) for log in logs))
    assert [await log.end(Partition("runs", 3)) for log in logs] == [0] * 4
    for log in logs:
        await log.close()


async def test_what_foreign_producers_leave_is_read(kafka_bootstrap: str) -> None:
    """A transaction leaves markers, that is holes; another client compresses; and nobody sends a head."""
    async with opened(kafka_bootstrap) as log:
        topic = log._topic("reports")
        foreign = AIOKafkaProducer(
            bootstrap_servers=kafka_bootstrap, transactional_id=f"foreign-{log._suite}", compression_type="gzip"
        )
        await foreign.start()
        for n in range(3):
            async with foreign.transaction():
                await foreign.send(topic, f"{n}".encode() * 1000, partition=0, headers=[("other", b"1")])
        await foreign.stop()
        await log.submit("reports", [Outgoing(key, b"ours") for key in keys_of(0)])
        follower = log.follow({Partition("reports", 0): 0})
        found: list[Record] = []
        while len(found) < 4:
            found += await follower.next()
        assert found == await everything(log, Partition("reports", 0))
        assert [record.value for record in found] == [b"0" * 1000, b"1" * 1000, b"2" * 1000, b"ours"]
        assert [record.offset for record in found] == [0, 2, 4, 6]
        assert {record.head for record in found} == {None}
        await follower.close()


def keys_of(number: int) -> list[bytes]:
    """A key that belongs to this partition of four."""
    return [next(key for key in (str(n).encode() for n in itertools.count()) if partition_of(key, 4) == number)]


async def test_records_that_were_kept_long_enough_are_passed_over(kafka_bootstrap: str) -> None:
    async with opened(kafka_bootstrap) as log:
        await log.submit("reports", [Outgoing(b"k", str(n).encode()) for n in range(10)])
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
        await admin.start()
        await admin.delete_records(
            {TopicPartition(log._topic("reports"), OPEN.number): RecordsToDelete(before_offset=4)}
        )
        await admin.close()
        follower = log.follow({OPEN: 0})
        found = await follower.next()
        assert [record.value for record in found] == [str(n).encode() for n in range(4, 10)]
        assert await everything(log, OPEN) == found
        await follower.close()


async def test_a_log_shorter_than_what_was_read_of_it_is_an_error(kafka_bootstrap: str) -> None:
    async with opened(kafka_bootstrap) as log:
        await log.submit("reports", [Outgoing(b"k", b"1")])
        follower = log.follow({OPEN: 7})
        with pytest.raises(LogUnavailable, match="ends before offset 7"):
            await until_it_fails(follower)
        await follower.close()


async def test_a_follower_holds_no_more_than_its_measure(kafka_bootstrap: str) -> None:
    big = b"x" * 500_000
    async with opened(kafka_bootstrap) as log:
        for _ in range(24):
            await log.submit("reports", [Outgoing(b"k", big)])
        follower = KafkaFollower(log._address, {Partition("reports", n): 0 for n in range(4)}, topic=log._topic)
        for _ in range(24):
            assert len(await follower.next(limit=1)) == 1
            assert follower._ahead < AHEAD_BYTES + 1_100_000
        await follower.close()


async def test_records_too_small_to_fit_are_refused_before_they_are_sent(kafka_bootstrap: str) -> None:
    async with opened(kafka_bootstrap) as log:
        writer = await claimed(log)
        with pytest.raises(RecordTooLarge):
            await writer.append(batch(1, 1, *["x"] * 200_000))
        await writer.append(batch(1, 1, "fits"))
        assert await accepted(log) == ["claim 1", "fits"]
        await writer.close()


async def test_a_batch_over_the_limit_of_the_broker_is_refused_whole(kafka_bootstrap: str) -> None:
    async with opened(kafka_bootstrap) as log:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(log._topic("admin"), 1, 1, topic_configs={"max.message.bytes": "10000"})])
        await admin.close()
        writer = await log.writer(Partition("admin", 0))
        with pytest.raises(RecordTooLarge, match=r"message\.max\.bytes"):
            await writer.append(batch(1, 0, "x" * 20_000))
        assert await writer.append(batch(1, 0, "x" * 5_000)) == 0
        await writer.close()


async def test_submissions_of_many_share_batches_and_keep_their_order(kafka_bootstrap: str) -> None:
    async with opened(kafka_bootstrap) as log:
        many = [log.submit("reports", [Outgoing(b"k", f"{n} {m}".encode()) for m in range(3)]) for n in range(300)]
        places = await asyncio.gather(*many)
        assert [place.offset for group in places for place in group] == list(range(900))
        expected = [f"{n} {m}".encode() for n in range(300) for m in range(3)]
        assert [record.value for record in await everything(log, OPEN)] == expected


async def test_submissions_in_flight_end_with_the_log(kafka_cluster: KafkaCluster) -> None:
    async with opened(kafka_cluster.bootstrap) as log:
        await log.submit("reports", [Outgoing(b"k", b"x")])
        kafka_cluster.nodes[0].pause()
        waiting = [asyncio.create_task(log.submit("reports", [Outgoing(b"k", b"in flight")]))]
        await tick()
        waiting += [asyncio.create_task(log.submit("reports", [Outgoing(b"k", b"behind it")])) for _ in range(2)]
        await tick()
        assert len(log._lanes[OPEN]._waiting) == 2
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [LogUnavailable] * 3


async def test_a_new_epoch_of_checkpoints_removes_those_before_it(kafka_bootstrap: str) -> None:
    async with opened(kafka_bootstrap) as log:
        store = log.checkpoints()
        await store.save(OWNED, epoch=1, head=b"h", changed={"a": b"1", "b": b"1"})
        await store.save(OWNED, epoch=2, head=b"h", changed={"c": b"2"})
        left = {epoch: set(entries) for epoch, entries in (await store._read(OWNED)).items() if entries}
        assert left == {2: {"", "c"}}
        assert await store.load(OWNED) == Saved(2, b"h", {"c": b"2"})


def test_another_version_of_the_library_is_refused() -> None:
    check_library("0.14.3")
    with pytest.raises(UnsupportedClientLibrary, match=r"aiokafka 0\.14\.x.*0\.15\.0 is installed"):
        check_library("0.15.0")
