"""Made-up expressions over made-up values: each is refused, fails, or becomes JSON; the process lives, and goes on.

What is read is known: an expression comes to the same when it is given nothing but the roots and steps it names.
"""

import time
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from foldgate.expr.template import ALL_NAMES, ExpressionFailed, ExpressionInvalid, Template
from tests.support.thorough import daily

MANY = daily(150, thorough=2_000)
SECONDS = 5
"""Of processor time, for any one of them: a bound to find what does not end, not a measurement."""

KEYS = st.sampled_from(["a", "b", "list", "text", "map", "output", "status"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)
SCOPES = st.fixed_dictionaries(
    {},
    optional={
        "input": st.dictionaries(KEYS, VALUES, max_size=6) | VALUES,
        "ctx": st.dictionaries(KEYS, VALUES, max_size=3),
        "steps": st.dictionaries(st.sampled_from(["one", "two-x"]), st.dictionaries(KEYS, VALUES, max_size=3)),
        "item": VALUES,
        "index": st.integers(0, 1000),
        "loop": st.fixed_dictionaries({"index": st.integers(0, 9), "previous_output": VALUES}),
        "run": st.just({"id": "run_1", "workflow": "w", "tenant": "t", "attempt_of": None}),
        "now": st.integers(-(10**14), 10**15),
    },
)
ATOMS = st.sampled_from(
    [
        "input",
        "ctx",
        "item",
        "index",
        "now",
        "x",
        "steps.one",
        "steps['two-x']",
        "loop.previous_output",
        ".input.a",
        "run.id",
        "steps",
        "'te}xt'",
        '"""q"uote"""',
        "r'\\d'",
        "b'\\x00\\xff'",
        "1",
        "-3",
        "2u",
        "1.5",
        "true",
        "null",
        "[]",
        "{}",
        "duration('1h')",
        "timestamp('2026-01-01T00:00:00Z')",
        "9223372036854775807",
        "1e300",
        "type(1)",
    ]
)


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions made of expressions."""
    pair = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(inner, KEYS).map(lambda of: f"{of[0]}.{of[1]}"),
        st.tuples(inner, KEYS).map(lambda of: f"{of[0]}['{of[1]}']"),
        pair.map(lambda of: f"{of[0]}[{of[1]}]"),
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%", "==", "<", "&&", "||", "in", "!="]), inner).map(
            " ".join
        ),
        st.tuples(
            inner,
            st.sampled_from(["map", "filter", "all", "exists", "exists_one"]),
            st.sampled_from(["x", "item", "steps"]),
            inner,
        ).map(lambda of: f"{of[0]}.{of[1]}({of[2]}, {of[3]})"),
        st.tuples(st.sampled_from(["size", "string", "int", "double", "dyn", "has", "bytes", "!", "-"]), inner).map(
            lambda of: f"{of[0]}({of[1]})"
        ),
        st.tuples(inner, inner, inner).map(lambda of: f"({of[0]} ? {of[1]} : {of[2]})"),
        st.lists(inner, max_size=4).map(lambda of: f"[{', '.join(of)}]"),
        pair.map(lambda of: f"{{'a': {of[0]}, 'b': {of[1]}}}"),
        pair.map(lambda of: f"{of[0]}.matches({of[1]})"),
        inner.map(lambda of: f"{of} // steps.nowhere '}}\n"),
    )


EXPRESSIONS = st.recursive(ATOMS, larger, max_leaves=12)
SCRAPS = st.lists(
    st.sampled_from(
        [
            *"()[]{}.,'\"`?:+-*/!&|<>=\\\n$",
            "steps",
            "input",
            "loop",
            ".map(",
            "x,",
            "r'",
            'b"',
            "'''",
            "//",
            "${",
            "0x",
            "1e",
            "a",
        ]
    ),
    max_size=30,
).map("".join)


def outcome(template: Template, scope: dict[str, Any]) -> bytes | str:
    """Its value as JSON, or why there is none."""
    try:
        return msgspec.json.encode(template.evaluate(scope))
    except ExpressionFailed as failure:
        failed = failure
    assert len(str(failed)) <= 500
    return failed.code


def compiled(source: object) -> Template | None:
    try:
        return Template.of(source, place="steps.x.input")
    except ExpressionInvalid as refusal:
        invalid = refusal
    assert invalid.message.startswith("Expected")
    assert invalid.line >= 1
    assert invalid.column >= 1
    return None


def only_what_it_reads(template: Template, scope: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in scope.items() if name in template.roots}
    if "steps" in found:
        found["steps"] = {name: value for name, value in found["steps"].items() if name in template.steps}
    return found


@given(text=EXPRESSIONS, scope=SCOPES)
@settings(max_examples=MANY, deadline=None)
def test_an_expression_becomes_json_or_says_why_not(text: str, scope: dict[str, Any]) -> None:
    template = compiled(f"${{{text}}}")
    if template is None:
        return
    assert template.roots <= ALL_NAMES
    found = outcome(template, scope)
    if isinstance(found, bytes):
        assert msgspec.json.encode(msgspec.json.decode(found)) == found
    assert outcome(template, only_what_it_reads(template, scope)) == found


@given(
    text=SCRAPS | st.text(max_size=200) | EXPRESSIONS.map(lambda text: f"a ${{{text}}} $${{b}} ${{{text}}}"),
    scope=SCOPES,
)
@settings(max_examples=MANY, deadline=None)
def test_no_text_is_too_strange(text: str, scope: dict[str, Any]) -> None:
    for source in (text, f"${{{text}}}", [{"a": text}]):
        template = compiled(source)
        if template is not None:
            outcome(template, scope)


@given(text=EXPRESSIONS, size=st.integers(0, 3000), width=st.integers(0, 80))
@settings(max_examples=MANY, deadline=None)
def test_none_takes_long_over_large_values(text: str, size: int, width: int) -> None:
    element = {"a": "x" * width, "b": [1, 2, 3], "text": "y"}
    large = {
        "list": [element] * (size // 4),
        "text": "x" * size * width,
        "map": {f"{at}": at for at in range(size)},
        "a": [1] * size,
    }
    template = compiled(f"${{{text}}}")
    if template is not None:
        begun = time.process_time()
        outcome(template, {"input": large, "ctx": large, "item": large["list"], "index": 1, "now": 0})
        assert time.process_time() - begun < SECONDS
