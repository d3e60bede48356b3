"""From nothing to the owner of a partition: checkpoint, tail, claim.

Nothing is written before the claim, and the claim is one append (`eventlog/owner.py`), so a crash anywhere here leaves
the partition as it was. A checkpoint may be old, or cut short by a crash, but never wrong (`owned.py` says why); one
that does not fit, because its edition is another or it reaches past the log's end (a log restored from a backup), is
passed over, and the log is folded from its beginning.
"""

import secrets
from typing import Any

from foldgate.contracts.places import Partition
from foldgate.decider.decider import Decider
from foldgate.decider.processor import Processor
from foldgate.eventlog.log import MAX_BATCH_BYTES, LogError, Record
from foldgate.eventlog.owner import OwnStream, claim
from foldgate.runtime.context import Context
from foldgate.runtime.owned import OwnedPartition
from foldgate.runtime.saving import restore

BATCH_BYTES = MAX_BATCH_BYTES - 64 * 1024
"""For the decisions of one append; the rest is for its head, whose size grows with the number of sources."""


class LogUnreadable(LogError):
    """A record of an owned stream cannot be decoded or folded: its reader stops here, it is never skipped."""


async def become_owner(context: Context, partition: Partition, decider: Decider[Any]) -> OwnedPartition:
    """Recover a partition, claim it, and be ready to work."""
    processor, own = await _recovered(context, partition, decider)
    fold = _Fold(context, processor)
    owner = f"{context.settings.instance}/{secrets.token_hex(4)}"
    writer = await claim(context.log, context.codec, own, fold=fold, owner=owner, at=context.clock.now_ms())
    processor.inputs = dict(own.inputs)
    return OwnedPartition(context, processor, decider, own=own, writer=writer)


async def _recovered(context: Context, partition: Partition, decider: Decider[Any]) -> tuple[Processor[Any], OwnStream]:
    saved = await context.log.checkpoints().load(partition)
    processor = _fresh(context, partition, decider)
    head = None if saved is None else restore(saved, processor, decider)
    if head is None or head.position.offset > await context.log.end(partition):
        return _fresh(context, partition, decider), OwnStream(partition)
    inputs = {Partition(stream, number): position for stream, number, position in head.inputs}
    return processor, OwnStream(partition, head.position, inputs)


def _fresh(context: Context, partition: Partition, decider: Decider[Any]) -> Processor[Any]:
    seal = context.codec.seal
    return Processor(decider, partition, seal=seal, service=context.service, batch_bytes=BATCH_BYTES)


class _Fold:
    """Decodes and folds one accepted record of the partition; partition-level ones carry no state."""

    def __init__(self, context: Context, processor: Processor[Any]) -> None:
        self._codec, self._processor = context.codec, processor

    def __call__(self, record: Record) -> None:
        if not record.key:
            return
        try:
            meta, event = self._codec.decode(record.value)
            self._processor.restore(meta, event)
        except Exception as error:  # any exception: whatever cannot be folded, by whatever fault, is never skipped
            raise LogUnreadable(f"{record.partition} at offset {record.offset}: {error}") from error
