"""The local Kafka broker: it serves, keeps its data, dies with whoever started it, and says why it does not start."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from foldgate.servers.kafka import KafkaCluster, KafkaDidNotStart
from foldgate.servers.kafka_artifacts import ArtifactsUnavailable, verify

TOPIC = "words"


async def test_serves_one_broker_to_the_session(kafka_bootstrap: str) -> None:
    topic = f"{TOPIC}-{os.getpid()}"
    await create(kafka_bootstrap, topic)
    await produce(kafka_bootstrap, topic, [b"one", b"two"])
    assert await consume(kafka_bootstrap, topic) == [b"one", b"two"]


async def test_killed_and_restarted_keeps_what_it_acknowledged(kafka_cluster: KafkaCluster) -> None:
    await create(kafka_cluster.bootstrap, TOPIC)
    await produce(kafka_cluster.bootstrap, TOPIC, [b"before"])
    await kafka_cluster.nodes[0].kill()
    await kafka_cluster.nodes[0].restart()
    await produce(kafka_cluster.bootstrap, TOPIC, [b"after"])
    assert await consume(kafka_cluster.bootstrap, TOPIC) == [b"before", b"after"]


async def test_stopped_leaves_no_process_and_starts_again_over_its_folder(kafka_cluster: KafkaCluster) -> None:
    await create(kafka_cluster.bootstrap, TOPIC)
    await produce(kafka_cluster.bootstrap, TOPIC, [b"kept"])
    pid = kafka_cluster.nodes[0].pid
    await kafka_cluster.stop()
    assert not psutil.pid_exists(pid)
    await kafka_cluster.start()
    assert await consume(kafka_cluster.bootstrap, TOPIC) == [b"kept"]


async def test_a_paused_broker_is_stopped_too(kafka_cluster: KafkaCluster) -> None:
    kafka_cluster.nodes[0].pause()
    await kafka_cluster.stop()
    assert not psutil.pid_exists(kafka_cluster.nodes[0].pid)


@pytest.mark.usefixtures("kafka_bootstrap")  # where there is no broker at all, neither can this one start
def test_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", START, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    broker = psutil.Process(int(parent.stdout.readline()))
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    broker.wait(30)
    assert not broker.is_running()


@pytest.mark.usefixtures("kafka_bootstrap")
async def test_a_failed_start_shows_the_last_lines_of_the_log(tmp_path: Path) -> None:
    cluster = KafkaCluster(data=tmp_path, settings={"authorizer.class.name": "no.such.Authorizer"})
    with pytest.raises(KafkaDidNotStart, match=r"ended with status 1[\s\S]*no\.such\.Authorizer"):
        await cluster.start()


async def test_a_folder_in_use_is_refused(kafka_cluster: KafkaCluster) -> None:
    second = KafkaCluster(data=kafka_cluster.data)
    with pytest.raises(KafkaDidNotStart, match="in use by another local Kafka"):
        await second.start()


def test_jars_that_differ_from_the_committed_checksums_are_refused(tmp_path: Path) -> None:
    (tmp_path / "kafka-clients-4.1.1.jar").write_bytes(b"something else")
    (tmp_path / "stowaway-1.0.jar").write_bytes(b"")
    with pytest.raises(ArtifactsUnavailable, match=r"kafka-clients-4\.1\.1\.jar.*stowaway-1\.0\.jar"):
        verify(tmp_path)


START = """
import asyncio, pathlib, sys, time
from foldgate.servers.kafka import KafkaCluster
cluster = KafkaCluster(data=pathlib.Path(sys.argv[1]))
asyncio.run(cluster.start())
print(cluster.nodes[0].pid, flush=True)
time.sleep(600)
"""


async def create(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def produce(bootstrap: str, topic: str, words: list[bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        for word in words:
            await producer.send_and_wait(topic, word)
    finally:
        await producer.stop()


async def consume(bootstrap: str, topic: str) -> list[bytes]:
    """Every word on the topic as of now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        words: list[bytes] = []
        while await consumer.position(partition) < end:
            words += [record.value for record in (await consumer.getmany(timeout_ms=500)).get(partition, [])]
        return words
    finally:
        await consumer.stop()
