"""Checkpoints of one owned partition: which states changed since the last, and how they are stored and read.

Entries are `a/<key>` for a live aggregate and `c/<hour>/<n>` for keys that ended in that hour. The head holds the
position in the partition, the input positions, and the edition of the state: a checkpoint of another edition, or one
that cannot be read, is none, and recovery folds the log instead.

A snapshot is of what the log has acknowledged, and of nothing later, though the processor is ahead of it: only cuts
that were appended are noted here. Ended keys come first among the entries: where a save is cut short, a key may then be
among the ended and the live, and its tail leads from the one to the other; it can never be in neither.

What is large in a state is taken with it, and encoded piece by piece when it is stored: others run in between.
"""

import asyncio
import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, NamedTuple

import msgspec

from foldgate.contracts.places import Partition, Position
from foldgate.decider.decider import Decider, S
from foldgate.decider.keeping import Keeping
from foldgate.decider.processor import Cut, Processor
from foldgate.decider.stamp import Held
from foldgate.eventlog.checkpoints import Checkpoints, Saved
from foldgate.runtime.endings import Endings, hour_in
from foldgate.runtime.parts import Cutting, CutUp, Parts, Torn, join, pieces

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
    entries: dict[str, bytes | Iterator[bytes] | None]


class Saving(Generic[S]):
    """Collects what changed, and saves it under the owner's epoch. The first save of an owner is complete. After a save
    that failed there is no other: its owner has lost the partition."""

    def __init__(self, store: Checkpoints, processor: Processor[S], decider: Decider[S], *, epoch: int) -> None:
        self._store, self._processor, self._epoch = store, processor, epoch
        self._edition, self._decider = edition(decider), decider
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
        entries: dict[str, bytes | Iterator[bytes] | None] = {**self._endings.take()}
        for key, held in self._changed.items():
            entries[f"a/{key}"] = None if held is None else _encoded(held, self._decider)
        self._changed = {}
        places = tuple((source.stream, source.number, place) for source, place in inputs.items())
        head = msgspec.msgpack.encode(Head(self._edition, position, places))
        return Snapshot(position, head, entries)

    async def save(self, snapshot: Snapshot) -> None:
        """Store it."""
        partition, head = self._processor.partition, snapshot.head
        entries = {
            name: value if value is None or isinstance(value, bytes) else await _in_turns(value)
            for name, value in snapshot.entries.items()
        }
        changed = self._parts.split(entries)
        await self._store.save(partition, epoch=self._epoch, head=head, changed=changed, after=self._last)
        self._last = head


async def _in_turns(some: Iterator[bytes]) -> bytes | CutUp:
    """Encode one after the other, and let others run in between."""
    cutting = Cutting()
    for piece in some:
        cutting.add(piece)
        await asyncio.sleep(0)
    return cutting.end()


def _encoded(held: Held[S], decider: Decider[S]) -> bytes | Iterator[bytes]:
    """At once what is small, as of now."""
    return msgspec.msgpack.encode(held) if decider.keeping is None else encoded_in_pieces(held, decider.keeping)


def encoded_in_pieces(held: Held[S], keeping: Keeping[S]) -> Iterator[bytes]:
    """As of now, though most of it is encoded when it is asked for."""
    encode = msgspec.msgpack.Encoder(enc_hook=keeping.plain).encode
    small, large = keeping.parted(held.state)
    return itertools.chain([encode(msgspec.structs.replace(held, state=small))], map(encode, large))


def decoded_from_pieces(some: Iterable[bytes | memoryview], decider: Decider[S], keeping: Keeping[S]) -> Held[S]:
    """What was encoded so."""
    rest = iter(some)
    kind: Any = Held[decider.state]  # type: ignore[name-defined]
    held: Held[S] = msgspec.msgpack.decode(next(rest, b""), type=kind, dec_hook=keeping.from_plain)
    decode = msgspec.msgpack.Decoder(keeping.piece, dec_hook=keeping.from_plain).decode
    return msgspec.structs.replace(held, state=keeping.whole(held.state, map(decode, rest)))


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
    decode = _decoding(decider)
    for name, value in entries.items():
        if name.startswith("c/"):
            processor.closed.load(hour_in(name), value)
        else:
            processor.keep(name.removeprefix("a/"), decode(value))


def _decoding(decider: Decider[S]) -> Callable[[bytes], Held[S]]:
    keeping = decider.keeping
    if keeping is None:
        return msgspec.msgpack.Decoder(Held[decider.state]).decode  # type: ignore[name-defined]
    return lambda value: decoded_from_pieces(pieces(value), decider, keeping)


def edition(decider: Decider[Any]) -> bytes:
    """Names the shape of the state and the meaning that `evolve` gives it."""
    if decider.keeping is not None:
        shape = decider.keeping.shape.encode()
    else:
        state = decider.state
        if state not in _shapes:
            _shapes[state] = msgspec.json.encode(msgspec.json.schema(Held[state]), order="sorted")  # type: ignore[valid-type]
        shape = _shapes[state]
    return hashlib.sha256(shape + b"%d" % decider.edition).digest()[:8]
