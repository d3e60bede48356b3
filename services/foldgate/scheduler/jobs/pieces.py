"""Tables and orders that are never changed, only replaced, at the price of a dictionary and of sorted lists.

The newest of a line of tables has the dictionary itself. What was before it has only what differs: a name, its value
then, and the table that came next. Who still has that one, and asks it, gets the dictionary put back to what it was
then, and the later ones have the differences. So each is as it always was, whoever asks in whatever order; the one that
was made last, or asked last, costs as little as if there were no others; and what nobody has any more costs nothing.
Orders are the same, with lists of entries in place of the dictionary.

One that is empty hands out nothing: where many share it, it would hold all that ever came of it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any, Generic, TypeVar, get_args, get_origin

import msgspec

V = TypeVar("V")
Entry = TypeVar("Entry", bound=tuple[Any, ...])

_MOST = 512
"""Entries of a list; one that has more is cut in two."""


class Table(Generic[V]):
    """Values by name; none of them is None."""

    __slots__ = ("known", "name", "newer", "was")
    known: dict[str, V] | None
    newer: Table[V]
    name: str
    was: V | None

    def __init__(self, known: dict[str, V] | None = None) -> None:
        """Of what is nobody else's from now on."""
        self.known = {} if known is None else known

    def get(self, name: str) -> V | None:
        """The value of that name."""
        known = self.known
        return (self.regained() if known is None else known).get(name)

    def __getitem__(self, name: str) -> V:
        known = self.known
        return (self.regained() if known is None else known)[name]

    def __contains__(self, name: object) -> bool:
        known = self.known
        return name in (self.regained() if known is None else known)

    def with_(self, name: str, value: V) -> Table[V]:
        """These, with that one in place of what it was."""
        known = self.known
        if known is None:
            known = self.regained()
        if not known:
            return Table({name: value})
        after: Table[V] = _new_table(Table)
        after.known, self.known = known, None
        self.newer, self.name, self.was = after, name, known.get(name)
        known[name] = value
        return after

    def without(self, name: str) -> Table[V]:
        """These, without that one, if it is there."""
        known = self.known
        if known is None:
            known = self.regained()
        if name not in known:
            return self
        if len(known) == 1:
            return Table()
        after: Table[V] = _new_table(Table)
        after.known, self.known = known, None
        self.newer, self.name, self.was = after, name, known.pop(name)
        return after

    def regained(self) -> dict[str, V]:
        """The dictionary, put back to what it was."""
        way = [self]
        while way[-1].known is None:
            way.append(way[-1].newer)
        newer = way.pop()
        known = newer.known
        assert known is not None
        for older in reversed(way):
            name, was = older.name, older.was
            newer.newer, newer.name, newer.was, newer.known = older, name, known.get(name), None
            if was is None:
                del known[name]
            else:
                known[name] = was
            older.known, newer = known, older
            del older.newer, older.name, older.was
        return known

    def plain(self) -> dict[str, V]:
        """All of them, in a dictionary of the caller's own."""
        known = self.known
        return (self.regained() if known is None else known).copy()

    def items(self) -> Iterator[tuple[str, V]]:
        """All of them, in no order that means anything."""
        return iter(self.plain().items())

    def values(self) -> Iterator[V]:
        """All of them, without their names."""
        return iter(self.plain().values())

    def __iter__(self) -> Iterator[str]:
        return iter(self.plain())

    def __len__(self) -> int:
        known = self.known
        return len(self.regained() if known is None else known)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and self.plain() == other.plain()

    __hash__ = None  # type: ignore[assignment] # as that of a dictionary


class Order(Generic[Entry]):
    """Entries, each once, the least first."""

    __slots__ = ("come", "gone", "lists", "newer")
    lists: list[list[Entry]] | None
    newer: Order[Entry]
    gone: Entry | None
    come: Entry | None

    def __init__(self, leaves: list[list[Entry]] | None = None) -> None:
        """Of sorted lists that are nobody else's from now on; none of them is empty."""
        self.lists = [] if leaves is None else leaves

    def leaves(self) -> list[list[Entry]]:
        """The lists, for those who only look, and before they do anything else."""
        leaves = self.lists
        return self.regained() if leaves is None else leaves

    def followed(self, leaves: list[list[Entry]], gone: Entry | None, come: Entry | None) -> Order[Entry]:
        """The one that comes next, in which one has gone and another has come."""
        after: Order[Entry] = _new_order(Order)
        after.lists, self.lists = leaves, None
        self.newer, self.gone, self.come = after, gone, come
        return after

    def regained(self) -> list[list[Entry]]:
        """The lists, put back to what they were."""
        way = [self]
        while way[-1].lists is None:
            way.append(way[-1].newer)
        newer = way.pop()
        leaves = newer.lists
        assert leaves is not None
        for older in reversed(way):
            gone, come = older.gone, older.come
            newer.newer, newer.gone, newer.come, newer.lists = older, come, gone, None
            if gone is not None:
                _insert(leaves, gone)
            if come is not None:
                _remove(leaves, come)
            older.lists, newer = leaves, older
            del older.newer, older.gone, older.come
        return leaves

    def __bool__(self) -> bool:
        leaves = self.lists
        return bool(self.regained() if leaves is None else leaves)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Order) and list(each(self)) == list(each(other))

    __hash__ = None  # type: ignore[assignment] # as that of a list


_new_table, _new_order = Table.__new__, Order.__new__


def put(order: Order[Entry], entry: Entry) -> Order[Entry]:
    """These, and that one, which is not among them."""
    leaves = order.leaves()
    if not leaves:
        return Order([[entry]])
    _insert(leaves, entry)
    return order.followed(leaves, None, entry)


def drop(order: Order[Entry], entry: Entry) -> Order[Entry]:
    """These, without that one, which is among them."""
    leaves = order.leaves()
    if len(leaves) == 1 and leaves[0] == [entry]:
        return Order()
    _remove(leaves, entry)
    return order.followed(leaves, entry, None)


def moved(order: Order[Entry], before: Entry | None, after: Entry | None) -> Order[Entry]:
    """These, with the second in place of the first, which is among them; None is nothing."""
    if before is None:
        return order if after is None else put(order, after)
    if after is None:
        return drop(order, before)
    leaves = order.leaves()
    _remove(leaves, before)
    if not leaves:
        leaves.append([after])
    else:
        _insert(leaves, after)
    return order.followed(leaves, before, after)


def first(order: Order[Entry]) -> Entry:
    """The first of some."""
    leaves = order.lists
    return (order.regained() if leaves is None else leaves)[0][0]


def each(order: Order[Entry]) -> Iterator[Entry]:
    """All of them, the first first; whatever comes of the order meanwhile."""
    leaves = order.leaves()
    leaf = leaves[0].copy() if leaves else []
    while leaf:
        yield from leaf
        last, leaves = leaf[-1], order.leaves()
        at = _leaf_of(leaves, last)
        leaf = leaves[at][bisect_left(leaves[at], last) + 1 :]
        if not leaf and at + 1 < len(leaves):
            leaf = leaves[at + 1].copy()


def ordered(entries: list[Entry]) -> Order[Entry]:
    """An order of these."""
    entries = sorted(entries)
    return Order([entries[at : at + _MOST] for at in range(0, len(entries), _MOST)])


def _insert(leaves: list[list[Entry]], entry: Entry) -> None:
    at = _leaf_of(leaves, entry) if len(leaves) > 1 else 0
    leaf = leaves[at]
    is_last = entry > leaf[-1]
    if is_last:
        leaf.append(entry)
    else:
        insort(leaf, entry)
    if len(leaf) > _MOST:
        half = _MOST if is_last else _MOST // 2  # what comes in order leaves full lists behind
        leaves[at : at + 1] = leaf[:half], leaf[half:]


def _remove(leaves: list[list[Entry]], entry: Entry) -> None:
    at = _leaf_of(leaves, entry) if len(leaves) > 1 else 0
    leaf = leaves[at]
    place = bisect_left(leaf, entry)
    if place == len(leaf) or leaf[place] != entry:
        raise KeyError(entry)
    del leaf[place]
    if not leaf:
        del leaves[at]


def _leaf_of(leaves: list[list[Entry]], entry: Entry) -> int:
    """The list it is in, or belongs in: the first that ends at or after it, else the last."""
    last = len(leaves) - 1
    if last == 0 or entry > leaves[last - 1][-1]:
        return last
    if entry <= leaves[0][-1]:
        return 0
    return bisect_left(leaves, entry, key=_end)


def _end(leaf: list[Entry]) -> Entry:
    return leaf[-1]


def plain(one: Any) -> Any:
    """Tables and orders as plain data, as a checkpoint keeps them."""
    if isinstance(one, Table):
        return one.plain()
    assert isinstance(one, Order)
    return list(each(one))


def from_plain(kind: Any, one: Any) -> Any:
    """What that was: of the kind that is wanted."""
    (of,) = get_args(kind)
    if get_origin(kind) is Table:
        return Table(msgspec.convert(one, dict[str, of], dec_hook=from_plain))  # type: ignore[valid-type]
    return ordered(msgspec.convert(one, list[of]))  # type: ignore[valid-type]
