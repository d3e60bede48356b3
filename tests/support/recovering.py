"""Recovers partitions as a new owner would, with their checkpoints and without, and compares what comes out."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from foldgate.contracts.places import Partition, Position
from foldgate.decider.decider import Decider
from foldgate.eventlog.checkpoints import Saved
from foldgate.eventlog.log import Log
from foldgate.runtime.context import Context
from foldgate.runtime.recovery import _Fold, _recovered
from foldgate.runtime.service import Service
from tests.support.checker import hold
from tests.support.lives import Stage


class State(NamedTuple):
    """All that an owner knows before its claim."""

    live: Mapping[str, Any]
    closed: frozenset[bytes]
    inputs: Mapping[Partition, Position]
    position: Position
    folded: int


class _Forgetful:
    """A log without checkpoints."""

    def __init__(self, log: Log) -> None:
        self.read, self.end = log.read, log.end

    def checkpoints(self) -> "_None":
        return _None()


class _None:
    async def load(self, partition: Partition) -> Saved | None:
        del partition
        return None


async def state_of(context: Context, partition: Partition, decider: Decider[Any]) -> State:
    """What recovery from the checkpoint and the tail gives."""
    processor, own = await _recovered(context, partition, decider)
    fold, folded = _Fold(context, processor), 0

    def counting(record: Any) -> None:
        nonlocal folded
        folded += 1
        fold(record)

    await own.catch_up(context.log, counting)
    closed = frozenset(digest for hour in processor.closed._hours.values() for digest in hour)
    return State(dict(processor.live), closed, dict(own.inputs), own.acceptance.position, folded)


async def check_recovery(log: Log, stage: Stage, services: Collection[Service]) -> int:
    """INV-13 for every partition of these services; returns how many had a checkpoint that spared some folding."""
    spared = 0
    for service in services:
        context = stage.context(service.name, log, instance="checker")
        whole = stage.context(service.name, _Forgetful(log), instance="checker")  # type: ignore[arg-type]
        for aggregate in service.aggregates:
            tables = [make() for make in aggregate.tables]
            decider = aggregate.decider_with(context.settings, context.keys, tables)
            for number in range(aggregate.stream.partitions):
                partition = Partition(aggregate.stream.name, number)
                one, other = await state_of(context, partition, decider), await state_of(whole, partition, decider)
                wrong = [name for name in State._fields[:-1] if getattr(one, name) != getattr(other, name)]
                hold("INV-13", not wrong, f"{partition}: other {wrong}")
                spared += one.folded < other.folded
    return spared
