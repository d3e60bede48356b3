"""Two tables that grow with a run and are copied in pieces: its steps by id, and its timers by time.

A folded state is never changed, only replaced. To replace one of ten thousand entries must not cost ten thousand, so
each table is cut into pieces of some dozens: what changes is one piece and the list of pieces. Both are plain data, so
a checkpoint keeps them as they are.
"""

from __future__ import annotations

import functools
from bisect import bisect_left, insort
from collections.abc import Iterator

import msgspec

from foldgate.engine.runs.step import Step

_SHARD = 64
_DIGITS = 10
_CHUNK = 128

Timer = tuple[int, str]
"""When, and for which step."""
Timers = tuple[tuple[Timer, ...], ...]


class Steps(msgspec.Struct, frozen=True, gc=False):
    """Steps by id. Those of a repeated body are kept by the dozens of their index."""

    shards: dict[str, dict[str, Step]] = {}

    def get(self, step_id: str) -> Step | None:
        """The step, if it was begun or skipped."""
        shard = self.shards.get(_shard_of(step_id) if step_id[-1] == "]" else "")
        return None if shard is None else shard.get(step_id)

    def with_(self, step_id: str, step: Step) -> Steps:
        """These, with that one in place of what it was."""
        name = _shard_of(step_id) if step_id[-1] == "]" else ""
        return Steps({**self.shards, name: {**self.shards.get(name, {}), step_id: step}})

    def items(self) -> Iterator[tuple[str, Step]]:
        """All of them, in the order they came in."""
        for shard in self.shards.values():
            yield from shard.items()

    def values(self) -> Iterator[Step]:
        """All of them, without their ids."""
        for shard in self.shards.values():
            yield from shard.values()


@functools.lru_cache(maxsize=4096)
def _shard_of(step_id: str) -> str:
    """For `step[3][70]` the indexes with the last in coarse units: `3/1`. A step at the top is in the shard '', and
    what is no step is looked for there."""
    outer, _, last = step_id.partition("[")[2][:-1].rpartition("][")
    return f"{outer}/{int(last) // _SHARD}" if last.isdecimal() and len(last) < _DIGITS else ""


def with_timer(timers: Timers, timer: Timer) -> Timers:
    """These, and that one."""
    at = _chunk_of(timers, timer)
    chunk = list(timers[at]) if timers else []
    insort(chunk, timer)
    half = len(chunk) // 2
    pieces = (tuple(chunk),) if len(chunk) <= _CHUNK else (tuple(chunk[:half]), tuple(chunk[half:]))
    return (*timers[:at], *pieces, *timers[at + 1 :])


def without_timer(timers: Timers, timer: Timer) -> Timers:
    """These, without that one, which is among them."""
    at = _chunk_of(timers, timer)
    chunk = tuple(one for one in timers[at] if one != timer)
    return (*timers[:at], *((chunk,) if chunk else ()), *timers[at + 1 :])


def first_timer(timers: Timers) -> int | None:
    """When the next one is due."""
    return timers[0][0][0] if timers else None


def due_timers(timers: Timers, at: int) -> Iterator[str]:
    """The steps whose time has come, the earliest first."""
    for chunk in timers:
        for when, step_id in chunk:
            if when > at:
                return
            yield step_id


def _chunk_of(timers: Timers, timer: Timer) -> int:
    """The chunk it is in, or belongs in: the first that ends at or after it, else the last."""
    return min(bisect_left(timers, timer, key=lambda chunk: chunk[-1]), max(0, len(timers) - 1))
