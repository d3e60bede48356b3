"""Checkpoints of one owned partition: which states changed since the last, and how they are stored and read.

Entries are `a/<key>` for a live aggregate and `c/<hour>` for the keys that ended in that hour. The head holds the
position in the partition, the input positions, and the edition of the state: a checkpoint of another edition is not
read, and recovery folds the log instead. Either way the state is the same (INV-13).
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Generic

import msgspec

from foldgate.contracts.places import Partition, Position
from foldgate.decider.decider import Decider, S
from foldgate.decider.processor import Processor
from foldgate.decider.stamp import Held
from foldgate.eventlog.checkpoints import Checkpoints, Saved


class Head(msgspec.Struct, frozen=True, array_like=True):
    """Where a checkpoint stands."""

    edition: bytes
    position: Position
    inputs: tuple[tuple[str, int, Position], ...]


class Saving(Generic[S]):
    """Collects what changed, and saves it under the owner's epoch. The first save of an owner is complete."""

    def __init__(self, store: Checkpoints, processor: Processor[S], decider: Decider[S], *, epoch: int) -> None:
        self._store, self._processor, self._epoch = store, processor, epoch
        self._edition = edition(decider)
        self._changed: dict[str, Held[S] | None] = dict(processor.live)
        self._gone: list[int] = []
        processor.closed.take_changed()
        self._hours = set(processor.closed.hours())

    def note(self, changed: Mapping[str, Held[S] | None]) -> None:
        """These states were acknowledged by the log."""
        self._changed.update(changed)

    def forget_closed_before(self, at: int) -> None:
        """Ended keys are remembered no longer than this."""
        self._gone += self._processor.closed.forget_before(at)

    async def save(self, position: Position, inputs: Mapping[Partition, Position]) -> None:
        """Store what changed since the last save, as of this position. What is not stored stays for the next."""
        entries, changed = self._entries(), self._changed
        places = tuple((source.stream, source.number, place) for source, place in inputs.items())
        head = msgspec.msgpack.encode(Head(self._edition, position, places))
        self._changed, self._hours, self._gone = {}, set(), []
        try:
            await self._store.save(self._processor.partition, epoch=self._epoch, head=head, changed=entries)
        except BaseException:
            self._changed = {**changed, **self._changed}
            self._hours.update(self._processor.closed.hours())
            raise

    def _entries(self) -> dict[str, bytes | None]:
        entries: dict[str, bytes | None] = {f"c/{hour}": None for hour in self._gone}
        for key, held in self._changed.items():
            entries[f"a/{key}"] = None if held is None else msgspec.msgpack.encode(held)
        self._hours |= self._processor.closed.take_changed()
        for hour in self._hours:
            entries[f"c/{hour}"] = self._processor.closed.dump(hour)
        return entries


def restore(saved: Saved, processor: Processor[S], decider: Decider[S]) -> Head | None:
    """Load a checkpoint into a fresh processor; None, and nothing loaded, if it is of another edition."""
    head = msgspec.msgpack.decode(saved.head, type=Head)
    if head.edition != edition(decider):
        return None
    decode = msgspec.msgpack.Decoder(Held[decider.state]).decode  # type: ignore[name-defined]
    for name, value in saved.entries.items():
        kind, _, key = name.partition("/")
        if kind == "c":
            processor.closed.load(int(key), value)
        else:
            processor.keep(key, decode(value))
    return head


def edition(decider: Decider[Any]) -> bytes:
    """Names the shape of the state and the meaning that `evolve` gives it."""
    shape = msgspec.json.encode(msgspec.json.schema(Held[decider.state]), order="sorted")  # type: ignore[name-defined]
    return hashlib.sha256(shape + b"%d" % decider.edition).digest()[:8]
