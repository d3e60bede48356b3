"""JSON Schema, as workflows use it: compiled once, reaching for nothing outside, bounded in what a check may cost."""

from typing import Any

import jsonschema_rs

from foldgate.expr.results import NoValue, canonical, weigh
from foldgate.language.schema_cost import MAX_WORK, Cost, Unsupported, cost
from foldgate.language.schema_sentences import sentence

MAX_BYTES = 128 * 1024
"""Of one schema: it goes along in the event that asks people for data."""
_PATTERNS = jsonschema_rs.RegexOptions()
"""Linear in the text: no look-around, no back-references."""


class SchemaInvalid(Exception):
    """A JSON Schema cannot be used; the message says why, and where in it."""

    def __init__(self, message: str, *, code: str = "schema_invalid") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Schema:
    """A compiled JSON Schema; immutable, equal where the source is the same."""

    __slots__ = ("_cost", "_key", "_validator", "source")

    def __init__(self, source: Any, key: str, *, validator: jsonschema_rs.Validator, bound: Cost) -> None:
        self.source = source
        self._key = key
        self._validator = validator
        self._cost = bound

    @staticmethod
    def of(document: Any, *, place: str) -> "Schema":
        """The schema that is written there. SchemaInvalid says what is wrong with it."""
        try:
            if (size := weigh(document)) > MAX_BYTES:
                raise ValueError(f"it has {size} bytes, which is more than {MAX_BYTES}")
            validator = _validator(document)
            return Schema(document, canonical(document), validator=validator, bound=cost(document))
        except jsonschema_rs.ValidationError as error:
            at = "".join(f"/{step}" for step in error.instance_path)
            raise SchemaInvalid(f"Expected a JSON Schema at {place}{at}, but {_reason(error)}.") from None
        except (NoValue, TypeError, ValueError, Unsupported) as reason:
            raise SchemaInvalid(f"Expected a JSON Schema at {place}, but {reason}.") from None

    def problem(self, value: Any) -> str | None:
        """The first thing that does not fit: what was expected where, and what is there instead."""
        try:
            weigh(value)
            work = self._cost.of(value)
        except NoValue as reason:
            return f"Expected a value that JSON can carry, but got {reason} at /."
        if work > MAX_WORK:
            return "Expected a value that can be checked in time, but it is too large or too deep for this schema at /."
        return next(map(sentence, self._validator.iter_errors(value)), None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"Schema({self._key[:200]})"


def _validator(document: Any) -> jsonschema_rs.Validator:
    if not isinstance(document, dict | bool):
        raise TypeError(f"it is a {type(document).__name__} and not a map")
    return jsonschema_rs.validator_for(
        document, validate_formats=True, ignore_unknown_formats=False, pattern_options=_PATTERNS, offline=True
    )


def _reason(error: jsonschema_rs.ValidationError) -> str:
    if error.kind.name == "anyOf" and error.instance_path[-1:] == ["type"]:
        return "the type is none of array, boolean, integer, null, number, object, string"
    return error.message[:300]
