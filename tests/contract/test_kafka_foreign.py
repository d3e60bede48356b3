"""What others may do to a Kafka topic of ours: write to it compressed or in transactions, or make it anew."""

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from foldgate.contracts.places import Partition
from foldgate.contracts.topics import RUNS, partition_of
from foldgate.eventlog.checkpoints import BaseGone
from foldgate.eventlog.kafka_topics import checkpoint_topic_name
from foldgate.eventlog.log import Log
from tests.support.logs import Opened, opened_by
from tests.support.waiting import until

KEY = b"key"
PLACE = Partition("intake", partition_of(KEY, 4))


@pytest.fixture
def suite(request: pytest.FixtureRequest) -> Opened:
    """Connections to one fresh log on Kafka."""
    return opened_by("kafka", request)


async def read_back(opened: Opened, bootstrap: str, **settings: object) -> list[bytes]:
    """What a reader of ours sees of what a foreign producer with these settings wrote."""
    async with opened() as log:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, **settings) as producer:
            topic = f"{opened.suite}.intake"
            if "transactional_id" not in settings:
                await producer.send_and_wait(topic, b"x" * 2000, key=KEY)
            else:
                async with producer.transaction():
                    await producer.send_and_wait(topic, b"x" * 2000, key=KEY)
        follower = log.follow({PLACE: 0})
        found = await follower.next(timeout_ms=10_000)
        await follower.close()
        repeated = [record async for chunk in log.read(PLACE, 0) for record in chunk]
        assert found == repeated
        return [record.value for record in found]


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_compressed_records_are_read(suite: Opened, kafka_bootstrap: str, codec: str) -> None:
    assert await read_back(suite, kafka_bootstrap, compression_type=codec) == [b"x" * 2000]


async def test_committed_transactions_are_read(suite: Opened, kafka_bootstrap: str) -> None:
    assert await read_back(suite, kafka_bootstrap, transactional_id="foreign") == [b"x" * 2000]


async def test_a_checkpoint_does_not_add_to_one_whose_topic_was_made_anew(suite: Opened, kafka_bootstrap: str) -> None:
    """What changed since is nothing without what was there before: a reader would take it for the whole."""
    runs = Partition("runs", 0)
    async with suite() as log:
        await log.checkpoints().save(runs, epoch=1, head=b"h1", changed={"a": b"1", "b": b"1"})
        await made_anew(log, checkpoint_topic_name(suite.suite, "runs"), kafka_bootstrap)
        with pytest.raises(BaseGone, match="runs-0"):
            await log.checkpoints().save(runs, epoch=1, head=b"h2", changed={"b": b"2"}, after=b"h1")
        await log.checkpoints().save(runs, epoch=2, head=b"h3", changed={"a": b"1", "b": b"3"})
        saved = await log.checkpoints().load(runs)
        assert saved is not None
        assert saved.entries == {"a": b"1", "b": b"3"}


async def test_a_head_is_none_where_what_it_stands_on_is_gone(suite: Opened, kafka_bootstrap: str) -> None:
    """Nothing had changed but the positions, so it is all that is saved."""
    runs = Partition("runs", 0)
    async with suite() as log:
        await log.checkpoints().save(runs, epoch=1, head=b"h1", changed={"a": b"1"})
        await made_anew(log, checkpoint_topic_name(suite.suite, "runs"), kafka_bootstrap)
        with pytest.raises(BaseGone, match="runs-0"):
            await log.checkpoints().save(runs, epoch=1, head=b"h2", changed={}, after=b"h1")
        assert await log.checkpoints().load(runs) is None


async def made_anew(log: Log, topic: str, bootstrap: str) -> None:
    """With nothing in it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.delete_topics([topic])

    async def is_gone() -> bool:
        return topic not in await admin.list_topics()

    await until(is_gone, what="the topic to be gone")
    await admin.close()
    await log.prepare([RUNS])
