"""Whether records may be read under a schema that came from outside: a registry hands out what others put there.

The Avro library recurses in C and takes counts at their word. Under a record that contains itself, a value of a
megabyte overflows the stack and ends the process; under items of no bytes, a count of a few bytes fills the memory. So
both kinds of schema are refused. Under every other one, reading costs at most what the value has bytes.
"""

from typing import Any


class ForeignSchema(Exception):
    """Records under this schema are not read here."""


def check(parsed: dict[str, Any]) -> None:
    """Refuse a schema, parsed by the library, under which a record could cost more than its bytes."""
    _check(parsed, frozenset())


def _check(node: Any, within: frozenset[str]) -> None:
    kind = node.get("type") if isinstance(node, dict) else node
    if isinstance(node, list):
        for branch in node:
            if branch != "null":
                _check(branch, within)
    elif kind in ("record", "error"):
        _check_record(node, within)
    elif kind in ("array", "map"):
        _check(node["items" if kind == "array" else "values"], within)
    elif kind == "null" or (kind == "fixed" and not node["size"]):
        raise ForeignSchema(f"a value of no bytes ('{kind}')")
    elif kind in within:
        raise ForeignSchema(f"a record within itself ('{kind}')")


def _check_record(node: dict[str, Any], within: frozenset[str]) -> None:
    if not node["fields"]:
        raise ForeignSchema(f"a record of no bytes ('{node['name']}')")
    for field in node["fields"]:
        _check(field["type"], within | {node["name"]})
