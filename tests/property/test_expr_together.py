"""Expressions asked in one call, against the same evaluated one by one: what is false is false, and costs as much."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from foldgate.expr.cost import Allowance
from foldgate.expr.expression import expression
from foldgate.expr.names import RULE_NAMES
from foldgate.expr.results import NoValue
from foldgate.expr.together import Together

TEXTS = st.sampled_from(
    [
        "job.input.n > 2",
        "job.input.n > 2 // more than two",
        "run.labels['env'] == 'prod'",
        "job.input.flag || job.input.n > 3",
        "has(job.input.n) && job.input.n > 2",
        "size(job.input) > 3",
        "job.input == 'a'",
        "[job.input][0]",
        "job.mcp.tool == 'a' || job.mcp.server == 'a'",
        "job.input.text == 'a'",
        "job.input.n == 2.0 ? false : job.input.n / 0 == 1",
        "false && job.input.n / 0 == 1",
    ]
)
LARGE = "x" * 250_000
INPUTS = st.sampled_from(
    [{"n": 1}, {"n": 3}, {}, "a", [1], {"n": 1, "flag": False, "text": "b"}, {"n": 1, "text": LARGE}]
)
ASKED = st.lists(st.booleans(), min_size=6, max_size=6)


@given(texts=st.lists(TEXTS, min_size=2, max_size=6), among=INPUTS, env=st.sampled_from(["prod", "test"]), asked=ASKED)
def test_what_is_false_together_is_so_one_by_one(*, texts: list[str], among: Any, env: str, asked: list[bool]) -> None:
    job = {"input": among, "mcp": {"server": "b", "tool": ""}}
    scope, asked = {"job": job, "run": {"labels": {"env": env}}}, asked[: len(texts)]
    at_once, alone = Allowance(), Allowance()
    values = [_value(text, scope, alone) for text, is_asked in zip(texts, asked, strict=True) if is_asked]
    together = Together([expression(text, RULE_NAMES) for text in texts], RULE_NAMES)
    if together.all_false(scope, asked, at_once):
        assert all(value is False for value in values)
        assert at_once.left == alone.left
    else:
        assert not values or any(value is not False for value in values)
        assert at_once.left == Allowance().left


def _value(text: str, scope: dict[str, Any], allowance: Allowance) -> object:
    try:
        return expression(text, RULE_NAMES).evaluate(scope, allowance)
    except NoValue as reason:
        return reason
