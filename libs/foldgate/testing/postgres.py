"""Real PostgreSQL for tests: the server in FOLDGATE_POSTGRES if that is set, else one of our own; a database a test.

A test's database is made by copying an empty one, which costs some tens of milliseconds, and dropped after the test
together with whoever is still connected. On a given server nothing is touched but databases named as below.
"""

import asyncio
import contextlib
import itertools
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from foldgate.servers.account import NoAccount
from foldgate.servers.postgres import PostgresDidNotStart, PostgresServer
from foldgate.servers.postgres_binaries import NoPostgres
from foldgate.servers.postgres_cluster import PostgresUnusable

GIVEN = "FOLDGATE_POSTGRES"
_PREFIX = "foldgate_test"
_session = secrets.token_hex(4)
_numbers = itertools.count(1)


class NoServer(Exception):
    """No PostgreSQL is to be had; the message says why."""


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """The URL of a server on which we may create databases, for as long as the context lasts."""
    if given := os.environ.get(GIVEN):
        yield _answering(given)
    else:
        with own_server(folder) as postgres:
            yield postgres.url


@contextlib.contextmanager
def own_server(folder: Path) -> Iterator[PostgresServer]:
    """A server of our own, which a test may pause and kill."""
    postgres = PostgresServer(folder, report=lambda _: None)
    try:
        asyncio.run(postgres.start())
    except (NoAccount, NoPostgres, PostgresDidNotStart, PostgresUnusable) as error:
        raise NoServer(f"{GIVEN} is not set, and: {error}") from error
    try:
        yield postgres
    finally:
        asyncio.run(postgres.stop())


@contextlib.contextmanager
def database(server_url: str) -> Iterator[str]:
    """The URL of a fresh database on that server; gone afterwards."""
    name = f"{_PREFIX}_{_session}_{next(_numbers)}"
    asyncio.run(_execute(server_url, f"CREATE DATABASE {name}"))
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        asyncio.run(_execute(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


def _answering(url: str) -> str:
    try:
        asyncio.run(_execute(url, "SELECT 1"))
    except (OSError, asyncpg.PostgresError, ValueError) as error:
        raise NoServer(f"Expected a PostgreSQL at {GIVEN}, but: {error}") from error
    return url


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
