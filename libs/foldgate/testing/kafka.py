"""One real Kafka broker for tests, from the first source that can give one.

The sources, in order: the address in FOLDGATE_TEST_KAFKA; a container, if a Docker engine answers; the broker's own
artifacts, resolved with Maven and run on Java. Tests of failure (`cluster`) need nodes they may kill, so they always
run the artifacts.
"""

import asyncio
import contextlib
import importlib.util
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from foldgate.servers.java import NoJava
from foldgate.servers.kafka import KafkaCluster, KafkaDidNotStart, free_port, known_brokers
from foldgate.servers.kafka_artifacts import VERSION, ArtifactsUnavailable
from foldgate.servers.kafka_settings import HOST

GIVEN = "FOLDGATE_TEST_KAFKA"
IMAGE = f"apache/kafka:{VERSION}"
_ENGINE_TIMEOUT_S = 3
_CONTAINER_READY_WITHIN_S = 90.0


class NoBroker(Exception):
    """No source could give a broker; the message says what each of them lacked."""


@contextlib.contextmanager
def broker(data: Path) -> Iterator[str]:
    """The bootstrap address of a broker that answers, for as long as the context lasts."""
    if given := os.environ.get(GIVEN):
        yield _answering(given)
    elif _docker_answers():
        with _container() as bootstrap:
            yield bootstrap
    else:
        with cluster(data) as kafka:
            yield kafka.bootstrap


@contextlib.contextmanager
def cluster(
    data: Path, *, nodes: int = 1, settings: Mapping[str, str] | None = None, listeners: Sequence[str] = ()
) -> Iterator[KafkaCluster]:
    """A cluster of our own, whose nodes a test may pause and kill."""
    kafka = KafkaCluster(data=data, nodes=nodes, settings=settings, listeners=listeners)
    try:
        asyncio.run(kafka.start())
    except (NoJava, ArtifactsUnavailable, KafkaDidNotStart) as error:
        raise NoBroker(f"{GIVEN} is not set, no Docker engine answers, and: {error}") from error
    try:
        yield kafka
    finally:
        asyncio.run(kafka.kill())


def _answering(bootstrap: str) -> str:
    if not asyncio.run(known_brokers(bootstrap.split(",", maxsplit=1)[0])):
        raise NoBroker(f"Expected a Kafka broker at {GIVEN}={bootstrap}, but none answers there.")
    return bootstrap


def _docker_answers() -> bool:
    """Whether an engine accepts connections where Docker's own library looks for one."""
    if importlib.util.find_spec("testcontainers") is None:
        return False
    engine = urlsplit(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
    local = engine.scheme == "unix"
    with socket.socket(socket.AF_UNIX if local else socket.AF_INET) as probe:
        probe.settimeout(_ENGINE_TIMEOUT_S)
        try:
            probe.connect(engine.path if local else (engine.hostname, engine.port or 2375))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _container() -> Iterator[str]:
    """The official image. Its broker tells clients its own address, so the host's port is chosen before it starts."""
    from testcontainers.core.container import DockerContainer

    port = free_port()
    container = DockerContainer(IMAGE).with_bind_ports(9092, port)
    for name, value in _container_settings(f"PLAINTEXT://{HOST}:{port}").items():
        container.with_env(name, value)
    with container:
        asyncio.run(_wait_for(f"{HOST}:{port}"))
        yield f"{HOST}:{port}"


def _container_settings(advertised: str) -> dict[str, str]:
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": advertised,
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
    }


async def _wait_for(bootstrap: str) -> None:
    try:
        async with asyncio.timeout(_CONTAINER_READY_WITHIN_S):
            while not await known_brokers(bootstrap):
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise NoBroker(f"A container of {IMAGE} was started, but its broker did not answer in time.") from None
