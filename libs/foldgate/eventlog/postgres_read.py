"""Reading the PostgreSQL log: chunks of one partition, and the endless read of many.

Offsets of a partition become visible in order and without a gap (`postgres_tables.py`), so a reader that asks for what
comes after the last record it has misses nothing. Reading changes nothing: after a lost connection the same question is
asked again. What a follower fetches ahead is counted in bytes; of a fetch that was under way while the reader moved on,
what lies before the new place is dropped, and all of it where the reader moved back.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

from foldgate.database.connections import Connection
from foldgate.eventlog.log import Partition, Record
from foldgate.eventlog.postgres_arrivals import Arrivals, Watch
from foldgate.eventlog.postgres_tables import END, FETCH, NO_END, Tables

AHEAD_BYTES = 4 * 1024 * 1024
AHEAD_RECORDS = 2000
MOST_OF_ONE = 500
"""Records of one partition in a fetch of many: most of what comes may lie in it, and it is not to fall behind."""


async def end_of(tables: Tables, partition: Partition) -> int:
    """The offset after the last durable record."""
    number = await tables.id_of(partition)

    async def work(connection: Connection) -> int:
        return int(await connection.fetchval(END, number))

    return await tables.run(work)


async def read(
    tables: Tables, partition: Partition, start: int, *, stop: int | None
) -> AsyncIterator[Sequence[Record]]:
    """The records from `start` up to `stop`, in chunks."""
    number = await tables.id_of(partition)
    end = await end_of(tables, partition) if stop is None else stop
    while start < end:
        chunk = (await fetch(tables, {number: start}, stop=end)).records
        if not chunk:
            return
        start = chunk[-1].offset + 1
        yield chunk


class Fetched(NamedTuple):
    """What a fetch found, and whether there may be more of it."""

    records: list[Record]
    more: bool


async def fetch(tables: Tables, starts: Mapping[int, int], *, stop: int = NO_END) -> Fetched:
    """What comes next in some partitions: in each in order, and no more than is good to hold."""
    ids, offsets = list(starts), list(starts.values())
    rows = max(MOST_OF_ONE, AHEAD_RECORDS // len(ids))

    async def work(connection: Connection) -> list[Record]:
        found = await connection.fetch(FETCH, ids, offsets, [stop] * len(ids), rows, AHEAD_BYTES)
        return [tables.record(row) for row in found]

    records = await tables.run(work)
    return Fetched(records, len(records) >= rows or _size(records) >= AHEAD_BYTES)


def _size(records: Sequence[Record]) -> int:
    return sum(len(record.key) + len(record.value) for record in records)


class PostgresFollower:
    """Fetches when what it holds is used up: ahead of its reader while there is more, else when woken."""

    def __init__(self, tables: Tables, arrivals: Arrivals, starts: Mapping[Partition, int]) -> None:
        self._tables, self._arrivals = tables, arrivals
        self._next = dict(starts)
        self._held: deque[Record] = deque()
        self._arrived = arrivals.watch()
        self._more = False
        self._fetching: asyncio.Task[None] | None = None

    async def next(self, *, limit: int = 500, timeout_ms: int = 1000) -> list[Record]:
        deadline = asyncio.get_running_loop().time() + timeout_ms / 1000
        await self._look()
        with contextlib.suppress(TimeoutError):
            while not self._held:
                async with asyncio.timeout_at(deadline):
                    await self._arrived.wait()
                await self._look()
        taken = [self._held.popleft() for _ in range(min(limit, len(self._held)))]
        if self._more and not self._held:
            self._begin()
        return taken

    def seek(self, partition: Partition, offset: int) -> None:
        self.drop(partition)
        self._next[partition] = offset
        self._arrived.set()

    def drop(self, partition: Partition) -> None:
        self._next.pop(partition, None)
        if any(record.partition == partition for record in self._held):
            self._held = deque(record for record in self._held if record.partition != partition)

    def passed(self, partition: Partition, offset: int, *, owned: bool) -> None:  # noqa: ARG002 - it is only asked when woken
        """Go on from there if you are not further: all before it is known."""
        if self._next.get(partition, offset) < offset:
            self._next[partition] = offset

    @property
    def watch(self) -> Watch:
        """What wakes it."""
        return self._arrived

    async def close(self) -> None:
        self._arrivals.unwatch(self._arrived)
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    async def _look(self) -> None:
        """Fetch while there may be something and we hold nothing.

        A fetch goes on should the reader give up waiting for it; what it finds is there for the next call."""
        while not self._held and (self._more or self._arrived.is_set()):
            await asyncio.shield(self._begin())

    def _begin(self) -> asyncio.Task[None]:
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        self._arrived.clear()  # before looking: what arrives from now on will be looked for again
        self._more = False
        asked = dict(self._next)
        ids = await self._tables.ids_of(asked)
        self._arrivals.aim(self._arrived, set(ids.values()))
        if not ids:
            return
        found = await fetch(self._tables, {ids[p]: asked[p] for p in _in_turn(self._next, ids)})
        self._hold(found, asked)

    def _hold(self, found: Fetched, asked: Mapping[Partition, int]) -> None:
        self._more = found.more
        for record in found.records:
            wanted = self._next.get(record.partition)
            if wanted is not None and asked[record.partition] <= wanted <= record.offset:
                self._held.append(record)
                self._next[record.partition] = record.offset + 1


def _in_turn(offsets: dict[Partition, int], known: Mapping[Partition, int]) -> list[Partition]:
    """Those that are known, begun with another one each time: where bytes run out, it is not always for the same."""
    first = next(iter(known))
    if first in offsets:
        offsets[first] = offsets.pop(first)
    return list(known)
