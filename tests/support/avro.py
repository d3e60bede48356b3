"""Any event of any schema: hypothesis strategies made from the schemas, and the Avro library's word on their bytes."""

import io
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import fastavro
import msgspec
from hypothesis import strategies as st

from foldgate.contracts.codec import Registry
from foldgate.contracts.events import EVENT_TYPES, Event, Meta
from foldgate.contracts.generate import events_module
from foldgate.contracts.generate_wire import wire_module
from foldgate.contracts.schemas import META, NAMESPACE, Schema, expanded, is_event, load

SCHEMAS = load()
EVENTS = sorted(name for name, schema in SCHEMAS.items() if is_event(schema))
BOUNDARIES = (0, -1, 63, 64, -64, -65, 127, 128, 8191, 8192, 2**31 - 1, -(2**31))
WIDE = (2**31, -(2**31) - 1, 2**63 - 1, -(2**63))

Datum = dict[str, Any]


def values(node: Any, schemas: dict[str, Schema] = SCHEMAS) -> st.SearchStrategy[Any]:
    """Any value of a type, in the plain form that the Avro library takes."""
    if isinstance(node, list):
        return st.none() | values(node[1], schemas)
    if isinstance(node, str):
        part = node.startswith(NAMESPACE)
        return fields(schemas[node.removeprefix(NAMESPACE)], schemas) if part else SCALARS[node]
    if node["type"] == "fixed":
        return st.binary(min_size=node["size"], max_size=node["size"])
    items = _items(node.get("items") or node["values"], schemas)
    if node["type"] == "array":
        return items
    return items.map(lambda many: {f"{at}é" * (at % 3): value for at, value in enumerate(many)})


def _items(node: Any, schemas: dict[str, Schema]) -> st.SearchStrategy[list[Any]]:
    """None, few, or, of small ones, many."""
    if not isinstance(node, str) or node not in SMALL:
        return st.lists(values(node, schemas), max_size=2)
    few = st.lists(SMALL[node], max_size=4)
    return few | st.builds(lambda some, times: some * times, few, st.sampled_from([20, 1000]))


def fields(schema: Schema, schemas: dict[str, Schema] = SCHEMAS) -> st.SearchStrategy[Datum]:
    """Any fields of a record but its Meta."""
    own = {field["name"]: values(field["type"], schemas) for field in schema["fields"] if field["type"] != META}
    return st.fixed_dictionaries(own)


def _repeated(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(lambda some, times: some * times, part, st.sampled_from([0, 30, 63, 64, 4095, 4096, 8191, 40_000]))


SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(max_size=8) | st.just("\0") | _repeated(st.sampled_from(["a", "\0", "ü", "𝄞", "a𝄞"])),
    "bytes": st.binary(max_size=8) | _repeated(st.sampled_from([b"\0", b"\xff"])),
    "boolean": st.booleans(),
    "int": st.sampled_from(BOUNDARIES) | st.integers(-(2**31), 2**31 - 1),
    "long": st.sampled_from(BOUNDARIES + WIDE) | st.integers(-(2**63), 2**63 - 1),
}
SMALL: dict[str, st.SearchStrategy[Any]] = {**SCALARS, "string": st.text(max_size=3), "bytes": st.binary(max_size=3)}


def metas() -> st.SearchStrategy[Meta]:
    """Any Meta."""
    return fields(SCHEMAS["Meta"]).map(lambda datum: msgspec.convert(datum, Meta))


def events(name: str) -> st.SearchStrategy[Event]:
    """Any event of that name."""
    return fields(SCHEMAS[name]).map(lambda datum: msgspec.convert(datum, EVENT_TYPES[name]))


any_event = st.sampled_from(EVENTS).flatmap(lambda name: st.tuples(metas(), events(name)))
"""Any event with any Meta."""


def sample(name: str) -> tuple[Meta, Any]:
    """One event of that name, always the same."""
    datum = ordinary(alone(name))
    return msgspec.convert(datum.pop("meta"), Meta), msgspec.convert(datum, EVENT_TYPES[name])


def ordinary(schema: Schema) -> Datum:
    """The value of a schema that stands alone in which no two fields are alike."""
    datum: Datum = _Example(full=True).of(schema, "", 1)
    return datum


def empty(schema: Schema) -> Datum:
    """The value of a schema that stands alone in which every field is empty, zero or null."""
    datum: Datum = _Example(full=False).of(schema, "", 0)
    return datum


class _Example:
    def __init__(self, *, full: bool) -> None:
        self._full = full
        self._named: dict[str, Schema] = {}

    def of(self, node: Any, name: str, at: int) -> Any:
        if isinstance(node, list):
            return self.of(node[1], name, at) if self._full else None
        if isinstance(node, str):
            return self.of(self._named[node], name, at) if node in self._named else self._scalar(node, name, at)
        if node["type"] in ("array", "map"):
            return self._items(node, name, at)
        self._named[NAMESPACE + node["name"]] = node
        if node["type"] == "fixed":
            return bytes([at]) * int(node["size"])
        return {field["name"]: self.of(field["type"], field["name"], at + n) for n, field in enumerate(node["fields"])}

    def _items(self, node: Schema, name: str, at: int) -> Any:
        kind = node.get("items") or node["values"]
        items = [self.of(kind, f"{name} {n}", at + n) for n in (1, 2)] if self._full else []
        return items if node["type"] == "array" else dict(zip("ab", items, strict=bool(items)))

    def _scalar(self, kind: str, name: str, at: int) -> Any:
        full = {"int": 100 * at, "long": 10**15 + at, "boolean": True, "bytes": b"\xff" + name.encode()}
        nothing = {"int": 0, "long": 0, "boolean": False, "bytes": b"", "string": ""}
        return full.get(kind, f"{name} é") if self._full else nothing[kind]


def plain(value: Any) -> Any:
    """A struct as the Avro library takes it."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(value))


def datum_of(meta: Meta, event: Event) -> Datum:
    """A whole event as the Avro library takes it."""
    return {"meta": plain(meta), **plain(event)}


def alone(name: str) -> Schema:
    """The schema of an event as others get it: with everything it refers to."""
    return expanded(SCHEMAS[name], SCHEMAS)


def written(schema: Any, datum: Any) -> bytes:
    """What the Avro library writes."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema, named_schemas={}), datum)
    return out.getvalue()


def read(schema: Any, data: bytes) -> Any:
    """What the Avro library reads."""
    return fastavro.schemaless_reader(io.BytesIO(data), fastavro.parse_schema(schema, named_schemas={}), None)


def blocks(schema: Any, datum: Any, choose: Callable[[], int]) -> bytes:
    """What a writer that cuts arrays and maps into blocks may write: `choose` says how many items the next one has;
    of an even number without their size, of an odd one with it."""
    return _blocks(schema, datum, choose, named=dict(_records(schema)))


def _records(schema: Any) -> Iterator[tuple[str, Any]]:
    """The records in a schema by their names; it holds each once, and names it from then on."""
    if isinstance(schema, list):
        for branch in schema:
            yield from _records(branch)
    elif isinstance(schema, dict):
        if schema["type"] == "record":
            yield f"foldgate.{schema['name'].removeprefix('foldgate.')}", schema
        for part in (schema.get("items"), schema.get("values"), *(one["type"] for one in schema.get("fields", ()))):
            yield from _records(part)


def _blocks(schema: Any, datum: Any, choose: Callable[[], int], *, named: dict[str, Any]) -> bytes:
    if isinstance(schema, list):
        branch = int(datum is not None)
        return written("long", branch) + (_blocks(schema[branch], datum, choose, named=named) if branch else b"")
    schema = named.get(schema, schema) if isinstance(schema, str) else schema
    if isinstance(schema, dict) and schema["type"] == "record":
        parts = ((field["type"], datum[field["name"]]) for field in schema["fields"])
        return b"".join(_blocks(kind, part, choose, named=named) for kind, part in parts)
    if not isinstance(schema, dict) or schema["type"] == "fixed":
        return written(schema, datum)
    of = schema.get("items", schema.get("values"))
    if schema["type"] == "map":
        items = [written("string", key) + _blocks(of, item, choose, named=named) for key, item in datum.items()]
    else:
        items = [_blocks(of, item, choose, named=named) for item in datum]
    return _cut(items, choose)


def _cut(items: list[bytes], choose: Callable[[], int]) -> bytes:
    out = b""
    while items:
        count = choose() or len(items)
        block, items = items[:count], items[count:]
        body = b"".join(block)
        sized = written("long", -len(block)) + written("long", len(body))
        out += (sized if count % 2 else written("long", len(block))) + body
    return out + b"\0"


def compiled(schemas: dict[str, Schema], name: str) -> ModuleType:
    """What the generator writes for schemas of a test: the classes, and `PUT` and `TAKE` for them."""
    made = ModuleType(name)
    sys.modules[name] = made
    wire = wire_module(schemas).replace("from foldgate.contracts import events as e", f"import {name} as e")
    for text in (events_module(schemas), wire):
        exec(text, made.__dict__)  # noqa: S102 - the generator's own text is what is tested
    return made


class KnownSchemas(Registry):
    """A registry in a dict, as far as the codec needs one; counts how often it is asked."""

    def __init__(self, schemas: dict[int, Any] | None = None) -> None:
        self.schemas = dict(schemas or {})
        self.asked: list[str | int] = []

    def id_of(self, event_name: str, schema: Schema) -> int:
        self.asked.append(event_name)
        for number, known in self.schemas.items():
            if known == schema:
                return number
        self.schemas[len(self.schemas) + 1] = schema
        return len(self.schemas)

    def schema_of(self, schema_id: int) -> Schema | None:
        self.asked.append(schema_id)
        return self.schemas.get(schema_id)
