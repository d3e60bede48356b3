"""Deletes what streams with a retention need no longer keep, which on PostgreSQL nobody else does.

Records carry no time. Instead a mark is written now and then, of how far each partition reaches, by the database's
clock; records before a mark that has become old enough are old enough too. A mark is only ever written with an offset
that was reached before its time, and it is deleted after the records before it, so a crash between any two lines only
means that the next sweep has more to do. Several processes may sweep at once: they delete the same.
"""

import asyncio
from collections.abc import Sequence

from foldgate.contracts.topics import Stream
from foldgate.database.connections import Connection
from foldgate.eventlog.log import LogUnavailable, Partition
from foldgate.eventlog.postgres_tables import Tables

EVERY_S = 3600.0
_AT_ONCE = 5000
_MARK = """
INSERT INTO mark (partition, at, "offset")
SELECT id, clock_timestamp(), next_offset FROM partition_head WHERE id = $1
    AND next_offset > coalesce((SELECT max("offset") FROM mark WHERE partition = $1), 0)
"""
_OLD_ENOUGH = """
SELECT max("offset") FROM mark WHERE partition = $1 AND at < clock_timestamp() - make_interval(days => $2)
"""
_FIRST = """SELECT "offset" FROM record WHERE partition = $1 ORDER BY "offset" LIMIT 1"""
_DELETE = """DELETE FROM record WHERE partition = $1 AND "offset" < $2"""
_UNMARK = """DELETE FROM mark WHERE partition = $1 AND "offset" < $2"""


class Retention:
    """Sweeps the streams that were prepared here, for as long as the log is open."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._days: dict[Partition, int] = {}
        self._sweeping = asyncio.create_task(self._sweep_on())

    def keep(self, streams: Sequence[Stream]) -> None:
        """Sweep these too, where they are not kept for ever."""
        for stream in streams:
            if stream.retention_days is not None:
                for number in range(stream.partitions):
                    self._days[Partition(stream.name, number)] = stream.retention_days

    async def sweep(self) -> None:
        """Mark where we are, and delete what is too old."""
        for partition, days in list(self._days.items()):
            number = await self._tables.id_of(partition)
            while await self._tables.run(_Sweep(number, days)):
                pass

    async def close(self) -> None:
        self._sweeping.cancel()
        await asyncio.gather(self._sweeping, return_exceptions=True)

    async def _sweep_on(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.sweep()
            except LogUnavailable:
                continue  # whoever needs the log now says so; here there is time


class _Sweep:
    """One step of a sweep of one partition; True while there is more to delete."""

    def __init__(self, partition: int, days: int) -> None:
        self._partition, self._days = partition, days

    async def __call__(self, connection: Connection) -> bool:
        await connection.execute(_MARK, self._partition)
        end = await connection.fetchval(_OLD_ENOUGH, self._partition, self._days)
        first = await connection.fetchval(_FIRST, self._partition)
        if end is None or first is None or first >= end:
            return False
        until = min(end, first + _AT_ONCE)
        await connection.execute(_DELETE, self._partition, until)
        await connection.execute(_UNMARK, self._partition, until)
        return bool(until < end)
