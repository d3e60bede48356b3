"""Values of any size as entries of a size that every store takes.

A broker takes a megabyte; the state of a pool in which thousands of jobs wait is larger. A large value lies in parts,
and its own entry names their number and the digest of the whole. A save that was cut short may leave parts of two
values: the digest tells, and then there is no value, which whoever reads a cache can bear.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

PART_BYTES = 512 * 1024
_WHOLE, _PARTED = b"w", b"p"
_LENGTH = 4


class Torn(Exception):
    """The parts of a value are not of one value."""


class _Parted(msgspec.Struct, frozen=True, array_like=True):
    count: int
    digest: bytes


class CutUp(NamedTuple):
    """A large value in its parts."""

    parts: list[bytes]
    digest: bytes


class Cutting:
    """A value that comes piece by piece. Before each piece lies how long it is, so that they can be told apart."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._rest, self._digest = bytearray(), hashlib.sha256()

    def add(self, piece: bytes) -> None:
        """One more."""
        for some in (len(piece).to_bytes(_LENGTH, "big"), piece):
            self._digest.update(some)
            self._rest += some
        while len(self._rest) >= PART_BYTES:
            self._parts.append(bytes(self._rest[:PART_BYTES]))
            del self._rest[:PART_BYTES]

    def end(self) -> bytes | CutUp:
        """The whole: in one, if it is not large."""
        if not self._parts:
            return bytes(self._rest)
        return CutUp([*self._parts, bytes(self._rest)], self._digest.digest())


def pieces(value: bytes) -> Iterator[memoryview]:
    """The pieces that a value came in."""
    rest = memoryview(value)
    while rest:
        end = _LENGTH + int.from_bytes(rest[:_LENGTH], "big")
        yield rest[_LENGTH:end]
        rest = rest[end:]


class Parts:
    """Knows how many parts each large value has in the store, so that none is left when it shrinks or goes."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def split(self, entries: Mapping[str, bytes | CutUp | None]) -> dict[str, bytes | None]:
        """The entries as they are stored, in the same order; None removes one."""
        stored: dict[str, bytes | None] = {}
        for name, value in entries.items():
            if isinstance(value, bytes) and len(value) > PART_BYTES:
                value = CutUp(_parts_of(value), hashlib.sha256(value).digest())  # noqa: PLW2901 - the same, cut
            parts = value.parts if isinstance(value, CutUp) else []
            stored |= {_part(name, n): part for n, part in enumerate(parts)}
            stored |= dict.fromkeys(_part(name, n) for n in range(len(parts), self._counts.pop(name, 0)))
            if parts:
                self._counts[name] = len(parts)
            stored[name] = _entry(value)
        return stored


def join(stored: Mapping[str, bytes]) -> dict[str, bytes]:
    """The values that were split; raises Torn where parts do not fit each other."""
    return {name: _value(name, entry, stored) for name, entry in stored.items() if not name.startswith("part/")}


def _parts_of(value: bytes) -> list[bytes]:
    return [value[at : at + PART_BYTES] for at in range(0, len(value), PART_BYTES)]


def _part(name: str, number: int) -> str:
    return f"part/{number}/{name}"


def _entry(value: bytes | CutUp | None) -> bytes | None:
    if isinstance(value, CutUp):
        return _PARTED + msgspec.msgpack.encode(_Parted(len(value.parts), value.digest))
    return None if value is None else _WHOLE + value


def _value(name: str, entry: bytes, stored: Mapping[str, bytes]) -> bytes:
    if entry[:1] == _WHOLE:
        return entry[1:]
    parted = msgspec.msgpack.decode(entry[1:], type=_Parted)
    value = b"".join(stored.get(_part(name, n), b"") for n in range(parted.count))
    if hashlib.sha256(value).digest() != parted.digest:
        raise Torn(f"Expected {parted.count} parts of one value of '{name}', but they are of several.")
    return value
