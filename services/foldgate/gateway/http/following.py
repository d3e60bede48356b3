"""Following what happens: whoever does is woken when something of his has come, and asks for it.

Nothing is kept for a follower but where he is: no buffer, and no event waits in this process for anybody. Whoever takes
his time is merely behind, and holds up nobody: all he has is a place on the log, and the next page is asked for when he
has taken this one. While many are woken at once few ask at a time, so that all other requests find the database free.

Nothing here is lost in a crash: a follower who comes again says where he is (`vectors.py`).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import structlog

from foldgate.contracts.places import Partition
from foldgate.database.connections import DatabaseRefused, DatabaseUnavailable
from foldgate.eventlog.log import LogUnavailable
from foldgate.gateway.http.arriving import Arrived, Vector, View, arrived, place_of
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.querying import Row
from foldgate.gateway.http.runs import caught_up
from foldgate.gateway.http.waking import Waking
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projector import Projector

HEARTBEAT_S = 15.0
PAGE = 100
_AT_LEAST_S, _AGAIN_S = 0.05, 1.0
_ASK_AT_ONCE = 2
_TROUBLE = (DatabaseUnavailable, DatabaseRefused, LogUnavailable, Problem)


class Told(NamedTuple):
    """Events, each with the vector by which its reader goes on; without any, a sign of life and where he is."""

    events: list[tuple[Row, dict[Partition, int]]]
    vector: dict[Partition, int]
    is_beat: bool = False


class Following:
    """Follows runs and tenants."""

    def __init__(self, models: ReadModels, *, timeline: Projector, runs: Projector) -> None:
        self._models, self._timeline, self._runs = models, timeline, runs
        self._asking = asyncio.Semaphore(_ASK_AT_ONCE)
        self.waking = Waking()
        timeline.tell(self.waking.told)

    @property
    def now(self) -> dict[Partition, int]:
        """From where on everything is new."""
        if not self._timeline.is_visible:
            raise Problem("not_yet", "Expected the timeline, but it is being made: ask again.")
        return self._timeline.offsets

    async def told(self, view: View, vector: Vector) -> AsyncIterator[Told]:
        """What has come since, as it comes; after each page that leaves nothing over an empty one. Ends when this
        process leaves."""
        loop = asyncio.get_running_loop()
        with self.waking.subscribed(view.whose, view.name) as woken:
            silent_since = loop.time()
            while not self.waking.is_over:
                woken.clear()
                asked_at, found = loop.time(), await self._found(view, vector)
                if found is not None and found.rows:
                    silent_since = asked_at
                    yield Told(_each(found.rows, vector), found.vector)
                if found is not None:
                    vector = found.vector
                    if found.more:
                        continue
                    yield Told([], found.vector)
                await _moved(woken, until=silent_since + HEARTBEAT_S if found is not None else asked_at + _AGAIN_S)
                if loop.time() >= silent_since + HEARTBEAT_S:
                    silent_since = loop.time()
                    yield Told([], dict(vector), is_beat=True)
                await asyncio.sleep(max(0.0, asked_at + _AT_LEAST_S - loop.time()))

    async def _found(self, view: View, vector: Vector) -> Arrived | None:
        """What there is; None where it cannot be known just now."""
        try:
            async with self._asking:
                visible = self.now
                found = await arrived(self._models, view, vector=vector, limit=PAGE, visible=visible)
            if found.held:
                await caught_up(self._runs)
                async with self._asking:
                    found = await arrived(
                        self._models, view, vector=vector, limit=PAGE, visible=visible, holds_back=False
                    )
        except _TROUBLE as error:
            structlog.get_logger().info("followers wait", reason=str(error))
            return None
        return found


async def _moved(woken: asyncio.Event, *, until: float) -> None:
    """Return when it is woken, or then."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(until):
            await woken.wait()


def _each(rows: Sequence[Row], vector: Vector) -> list[tuple[Row, dict[Partition, int]]]:
    reached = dict(vector)
    events = []
    for row in rows:
        reached = {**reached, place_of(row): row["offset"] + 1}
        events.append((row, reached))
    return events
