"""Bodies: what is no JSON that all read alike, or not what was asked for, is refused in a sentence that names it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foldgate.authority.request import canonical
from foldgate.gateway.http.bodies import MAX_DEPTH, fitting, parsed
from foldgate.gateway.http.jobs import JobBody
from foldgate.gateway.http.policy_trials import TrialBody
from foldgate.gateway.http.problems import Problem, answer

NOT_JSON = {
    "nothing": (b"", "the body is empty"),
    "white space": (b" \n", "the body is empty"),
    "half": (b'{"topic": "a"', "line 1, column 14"),
    "two": (b'{"topic": "a"} {}', "line 1, column 16"),
    "form": (b"topic=a", "line 1, column 1"),
    "single quotes": (b"{'topic': 'a'}", "line 1, column 2"),
    "a comment": (b'{"topic": "a"} // it', "line 1, column 16"),
    "a trailing comma": (b'{"topic": "a",}', "line 1, column 1"),
    "a line break in a string": (b'{"topic": "a\nb"}', "line 1, column 13"),
    "another encoding": ('{"topic": "ä"}'.encode("latin-1"), "byte 11 is 0xe4"),
    "UTF-16": ('{"topic": "a"}'.encode("utf-16"), "byte 0 is 0xff"),
    "half a surrogate pair": (b'{"topic": "a", "input": "\\ud800"}', "half of a surrogate pair"),
    "half a pair as a name": (b'{"topic": "a", "input": {"\\udfff": 1}}', "half of a surrogate pair"),
    "half a pair, twice": (b'{"\\ud800": 1, "\\ud800": 2}', "'?' is there again"),
    "a name twice": (b'{"topic": "a", "topic": "b"}', "'topic' is there again"),
    "a name twice, inside": (b'{"topic": "a", "input": [{"x": 1, "x": 1}]}', "'x' is there again"),
    "not a number": (b'{"topic": "a", "input": NaN}', "got NaN"),
    "infinity": (b'{"topic": "a", "input": [-Infinity]}', "got -Infinity"),
    "too large a number": (b'{"topic": "a", "input": 1e999}', "got 1e999"),
    "too long a number": (b'{"topic": "a", "input": ' + b"9" * 5000 + b"}", "at most 64 bits"),
    "a long number": (b'{"topic": "a", "input": ' + b"9" * 21 + b"}", "at most 64 bits"),
    "too many levels": (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), f"at most {MAX_DEPTH} levels"),
    "far too many levels": (b"[" * 100_000, f"at most {MAX_DEPTH} levels"),
    "far too many objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, f"at most {MAX_DEPTH} levels"),
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_not_json_is_said_to_be(name: str) -> None:
    body, expected = NOT_JSON[name]
    with pytest.raises(Problem) as found:
        parsed(body)
    assert found.value.code == "malformed_json"
    assert expected in found.value.detail
    assert answer(found.value).status_code == 400, "and it can be sent"


MISFITS: dict[str, tuple[Any, str, str]] = {
    "an array": ([], "", "Expected a JSON object, but it is an array."),
    "a text": ("topic", "", "Expected a JSON object, but it is 'topic'."),
    "null": (None, "", "Expected a JSON object, but it is null."),
    "nothing": ({}, "topic", "Expected `topic`, but it is missing."),
    "another type": ({"topic": 1}, "topic", "Expected a valid string in `topic`, but got the number 1."),
    "a number as a text": ({"topic": ["a"]}, "topic", "Expected a valid string in `topic`, but got an array."),
    "no text": ({"topic": None}, "topic", "Expected a valid string in `topic`, but got null."),
    "misspelt": ({"topic": "a", "inputs": {}}, "inputs", "Expected no field `inputs`: did you mean `input`?"),
    "unknown": ({"topic": "a", "zzz": 1}, "zzz", "there are `topic`, `input`, `kind`, `labels`."),
    "another's kind": ({"topic": "a", "kind": "lllm"}, "kind", "'container' or 'script' in `kind`, but got 'lllm'."),
    "too long": ({"topic": "a" * 201}, "topic", "at most 200 characters in `topic`"),
    "a control character": ({"topic": "a\x00b"}, "topic", "in `topic`, but got"),
    "labels that are none": ({"topic": "a", "labels": ["x"]}, "labels", "a valid object in `labels`"),
    "a label of another type": ({"topic": "a", "labels": {"x": 1}}, "labels.x", "got the number 1"),
    "a label without a name": ({"topic": "a", "labels": {"": "x"}}, "labels.", "at least 1 character"),
    "a label with a zero": ({"topic": "a", "labels": {"x": "\x00"}}, "labels.x", "in `labels.x`"),
    "too many labels": ({"topic": "a", "labels": dict.fromkeys(map(str, range(51)), "x")}, "labels", "at most 50"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_is_named(name: str) -> None:
    body, field, expected = MISFITS[name]
    with pytest.raises(Problem) as found:
        fitting(body, JobBody)
    assert (found.value.code, found.value.field) == ("invalid_body", field)
    assert expected in found.value.detail
    assert found.value.detail[-1] in ".?"


def test_what_documents_are_checked_for_is_told_as_everything_is() -> None:
    with pytest.raises(Problem) as found:
        fitting({"job": {"labels": {"a b": "x"}}}, TrialBody)
    names = "Expected a name of at most 200 characters without spaces"
    assert found.value.detail == f"{names} in `job.labels.a b`, but got 'a b'."


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(Problem) as found:
        fitting({"topik": "a", "kind": 7}, JobBody)
    assert {mistake.field for mistake in found.value.mistakes} == {"topic", "kind", "topik"}
    document = json.loads(bytes(answer(found.value).body))
    assert document["errors"][0]["field"] == document["field"]


def test_a_deep_body_is_taken_up_to_the_limit() -> None:
    depth = MAX_DEPTH - 1
    assert parsed(b'{"a":' * depth + b"1" + b"}" * depth) is not None
    assert parsed(b"[" + b"[]," * 1000 + b"[]]") == [[]] * 1001, "many are not deep"


def outcome(body: bytes) -> Any:
    """The value in a body, or the problem with it."""
    try:
        return parsed(body)
    except Problem as problem:
        return problem


@given(st.binary(max_size=60) | st.text('{}[]":,01.eE+-truefalsn\\ud8 \0', max_size=30).map(str.encode))
def test_any_bytes_are_json_or_a_problem(body: bytes) -> None:
    value = outcome(body)
    if isinstance(value, Problem):
        assert answer(value).status_code == 400
    else:
        assert canonical(json.dumps(value)) == canonical(body)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(_JSON)
def test_any_json_means_to_the_engine_what_was_sent(value: Any) -> None:
    body = fitting(parsed(json.dumps({"topic": "a", "input": value}).encode()), JobBody)
    assert body.input == value
    assert json.loads(canonical(json.dumps(body.input))) == value


@given(st.integers())
def test_whole_numbers_are_taken_up_to_64_bits(value: int) -> None:
    assert isinstance(outcome(str(value).encode()), int) == (-(2**63) <= value < 2**64)
