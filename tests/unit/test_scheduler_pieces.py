"""Tables and orders that are replaced piece by piece, against a dictionary and a sorted list; what was before stays."""

import random

import pytest

from foldgate.scheduler.jobs.pieces import Order, Table, drop, each, first, moved, put

Entry = tuple[int, str]


def test_a_table_is_what_a_dictionary_is_and_the_one_before_stays() -> None:
    chance = random.Random(7)
    table, plain = Table[int](), dict[str, int]()
    names = [f"name {number}" for number in range(4000)]
    for name in chance.choices(names, k=6000):
        before, known = table, len(plain)
        if name in plain and chance.random() < 0.5:
            table = table.without(name)
            del plain[name]
            assert (name in before, name in table) == (True, False)
        else:
            table = table.with_(name, plain.setdefault(name, len(plain)))
        assert len(before) == known
    assert dict(table.items()) == plain
    assert (set(table), sorted(table.values()), len(table)) == (set(plain), sorted(plain.values()), len(plain))
    for name in list(plain):
        table = table.without(name)
    assert (len(table), list(table.leaves())) == (0, [])


def test_a_table_tells_what_is_not_there() -> None:
    table = Table[int]().with_("a", 1)
    assert (table["a"], table.get("b"), 5 in table) == (1, None, False)
    assert table.without("b") is table
    with pytest.raises(KeyError, match="b"):
        table["b"]


def ordered(entries: list[Entry]) -> Order[Entry]:
    order: Order[Entry] = []
    for entry in entries:
        order = put(order, entry)
    return order


@pytest.mark.parametrize("falls", [False, True])
def test_an_order_is_what_a_sorted_list_is_and_the_one_before_stays(falls: bool) -> None:
    """Large enough for pieces of pieces, filled in order, against it, and at random."""
    chance = random.Random(11)
    entries: list[Entry] = [(number, "x") for number in range(9000)]
    order = ordered(entries[::-1] if falls else entries)
    for entry in chance.sample(entries, k=8000):
        before = order
        order = moved(order, entry, None)
        assert next(each(before)) == first(before)
        entries.remove(entry)
    assert list(each(order)) == entries
    more = [(chance.randrange(10**6), str(number)) for number in range(3000)]
    for entry in more:
        order = moved(order, None, entry)
    assert list(each(order)) == sorted(entries + more)
    for entry in sorted(entries + more):
        order = drop(order, entry)
    assert order == []


def test_what_moves_within_a_small_order() -> None:
    order = ordered([(1, "a"), (3, "b")])
    assert list(each(moved(order, (1, "a"), (5, "a")))) == [(3, "b"), (5, "a")]
    assert list(each(order)) == [(1, "a"), (3, "b")]
    assert moved(order, None, None) is order


def test_what_is_not_there_cannot_go() -> None:
    with pytest.raises(KeyError):
        drop(ordered([(1, "a"), (3, "b")]), (2, "c"))
