"""What waits in this process, as metrics: counted when somebody asks, in pieces, so that work goes on meanwhile.

What an owned partition has asked of another service is counted here too, since a service that is down says nothing of
it: by what the other has read, which the heads of its batches say. That is known from when the partition was claimed.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from foldgate.contracts.places import Partition
from foldgate.eventlog.log import BatchHead
from foldgate.runtime import metrics
from foldgate.runtime.context import Context
from foldgate.runtime.service import Asks

if TYPE_CHECKING:
    from foldgate.runtime.owned import OwnedPartition

_PIECE = 200
"""Aggregates that are looked at before others have their turn."""


class _Mark(NamedTuple):
    """So much was asked in one append: the place behind the last of it, and when."""

    behind: int
    at: int
    many: int


class Asked:
    """What one owned partition has asked, and the other has not read."""

    def __init__(self, asks: Asks, partition: Partition) -> None:
        self.wait = asks.wait
        self._names = frozenset(event.__name__ for event in asks.events)
        self._of, self._partition = asks.of.name, (partition.stream, partition.number)
        self._marks: deque[_Mark] = deque()
        self._read = 0

    def note(self, names: Sequence[str], *, first: int, at: int) -> None:
        """These events were appended, the first of them there. The other may have read them by now."""
        places = [first + number + 1 for number, name in enumerate(names) if name in self._names]
        if places and places[-1] > self._read:
            self._marks.append(_Mark(places[-1], at, len(places)))

    def heard(self, stream: str, head: BatchHead) -> None:
        """A batch says how far it has read here."""
        for source, number, position in head.positions:
            if stream == self._of and (source, number) == self._partition:
                self._read = position.offset
        while self._marks and self._marks[0].behind <= self._read:
            self._marks.popleft()

    def waiting(self) -> list[tuple[str, int]]:
        """What is left, one a question."""
        return [(self.wait, mark.at) for mark in self._marks for _ in range(mark.many)]


class Watching:
    """The metrics of what waits in the partitions of one service."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: set[tuple[str, str]] = set()

    async def measure(self, owned: Sequence["OwnedPartition"]) -> None:
        """Set them to what there is now; to none, where something waited before and nothing does."""
        found: dict[tuple[str, str], list[int]] = {}
        for one in owned:
            async for wait, since in _waiting(one):
                found.setdefault((one.partition.stream, wait), []).append(since)
        now = self._context.clock.now_ms()
        self._known |= found.keys()
        for stream, wait in self._known:
            begun = found.get((stream, wait), [])
            labels = (self._context.service, stream, wait)
            metrics.WAITING.labels(*labels).set(len(begun))
            metrics.WAITING_OLDEST.labels(*labels).set(max(0, now - min(begun, default=now)) / 1000)


async def _waiting(owned: "OwnedPartition") -> AsyncIterator[tuple[str, int]]:
    """For what, and since when."""
    for one in [] if owned.asked is None else owned.asked.waiting():
        yield one
    for number, several in enumerate(owned.processor.waiting(), start=1):
        for one in several:
            yield one
        if number % _PIECE == 0:
            await asyncio.sleep(0)
