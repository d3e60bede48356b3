"""Templates: values with expressions in them, and what they become."""

import pytest

from foldgate.expr.template import ALL_NAMES, ExpressionFailed, ExpressionInvalid, Template

SCOPE = {
    "input": {"name": "Ann", "count": 2, "share": 1.5, "list": [1, "two", None], "map": {"b": 1, "a": True}},
    "ctx": {"seen": True},
    "steps": {"fetch": {"output": {"rows": [{"id": 7}]}, "status": "succeeded"}, "a-b": {"output": 3}},
    "item": {"key": "k"},
    "index": 4,
    "loop": {"index": 1, "previous_output": None},
    "run": {"id": "run_1", "workflow": "w"},
    "now": 1_700_000_000_123,
}


def value(source: object) -> object:
    return Template.of(source, place="steps.x.input").evaluate(SCOPE)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("${input.count}", 2),
        ("${input.share}", 1.5),
        ("${input.list}", [1, "two", None]),
        ("${input.map}", {"a": True, "b": 1}),
        ("${input.list[2]}", None),
        ("${steps.fetch.output.rows[0].id}", 7),
        ("${steps['a-b'].output}", 3),
        ("${loop.index + index}", 5),
        ("${ctx.seen && item.key == 'k'}", True),
        ("hello ${input.name}!", "hello Ann!"),
        ("${input.name}${input.count}", "Ann2"),
        ("m=${input.map} l=${input.list} n=${loop.previous_output}", 'm={"a":true,"b":1} l=[1,"two",null] n=null'),
        ("${now}", "2023-11-14T22:13:20.123Z"),
        ("at ${now + duration('1s')}", "at 2023-11-14T22:13:21.123Z"),
        ("${duration('90s')}", "90s"),
        ("${b'abc'}", "YWJj"),
        ("$${input.name}", "${input.name}"),
        ("$${a} ${input.count} $${b}", "${a} 2 ${b}"),
        ("cost: $5 $ {}", "cost: $5 $ {}"),
        ("${'}' + \"${\" + r'\\d' + '''it's}'''}", "}${\\dit's}"),
        ("${{'a': {'b': 1}}.a.b}", 1),
        ("${1 // } in a comment\n+ 1}", 2),
        ("", ""),
        ({"a": ["${input.count}", {"b": "x${index}"}], "c": None}, {"a": [2, {"b": "x4"}], "c": None}),
        ([1, True, 2.5, "text"], [1, True, 2.5, "text"]),
    ],
)
def test_a_template_becomes_its_value(source: object, expected: object) -> None:
    found = value(source)
    assert found == expected
    assert type(found) is type(expected)


def test_types_are_kept_where_a_text_is_one_expression() -> None:
    assert [type(value(f"${{{text}}}")) for text in ("1", "1.0", "'1'", "true", "null", "18446744073709551615u")] == [
        int,
        float,
        str,
        bool,
        type(None),
        int,
    ]


def test_a_constant_is_given_back_as_it_is_written() -> None:
    template = Template.of({"a": [1, "$${x}"]}, place="p")
    assert template.constant
    assert template.evaluate({}) is template.evaluate({})
    assert template.evaluate({}) == {"a": [1, "${x}"]}
    assert (template.roots, template.steps, template.result) == (frozenset(), frozenset(), None)


def test_a_template_knows_what_it_reads() -> None:
    source = {"a": "${steps.one.output + input.x}", "b": ["x ${steps['two'].status == run.id}"]}
    template = Template.of(source, place="p")
    assert template.source == source
    assert not template.constant
    assert template.roots == {"steps", "input", "run"}
    assert template.steps == {"one", "two"}


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("${input.a > 1}", "BOOL"),
        ("${index + 1}", "INT"),
        ("${'a' + 'b'}", "STRING"),
        ("${input.a}", "DYN"),
        ("${[1]}", "LIST<INT>"),
        ("${now}", "TIMESTAMP"),
        (" ${index}", None),
        (["${index}"], None),
        (3, None),
    ],
)
def test_the_type_of_one_whole_expression_is_known(source: object, result: str | None) -> None:
    assert Template.of(source, place="p").result == result


def test_templates_are_equal_where_their_source_is() -> None:
    one, same, other = (Template.of(source, place="p") for source in ("${input.a}", "${input.a}", "${input.b}"))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != "${input.a}"
    assert Template.of(1, place="p") != Template.of(1.0, place="p") != Template.of(True, place="p")
    assert repr(one) == 'Template("${input.a}")'


@pytest.mark.parametrize(
    ("source", "place", "said"),
    [
        ({"a": ["x", "no: ${nothing.b}"]}, (("a", 1), 6), "'nothing'"),
        ({"a": "${input.x"}, (("a",), 2), "Expected '}'"),
        ({"a": "${'x}"}, (("a",), 2), "Expected ' at the end"),
        ('${"x\n"}', ((), 2), 'Expected " at the end'),
        ({"a": {"${x}": 1}}, (("a",), 0), "as a key"),
        ({1: 1}, ((), 0), "as a key"),
        ([float("inf")], ((0,), 0), "JSON can carry"),
        ([2**64], ((0,), 0), "JSON can carry"),
        ([{1, 2}], ((0,), 0), "JSON can carry"),
        (["\ud800"], ((), 0), "JSON can carry"),
        ("${'\ud800'}", ((), 2), "half a character"),
        (object(), ((), 0), "JSON can carry"),
        (["x" * 300_000], ((), 0), "at most 262144 bytes"),
    ],
)
def test_what_is_wrong_says_where_it_is(source: object, place: tuple[tuple[object, ...], int], said: str) -> None:
    with pytest.raises(ExpressionInvalid) as refused:
        Template.of(source, place="steps.x.input")
    assert said in refused.value.message
    assert str(refused.value) == refused.value.message
    assert (refused.value.path, refused.value.start) == place
    assert refused.value.place == "steps.x.input"


def test_deep_sources_are_refused() -> None:
    deep: object = 1
    for _ in range(64):
        deep = [deep]
    assert Template.of(deep, place="p").constant
    with pytest.raises(ExpressionInvalid, match="64 levels") as refused:
        Template.of([deep], place="p")
    assert refused.value.code == "value_invalid"


def test_a_name_may_be_known_in_one_place_and_not_in_another() -> None:
    assert Template.of("${item}", place="p", names=frozenset(("item",))).roots == {"item"}
    with pytest.raises(ExpressionInvalid, match="known here, but got 'item'; known here: ctx, input"):
        Template.of("${item}", place="p", names=frozenset(("input", "ctx")))
    with pytest.raises(ExpressionInvalid, match="known here: nothing"):
        Template.of("${item}", place="p", names=frozenset())
    assert {"item", "loop", "now"} < ALL_NAMES


def test_a_failure_names_the_expression_its_place_and_what_it_saw() -> None:
    with pytest.raises(ExpressionFailed) as failed:
        value({"a": ["${input.map.nothing + steps.gone.output.x + input.list[9] + loop.index}"]})
    assert failed.value.code == "expression_failed"
    assert str(failed.value) == (
        "Expected a value of ${input.map.nothing + steps.gone.output.x + input.list[9] + loop.index} at "
        'steps.x.input.a[0], but got an error (Key not found in map : "nothing"). It saw input.map = {"a":true,"b":1}; '
        'steps = {"a-b":{"output":3},"fetch":{"output":{"rows":[{"id":7}]},"status":"succeeded"}}; '
        'input.list = [1,"two",null]; loop.index = 1'
    )


def test_a_failure_is_bounded_whatever_it_saw() -> None:
    scope = {"input": dict.fromkeys("abcde", "x" * 1000)}
    with pytest.raises(ExpressionFailed) as failed:
        Template.of(f"${{[input.a, input.b, input.c, input.d, input.e][9]{' ' * 1000}}}", place="p" * 1000).evaluate(
            scope
        )
    assert len(str(failed.value)) <= 500


def test_a_failure_shows_what_cannot_be_shown_as_such() -> None:
    with pytest.raises(ExpressionFailed, match=r"input.a = a value that JSON cannot carry"):
        Template.of("${input.a}", place="p").evaluate({"input": {"a": "\ud800"}})
    with pytest.raises(ExpressionFailed, match=r"It saw no ctx"):
        Template.of("${ctx.a}", place="p").evaluate({})


def test_parts_within_bounds_may_be_too_large_together() -> None:
    scope = {"input": "x" * 100_000}
    assert len(str(Template.of(["${input}", "${input}"], place="p").evaluate(scope))) > 200_000
    for source in (["${input}"] * 3, "${input} ${input} ${input}"):
        with pytest.raises(ExpressionFailed, match="262144 bytes") as failed:
            Template.of(source, place="p").evaluate(scope)
        assert failed.value.code == "expression_too_large"
    with pytest.raises(ExpressionFailed, match="at p, but got a value of more than 262144 bytes"):
        Template.of(["${input}", "${input}", "x" * 100_000], place="p").evaluate(scope)


def test_parts_within_bounds_may_be_too_deep_together() -> None:
    deep: object = 1
    for _ in range(40):
        deep = [deep]
    source: object = "${input}"
    for _ in range(40):
        source = [source]
    with pytest.raises(ExpressionFailed, match="nested deeper than 64") as failed:
        Template.of(source, place="p").evaluate({"input": deep})
    assert failed.value.code == "expression_too_large"
