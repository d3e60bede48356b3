"""What an append to a real Kafka costs in each of the ways that were considered, and what it costs to follow all.

    python -m bench.kafka_append                 tables for people
    python -m bench.kafka_append --json          the same for programs
    python -m bench.kafka_append --nodes 3       appends only, on a cluster on one host: each waits for a replica

Ways of appending, from the start of the append until
  acked      the broker has answered;
  visible    a reader in the same process has the records;
  final      the writer may act on it: acked for a fenced producer, visible for a plain one (it reads back).

The ways take turns in short rounds, so that what disturbs the machine disturbs all alike; a figure is the median of
the rounds. Everything runs on this machine, the broker included.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.structs import TopicPartition

from bench.kafka_transaction import DirectTransaction, StockTransaction
from foldgate.contracts.codec import Codec
from foldgate.contracts.events import JobSucceeded, Meta
from foldgate.contracts.topics import partition_of
from foldgate.eventlog.kafka_client import KafkaAddress, leader_of
from foldgate.eventlog.kafka_fetch import LATEST, fetch, offset_at, records_in
from foldgate.eventlog.kafka_producer import FencedProducer, PartitionProducer, Produced
from foldgate.eventlog.log import Partition
from foldgate.servers.kafka import KafkaCluster

APPENDED = TopicPartition("appended", 0)
FOLLOWED = "followed"
PARTITIONS = 4
VALUE = b"x" * 300
ROUNDS, APPENDS, WARM_UP = 7, 150, 100
RECORDS_FOLLOWED = 120_000

Append = Callable[[int], Awaitable[int]]
"""Append so many records as one batch, and return the offset of the last."""


@dataclass
class Way:
    """One way of appending, and the times it took."""

    name: str
    append: Append
    committed_only: bool = False
    final_when_visible: bool = False
    acked: list[list[float]] = field(default_factory=list)
    visible: list[list[float]] = field(default_factory=list)

    def row(self, records: int) -> dict[str, object]:
        """The figures of all rounds, in milliseconds."""
        return {
            "way": self.name,
            "records": records,
            "acked p50, ms": _median(self.acked, 0.5),
            "acked p99, ms": _median(self.acked, 0.99),
            "visible p50, ms": _median(self.visible, 0.5),
            "visible p99, ms": _median(self.visible, 0.99),
            "final p50, ms": _median(self.visible if self.final_when_visible else self.acked, 0.5),
        }


class Tail:
    """A reader of the appended partition, which tells how far it has read."""

    def __init__(self, client: AIOKafkaClient, offset: int, *, committed_only: bool) -> None:
        self._client, self._offset, self._committed_only = client, offset, committed_only
        self._arrived = asyncio.Event()

    async def run(self) -> None:
        leader = leader_of(self._client, APPENDED)
        while True:
            [got] = await fetch(
                self._client, leader, {APPENDED: self._offset}, wait_ms=500, committed_only=self._committed_only
            )
            _, self._offset = records_in(Partition("appended", 0), got.raw, self._offset)
            self._arrived.set()

    async def seen(self, offset: int) -> None:
        while self._offset <= offset:
            self._arrived.clear()
            await self._arrived.wait()


@contextlib.asynccontextmanager
async def tail(address: KafkaAddress, *, committed_only: bool) -> AsyncIterator[Tail]:
    """A running tail, from the end on."""
    client = await address.connect()
    await client.set_topics([APPENDED.topic])
    reader = Tail(client, await offset_at(client, APPENDED, LATEST), committed_only=committed_only)
    task = asyncio.ensure_future(reader.run())
    try:
        yield reader
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()


async def one_round(address: KafkaAddress, way: Way, records: int) -> None:
    """Append one at a time, and note how long each took."""
    acked, visible = [], []
    async with tail(address, committed_only=way.committed_only) as reader:
        for number in range(WARM_UP + APPENDS):
            start = time.perf_counter()
            last = await way.append(records)
            middle = time.perf_counter()
            await reader.seen(last)
            if number >= WARM_UP:
                acked.append(middle - start)
                visible.append(time.perf_counter() - start)
    way.acked.append(acked)
    way.visible.append(visible)


async def appending(address: KafkaAddress, records: int) -> list[dict[str, object]]:
    """The table of all ways, for batches of so many records."""
    async with contextlib.AsyncExitStack() as stack:
        ways = [
            Way("fenced batch, own requests", await _ours(stack, FencedProducer(address, APPENDED))),
            Way("plain batch, read back", await _ours(stack, PartitionProducer(address, APPENDED)), False, True),
            Way("transaction, own requests", (await DirectTransaction.start(stack, address, APPENDED)).append, True),
            Way("fenced batch, stock producer", await _stock_fenced(stack, address)),
            Way("transaction, stock producer", (await StockTransaction.start(stack, address, APPENDED)).append, True),
        ]
        for _ in range(ROUNDS):
            for way in ways:
                await one_round(address, way, records)
        return [way.row(records) for way in ways]


async def _ours(stack: contextlib.AsyncExitStack, producer: PartitionProducer) -> Append:
    await producer.start()
    stack.push_async_callback(producer.close)

    async def append(records: int) -> int:
        return await producer.append([Produced(b"k", VALUE, [])] * records) + records - 1

    return append


async def _stock_fenced(stack: contextlib.AsyncExitStack, address: KafkaAddress) -> Append:
    """The library's producer, made to forget after its start that it is a transactional one."""
    producer = AIOKafkaProducer(
        bootstrap_servers=address.bootstrap, transactional_id="stock-fenced", max_batch_size=900_000
    )
    await producer.start()
    stack.push_async_callback(producer.stop)
    producer._txn_manager.transactional_id = None  # noqa: SLF001 - the private attribute that was considered

    async def append(records: int) -> int:
        batch = producer.create_batch()
        for _ in range(records):
            batch.append(key=b"k", value=VALUE, timestamp=None)
        sent = await (await producer.send_batch(batch, APPENDED.topic, partition=APPENDED.partition))
        return int(sent.offset) + records - 1

    return append


async def following(address: KafkaAddress) -> list[dict[str, object]]:
    """What following all partitions costs when 1, 2 and 4 processes share the work."""
    await _fill(address)
    return [await asyncio.to_thread(_follow_in, processes, address.bootstrap) for processes in (1, 2, 4)]


async def _fill(address: KafkaAddress) -> None:
    codec = Codec()
    values = [_event(codec, f"run_{number}") for number in range(400)]
    for partition in range(PARTITIONS):
        producer = await PartitionProducer(address, TopicPartition(FOLLOWED, partition)).start()
        for start in range(0, RECORDS_FOLLOWED // PARTITIONS, 50):
            await producer.append([Produced(*values[(start + n) % 400], []) for n in range(50)])
        await producer.close()


def _event(codec: Codec, run: str) -> tuple[bytes, bytes]:
    meta = Meta(
        chain=bytes(32), event_id=f"reports/{run}/1", stream="reports", key=run, run_id=run, pool="default", sequence=1,
        clock=12, at=1_800_000_000_000, causation=f"jobs/default/{run}", correlation=run, request_id="", tenant="acme",
        principal="worker/one",
    )  # fmt: skip
    event = JobSucceeded(job_id=f"{run}:greet@1", lease=7, worker="one", output='{"greeting": "hello"}')
    return run.encode(), codec.encode(meta, event)


def _follow_in(processes: int, bootstrap: str) -> dict[str, object]:
    """Start so many followers at once; each reads all and looks at each Meta, and decodes what is its own."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        spent = pool.starmap(_follow_all, [(bootstrap, member, processes) for member in range(processes)])
    processor, wall = [cpu for cpu, _ in spent], [took for _, took in spent]
    return {
        "instances": processes,
        "records read by each": RECORDS_FOLLOWED,
        "decoded by each": RECORDS_FOLLOWED // processes,
        "CPU us per record of the stream, each": round(statistics.mean(processor) / RECORDS_FOLLOWED * 1e6, 2),
        "CPU us per record of the stream, all": round(sum(processor) / RECORDS_FOLLOWED * 1e6, 2),
        "records/s of the stream": round(RECORDS_FOLLOWED / max(wall)),
    }


def _follow_all(bootstrap: str, member: int, members: int) -> tuple[float, float]:
    return asyncio.run(_follow(KafkaAddress(bootstrap=bootstrap), member, members))


async def _follow(address: KafkaAddress, member: int, members: int) -> tuple[float, float]:
    """The CPU seconds and the seconds that reading every partition to its end took this process."""
    codec, client = Codec(), await address.connect()
    await client.set_topics([FOLLOWED])
    offsets = {TopicPartition(FOLLOWED, number): 0 for number in range(PARTITIONS)}
    mine = {run: partition_of(run.encode(), 12) % members == member for run in (f"run_{n}" for n in range(400))}
    processor, start, left = time.process_time(), time.perf_counter(), RECORDS_FOLLOWED
    while left:
        for got in await fetch(client, leader_of(client, TopicPartition(FOLLOWED, 0)), offsets, wait_ms=500):
            records, offsets[got.place] = records_in(
                Partition(FOLLOWED, got.place.partition), got.raw, offsets[got.place]
            )
            left -= len(records)
            for record in records:
                if mine[codec.meta(record.value).run_id]:
                    codec.decode(record.value)
    await client.close()
    return time.process_time() - processor, time.perf_counter() - start


def _median(rounds: list[list[float]], quantile: float) -> float:
    each = [sorted(times)[int(len(times) * quantile)] for times in rounds]
    return round(statistics.median(each) * 1000, 3)


async def measure(nodes: int) -> dict[str, list[dict[str, object]]]:
    """Everything, on a broker of its own."""
    with tempfile.TemporaryDirectory() as data:
        async with KafkaCluster(data=Path(data), nodes=nodes) as kafka:
            address = KafkaAddress(bootstrap=kafka.bootstrap)
            admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
            await admin.start()
            await admin.create_topics([NewTopic(APPENDED.topic, 1, nodes), NewTopic(FOLLOWED, PARTITIONS, nodes)])
            await admin.close()
            rows = [row for records in (1, 50) for row in await appending(address, records)]
            return {"appending": rows} | ({"following": await following(address)} if nodes == 1 else {})


def table(rows: list[dict[str, object]]) -> str:
    """Rows of equal keys, as Markdown."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *[[str(value) for value in row.values()] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--nodes", type=int, default=1, choices=(1, 3), help="how many brokers")
    wanted = parser.parse_args()
    figures = asyncio.run(measure(wanted.nodes))
    if wanted.json:
        print(json.dumps(figures, indent=2))
    else:
        print("\n".join(f"{name}, brokers: {wanted.nodes}\n\n{table(rows)}\n" for name, rows in figures.items()))


if __name__ == "__main__":
    main()
