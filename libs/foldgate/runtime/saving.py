"""Checkpoints of one owned partition: which states changed since the last, and how they are stored and read.

Entries are `a/<key>` for a live aggregate and `c/<hour>/<n>` for keys that ended in that hour. The head holds the
position in the partition, the input positions, and the edition of the state: a checkpoint of another edition, or one
that cannot be read, is none, and recovery folds the log instead.

A snapshot is of what the log has acknowledged, and of nothing later, though the processor is ahead of it: only cuts
that were appended are noted here. Ended keys come first among the entries: where a save is cut short, a key may then be
among the ended and the live, and its tail leads from the one to the other; it can never be in neither.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Generic, NamedTuple

import msgspec

from foldgate.contracts.places import Partition, Position
from foldgate.decider.decider import Decider, S
from foldgate.decider.processor import Cut, Processor
from foldgate.decider.stamp import Held
from foldgate.eventlog.checkpoints import Checkpoints, Saved
from foldgate.runtime.endings import Endings, hour_in
from foldgate.runtime.parts import Parts, Torn, join

_shapes: dict[type[Any], bytes] = {}


class Head(msgspec.Struct, frozen=True, array_like=True):
    """Where a checkpoint stands."""

    edition: bytes
    position: Position
    inputs: tuple[tuple[str, int, Position], ...]


class Snapshot(NamedTuple):
    """What is to be saved, as of a position."""

    position: Position
    head: bytes
    entries: dict[str, bytes | None]


class Saving(Generic[S]):
    """Collects what changed, and saves it under the owner's epoch. The first save of an owner is complete. After a save
    that failed there is no other: its owner has lost the partition."""

    def __init__(self, store: Checkpoints, processor: Processor[S], decider: Decider[S], *, epoch: int) -> None:
        self._store, self._processor, self._epoch = store, processor, epoch
        self._edition = edition(decider)
        self._changed: dict[str, Held[S] | None] = dict(processor.live)
        self._endings = Endings(processor.closed)
        self._parts = Parts()
        self._last: bytes | None = None

    def note(self, cut: Cut[S]) -> None:
        """The log has acknowledged a cut."""
        self._changed.update(cut.changed)
        for key, at in cut.ended.items():
            self._endings.note(key, at)

    def forget_closed_before(self, at: int) -> None:
        """Ended keys are remembered no longer than this."""
        for hour in self._processor.closed.forget_before(at):
            self._endings.forget(hour)

    def snapshot(self, position: Position, inputs: Mapping[Partition, Position]) -> Snapshot:
        """What changed since the last snapshot, as of this position."""
        entries = self._endings.take()
        for key, held in self._changed.items():
            entries[f"a/{key}"] = None if held is None else msgspec.msgpack.encode(held)
        self._changed = {}
        places = tuple((source.stream, source.number, place) for source, place in inputs.items())
        head = msgspec.msgpack.encode(Head(self._edition, position, places))
        return Snapshot(position, head, self._parts.split(entries))

    async def save(self, snapshot: Snapshot) -> None:
        """Store it."""
        partition, head = self._processor.partition, snapshot.head
        await self._store.save(partition, epoch=self._epoch, head=head, changed=snapshot.entries, after=self._last)
        self._last = head


def restore(saved: Saved, processor: Processor[S], decider: Decider[S]) -> Head | None:
    """Load a checkpoint into a fresh processor; None if it is of another edition, or torn: then begin with another
    processor."""
    try:
        head = msgspec.msgpack.decode(saved.head, type=Head)
        if head.edition != edition(decider):
            return None
        _load(join(saved.entries), processor, decider)
    except (msgspec.DecodeError, Torn):
        return None
    return head


def _load(entries: Mapping[str, bytes], processor: Processor[S], decider: Decider[S]) -> None:
    decode = msgspec.msgpack.Decoder(Held[decider.state]).decode  # type: ignore[name-defined]
    for name, value in entries.items():
        if name.startswith("c/"):
            processor.closed.load(hour_in(name), value)
        else:
            processor.keep(name.removeprefix("a/"), decode(value))


def edition(decider: Decider[Any]) -> bytes:
    """Names the shape of the state and the meaning that `evolve` gives it."""
    state = decider.state
    if state not in _shapes:
        _shapes[state] = msgspec.json.encode(msgspec.json.schema(Held[state]), order="sorted")  # type: ignore[valid-type]
    return hashlib.sha256(_shapes[state] + b"%d" % decider.edition).digest()[:8]
