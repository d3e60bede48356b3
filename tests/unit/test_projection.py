"""Grouping statements keeps what each key was to have done to it, in order."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from foldgate.readmodel.projection import Statement, grouped

KEYS, TEXTS = st.sampled_from("abcd"), st.sampled_from(["insert", "update", "delete"])


def statements(drawn: list[tuple[str, str]]) -> list[Statement]:
    return [Statement(key, sql, (key, number)) for number, (key, sql) in enumerate(drawn)]


@given(st.lists(st.tuples(KEYS, TEXTS), max_size=60))
def test_each_key_keeps_its_order_and_nothing_is_lost(drawn: list[tuple[str, str]]) -> None:
    asked, done = defaultdict(list), defaultdict(list)
    for statement in statements(drawn):
        asked[statement.key].append((statement.sql, statement.arguments))
    for sql, many in grouped(statements(drawn)):
        for arguments in many:
            done[arguments[0]].append((sql, arguments))
    assert dict(done) == dict(asked)


@given(st.lists(st.tuples(KEYS, TEXTS), max_size=60))
def test_equal_texts_go_together(drawn: list[tuple[str, str]]) -> None:
    longest = max((sum(key == other for other, _ in drawn) for key, _ in drawn), default=0)
    assert len(list(grouped(statements(drawn)))) <= 3 * longest
