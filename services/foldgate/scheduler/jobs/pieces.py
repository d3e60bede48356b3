"""Tables and orders that are never changed, only replaced, at the price of a dictionary and of sorted lists.

The newest of a line of tables has the dictionary itself. What was before it has only what differs: a name, its value
then, and the table that came next. Who still has that one, and asks it, gets the dictionary put back to what it was
then, and the later ones have the differences. So each is as it always was, whoever asks in whatever order; the one that
was made last, or asked last, costs as little as if there were no others; and what nobody has any more costs nothing.
Who keeps one for long keeps all that has changed since. Orders are the same, with lists of entries in place of the
dictionary.

One that is empty hands out nothing: where many share it, it would hold all that ever came of it.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar, get_args, get_origin

import msgspec

V = TypeVar("V")
Entry = TypeVar("Entry", bound=tuple[Any, ...])

Pair = tuple[int, str]
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
    """Entries, each once, the least first. `lists` are sorted, and none of them is empty."""

    __slots__ = ("come", "gone", "lists", "newer")
    lists: list[Any] | None
    newer: Order[Entry]
    gone: Entry | None
    come: Entry | None

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.lists = []
        for entry in sorted(entries):
            self.insert(self.lists, entry)

    def leaves(self) -> list[Any]:
        """The lists, for those who only look, and before they do anything else."""
        leaves = self.lists
        return self.regained() if leaves is None else leaves

    def followed(self, leaves: list[Any], gone: Entry | None, come: Entry | None) -> Order[Entry]:
        """The one that comes next, in which one has gone and another has come."""
        after: Order[Entry] = _new(self.__class__)
        after.lists, self.lists = leaves, None
        self.newer, self.gone, self.come = after, gone, come
        return after

    def regained(self) -> list[Any]:
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
            if come is not None:
                self.remove(leaves, come)
            if gone is not None:
                self.insert(leaves, gone)
            older.lists, newer = leaves, older
            del older.newer, older.gone, older.come
        return leaves

    def __bool__(self) -> bool:
        leaves = self.lists
        return bool(self.regained() if leaves is None else leaves)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Order) and list(each(self)) == list(each(other))

    __hash__ = None  # type: ignore[assignment] # as that of a list

    @staticmethod
    def leaf(entry: Entry) -> Any:
        """A list of that one."""
        return [entry]

    @staticmethod
    def insert(leaves: list[Any], entry: Entry) -> None:
        """Let there be that one, too."""
        if not leaves:
            leaves.append([entry])
            return
        at = _leaf_of(leaves, entry)
        leaf = leaves[at]
        is_last = entry > leaf[-1]
        if is_last:
            leaf.append(entry)
        else:
            insort(leaf, entry)
        if len(leaf) > _MOST:
            half = _half(is_last=is_last)
            leaves[at : at + 1] = leaf[:half], leaf[half:]

    @staticmethod
    def remove(leaves: list[Any], entry: Entry) -> None:
        """Let there be that one no longer."""
        at = _leaf_of(leaves, entry)
        leaf = leaves[at]
        place = bisect_left(leaf, entry)
        if place == len(leaf) or leaf[place] != entry:
            raise KeyError(entry)
        del leaf[place]
        if not leaf:
            del leaves[at]

    def beyond(self, last: Entry | None) -> list[Entry]:
        """Some that come next after that one; all that are in one list."""
        leaves = self.leaves()
        at = _leaf_of(leaves, last) if leaves and last is not None else 0
        for leaf in leaves[at : at + 2]:
            if some := leaf[0 if last is None else bisect_right(leaf, last) :]:
                return list(some)
        return []


class Pairs(Order[Pair]):
    """An order of pairs, for very many of them: each of its lists is two, of the numbers and of the names."""

    __slots__ = ()

    @staticmethod
    def leaf(entry: Pair) -> tuple[list[int], list[str]]:
        """A list of that one."""
        return [entry[0]], [entry[1]]

    @staticmethod
    def insert(leaves: list[tuple[list[int], list[str]]], entry: Pair) -> None:
        """Let there be that one, too."""
        number, name = entry
        if not leaves:
            leaves.append(([number], [name]))
            return
        at = _leaf_of_pairs(leaves, entry)
        numbers, names = leaves[at]
        place = len(numbers) if number > numbers[-1] else _place(numbers, names, entry)
        is_last = place == len(numbers)
        numbers.insert(place, number)
        names.insert(place, name)
        if len(numbers) > _MOST:
            half = _half(is_last=is_last)
            leaves[at : at + 1] = (numbers[:half], names[:half]), (numbers[half:], names[half:])

    @staticmethod
    def remove(leaves: list[tuple[list[int], list[str]]], entry: Pair) -> None:
        """Let there be that one no longer."""
        at = _leaf_of_pairs(leaves, entry)
        numbers, names = leaves[at]
        place = _place(numbers, names, entry)
        if place == len(numbers) or (numbers[place], names[place]) != entry:
            raise KeyError(entry)
        del numbers[place], names[place]
        if not numbers:
            del leaves[at]

    def beyond(self, last: Pair | None) -> list[Pair]:
        """Some that come next after that one; all that are in one list."""
        leaves = self.leaves()
        at = _leaf_of_pairs(leaves, last) if leaves and last is not None else 0
        for numbers, names in leaves[at : at + 2]:
            begin = 0 if last is None else _place(numbers, names, last)
            if some := [pair for pair in zip(numbers[begin:], names[begin:], strict=True) if pair != last]:
                return some
        return []


_new_table, _new = Table.__new__, object.__new__
_BEYOND = (math.inf,)
"""After every entry."""


def put(order: Order[Entry], entry: Entry) -> Order[Entry]:
    """These, and that one, which is not among them."""
    leaves = order.lists
    if leaves is None:
        leaves = order.regained()
    if not leaves:
        one: Order[Entry] = _new(order.__class__)
        one.lists = [order.leaf(entry)]
        return one
    order.insert(leaves, entry)
    return order.followed(leaves, None, entry)


def drop(order: Order[Entry], entry: Entry) -> Order[Entry]:
    """These, without that one, which is among them."""
    leaves = order.lists
    if leaves is None:
        leaves = order.regained()
    order.remove(leaves, entry)
    return order.followed(leaves, entry, None)


def moved(order: Order[Entry], before: Entry | None, after: Entry | None) -> Order[Entry]:
    """These, with the second in place of the first, which is among them; None is nothing."""
    if before is None:
        return order if after is None else put(order, after)
    if after is None:
        return drop(order, before)
    leaves = order.lists
    if leaves is None:
        leaves = order.regained()
    order.remove(leaves, before)
    order.insert(leaves, after)
    return order.followed(leaves, before, after)


def first(order: Order[Entry]) -> Entry:
    """The first of some."""
    leaves = order.lists
    leaf: Any = (order.regained() if leaves is None else leaves)[0]
    found: Any = leaf[0] if leaf.__class__ is list else (leaf[0][0], leaf[1][0])
    return found  # type: ignore[no-any-return]


def least(order: Order[Any]) -> int | None:
    """The number with which the first begins; None where there is nobody."""
    leaves = order.lists
    if leaves is None:
        leaves = order.regained()
    if not leaves:
        return None
    begin: Any = leaves[0][0]
    return begin[0]  # type: ignore[no-any-return]


def each(order: Order[Entry]) -> Iterator[Entry]:
    """All of them, the first first; whatever comes of the order meanwhile."""
    some = order.beyond(None)
    while some:
        yield from some
        some = order.beyond(some[-1])


def _leaf_of(leaves: list[list[Any]], entry: Any) -> int:
    """The list it is in, or belongs in: the last that begins with it or before it, else the first."""
    last = len(leaves) - 1
    if last == 0 or entry >= leaves[last][0]:
        return last
    return max(0, bisect_right(leaves, [entry, _BEYOND], 0, last) - 1)


def _leaf_of_pairs(leaves: list[tuple[list[int], list[str]]], pair: Pair) -> int:
    """The same, of the two lists. Where it begins tells, and its name only where several begin with that number."""
    last = len(leaves) - 1
    if last == 0 or pair[0] > leaves[last][0][0] or pair >= _begin(leaves[last]):
        return last
    beyond: Any = ([pair[0], math.inf],)
    at = bisect_right(leaves, beyond, 0, last) - 1
    if at > 0 and pair < _begin(leaves[at]):
        at = bisect_right(leaves, pair, 0, at, key=_begin) - 1
    return max(0, at)


def _begin(leaf: tuple[list[int], list[str]]) -> Pair:
    return leaf[0][0], leaf[1][0]


def _place(numbers: list[int], names: list[str], pair: Pair) -> int:
    """Where it is, or belongs."""
    number, name = pair
    place = bisect_left(numbers, number)
    if place == len(numbers) or numbers[place] != number or names[place] >= name:
        return place
    return bisect_left(names, name, place, bisect_right(numbers, number, place))


def _half(*, is_last: bool) -> int:
    """Where a list is cut in two: what comes in order leaves full ones behind."""
    return _MOST if is_last else _MOST // 2


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
    return Order(msgspec.convert(one, list[of]))  # type: ignore[valid-type]
