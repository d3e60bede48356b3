"""Plain SQL migrations of one schema: numbered files, applied in order, each exactly once.

All that are missing are applied in one transaction, which also writes down what it applied: a crash leaves either all
of them or none. A lock of the database keeps two processes from migrating at once; it ends with the transaction, so
also with a process that dies. Whoever waited for it then finds nothing left to do. An applied file is history: should
it have been edited, or should the database have one that we do not know, that is said, and nothing is touched.
"""

import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

from foldgate.database.connections import Connection

_FILE = re.compile(r"(\d{4})_\w+\.sql")
_SCHEMA = re.compile(r"[a-z][a-z0-9_]{0,50}")
_APPLIED = """
CREATE TABLE IF NOT EXISTS migration (
    number int PRIMARY KEY,
    name text NOT NULL,
    digest text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationError(Exception):
    """The schema and the migrations we have do not fit together."""


class Migration(NamedTuple):
    """One step of a schema's history."""

    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """What tells an edited file from the one that was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations_of(package: str) -> list[Migration]:
    """The migrations in the folder `migrations` of a package, in order."""
    return read_migrations(files(package) / "migrations")


def read_migrations(folder: Traversable) -> list[Migration]:
    """The migrations in a folder: `0001_what.sql`, `0002_what.sql`, without a gap."""
    found: list[Migration] = []
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        match = _FILE.fullmatch(file.name)
        if not match or int(match[1]) != len(found) + 1:
            raise MigrationError(f"Expected migration {len(found) + 1:04d}_what.sql next, but found {file.name}.")
        found.append(Migration(int(match[1]), file.name, file.read_text()))
    return found


async def migrate(connection: Connection, schema: str, migrations: Sequence[Migration]) -> list[str]:
    """Bring the schema up to the last migration; returns the names of those that were missing."""
    if not _SCHEMA.fullmatch(schema):
        raise MigrationError(
            f"Expected the name of a schema to be lower case letters, digits and '_', but it is '{schema}'."
        )
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('foldgate migrate ' || $1, 0))", schema)
        await _make_schema(connection, schema)
        missing = _missing(schema, await _applied(connection), migrations)
        for migration in missing:
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO migration (number, name, digest) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.digest,
            )
    return [migration.name for migration in missing]


async def _make_schema(connection: Connection, schema: str) -> None:
    if not await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", schema):
        await connection.execute(f'CREATE SCHEMA "{schema}"')
    await connection.execute(f'SET LOCAL search_path TO "{schema}"')


async def _applied(connection: Connection) -> dict[int, tuple[str, str]]:
    if not await connection.fetchval("SELECT to_regclass('migration') IS NOT NULL"):
        await connection.execute(_APPLIED)
    rows = await connection.fetch("SELECT number, name, digest FROM migration")
    return {row["number"]: (row["name"], row["digest"]) for row in rows}


def _missing(schema: str, applied: dict[int, tuple[str, str]], migrations: Sequence[Migration]) -> Sequence[Migration]:
    known = {migration.number: migration for migration in migrations}
    for number, (name, digest) in sorted(applied.items()):
        if number not in known:
            raise MigrationError(
                f"Expected schema '{schema}' to be at most at migration {len(migrations):04d}, but {name} was applied: "
                "a newer Foldgate has used it. Use that version, or another database."
            )
        if known[number].digest != digest:
            raise MigrationError(
                f"Expected {name} of schema '{schema}' to be as it was when it was applied, but it was edited. "
                "Undo the edit, and put the change into a new migration."
            )
    return [migration for migration in migrations if migration.number not in applied]
