"""Writes to streams what nobody of the suite would: any bytes, under any key, on any partition."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import asyncpg
from aiokafka import AIOKafkaProducer

from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import Meta, RunRequested
from foldgate.contracts.ids import run_id
from foldgate.contracts.topics import INTAKE, partition_of


class Put(NamedTuple):
    """A record and where it is put."""

    partition: int
    key: bytes
    value: bytes


def request(number: int) -> tuple[str, bytes]:
    """A request for a run as it should be: its run id, which is its key, and its bytes."""
    key = f"stranger {number}"
    run = run_id("default", "job", key)
    meta = Meta(
        chain=NO_CHAIN,
        event_id=f"stranger/{number}",
        stream="intake",
        key=run,
        run_id=run,
        at=1,
        request_id=f"r{number}",
        tenant="default",
        principal="stranger",
    )
    return run, Codec().encode(meta, RunRequested(workflow="job", topic="job.echo", idempotency_key=key))


def requests_of(partition: int) -> tuple[str, bytes]:
    """The first such request that belongs on this partition."""
    numbers = (request(number) for number in range(1000))
    return next(found for found in numbers if partition_of(found[0].encode(), INTAKE.partitions) == partition)


async def put(suite: Mapping[str, Any], stream: str, records: list[Put]) -> None:
    """Put records on a stream of the suite that `up.json` describes."""
    name = suite["settings"].get("FOLDGATE_SUITE", "foldgate")
    if suite["kafka"] is None:
        await _put_into_postgres(suite["postgres"], name, stream=stream, records=records)
    else:
        await _put_into_kafka(suite["kafka"], f"{name}.{stream}", records)


async def _put_into_postgres(url: str, schema: str, *, stream: str, records: list[Put]) -> None:
    connection = await asyncpg.connect(url, server_settings={"search_path": schema})
    try:
        for record in records:
            await connection.execute("BEGIN")
            place = await connection.fetchrow(
                "UPDATE partition_head SET next_offset = next_offset + 1 WHERE stream = $1 AND number = $2"
                ' RETURNING id, next_offset - 1 AS "offset"',
                stream,
                record.partition,
            )
            assert place is not None
            await connection.execute(
                'INSERT INTO record (partition, "offset", key, value) VALUES ($1, $2, $3, $4)',
                place["id"],
                place["offset"],
                record.key,
                record.value,
            )
            await connection.execute("COMMIT")
    finally:
        await connection.close()


async def _put_into_kafka(bootstrap: str, topic: str, records: list[Put]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for record in records:
            await producer.send_and_wait(topic, key=record.key, value=record.value, partition=record.partition)
