"""The log: the one contract that the memory, PostgreSQL and Kafka drivers keep.

Who owns what
-------------
A driver owns: the order of a partition, durability, atomicity of one append, refusing an old owner as early as it
can, waking readers, bounded buffers.
The callers own: what the bytes mean, who may act on a record (`acceptance.py`), how an owner is made (`owner.py`).

Why a crash between any two lines is safe
-----------------------------------------
One append is one batch: all its records are in the log, next to each other, or none is. Its `BatchHead` rides on the
first record and says which owner (epoch), which batch of that owner (sequence), how many records, and how far the
owner had read its inputs when it decided them. So what was decided and what it answers are one write, and there is no
moment between them. After a crash or an unanswered append the log itself tells what happened: the next owner reads it.

Correctness rests on the reader rule in `acceptance.py` alone: an append of an owner that was replaced is never
accepted by a reader, even if a driver let it in. A driver's own fence (`Fenced`) only makes that known early.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, runtime_checkable

import msgspec

from foldgate.contracts.places import START as START  # noqa: PLC0414 - part of the contract
from foldgate.contracts.places import Partition as Partition  # noqa: PLC0414 - part of the contract
from foldgate.contracts.places import Position as Position  # noqa: PLC0414 - part of the contract
from foldgate.contracts.topics import Stream

if TYPE_CHECKING:
    from foldgate.eventlog.checkpoints import Checkpoints

MAX_BATCH_BYTES = 900 * 1024
"""Keys, values and head of one append together; below the 1 MiB that a Kafka broker takes by default."""


class BatchHead(msgspec.Struct, frozen=True, array_like=True):
    """What a batch says of itself. `claimant` is set on the one batch that makes its writer the owner."""

    epoch: int
    sequence: int
    count: int
    positions: tuple[tuple[str, int, Position], ...] = ()
    claimant: str = ""


class Outgoing(NamedTuple):
    """A record on its way to the log."""

    key: bytes
    value: bytes


class Batch(NamedTuple):
    """One append: whole, or not at all."""

    head: BatchHead
    records: Sequence[Outgoing]


Copies: TypeAlias = Mapping[str, Sequence[Outgoing]]
"""Records for other streams, by their names; each goes to the partition of its key."""


class Record(msgspec.Struct, frozen=True):
    """A record as it lies in the log. `head` is the encoded `BatchHead` on the first record of an owned batch."""

    partition: Partition
    offset: int
    key: bytes
    value: bytes
    head: bytes | None = None


class Submitted(NamedTuple):
    """Where a submission came to lie."""

    partition: Partition
    offset: int


class LogError(Exception):
    """The log could not do what was asked."""


class Fenced(LogError):
    """Another owner has taken this partition: nothing more can be appended. Of a batch that had to be sent again, the
    first sending may have been in time: the log tells."""


class LogUnavailable(LogError):
    """The broker or database did not answer in time: the outcome is unknown, so claim again and read what is there."""


class RecordTooLarge(LogError):
    """A record or batch is over the limit: nothing was written."""


class TopologyMismatch(LogError):
    """A stream exists with another number of partitions than the design's."""


class Writer(Protocol):
    """The pen of one owner on one partition. Used by one task at a time; dead after any `LogError` but RecordTooLarge.

    `append` returns the offset of the first record, once it is durable. A claim (head.claimant set) must have
    epoch = current + 1 and sequence 0; any other batch the current epoch and the next sequence. A driver that can
    check this in the same atomic step does and raises `Fenced`; one that cannot leaves it to the readers.
    """

    async def append(self, batch: Batch) -> int: ...

    async def close(self) -> None: ...


@runtime_checkable
class CopyingWriter(Writer, Protocol):
    """A pen that can also add to streams that are not owned, in the same append: batch and copies are there, or none.

    For drivers that refuse an append which no reader would accept; elsewhere copies are submitted once it counts.
    """

    async def append_with(self, batch: Batch, copies: Copies) -> int: ...


class Follower(Protocol):
    """An endless ordered read of many partitions, holding a bounded number of bytes ahead of its reader.

    `next` waits up to `timeout_ms` for at least one record and returns at most `limit`, each partition's in order;
    an empty list when there was none. `seek` moves (or adds) one partition, `drop` ends one; both take effect for the
    following `next`: no record of an earlier position is returned after them.
    """

    async def next(self, *, limit: int = 500, timeout_ms: int = 1000) -> list[Record]: ...

    def seek(self, partition: Partition, offset: int) -> None: ...

    def drop(self, partition: Partition) -> None: ...

    async def close(self) -> None: ...


class Membership(Protocol):
    """Which partitions this instance should own now. A hint only: the claim decides.

    `changed` returns the set assigned to this instance, at once on the first call, then each time it has changed.
    Every partition is assigned to some live instance soon after any instance comes, leaves or dies.
    """

    async def changed(self) -> frozenset[Partition]: ...

    async def close(self) -> None: ...


class Log(Protocol):
    """Streams of ordered partitions. See the three drivers beside this file."""

    async def prepare(self, streams: Sequence[Stream]) -> None:
        """Create what is missing; raise TopologyMismatch where a stream has another partition count."""

    async def writer(self, partition: Partition) -> Writer:
        """A pen for whoever is about to claim. From its first successful append on, earlier pens are `Fenced`
        (where the driver can)."""

    async def end(self, partition: Partition) -> int:
        """The offset after the last durable record."""

    def read(self, partition: Partition, start: int, stop: int | None = None) -> AsyncIterator[Sequence[Record]]:
        """The records from `start` up to `stop` (default: the end as of the first step), in bounded chunks, repeatably.
        Offsets may have holes."""

    def follow(self, starts: Mapping[Partition, int]) -> Follower:
        """Read these partitions from these offsets on, for ever."""

    async def submit(self, stream: str, submissions: Sequence[Outgoing]) -> Sequence[Submitted]:
        """Add records to an open stream, each to the partition of its key; returns when all are durable. At least
        once: after an error any of them may be there. Records with the same key keep their order."""

    def membership(self, group: str, instance: str, partitions: Sequence[Partition]) -> Membership:
        """Share `partitions` among the live instances of `group`."""

    def checkpoints(self) -> "Checkpoints":
        """Where this driver keeps checkpoints."""

    async def close(self) -> None: ...


def check_size(submission: Outgoing, limit: int) -> None:
    """Refuse a record over the stream's limit."""
    size = len(submission.key) + len(submission.value)
    if size > limit:
        raise RecordTooLarge(f"Expected a record of at most {limit} bytes, but it has {size}.")


def check_batch(batch: Batch) -> None:
    """Refuse a batch that is over the limit, empty, or not what its head says."""
    size = sum(len(key) + len(value) for key, value in batch.records)
    if size > MAX_BATCH_BYTES:
        raise RecordTooLarge(f"Expected a batch of at most {MAX_BATCH_BYTES} bytes, but it has {size}.")
    if not batch.records or batch.head.count != len(batch.records):
        raise ValueError(f"Expected {batch.head.count} records as the batch head says, but got {len(batch.records)}.")
