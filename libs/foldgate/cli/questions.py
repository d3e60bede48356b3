"""The questions of a suite, read from `approvals`."""

from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.reaching import Reached
from foldgate.cli.reading import StreamReader
from foldgate.cli.terminal import harmless
from foldgate.contracts.topics import APPROVALS, partition_of
from foldgate.sdk.questions import Question, take


async def questions(suite: Reached) -> dict[str, Question]:
    """Every question there ever was, in the order they were asked."""
    return await _read(suite, dict.fromkeys(range(APPROVALS.partitions), 0))


async def question(suite: Reached, approval_id: str) -> Question:
    """The question of that name."""
    run_id = approval_id.partition(":")[0]
    found = await _read(suite, {partition_of(run_id.encode(), APPROVALS.partitions): 0})
    if approval_id not in found:
        raise AskedWrongly(
            f"Expected a question such as `foldgate approvals list` shows, but got '{harmless(approval_id, most=100)}'."
        )
    return found[approval_id]


async def _read(suite: Reached, starts: dict[int, int]) -> dict[str, Question]:
    found: dict[str, Question] = {}
    if APPROVALS.name in suite.seen.streams:
        reader = await StreamReader.at(suite.log, suite.codec, stream=APPROVALS, starts=starts)
        async for seen in reader.there():
            if seen.accepted and seen.meta is not None and seen.event is not None:
                take(found, seen.meta, seen.event)
    return found
