"""Pools and routes as services go by them: made of a document that was prepared, and carried by events as JSON."""

from functools import lru_cache
from typing import Any

import msgspec

from foldgate.contracts.events import PoolChanged

DRAINING, OVERLOADED, REMOVED = "draining", "overloaded", "removed"
"""Why a pool takes no jobs; the first two also together, with a comma between them."""


class PoolLimit(msgspec.Struct, frozen=True):
    """How many jobs of one value of `key` a pool may hold at once, and may begin in any minute; None is no limit."""

    key: str
    max_concurrent: int | None = None
    per_minute: int | None = None


class PoolTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The terms of one pool. A default here is part of what every published document means: it never changes."""

    name: str
    capabilities: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    max_waiting: int = 100_000
    max_cpu_percent: int = 95
    max_gpu_percent: int = 95
    retry_share: float = 0.2
    age_step_ms: int = 60_000
    limits: tuple[PoolLimit, ...] = ()

    def text(self) -> str:
        """As events carry it."""
        return _json(self.form())

    def form(self) -> dict[str, Any]:
        """All but what is so by default."""
        form = msgspec.to_builtins(self)
        return {name: value for name, value in form.items() if _DEFAULTS.get(name) != value}


_DEFAULTS: dict[str, Any] = {
    name: value for name, value in msgspec.to_builtins(PoolTerms(name="")).items() if name != "name"
}


class PoolRoute(msgspec.Struct, frozen=True):
    """Where jobs of these topics go: to the first of the pools that is open and fits."""

    topics: tuple[str, ...]
    pools: tuple[str, ...]


class Layout(msgspec.Struct, frozen=True):
    """Which pools there are, and which topics go to them: the first route that matches says it."""

    pools: tuple[PoolTerms, ...] = ()
    routes: tuple[PoolRoute, ...] = ()

    def pool(self, name: str) -> PoolTerms | None:
        """The terms of a pool; None if there is no such pool."""
        return next((pool for pool in self.pools if pool.name == name), None)

    def text(self) -> str:
        """As events carry it."""
        return _json({"pools": [pool.form() for pool in self.pools], "routes": self.routes})


def drained_for(change: PoolChanged) -> str:
    """Why a pool is drained, in the words of whoever drains it; empty if nobody does, or they said nothing."""
    return change.words if DRAINING in change.reason else ""


def _json(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


@lru_cache(maxsize=1024)
def terms_of(text: str) -> PoolTerms:
    """The terms that an event carries. Only for what `PoolTerms.text` made: nothing is checked again."""
    return msgspec.json.decode(text, type=PoolTerms)


@lru_cache(maxsize=64)
def layout_of(canonical: str) -> Layout:
    """What a canonical document means. Only for what `prepare` made: nothing is checked again."""
    return msgspec.json.decode(canonical, type=Layout)
