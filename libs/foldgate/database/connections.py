"""Connections to one PostgreSQL that may be away for a while.

`run` gives a piece of work a connection of its own and, when the server cannot be reached, gives it another one, until
patience ends. The work may therefore have been done once already when it is run: it says so itself how that is safe
(a single statement that checks what it changes, a transaction that is the same twice). Each time begins on a
connection with no transaction open; one on which anything went wrong is thrown away, together with what it had begun.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import chain, repeat
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import asyncpg

T = TypeVar("T")
if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection
Work: TypeAlias = Callable[[Connection], Awaitable[T]]

SIZE = 8
PATIENCE_S = 30.0
_CONNECT_S = 10.0
_PAUSES_S = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5)
AWAY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, or starting up
    asyncpg.InsufficientResourcesError,  # no connection or no disk left, for now
    asyncpg.TransactionRollbackError,  # a deadlock, which somebody had to lose
    asyncpg.LockNotAvailableError,  # we did not want to wait for a lock
)
_REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    ValueError,
)
_TERMS = {
    # What we say is done, is on disk; what a session leaves open does not stay open; text and times read alike.
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "idle_in_transaction_session_timeout": "30s",
    "timezone": "UTC",
    "jit": "off",
}


class DatabaseUnavailable(Exception):
    """The database could not be reached in time."""


class DatabaseRefused(Exception):
    """The database does not let us in, or the address is not one."""


class Connections:
    """Up to `size` connections to one database, made when they are needed and kept."""

    def __init__(
        self,
        url: str,
        *,
        schema: str,
        size: int = SIZE,
        patience_s: float = PATIENCE_S,
        terms: Mapping[str, str] | None = None,
    ) -> None:
        self._url = url
        self._terms = {**_TERMS, **(terms or {}), "search_path": schema, "application_name": f"foldgate {schema}"}
        self._free: list[Connection] = []
        self._places = asyncio.Semaphore(size)
        self._patience_s = patience_s
        self._closed = False

    async def run(self, work: Work[T]) -> T:
        """The result of the work, tried until it could be done or patience has ended."""
        seen: list[BaseException] = []
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._until_done(work, seen)
        except TimeoutError:
            why = seen[-1] if seen else "it did not"
            raise DatabaseUnavailable(
                f"Expected the database to answer within {self._patience_s:g} s, but: {why}."
            ) from (seen[-1] if seen else None)

    async def connect(self) -> Connection:
        """One more connection, which is the caller's to close."""
        try:
            return await asyncpg.connect(self._url, timeout=_CONNECT_S, server_settings=self._terms)
        except _REFUSED as error:
            raise DatabaseRefused(f"Expected to be let into the database, but: {error}") from error

    async def close(self) -> None:
        """Close the connections that are not in use; those in use close when they are given back."""
        self._closed = True
        try:
            while self._free:
                await closed(self._free.pop())
        finally:  # cut off while it waits for one, it leaves none of the others open
            while self._free:
                self._free.pop().terminate()

    async def _until_done(self, work: Work[T], seen: list[BaseException]) -> T:
        for pause_s in chain(_PAUSES_S, repeat(_PAUSES_S[-1])):
            try:
                return await self._once(work)
            except _Away as away:
                seen.append(away.error)
            await asyncio.sleep(pause_s)
        raise AssertionError

    async def _once(self, work: Work[T]) -> T:
        async with self._places:
            if self._closed:
                raise DatabaseUnavailable("Expected connections to the database, but they were closed.")
            try:
                connection = self._kept() or await self.connect()
            except (*AWAY, TimeoutError) as error:
                raise _Away(error) from error
            try:
                result = await work(connection)
            except BaseException as error:
                away = isinstance(error, (*AWAY, TimeoutError)) or connection.is_closed()
                connection.terminate()
                if away and isinstance(error, Exception):  # a cancellation is never tried again
                    raise _Away(error) from error
                raise
            self._give_back(connection)
            return result

    def _kept(self) -> Connection | None:
        while self._free:
            if not (connection := self._free.pop()).is_closed():
                return connection
        return None

    def _give_back(self, connection: Connection) -> None:
        if self._closed:
            connection.terminate()
        else:
            self._free.append(connection)


class _Away(Exception):
    """The server could not be reached, or left, in the middle of the work: what came of it is not known."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


async def closed(connection: Connection) -> None:
    """Close a connection in order, or cut it where the other side does not answer."""
    try:
        await connection.close(timeout=1.0)
    except (*AWAY, TimeoutError, asyncpg.InterfaceError):
        connection.terminate()
