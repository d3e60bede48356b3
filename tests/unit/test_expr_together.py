"""Several expressions in one call: when that tells nothing, and they are evaluated one by one."""

from typing import Any

import pytest

from foldgate.expr.cost import Allowance
from foldgate.expr.expression import expression
from foldgate.expr.names import RULE_NAMES
from foldgate.expr.together import Together

DEEP = "(" * 32 + "job.input.n" + ")" * 32 + " > 2"
OFTEN = "job.input.text in [" + "job.input.text + 'x', " * 150 + "'']"


def all_false(*texts: str, given: object = None, allowance: Allowance | None = None) -> bool:
    scope: dict[str, Any] = {"job": {"input": {"n": 1} if given is None else given}}
    together = Together([expression(text, RULE_NAMES) for text in texts], RULE_NAMES)
    return together.all_false(scope, [True] * len(together), allowance or Allowance())


def test_all_are_false() -> None:
    assert all_false("job.input.n > 2", "job.input.n > 3 // and a remark", "\njob.input.n\n> 4\n")


@pytest.mark.parametrize(
    "other", ["job.input.n > 0", "job.input.m > 0", "job.input.n + 1", "job.topic == 'job.web'", "job.input.n / 0 > 1"]
)
def test_one_is_not(other: str) -> None:
    assert not all_false("job.input.n > 2", other)
    assert not all_false(other, "job.input.n > 2")


@pytest.mark.parametrize("value", ["\ud800", 2**70])
def test_what_they_read_cannot_be_handed_over(value: object) -> None:
    assert not all_false("job.input.n > 2", "job.input.m == 'a'", given={"n": 1, "m": value})


def test_what_is_too_much_for_one_expression_is_none() -> None:
    assert all_false("job.input.n > 3", given={"n": 1})
    assert expression(DEEP, RULE_NAMES).evaluate({"job": {"input": {"n": 1}}}, Allowance()) is False
    assert not all_false(DEEP, *(["job.input.n > 2"] * 15))


def test_one_that_may_cost_more_than_it_weighs() -> None:
    assert all_false(OFTEN, "job.input.text == 'y'", given={"text": "x"})
    assert not all_false(OFTEN, "job.input.text == 'y'", given={"text": "x" * 250_000})


def test_what_is_no_longer_allowed() -> None:
    spent = Allowance()
    spent.work(spent.left[0] - 10)
    before = spent.left
    assert not all_false("job.input.n > 2", "job.input.n > 3", allowance=spent)
    assert spent.left == before
    spent = Allowance()
    spent.bytes(spent.left[1] - 9)
    assert not all_false("job.input.n > 2", "job.input.n > 3", allowance=spent)


def test_what_is_not_asked_costs_nothing() -> None:
    """Neither what it would be, nor what it would read."""
    texts = ("job.input.n > 2", "job.input.text == 'y'")
    together = Together([expression(text, RULE_NAMES) for text in texts], RULE_NAMES)
    scope = {"job": {"input": {"n": 1, "text": "y" * 1000}}}
    one, same = Allowance(), Allowance()
    assert together.all_false(scope, [True, False], one)
    assert all_false("job.input.n > 2", given={"n": 1, "text": "y" * 1000}, allowance=same)
    assert one.left == same.left
