"""Places on the log: a partition of a stream, and how far it was read."""

from typing import NamedTuple

import msgspec


class Partition(NamedTuple):
    """One ordered part of a stream."""

    stream: str
    number: int

    def __str__(self) -> str:
        return f"{self.stream}-{self.number}"


class Position(msgspec.Struct, frozen=True, array_like=True):
    """How far a partition was read: the next offset, and what the reader rule expects there."""

    offset: int = 0
    epoch: int = 0
    sequence: int = 0
    left: int = 0


START = Position()
