"""Values of any size as entries of a size that every store takes.

A broker takes a megabyte; the state of a pool in which thousands of jobs wait is larger. A large value lies in parts,
and its own entry names their number and the digest of the whole. A save that was cut short may leave parts of two
values: the digest tells, and then there is no value, which whoever reads a cache can bear.
"""

import hashlib
from collections.abc import Mapping

import msgspec

PART_BYTES = 512 * 1024
_WHOLE, _PARTED = b"w", b"p"


class Torn(Exception):
    """The parts of a value are not of one value."""


class _Parted(msgspec.Struct, frozen=True, array_like=True):
    count: int
    digest: bytes


class Parts:
    """Knows how many parts each large value has in the store, so that none is left when it shrinks or goes."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def split(self, entries: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
        """The entries as they are stored, in the same order; None removes one."""
        stored: dict[str, bytes | None] = {}
        for name, value in entries.items():
            parts = [] if value is None or len(value) <= PART_BYTES else _parts_of(value)
            stored |= {_part(name, n): part for n, part in enumerate(parts)}
            stored |= dict.fromkeys(_part(name, n) for n in range(len(parts), self._counts.pop(name, 0)))
            if parts:
                self._counts[name] = len(parts)
            stored[name] = _entry(value, parts)
        return stored


def join(stored: Mapping[str, bytes]) -> dict[str, bytes]:
    """The values that were split; raises Torn where parts do not fit each other."""
    return {name: _value(name, entry, stored) for name, entry in stored.items() if not name.startswith("part/")}


def _parts_of(value: bytes) -> list[bytes]:
    return [value[at : at + PART_BYTES] for at in range(0, len(value), PART_BYTES)]


def _part(name: str, number: int) -> str:
    return f"part/{number}/{name}"


def _entry(value: bytes | None, parts: list[bytes]) -> bytes | None:
    if value is None:
        return None
    if not parts:
        return _WHOLE + value
    return _PARTED + msgspec.msgpack.encode(_Parted(len(parts), hashlib.sha256(value).digest()))


def _value(name: str, entry: bytes, stored: Mapping[str, bytes]) -> bytes:
    if entry[:1] == _WHOLE:
        return entry[1:]
    parted = msgspec.msgpack.decode(entry[1:], type=_Parted)
    value = b"".join(stored.get(_part(name, n), b"") for n in range(parted.count))
    if hashlib.sha256(value).digest() != parted.digest:
        raise Torn(f"Expected {parted.count} parts of one value of '{name}', but they are of several.")
    return value
