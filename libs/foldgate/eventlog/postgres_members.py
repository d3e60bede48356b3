"""Who is there to own what, on PostgreSQL: a row for each instance, kept young by beats.

Time is the database's own, so clocks of machines do not matter. Each instance works out the same sharing from the same
rows; while two of them see different rows, two may want one partition, and the claim decides. An instance that dies
leaves a row that grows old; one that is paused finds, when it goes on, that others have what it had.
"""

import asyncio
from collections.abc import Sequence

from foldgate.database.connections import Connection
from foldgate.eventlog.log import Partition
from foldgate.eventlog.postgres_tables import Tables

BEAT_S = 0.5
DEAD_AFTER_S = 2.0
_BEAT = """
INSERT INTO member ("group", instance, seen_at) VALUES ($1, $2, clock_timestamp())
ON CONFLICT ("group", instance) DO UPDATE SET seen_at = clock_timestamp()
"""
_ALIVE = """
SELECT instance FROM member
WHERE "group" = $1 AND seen_at > clock_timestamp() - make_interval(secs => $2) ORDER BY instance
"""
_FORGET = """
DELETE FROM member WHERE "group" = $1 AND seen_at < clock_timestamp() - make_interval(secs => 20 * $2)
"""
_LEAVE = """DELETE FROM member WHERE "group" = $1 AND instance = $2"""


class PostgresMembership:
    """The part of one instance in a group."""

    def __init__(self, tables: Tables, group: str, *, instance: str, partitions: Sequence[Partition]) -> None:
        self._tables, self._group, self._instance = tables, group, instance
        self._partitions = sorted(partitions)
        self._told: frozenset[Partition] | None = None
        self._share: frozenset[Partition] = frozenset()
        self._changed = asyncio.Event()
        self._beating = asyncio.create_task(self._beat_on())

    async def changed(self) -> frozenset[Partition]:
        while self._told is None or self._told == self._share:
            waiting = asyncio.create_task(self._changed.wait())
            try:
                await asyncio.wait([waiting, self._beating], return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()
            if self._beating.done():
                self._beating.result()
            self._changed.clear()
            if self._told is None:
                break
        self._told = self._share
        return self._share

    async def close(self) -> None:
        self._beating.cancel()
        await asyncio.gather(self._beating, return_exceptions=True)
        await self._tables.run(self._leave)

    async def _beat_on(self) -> None:
        while True:
            alive = await self._tables.run(self._beat)
            self._share = share_of(self._instance, alive, self._partitions)
            self._changed.set()
            await asyncio.sleep(BEAT_S)

    async def _beat(self, connection: Connection) -> list[str]:
        await connection.execute(_BEAT, self._group, self._instance)
        await connection.execute(_FORGET, self._group, DEAD_AFTER_S)
        return [row["instance"] for row in await connection.fetch(_ALIVE, self._group, DEAD_AFTER_S)]

    async def _leave(self, connection: Connection) -> None:
        await connection.execute(_LEAVE, self._group, self._instance)


def share_of(instance: str, alive: Sequence[str], partitions: Sequence[Partition]) -> frozenset[Partition]:
    """What an instance gets when the partitions are dealt out to those alive, one after the other."""
    if instance not in alive:
        return frozenset()
    return frozenset(partitions[alive.index(instance) :: len(alive)])
