"""Checkpoints: folded state saved at a log position, so that recovery costs what is live, not what ever was.

A checkpoint is a cache of the log and never a source of truth: losing one costs time, a wrong one must be impossible.
So an owner saves only state whose batches it has read back as accepted, and each entry lies under the epoch of its
owner. A crash in the middle of a save leaves entries newer than the head; that is safe, because an entry carries the
sequence of its last event, and the tail folded over it passes over what it holds already. An owner that was replaced
and goes on saving saves what is old, not what is wrong, and cannot mix it with its successor's: the driver refuses it
(PostgreSQL), or recovery reads the entries of the newest epoch that has a head, and no others (Kafka).

What changed since the last save is nothing without that save: where somebody removed it meanwhile, or put an older one
back, the next is refused; its owner gives the partition up, and whoever takes it begins with the log.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from foldgate.eventlog.log import LogError, Partition


class Saved(msgspec.Struct, frozen=True):
    """The newest epoch that has a head, that head, and every entry of that epoch."""

    epoch: int
    head: bytes
    entries: dict[str, bytes]


class BaseGone(LogError):
    """The save that this one adds to is not there any more."""

    def __init__(self, partition: Partition) -> None:
        super().__init__(
            f"{partition}: expected the last checkpoint where it was saved, but it was removed or replaced by another."
        )


class Checkpoints(Protocol):
    """Where checkpoints are kept: a compacted topic, a table, a dict."""

    async def save(
        self,
        partition: Partition,
        *,
        epoch: int,
        head: bytes,
        changed: Mapping[str, bytes | None],
        after: bytes | None = None,
    ) -> None:
        """Store the changed entries (None removes one), then the head. The first save of an epoch is complete: what it
        does not name is gone. A save under an epoch older than one that has saved is refused or has no effect. `after`
        is the head of the save that this one adds to: raises BaseGone if that is not what is there."""

    async def load(self, partition: Partition) -> Saved | None: ...

    async def close(self) -> None: ...
