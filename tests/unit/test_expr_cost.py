"""What an expression may cost: the library has no brake, so the judgement before it must hold."""

import time

import pytest

from foldgate.expr.cost import MAX_TURNS, MAX_WORK, Allowance, Estimate
from foldgate.expr.expression import expression
from foldgate.expr.names import ALL_NAMES
from foldgate.expr.outline import outline
from foldgate.expr.patterns import weight
from foldgate.expr.results import NoValue, size

ORDERS = [{"id": at, "lines": [{"sku": f"x{at}{line}", "price": line} for line in range(5)]} for at in range(500)]
INPUT = {
    "ones": [1] * 9000,
    "text": "x" * 250_000,
    "lists": [[1]] * 50_000,
    "orders": ORDERS,
    "few": [1, 2, 3],
    "none": [],
    "map": {"a": [1], "b": 2},
}


def evaluated(text: str, given: object = INPUT) -> object:
    return expression(text, ALL_NAMES).evaluate({"input": given}, Allowance())


TIMES = ".map(x, x + x + x + x + x + x + x + x + x + x)"
LISTS = ".map(x, [x, x, x, x, x, x, x, x, x, x])"


@pytest.mark.parametrize(
    "text",
    [
        "input.ones.map(x, input.text + input.text)",
        "input.ones.map(x, (input.text + input.text).size()).size()",
        "input.ones.map(x, input.ones).size()",
        "input.ones.all(x, input.ones == input.ones)",
        "input.few.all(x, input.lists.all(y, input.lists == input.lists))",
        "input.ones.all(x, !input.text.contains('y'))",
        "input.ones.map(x, x).size()",
        "input.text.matches('((x{1,10}){1,10}){1,10}y')",
        "matches(input.text, '((x{1,10}){1,10}){1,10}y')",
        "['xxxxxxxx']" + TIMES * 9,
        "['xxxxxxxx']" + TIMES * 9 + ".size()",
        "[[1, 2, 3]]" + TIMES * 9,
        "[[1]]" + LISTS * 10,
        "[[1]]" + LISTS * 10 + ".size()",
        "input.few.map(x, " * 4 + "input.text + input.text" + ")" * 4,
        "[" + "input.text, " * 200 + "1].size()",
        "input.orders.map(o, input.orders.map(p, input.orders))",
    ],
)
def test_what_would_not_end_is_refused_at_once(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(NoValue) as refused:
        evaluated(text)
    assert refused.value.code == "expression_too_large"
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("input.orders.map(o, o.lines.map(l, {'sku': l.sku, 'of': o.id}))[1][2].of", 1),
        ("input.orders.filter(o, o.id >= 498).map(o, o.id)", [498, 499]),
        ("input.orders.all(o, o.lines.all(l, l.price < 5))", True),
        ("input.orders.exists(o, o.lines.exists_one(l, l.sku == 'x42'))", True),
        ("input.ones.all(x, x == 1)", True),
        ("size(input.lists)", 50_000),
        ("input.text.matches('^[a-z]+$')", True),
        ("input.text.size()", 250_000),
        ("input.none.map(x, x.a)", []),
        ("input.map.all(k, size(k) == 1)", True),
        ("input.few.map(x, [x].map(y, y + x))", [[2], [4], [6]]),
        ("input.few.map(x, string(x).matches('[23]'))", [False, True, True]),
        ("input.few.map(x, input.few.map(y, y * x))[2]", [3, 6, 9]),
        ("[input.map].map(m, m.a.map(x, x) + m['a'])", [[1, 1]]),
        ("[input.map].map(m, m.a[0])", [1]),
        ("[input.few.map(x, x)].map(l, l.map(x, x + 1))", [[2, 3, 4]]),
        ("dyn(input.few).map(x, x)", [1, 2, 3]),
        ("[].map(x, x)", []),
        ("input.few.all(x, now == now || x > 0)", True),
    ],
)
def test_what_people_write_is_let_through(text: str, expected: object) -> None:
    assert evaluated(text) == expected


def test_the_library_counts_turns() -> None:
    """The estimate relies on it."""
    assert evaluated("input.all(x, x == 1)", [1] * (MAX_TURNS - 1)) is True
    for text in ("input.all(x, x == 1)", "input.all(x, [1].all(y, y == 1))"):
        with pytest.raises(NoValue, match="turns of its comprehensions") as refused:
            evaluated(text, [1] * MAX_TURNS)
        assert refused.value.code == "expression_too_large"


def test_a_result_is_bounded() -> None:
    assert evaluated("input", "x" * 262_142) == "x" * 262_142
    for given in ("x" * 262_143, "\n" * 200_000, [1] * 140_000, {f"{at}": 1 for at in range(60_000)}):
        with pytest.raises(NoValue, match="262144 bytes") as refused:
            evaluated("input", given)
        assert refused.value.code == "expression_too_large"
    with pytest.raises(NoValue, match="262144 bytes"):
        evaluated("bytes(input + input)", "x" * 200_000)


def nested(depth: int) -> object:
    found: object = 1
    for at in range(depth):
        found = [found] if at % 2 else {"a": found}
    return found


@pytest.mark.parametrize("text", ["input", "input == 1 ? input : input"])
def test_a_result_is_not_too_deep(text: str) -> None:
    assert evaluated(text, nested(64)) == nested(64)
    for depth in (65, 100):
        with pytest.raises(NoValue, match="nested deeper than 6") as refused:
            evaluated(text, nested(depth))
        assert refused.value.code == "expression_too_large"


def test_a_value_too_deep_for_the_library_never_gets_there() -> None:
    with pytest.raises(NoValue, match="JSON cannot carry"):
        evaluated("input == input", nested(200_000))
    with pytest.raises(NoValue, match="nested deeper"):
        evaluated("[input] == [1]", nested(300))
    assert evaluated("size(input)", [nested(1)] * 100) == 100


@pytest.mark.parametrize(
    "text",
    [
        "input.orders.map(o, o.lines)",
        "input.orders.map(o, o.lines.map(l, l))",
        "input.orders.map(o, [o.id, o.id, o.lines])",
        "input.orders.filter(o, o.id > 3).map(o, o)",
        "input.orders.map(o, o).map(o, o.lines).map(o, {'a': o, 'b': o})",
        "input.orders.map(o, o.lines.map(l, [l.sku, l.sku, 'xxxxxxxxx']))",
        "input.map.map(k, k + k)",
        "input.few.map(x, string(x).matches('.') ? input.orders[0] : {})",
        "input.few.map(x, input.few.map(y, input.few))",
        "input.few + input.few",
        "[input.few, input.few]",
        "{'a': input.few, 'b': [input.map]}",
    ],
)
def test_the_bound_is_a_bound(text: str) -> None:
    given = {**INPUT, "orders": ORDERS[:40]}
    estimate = Estimate({"input": given})
    assert size(evaluated(text, given)) <= estimate.extent(outline(text).node).size <= estimate.work <= MAX_WORK


def test_the_work_of_a_loop_is_counted_as_well() -> None:
    text = "loop.previous_output.all(x, loop.previous_output == loop.previous_output)"
    with pytest.raises(NoValue, match="more work than is allowed"):
        expression(text, ALL_NAMES).evaluate({"loop": {"previous_output": [1] * 9000}}, Allowance())


def test_to_look_at_every_element_is_bounded_too() -> None:
    text = f"input.exists(x, {' || '.join(f'has(x.a{at})' for at in range(25))})"
    begun = time.process_time()
    assert evaluated(text, [{"a": 1}] * 9000) is False
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("abc", 4),
        ("a{3}", 4),
        ("a{2,}", 3),
        ("a{0,5}", 6),
        ("[a-z\\]{9}]{4}", 5),
        ("\\d{4}-\\d{2}", 8),
        ("(ab){10}", 41),
        ("((a{10}){10}){10}", 1 + ((10 + 2) * 10 + 2) * 10),
        ("(a", 2),
        ("a)", 3),
    ],
)
def test_the_weight_of_a_pattern_is_its_size_written_out(pattern: str, expected: int) -> None:
    assert weight(pattern) == expected
