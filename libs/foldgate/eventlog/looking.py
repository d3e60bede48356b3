"""What there is, looked at and not touched: a server, its version, and the streams of a suite on it.

For whoever must not create anything by asking: checks before a start, diagnoses, lists.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from foldgate.database.connections import Connection, Connections, DatabaseRefused, DatabaseUnavailable, Work
from foldgate.eventlog.log import LogUnavailable

PATIENCE_S = 5.0
T = TypeVar("T")


class Seen(NamedTuple):
    """A server that answers. `identity` is the cluster's id (Kafka); `streams` are the suite's, with their partition
    counts; `settings` are those of the server's that matter to us."""

    where: str
    version: str
    identity: str
    streams: Mapping[str, int]
    settings: Mapping[str, str]


async def asked(url: str, work: Work[T], *, schema: str = "public", patience_s: float = PATIENCE_S) -> T:
    """What the PostgreSQL at this address answers to one question, over a connection made for it."""
    connections = Connections(url, schema=schema, size=1, patience_s=patience_s)
    try:
        return await connections.run(work)
    except (DatabaseUnavailable, DatabaseRefused) as error:
        raise LogUnavailable(f"PostgreSQL at {without_password(url)}: {error}") from error
    finally:
        await connections.close()


async def look_at_postgres(url: str, *, suite: str, patience_s: float = PATIENCE_S) -> Seen:
    """The PostgreSQL at this address."""

    async def work(connection: Connection) -> Seen:
        shown = {name: str(await connection.fetchval(f"SHOW {name}")) for name in ("server_version", *_TELLING)}
        version = shown.pop("server_version")
        has_log = await connection.fetchval("SELECT to_regclass('stream') IS NOT NULL")
        rows = await connection.fetch("SELECT name, partitions FROM stream") if has_log else []
        return Seen(without_password(url), version, "", {row[0]: row[1] for row in rows}, shown)

    return await asked(url, work, schema=suite, patience_s=patience_s)


_TELLING = ("fsync", "synchronous_commit", "full_page_writes", "max_connections")


async def postgres_clock_ms(url: str, *, patience_s: float = PATIENCE_S) -> int:
    """What time the server has."""

    async def work(connection: Connection) -> int:
        return int(await connection.fetchval("SELECT extract(epoch FROM clock_timestamp()) * 1000"))

    return await asked(url, work, patience_s=patience_s)


_TRIAL = "CREATE TEMPORARY TABLE tried AS SELECT repeat('x', 1000) AS some FROM generate_series(1, 1000)"
"""A megabyte, which goes with its transaction."""


async def postgres_keeps_nothing(url: str, *, patience_s: float = PATIENCE_S) -> str:
    """Why the server would keep nothing that it is given, as where its disk is full; empty if it would. Whether it
    would may be tried by whoever may make temporary tables: by everybody, unless somebody took that away."""

    async def work(connection: Connection) -> str:
        trial = connection.transaction()
        await trial.start()
        try:
            await connection.execute(_TRIAL)
        except asyncpg.InsufficientPrivilegeError:
            return ""
        except (asyncpg.DiskFullError, asyncpg.ReadOnlySQLTransactionError) as error:
            return str(error)
        finally:
            await trial.rollback()
        return ""

    return await asked(url, work, patience_s=patience_s)


def without_password(url: str) -> str:
    """The address, fit to be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    where = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}:…@{where}"))
