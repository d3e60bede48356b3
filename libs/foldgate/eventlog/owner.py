"""Becoming the owner of a partition: read it, claim it, read back through the claim.

Why a crash between any two lines is safe: reading changes nothing, and the claim is one append. Whether it counts is
decided by its place in the log (`acceptance.py`), so of any number of claimants that race, pause or crash, every reader
sees the same one win, and a claimant acts only after it has read that it was the one. Long reading is done before the
claim, while the old owner still works; after it only the few records that came meanwhile are read.
"""

from collections.abc import Callable, Mapping

from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import Meta, OwnerChanged
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import (
    START,
    Batch,
    BatchHead,
    Fenced,
    Log,
    LogError,
    Outgoing,
    Partition,
    Position,
    Record,
    Writer,
)

Fold = Callable[[Record], None]
_ATTEMPTS = 5


class ClaimLost(LogError):
    """Others kept claiming this partition: leave it to them until it is assigned anew."""


class OwnStream:
    """An owner's reading of its own partition: what counts there, and how far its inputs were answered."""

    def __init__(
        self, partition: Partition, position: Position = START, inputs: Mapping[Partition, Position] | None = None
    ) -> None:
        self.partition = partition
        self.acceptance = Acceptance(position)
        self.inputs = dict(inputs or {})
        self._next = position.offset

    async def catch_up(self, log: Log, fold: Fold) -> None:
        """Fold every accepted record up to the end as of now."""
        async for chunk in log.read(self.partition, self._next):
            for record in chunk:
                self._next = record.offset + 1
                if self.acceptance.accepts(record):
                    self._note_positions(record)
                    fold(record)

    def _note_positions(self, record: Record) -> None:
        if record.head is None or self.acceptance.head is None:
            return
        for stream, number, position in self.acceptance.head.positions:
            self.inputs[Partition(stream, number)] = position


async def claim(log: Log, codec: Codec, own: OwnStream, *, fold: Fold, owner: str, at: int) -> Writer:
    """Make `owner` the owner of the partition, and return its pen. `owner` is unique to this call."""
    await own.catch_up(log, fold)
    for _ in range(_ATTEMPTS):
        writer = await log.writer(own.partition)
        try:
            if await _try(log, codec, own, writer=writer, owner=owner, at=at, fold=fold):
                return writer
        except BaseException:
            await writer.close()
            raise
        await writer.close()
    raise ClaimLost(
        f"{own.partition}: expected to become its owner, but others claimed it {_ATTEMPTS} times meanwhile."
    )


async def _try(log: Log, codec: Codec, own: OwnStream, *, writer: Writer, owner: str, at: int, fold: Fold) -> bool:
    try:
        await writer.append(_claim_batch(codec, own, owner=owner, at=at))
    except Fenced:
        await own.catch_up(log, fold)
        return False
    await own.catch_up(log, fold)
    return own.acceptance.claimant == owner


def _claim_batch(codec: Codec, own: OwnStream, *, owner: str, at: int) -> Batch:
    epoch = own.acceptance.position.epoch + 1
    meta = ownership_meta(own.partition, f"owner/{epoch}/{owner}", principal=owner, at=at)
    value = codec.encode(meta, OwnerChanged(epoch=epoch, owner=owner))
    return Batch(BatchHead(epoch=epoch, sequence=0, count=1, claimant=owner), [Outgoing(b"", value)])


def ownership_meta(partition: Partition, name: str, *, principal: str, at: int) -> Meta:
    """The Meta of a partition-level record: it is about no run, and in no chain."""
    return Meta(
        chain=NO_CHAIN,
        event_id=f"{partition}/{name}",
        stream=partition.stream,
        key="",
        at=at,
        principal=principal,
    )
