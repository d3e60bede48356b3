"""Reads `schemas/*.avsc`: one record a file, references by full name. Used by the generator and by tests only."""

import json
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
SCHEMAS = Path(__file__).parents[3] / "schemas"
NAMESPACE = "foldgate."


class SchemaError(Exception):
    """A schema file breaks a rule of the schemas folder."""


def load(folder: Path = SCHEMAS) -> dict[str, Schema]:
    """Every record of the folder by short name, sorted by name, checked against the folder's rules."""
    files = sorted(folder.glob("*.avsc"))
    if not files:
        raise SchemaError(f"Expected .avsc files in {folder}, but there are none: run this from a source checkout.")
    schemas = {path.stem: json.loads(path.read_text()) for path in files}
    for name, schema in schemas.items():
        _check(name, schema)
    return schemas


def is_event(schema: Schema) -> bool:
    """An event is a record whose first field is its Meta; the other records are parts of events."""
    return bool(schema["fields"]) and schema["fields"][0]["type"] == NAMESPACE + "Meta"


def expanded(schema: Schema, all_schemas: dict[str, Schema]) -> Schema:
    """The schema alone: each reference replaced by its record at first use, without docs."""
    seen: set[str] = set()

    def walk(node: Any) -> Any:
        if isinstance(node, str) and node.startswith(NAMESPACE):
            if node in seen:
                return node
            return walk(all_schemas[node.removeprefix(NAMESPACE)])
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        if node["type"] in ("record", "fixed"):
            seen.add(NAMESPACE + node["name"])
        kept = {key: value for key, value in node.items() if key != "doc"}
        if "fields" in kept:
            kept["fields"] = [
                {k: walk(v) if k == "type" else v for k, v in field.items() if k != "doc"} for field in kept["fields"]
            ]
        return {key: walk(value) if key in ("type", "items", "values") else value for key, value in kept.items()}

    result: Schema = walk(schema)
    return result


def _check(name: str, schema: Schema) -> None:
    if schema.get("type") != "record" or schema.get("name") != name or schema.get("namespace") != "foldgate":
        raise SchemaError(f"{name}.avsc: expected one record named foldgate.{name}, as its file is.")
    if not schema.get("doc"):
        raise SchemaError(f"{name}.avsc: expected a 'doc' on the record: say what happened in a sentence.")
    for field in schema["fields"]:
        if not field.get("doc"):
            raise SchemaError(f"{name}.avsc: expected a 'doc' on field '{field['name']}'.")
