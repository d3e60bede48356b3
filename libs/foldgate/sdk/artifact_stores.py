"""The stores of artifacts that come with the SDK: PostgreSQL, which is what a suite has, and a folder.

Which one is said in FOLDGATE_ARTIFACTS, the same for the gateway and for workers over the log: `postgresql://…`, or the
path of a folder that they share. Any other is a class with `put` and `get` (`artifacts.py`), given to the worker.
What is written twice is there once, and a crash leaves it whole or not at all, in both.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from foldgate.database.connections import (
    PATIENCE_S,
    Connection,
    Connections,
    DatabaseRefused,
    DatabaseUnavailable,
)
from foldgate.database.migrate import MigrationError, migrate, migrations_of
from foldgate.runtime.settings import Settings
from foldgate.sdk.artifact_folder import FolderArtifacts
from foldgate.sdk.artifacts import (
    MAX_BYTES,
    ArtifactsUnreachable,
    Idle,
    Reading,
    Settled,
    checked,
    digest_of,
    fitting,
    fitting_size,
    missing,
    whole,
)

if TYPE_CHECKING:
    from foldgate.sdk.worker import Worker

_PUT = "SELECT put_artifact($1, $2)"
_GET = "SELECT get_artifact($1, $2)"
_SIZE = "SELECT artifact_size($1, $2)"
_PART = "SELECT artifact_part($1, $2, $3, $4)"
_IDLE = "SELECT whose, which FROM idle_artifacts($1, $2)"
_SETTLE = "SELECT settle_artifact($1, $2, $3, $4)"
_CONNECTIONS = 2
"""Each with an artifact in hand, which may be large."""
PART_BYTES = 1024 * 1024


class PostgresArtifacts:
    """Artifacts beside the log of a suite, in its schema. Roles of services and workers put and fetch by functions."""

    def __init__(self, url: str, *, suite: str, most: int = MAX_BYTES, patience_s: float = PATIENCE_S) -> None:
        self._connections = Connections(url, schema=suite, size=_CONNECTIONS, patience_s=patience_s)
        self._suite, self._most = suite, most
        self._is_ready = False

    async def put(self, data: bytes, *, tenant: str) -> str:
        """Keep these bytes, and say under which reference."""
        digest = await self._asked(_PUT, tenant, fitting(data, self._most))
        return f"sha256:{digest.hex()}"

    async def get(self, reference: str, *, tenant: str) -> bytes:
        """The bytes, compared with their reference."""
        return checked(reference, await self._asked(_GET, tenant, _digest(reference)))

    async def put_file(self, file: Path, *, tenant: str) -> str:
        """Keep what is in a file: it is in memory for as long as the database takes."""
        fitting_size(await asyncio.to_thread(os.path.getsize, file), self._most)
        return await self.put(await asyncio.to_thread(file.read_bytes), tenant=tenant)

    async def read(self, reference: str, *, tenant: str) -> Reading:
        """Its size, and its parts, which are compared with the reference as they come."""
        size = await self._asked(_SIZE, tenant, _digest(reference))
        if size is None:
            raise missing(reference)
        return Reading(size, whole(reference, self._parts(reference, tenant, size)))

    async def idle(self, idle: timedelta, *, most: int) -> list[Idle]:
        """Those that were not used for so long, the idlest first."""
        found = await self._rows(_IDLE, idle, most)
        return [Idle(row["whose"], f"sha256:{row['which'].hex()}") for row in found]

    async def settle(self, one: Idle, *, idle: timedelta, grace: timedelta) -> Settled:
        """Condemn it, or remove it if it was condemned for long enough; unless it was used meanwhile."""
        said: Settled = await self._asked(_SETTLE, one.tenant, _digest(one.reference), idle, grace)
        return said

    async def spare(self, one: Idle) -> None:
        """Something names it: it counts as used."""
        await self._asked(_SIZE, one.tenant, _digest(one.reference))

    async def close(self) -> None:
        """Let the connections go."""
        await self._connections.close()

    async def _parts(self, reference: str, tenant: str, size: int) -> AsyncIterator[bytes]:
        for begin in range(0, size, PART_BYTES):
            part = await self._asked(_PART, tenant, _digest(reference), begin, PART_BYTES)
            if part is None:
                raise missing(reference)
            yield part

    async def _asked(self, sql: str, *given: Any) -> Any:
        rows = await self._rows(sql, *given)
        return rows[0][0]

    async def _rows(self, sql: str, *given: Any) -> Any:
        async def work(connection: Connection) -> Any:
            if not self._is_ready:
                await migrate(connection, self._suite, migrations_of("foldgate.eventlog"))
                self._is_ready = True
            return await connection.fetch(sql, *given)

        try:
            return await self._connections.run(work)
        except (DatabaseUnavailable, DatabaseRefused, MigrationError) as error:
            raise ArtifactsUnreachable(str(error)) from error
        except asyncpg.InsufficientPrivilegeError as error:
            raise ArtifactsUnreachable(
                f"Expected a role that may put and fetch artifacts, but: {error}. Make the roles anew:"
                " `foldgate database roles`."
            ) from error


Store = PostgresArtifacts | FolderArtifacts


def _digest(reference: str) -> bytes:
    return bytes.fromhex(digest_of(reference))


def store_at(place: str, *, suite: str, most: int = MAX_BYTES, patience_s: float = PATIENCE_S) -> Store:
    """The store that FOLDGATE_ARTIFACTS names."""
    if place.startswith(("postgresql://", "postgres://")):
        return PostgresArtifacts(place, suite=suite, most=most, patience_s=patience_s)
    return FolderArtifacts(Path(place), most=most)


def store_of(settings: Settings) -> Store | None:
    """The store of a suite; None where nothing says in which database it is."""
    place = settings.artifacts or settings.postgres
    patience_s = settings.retry_within_ms / 1000
    if place is None:
        return None
    return store_at(place, suite=settings.suite, most=settings.artifact_max_bytes, patience_s=patience_s)


@contextlib.asynccontextmanager
async def given_to(worker: "Worker", settings: Settings) -> AsyncIterator[None]:
    """The store of the suite, for a worker that has none of its own."""
    store = None if worker.artifacts is not None else store_of(settings)
    worker.artifacts = worker.artifacts or store
    try:
        yield
    finally:
        if store is not None:
            await store.close()
