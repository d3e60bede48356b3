"""JSON Schema, as workflows use it: compiled once, without reaching for anything outside the document."""

from typing import Any

import jsonschema_rs
import msgspec


class SchemaInvalid(Exception):
    """A JSON Schema cannot be used; the message says why and where."""

    def __init__(self, message: str, *, code: str = "schema_invalid") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Schema:
    """A compiled JSON Schema; immutable, equal where the source is the same."""

    __slots__ = ("_key", "_validator", "source")

    def __init__(self, source: Any, validator: Any) -> None:
        self.source = source
        self._validator = validator
        self._key = msgspec.json.encode(source, order="sorted")

    @staticmethod
    def of(document: Any, *, place: str) -> "Schema":
        try:
            validator = jsonschema_rs.validator_for(
                document, offline=True, pattern_options=jsonschema_rs.RegexOptions()
            )
        except (ValueError, TypeError, jsonschema_rs.ReferencingError) as error:
            raise SchemaInvalid(f"Expected a JSON Schema at {place}, but {error}") from None
        return Schema(document, validator)

    def problem(self, value: Any) -> str | None:
        for error in self._validator.iter_errors(value):
            return f"Expected a value that fits, but {error.message} at /{'/'.join(map(str, error.instance_path))}"
        return None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)
