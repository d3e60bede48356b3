"""A slot: which runs hold one of the places of a concurrency key, and which wait for one, in their order.

A run holds a place, or waits for one, or has nothing to do with the slot:

    SlotRequested --> holds (SlotGranted), or waits (SlotQueued), or neither (SlotRefused)
    waits --> holds (SlotGranted), as places are freed, the longest waiting first
    holds, waits --> given up (SlotRevoked): it keeps its place until it releases it; while it waits it gets none
    holds, waits --> gone (SlotFreed)
"""

import itertools
from collections.abc import Iterator

import msgspec

GONE_REMEMBERED = 16
"""Runs that have left. A run asks once in its life, so that what comes later of it is a repeat."""


class Place(msgspec.Struct, frozen=True):
    """A run's claim to a place; `revoked` once it has to give it up."""

    correlation: str = ""
    revoked: bool = False


class Slot(msgspec.Struct, frozen=True):
    """One concurrency key; both tables are in the order in which the runs asked."""

    limit: int = 1
    holders: dict[str, Place] = {}
    waiting: dict[str, Place] = {}
    gone: tuple[str, ...] = ()

    @property
    def in_line(self) -> int:
        """How many wait and may get a place."""
        return sum(not place.revoked for place in self.waiting.values())

    def has(self, run: str) -> bool:
        """Whether the run holds a place or waits for one."""
        return run in self.holders or run in self.waiting

    def knows(self, run: str) -> bool:
        """Whether it does, or did and has left."""
        return self.has(run) or run in self.gone

    def staying(self) -> Iterator[tuple[str, Place]]:
        """Who holds or waits and need not give up, the oldest first."""
        everybody = itertools.chain(self.holders.items(), self.waiting.items())
        return ((run, place) for run, place in everybody if not place.revoked)

    def next_in_line(self) -> Iterator[tuple[str, Place]]:
        """Who gets the places that are free, the longest waiting first."""
        in_line = ((run, place) for run, place in self.waiting.items() if not place.revoked)
        return itertools.islice(in_line, max(0, self.limit - len(self.holders)))

    def without(self, run: str) -> "Slot":
        """Once this run has left."""
        holders = {name: place for name, place in self.holders.items() if name != run}
        waiting = {name: place for name, place in self.waiting.items() if name != run}
        gone = (*self.gone, run)[-GONE_REMEMBERED:]
        return msgspec.structs.replace(self, holders=holders, waiting=waiting, gone=gone)


def due(slot: Slot) -> int | None:
    """At once where a place is free and somebody waits: more could go on than one decision takes."""
    return None if next(slot.next_in_line(), None) is None else 0
