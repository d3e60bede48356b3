"""Tables and orders that are only replaced, against a dictionary and a sorted list; what was before stays."""

import random

import pytest

from foldgate.scheduler.jobs import pieces
from foldgate.scheduler.jobs.pieces import Order, Pairs, Table, drop, each, first, moved, put

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
    assert (len(table), list(table)) == (0, [])


def test_a_table_tells_what_is_not_there() -> None:
    table = Table[int]().with_("a", 1)
    assert (table["a"], table.get("b"), 5 in table) == (1, None, False)
    assert table.without("b") is table
    with pytest.raises(KeyError, match="b"):
        table["b"]


@pytest.mark.parametrize("seed", range(20))
def test_every_table_is_as_it_always_was_whoever_asks(seed: int) -> None:
    """Each comes of any of those before, and any is asked at any time."""
    chance = random.Random(seed)
    known: list[tuple[Table[int], dict[str, int]]] = [(Table(), {})]
    for value in range(1, 400):
        table, plain = known[-1] if chance.random() < 0.7 else chance.choice(known)
        name = str(chance.randrange(12))
        if chance.random() < 0.4:
            after = table.without(name), {one: was for one, was in plain.items() if one != name}
        else:
            after = table.with_(name, value), {**plain, name: value}
        known.append(after)
        table, plain = chance.choice(known)
        asked = chance.choice(list(plain) or ["none"])
        assert (table.get(asked), asked in table, len(table)) == (plain.get(asked), asked in plain, len(plain))
        if asked in plain:
            table, plain = chance.choice([one for one in known if asked in one[1]])
            assert table[asked] == plain[asked]
    chance.shuffle(known)
    for table, plain in known:
        assert table.plain() == plain
        assert table == Table(plain)
        assert table != plain
        assert table.without("no such") is table


@pytest.mark.parametrize("kind", [Order, Pairs])
@pytest.mark.parametrize("seed", range(20))
def test_every_order_is_as_it_always_was_whoever_asks(seed: int, kind: type[Order[Entry]]) -> None:
    """Some of them are large enough for several lists, and many entries have the same number."""
    chance = random.Random(seed)
    begin = [(number, "x") for number in range(0, 5000, 5)] if seed % 2 else []
    known: list[tuple[Order[Entry], list[Entry]]] = [(kind(begin), begin)]
    for number in range(300):
        order, plain = known[-1] if chance.random() < 0.7 else chance.choice(known)
        come = (chance.choice((7, 8, chance.randrange(5000))), str(number))
        gone = chance.choice(plain) if plain and chance.random() < 0.7 else None
        if gone is not None and chance.random() < 0.5:
            known.append((moved(order, gone, None), [one for one in plain if one != gone]))
        else:
            known.append((moved(order, gone, come), sorted([*(one for one in plain if one != gone), come])))
        order, plain = chance.choice(known)
        assert bool(order) == bool(plain)
        if plain:
            assert first(order) == plain[0]
    chance.shuffle(known)
    for order, plain in known:
        assert list(each(order)) == plain
        assert order == kind(plain)
        assert order != plain


@pytest.mark.parametrize("kind", [Order, Pairs])
@pytest.mark.parametrize("falls", [False, True])
def test_an_order_is_what_a_sorted_list_is_and_the_one_before_stays(falls: bool, kind: type[Order[Entry]]) -> None:
    """Large enough for many lists, filled in order, against it, and at random."""
    chance = random.Random(11)
    entries: list[Entry] = [(number, "x") for number in range(9000)]
    order = kind()
    for entry in entries[::-1] if falls else entries:
        order = put(order, entry)
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
    assert order == kind()


@pytest.mark.parametrize("kind", [Order, Pairs])
def test_whoever_goes_through_an_order_sees_it_as_it_was_when_it_began(kind: type[Order[Entry]]) -> None:
    order = kind([(number, "x") for number in range(2000)])
    seen = []
    later = order
    for entry in each(order):
        seen.append(entry)
        if entry[0] % 3 == 0:
            later = drop(later, entry)
        later = put(later, (entry[0], "y"))
    assert seen == [(number, "x") for number in range(2000)]
    assert list(each(later)) == sorted(
        [(n, "x") for n in range(2000) if n % 3] + [(number, "y") for number in range(2000)]
    )


@pytest.mark.parametrize("kind", [Order, Pairs])
def test_what_moves_within_a_small_order(kind: type[Order[Entry]]) -> None:
    order = kind([(1, "a"), (3, "b")])
    assert list(each(moved(order, (1, "a"), (5, "a")))) == [(3, "b"), (5, "a")]
    assert list(each(order)) == [(1, "a"), (3, "b")]
    assert moved(order, None, None) is order
    one = kind([(1, "a")])
    assert list(each(moved(one, (1, "a"), (2, "a")))) == [(2, "a")]
    assert list(each(one)) == [(1, "a")]


@pytest.mark.parametrize("kind", [Order, Pairs])
@pytest.mark.parametrize("entry", [(2, "c"), (3, "c"), (9, "c")])
def test_what_is_not_there_cannot_go(entry: Entry, kind: type[Order[Entry]]) -> None:
    order = kind([(1, "a"), (3, "b")])
    with pytest.raises(KeyError):
        drop(order, entry)
    assert list(each(order)) == [(1, "a"), (3, "b")]


@pytest.mark.parametrize("kind", [Order, Pairs])
@pytest.mark.parametrize("seed", range(30))
def test_where_many_lists_begin_with_one_number_each_entry_is_found_by_its_name(
    seed: int, kind: type[Order[Entry]], monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(pieces, "_MOST", chance.choice((2, 4, 8)))
    order, plain = kind(), set[Entry]()
    span = chance.choice((1, 3, 50))
    for _ in range(300):
        entry = chance.randrange(span), str(chance.randrange(40))
        order = drop(order, entry) if entry in plain else put(order, entry)
        plain ^= {entry}
        if plain:
            assert first(order) == min(plain)
    assert list(each(order)) == sorted(plain)
