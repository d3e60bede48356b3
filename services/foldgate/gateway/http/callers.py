"""Callers: as whom a request was let in, whose objects it means, and what it may do."""

from typing import NamedTuple

from starlette.requests import HTTPConnection

from foldgate.gateway.http.problems import Problem
from foldgate.identity.api_keys import ALL_TENANTS
from foldgate.identity.roles import Role, may

CALLER = "foldgate.caller"


class Identity(NamedTuple):
    """Somebody who has shown who he is. Requests are counted by `counted_as`."""

    principal: str
    roles: tuple[str, ...]
    tenants: tuple[str, ...]
    counted_as: str


LOCAL = Identity("local", ("admin",), (ALL_TENANTS,), counted_as="local")
"""Whoever asks where no key is needed: everybody on this machine."""


class Caller(NamedTuple):
    """Who asks, and whose objects it may see. `roles` are all that it has: those by which operations are allowed, and
    those by which votes count. `everywhere`: all tenants are meant, because it may see them all and has named none."""

    tenant: str
    principal: str
    roles: tuple[str, ...] = ()
    counted_as: str = ""
    everywhere: bool = False


def caller_of(request: HTTPConnection) -> Caller:
    """The caller of a request that was let in."""
    caller: Caller = request.scope[CALLER]
    return caller


def check_role(caller: Caller, needed: Role) -> None:
    """A problem unless the caller has that role, or one that has it within."""
    if not may(caller.roles, needed):
        has = ", ".join(f"'{role[:40]}'" for role in caller.roles[:10]) or "none"
        what = f"Expected somebody with the role '{needed}', but '{caller.principal[:100]}' has {has}."
        raise Problem("forbidden", f"{what} Ask with another key, or whoever makes keys for another role.")
