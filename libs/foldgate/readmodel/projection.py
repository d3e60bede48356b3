"""A projection as a value: which streams it reads, what its tables are, and what each event does to their rows.

`rows` is pure. It says in SQL what one event changes, and never asks whether the event was seen before: the position
that is stored with the rows answers that. Events under one key are applied in order; what different keys do must not
depend on which of them comes first, because partitions have no order among themselves.
"""

import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from foldgate.contracts.events import Event, Meta
from foldgate.contracts.places import Partition, Position
from foldgate.contracts.topics import stream_of
from foldgate.database.connections import Connection


class Statement(NamedTuple):
    """One change to the rows of one key."""

    key: str
    sql: str
    arguments: tuple[object, ...]


def storable(text: str) -> str:
    """PostgreSQL's text has no place for a zero character, and no event may stop a projection for it."""
    return text.replace("\0", "\ufffd")


def storable_json(value: object) -> str:
    """The value as JSON which PostgreSQL takes as such."""
    return msgspec.json.encode(value).decode().replace("\\u0000", "\\ufffd")


def columns(rows: Iterable[Sequence[object]]) -> list[list[object]]:
    """Many rows as `unnest` takes them."""
    return [[storable(one) if isinstance(one, str) else one for one in column] for column in zip(*rows, strict=True)]


def nothing(_: Meta, __: Event) -> Sequence[Statement]:
    """The rows of a projection that writes many events at once."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Projection:
    """A read model. `tables` is SQL that makes its tables in an empty schema. Raise `version` when `rows` changes its
    mind: then, as when `tables` changes, it is built anew from the beginning of the log.

    `write` does, before `rows`, what would be too slow one event at a time, or has the place of an event on the log in
    its row: it is given what was read, inside the transaction that moves the position."""

    name: str
    version: int
    streams: tuple[str, ...]
    events: tuple[type[Event], ...]
    tables: str
    rows: "Callable[[Meta, Event], Sequence[Statement]]" = nothing
    write: "Callable[[Connection, Sequence[Stretch]], Awaitable[None]] | None" = None

    @property
    def edition(self) -> str:
        """Tells builds by other tables or rows from those by these."""
        return f"{self.version}-{hashlib.sha256(self.tables.encode()).hexdigest()[:16]}"

    @property
    def partitions(self) -> list[Partition]:
        """All that it reads."""
        return [Partition(name, number) for name in self.streams for number in range(stream_of(name).partitions)]


class Seen(NamedTuple):
    """An event that counts, and where it lies."""

    offset: int
    meta: Meta
    event: Event


class Stretch(NamedTuple):
    """A part of one partition that was read: from where, to where, and what in it is of interest."""

    partition: Partition
    start: Position
    end: Position
    seen: Sequence[Seen]


class Group(NamedTuple):
    """One SQL text, for many keys."""

    sql: str
    arguments: list[tuple[object, ...]]


def grouped(statements: Sequence[Statement]) -> Iterator[Group]:
    """The same statements with equal texts together, so that many rows cost one round trip; each key's in order.

    The first statement of each key goes into the first wave, the second into the second, and so on; inside a wave no
    two are of one key, so their order does not matter."""
    waves: list[dict[str, list[tuple[object, ...]]]] = []
    reached: dict[str, int] = defaultdict(int)
    for key, sql, arguments in statements:
        wave = reached[key]
        reached[key] += 1
        if wave == len(waves):
            waves.append({})
        waves[wave].setdefault(sql, []).append(arguments)
    for texts in waves:
        for sql, many in texts.items():
            yield Group(sql, many)
