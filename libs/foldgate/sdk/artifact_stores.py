"""The stores of artifacts that come with the SDK: PostgreSQL, which is what a suite has, and a folder.

Which one is said in FOLDGATE_ARTIFACTS, the same for the gateway and for workers over the log: `postgresql://…`, or the
path of a folder that they share. Any other is a class with `put` and `get` (`artifacts.py`), given to the worker.
What is written twice is there once, and a crash leaves it whole or not at all, in both.
"""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

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
from foldgate.sdk.artifacts import MAX_BYTES, ArtifactsUnreachable, checked, digest_of, fitting, reference_of

if TYPE_CHECKING:
    from foldgate.sdk.worker import Worker

_PUT = "SELECT put_artifact($1, $2)"
_GET = "SELECT get_artifact($1, $2)"
_CONNECTIONS = 2
"""Each with an artifact in hand, which may be large."""


class PostgresArtifacts:
    """Artifacts beside the log of a suite, in its schema. Roles of services and workers put and fetch by functions."""

    def __init__(self, url: str, *, suite: str, most: int = MAX_BYTES, patience_s: float = PATIENCE_S) -> None:
        self._connections = Connections(url, schema=suite, size=_CONNECTIONS, patience_s=patience_s)
        self._suite, self._most = suite, most
        self._is_ready = False

    async def put(self, data: bytes, *, tenant: str) -> str:
        """Keep these bytes, and say under which reference."""
        digest = await self._asked(_PUT, tenant, fitting(data, self._most))
        assert digest is not None
        return f"sha256:{digest.hex()}"

    async def get(self, reference: str, *, tenant: str) -> bytes:
        """The bytes, compared with their reference."""
        return checked(reference, await self._asked(_GET, tenant, bytes.fromhex(digest_of(reference))))

    async def close(self) -> None:
        """Let the connections go."""
        await self._connections.close()

    async def _asked(self, sql: str, tenant: str, what: bytes) -> bytes | None:
        async def work(connection: Connection) -> bytes | None:
            if not self._is_ready:
                await migrate(connection, self._suite, migrations_of("foldgate.eventlog"))
                self._is_ready = True
            found: bytes | None = await connection.fetchval(sql, tenant, what)
            return found

        try:
            return await self._connections.run(work)
        except (DatabaseUnavailable, DatabaseRefused, MigrationError) as error:
            raise ArtifactsUnreachable(str(error)) from error
        except asyncpg.InsufficientPrivilegeError as error:
            raise ArtifactsUnreachable(
                f"Expected a role that may put and fetch artifacts, but: {error}. Make the roles anew:"
                " `foldgate database roles`."
            ) from error


class FolderArtifacts:
    """Artifacts in a folder: one for each tenant in it, and there a file for each, named by its digest."""

    def __init__(self, folder: Path, *, most: int = MAX_BYTES) -> None:
        self._folder, self._most = folder, most

    async def put(self, data: bytes, *, tenant: str) -> str:
        """Keep these bytes, and say under which reference."""
        fitting(data, self._most)
        with _told():
            return await asyncio.to_thread(self._write, data, tenant)

    async def get(self, reference: str, *, tenant: str) -> bytes:
        """The bytes, compared with their reference."""
        place = self._place(tenant, digest_of(reference))
        with _told():
            return checked(reference, await asyncio.to_thread(_read, place))

    async def close(self) -> None:
        """There is nothing to close."""

    def _place(self, tenant: str, digest: str) -> Path:
        """No name of a tenant leads out of the folder."""
        return self._folder / f"t-{tenant.encode().hex()}" / digest[:2] / digest

    def _write(self, data: bytes, tenant: str) -> str:
        reference = reference_of(data)
        place = self._place(tenant, digest_of(reference))
        if _read(place) != data:  # a file that was damaged is replaced
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _written(place, data)
        return reference


def _read(place: Path) -> bytes | None:
    try:
        return place.read_bytes()
    except FileNotFoundError:
        return None


def _written(place: Path, data: bytes) -> None:
    scratch = place.with_name(f".{place.name}.{secrets.token_hex(6)}")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(place)
    finally:
        scratch.unlink(missing_ok=True)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArtifactsUnreachable(f"Expected the folder of artifacts to be there, but: {error}.") from error


Store = PostgresArtifacts | FolderArtifacts


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
