"""Makes, replaces, revokes and lists API keys, in the database that the gateway looks them up in."""

import difflib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from foldgate.cli.finding import settings_of_suite
from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.terminal import console, harmless, note, say, say_json, table
from foldgate.cli.words import moment
from foldgate.database.connections import Connections
from foldgate.identity.api_keys import ALL_TENANTS, NAME, ROLE, TENANT, ApiKey, made
from foldgate.identity.roles import MEANING, ROLES
from foldgate.identity.store import ApiKeys, NameTaken, UnknownKey
from foldgate.language.durations import TimeInvalid, milliseconds
from foldgate.runtime.clock import SystemClock
from foldgate.runtime.settings import SettingsInvalid

_PATIENCE_S = 10.0
_MOST = 20


class NewKey(NamedTuple):
    """A key as somebody wants it."""

    name: str
    roles: tuple[str, ...]
    tenants: tuple[str, ...]
    expires_in: str


async def create_key(wanted: NewKey, *, data: Path | None, as_json: bool) -> None:
    """Make a key, and show it."""
    _check(wanted)
    now = SystemClock().now_ms()
    ends = now + _duration(wanted.expires_in, "--expires-in") if wanted.expires_in else None
    roles, tenants = tuple(dict.fromkeys(wanted.roles)), tuple(dict.fromkeys(wanted.tenants))
    key, text = made(wanted.name, roles=roles, tenants=tenants, at=now, expires_at=ends)
    async with _kept(data) as keys:
        try:
            await keys.add(key)
        except NameTaken as taken:
            raise AskedWrongly(str(taken)) from None
    _show_secret(key, text, as_json=as_json)


async def rotate_key(which: str, *, overlap: str, expires_in: str, data: Path | None, as_json: bool) -> None:
    """Make a key in place of another, and show it."""
    now = SystemClock().now_ms()
    until = now + _duration(overlap, "--overlap")
    ends = now + _duration(expires_in, "--expires-in") if expires_in else None
    new, text = made("", roles=(), tenants=(), at=now, expires_at=ends)
    async with _kept(data) as keys:
        try:
            key = await keys.replace(which, new, until=until)
        except UnknownKey as unknown:
            raise AskedWrongly(str(unknown)) from None
    if not as_json:
        note(f"The key before it is good until {moment(until)} at most.")
    _show_secret(key, text, as_json=as_json)


async def revoke_keys(which: str, *, data: Path | None, as_json: bool) -> None:
    """End keys."""
    async with _kept(data) as keys:
        try:
            ended = await keys.revoke(which, at=SystemClock().now_ms())
        except UnknownKey as unknown:
            raise AskedWrongly(str(unknown)) from None
    if as_json:
        say_json([_document(key) for key in ended])
    for key in () if as_json else ended:
        say(f"{key.id} of '{key.name}' is revoked. Gateways let nobody in by it after two seconds.")


async def print_keys(*, everything: bool, data: Path | None, as_json: bool) -> None:
    """All that last, or all there ever were."""
    now = SystemClock().now_ms()
    async with _kept(data) as keys:
        found = [key for key in await keys.all() if everything or key.lasts(now)]
    if as_json:
        say_json([_document(key) for key in found])
        return
    shown = table("id", "name", "roles", "tenants", "status", "until", "last used")
    for key in found:
        shown.add_row(
            key.id,
            harmless(key.name, most=40),
            *(harmless(", ".join(names), most=50) for names in (key.roles, key.tenants)),
            key.status(now),
            moment(key.revoked_at or key.expires_at),
            moment(key.last_used_at),
        )
    console().print(shown)


@asynccontextmanager
async def _kept(data: Path | None) -> AsyncIterator[ApiKeys]:
    settings = settings_of_suite(data)
    if settings.postgres is None:
        raise SettingsInvalid(
            "FOLDGATE_POSTGRES: expected postgresql://… of the gateway, which keeps the keys, but it is not set."
        )
    connections = Connections(settings.postgres, schema=f"{settings.suite}_gate", size=1, patience_s=_PATIENCE_S)
    try:
        keys = ApiKeys(connections, suite=settings.suite)
        await keys.prepare()
        yield keys
    finally:
        await connections.close()


def _check(wanted: NewKey) -> None:
    if NAME.fullmatch(wanted.name) is None:
        what = "Expected a name of 1 to 100 letters, digits, '.', '_', '-' and '@'"
        raise AskedWrongly(f"{what}, but got '{harmless(wanted.name, most=100)}'.")
    for role in wanted.roles:
        _check_role(role)
    if not set(wanted.roles) & set(ROLES):
        listed = "\n".join(f"  {role}: {meaning}" for role, meaning in MEANING.items())
        raise AskedWrongly(f"Expected one of these among the roles, or the key opens nothing:\n{listed}")
    for tenant in wanted.tenants:
        if tenant != ALL_TENANTS and TENANT.fullmatch(tenant) is None:
            what = "Expected a tenant of 1 to 63 lower case letters, digits, '_', '.' and '-', or '*'"
            raise AskedWrongly(f"{what}, but got '{harmless(tenant, most=100)}'.")
    if len(wanted.tenants) > _MOST or len(wanted.roles) > _MOST:
        raise AskedWrongly(f"Expected at most {_MOST} roles, and as many tenants, but there are more.")


def _check_role(role: str) -> None:
    """A role may be any, but one that is nearly one of ours was meant as that."""
    if ROLE.fullmatch(role) is None:
        raise AskedWrongly(f"Expected a role of 1 to 64 letters and digits, but got '{harmless(role, most=100)}'.")
    near = difflib.get_close_matches(role.lower().replace("-", "_"), ROLES, n=1, cutoff=0.8)
    if near and role not in ROLES:
        raise AskedWrongly(f"Expected a role, but got '{role}': did you mean '{near[0]}'?")


def _duration(text: str, option: str) -> int:
    try:
        return milliseconds(text)
    except TimeInvalid as error:
        raise AskedWrongly(f"{option}: {error}") from None


def _show_secret(key: ApiKey, text: str, *, as_json: bool) -> None:
    if as_json:
        say_json({**_document(key), "key": text})
        return
    say(text)
    has = f"{_listed(key.roles)} of {_listed(key.tenants)}"
    until = "for ever" if key.expires_at is None else f"until {moment(key.expires_at)}"
    note(f"The key of '{key.name}': {has}, {until}. Keep it: it is not shown again. Send it as X-API-Key.")


def _listed(names: Sequence[str]) -> str:
    return ", ".join("all tenants" if name == ALL_TENANTS else name for name in names)


def _document(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "roles": list(key.roles),
        "tenants": list(key.tenants),
        "status": key.status(SystemClock().now_ms()),
        "created_at": moment(key.created_at),
        **{
            name: None if value is None else moment(value)
            for name, value in (
                ("expires_at", key.expires_at),
                ("revoked_at", key.revoked_at),
                ("last_used_at", key.last_used_at),
            )
        },
        "replaced_by": key.replaced_by,
    }
