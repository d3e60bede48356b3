"""The generator: `schemas/*.avsc` -> events.py, wire.py, editions.json and docs/generated. Run by `make schemas`.

Editions are every schema that ever was released, newest last: a record written under any of them decodes for ever. The
generator adds the current one if it is new, and never takes one away.
"""

import json
import sys
from pathlib import Path
from typing import Any

from fastavro.schema import fingerprint, to_parsing_canonical_form

from foldgate.contracts.generate_wire import wire_module
from foldgate.contracts.schemas import (
    META,
    NAMESPACE,
    SCHEMAS,
    Schema,
    SchemaError,
    expanded,
    is_event,
    load,
    parts_first,
)
from foldgate.contracts.topics import OWNERSHIP_EVENTS, STREAMS, Stream

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
EVENTS, WIRE, EDITIONS = HERE / "events.py", HERE / "wire.py", HERE / "editions.json"
DOCS = ROOT / "docs" / "generated"

_SCALARS = {"string": "str", "long": "int", "int": "int", "boolean": "bool", "bytes": "bytes"}
_EMPTY: dict[str, str] = {"{}": "msgspec.field(default_factory=dict)", "[]": "()"}


def main(arguments: list[str]) -> int:
    """Write what is stale; with --check only name it, and fail."""
    try:
        wanted = outputs()
    except SchemaError as error:
        sys.stdout.write(f"{error}\n")
        return 2
    stale = {path: text for path, text in wanted.items() if not path.exists() or path.read_text() != text}
    check = "--check" in arguments
    for path, text in stale.items():
        sys.stdout.write(f"{'stale' if check else 'wrote'}: {path.relative_to(ROOT)}\n")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if check and stale:
        sys.stdout.write("Expected generated files to match schemas/ and topics.py: run `make schemas`.\n")
    return 1 if check and stale else 0


def outputs(folder: Path = SCHEMAS) -> dict[Path, str]:
    """Every generated file and what it should hold."""
    schemas = load(folder)
    _check_topology(schemas)
    return {
        EVENTS: events_module(schemas),
        WIRE: wire_module(schemas),
        EDITIONS: _editions(schemas),
        DOCS / "events.md": _events_page(schemas),
        DOCS / "streams.md": _streams_page(),
    }


def fingerprint_of(schema: Schema) -> str:
    """The CRC-64-AVRO of a schema in hexadecimal, in the byte order of the single-object header."""
    return fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO")


def _check_topology(schemas: dict[str, Schema]) -> None:
    placed = {name for stream in STREAMS for name in stream.events} | set(OWNERSHIP_EVENTS)
    events = {name for name, schema in schemas.items() if is_event(schema)}
    for name in sorted(events - placed):
        raise SchemaError(f"{name}.avsc: expected the event in the `events` of a stream of topics.py.")
    for name in sorted(placed - events):
        raise SchemaError(f"topics.py: expected an event in schemas/{name}.avsc, but there is none.")


def events_module(schemas: dict[str, Schema]) -> str:
    """The text of events.py."""
    events = sorted(name for name, schema in schemas.items() if is_event(schema))
    lines = ['"""The events of the suite. GENERATED from schemas/ by `make schemas`: do not edit."""', ""]
    lines += ["import msgspec", "", "# fmt: off", ""]
    for name in parts_first(schemas):
        lines += ["", *_class(name, schemas[name]), ""]
    lines += ["", "Event = (", *_union(events), ")", '"""Every event there is."""', ""]
    lines += ["EVENT_TYPES: dict[str, type[Event]] = {"]
    lines += [f'    "{name}": {name},' for name in events]
    lines += ["}", '"""The class of each event name."""', ""]
    return "\n".join(lines)


def _union(names: list[str]) -> list[str]:
    return ["    " + ("| " if i else "") + name for i, name in enumerate(names)]


def _class(name: str, schema: Schema) -> list[str]:
    lines = [f"class {name}(msgspec.Struct, frozen=True, kw_only=True):", f'    """{schema["doc"]}"""', ""]
    fields = [field for field in schema["fields"] if field["type"] != META]
    for field in fields:
        lines += [f"    {field['name']}: {_annotation(field['type'])}{_default(field)}", f'    """{field["doc"]}"""']
    return lines if fields else lines[:-1]


def _annotation(node: Any) -> str:
    if isinstance(node, str):
        return _SCALARS.get(node) or node.removeprefix(NAMESPACE)
    if isinstance(node, list):
        return f"{_annotation(node[1])} | None"
    if node["type"] == "fixed":
        return "bytes"
    if node["type"] == "array":
        return f"tuple[{_annotation(node['items'])}, ...]"
    return f"dict[str, {_annotation(node['values'])}]"


def _default(field: dict[str, Any]) -> str:
    if "default" not in field:
        return ""
    default = field["default"]
    if field["type"] == "bytes":
        return f" = {default.encode('latin-1')!r}"
    if isinstance(default, str):
        return f" = {json.dumps(default, ensure_ascii=False)}"
    return f" = {_EMPTY.get(json.dumps(default), default)}"


def _editions(schemas: dict[str, Schema]) -> str:
    known: dict[str, list[dict[str, Any]]] = json.loads(EDITIONS.read_text()) if EDITIONS.exists() else {}
    for name in sorted(known.keys() - schemas.keys()):
        raise SchemaError(
            f"{name}.avsc: expected it to stay, because records of it may be on a log. "
            f"If it was never released, take it out of {EDITIONS.name}."
        )
    for name, schema in schemas.items():
        if not is_event(schema):
            continue
        alone = expanded(schema, schemas)
        editions = [edition for edition in known.get(name, []) if edition["fingerprint"] != fingerprint_of(alone)]
        known[name] = [*editions, {"fingerprint": fingerprint_of(alone), "schema": alone}]
    return json.dumps(known, indent=1, sort_keys=True) + "\n"


def _events_page(schemas: dict[str, Schema]) -> str:
    lines = ["# Events", "", "Generated from `schemas/` by `make schemas`.", ""]
    for name, schema in schemas.items():
        lines += [f"## {name}", "", schema["doc"], "", "| field | type | meaning |", "|---|---|---|"]
        for field in schema["fields"]:
            lines.append(f"| {field['name']} | `{_cell(_annotation(field['type']))}` | {_cell(field['doc'])} |")
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _streams_page() -> str:
    lines = ["# Streams", "", "Generated from `contracts/topics.py` by `make schemas`.", ""]
    lines += [
        "| stream | kind | key | partitions | owner | kept | events | what |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_stream_row, STREAMS), ""])


def _stream_row(stream: Stream) -> str:
    kept = "for ever" if stream.retention_days is None else f"{stream.retention_days} days"
    events = ", ".join(stream.events) or "-"
    owner = stream.owner or "-"
    return (
        f"| `{stream.name}` | {stream.kind} | {stream.key} | {stream.partitions} | {owner} | {kept} | {events} |"
        f" {stream.doc} |"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
