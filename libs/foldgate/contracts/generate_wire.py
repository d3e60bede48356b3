"""Writes wire.py: straight-line Avro encoders and decoders for the current edition of every record.

The same bytes as a general Avro library writes (a property test compares them), in less than half its time, because
nothing is looked up while encoding. Records of older editions and odd block layouts are read by the library instead.
"""

from typing import Any

from foldgate.contracts.schemas import META, NAMESPACE, Schema, is_event

_HEAD = '''"""Avro encoders and decoders of today's schemas. GENERATED from schemas/ by `make schemas`: do not edit."""

from collections.abc import Callable
from typing import Any

from foldgate.contracts import events as e
from foldgate.contracts.varint import (
    BOOLEANS,
    LENGTHS,
    TABLE_SIZE,
    Malformed,
    Misfit,
    take_count,
    take_int,
    take_length,
    take_long,
    varint,
    varint32,
)

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
    return [field for field in schema["fields"] if field["type"] != META]


def _put(name: str, schema: Schema) -> list[str]:
    lines = [f"def put_{name}(out: list[bytes], v: e.{name}) -> None:"]
    for field in _own_fields(schema):
        lines += _indent(_put_value(field["type"], f"v.{field['name']}"))
    return lines if len(lines) > 1 else [*lines, "    pass"]


def _put_value(node: Any, value: str) -> list[str]:
    kind = _kind(node)
    if kind == "record":
        return [f"put_{node.removeprefix(NAMESPACE)}(out, {value})"]
    if kind == "nullable":
        some = ['out.append(b"\\x02")', *_put_value(node[1], value)]
        return [f"if {value} is None:", '    out.append(b"\\x00")', "else:", *_indent(some)]
    if kind in ("array", "map"):
        return [f"n = len({value})", "if n:", *_indent(_put_items(node, value)), 'out.append(b"\\x00")']
    if kind == "fixed":
        field = value.removeprefix("v.")
        refusal = f"raise Misfit(f\"Expected {node['size']} bytes in '{field}', but got {{len({value})}}.\")"
        return [f"if len({value}) != {node['size']}:", f"    {refusal}", f"out.append({value})"]
    return _put_scalar(kind, value)


def _put_scalar(kind: str, value: str) -> list[str]:
    if kind == "boolean":
        return [f"out.append(BOOLEANS[{value}])"]
    if kind in ("long", "int"):
        return [f"out.append({'varint' if kind == 'long' else 'varint32'}({value}))"]
    text = f"{value}.encode()" if kind == "string" else value
    return [f"b = {text}", "n = len(b)", "out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)"]


def _put_items(node: Any, value: str) -> list[str]:
    item, key = f"i_{value.removeprefix('v.')}", f"k_{value.removeprefix('v.')}"
    if node["type"] == "array":
        return ["out.append(varint(n))", f"for {item} in {value}:", *_indent(_put_value(node["items"], item))]
    body = [*_put_value("string", key), *_put_value(node["values"], item)]
    return ["out.append(varint(n))", f"for {key}, {item} in {value}.items():", *_indent(body)]


def _take(name: str, schema: Schema) -> list[str]:
    fields = _own_fields(schema)
    lines = [f"def take_{name}(v: bytes, p: int) -> tuple[e.{name}, int]:"]
    for field in fields:
        lines += _indent(_take_value(field["type"], f"f_{field['name']}"))
    arguments = ", ".join(f"{field['name']}=f_{field['name']}" for field in fields)
    return [*lines, f"    return e.{name}({arguments}), p"]


_TAKE_LENGTH = ["n = v[p]", "if n & 0x81:", "    n, p = take_length(v, p)", "else:", "    n >>= 1", "    p += 1"]


def _take_value(node: Any, name: str) -> list[str]:
    kind = _kind(node)
    if kind == "record":
        return [f"{name}, p = take_{node.removeprefix(NAMESPACE)}(v, p)"]
    if kind == "nullable":
        some = ["if b == 2:", *_indent(_take_value(node[1], name)), "elif b:"]
        return [f"{name} = None", "b = v[p]", "p += 1", *some, '    raise Malformed("a union without such a branch")']
    if kind in ("array", "map"):
        return _take_items(node, name)
    if kind == "fixed":
        return [f"{name} = v[p : p + {node['size']}]", f"p += {node['size']}"]
    return _take_scalar(kind, name)


def _take_scalar(kind: str, name: str) -> list[str]:
    if kind == "boolean":
        refusal = '    raise Malformed("a boolean of neither 0 nor 1")'
        return ["b = v[p]", "if b > 1:", refusal, f"{name} = b == 1", "p += 1"]
    if kind in ("long", "int"):
        small = [f"    {name} = ({name} >> 1) ^ -({name} & 1)", "    p += 1"]
        return [f"{name} = v[p]", f"if {name} < 128:", *small, "else:", f"    {name}, p = take_{kind}(v, p)"]
    text = "v[p : p + n].decode()" if kind == "string" else "v[p : p + n]"
    return [*_TAKE_LENGTH, f"{name} = {text}", "p += n"]


def _take_items(node: Any, name: str) -> list[str]:
    count, items, item, key = f"c_{name}", f"l_{name}", f"i_{name}", f"k_{name}"
    if node["type"] == "array":
        start, finish = [f"{items} = []"], [f"{name} = tuple({items})"]
        body = [*_take_value(node["items"], item), f"{items}.append({item})"]
    else:
        start, finish = [f"{name} = {{}}"], []
        body = [*_take_value("string", key), *_take_value(node["values"], item), f"{name}[{key}] = {item}"]
    loop = [f"for _ in range({count}):", *_indent(body), f"{count}, p = take_count(v, p)"]
    return [*start, f"{count}, p = take_count(v, p)", f"while {count}:", *_indent(loop), *finish]


def _kind(node: Any) -> str:
    if isinstance(node, str):
        return "record" if node.startswith(NAMESPACE) else node
    kind: str = "nullable" if isinstance(node, list) else node["type"]
    return kind


def _indent(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]
