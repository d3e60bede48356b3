"""Deletes what streams with a retention need no longer keep, which on PostgreSQL nobody else does.

Records carry no time. Instead a mark is written now and then, of how far each partition reaches, by the database's
clock; records before a mark that has become old enough are old enough too. A mark is only ever written with an offset
that was reached before its time. Each step is one statement, so a crash only means that the next sweep has more to do.
Several processes may sweep at once: they delete the same. How long a stream is kept is written beside it when it is
prepared: the database itself decides what is old, since those who sweep may not delete (`migrations/0003_roles.sql`).
"""

import asyncio
from collections.abc import Sequence
from functools import partial

from foldgate.contracts.topics import Stream
from foldgate.database.connections import Connection
from foldgate.eventlog.log import LogUnavailable, Partition
from foldgate.eventlog.postgres_tables import Tables

EVERY_S = 3600.0
_AT_ONCE = 5000
_SWEEP = "SELECT sweep($1, $2)"


class Retention:
    """Sweeps the streams that were prepared here, for as long as the log is open."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._kept: set[Partition] = set()
        self._sweeping = asyncio.create_task(self._sweep_on())

    def keep(self, streams: Sequence[Stream]) -> None:
        """Sweep these too, where they are not kept for ever."""
        for stream in streams:
            if stream.retention_days is not None:
                self._kept |= {Partition(stream.name, number) for number in range(stream.partitions)}

    async def sweep(self) -> None:
        """Mark where we are, and delete what is too old."""
        for partition in sorted(self._kept):
            number = await self._tables.id_of(partition)
            while await self._tables.run(partial(_swept, number)):
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


async def _swept(partition: int, connection: Connection) -> bool:
    """One step of a sweep of one partition; True while there is more to delete."""
    return bool(await connection.fetchval(_SWEEP, partition, _AT_ONCE))
