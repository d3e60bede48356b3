"""Writes wire.py: straight-line Avro encoders and decoders for the current edition of every record.

The same bytes as a general Avro library writes (a property test compares them), in less than half its time, because
nothing is looked up while encoding. Records of older editions and odd block layouts are read by the library instead.
"""

from typing import Any

from foldgate.contracts.schemas import NAMESPACE, Schema, is_event

_HEAD = '''"""Avro encoders and decoders of today's schemas. GENERATED from schemas/ by `make schemas`: do not edit."""

from collections.abc import Callable
from typing import Any

from foldgate.contracts import events as e
from foldgate.contracts.varint import LENGTHS, TABLE_SIZE, take_count, take_length, take_long, varint

# fmt: off

'''


def wire_module(schemas: dict[str, Schema]) -> str:
    """The text of wire.py."""
    lines = [_HEAD.rstrip("\n")]
    for name, schema in schemas.items():
        lines += ["", "", *_put(name, schema), "", "", *_take(name, schema)]
    events = [name for name, schema in schemas.items() if is_event(schema)]
    lines += ["", "", "PUT: dict[str, Callable[[list[bytes], Any], None]] = {"]
    lines += [*(f'    "{name}": put_{name},' for name in events), "}"]
    lines += ['"""Appends the fields of an event (without its Meta)."""', ""]
    lines += ["TAKE: dict[str, Callable[[bytes, int], tuple[e.Event, int]]] = {"]
    lines += [*(f'    "{name}": take_{name},' for name in events), "}"]
    lines += ['"""Reads the fields of an event (without its Meta), and says where they end."""', ""]
    return "\n".join(lines)


def _own_fields(schema: Schema) -> list[dict[str, Any]]:
    return [field for field in schema["fields"] if field["type"] != NAMESPACE + "Meta"]


def _put(name: str, schema: Schema) -> list[str]:
    lines = [f"def put_{name}(out: list[bytes], v: e.{name}) -> None:"]
    for field in _own_fields(schema):
        lines += _indent(_put_value(field["type"], f"v.{field['name']}"))
    return lines if len(lines) > 1 else [*lines, "    pass"]


def _put_value(node: Any, value: str, depth: int = 0) -> list[str]:
    kind = _kind(node)
    if kind in ("string", "bytes"):
        text = f"{value}.encode()" if kind == "string" else value
        return [f"b = {text}", "n = len(b)", "out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)"]
    if kind in ("long", "int"):
        return [f"out.append(varint({value}))"]
    if kind == "boolean":
        return [f'out.append(b"\\x01" if {value} else b"\\x00")']
    if kind == "fixed":
        return [f"out.append({value})"]
    if kind == "record":
        return [f"put_{node.removeprefix(NAMESPACE)}(out, {value})"]
    return [f"if {value}:", *_indent(_put_items(node, value, depth)), 'out.append(b"\\x00")']


def _put_items(node: Any, value: str, depth: int) -> list[str]:
    item, key = f"i{depth}", f"k{depth}"
    lines = [f"out.append(varint(len({value})))"]
    if node["type"] == "array":
        return [*lines, f"for {item} in {value}:", *_indent(_put_value(node["items"], item, depth + 1))]
    body = _put_value("string", key) + _put_value(node["values"], item, depth + 1)
    return [*lines, f"for {key}, {item} in {value}.items():", *_indent(body)]


def _take(name: str, schema: Schema) -> list[str]:
    fields = _own_fields(schema)
    lines = [f"def take_{name}(v: bytes, p: int) -> tuple[e.{name}, int]:"]
    for field in fields:
        lines += _indent(_take_value(field["type"], f"f_{field['name']}"))
    arguments = ", ".join(f"{field['name']}=f_{field['name']}" for field in fields)
    return [*lines, f"    return e.{name}({arguments}), p"]


_TAKE_LENGTH = ["n = v[p]", "if n & 0x81:", "    n, p = take_length(v, p)", "else:", "    n >>= 1", "    p += 1"]


def _take_value(node: Any, name: str, depth: int = 0) -> list[str]:
    kind = _kind(node)
    if kind in ("string", "bytes"):
        text = "v[p : p + n].decode()" if kind == "string" else "v[p : p + n]"
        return [*_TAKE_LENGTH, f"{name} = {text}", "p += n"]
    if kind in ("long", "int"):
        return [
            f"{name} = v[p]",
            f"if {name} < 128:",
            f"    {name} = ({name} >> 1) ^ -({name} & 1)",
            "    p += 1",
            "else:",
            f"    {name}, p = take_long(v, p)",
        ]
    if kind == "boolean":
        return [f"{name} = v[p] == 1", "p += 1"]
    if kind == "fixed":
        return [f"{name} = v[p : p + {node['size']}]", f"p += {node['size']}"]
    if kind == "record":
        return [f"{name}, p = take_{node.removeprefix(NAMESPACE)}(v, p)"]
    return _take_items(node, name, depth)


def _take_items(node: Any, name: str, depth: int) -> list[str]:
    count, item, key = f"c{depth}", f"i{depth}", f"k{depth}"
    if node["type"] == "array":
        start, finish = [f"l_{name} = []"], [f"{name} = tuple(l_{name})"]
        body = [*_take_value(node["items"], item, depth + 1), f"l_{name}.append({item})"]
    else:
        start, finish = [f"{name} = {{}}"], []
        body = [*_take_value("string", key), *_take_value(node["values"], item, depth + 1), f"{name}[{key}] = {item}"]
    loop = [f"for _ in range({count}):", *_indent(body), f"{count}, p = take_count(v, p)"]
    return [*start, f"{count}, p = take_count(v, p)", f"while {count}:", *_indent(loop), *finish]


def _kind(node: Any) -> str:
    if isinstance(node, str):
        return "record" if node.startswith(NAMESPACE) else node
    kind: str = node["type"]
    if kind not in ("fixed", "array", "map"):
        raise SystemExit(f"Expected a type the generator knows, but got {node!r}: teach generate_wire.py this type.")
    return kind


def _indent(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]
