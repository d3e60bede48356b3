"""Pools and routes for tests, as the events that publish them."""

from typing import Any

import msgspec

from foldgate.authority.pools import Pools
from foldgate.authority.pools_reading import prepare
from foldgate.contracts.events import Event, PoolChanged, PoolsPublished
from tests.support.given import meta

TWO = {"pools": [{"name": "sre"}, {"name": "default"}], "routes": [{"topics": ["*"], "pools": ["sre", "default"]}]}
"""Everything goes to the one, and to the other where that is closed."""


def layout(pools: list[dict[str, Any]], *routes: tuple[str, list[str]]) -> dict[str, Any]:
    """A document: each route is a topic, and where it goes."""
    return {"pools": pools, "routes": [{"topics": [topic], "pools": names} for topic, names in routes]}


def source(document: dict[str, Any]) -> str:
    return msgspec.json.encode(document).decode()


def published(document: dict[str, Any], *, revision: int = 1, number: int = 1) -> PoolsPublished:
    prepared = prepare(source(document))
    return PoolsPublished(document=prepared.canonical, digest=prepared.digest, revision=revision, number=number)


def closed(pool: str, number: int, reason: str = "draining") -> PoolChanged:
    return PoolChanged(pool=pool, terms=f'{{"name":"{pool}"}}', is_open=False, number=number, reason=reason)


def opened(pool: str, number: int) -> PoolChanged:
    return PoolChanged(pool=pool, terms=f'{{"name":"{pool}"}}', is_open=True, number=number)


def take(table: Pools, *events: Event) -> Pools:
    """The table, once it has read these."""
    for event in events:
        table.add(meta("pools"), event, 0)
    return table
