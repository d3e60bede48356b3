"""Plain SQL migrations: in order, once, all or none, and history is not edited."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from foldgate.database.connections import Connections
from foldgate.database.migrate import Migration, MigrationError, migrate, migrations_of, read_migrations

FIRST = Migration(1, "0001_first.sql", "CREATE TABLE first (n int); INSERT INTO first VALUES (1)")
SECOND = Migration(2, "0002_second.sql", "ALTER TABLE first ADD COLUMN m int; UPDATE first SET m = n + 1")
BROKEN = Migration(2, "0002_second.sql", "CREATE TABLE second (n int); SELECT no_such_function()")


async def bring_up(url: str, *migrations: Migration, schema: str = "s") -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return await migrate(connection, schema, migrations)
    finally:
        await connection.close()


async def fetch(url: str, query: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url, server_settings={"search_path": "s"})
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def test_each_is_applied_once_in_order(postgres_url: str) -> None:
    assert await bring_up(postgres_url, FIRST) == [FIRST.name]
    assert await bring_up(postgres_url, FIRST) == []
    assert await bring_up(postgres_url, FIRST, SECOND) == [SECOND.name]
    assert await fetch(postgres_url, "SELECT n, m FROM first") == [(1, 2)]


async def test_many_at_once_apply_each_once(postgres_url: str) -> None:
    applied = await asyncio.gather(*(bring_up(postgres_url, FIRST, SECOND) for _ in range(6)))
    assert sorted(applied) == [[]] * 5 + [[FIRST.name, SECOND.name]]
    assert await fetch(postgres_url, "SELECT n, m FROM first") == [(1, 2)]


async def test_one_that_fails_leaves_nothing_of_any(postgres_url: str) -> None:
    with pytest.raises(asyncpg.UndefinedFunctionError):
        await bring_up(postgres_url, FIRST, BROKEN)
    assert await fetch(postgres_url, "SELECT 1 FROM pg_namespace WHERE nspname = 's'") == []
    assert await bring_up(postgres_url, FIRST, SECOND) == [FIRST.name, SECOND.name]


async def test_an_edited_one_is_named(postgres_url: str) -> None:
    await bring_up(postgres_url, FIRST)
    with pytest.raises(MigrationError, match=r"0001_first\.sql of schema 's'.*was edited.*new migration"):
        await bring_up(postgres_url, FIRST._replace(sql=FIRST.sql + " "), SECOND)
    assert await fetch(postgres_url, "SELECT * FROM first") == [(1,)]


async def test_one_of_a_newer_version_is_named(postgres_url: str) -> None:
    await bring_up(postgres_url, FIRST, SECOND)
    with pytest.raises(MigrationError, match=r"0002_second\.sql was applied: a newer Foldgate"):
        await bring_up(postgres_url, FIRST)


async def test_schemas_do_not_mix(postgres_url: str) -> None:
    await bring_up(postgres_url, FIRST)
    assert await bring_up(postgres_url, FIRST, schema="other") == [FIRST.name]
    with pytest.raises(MigrationError, match="'Nice; DROP'"):
        await bring_up(postgres_url, FIRST, schema="Nice; DROP")


async def test_a_lost_connection_is_made_good(postgres_url: str) -> None:
    connections = Connections(postgres_url, schema="public")
    pid = await connections.run(lambda c: c.fetchval("SELECT pg_backend_pid()"))
    other = await asyncpg.connect(postgres_url)
    await other.execute("SELECT pg_terminate_backend($1)", pid)
    assert await connections.run(lambda c: c.fetchval("SELECT pg_backend_pid()")) != pid
    with pytest.raises(asyncpg.UndefinedTableError):  # what is wrong with the work is not tried again
        await connections.run(lambda c: c.fetchval("SELECT * FROM nothing"))
    await other.close()
    await connections.close()


def test_files_are_numbered_without_a_gap(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("SELECT 1")
    assert read_migrations(tmp_path) == [Migration(1, "0001_a.sql", "SELECT 1")]
    (tmp_path / "0003_c.sql").write_text("SELECT 3")
    with pytest.raises(MigrationError, match=r"0002_what\.sql next, but found 0003_c\.sql"):
        read_migrations(tmp_path)


@pytest.mark.parametrize("package", ["foldgate.eventlog", "foldgate.readmodel"])
def test_ours_are_in_order(package: str) -> None:
    assert migrations_of(package)
