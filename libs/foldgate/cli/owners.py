"""Who owns a partition, as the log says: the last claim that counts."""

from typing import NamedTuple

from foldgate.cli.reading import position_before
from foldgate.contracts.places import Partition
from foldgate.eventlog.acceptance import Acceptance, decode_head
from foldgate.eventlog.log import Log

_WINDOW = 2_000
_BEYOND = 2**62


class Owner(NamedTuple):
    """The owner of a partition; epoch 0 if there never was one."""

    epoch: int
    name: str
    passed_over: int


async def owner_of(log: Log, partition: Partition) -> Owner:
    """The owner now: read from the last checkpoint on, and where the claim lies before that, found by going back."""
    begin = await position_before(log, partition, _BEYOND)
    rule = Acceptance(begin)
    async for chunk in log.read(partition, begin.offset):
        for record in chunk:
            rule.accepts(record)
    epoch = rule.position.epoch
    name = rule.claimant or (await _claimant(log, partition, epoch=epoch, before=begin.offset) if epoch else "")
    return Owner(epoch, name, rule.passed_over)


async def _claimant(log: Log, partition: Partition, *, epoch: int, before: int) -> str:
    """The first to claim this epoch: a second claim of the same one never counts."""
    stop = before
    while stop > 0:
        start = max(0, stop - _WINDOW)
        async for chunk in log.read(partition, start, stop):
            for record in chunk:
                head = decode_head(record.head) if record.head is not None else None
                if head is not None and head.claimant and head.epoch == epoch:
                    return head.claimant
        stop = start
    return ""
