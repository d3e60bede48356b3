"""Reads `schemas/*.avsc`: one record a file, references by full name. Used by the generator and by tests only."""

import json
import keyword
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
SCHEMAS = Path(__file__).parents[3] / "schemas"
NAMESPACE = "foldgate."
META = NAMESPACE + "Meta"
KNOWN = (
    "string, bytes, boolean, int, long, a fixed, an array, a map, a record of this folder that is no event, or null and"
    " a name of these"
)

_DEFAULTS: dict[str, type] = {"string": str, "bytes": str, "boolean": bool, "int": int, "long": int}
_EMPTY: dict[str, Any] = {"array": [], "map": {}}


class SchemaError(Exception):
    """A schema file breaks a rule of the schemas folder."""


def load(folder: Path = SCHEMAS) -> dict[str, Schema]:
    """Every record of the folder by short name, sorted by name, checked against the folder's rules."""
    files = sorted(folder.glob("*.avsc"))
    if not files:
        raise SchemaError(f"Expected .avsc files in {folder}, but there are none: run this from a source checkout.")
    schemas = {path.stem: _read(path) for path in files}
    for name, schema in schemas.items():
        _check(name, schema, schemas)
    parts_first(schemas)
    return schemas


def is_event(schema: Schema) -> bool:
    """An event is a record whose first field is its Meta; the other records are parts of events."""
    return bool(schema["fields"]) and schema["fields"][0]["type"] == META


def parts_first(schemas: dict[str, Schema]) -> list[str]:
    """The names in an order in which each comes after the records it has as parts; otherwise by name."""
    ordered: dict[str, None] = {}

    def add(name: str, within: tuple[str, ...]) -> None:
        if name in within:
            raise SchemaError(f"{name}.avsc: expected a record without itself in its parts: {' > '.join(within)}.")
        for part in parts_of(schemas[name]):
            add(part, (*within, name))
        ordered[name] = None

    for name in sorted(schemas, key=lambda name: (is_event(schemas[name]), name)):
        add(name, ())
    return list(ordered)


def parts_of(schema: Schema) -> list[str]:
    """The records that a record names in its fields."""
    return [
        node.removeprefix(NAMESPACE)
        for field in schema["fields"]
        for node in _nodes(field["type"])
        if isinstance(node, str) and node.startswith(NAMESPACE)
    ]


def expanded(schema: Schema, all_schemas: dict[str, Schema]) -> Schema:
    """The schema alone: each reference replaced by its record at first use, without docs."""
    seen: set[str] = set()

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if isinstance(node, str):
            known = node.startswith(NAMESPACE) and node not in seen
            return walk(all_schemas[node.removeprefix(NAMESPACE)]) if known else node
        name = NAMESPACE + node.get("name", "")
        if name in seen and name != NAMESPACE:
            return name
        seen.add(name)
        kept = {key: walk(value) if key in ("items", "values") else value for key, value in _without_doc(node)}
        if "fields" in kept:
            kept["fields"] = [{**dict(_without_doc(field)), "type": walk(field["type"])} for field in kept["fields"]]
        return kept

    result: Schema = walk(schema)
    return result


def _without_doc(node: Schema) -> Iterator[tuple[str, Any]]:
    return ((key, value) for key, value in node.items() if key != "doc")


def _read(path: Path) -> Schema:
    """One record, as its file is named, with fields that have names."""
    try:
        schema = json.loads(path.read_text())
    except ValueError as error:
        raise SchemaError(f"{path.name}: expected JSON, but {error}.") from error
    known = {"type": "record", "name": path.stem, "namespace": "foldgate"}
    if not isinstance(schema, dict) or not known.items() <= schema.items() or not schema.get("fields"):
        raise SchemaError(f"{path.name}: expected one record named foldgate.{path.stem}, as its file is, with fields.")
    for at, field in enumerate(schema["fields"], 1):
        name = field.get("name") if isinstance(field, dict) else None
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise SchemaError(f"{path.name}: expected field {at} to have a 'name' that Python can use too.")
    return schema


def _check(name: str, schema: Schema, schemas: dict[str, Schema]) -> None:
    _check_doc(schema.get("doc"), f"{name}.avsc: expected a 'doc' on the record: say what happened in a sentence")
    for at, field in enumerate(schema["fields"]):
        where = f"{name}.avsc: field '{field['name']}'"
        _check_doc(field.get("doc"), f"{name}.avsc: expected a 'doc' on field '{field['name']}'")
        if at > 0 or field.get("type") != META:
            _check_type(field.get("type"), where, schemas)
        if "default" in field and not _fits(field["default"], field["type"]):
            raise SchemaError(
                f"{where}: expected a default of its type (of an array or map: empty; of a record: none)."
            )


def _check_doc(doc: Any, expected: str) -> None:
    if not isinstance(doc, str) or not doc:
        raise SchemaError(f"{expected}.")
    if any(char in doc for char in '\\\n"'):  # it becomes a docstring
        raise SchemaError(f"{expected}, in one line without backslashes and double quotes.")


def _check_type(node: Any, where: str, schemas: dict[str, Schema]) -> None:
    kind = node.get("type") if isinstance(node, dict) else None
    if kind in ("array", "map"):
        _check_type(node.get("items" if kind == "array" else "values"), where, schemas)
    elif isinstance(node, list) and len(node) == 2 and node[0] == "null" and isinstance(node[1], str):
        _check_type(node[1], where, schemas)
    elif not (_is_fixed(node) if kind == "fixed" else _is_scalar_or_part(node, schemas)):
        raise SchemaError(f"{where}: expected a type the generator knows ({KNOWN}), but got {json.dumps(node)}.")


def _is_fixed(node: Schema) -> bool:
    return isinstance(node.get("name"), str) and type(node.get("size")) is int and node["size"] > 0


def _is_scalar_or_part(node: Any, schemas: dict[str, Schema]) -> bool:
    if not isinstance(node, str):
        return False
    part = schemas.get(node.removeprefix(NAMESPACE)) if node.startswith(NAMESPACE) else None
    return node in _DEFAULTS or (part is not None and node != META and not is_event(part))


def _fits(default: Any, node: Any) -> bool:
    if isinstance(node, list):
        return default is None
    if isinstance(node, dict):
        return bool(default == _EMPTY.get(node["type"], default is None))
    if node == "bytes" and isinstance(default, str):
        return max(default, default="") <= "\u00ff"  # Avro writes each byte as the character of that number
    return type(default) is _DEFAULTS.get(node)


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    if isinstance(node, list):
        for item in node:
            yield from _nodes(item)
    elif isinstance(node, dict):
        yield from _nodes(node.get("items", node.get("values")))
