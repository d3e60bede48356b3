"""Fetching: what is asked of a broker for some partitions, and the records in its answer.

Nothing is remembered here: offsets are the callers'. Control batches, which only foreign transactions leave, are passed
over, so offsets have holes.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import CorruptRecordException, KafkaError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from foldgate.eventlog.kafka_client import leader_of
from foldgate.eventlog.log import Partition, Record

HEAD_HEADER = "foldgate-batch"
"""The record header that carries the encoded batch head, on the first record of an owned batch."""

CHUNK_BYTES = 1024 * 1024
READ_UNCOMMITTED = 0  # a foreign transaction left open must not hold up readers; we open none
CONSUMER = -1
EARLIEST = -2
LATEST = -1


class Fetched(NamedTuple):
    """What one fetch gave for one partition: records, or the error that stands in their place."""

    place: TopicPartition
    error: KafkaError | None
    raw: bytes


async def fetch(
    client: AIOKafkaClient,
    node: int,
    offsets: Mapping[TopicPartition, int],
    *,
    wait_ms: int,
    committed_only: bool = False,
) -> list[Fetched]:
    """Ask one broker for what follows these offsets; it answers at once if there is anything, else after `wait_ms`."""
    topics: dict[str, list[tuple[int, int, int]]] = {}
    for place, offset in offsets.items():
        topics.setdefault(place.topic, []).append((place.partition, offset, CHUNK_BYTES))
    request = FetchRequest(wait_ms, 1, CHUNK_BYTES, int(committed_only), list(topics.items()))
    response = await client.send(node, request)
    return [fetched(topic, answer) for topic, answers in response.topics for answer in answers]


def fetched(topic: str, answer: tuple[int, int, *tuple[object, ...], bytes]) -> Fetched:
    """What an answer says of one partition."""
    code = answer[1]
    return Fetched(TopicPartition(topic, answer[0]), for_code(code)() if code else None, answer[-1])


def records_in(partition: Partition, raw: bytes, start: int) -> tuple[list[Record], int]:
    """The records from `start` on in these bytes, and the offset to go on from."""
    batches = MemoryRecords(raw)
    records: list[Record] = []
    following = start
    while batches.has_next():
        batch = batches.next_batch()
        if batch.next_offset <= start:
            continue
        if not batch.validate_crc():
            raise CorruptRecordException(f"{partition}: a record batch at offset {batch.base_offset} is damaged")
        if not batch.is_control_batch:
            records += _records(partition, batch, start)
        following = batch.next_offset
    return records, following


def _records(partition: Partition, batch: Iterable[Any], start: int) -> Iterator[Record]:
    for record in batch:
        if record.offset >= start:
            head = _head(record.headers) if record.headers else None
            yield Record(partition, record.offset, record.key or b"", record.value or b"", head)


def _head(headers: list[tuple[str, bytes | None]]) -> bytes | None:
    return next((value for name, value in headers if name == HEAD_HEADER), None)


async def offset_at(client: AIOKafkaClient, place: TopicPartition, when: int) -> int:
    """The first offset that is still there (EARLIEST), or the one after the last durable record (LATEST)."""
    request = OffsetRequest(CONSUMER, READ_UNCOMMITTED, [(place.topic, [(place.partition, when)])])
    response = await client.send(leader_of(client, place), request)
    [(_, [(_, code, _, offset)])] = response.topics
    if code:
        raise for_code(code)
    return int(offset)
