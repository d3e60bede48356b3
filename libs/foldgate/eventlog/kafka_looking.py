"""A Kafka cluster looked at and not touched: its version, its identity, and the topics of a suite on it.

The client library does not ask a broker for its version, so that one request is written out here: ApiVersions, whose
answer names the cluster's `metadata.version`, the level that all its brokers have been raised to.
"""

import asyncio
import os
import ssl
import struct
from collections.abc import Iterator, Mapping
from dataclasses import replace

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.admin import DescribeConfigsRequest
from aiokafka.protocol.metadata import MetadataRequest

from foldgate.eventlog.kafka_client import KafkaAddress, describe
from foldgate.eventlog.kafka_topics import checkpoint_topic_name, topic_name
from foldgate.eventlog.log import LogUnavailable
from foldgate.eventlog.looking import PATIENCE_S, Seen

_BROKER = 4
_TELLING = ("min.insync.replicas", "group.min.session.timeout.ms", "unclean.leader.election.enable")
_LEVELS = ((28, "4.2 or newer"), (26, "4.1"), (22, "4.0"), (1, "3.x"))
"""The first level of `metadata.version` in each version of Kafka, newest first."""


async def look_at_kafka(address: KafkaAddress, *, suite: str, patience_s: float = PATIENCE_S) -> Seen:
    """The cluster at this address."""
    trouble = f"Expected a Kafka broker to answer at {address.bootstrap}"
    try:
        async with asyncio.timeout(patience_s):
            await _reachable(address.bootstrap, trouble)
            client = await replace(address, patience_ms=int(patience_s * 1000), opened=set()).connect()
            try:
                return await _look(client, address, suite)
            finally:
                await client.close()
    except TimeoutError:
        raise LogUnavailable(f"{trouble}, but none did within {patience_s:g} s.") from None
    except KafkaError as error:
        raise LogUnavailable(f"{trouble}, but: {describe(error)}.") from error


async def _reachable(bootstrap: str, trouble: str) -> None:
    """Whether anybody listens there: the client library would try for as long as it is let, and say less."""
    seen = []
    for broker in bootstrap.split(","):
        host, _, port = broker.strip().rpartition(":")
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError as error:
            seen.append(
                f"{broker}: {os.strerror(error.errno) if error.errno is not None and error.errno > 0 else error}"
            )
        else:
            writer.close()
            return
    raise LogUnavailable(f"{trouble}, but nobody listens there ({'; '.join(seen)}).")


async def _look(client: AIOKafkaClient, address: KafkaAddress, suite: str) -> Seen:
    metadata = await client.send(client.get_random_node(), MetadataRequest(None, allow_auto_topic_creation=False))
    broker = metadata.brokers[0]
    version = await _version(str(broker[1]), int(broker[2]), address.ssl_context)
    count = len(metadata.brokers)
    where = f"{address.bootstrap}, {count} broker{'s' if count > 1 else ''}"
    prefix, checkpoints = topic_name(suite, ""), checkpoint_topic_name(suite, "")
    streams = {
        name.removeprefix(prefix): len(partitions)
        for _, name, _, partitions in metadata.topics
        if name.startswith(prefix) and not name.startswith(checkpoints)
    }
    settings = await _settings(client, broker[0])
    return Seen(where, version, str(metadata.cluster_id), streams, {**settings, "brokers": str(count)})


async def _settings(client: AIOKafkaClient, node: int) -> Mapping[str, str]:
    """What the broker is set to; nothing where we may not ask."""
    response = await client.send(node, DescribeConfigsRequest([(_BROKER, str(node), list(_TELLING))]))
    return {entry[0]: entry[1] for resource in response.resources if not resource[0] for entry in resource[4]}


async def _version(host: str, port: int, tls: ssl.SSLContext | None) -> str:
    """Which Kafka the cluster is, or "unknown": only ever of interest to people."""
    try:
        level = features_in(await _asked_for_versions(host, port, tls)).get("metadata.version", 0)
    except (OSError, struct.error, IndexError, EOFError, ValueError):
        return "unknown"
    return next((name for first, name in _LEVELS if level >= first), "unknown")


async def _asked_for_versions(host: str, port: int, tls: ssl.SSLContext | None) -> bytes:
    """The body of the answer to ApiVersions, version 3; brokers give it before they ask who is there."""
    name = b"\x09foldgate"  # a compact string: its length plus one, then its bytes
    request = struct.pack(">hhih", 18, 3, 1, -1) + b"\x00" + name + b"\x021" + b"\x00"
    reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    try:
        writer.write(struct.pack(">i", len(request)) + request)
        size = struct.unpack(">i", await reader.readexactly(4))[0]
        return (await reader.readexactly(size))[4:]
    finally:
        writer.close()


def features_in(answer: bytes) -> dict[str, int]:
    """The cluster's finalized features in an answer to ApiVersions, version 3."""
    unread = iter(answer)
    _skip(unread, 2)
    for _ in range(_varint(unread) - 1):
        _skip(unread, 6)
        _skip_tags(unread)
    _skip(unread, 4)
    tags = {_varint(unread): bytes(_take(unread, _varint(unread))) for _ in range(_varint(unread))}
    return _features(iter(tags.get(2, b"\x01")))


def _features(unread: Iterator[int]) -> dict[str, int]:
    found = {}
    for _ in range(_varint(unread) - 1):
        name = bytes(_take(unread, _varint(unread) - 1)).decode()
        found[name] = int.from_bytes(bytes(_take(unread, 2)), "big")
        _skip(unread, 2)
        _skip_tags(unread)
    return found


def _take(unread: Iterator[int], count: int) -> list[int]:
    taken = [byte for _, byte in zip(range(count), unread, strict=False)]
    if len(taken) != count:
        raise EOFError
    return taken


def _skip(unread: Iterator[int], count: int) -> None:
    _take(unread, count)


def _skip_tags(unread: Iterator[int]) -> None:
    for _ in range(_varint(unread)):
        _varint(unread)
        _skip(unread, _varint(unread))


def _varint(unread: Iterator[int]) -> int:
    value, shift = 0, 0
    for byte in unread:
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
        shift += 7
    raise EOFError
