"""What foreign producers may do on a Kafka topic of ours: compress, and be transactional."""

import pytest
from aiokafka import AIOKafkaProducer

from foldgate.contracts.places import Partition
from foldgate.contracts.topics import partition_of
from tests.support.logs import Opened, opened_by

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
