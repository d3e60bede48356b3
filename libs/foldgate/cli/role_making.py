"""Makes the roles of a suite in its database, and says which."""

import re
from collections.abc import Sequence

from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.terminal import say
from foldgate.contracts.access import SERVICES, WORKER
from foldgate.eventlog.looking import without_password
from foldgate.eventlog.postgres import PostgresLog
from foldgate.eventlog.postgres_roles import role_of, roles_sql
from foldgate.runtime.settings import Settings, given

_SUITE = re.compile(r"[a-z][a-z0-9_]{0,30}")


def suite_named(suite: str | None) -> str:
    """The suite that is meant."""
    name = suite or given().get("FOLDGATE_SUITE") or "foldgate"
    if not _SUITE.fullmatch(name):
        raise AskedWrongly(f"Expected a suite's name to be lower case letters, digits and '_', but got '{name}'.")
    return name


async def apply_roles(settings: Settings, *, suite: str | None, pools: Sequence[str]) -> None:
    """Bring the schema up to date, make its roles, and name them."""
    if settings.postgres is None or settings.kafka is not None:
        raise AskedWrongly("Expected a suite whose log is in PostgreSQL, but this one's is in Kafka: it has ACLs.")
    name = suite_named(suite) if suite else settings.suite
    sql = roles_sql(name, pools=pools)
    log = await PostgresLog.connect(settings.postgres, suite=name)
    try:
        await log.administer(sql)
    finally:
        await log.close()
    made = [role_of(name, who) for who in SERVICES] + [role_of(name, WORKER, pool=pool) for pool in pools]
    say(f"Made at {without_password(settings.postgres)}: {', '.join(made)}")
    say("They may log in, and have no passwords yet: `ALTER ROLE … PASSWORD …`, or psql's \\password, gives them some.")
