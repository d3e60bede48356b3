"""Tables and orders that are never changed, only replaced: in pieces, so that one of a million entries costs few.

A table is a dict at the end of a way of three lists, by a checksum of the name; an order is three lists deep, sorted.
What changes is one piece and the way to it: those are copied, all others are shared by what was and what is. So who
still has the order or the table of before has it as it was. Nothing here changes a list or a dict once it has been
handed out. Both are plain data, so a checkpoint keeps them as they are.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import msgspec

V = TypeVar("V")
Entry = TypeVar("Entry", bound=tuple[Any, ...])

_BITS = 5
_WIDE = 1 << _BITS
_MASK = _WIDE - 1
_MOST = 64
"""Entries of a piece of an order; one that has more is cut in two."""

Named = dict[str, V]
Way = list[Named[V] | None]
Leaf = list[Entry]
Middle = list[Leaf[Entry]]
Order = list[Middle[Entry]]


class Table(msgspec.Struct, Generic[V], frozen=True, gc=False):
    """Values by name; `size` is how many. What leads nowhere is None."""

    pieces: list[list[Way[V] | None] | None] = msgspec.field(default_factory=lambda: [None] * _WIDE)
    size: int = 0

    def get(self, name: str) -> V | None:
        """The value of that name."""
        place = zlib.crc32(name.encode())
        if (middle := self.pieces[place & _MASK]) is None or (way := middle[place >> _BITS & _MASK]) is None:
            return None
        leaf = way[place >> 2 * _BITS & _MASK]
        return None if leaf is None else leaf.get(name)

    def __getitem__(self, name: str) -> V:
        if (value := self.get(name)) is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def with_(self, name: str, value: V) -> Table[V]:
        """These, with that one in place of what it was."""
        place = zlib.crc32(name.encode())
        first, second, third = place & _MASK, place >> _BITS & _MASK, place >> 2 * _BITS & _MASK
        pieces = self.pieces.copy()
        middle = pieces[first] = [None] * _WIDE if (middle := pieces[first]) is None else middle.copy()
        way = middle[second] = [None] * _WIDE if (way := middle[second]) is None else way.copy()
        leaf = way[third] = {} if (leaf := way[third]) is None else leaf.copy()
        size = self.size if name in leaf else self.size + 1
        leaf[name] = value
        return Table(pieces, size)

    def without(self, name: str) -> Table[V]:
        """These, without that one, if it is there."""
        if self.get(name) is None:
            return self
        place = zlib.crc32(name.encode())
        first, second, third = place & _MASK, place >> _BITS & _MASK, place >> 2 * _BITS & _MASK
        pieces = self.pieces.copy()
        middle = pieces[first] = _copy(pieces[first])
        way = middle[second] = _copy(middle[second])
        leaf = {one: value for one, value in (way[third] or {}).items() if one != name}
        way[third] = leaf or None
        if not leaf and not any(way):
            middle[second] = None
            pieces[first] = middle if any(middle) else None
        return Table(pieces, self.size - 1)

    def items(self) -> Iterator[tuple[str, V]]:
        """All of them, in no order that means anything."""
        for leaf in self.leaves():
            yield from leaf.items()

    def values(self) -> Iterator[V]:
        """All of them, without their names."""
        for leaf in self.leaves():
            yield from leaf.values()

    def leaves(self) -> Iterator[Named[V]]:
        """The pieces at the end."""
        for middle in self.pieces:
            for way in middle or ():
                yield from (leaf for leaf in way or () if leaf)

    def __iter__(self) -> Iterator[str]:
        for leaf in self.leaves():
            yield from leaf

    def __len__(self) -> int:
        return self.size


def _copy(some: list[V | None] | None) -> list[V | None]:
    assert some is not None
    return some.copy()


def put(order: Order[Entry], entry: Entry) -> Order[Entry]:
    """These, and that one, which is not among them."""
    if not order:
        return [[[entry]]]
    top = _middle_of(order, entry)
    middle = order[top].copy()
    at = _leaf_of(middle, entry)
    leaf = middle[at] = middle[at].copy()
    is_last = entry > leaf[-1]
    if is_last:
        leaf.append(entry)
    else:
        insort(leaf, entry)
    if len(leaf) > _MOST:
        half = _MOST if is_last else _MOST // 2  # what comes in order leaves full pieces behind
        middle[at : at + 1] = leaf[:half], leaf[half:]
    order = order.copy()
    order[top] = middle
    if len(middle) > _MOST:
        half = _MOST if is_last and at == _MOST - 1 else _MOST // 2
        order[top : top + 1] = middle[:half], middle[half:]
    return order


def drop(order: Order[Entry], entry: Entry) -> Order[Entry]:
    """These, without that one, which is among them."""
    top = _middle_of(order, entry)
    middle = order[top].copy()
    at = _leaf_of(middle, entry)
    leaf = middle[at].copy()
    _drop(leaf, entry)
    order = order.copy()
    if leaf:
        middle[at], order[top] = leaf, middle
    elif len(middle) > 1:
        del middle[at]
        order[top] = middle
    else:
        del order[top]
    return order


def moved(order: Order[Entry], before: Entry | None, after: Entry | None) -> Order[Entry]:
    """These, with the second in place of the first, which is among them; None is nothing."""
    if before is None:
        return order if after is None else put(order, after)
    if after is None:
        return drop(order, before)
    if len(order) == 1 and len(order[0]) == 1:
        leaf = order[0][0].copy()
        _drop(leaf, before)
        insort(leaf, after)
        return [[leaf]]
    return put(drop(order, before), after)


def _drop(leaf: Leaf[Entry], entry: Entry) -> None:
    place = bisect_left(leaf, entry)
    if place == len(leaf) or leaf[place] != entry:
        raise KeyError(entry)
    del leaf[place]


def first(order: Order[Entry]) -> Entry:
    """The first of some."""
    return order[0][0][0]


def each(order: Order[Entry]) -> Iterator[Entry]:
    """All of them, the first first."""
    for middle in order:
        for leaf in middle:
            yield from leaf


def _middle_of(order: Order[Entry], entry: Entry) -> int:
    """The piece it is in, or belongs in: the first that ends at or after it, else the last."""
    last = len(order) - 1
    if last == 0 or entry > order[last][-1][-1]:
        return last
    if entry <= order[0][-1][-1]:
        return 0
    return bisect_left(order, entry, key=_end_of_middle)


def _leaf_of(middle: Middle[Entry], entry: Entry) -> int:
    last = len(middle) - 1
    if last == 0 or entry > middle[last][-1]:
        return last
    if entry <= middle[0][-1]:
        return 0
    return bisect_left(middle, entry, key=_end_of_leaf)


def _end_of_middle(middle: Middle[Entry]) -> Entry:
    return middle[-1][-1]


def _end_of_leaf(leaf: Leaf[Entry]) -> Entry:
    return leaf[-1]
