"""Events given to a projection, and the rows that come of them on a real server."""

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import asyncpg
import msgspec

from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import Event, Meta
from foldgate.contracts.places import Partition, Position
from foldgate.database.connections import Connection
from foldgate.eventlog.log import Log
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projection import Projection, Seen, Stretch
from foldgate.readmodel.projector import Projector
from foldgate.runtime.projecting import LogSource

Given = tuple[Partition, Seen]
"""An event where it lies."""
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY tablename"


@contextlib.asynccontextmanager
async def models_in(url: str, suite: str = "t") -> AsyncIterator[ReadModels]:
    models = await ReadModels.connect(url, suite=suite)
    try:
        yield models
    finally:
        await models.close()


def meta_on(stream: str, key: str = "run_1", **changes: Any) -> Meta:
    """What an event says of itself that lies on a stream."""
    meta = Meta(chain=NO_CHAIN, event_id=f"{stream}/{key}/1", stream=stream, key=key, sequence=1, clock=1, at=1000)
    about = {"run_id": key} if key.startswith("run_") else {}
    return msgspec.structs.replace(meta, **{"tenant": "acme", **about, **changes})


class Laid:
    """Events laid on partitions, one behind the other."""

    def __init__(self) -> None:
        self.events: list[Given] = []
        self._ends: dict[Partition, int] = defaultdict(int)

    def add(self, event: Event, stream: str, *, key: str = "run_1", partition: int = 0, **changes: Any) -> Meta:
        """One more; it has an id of its own, made of where it lies."""
        place = Partition(stream, partition)
        offset = self._ends[place]
        self._ends[place] += 1
        given = {"event_id": f"{stream}-{partition}/{offset}", "sequence": offset + 1, **changes}
        meta = meta_on(stream, key, **given)
        self.events.append((place, Seen(offset, meta, event)))
        return meta


def in_stretches(events: Sequence[Given], chance: random.Random, *, most: int) -> list[list[Stretch]]:
    """The events in batches, each partition in order and the partitions mixed by chance."""
    queues: dict[Partition, list[Seen]] = defaultdict(list)
    for partition, seen in events:
        queues[partition].append(seen)
    reached: dict[Partition, int] = defaultdict(int)
    batches = []
    while left := [p for p, queue in queues.items() if reached[p] < len(queue)]:
        batch = []
        for partition in chance.sample(left, chance.randint(1, len(left))):
            begin = reached[partition]
            end = reached[partition] = min(len(queues[partition]), begin + chance.randint(1, most))
            batch.append(Stretch(partition, Position(begin), Position(end), queues[partition][begin:end]))
        batches.append(batch)
    return batches


async def applied(models: ReadModels, projection: Projection, batches: Iterable[Sequence[Stretch]]) -> None:
    """Feed a build of it, which becomes the live one if it is the first."""
    build = await models.begin(projection)
    for batch in batches:
        await models.apply(projection, build, batch)


async def asked_of(models: ReadModels, query: str, *arguments: Any) -> list[asyncpg.Record]:
    """The rows that a query finds."""

    async def work(connection: Connection) -> list[asyncpg.Record]:
        return await connection.fetch(query, *arguments)

    return await models.run(work)


async def tables_of(models: ReadModels, projection: Projection) -> Mapping[str, list[str]]:
    """All rows of its live build, as text and in an order that is the same for the same rows."""
    build = await models.begin(projection)
    schema = build.schema(models._home)
    tables = [row["tablename"] for row in await asked_of(models, _TABLES, schema)]
    found = {}
    for table in tables:
        query = f'SELECT t::text AS row FROM {schema}."{table}" t'
        found[table] = sorted(row["row"] for row in await asked_of(models, query))
    return found


async def live_rows(models: ReadModels, log: Log, projection: Projection) -> Mapping[str, list[str]]:
    """What its live build has once it reflects all of the log."""
    projector = Projector(models, LogSource(log, Codec()), projection)
    task = asyncio.create_task(projector.run())
    try:
        await projector.caught_up()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return await tables_of(models, projection)


async def rebuilt_rows(models: ReadModels, log: Log, projection: Projection) -> Mapping[str, list[str]]:
    """What it has when it is built anew from the log, and that build is the live one."""
    build = await models.begin(projection)
    await Projector(models, LogSource(log, Codec()), projection).rebuild()
    assert (await models.begin(projection)).number == build.number + 1
    return await tables_of(models, projection)
