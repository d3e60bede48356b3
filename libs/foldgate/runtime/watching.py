"""What waits in this process, as metrics: counted when somebody asks, in pieces, so that work goes on meanwhile.

What an owned partition has asked of another service is counted here too, since a service that is down says nothing of
it: by what the other has read, which the heads of its batches say. That is known from when the partition was claimed.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from itertools import islice
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
MOST_MEASURED = 1000
"""Aggregates that are measured by name: whoever may name pools must not fill the memory of who watches."""


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
    """The metrics of what waits in the partitions of one service, and of its aggregates."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: set[tuple[str, str]] = set()
        self._measured: set[tuple[str, str]] = set()

    async def measure(self, owned: Sequence["OwnedPartition"]) -> None:
        """Set them to what there is now; to none, where something waited before and nothing does. Of an aggregate that
        is not here any longer nothing is said."""
        now = self._context.clock.now_ms()
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for one in owned:
            async for wait, since, many in _waiting(one):
                before, oldest = found.get((one.partition.stream, wait), (0, since))
                found[one.partition.stream, wait] = before + many, min(oldest, since)
        self._known |= found.keys()
        for stream, wait in self._known:
            many, oldest = found.get((stream, wait), (0, now))
            labels = (self._context.service, stream, wait)
            metrics.WAITING.labels(*labels).set(many)
            metrics.WAITING_OLDEST.labels(*labels).set(max(0, now - oldest) / 1000)
        self._gauge(owned, now)

    def _gauge(self, owned: Sequence["OwnedPartition"], now: int) -> None:
        measured: set[tuple[str, str]] = set()
        each = (found for one in owned for found in one.processor.gauges(now))
        for key, values in islice(each, MOST_MEASURED):
            for name, value in values.items():
                metrics.GAUGES[name].labels(self._context.service, key).set(value)
                measured.add((name, key))
        for name, key in self._measured - measured:
            metrics.GAUGES[name].remove(self._context.service, key)
        self._measured = measured


async def _waiting(owned: "OwnedPartition") -> AsyncIterator[tuple[str, int, int]]:
    """For what, since when the first, and how many."""
    for wait, since in [] if owned.asked is None else owned.asked.waiting():
        yield wait, since, 1
    for number, several in enumerate(owned.processor.waiting(), start=1):
        for one in several:
            yield one if len(one) == 3 else (*one, 1)
        if number % _PIECE == 0:
            await asyncio.sleep(0)
