"""The statements of the PostgreSQL log, and the numbers by which its tables know partitions.

Every statement is complete in itself: it takes its locks, does its work and commits in one go, so nothing is ever held
while a process thinks, pauses or dies.
"""

from collections.abc import Iterable
from typing import TypeVar

import asyncpg

from foldgate.database.connections import Connection, Connections, DatabaseRefused, DatabaseUnavailable, Work
from foldgate.eventlog.log import LogError, LogUnavailable, Partition, Record

T = TypeVar("T")

_ADD = """
WITH taken AS (<taken>), put AS (
    INSERT INTO record (partition, "offset", key, value, head)
    SELECT $1, base + n - 1, key, value, CASE n WHEN 1 THEN $5::bytea END
    FROM taken, unnest($3::bytea[], $4::bytea[]) WITH ORDINALITY AS r (key, value, n)
)
SELECT base FROM taken
"""
# By number, so that of two who copy to several partitions neither waits for the other.
_COPIED = """, LATERAL (
    SELECT count(submit(id, keys, "values"))
    FROM (
        SELECT id, array_agg(key ORDER BY n) AS keys, array_agg(value ORDER BY n) AS "values"
        FROM unnest($8::int[], $9::bytea[], $10::bytea[]) WITH ORDINALITY AS c (id, key, value, n)
        WHERE base >= 0 GROUP BY id ORDER BY id
    ) AS copy
) AS copied
"""


def _adding(taken: str) -> str:
    """The head row is taken first and says whether there is anything to do; the records are put in behind it."""
    return _ADD.replace("<taken>", taken)


APPEND = _adding("""
    UPDATE partition_head SET next_offset = next_offset + $2, sequence = sequence + 1
    WHERE id = $1 AND epoch = $6 AND sequence = $7
    RETURNING next_offset - $2 AS base
""")
APPEND_WITH = APPEND + _COPIED
CLAIM = _adding("""
    UPDATE partition_head SET next_offset = next_offset + $2, epoch = $6, sequence = $7 + 1
    WHERE id = $1 AND epoch = $6 - 1 AND $7 = 0
    RETURNING next_offset - $2 AS base
""")
SUBMIT = "SELECT submit($1, $2::bytea[], $3::bytea[])"
# Only who may append there sees its row like this.
MAY_APPEND = "SELECT true FROM partition_head WHERE id = $1 FOR NO KEY UPDATE"

# Up to `rows` of each partition, and of all together no more than `bytes` (but at least one record).
FETCH = """
SELECT partition, "offset", key, value, head
FROM (
    SELECT r.*, w.n, sum(octet_length(r.value) + octet_length(r.key)) OVER (ORDER BY w.n, r."offset")
        - octet_length(r.value) - octet_length(r.key) AS before
    FROM unnest($1::int[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS w (id, start, stop, n)
    CROSS JOIN LATERAL (
        SELECT * FROM record
        WHERE partition = w.id AND "offset" >= w.start AND "offset" < w.stop
        ORDER BY "offset" LIMIT $4
    ) AS r
) AS bounded
WHERE before < $5
ORDER BY n, "offset"
"""
LANDED = (
    """SELECT "offset" FROM record WHERE partition = $1 AND "offset" >= $2 AND head = $3 ORDER BY "offset" LIMIT 1"""
)
END = "SELECT next_offset FROM partition_head WHERE id = $1"
ENDS = "SELECT id, next_offset FROM partition_head"
NO_END = 2**62


def not_ours(what: str) -> LogError:
    """The database does not let this role do that."""
    return LogError(
        f"Expected a role of the database that may do this, but: {what}. Each service and each pool's workers have one"
        " (`foldgate database roles`): see that FOLDGATE_POSTGRES names the right one."
    )


class Tables:
    """The log's tables in one schema, and what they call each partition."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._ids: dict[Partition, int] = {}
        self._partitions: dict[int, Partition] = {}

    async def run(self, work: Work[T]) -> T:
        """Do it on a connection, and say it in the log's words when the database is away for too long."""
        try:
            return await self._connections.run(work)
        except (DatabaseUnavailable, DatabaseRefused) as error:
            raise LogUnavailable(str(error)) from error
        except asyncpg.InsufficientPrivilegeError as error:
            raise not_ours(str(error)) from error

    async def id_of(self, partition: Partition) -> int:
        """The number of a partition; its stream was prepared by somebody."""
        if (known := await self.ids_of([partition])).get(partition) is None:
            raise LogError(f"Expected a partition of a stream that was prepared, but got '{partition}'.")
        return known[partition]

    async def ids_of(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """The numbers of those partitions that exist by now."""
        wanted = list(partitions)
        if any(partition not in self._ids for partition in wanted):
            await self.run(self.learn)
        return {partition: self._ids[partition] for partition in wanted if partition in self._ids}

    async def learn(self, connection: Connection) -> None:
        """Read which partitions there are. None ever goes away."""
        for row in await connection.fetch("SELECT id, stream, number FROM partition_head"):
            partition = Partition(row["stream"], row["number"])
            self._ids[partition] = row["id"]
            self._partitions[row["id"]] = partition

    def record(self, row: asyncpg.Record) -> Record:
        """A row of `FETCH` as a record."""
        number, offset, key, value, head = row
        return Record(self._partitions[number], offset, key, value, head)
