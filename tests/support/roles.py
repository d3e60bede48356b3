"""A suite on a real PostgreSQL whose services and workers have a role each, as `foldgate database roles` makes them."""

import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from foldgate.contracts.access import DEFAULT_POOL, SERVICES, WORKER
from foldgate.eventlog.postgres import PostgresLog
from foldgate.eventlog.postgres_roles import role_of, roles_sql
from tests.support.logs import USED

PASSWORD = "of a role that lives for a test"
POOLS = (DEFAULT_POOL, "gpu-large")


class Suite(NamedTuple):
    """Its name, and the address of its database for whoever owns the schema."""

    name: str
    url: str

    def url_of(self, who: str, *, pool: str = DEFAULT_POOL) -> str:
        """The address for a service, or for the workers of a pool."""
        parts = urlsplit(self.url)
        role = quote(role_of(self.name, who, pool=pool))
        where = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{role}:{quote(PASSWORD)}@{where}"))

    @contextlib.asynccontextmanager
    async def log(self, who: str = "", *, pool: str = DEFAULT_POOL) -> AsyncIterator[PostgresLog]:
        """A log under the role of a service or a pool; under the owner's without a name."""
        log = await PostgresLog.connect(self.url_of(who, pool=pool) if who else self.url, suite=self.name)
        try:
            yield log
        finally:
            await log.close()

    @contextlib.asynccontextmanager
    async def connection(
        self, who: str, *, pool: str = DEFAULT_POOL
    ) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A connection of somebody who has a role's password, and uses it as he likes."""
        terms = {"search_path": self.name}
        connection = await asyncpg.connect(self.url_of(who, pool=pool), server_settings=terms)
        try:
            yield connection
        finally:
            await connection.close()


@contextlib.asynccontextmanager
async def suite_with_roles(url: str, *, pools: Sequence[str] = POOLS) -> AsyncIterator[Suite]:
    """A suite of that kind; roles are the whole server's, so these have names of their own, and are dropped."""
    suite = Suite(f"t{secrets.token_hex(5)}", url)
    roles = [role_of(suite.name, who) for who in SERVICES] + [role_of(suite.name, WORKER, pool=pool) for pool in pools]
    try:
        async with suite.log() as log:
            await log.prepare(USED)
            await log.administer(roles_sql(suite.name, pools=pools))
            for role in roles:
                await log.administer(f"ALTER ROLE \"{role}\" PASSWORD '{PASSWORD}'")
        yield suite
    finally:
        owner = await asyncpg.connect(url)
        for role in roles:
            if await owner.fetchval("SELECT to_regrole($1) IS NOT NULL", f'"{role}"'):
                await owner.execute(f'DROP OWNED BY "{role}" CASCADE')
                await owner.execute(f'DROP ROLE "{role}"')
        await owner.close()
