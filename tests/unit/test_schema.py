"""JSON Schemas of workflows: what is refused, and what is said of a value that does not fit."""

import time

import pytest

from foldgate.language.schema import Schema, SchemaInvalid
from foldgate.language.schema_cost import cost


def schema(document: object) -> Schema:
    return Schema.of(document, place="steps.x.input_schema")


def wrapped(found: object, key: str, times: int) -> object:
    for _ in range(times):
        found = {key: found}
    return found


def nested(depth: int) -> object:
    """Lists in maps in lists."""
    found: object = 1
    for at in range(depth):
        found = [found] if at % 2 else {"a": found}
    return found


ORDER = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "integer", "minimum": 1, "exclusiveMaximum": 9, "multipleOf": 2},
        "kind": {"enum": ["a", "b"]},
        "tags": {"type": "array", "items": {"type": ["string", "null"], "pattern": "^[a-z]+$"}, "uniqueItems": True},
        "mail": {"format": "email", "maxLength": 20},
        "at": {"format": "date-time"},
        "v/~": {"const": {"a": 1}},
        "any": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "flag": {"type": "boolean"},
        "never": False,
    },
    "additionalProperties": False,
}
FITS = {
    "id": 2,
    "kind": "a",
    "tags": ["x", None],
    "mail": "a@example.com",
    "at": "2026-01-01T00:00:00Z",
    "v/~": {"a": 1},
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"id": 2.0}, None),
        ({"id": "2"}, 'Expected a whole number, but got "2" at /id.'),
        ({"id": 0}, "Expected at least 1, but got 0 at /id."),
        ({"id": 10}, "Expected less than 9, but got 10 at /id."),
        ({"id": 3}, "Expected a multiple of 2, but got 3 at /id."),
        ({"kind": "c"}, 'Expected one of ["a","b"], but got "c" at /kind.'),
        ({"tags": ["x", 1]}, "Expected null or a text, but got 1 at /tags/1."),
        ({"tags": ["X"]}, 'Expected a text that matches ^[a-z]+$, but got "X" at /tags/0.'),
        ({"tags": ["x", "x"]}, 'Expected items that differ from one another, but got ["x","x"] at /tags.'),
        ({"mail": "nobody"}, 'Expected the format email, but got "nobody" at /mail.'),
        (
            {"mail": "a@example.com" * 9},
            f'Expected a text of at most 20 characters, but got "{"a@example.com" * 6}… at /mail.',
        ),
        ({"at": "yesterday"}, 'Expected the format date-time, but got "yesterday" at /at.'),
        ({"v/~": 1}, 'Expected {"a":1}, but got 1 at /v~1~0.'),
        ({"any": None}, "Expected a value that fits 'anyOf', but got null at /any."),
        ({"flag": 1}, "Expected true or false, but got 1 at /flag."),
        ({"never": 1}, "Expected nothing, but got 1 at /never."),
        ({"more": 1}, "Expected no other entries, but there is 'more' at /."),
    ],
)
def test_the_first_problem_is_told(change: dict[str, object], expected: str | None) -> None:
    assert schema(ORDER).problem({**FITS, **change}) == expected


def test_what_is_missing_is_told() -> None:
    assert schema(ORDER).problem({}) == "Expected the entry 'id', but it is missing at /."
    assert schema(ORDER).problem([]) == "Expected a map, but got [] at /."


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"type": "objekt"}, "at steps.x.input_schema/type, but the type is none of array, boolean"),
        (
            {"properties": {"a": {"minimum": "x"}}},
            'input_schema/properties/a/minimum, but "x" is not of type "number".',
        ),
        ([], "it is a list and not a map"),
        (None, "it is a NoneType and not a map"),
        ("x", "it is a str and not a map"),
        ({"const": "\ud800"}, "JSON cannot carry"),
        ({"$schema": "http://example.com/mine"}, "Unknown meta-schema"),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "draft 4"),
        ({"$ref": "#/$defs/none"}, "does not exist"),
        ({"$ref": "http://example.com/other"}, "Retrieval is disabled"),
        ({"$ref": "file:///etc/passwd"}, "Retrieval is disabled"),
        ({"$ref": "other.json"}, "not present"),
        ({"$ref": "#here", "$defs": {"a": {"$anchor": "here"}}}, "only '#/…' is followed"),
        ({"$ref": "#/%24defs/a", "$defs": {"a": {}}}, "as it is written there"),
        ({"$dynamicRef": "#"}, "'$dynamicRef' inside, which is not followed"),
        ({"items": {"$id": "http://example.com/inner"}}, "'$id' inside, which is not followed"),
        ({"format": "emial"}, "Unknown format: 'emial'"),
        ({"pattern": "("}, "regex"),
        ({"pattern": "(?=a)b"}, "regex"),
        ({"pattern": "(a)\\1"}, "regex"),
        ({"pattern": "((x{1,100}){1,100}){1,100}"}, "regex"),
        (
            {"allOf": [{"$ref": f"#/$defs/{at}"} for at in range(501)], "$defs": {f"{at}": {} for at in range(501)}},
            "500",
        ),
        (wrapped({}, "items", 65), "nested deeper than 64"),
        (wrapped({}, "items", 100_000), "JSON cannot carry"),
    ],
)
def test_what_is_no_schema_is_refused(document: object, said: str) -> None:
    with pytest.raises(SchemaInvalid) as refused:
        schema(document)
    assert said in refused.value.message
    assert str(refused.value).startswith("Expected a JSON Schema at steps.x.input_schema")
    assert refused.value.code == "schema_invalid"


@pytest.mark.parametrize(
    ("document", "fits", "does_not"),
    [
        (True, 1, None),
        (False, None, 1),
        ({"$id": "http://example.com/a", "$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}, "x", 1),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#", "dependencies": {"a": ["b"], "c": {"not": {}}}},
            {},
            {"a": 1},
        ),
        ({"patternProperties": {"^x-": {"type": "string"}}}, {"x-a": "", "b": 1}, {"x-a": 1}),
        ({"prefixItems": [{"type": "string"}], "items": {"$ref": "#/prefixItems/0"}}, ["x", "y"], ["x", 1]),
        (
            {"properties": {"next": {"$ref": "#"}, "v": {"type": "integer"}}},
            {"next": {"v": 1}},
            {"next": {"next": {"v": "x"}}},
        ),
    ],
)
def test_schemas_of_many_kinds_are_taken(document: object, fits: object, does_not: object) -> None:
    found = schema(document)
    assert found.source == document
    assert fits is None or found.problem(fits) is None
    assert does_not is None or found.problem(does_not) is not None


def test_schemas_are_equal_where_their_source_is() -> None:
    one, same, other = schema({"type": "string"}), schema({"type": "string"}), schema({"type": "integer"})
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != {"type": "string"}
    assert repr(one) == 'Schema({"type":"string"})'


def test_a_value_that_is_no_json_has_a_problem() -> None:
    assert "JSON cannot carry" in str(schema({}).problem("\ud800"))
    assert "JSON cannot carry" in str(schema({"items": {"$ref": "#"}}).problem(nested(100_000)))
    assert "deeper than 64" in str(schema({"items": {"$ref": "#"}}).problem(nested(70)))
    assert schema({"items": {"$ref": "#"}}).problem(nested(64)) is None


def doubling(length: int) -> dict[str, object]:
    """Each definition applies the next one twice."""
    steps = {f"{at}": {"allOf": [{"$ref": f"#/$defs/{at + 1}"}] * 2} for at in range(length)}
    return {"$ref": "#/$defs/0", "$defs": {**steps, f"{length}": {"type": "string"}}}


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (doubling(30), "x"),
        (doubling(400), "x"),
        ({"items": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}, nested(40)),
        (
            {"anyOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}]},
            nested(40),
        ),
        ({"pattern": "((x{1,10}){1,10}){1,10}y"}, "x" * 250_000),
    ],
)
def test_a_check_that_would_not_end_is_not_begun(document: object, value: object) -> None:
    begun = time.process_time()
    assert "checked in time" in str(schema(document).problem(value))
    assert time.process_time() - begun < 1


TREE = {
    "oneOf": [
        {"type": "string"},
        {"type": "object", "required": ["all"], "properties": {"all": {"type": "array", "items": {"$ref": "#"}}}},
        {"type": "object", "required": ["any"], "properties": {"any": {"type": "array", "items": {"$ref": "#"}}}},
    ]
}


def tree(height: int) -> object:
    return {"all" if height % 2 else "any": [tree(height - 1)] * 2} if height else "leaf"


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (doubling(10), "x"),
        (
            {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}},
            wrapped({}, "left", 60),
        ),
        (
            {"anyOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}]},
            nested(12),
        ),
        (
            {"properties": {f"p{at}": {"type": "string"} for at in range(200)}},
            {f"p{at}": "x" * 1000 for at in range(200)},
        ),
        ({"items": {"enum": list(range(1000))}}, list(range(1000)) * 50),
        (TREE, tree(6)),
    ],
)
def test_a_check_that_people_want_is_done(document: object, value: object) -> None:
    assert schema(document).problem(value) is None


def test_a_schema_comes_back_to_itself_through_others() -> None:
    through = {
        "$ref": "#/$defs/a",
        "$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"not": {"$ref": "#/$defs/a"}}},
    }
    assert cost(through).branching == 1
    twice = {
        "$ref": "#/$defs/a",
        "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}] * 3}, "b": {"items": {"$ref": "#/$defs/a"}}},
    }
    assert cost(twice).branching == 3
    assert cost({"$ref": "#"}).units == 2
