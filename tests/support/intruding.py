"""Puts records into partitions past everything that would have stopped them, as somebody with a client of their own."""

from typing import Any

from foldgate.eventlog.log import Log, Partition, Record


async def intrude(log: Log, partition: Partition, *, key: bytes, value: bytes) -> int:
    """One record, without a batch head, of any size, on any partition of any stream; returns its offset."""
    name = type(log).__name__
    if name == "MemoryLog":
        return _into_memory(log, partition, key=key, value=value)
    if name == "PostgresLog":
        return await _into_postgres(log, partition, key=key, value=value)
    return await _into_kafka(log, partition, key=key, value=value)


def _into_memory(log: Any, partition: Partition, *, key: bytes, value: bytes) -> int:
    records: list[Record] = log.lane(partition).records
    records.append(Record(partition, len(records), key, value))
    log.wake()
    return len(records) - 1


async def _into_postgres(log: Any, partition: Partition, *, key: bytes, value: bytes) -> int:
    from foldgate.eventlog.postgres_tables import SUBMIT

    number = await log._tables.id_of(partition)
    return int(await log._tables.run(lambda c: c.fetchval(SUBMIT, number, [key], [value])))


async def _into_kafka(log: Any, partition: Partition, *, key: bytes, value: bytes) -> int:
    from foldgate.eventlog.kafka_producer import Produced

    producer = await log._start_producer(log._place(partition))
    try:
        return int(await producer.append([Produced(key or None, value, [])]))
    finally:
        await producer.close()
