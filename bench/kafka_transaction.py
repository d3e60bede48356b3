"""An append as a Kafka transaction, in two ways: what the design decided against, kept so that it can be measured."""

import contextlib
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.errors import ConcurrentTransactions, NoError, for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import TopicPartition

from foldgate.eventlog.kafka_client import KafkaAddress, leader_of, passes

VALUE = b"x" * 300
_ID = "direct-transaction"


class StockTransaction:
    """Through the library's own transactional producer."""

    def __init__(self, producer: AIOKafkaProducer, place: TopicPartition) -> None:
        self._producer, self._place = producer, place

    @classmethod
    async def start(
        cls, stack: contextlib.AsyncExitStack, address: KafkaAddress, place: TopicPartition
    ) -> "StockTransaction":
        producer = AIOKafkaProducer(
            bootstrap_servers=address.bootstrap, transactional_id="stock-transaction", max_batch_size=900_000
        )
        await producer.start()
        stack.push_async_callback(producer.stop)
        return cls(producer, place)

    async def append(self, records: int) -> int:
        """Begin, one batch, commit."""
        await self._producer.begin_transaction()
        batch = self._producer.create_batch()
        for _ in range(records):
            batch.append(key=b"k", value=VALUE, timestamp=None)
        sent = await self._producer.send_batch(batch, self._place.topic, partition=self._place.partition)
        await self._producer.commit_transaction()
        return int((await sent).offset) + records - 1


class DirectTransaction:
    """Through requests of our own, so that no client's back-off is in the figures: at once again while the coordinator
    still finishes the transaction before."""

    def __init__(self, client: AIOKafkaClient, place: TopicPartition) -> None:
        self._client, self._place = client, place
        self._coordinator = -1
        self._who = (-1, -1)
        self._sequence = 0

    @classmethod
    async def start(
        cls, stack: contextlib.AsyncExitStack, address: KafkaAddress, place: TopicPartition
    ) -> "DirectTransaction":
        client = await address.connect()
        stack.push_async_callback(client.close)
        await client.set_topics([place.topic])
        transaction = cls(client, place)
        await transaction._identify()
        return transaction

    async def append(self, records: int) -> int:
        """Begin, one batch, commit."""
        place, who = self._place, self._who
        topics = [(place.topic, [place.partition])]
        begin = AddPartitionsToTxnRequest(_ID, *who, topics)
        await self._until_done(begin, lambda added: added.errors[0][1][0][1])
        offset = await self._produce(records)
        await self._until_done(EndTxnRequest(_ID, *who, True), lambda ended: ended.error_code)
        return offset + records - 1

    async def _identify(self) -> None:
        given = await self._until_done(InitProducerIdRequest(_ID, 60_000), lambda answer: answer.error_code)
        self._who = (given.producer_id, given.producer_epoch)

    async def _until_done(self, request: object, code: Callable[[Any], int]) -> Any:
        """Ask until the answer is neither that the last transaction still ends nor that another broker coordinates."""
        while True:
            if self._coordinator < 0:
                self._coordinator = await self._client.coordinator_lookup(CoordinationType.TRANSACTION, _ID)
            answer = await self._client.send(self._coordinator, request, group=ConnectionGroup.COORDINATION)
            error = for_code(code(answer))
            if error is NoError:
                return answer
            if not passes(error()):
                raise error
            if error is not ConcurrentTransactions:
                self._coordinator = -1

    async def _produce(self, records: int) -> int:
        builder = DefaultRecordBatchBuilder(2, 0, True, *self._who, self._sequence, 900_000)
        for number in range(records):
            builder.append(number, -1, b"k", VALUE, [])
        self._sequence += records
        topics = [(self._place.topic, [(self._place.partition, bytes(builder.build()))])]
        request = ProduceRequest(_ID, -1, 5_000, topics)
        response = await self._client.send(leader_of(self._client, self._place), request)
        [(_, [(_, code, offset, *_)])] = response.topics
        assert not code, for_code(code)
        return int(offset)
