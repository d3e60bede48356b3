"""Producers for one partition: one record batch at a time, each exactly once, and fenced where there is one owner.

A batch carries the producer's id, epoch and sequence, so the broker appends it once however often it is sent. An
ordinary id makes an *idempotent* producer. An id under a transactional id makes a *fenced* one: `InitProducerId` gives
the same producer id with the next epoch, and the first batch under that epoch makes the partition's leader refuse every
lower one (the leader keeps this with the log, so its restart or successor knows it too). No transaction is ever opened.

What the fence cannot know: a transactional id that the coordinator has forgotten, or whose epochs are used up, gets a
*new* producer id, which fences nobody; and a leader forgets a producer that was idle for a day. That is why the reader
rule decides what counts (`acceptance.py`), and an owner claims anew every 12 hours.

Why a crash or a lost answer is safe: the batch is in the log whole, or not at all. A producer whose batch was not
answered is dead, because nobody knows what the broker saw last; whoever needs the partition makes a new one, claims,
and reads what is there. Nothing of a dead producer is left that could send later: its connections are closed.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Self, TypeVar

from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.errors import (
    ConcurrentTransactions,
    InvalidProducerEpoch,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    for_code,
)
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import TopicPartition

from foldgate.eventlog.kafka_client import KafkaAddress, leader_of, persevere
from foldgate.eventlog.log import Fenced, LogUnavailable, RecordTooLarge

MAX_BATCH = 1_048_588
"""What a broker takes by default: its `message.max.bytes`, of the whole record batch."""

_TRANSACTION_TIMEOUT_MS = 60_000  # asked for by the request, but no transaction is ever opened
_NO_TIMESTAMP = -1  # the broker sets the time of the append; what a record means carries its own
_ALL_REPLICAS = -1
_PRODUCER_FENCED = 90  # newer than the library's list of errors
_SEQUENCES = 2**31

T = TypeVar("T")
Header = tuple[str, bytes | None]


class Produced(NamedTuple):
    """A record as Kafka has it."""

    key: bytes | None
    value: bytes | None
    headers: list[Header]


class Identity(NamedTuple):
    """What a broker knows a producer by."""

    producer_id: int
    epoch: int


class PartitionProducer:
    """The idempotent producer of one partition. Used by one task at a time; dead after a failed append."""

    def __init__(self, address: KafkaAddress, place: TopicPartition) -> None:
        self.place = place
        self.identity = Identity(-1, -1)
        self._address = address
        self._client: AIOKafkaClient | None = None
        self._sequence = 0
        self._dead = ""

    async def start(self) -> Self:
        """Connect, with connections of its own, and take an identity."""
        self._client = await self._address.connect()
        try:
            await self._client.set_topics([self.place.topic])
            self.identity = await self._persevere("got no producer id", self._identify)
        except BaseException:
            await self.close()
            raise
        return self

    async def append(self, records: Sequence[Produced]) -> int:
        """Add the records as one batch, and return the offset of the first once all in-sync replicas have it."""
        if self._dead:
            raise LogUnavailable(f"{self._name}: this producer is dead, because {self._dead}. Make a new one.")
        batch = self._encode(records)
        self._dead = "the outcome of an append of it is unknown"
        try:
            offset = await self._persevere("did not take an append", lambda: self._produce(batch))
        except RecordTooLarge:
            self._dead = ""
            raise
        self._sequence = (self._sequence + len(records)) % _SEQUENCES
        self._dead = ""
        return offset

    async def close(self) -> None:
        """Close the connections; an append in flight is given up."""
        self._dead = self._dead or "it was closed"
        if self._client is not None:
            await self._client.close()

    async def _identify(self) -> Identity:
        return await self._init_producer_id(None, self._connected.get_random_node(), ConnectionGroup.DEFAULT)

    async def _init_producer_id(self, transactional_id: str | None, node: int, group: ConnectionGroup) -> Identity:
        request = InitProducerIdRequest(transactional_id, _TRANSACTION_TIMEOUT_MS)
        response = await self._connected.send(node, request, group=group)
        if response.error_code:
            raise for_code(response.error_code)
        return Identity(response.producer_id, response.producer_epoch)

    def _encode(self, records: Sequence[Produced]) -> bytes:
        producer_id, epoch = self.identity
        builder = DefaultRecordBatchBuilder(2, 0, False, producer_id, epoch, self._sequence, MAX_BATCH)
        for number, (key, value, headers) in enumerate(records):
            if builder.append(number, _NO_TIMESTAMP, key, value, headers) is None:
                raise RecordTooLarge(f"{self._name}: expected a batch of at most {MAX_BATCH} bytes, but it has more.")
        return bytes(builder.build())

    async def _persevere(self, trouble: str, attempt: Callable[[], Awaitable[T]]) -> T:
        return await persevere(f"{self._name} {trouble}", attempt, within_ms=self._address.patience_ms)

    async def _produce(self, batch: bytes) -> int:
        try:
            return await self._send(batch)
        except InvalidProducerEpoch as error:
            raise Fenced(f"{self._name}: a newer owner has taken it.") from error
        except (MessageSizeTooLargeError, RecordListTooLargeError) as error:
            raise RecordTooLarge(
                f"{self._name}: expected a batch within the message.max.bytes of the broker, but it has {len(batch)}."
            ) from error
        except KafkaError as error:
            if error.invalid_metadata:
                await self._connected.force_metadata_update()
            raise

    async def _send(self, batch: bytes) -> int:
        request = ProduceRequest(None, _ALL_REPLICAS, self._address.request_timeout_ms, self._topics(batch))
        response = await self._connected.send(leader_of(self._connected, self.place), request)
        [(_, [(_, code, offset, *_)])] = response.topics
        if code == _PRODUCER_FENCED:
            raise InvalidProducerEpoch
        if code:
            raise for_code(code)
        return int(offset)

    def _topics(self, batch: bytes) -> list[tuple[str, list[tuple[int, bytes]]]]:
        return [(self.place.topic, [(self.place.partition, batch)])]

    @property
    def _connected(self) -> AIOKafkaClient:
        assert self._client is not None, "start() comes first"
        return self._client

    @property
    def _name(self) -> str:
        return f"{self.place.topic}-{self.place.partition}"


class FencedProducer(PartitionProducer):
    """The producer of one owner: from its first append on, the broker refuses all earlier ones of this partition."""

    @property
    def transactional_id(self) -> str:
        """The name under which the cluster keeps the producer id and its epoch: that of the partition."""
        return self._name

    async def _identify(self) -> Identity:
        coordinator = await self._connected.coordinator_lookup(CoordinationType.TRANSACTION, self.transactional_id)
        try:
            return await self._init_producer_id(self.transactional_id, coordinator, ConnectionGroup.COORDINATION)
        except InvalidProducerEpoch as error:
            raise ConcurrentTransactions from error  # another claim is under way: ours comes after it
