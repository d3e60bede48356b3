"""Read models in PostgreSQL: rows, and the position they reflect, changed in one transaction.

Why a crash between any two lines is safe: until the transaction commits, neither the rows nor the position have moved;
after it both have. What was applied is recognised by the stored position and passed over when it comes again: after a
crash, after an answer that was lost, or because two processes feed the same build. The row of the build is locked
first, so one of the two waits, finds the work done, and goes on; since everybody begins with that lock, none waits for
another in a circle.

These commits do not wait for the disk: should the server go down, it forgets the last of them, rows and positions
alike, and what they said is read again.
"""

from collections.abc import Iterator, Sequence
from typing import Self, TypeVar

from foldgate.contracts.places import START, Partition, Position
from foldgate.database.connections import PATIENCE_S, SIZE, Connection, Connections, Work
from foldgate.database.migrate import migrate, migrations_of
from foldgate.readmodel import builds
from foldgate.readmodel.builds import Build, CatchUp
from foldgate.readmodel.projection import Projection, Statement, Stretch, grouped, storable

T = TypeVar("T")
_ENTER = """
SELECT state, set_config('search_path', $3, true), set_config('synchronous_commit', 'off', true)
FROM build WHERE projection = $1 AND number = $2 FOR UPDATE
"""
_MOVE = """
INSERT INTO position (projection, number, stream, partition, "offset", epoch, sequence, "left")
SELECT $1, $2, * FROM unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
ON CONFLICT (projection, number, stream, partition) DO UPDATE SET
    "offset" = excluded."offset", epoch = excluded.epoch, sequence = excluded.sequence, "left" = excluded."left"
"""


class BuildRetired(Exception):
    """Another build has become the live one: this one is not fed any more."""


class Behind(Exception):
    """The stored position lies before the stretch to be applied: read again from there."""


class ReadModels:
    """The read models of one suite. Queries go to the views in their schema, through `run`."""

    def __init__(self, connections: Connections, home: str) -> None:
        self._connections, self._home = connections, home

    @classmethod
    async def connect(cls, url: str, *, suite: str, size: int = SIZE, patience_s: float = PATIENCE_S) -> Self:
        """Reach the database and bring the schema up to date."""
        home = f"{suite}_read"
        connections = Connections(url, schema=home, size=size, patience_s=patience_s)
        steps = migrations_of("foldgate.readmodel")
        await connections.run(lambda connection: migrate(connection, home, steps))
        return cls(connections, home)

    async def run(self, work: Work[T]) -> T:
        """Do it on a connection that sees the views."""
        return await self._connections.run(work)

    async def begin(self, projection: Projection, *, anew: bool = False) -> Build:
        """The build to feed: the live one, or where that will not do, the one that is to replace it."""
        return await self.run(lambda c: builds.begin(c, projection, home=self._home, anew=anew))

    async def positions(self, build: Build) -> dict[Partition, Position]:
        """How far a build reflects the log."""
        return await self.run(lambda connection: builds.positions_of(connection, build))

    async def apply(self, projection: Projection, build: Build, stretches: Sequence[Stretch]) -> None:
        """Change the rows as these stretches want, and the positions with them."""

        async def work(connection: Connection) -> None:
            async with connection.transaction():
                await self._enter(connection, build)
                stored = await builds.positions_of(connection, build)
                fresh = list(_fresh(stretches, stored))
                await _change(connection, projection, fresh)
                await _move(connection, build, fresh)

        if stretches:
            await self.run(work)

    async def make_live(self, build: Build, catch_up: CatchUp) -> None:
        """Let readers see this build instead of the live one, once it reflects at least as much."""
        await self.run(lambda c: builds.make_live(c, build, home=self._home, catch_up=catch_up))
        await self.run(lambda c: builds.drop_retired(c, build.projection, home=self._home))

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()

    async def _enter(self, connection: Connection, build: Build) -> None:
        """Lock the build, and see its tables before ours."""
        path = f"{build.schema(self._home)},{self._home}"
        state = await connection.fetchval(_ENTER, build.projection, build.number, path)
        if state not in {"live", "building"}:
            raise BuildRetired(f"Build {build.number} of '{build.projection}' was replaced by another.")


def _fresh(stretches: Sequence[Stretch], stored: dict[Partition, Position]) -> Iterator[Stretch]:
    """What of the stretches is not reflected yet."""
    for stretch in stretches:
        here = stored.get(stretch.partition, START)
        if here.offset < stretch.start.offset:
            raise Behind(f"{stretch.partition}: expected to go on at {here.offset}, but got {stretch.start.offset}.")
        if here.offset < stretch.end.offset:
            seen = [event for event in stretch.seen if event.offset >= here.offset]
            yield stretch._replace(start=here, seen=seen)


async def _change(connection: Connection, projection: Projection, stretches: Sequence[Stretch]) -> None:
    if projection.write is not None:
        await projection.write(connection, stretches)
    statements = [
        statement
        for stretch in stretches
        for seen in stretch.seen
        for statement in projection.rows(seen.meta, seen.event)
    ]
    for sql, arguments in grouped([_storable(statement) for statement in statements]):
        await connection.executemany(sql, arguments)


async def _move(connection: Connection, build: Build, stretches: Sequence[Stretch]) -> None:
    if not stretches:
        return
    streams, numbers = zip(*(stretch.partition for stretch in stretches), strict=True)
    ends = [stretch.end for stretch in stretches]
    await connection.execute(
        _MOVE,
        build.projection,
        build.number,
        streams,
        numbers,
        [end.offset for end in ends],
        [end.epoch for end in ends],
        [end.sequence for end in ends],
        [end.left for end in ends],
    )


def _storable(statement: Statement) -> Statement:
    return statement._replace(arguments=tuple(storable(a) if isinstance(a, str) else a for a in statement.arguments))
