"""The doctor says when PostgreSQL takes nothing that it is given."""

import asyncpg

from foldgate.cli.diagnosis import Finding
from foldgate.cli.server_checks import check_postgres
from tests.support.suite import settings


async def room(url: str) -> Finding:
    [found] = [one for one in await check_postgres(settings(postgres=url)) if one.check == "room"]
    return found


async def test_it_tries_and_leaves_nothing(postgres_url: str) -> None:
    assert (await room(postgres_url)).state == "ok"
    connection = await asyncpg.connect(postgres_url)
    try:
        assert not await connection.fetchval("SELECT count(*) FROM pg_class WHERE relname = 'tried'")
    finally:
        await connection.close()


async def test_it_says_why_nothing_is_taken(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        database = await connection.fetchval("SELECT current_database()")
        await connection.execute(f'ALTER DATABASE "{database}" SET default_transaction_read_only = on')
        found = await room(postgres_url)
    finally:
        await connection.close()
    assert found.state == "bad"
    assert "read-only" in found.found
    assert "goes on by itself" in found.advice


async def test_who_may_make_no_such_table_is_not_told_that_there_is_no_room(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        database = await connection.fetchval("SELECT current_database()")
        await connection.execute(f'REVOKE TEMPORARY ON DATABASE "{database}" FROM PUBLIC')
        await connection.execute("DROP ROLE IF EXISTS who_may_not; CREATE ROLE who_may_not LOGIN")
        other = postgres_url.replace("://foldgate@", "://who_may_not@")
        assert other != postgres_url
        assert (await room(other)).state == "ok"
    finally:
        await connection.execute("DROP ROLE who_may_not")
        await connection.close()
