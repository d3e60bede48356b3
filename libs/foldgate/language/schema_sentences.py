"""What does not fit a JSON Schema, as a sentence: what was expected where, and what is there instead."""

import jsonschema_rs

from foldgate.expr.results import canonical

_MAX_SHOWN = 80
_EXPECTED = {
    "enum": "one of {options}",
    "const": "{expected_value}",
    "format": "the format {format}",
    "pattern": "a text that matches {pattern}",
    "minimum": "at least {limit}",
    "maximum": "at most {limit}",
    "exclusiveMinimum": "more than {limit}",
    "exclusiveMaximum": "less than {limit}",
    "multipleOf": "a multiple of {multiple_of}",
    "minLength": "a text of at least {limit} characters",
    "maxLength": "a text of at most {limit} characters",
    "minItems": "at least {limit} items",
    "maxItems": "at most {limit} items",
    "minProperties": "at least {limit} entries",
    "maxProperties": "at most {limit} entries",
    "uniqueItems": "items that differ from one another",
    "falseSchema": "nothing",
}

_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "a map",
    "string": "a text",
}


def sentence(error: jsonschema_rs.ValidationError) -> str:
    """The problem, with its place as a JSON pointer."""
    place = "/" + "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in error.instance_path)
    said = error.kind.as_dict()
    match error.kind.name:
        case "required":
            return f"Expected the entry '{_cut(said['property'])}', but it is missing at {place}."
        case "additionalProperties" | "unevaluatedProperties":
            return f"Expected no other entries, but there is '{_cut(said['unexpected'][0])}' at {place}."
        case "type":
            expected = " or ".join(_TYPES[name] for name in said["types"])
        case keyword if keyword in _EXPECTED:
            expected = _EXPECTED[keyword].format_map({key: _spelled(value) for key, value in said.items()})
        case keyword:
            expected = f"a value that fits '{keyword}'"
    return f"Expected {_cut(expected)}, but got {_shown(error.instance)} at {place}."


def _spelled(value: object) -> str:
    return value if isinstance(value, str) else canonical(value)


def _shown(value: object) -> str:
    return _cut(canonical(value))


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"
