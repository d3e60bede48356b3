"""The tables that the deciders of one service are given, in one process; each read from its stream's beginning.

A table holds what is published once and never changes, by its digest, and which of it is the latest. No decision is
made without what it needs, because of three readings.

Before a partition is at work, its table is read to the end of its stream as of after the claim. Whatever the history of
the partition names was in the table of the owner that decided so: on the log before that append, hence before the claim
that ended that owner. (The long reading is done before the claim, while the old owner still works. Folding that history
needs no table: `evolve` looks at its own stream alone.)

Before a message is taken that names what the table does not have, or a place that it has not reached, the table is read
to the end as of now: once for all records that were fetched together. What a message names was on the log before the
message was, so then it is in the table, or there is no such thing, and `decide` says so. Nothing ever waits for what is
not there: not for an offset beyond the end, and not for a workflow that nobody published.

And all the time the table is followed, so that "the latest" is no older than following takes.

Nothing here is kept: a process begins with an empty table. The reader rule decides what counts, as everywhere, and what
counts and cannot be folded stops the reader. One reading at a time folds; another waits for it, and drops what it has
already.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from foldgate.contracts.places import START, Partition
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import Record
from foldgate.runtime.context import Context
from foldgate.runtime.recovery import LogUnreadable
from foldgate.runtime.service import Aggregate, Table
from foldgate.runtime.together import together


class TableReader:
    """One table, and how far it was read: `reached` is the offset before which all that counts is in it."""

    def __init__(self, context: Context, table: Table) -> None:
        if table.stream.kind != "owned" or table.stream.partitions != 1:
            raise ValueError(f"Expected a table of an owned stream of one partition, but got '{table.stream.name}'.")
        self.table = table
        self.reached = 0
        self._context = context
        self._partition = Partition(table.stream.name, 0)
        self._rule = Acceptance(START)
        self._folding = asyncio.Lock()

    async def up_to_now(self) -> None:
        """Read to the end as of now."""
        async with self._folding:
            end = await self._context.log.end(self._partition)
            async for chunk in self._context.log.read(self._partition, self.reached, end):
                self._fold(chunk)
            self.reached = max(self.reached, end)

    async def keep_up(self) -> None:
        """Follow the stream for ever."""
        await self.up_to_now()
        follower = self._context.log.follow({self._partition: self.reached})
        try:
            while True:
                records = await follower.next()
                async with self._folding:
                    self._fold(records)
        finally:
            await follower.close()

    def _fold(self, records: Sequence[Record]) -> None:
        for record in records:
            if record.offset >= self.reached:
                self.reached = record.offset + 1
                if self._rule.accepts(record) and record.key:
                    self._add(record)

    def _add(self, record: Record) -> None:
        try:
            meta, event = self._context.codec.decode(record.value)
            self.table.add(meta, event, record.offset + 1)
        except Exception as error:  # any exception: what counts and cannot be folded is never skipped
            raise LogUnreadable(f"{record.partition} at offset {record.offset}: {error}") from error


class Tables:
    """The tables of one service in this process."""

    def __init__(self, context: Context, aggregates: Iterable[Aggregate]) -> None:
        makers = dict.fromkeys(make for aggregate in aggregates for make in aggregate.tables)
        self._readers: dict[Callable[[], Table], TableReader] = {make: TableReader(context, make()) for make in makers}

    def of(self, aggregate: Aggregate) -> list[TableReader]:
        """What this aggregate's decider is given, in its order."""
        return [self._readers[make] for make in aggregate.tables]

    async def up_to_now(self, aggregate: Aggregate) -> None:
        """Read what this aggregate's decider is given to the end as of now."""
        for reader in self.of(aggregate):
            await reader.up_to_now()

    async def run(self) -> None:
        """Follow all of them for ever."""
        await together(*(reader.keep_up() for reader in self._readers.values()))
