"""Waking those who wait for a run or a tenant, when a read model shows more of it. Nothing is kept but who waits."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

from foldgate.readmodel.projection import Stretch


class Waking:
    """Who is woken by what: followers of runs and of tenants, by their names."""

    def __init__(self) -> None:
        self._events: dict[tuple[str, str], set[asyncio.Event]] = {}
        self.is_over = False

    def told(self, stretches: Sequence[Stretch] | None) -> None:
        """Readers see these now; without them, it may be anything."""
        if not self._events:
            return
        names = set(self._events) if stretches is None else set(_names(stretches))
        for name in names & self._events.keys():
            for event in self._events[name]:
                event.set()

    def end(self) -> None:
        """Let all followers go: this process leaves."""
        self.is_over = True
        self.told(None)

    @contextlib.contextmanager
    def subscribed(self, whose: str, name: str) -> Iterator[asyncio.Event]:
        """Set whenever something of this run or tenant may have come."""
        event = asyncio.Event()
        same = self._events.setdefault((whose, name), set())
        same.add(event)
        try:
            yield event
        finally:
            same.remove(event)
            if not same:
                del self._events[whose, name]


def _names(stretches: Sequence[Stretch]) -> Iterator[tuple[str, str]]:
    for stretch in stretches:
        for seen in stretch.seen:
            yield "run_id", seen.meta.run_id
            yield "tenant", seen.meta.tenant
