"""The log on PostgreSQL: one schema a suite, for one machine, and for a small team for years.

Who appends is decided in the append itself (`postgres_append.py`); readers ask for what comes after the last record
they have (`postgres_read.py`); whoever waits is woken, and looks anyway (`postgres_arrivals.py`). Nothing is held open
between two statements, so a process that stops anywhere leaves nothing to be undone or waited for.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Self

from foldgate.contracts.topics import Stream
from foldgate.database.connections import PATIENCE_S, SIZE, Connection, Connections
from foldgate.database.migrate import MigrationError, migrate, migrations_of
from foldgate.eventlog.log import LogError, Outgoing, Partition, Record, Submitted, TopologyMismatch
from foldgate.eventlog.postgres_append import Addition, PostgresWriter, Submissions
from foldgate.eventlog.postgres_arrivals import Arrivals
from foldgate.eventlog.postgres_checkpoints import PostgresCheckpoints
from foldgate.eventlog.postgres_members import PostgresMembership
from foldgate.eventlog.postgres_read import PostgresFollower, end_of, read
from foldgate.eventlog.postgres_retention import Retention
from foldgate.eventlog.postgres_tables import Tables
from foldgate.eventlog.tail import Tail, TailReader

# Every question the log asks goes by a primary key; a plan made while the tables were still empty must do so too.
_BY_KEY = {"enable_seqscan": "off", "enable_bitmapscan": "off", "plan_cache_mode": "force_generic_plan"}

_KNOWN = "SELECT partitions, retention_days FROM stream WHERE name = $1"
_STREAM = """
INSERT INTO stream (name, partitions, retention_days) VALUES ($1, $2, $3)
ON CONFLICT (name) DO NOTHING
"""
_KEEP = "UPDATE stream SET retention_days = $2 WHERE name = $1"
_MAY_KEEP = "SELECT has_table_privilege('stream', 'UPDATE')"
_HEADS = """
INSERT INTO partition_head (stream, number) SELECT $1, n FROM generate_series(0, $2::int - 1) AS n
ON CONFLICT DO NOTHING
"""


class PostgresLog:
    """One process's way to the log of a suite."""

    def __init__(self, tables: Tables, arrivals: Arrivals, connections: Connections) -> None:
        self._tables, self._arrivals, self._connections = tables, arrivals, connections
        self._tail = Tail(lambda starts: PostgresFollower(tables, arrivals, starts))
        self._submissions = Submissions(tables, self._added)
        self._checkpoints = PostgresCheckpoints(tables)
        self._retention = Retention(tables)

    @classmethod
    async def connect(cls, url: str, *, suite: str, size: int = SIZE, patience_s: float = PATIENCE_S) -> Self:
        """Reach the database and bring the suite's schema up to date."""
        connections = Connections(url, schema=suite, size=size, patience_s=patience_s, terms=_BY_KEY)
        tables = Tables(connections)
        steps = migrations_of("foldgate.eventlog")
        try:
            await tables.run(lambda connection: migrate(connection, suite, steps))
        except MigrationError as error:
            raise LogError(str(error)) from error
        return cls(tables, Arrivals.shared(connections, url=url, suite=suite), connections)

    async def prepare(self, streams: Sequence[Stream]) -> None:
        async def work(connection: Connection) -> None:
            async with connection.transaction():
                for stream in sorted(streams, key=lambda stream: stream.name):
                    await _prepare(connection, stream)
            await self._tables.learn(connection)

        await self._tables.run(work)
        self._retention.keep(streams)

    async def writer(self, partition: Partition) -> PostgresWriter:
        number = await self._tables.id_of(partition)
        end = await end_of(self._tables, partition)
        return PostgresWriter(self._tables, self._added, partition=partition, number=number, end=end)

    async def end(self, partition: Partition) -> int:
        return await end_of(self._tables, partition)

    def read(self, partition: Partition, start: int, stop: int | None = None) -> AsyncIterator[Sequence[Record]]:
        return read(self._tables, partition, start, stop=stop)

    def follow(self, starts: Mapping[Partition, int]) -> TailReader:
        return self._tail.reader(starts)

    async def submit(self, stream: str, submissions: Sequence[Outgoing]) -> Sequence[Submitted]:
        return await self._submissions.submit(stream, submissions)

    def membership(self, group: str, instance: str, partitions: Sequence[Partition]) -> PostgresMembership:
        return PostgresMembership(self._tables, group, instance=instance, partitions=partitions)

    def checkpoints(self) -> PostgresCheckpoints:
        return self._checkpoints

    async def administer(self, sql: str) -> None:
        """Run what the owner of the schema has to say to the database, as `postgres_roles.py` makes it."""

        async def work(connection: Connection) -> None:
            await connection.execute(sql)

        await self._tables.run(work)

    async def close(self) -> None:
        await self._retention.close()
        await self._submissions.close()
        await self._tail.close()
        await self._arrivals.leave()
        await self._connections.close()

    def _added(self, addition: Addition, others: Iterable[int]) -> None:
        """Something is durable: others hear of it, and those who follow here have it."""
        partition, number, first, records, head = addition
        seen = (number,) if self._tail.take(partition, first, records, head=head) else ()
        source = self._tail.source
        self._arrivals.appended({number, *others}, seen=seen, by=None if source is None else source.watch)


async def _prepare(connection: Connection, stream: Stream) -> None:
    """What is there already is only looked at: most of those who need a stream may not make one."""
    known = await connection.fetchrow(_KNOWN, stream.name)
    if known is None:
        await connection.execute(_STREAM, stream.name, stream.partitions, stream.retention_days)
        await connection.execute(_HEADS, stream.name, stream.partitions)
        known = await connection.fetchrow(_KNOWN, stream.name)
        assert known is not None
    if known["partitions"] != stream.partitions:
        raise TopologyMismatch(
            f"Expected {stream.partitions} partitions of '{stream.name}', but it has {known['partitions']}."
        )
    if known["retention_days"] != stream.retention_days and await connection.fetchval(_MAY_KEEP):
        await connection.execute(_KEEP, stream.name, stream.retention_days)
