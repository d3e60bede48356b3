"""Documents become trees in which everything knows its place; what hides things is refused."""

import json

import pytest

from foldgate.language.nodes import MAX_DEPTH, MAX_NODES, plain_value, walk
from foldgate.language.problems import MOST, Place, WorkflowInvalid, invalid, problem
from foldgate.language.publish import prepare
from foldgate.language.read import MAX_BYTES, read


def places(source: str, *path: str | int) -> list[tuple[int, int]]:
    return [(stop.place.line, stop.place.column) for stop in walk(read(source), path)]


def refusal(source: str | bytes) -> tuple[str, int, int]:
    with pytest.raises(WorkflowInvalid) as caught:
        read(source)
    (found,) = caught.value.problems
    return found.code, found.line, found.column


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("tRUE", "tRUE"),
        ("null", None),
        ("~", None),
        ("", None),
        ("nULL", "nULL"),
        ("0", 0),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b1", "0b1"),
        ("-12", -12),
        ("+3", 3),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("1.0", 1.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        ("1.2.3", "1.2.3"),
        (".", "."),
        ("=", "="),
        ("'5'", "5"),
        ('"true"', "true"),
        ("9223372036854775807", 9223372036854775807),
        ("-9223372036854775808", -9223372036854775808),
        ('"\\u00e9\\x41"', "éA"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_scalars_are_what_the_core_schema_of_yaml_1_2_says(written: str, expected: object) -> None:
    value = plain_value(read(f"a: {written}"))["a"]
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    "number", [".inf", "-.Inf", "+.INF", ".nan", ".NaN", "9223372036854775808", "1e400", "9" * 5000]
)
def test_a_number_without_a_place_in_json_is_refused(number: str) -> None:
    assert refusal(f"a: {number}") == ("number_invalid", 1, 4)
    assert refusal(f"a: .{'9' * 5000}") == ("number_invalid", 1, 4)
    assert refusal(f"a: 0x{'9' * 5000}") == ("number_invalid", 1, 4)


def test_every_value_knows_its_place() -> None:
    source = "id: x\nsteps:\n  a:\n    input: [1, {b: 2}]\n"
    assert places(source, "steps", "a", "input", 1, "b") == [(2, 1), (3, 3), (4, 5), (4, 16), (4, 17)]
    assert places(source, "steps", "a", "nothing") == [(2, 1), (3, 3)]
    assert places(source, "id", "deeper") == [(1, 1)]
    assert places(source, "steps", "a", "input", 7) == [(2, 1), (3, 3), (4, 5)]
    assert places(source, "steps", "a", "input", "b") == [(2, 1), (3, 3), (4, 5)]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_json_knows_its_places_too(newline: str) -> None:
    source = newline.join(['{"id": "x",', '\t"steps": {"a": [', '  {"b \\" ]": true}]}}'])
    assert places(source, "steps", "a", 0, 'b " ]') == [(2, 2), (2, 12), (3, 3), (3, 4)]


@pytest.mark.parametrize("places_of_yaml", [False, True])
def test_json_and_yaml_of_the_same_are_the_same(places_of_yaml: bool) -> None:
    value = {
        "a": [1, -2.5, True, False, None, 'x\n\u2028é😀\\ "q" /', "${input.a}"],
        "b": {"": [], "c": {}},
        "1": 1e300,
    }
    text = json.dumps(value, ensure_ascii=not places_of_yaml)
    assert plain_value(read(text)) == value
    assert plain_value(read(("\ufeff" + text).encode())) == value


def test_json_in_ascii_may_have_characters_beyond_it() -> None:
    assert plain_value(read('{"a": "\\ud83d\\ude00"}')) == {"a": "😀"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", ("empty", 1, 1)),
        ("# nothing\n", ("empty", 1, 1)),
        (b"a: \xff", ("not_text", 1, 1)),
        ("a: \ud800", ("not_text", 1, 1)),
        ("a: b\n c\x07: d", ("not_text", 2, 3)),
        ('a: "\\0"', ("not_text", 1, 4)),
        ('{"a":\n "x\\u0000"}', ("not_text", 2, 2)),
        ('{"a": 1e400}', ("number_invalid", 1, 7)),
        ('{"a": 18446744073709551616}', ("number_invalid", 1, 7)),
        ("a: [1, 2", ("not_yaml", 2, 1)),
        ("a: b: c", ("not_yaml", 1, 5)),
        ("a:\n\t- b", ("not_yaml", 2, 1)),
        ("a: '", ("not_yaml", 1, 5)),
        ('{"a": \'}', ("not_yaml", 1, 9)),
        ("a: 1\n---\nb: 2", ("two_documents", 2, 1)),
        ("a: &x 1", ("alias", 1, 4)),
        ("a: &x [1]", ("alias", 1, 4)),
        ("b: *x", ("alias", 1, 4)),
        ("a: !!int 5", ("tag", 1, 4)),
        ("a: !x {b: c}", ("tag", 1, 4)),
        ("a: !<x> [b]", ("tag", 1, 4)),
        ("a: 1\n<<: {b: 2}", ("merge_key", 2, 1)),
        ("? [a]\n: b", ("key_not_text", 1, 3)),
        ("{a: 1, {b: c}: 2}", ("key_not_text", 1, 8)),
        ("a: 1\nb: 2\na: 3", ("duplicate_key", 3, 1)),
        ('{"a": 1, "a": 2}', ("duplicate_key", 1, 10)),
        ("'1': a\n1: b", ("duplicate_key", 2, 1)),
        ("[" * (MAX_DEPTH + 1), ("too_deep", 1, MAX_DEPTH + 1)),
        ("[\n" * 100_000, ("too_deep", MAX_DEPTH + 1, 1)),
        ("[" * 100_000, ("not_yaml", 1, 1001)),
        ('{"a":' * 100_000, ("too_deep", 1, 5 * MAX_DEPTH + 1)),
        ('{"a":' * 60 + "1" + "}" * 60, ("too_deep", 1, 5 * MAX_DEPTH + 1)),
        ("- " * 100_000, ("too_deep", 1, 2 * MAX_DEPTH + 1)),
        ("[" + "0," * MAX_NODES + "]", ("too_large", 1, 2 * MAX_NODES)),
        ("#" * (MAX_BYTES + 1), ("too_large", 1, 1)),
        ("é" * MAX_BYTES, ("too_large", 1, 1)),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_read_is_refused_with_its_place(source: str | bytes, expected: tuple[str, int, int]) -> None:
    assert refusal(source) == expected


def test_a_quoted_merge_key_is_a_key() -> None:
    assert plain_value(read("'<<': 1")) == {"<<": 1}


def test_keys_are_texts_whatever_they_look_like() -> None:
    assert plain_value(read("{1: a, true: b, 1.0: c, ~: d, '': e}")) == {
        "1": "a",
        "true": "b",
        "1.0": "c",
        "~": "d",
        "": "e",
    }


def test_every_duplicate_is_told_at_once() -> None:
    with pytest.raises(WorkflowInvalid) as caught:
        read("{a: 1, b: 2, a: 3, b: {c: 4, c: 5}}")
    assert [found.column for found in caught.value.problems] == [14, 20, 30]
    assert str(caught.value).splitlines()[0] == (
        "line 1, column 14: Expected each key once, but 'a' stands on line 1 already."
    )


def test_a_problem_is_one_line_whatever_is_in_it() -> None:
    found = problem("code", "a\nb\x1b[31m" + "x" * 1000, place=Place(2, 3), path="steps.\n.a")
    assert str(found).startswith("line 2, column 3: steps. .a: a b [31mxxx")
    assert str(found).endswith("x…")
    assert len(str(found)) < 600


def test_problems_are_told_once_in_the_order_of_the_document_and_not_without_end() -> None:
    found = [problem("code", "said", place=Place(line, 1)) for line in (3, 1, 2, 1)]
    assert [each.line for each in invalid(found).problems] == [1, 2, 3]
    many = [problem("code", str(line), place=Place(line, 1)) for line in range(1, 500)]
    assert len(invalid(many).problems) == MOST


def test_bytes_and_text_are_the_same_document() -> None:
    source = "id: x\nsteps: {a: {type: job, name: é}}\n"
    assert prepare(source) == prepare(source.encode()) == prepare("\ufeff" + source)
