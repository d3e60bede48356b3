"""Checkpoints in PostgreSQL: one transaction a save, so a reader finds a head and just the entries that go with it.

The row of the partition is locked first and holds the epoch that saved last: an owner that was replaced finds a later
epoch there and changes nothing, however late it comes. A crash undoes the whole save. Sent again after a lost
connection, a save writes the same once more.
"""

from collections.abc import Iterator, Mapping
from itertools import islice

from foldgate.database.connections import Connection
from foldgate.eventlog.checkpoints import BaseGone, Saved
from foldgate.eventlog.log import Partition
from foldgate.eventlog.postgres_tables import Tables

_AT_ONCE = 1000
_PLACE = "INSERT INTO checkpoint (stream, number) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_LOCK = "SELECT epoch, head FROM checkpoint WHERE stream = $1 AND number = $2 FOR UPDATE"
_CLEAR = "DELETE FROM checkpoint_entry WHERE stream = $1 AND number = $2"
_REMOVE = _CLEAR + " AND key = ANY ($3::text[])"
_PUT = """
INSERT INTO checkpoint_entry (stream, number, key, value)
SELECT $1, $2, key, value FROM unnest($3::text[], $4::bytea[]) AS entry (key, value)
ON CONFLICT (stream, number, key) DO UPDATE SET value = excluded.value
"""
_FINISH = "UPDATE checkpoint SET epoch = $3, head = $4 WHERE stream = $1 AND number = $2"
_HEAD = "SELECT epoch, head FROM checkpoint WHERE stream = $1 AND number = $2 AND head IS NOT NULL"
_ENTRIES = "SELECT key, value FROM checkpoint_entry WHERE stream = $1 AND number = $2"


class PostgresCheckpoints:
    """The checkpoints of all partitions of a suite."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def save(
        self,
        partition: Partition,
        *,
        epoch: int,
        head: bytes,
        changed: Mapping[str, bytes | None],
        after: bytes | None = None,
    ) -> None:
        async def work(connection: Connection) -> None:
            async with connection.transaction():
                await connection.execute(_PLACE, *partition)
                [(last_epoch, last_head)] = await connection.fetch(_LOCK, *partition)
                if last_epoch > epoch:
                    return
                if after is not None and (last_epoch < epoch or last_head not in {after, head}):
                    raise BaseGone(partition)
                if last_epoch < epoch:
                    await connection.execute(_CLEAR, *partition)
                await _write(connection, partition, changed)
                await connection.execute(_FINISH, *partition, epoch, head)

        await self._tables.run(work)

    async def load(self, partition: Partition) -> Saved | None:
        async def work(connection: Connection) -> Saved | None:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                found = await connection.fetchrow(_HEAD, *partition)
                if found is None:
                    return None
                rows = await connection.fetch(_ENTRIES, *partition)
            return Saved(found["epoch"], found["head"], {row["key"]: row["value"] for row in rows})

        return await self._tables.run(work)

    async def close(self) -> None:
        pass


async def _write(connection: Connection, partition: Partition, changed: Mapping[str, bytes | None]) -> None:
    if removed := [key for key, value in changed.items() if value is None]:
        await connection.execute(_REMOVE, *partition, removed)
    for some in _in_parts({key: value for key, value in changed.items() if value is not None}):
        await connection.execute(_PUT, *partition, list(some), list(some.values()))


def _in_parts(entries: Mapping[str, bytes]) -> Iterator[dict[str, bytes]]:
    items = iter(entries.items())
    while part := dict(islice(items, _AT_ONCE)):
        yield part
