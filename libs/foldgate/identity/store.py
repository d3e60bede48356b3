"""Where API keys are kept: a schema of its own in the gateway's PostgreSQL, `<suite>_gate`.

Every change is one transaction, and begins by counting the edition up: so changes wait for one another, and whoever
keeps a copy of the keys learns by one small query that it is old.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

import asyncpg

from foldgate.database.connections import Connection
from foldgate.database.migrate import migrate, migrations_of
from foldgate.identity.api_keys import ApiKey

T = TypeVar("T")
_COLUMNS = "id, name, digest, roles, tenants, created_at, expires_at, revoked_at, last_used_at, replaced_by"
_ALL = "SELECT {columns} FROM {home}.api_key ORDER BY name, created_at, id"
_LASTING = """
SELECT {columns} FROM {home}.api_key WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)
"""
_EDITION = "SELECT number FROM {home}.edition"
_CHANGED = "UPDATE {home}.edition SET number = number + 1"
_INSERT = """
INSERT INTO {home}.api_key (id, name, digest, roles, tenants, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_REPLACE = """
UPDATE {home}.api_key SET replaced_by = $2, expires_at = least(expires_at, $3) WHERE id = $1
"""
_REVOKE = """
UPDATE {home}.api_key SET revoked_at = $2 WHERE (id = $1 OR name = $1) AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > $2)
RETURNING {columns}
"""
_ONE = "SELECT {columns} FROM {home}.api_key WHERE id = $1"
_CURRENT = """
SELECT {columns} FROM {home}.api_key WHERE (id = $1 OR name = $1) AND revoked_at IS NULL AND replaced_by IS NULL
"""
_CURRENT_BY_NAME = _CURRENT.replace("(id = $1 OR name = $1)", "name = $1")
_USED = """
UPDATE {home}.api_key AS k SET last_used_at = greatest(k.last_used_at, u.at)
FROM unnest($1::text[], $2::bigint[]) AS u (id, at) WHERE k.id = u.id
"""


class Database(Protocol):
    """Does work on a connection of its own."""

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T: ...


class NameTaken(Exception):
    """Another key has that name, and lasts."""


class UnknownKey(Exception):
    """No key of that name or id lasts."""


class ApiKeys:
    """The keys of one suite."""

    def __init__(self, database: Database, *, suite: str) -> None:
        self._database, self._home = database, f"{suite}_gate"

    async def prepare(self) -> None:
        """Bring the schema up to date."""
        steps = migrations_of("foldgate.identity")
        await self._database.run(lambda connection: migrate(connection, self._home, steps))

    async def all(self) -> list[ApiKey]:
        """Every key there ever was."""
        return await self._database.run(lambda connection: self._keys(connection, _ALL))

    async def edition(self) -> int:
        """Rises whenever who may come in changes."""
        number: int = await self._database.run(lambda connection: connection.fetchval(self._sql(_EDITION)))
        return number

    async def lasting(self, at: int) -> tuple[int, list[ApiKey]]:
        """The keys that are good at that time, and of which edition they are at least."""

        async def work(connection: Connection) -> tuple[int, list[ApiKey]]:
            edition = await connection.fetchval(self._sql(_EDITION))
            return edition, await self._keys(connection, _LASTING, at)

        return await self._database.run(work)

    async def add(self, key: ApiKey) -> None:
        """Keep a new key; NameTaken if another of that name lasts. One of that name that has expired gives way."""

        async def work(connection: Connection) -> None:
            if await self._known(connection, key.id) is not None:  # done before the answer was lost
                return
            for other in await self._keys(connection, _CURRENT_BY_NAME, key.name):
                if other.lasts(key.created_at):
                    raise NameTaken(
                        f"Expected a name that no key has, but '{key.name}' is that of {other.id}: rotate or revoke it."
                    )
                await connection.execute(self._sql(_REPLACE), other.id, key.id, other.expires_at)
            await self._insert(connection, key)

        await self._change(work)

    async def replace(self, which: str, made: ApiKey, *, until: int) -> ApiKey:
        """Keep this key in place of that one, which ends at `until`, or sooner if it would have. It takes over name,
        roles, tenants and, if it has no end of its own, for how long the other was made. UnknownKey if none of that id
        or name lasts."""

        async def work(connection: Connection) -> ApiKey:
            if (known := await self._known(connection, made.id)) is not None:
                return known
            lasting = [one for one in await self._keys(connection, _CURRENT, which) if one.lasts(made.created_at)]
            if not lasting:
                raise UnknownKey(_unknown(which))
            key = _in_place_of(lasting[0], made)
            await connection.execute(self._sql(_REPLACE), lasting[0].id, key.id, until)
            await self._insert(connection, key)
            return key

        return await self._change(work)

    async def revoke(self, which: str, *, at: int) -> list[ApiKey]:
        """End the keys of that id or name now; UnknownKey if none of them lasts."""

        async def work(connection: Connection) -> list[ApiKey]:
            ended = await self._keys(connection, _REVOKE, which, at)
            if not ended:
                raise UnknownKey(_unknown(which))
            return ended

        return await self._change(work)

    async def note_used(self, used: Mapping[str, int]) -> None:
        """When keys were last used."""
        await self._database.run(lambda c: c.execute(self._sql(_USED), list(used), list(used.values())))

    async def _change(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async def change(connection: Connection) -> T:
            async with connection.transaction():
                await connection.execute(self._sql(_CHANGED))
                return await work(connection)

        return await self._database.run(change)

    async def _known(self, connection: Connection, key_id: str) -> ApiKey | None:
        found = await self._keys(connection, _ONE, key_id)
        return found[0] if found else None

    async def _insert(self, connection: Connection, key: ApiKey) -> None:
        values = (key.id, key.name, key.digest, key.roles, key.tenants, key.created_at, key.expires_at)
        await connection.execute(self._sql(_INSERT), *values)

    async def _keys(self, connection: Connection, sql: str, *arguments: Any) -> list[ApiKey]:
        return [_key(row) for row in await connection.fetch(self._sql(sql), *arguments)]

    def _sql(self, text: str) -> str:
        return text.format(home=self._home, columns=_COLUMNS)


def _key(row: asyncpg.Record) -> ApiKey:
    key = ApiKey(*row)
    return key._replace(roles=tuple(key.roles), tenants=tuple(key.tenants))


def _in_place_of(old: ApiKey, made: ApiKey) -> ApiKey:
    ends = made.expires_at
    if ends is None and old.expires_at is not None:
        ends = made.created_at + old.expires_at - old.created_at
    return made._replace(name=old.name, roles=old.roles, tenants=old.tenants, expires_at=ends)


def _unknown(which: str) -> str:
    return f"Expected the name or the id of a key that lasts, but got '{which[:100]}': see `foldgate api-keys list`."
