"""What the aggregates of a stream say of themselves as of now, recovered as their service recovers them."""

from collections.abc import Mapping
from typing import Any

from foldgate.cli.folding import decider_of
from foldgate.cli.reaching import Reached
from foldgate.cli.reading import Reading
from foldgate.contracts.places import START, Partition
from foldgate.contracts.topics import Stream, partition_of
from foldgate.decider.decider import Decider
from foldgate.decider.processor import Processor
from foldgate.runtime.recovery import BATCH_BYTES
from foldgate.runtime.saving import restore


async def living(suite: Reached, stream: Stream) -> dict[str, Mapping[str, Any]]:
    """What every aggregate of a stream that has not ended says of itself, by key: from the last checkpoints on, so that
    it takes no longer than a service takes to recover."""
    decider, found = await decider_of(suite, stream), dict[str, Mapping[str, Any]]()
    for number in range(stream.partitions) if stream.name in suite.seen.streams else ():
        processor = await _recovered(suite, Partition(stream.name, number), decider)
        found |= {key: decider.describe(held.state) for key, held in processor.live.items()}
    return found


async def state_of(suite: Reached, stream: Stream, key: str, *, decider: Decider[Any]) -> Any | None:
    """One of them as it is now; None where there is none."""
    if stream.name not in suite.seen.streams:
        return None
    partition = Partition(stream.name, partition_of(key.encode(), stream.partitions))
    held = (await _recovered(suite, partition, decider)).live.get(key)
    return None if held is None else held.state


async def _recovered(suite: Reached, partition: Partition, decider: Decider[Any]) -> Processor[Any]:
    processor, saved = _fresh(suite, partition, decider), await suite.log.checkpoints().load(partition)
    head = restore(saved, processor, decider) if saved is not None else None
    if head is None:
        processor = _fresh(suite, partition, decider)
    begin = START if head is None else head.position
    reading = Reading(partition, suite.codec, begin=begin, owned=True)
    async for chunk in suite.log.read(partition, begin.offset):
        for record in chunk:
            seen = reading.see(record)
            if seen.accepted and record.key and seen.meta is not None and seen.event is not None:
                processor.restore(seen.meta, seen.event)
    return processor


def _fresh(suite: Reached, partition: Partition, decider: Decider[Any]) -> Processor[Any]:
    return Processor(decider, partition, seal=suite.codec.seal, service="foldgate", batch_bytes=BATCH_BYTES)
