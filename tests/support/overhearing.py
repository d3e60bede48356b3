"""Overhears some streams as they grow, by the reader rule: for tests that wait for something to be said."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from foldgate.contracts.codec import Codec
from foldgate.contracts.events import Event, Meta
from foldgate.contracts.places import START, Partition
from foldgate.contracts.topics import stream_of
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import Follower, Log
from tests.support.waiting import until

CODEC = Codec()
E = TypeVar("E", bound=Event)


class Overhearing:
    """What was said so far, in each partition in order. On open streams it is what lies there."""

    def __init__(self, follower: Follower, rules: dict[Partition, Acceptance | None]) -> None:
        self._follower, self._rules = follower, rules
        self.heard: list[tuple[Meta, Event]] = []

    def said(self, kind: type[E]) -> list[E]:
        """Those of one type."""
        return [event for _, event in self.heard if isinstance(event, kind)]

    async def until(self, condition: Callable[[], bool], *, what: str, within_s: float = 60.0) -> None:
        """Listen until it holds."""

        async def holds() -> bool:
            for record in await self._follower.next(limit=2000, timeout_ms=50):
                rule = self._rules[record.partition]
                if (rule is None or rule.accepts(record)) and record.key:
                    self.heard.append(CODEC.decode(record.value))
            return condition()

        await until(holds, what=what, within_s=within_s)


@asynccontextmanager
async def overhearing(log: Log, *streams: str) -> AsyncIterator[Overhearing]:
    """From the beginning of these streams."""
    rules = {
        Partition(name, number): Acceptance(START) if stream_of(name).kind == "owned" else None
        for name in streams
        for number in range(stream_of(name).partitions)
    }
    follower = log.follow(dict.fromkeys(rules, 0))
    try:
        yield Overhearing(follower, rules)
    finally:
        await follower.close()
