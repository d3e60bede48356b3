"""Topics: what each stream's topic is called and how it is set up, its creation, and the check of those that exist.

Partition counts are fixed for a suite's life: a key would otherwise move to another partition, and its history would
not. So a topic with another count is never touched, only named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    LeaderNotAvailableError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.admin import CreateTopicsRequest
from aiokafka.protocol.metadata import MetadataRequest

from foldgate.contracts.topics import Stream
from foldgate.eventlog.kafka_client import persevere
from foldgate.eventlog.log import TopologyMismatch

MOST_COPIES = 3
_CREATE_WITHIN_MS = 10_000
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Topic:
    """A topic as the design wants it."""

    name: str
    partitions: int
    settings: Mapping[str, str]


def topic_name(suite: str, stream: str) -> str:
    """The topic of a stream."""
    return f"{suite}.{stream}"


def checkpoint_topic_name(suite: str, stream: str) -> str:
    """The topic of the checkpoints of an owned stream."""
    return f"{suite}.checkpoints.{stream}"


def topics_of(suite: str, streams: Sequence[Stream]) -> list[Topic]:
    """The topics of these streams. A family has none of its own: its members are prepared as they are needed."""
    single = [stream for stream in streams if not stream.name.endswith(".*")]
    owned = [stream for stream in single if stream.kind == "owned"]
    return [_topic(suite, stream) for stream in single] + [_checkpoint_topic(suite, stream) for stream in owned]


def _topic(suite: str, stream: Stream) -> Topic:
    kept = stream.retention_days
    retention = "-1" if kept is None else str(kept * _DAY_MS)
    settings = {"cleanup.policy": "delete", "retention.ms": retention, "retention.bytes": "-1", **_ALWAYS}
    return Topic(topic_name(suite, stream.name), stream.partitions, settings)


def _checkpoint_topic(suite: str, stream: Stream) -> Topic:
    """Compacted often, because recovery reads all of it: live state, and little that was overwritten."""
    settings = {
        "cleanup.policy": "compact",
        "segment.bytes": str(16 * 1024 * 1024),
        "segment.ms": "600000",
        "min.cleanable.dirty.ratio": "0.3",
        **_ALWAYS,
    }
    return Topic(checkpoint_topic_name(suite, stream.name), stream.partitions, settings)


_ALWAYS = {
    "message.timestamp.type": "LogAppendTime",  # retention then needs nobody's clock but the broker's
    "compression.type": "uncompressed",  # a foreign producer's codec is not one that every reader has installed
    "unclean.leader.election.enable": "false",
}


async def prepare_topics(client: AIOKafkaClient, topics: Sequence[Topic], *, patience_ms: int) -> None:
    """Create the topics that are missing, and compare the partition counts of all."""
    wanted = {topic.name: topic for topic in topics}

    async def attempt() -> None:
        found = await _partition_counts(client, list(wanted))
        _compare(wanted, found)
        missing = [topic for name, topic in wanted.items() if name not in found]
        if missing:
            await _create(client, missing)
            raise LeaderNotAvailableError("the new topics have no leaders yet")

    await persevere("The topics were not ready", attempt, within_ms=patience_ms)


def _compare(wanted: Mapping[str, Topic], found: Mapping[str, int]) -> None:
    wrong = [
        f"{count} partitions in topic '{name}', which is to have {wanted[name].partitions}"
        for name, count in sorted(found.items())
        if count != wanted[name].partitions
    ]
    if wrong:
        raise TopologyMismatch(
            f"Expected the partition counts of the design, but found {'; '.join(wrong)}. "
            "Counts are fixed for a suite's life: use another suite name, or copy the streams into new topics."
        )


async def _partition_counts(client: AIOKafkaClient, names: list[str]) -> dict[str, int]:
    """The counts of those that exist; raises while one of them is without a leader."""
    response = await client.send(client.get_random_node(), MetadataRequest(names, allow_auto_topic_creation=False))
    counts = {}
    for code, name, _, partitions in response.topics:
        if any(partition[0] for partition in partitions):
            raise LeaderNotAvailableError(f"topic '{name}' has partitions without a leader")
        if partitions:
            counts[name] = len(partitions)
        elif code and for_code(code) is not UnknownTopicOrPartitionError:
            raise for_code(code)(name)
    return counts


async def _create(client: AIOKafkaClient, topics: Sequence[Topic]) -> None:
    copies = min(MOST_COPIES, len(client.cluster.brokers()))
    least = {"min.insync.replicas": str(max(1, copies - 1))}
    asked: list[Any] = [(t.name, t.partitions, copies, [], list({**t.settings, **least}.items())) for t in topics]
    request = CreateTopicsRequest(asked, _CREATE_WITHIN_MS, False)
    response = await client.send(client.get_random_node(), request)
    for name, code, *said in response.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(f"topic '{name}': {said[0] if said and said[0] else error.__name__}")
