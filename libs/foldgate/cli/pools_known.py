"""The pools of a suite: the stream of them folded, and what the scheduler knows of each, as it folds it itself."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from foldgate.authority.pools import Pools
from foldgate.authority.pools_terms import Layout, PoolTerms
from foldgate.cli.living import living
from foldgate.cli.reaching import Reached
from foldgate.cli.reading import StreamReader
from foldgate.cli.terminal import plain
from foldgate.contracts.topics import JOBS, POOLS

NOBODY: Mapping[str, Any] = {"workers": 0, "room": 0, "held": 0, "waiting": 0, "each": {}}
"""Of a pool that no worker and no job ever came to."""


class Pool(NamedTuple):
    """One pool: its terms, if the document has it; why it takes no jobs; what the scheduler says of it; and in whose
    words it is drained."""

    name: str
    terms: PoolTerms | None
    closed: str
    described: Mapping[str, Any]
    words: str = ""

    @property
    def state(self) -> str:
        """Whether it takes jobs, in a word."""
        return self.closed or "open"

    def as_object(self) -> dict[str, Any]:
        """As programs get it."""
        counts = {name: value for name, value in self.described.items() if name != "each"}
        terms = None if self.terms is None else plain(self.terms)
        why = {"reason": self.closed, "words": self.words}
        return {"name": self.name, "open": not self.closed, **why, "terms": terms, **counts}


async def known(suite: Reached) -> Pools:
    """Which pools there are, as of now."""
    table = Pools()
    if POOLS.name in suite.seen.streams:
        reader = await StreamReader.at(suite.log, suite.codec, stream=POOLS, starts={0: 0})
        async for seen in reader.there():
            if seen.accepted and seen.meta is not None and seen.event is not None:
                table.add(seen.meta, seen.event, seen.record.offset + 1)
    return table


async def pools(suite: Reached, table: Pools) -> list[Pool]:
    """Those of the document, in its order; then those that are only where somebody asked for them."""
    described = await living(suite, JOBS)
    layout = table.layout or Layout()
    named = [_named(pool, table, described) for pool in layout.pools]
    others = sorted(described.keys() - {pool.name for pool in layout.pools})
    return named + [_other(name, table, described[name]) for name in others]


def _named(terms: PoolTerms, table: Pools, described: Mapping[str, Mapping[str, Any]]) -> Pool:
    closed, words = (said.get(terms.name, "") for said in (table.closed, table.words))
    return Pool(terms.name, terms, closed, {**NOBODY, **described.get(terms.name, {})}, words)


def _other(name: str, table: Pools, described: Mapping[str, Any]) -> Pool:
    """Without a document each is open; with one, only those that it names."""
    closed = "" if table.layout is None else table.closed.get(name, "not in the document")
    return Pool(name, None, closed, {**NOBODY, **described})
