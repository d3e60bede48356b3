"""Expressions: what they read, what they refuse, and that they come to the same everywhere."""

import re
import subprocess
import sys

import pytest

from foldgate.expr.cost import Allowance
from foldgate.expr.expression import Expression, expression
from foldgate.expr.faults import ExpressionInvalid
from foldgate.expr.names import ALL_NAMES, RULE_NAMES
from foldgate.expr.results import NoValue


def compiled(text: str, names: frozenset[str] = ALL_NAMES) -> Expression:
    return expression(text, names)


def evaluated(text: str, **scope: object) -> object:
    return compiled(text).evaluate(scope, Allowance())


@pytest.mark.parametrize(
    ("text", "roots", "steps"),
    [
        ("1 + 1", "", ""),
        ("'steps.a' + \"input\" + r'ctx' + '''item''' + 'it\\'s run'", "", ""),
        ("input.steps.a", "input", ""),
        ("input . a", "input", ""),
        ("{'steps': 1}.steps", "", ""),
        ("steps.a.output", "steps", "a"),
        ("steps . a", "steps", "a"),
        ("steps['a-b'].output", "steps", "a-b"),
        ('steps["a"]["output"]', "steps", "a"),
        ("steps[r'a']", "steps", "a"),
        ("steps['''a''']", "steps", "a"),
        ("steps.`a-b`.output", "steps", "a-b"),
        ("has(steps.a.output) && steps.b.output", "steps", "a b"),
        ("1 // steps.x\n + index", "index", ""),
        ("[1].map(steps, steps + 1)", "", ""),
        ("[1].map(steps, steps + 1) == [2] && steps.a.output", "steps", "a"),
        ("[1].map(input, .input.a)", "input", ""),
        ("[1].map(item, item + index) == input", "input index", ""),
        ("input.map(item, item.a)", "input", ""),
        ("input.filter(item, item.a).all(item, item.b == ctx)", "input ctx", ""),
        ("input.exists_one(x, x.exists(item, item > 1))", "input", ""),
        ("[[1]].all(x, x.all(x, x > 0)) && 1 in .input.a", "input", ""),
        ("input[b'a'] == ctx", "input ctx", ""),
        ("input[ctx.a][index]", "input ctx index", ""),
        ("[1].filter(x, x > input[0])[0] > 0", "input", ""),
        ("item in [run.id, loop.index]", "item run loop", ""),
        ("size(input.a) > 1 ? ctx : item", "input ctx item", ""),
        ("input.size() > 1", "input", ""),
        ("(input).a", "input", ""),
        ("google.protobuf.Struct{fields: {'a': google.protobuf.Value{number_value: double(index)}}}", "index", ""),
        ("loop.index + input.loop", "loop input", ""),
        ("now.getFullYear('Europe/Berlin')", "now", ""),
    ],
)
def test_what_is_read_is_known(text: str, roots: str, steps: str) -> None:
    found = compiled(text)
    assert found.roots == set(roots.split())
    assert found.steps == set(steps.split())


@pytest.mark.parametrize(
    "text",
    [
        "steps",
        "steps.size()",
        "size(steps)",
        "steps[input.a]",
        "steps['a' + 'b']",
        "steps[('a')]",
        "steps['\\x61']",
        "steps.map(x, x)",
        "steps.filter(item, steps[item].status == 'failed')",
        "'a' in steps",
        "[steps].map(x, x.a)",
    ],
)
def test_a_step_must_be_named(text: str) -> None:
    with pytest.raises(ExpressionInvalid, match="name the step, so that it is known what it waits for") as refused:
        compiled(text)
    assert refused.value.column == text.index("steps") + 1


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("1 + 'a'", (1, 3), "no matching overload for '_+_' applied to '(int, string)'."),
        ("index + 'a'", (1, 7), "no matching overload"),
        ("true &&\n  !index", (2, 3), "no matching overload"),
        ("inptu.a", (1, 6), "got 'inptu'; did you mean 'input'?"),
        ("foo", (1, 1), "got 'foo'; known here: ctx, index, input, item, loop, now, run, steps."),
        ("sise(input)", (1, 5), "got 'sise'; known here:"),
        ("steps.my-step.output", (1, 14), "write steps['…'] where the id of a step has a dash."),
        ("Loop.index", (1, 1), "got 'Loop'; did you mean 'loop'?"),
        ("[1].map(while, 1)", (1, 9), "reserved identifier"),
        ("input.`a", (1, 7), "Syntax error"),
        ("", (1, 1), "Syntax error"),
        ("input.a input.b", (1, 9), "Syntax error"),
        ("input.matches(ctx.pattern)", (1, 7), "write the pattern there"),
        ("true ||\n matches(input, 'a' + 'b') ", (2, 2), "write the pattern there"),
        ("input.matches('\\x61')", (1, 7), "write the pattern there"),
        ("input.matches(b'a')", (1, 14), "no matching overload"),
        ("input.map(x, x, x, x)", (1, 11), "'x'"),
        ("'\ud800'", (1, 1), "half a character"),
        ("google.protobuf.Struct{nothing: 1}", (1, 31), "undefined field"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_runs(text: str, place: tuple[int, int], said: str) -> None:
    with pytest.raises(ExpressionInvalid) as refused:
        compiled(text)
    assert said in refused.value.message
    assert (refused.value.line, refused.value.column) == place
    assert refused.value.code == "expression_invalid"


@pytest.mark.parametrize(
    "text",
    [
        f"'{'x' * 4095}'",
        f"'{'é' * 2048}'",
        "(" * 40 + "1" + ")" * 40,
        "(" * 2000 + "1" + ")" * 2000,
        "[" * 2000 + "1" + "]" * 2000,
        "1" + " + 1" * 1000,
        "input" + ".a" * 2000,
        "[1].map(x, " * 300 + "1" + ")" * 300,
    ],
)
def test_what_is_too_long_or_too_deep_is_refused(text: str) -> None:
    with pytest.raises(ExpressionInvalid, match="take it apart") as refused:
        compiled(text)
    assert refused.value.code == "expression_too_large"


def test_it_is_compiled_once() -> None:
    assert compiled("input.a + 1") is compiled("input.a + 1")
    assert compiled("input.a + 1") is not compiled("input.a + 1", frozenset(("input",)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("input.b", "nothing, for there is none"),
        ("input.a.b", "nothing, for there is none"),
        ("input.l[9]", "nothing, for there is none"),
        ("input.a[0]", "nothing, for there is none"),
        ("ctx.a", "nothing, for there is none"),
        ("input.b + 1", "Key not found"),
        ("ctx + 1", "No value with name"),
        ("input.a.b + 1", "non-message"),
        ("input.a + 'x'", "No matching overloads"),
        ("input.l[0] / 0", "divide"),
        ("9223372036854775807 + input.a", "overflow"),
        ("1.0 / 0.0", "the number inf"),
        ("[0.0 / 0.0]", "the number nan"),
        ("{1: 2}", "the key 1, which is no text"),
        ("{'a': [{true: 2}]}", "the key True, which is no text"),
        ("type(1)", "a type, which JSON cannot carry"),
        ("[type(1)]", "a type, which JSON cannot carry"),
        ("timestamp('x')", "conversion"),
        ("input.l[0] ? 1 : 2", "overloads"),
        ("input.big", "more than 64 bits"),
        ("input.big > 1", "out of range"),
        ("input.half", "JSON cannot carry"),
        ("input.half + 'x'", "JSON cannot carry"),
        ("input.none.map(x, x)", "nothing to go over"),
    ],
)
def test_what_has_no_value_fails(text: str, said: str) -> None:
    with pytest.raises(NoValue, match=said) as failed:
        evaluated(text, input={"a": 1, "l": [1, 2], "big": 2**70, "half": "\ud800"})
    assert failed.value.code == "expression_failed"


def test_now_is_a_time_in_expressions_and_milliseconds_in_the_scope() -> None:
    assert evaluated("now", now=0) == "1970-01-01T00:00:00Z"
    assert evaluated("now < timestamp('1970-01-01T00:00:00Z')", now=-1) is True
    assert evaluated("[now - duration('1.5s'), now - now]", now=1) == ["1969-12-31T23:59:58.501Z", "0s"]
    with pytest.raises(NoValue, match="TIMESTAMP"):
        evaluated("now", now=10**18)


def test_only_what_is_named_is_read_of_the_scope() -> None:
    scope = {"input": {"a": 1, "never": object()}, "steps": {"x": {"output": 2, "status": object()}}, "ctx": object()}
    assert evaluated("input.a + steps.x.output", **scope) == 3
    assert evaluated("has(input.a.b.c) || has(input.a)", input={"a": {"b": {"c": 1}, "z": 1}}) is True
    assert evaluated("has(input.b) || size(input) == 1", input={"a": 1}) is True
    assert evaluated("input.l[0] + input.l[1].a", input={"l": [1, {"a": 2}]}) == 3


def test_maps_are_gone_over_in_the_order_of_their_keys() -> None:
    scope = {"input": {key: key for key in "qwertyuiopasdfghjkl"}}
    assert evaluated("input.map(k, k)", **scope) == sorted("qwertyuiopasdfghjkl")
    assert evaluated("input.filter(k, k > 'p')", **scope) == list("qrstuwy")
    assert evaluated("input // a.b.map(\n .map(k, input.filter(x, x < 'b').map(y, y))[0]", **scope) == ["a"]
    assert evaluated("loop.map(k, k) + [string(now)]", loop={"b": 1, "a": 2}, now=0) == [
        "a",
        "b",
        "1970-01-01T00:00:00Z",
    ]
    assert evaluated("dyn(input.filter(k, k < 'c')).map(k, k + k)", **scope) == ["aa"]
    assert evaluated("(has(input.z) ? input.l.map(x, x) : [1]).map(x, x)", input={"l": [2]}) == [1]
    assert list(evaluated("{'z': 1, 'b': 2, 'a': input.q}", **scope)) == ["a", "b", "z"]  # type: ignore[call-overload]
    assert evaluated("input.map(x, x + 1)", input=[3, 2, 1]) == [4, 3, 2]
    assert evaluated("input.filter(x, x > 1).map(x, x)", input=[3, 2, 1]) == [3, 2]
    assert evaluated("[3, 1].filter(x, x > index)", index=2) == [3]
    many = " + ".join(["input.map(x, [x].map(y, x))"] * 20)
    assert evaluated(many, input=[1]) == [[1]] * 20
    with pytest.raises(ExpressionInvalid, match="range_0_"):
        compiled("range_0_")


def test_a_map_of_no_known_order_is_not_gone_over() -> None:
    with pytest.raises(NoValue, match="in an order that nobody knows"):
        evaluated("[input].map(m, m.map(k, k))", input={"a": 1})
    assert evaluated("[input].map(m, m.all(k, k == 'a'))", input={"a": 1}) == [True]
    with pytest.raises(ExpressionInvalid, match="a list that map or filter may go over"):
        compiled("{'a': 1}.map(k, k)")


PRINTS = """
from foldgate.expr.template import Template
source = ["${input.map(k, k)}", "${input}", "${{'b': 1, 'a': 2, 'c': 3}}"]
print(Template.of(source, place="p").evaluate({"input": {key: 1 for key in "qwertyuiop"}}))
"""


def test_every_process_comes_to_the_same() -> None:
    runs = [
        subprocess.run([sys.executable, "-c", PRINTS], check=True, capture_output=True, text=True) for _ in range(3)
    ]
    assert len({run.stdout for run in runs}) == 1
    assert "['e', 'i', 'o', 'p', 'q', 'r', 't', 'u', 'w', 'y']" in runs[0].stdout


RULE = {
    "job": {"topic": "job.apply", "input": {"replicas": 5}, "risk_tags": ["prod"], "mcp": {"server": "files"}},
    "run": {"labels": {"env": "prod"}},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("job.input.replicas > 3 && run.labels['env'] == 'prod'", True),
        ("job.mcp.server == 'files' && 'prod' in job.risk_tags", True),
        ("[1, 2].exists(job, job == 2)", True),
        ("run.labels.map(key, key + job.topic)", ["envjob.apply"]),
        ("has(job.input.region)", False),
    ],
)
def test_names_with_dots_are_read_from_the_maps_they_are_in(text: str, value: object) -> None:
    assert compiled(text, RULE_NAMES).evaluate(RULE, Allowance()) == value


def test_what_a_name_with_dots_has_no_value_for_is_no_value() -> None:
    with pytest.raises(NoValue, match=r"run\.input"):
        compiled("run.input.size > 3", RULE_NAMES).evaluate(RULE, Allowance())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("job.topic > 3", r"applied to '\(string, int\)'"),
        ("job.topci == 'x'", r"got 'job\.topci'; did you mean 'job\.topic'\?"),
        ("job == 3", "got 'job'; known here: job.actor_id"),
        ("now > timestamp(0)", "got 'now'; known here: job.actor_id"),
    ],
)
def test_the_members_of_a_name_with_dots_are_checked(text: str, said: str) -> None:
    with pytest.raises(ExpressionInvalid) as caught:
        compiled(text, RULE_NAMES)
    assert re.search(said, caught.value.message)
