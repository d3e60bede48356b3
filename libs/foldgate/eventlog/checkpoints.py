"""Checkpoints: folded state saved at a log position, so that recovery costs what is live, not what ever was.

A checkpoint is a cache of the log and never a source of truth: losing one costs time, a wrong one must be impossible.
So each entry is written under the epoch of its owner, and only from state whose append was acknowledged. A crash in
the middle of a save leaves entries newer than the head; that is safe, because an entry carries the sequence of its
last event and the tail folded over it skips what it already holds. An owner that was replaced cannot spoil its
successor's entries: the driver refuses it (PostgreSQL) or its entries lie under its own epoch, which recovery reads
only until the successor has saved a head (Kafka); an entry reaching past the successor's claim voids the checkpoint.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from foldgate.eventlog.log import Partition


class Saved(msgspec.Struct, frozen=True):
    """The newest epoch that has a head, that head, and every entry of that epoch."""

    epoch: int
    head: bytes
    entries: dict[str, bytes]


class Checkpoints(Protocol):
    """Where checkpoints are kept: a compacted topic, a table, a dict."""

    async def save(self, partition: Partition, *, epoch: int, head: bytes, changed: Mapping[str, bytes | None]) -> None:
        """Store the changed entries (None removes one), then the head. The first save of an epoch is complete: what it
        does not name is gone. A save under an epoch older than one that has saved is refused or has no effect."""

    async def load(self, partition: Partition) -> Saved | None: ...

    async def close(self) -> None: ...
