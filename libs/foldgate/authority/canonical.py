"""Canonical bytes: the one spelling of a struct, for whoever signs it and whoever checks that."""

from functools import lru_cache
from typing import Any

import msgspec

VERSION = 1


def canonical_bytes(name: str, struct: msgspec.Struct, *, leave_out: tuple[str, ...] = ("signature",)) -> bytes:
    """Its fields as JSON with sorted keys, after a line that says what it is, so that a signature over one kind is none
    over another. A field that has its default is left out: one that is added later changes no signature of those who do
    not use it."""
    values = {
        field: value
        for field, default in _fields(type(struct), leave_out)
        if (value := getattr(struct, field)) != default
    }
    return b"foldgate/%s/%d\n" % (name.encode(), VERSION) + msgspec.json.encode(values, order="sorted")


@lru_cache(maxsize=256)
def _fields(kind: type[msgspec.Struct], leave_out: tuple[str, ...]) -> tuple[tuple[str, Any], ...]:
    """The fields of such structs with their defaults; what has none differs from everything."""
    found = [field for field in msgspec.structs.fields(kind) if field.name not in leave_out]
    return tuple((field.name, _default(field)) for field in found)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
