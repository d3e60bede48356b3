"""Tables and orders that are never changed, only replaced: in pieces, so that one of a million entries costs few.

A table is three dicts deep, by a checksum of its keys; an order is three tuples deep, sorted. What changes is one piece
and the path to it. Both are plain data, so a checkpoint keeps them as they are.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import msgspec

V = TypeVar("V")
Entry = TypeVar("Entry", bound=tuple[Any, ...])

_BITS = 7
_MASK = (1 << _BITS) - 1
_MOST = 64
"""Entries of a piece of an order; one that has more is cut in two."""

Leaf = tuple[Entry, ...]
Middle = tuple[Leaf[Entry], ...]
Order = tuple[Middle[Entry], ...]


class Table(msgspec.Struct, Generic[V], frozen=True, gc=False):
    """Values by name; `size` is how many."""

    pieces: dict[int, dict[int, dict[str, V]]] = {}
    size: int = 0

    def get(self, name: str) -> V | None:
        """The value of that name."""
        place = zlib.crc32(name.encode())
        middle = self.pieces.get(place & _MASK)
        if middle is None or (leaf := middle.get(place >> _BITS & _MASK)) is None:
            return None
        return leaf.get(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def with_(self, name: str, value: V) -> Table[V]:
        """These, with that one in place of what it was."""
        place = zlib.crc32(name.encode())
        first, second = place & _MASK, place >> _BITS & _MASK
        middle = self.pieces.get(first)
        leaf = None if middle is None else middle.get(second)
        size = self.size if leaf is not None and name in leaf else self.size + 1
        new = {name: value} if leaf is None else {**leaf, name: value}
        return Table({**self.pieces, first: {second: new} if middle is None else {**middle, second: new}}, size)

    def without(self, name: str) -> Table[V]:
        """These, without that one, if it is there."""
        place = zlib.crc32(name.encode())
        first, second = place & _MASK, place >> _BITS & _MASK
        leaf = self.pieces.get(first, {}).get(second, {})
        if name not in leaf:
            return self
        pieces, middle, leaf = dict(self.pieces), dict(self.pieces[first]), dict(leaf)
        del leaf[name]
        if leaf:
            middle[second] = leaf
        else:
            del middle[second]
        if middle:
            pieces[first] = middle
        else:
            del pieces[first]
        return Table(pieces, self.size - 1)

    def items(self) -> Iterator[tuple[str, V]]:
        """All of them, in no order that means anything."""
        for middle in self.pieces.values():
            for leaf in middle.values():
                yield from leaf.items()

    def values(self) -> Iterator[V]:
        """All of them, without their names."""
        for middle in self.pieces.values():
            for leaf in middle.values():
                yield from leaf.values()

    def __iter__(self) -> Iterator[str]:
        for middle in self.pieces.values():
            for leaf in middle.values():
                yield from leaf

    def __len__(self) -> int:
        return self.size


def put(order: Order[Entry], entry: Entry) -> Order[Entry]:
    """These, and that one, which is not among them."""
    if not order:
        return (((entry,),),)
    top = _middle_of(order, entry)
    middle = order[top]
    at = _leaf_of(middle, entry)
    leaf = middle[at]
    place = len(leaf) if entry > leaf[-1] else bisect_left(leaf, entry)
    leaf = (*leaf[:place], entry, *leaf[place:])
    if len(leaf) <= _MOST:
        middle = (*middle[:at], leaf, *middle[at + 1 :])
        return (*order[:top], middle, *order[top + 1 :])
    half = _MOST if place == _MOST else _MOST // 2
    middle = (*middle[:at], leaf[:half], leaf[half:], *middle[at + 1 :])
    if len(middle) <= _MOST:
        return (*order[:top], middle, *order[top + 1 :])
    half = _MOST if at == _MOST - 1 else _MOST // 2
    return (*order[:top], middle[:half], middle[half:], *order[top + 1 :])


def drop(order: Order[Entry], entry: Entry) -> Order[Entry]:
    """These, without that one, which is among them."""
    top = _middle_of(order, entry)
    middle = order[top]
    at = _leaf_of(middle, entry)
    leaf = middle[at]
    place = bisect_left(leaf, entry)
    if place == len(leaf) or leaf[place] != entry:
        raise KeyError(entry)
    leaf = (*leaf[:place], *leaf[place + 1 :])
    middle = (*middle[:at], leaf, *middle[at + 1 :]) if leaf else (*middle[:at], *middle[at + 1 :])
    return (*order[:top], middle, *order[top + 1 :]) if middle else (*order[:top], *order[top + 1 :])


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
