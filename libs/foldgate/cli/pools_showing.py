"""Shows pools: each with its workers and what waits, which topics go where, and the document itself."""

from pathlib import Path
from typing import Any

import yaml

from foldgate.authority.pools import Pools
from foldgate.authority.pools_terms import Layout, PoolTerms
from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.pools_known import Pool, known, pools
from foldgate.cli.reaching import Reached, opened
from foldgate.cli.terminal import console, harmless, note, plain, say, say_json, table
from foldgate.cli.workers_showing import print_table, workers_of

NOTHING_SAID = "Nobody has said which pools there are: a job goes where it asks to go, else to 'default'."


class NoSuchPool(AskedWrongly):
    """There is no pool of that name."""


async def print_pools(*, data: Path | None, as_json: bool) -> None:
    """Every pool, and every route."""
    async with opened(data) as suite:
        held, found = await _found(suite)
    routes = (held.layout or Layout()).routes
    if as_json:
        numbers = {"revision": held.revision, "number": held.number}
        say_json({**numbers, "pools": [pool.as_object() for pool in found], "routes": plain(routes)})
        return
    shown = table("pool", "state", "capabilities", "tenants", "#workers", "#room", "#held", "#waiting")
    for pool in found:
        shown.add_row(*_row(pool), style="yellow" if pool.closed else None)
    console().print(shown)
    if held.layout is None:
        note(NOTHING_SAID)
        return
    ways = table("#route", "topics", "pools, the first open one that fits")
    for place, route in enumerate(routes, 1):
        ways.add_row(str(place), harmless(", ".join(route.topics), most=80), harmless(" → ".join(route.pools), most=80))
    console().print(ways)


def _row(pool: Pool) -> tuple[str, ...]:
    capabilities, tenants = "any", "all"
    if pool.terms is not None:
        capabilities = ", ".join(pool.terms.capabilities) or "none"
        tenants = ", ".join(pool.terms.tenants) or "all"
    counts = (str(pool.described[name]) for name in ("workers", "room", "held", "waiting"))
    state = f"{pool.state}: {harmless(pool.words, most=40)}" if pool.words else pool.state
    return harmless(pool.name), state, harmless(capabilities, most=40), harmless(tenants, most=40), *counts


async def print_pool(name: str, *, data: Path | None, as_json: bool) -> None:
    """One pool, its terms, and who works there."""
    async with opened(data) as suite:
        (_, found), lease_ms = await _found(suite), suite.settings.lease_ms
    pool = next((one for one in found if one.name == name), None)
    if pool is None:
        there = ", ".join(one.name for one in found) or "none"
        raise NoSuchPool(f"Expected a pool, but there is no '{harmless(name, most=100)}'. There is: {harmless(there)}.")
    workers = workers_of(pool, lease_ms)
    if as_json:
        say_json({**pool.as_object(), "each": [worker.as_object() for worker in workers]})
        return
    state = f"{pool.state}: {harmless(pool.words)}" if pool.words else pool.state
    say(f"{harmless(pool.name)}  {state}", style="yellow" if pool.closed else "bold green")
    counts = (f"{pool.described[name]} {name}" for name in ("workers", "room", "held", "waiting"))
    say(f"  {', '.join(counts)}")
    for line in _terms(pool.terms) if pool.terms is not None else ():
        say(f"  {line}")
    if workers:
        print_table(workers)


def _terms(terms: PoolTerms) -> list[str]:
    form = plain(terms)
    lines = [f"{name:<16} {_spelt(value)}" for name, value in form.items() if name not in ("name", "limits")]
    return lines + [f"{'limit':<16} {_spelt(limit)}" for limit in form["limits"]]


def _spelt(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={each}" for name, each in value.items() if each is not None) or "-"
    return ", ".join(value) or "-" if isinstance(value, list) else str(value)


async def print_document(*, data: Path | None, as_json: bool) -> None:
    """What holds, in the form in which it is put."""
    async with opened(data) as suite:
        held = await known(suite)
    if held.layout is None:
        raise NoSuchPool("Expected a document, but nobody has put one: see `foldgate pools put --help`.")
    form = document(held.layout)
    if as_json:
        say_json({"revision": held.revision, "number": held.number, **form})
        return
    for line in yaml.safe_dump(form, sort_keys=False, allow_unicode=True).splitlines():
        say(harmless(line))


def document(layout: Layout) -> dict[str, Any]:
    """Pools and routes as somebody would write them."""
    form: dict[str, Any] = {"pools": [_written(pool) for pool in layout.pools]}
    return {**form, "routes": plain(layout.routes)}


def _written(pool: PoolTerms) -> dict[str, Any]:
    form = plain(pool.form())
    if (step := form.pop("age_step_ms", None)) is not None:
        form["age_step"] = f"{step}ms"
    if "limits" in form:
        form["limits"] = [{key: value for key, value in one.items() if value is not None} for one in form["limits"]]
    return {"name": form.pop("name"), **form}


async def _found(suite: Reached) -> tuple[Pools, list[Pool]]:
    held = await known(suite)
    return held, await pools(suite, held)
