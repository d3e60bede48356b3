"""The builds of projections: which there are, and the moment in which another one becomes the live one.

A build is a schema with the projection's tables, and a row that says in which state it is. Making one, and making one
live, is a transaction each: a crash before its end leaves everything as it was, and a build that was begun is found
and continued by whoever comes next. The row of a build is the lock for all that happens to it. Whoever replaces the
live build holds its row while the new one catches up with it: nobody moves the old one on meanwhile, so readers never
see time go backwards, and however busy the log is, the new one gets there.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from foldgate.contracts.places import Partition, Position
from foldgate.database.connections import Connection
from foldgate.readmodel.projection import Projection

Positions = Mapping[Partition, Position]
CatchUp = Callable[[], Awaitable[None]]

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' builds of ' || $1, 0))"
_BUILDS = "SELECT number, edition, state FROM build WHERE projection = $1 ORDER BY number"
_ADD = "INSERT INTO build (projection, number, edition, state) VALUES ($1, $2, $3, $4)"
_LOCK = "SELECT state FROM build WHERE projection = $1 AND number = $2 FOR UPDATE"
_STATE = "UPDATE build SET state = $3 WHERE projection = $1 AND number = $2"
_FORGET = "DELETE FROM build WHERE projection = $1 AND number = $2"
_POSITIONS = """
SELECT stream, partition, "offset", epoch, sequence, "left" FROM position WHERE projection = $1 AND number = $2
"""
# A long query on the old views is waited for elsewhere: everybody would have to wait behind us.
_DO_NOT_QUEUE = "SET LOCAL lock_timeout = '500ms'"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY tablename"


class Build(NamedTuple):
    """One build of a projection."""

    projection: str
    number: int
    edition: str
    state: str

    def schema(self, home: str) -> str:
        """Where its tables are; `home` is the schema that has the views."""
        return f"{home}_{self.projection}_{self.number}"


async def builds_of(connection: Connection, projection: str) -> dict[str, list[Build]]:
    """All that there are, by state."""
    found: dict[str, list[Build]] = {"live": [], "building": [], "retired": []}
    for number, edition, state in await connection.fetch(_BUILDS, projection):
        found[state].append(Build(projection, number, edition, state))
    return found


async def positions_of(connection: Connection, build: Build) -> dict[Partition, Position]:
    """How far a build reflects the log."""
    rows = await connection.fetch(_POSITIONS, build.projection, build.number)
    return {Partition(stream, number): Position(*position) for stream, number, *position in rows}


async def begin(connection: Connection, projection: Projection, *, home: str, anew: bool) -> Build:
    """The build to feed: the live one, or where that will not do, the one that is to replace it.

    The very first is live at once: it has nothing to replace."""
    async with connection.transaction():
        await connection.execute(_ONE_AT_A_TIME, projection.name)
        builds = await builds_of(connection, projection.name)
        for build in builds["live"]:
            if build.edition == projection.edition and not anew:
                return build
        for build in builds["building"]:
            if build.edition == projection.edition:
                return build
            await _drop(connection, build, home=home)
        last = max((build.number for some in builds.values() for build in some), default=0)
        state = "building" if builds["live"] else "live"
        return await _make(
            connection, projection, Build(projection.name, last + 1, projection.edition, state), home=home
        )


async def make_live(connection: Connection, build: Build, *, home: str, catch_up: CatchUp) -> None:
    """Let readers see this build instead of the live one, once it reflects at least as much."""
    async with connection.transaction():
        [live] = (await builds_of(connection, build.projection))["live"]
        if await _locked(connection, live) != "live":
            return  # somebody has replaced it since; whatever is live now is for our caller to find
        await catch_up()
        if await _locked(connection, build) == "building":
            await connection.execute(_DO_NOT_QUEUE)
            await _replace(connection, live, build, home=home)


async def _locked(connection: Connection, build: Build) -> str | None:
    """The state of a build, which stays as it is until our transaction ends."""
    state: str | None = await connection.fetchval(_LOCK, build.projection, build.number)
    return state


async def _replace(connection: Connection, live: Build, build: Build, *, home: str) -> None:
    await connection.execute(_STATE, live.projection, live.number, "retired")
    await _hide(connection, live, home=home)
    await connection.execute(_STATE, build.projection, build.number, "live")
    await _show(connection, build, home=home)


async def drop_retired(connection: Connection, projection: str, *, home: str) -> None:
    """Throw away what nobody sees any more."""
    for build in (await builds_of(connection, projection))["retired"]:
        async with connection.transaction():
            await _drop(connection, build, home=home)


async def _make(connection: Connection, projection: Projection, build: Build, *, home: str) -> Build:
    schema = build.schema(home)
    await connection.execute(_ADD, *build)
    await connection.execute(f"CREATE SCHEMA {schema}")
    await connection.execute(f"SET LOCAL search_path TO {schema}")
    await connection.execute(projection.tables)
    await connection.execute(f"SET LOCAL search_path TO {home}")
    if build.state == "live":
        await _show(connection, build, home=home)
    return build


async def _show(connection: Connection, build: Build, *, home: str) -> None:
    schema = build.schema(home)
    for row in await connection.fetch(_TABLES, schema):
        table = row["tablename"]
        await connection.execute(f'CREATE VIEW {home}."{table}" AS TABLE {schema}."{table}"')


async def _hide(connection: Connection, build: Build, *, home: str) -> None:
    for row in await connection.fetch(_TABLES, build.schema(home)):
        await connection.execute(f'DROP VIEW IF EXISTS {home}."{row["tablename"]}"')


async def _drop(connection: Connection, build: Build, *, home: str) -> None:
    await connection.execute(f"DROP SCHEMA IF EXISTS {build.schema(home)} CASCADE")
    await connection.execute(_FORGET, build.projection, build.number)
