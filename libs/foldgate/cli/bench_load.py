"""Runs that `foldgate bench` asks for, and when they ended, as a follower of the log sees it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from foldgate.cli.mistakes import CannotGoOn
from foldgate.cli.reaching import Reached
from foldgate.contracts.endings import RUN_ENDS
from foldgate.contracts.events import RunSucceeded
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import RUNS
from foldgate.eventlog.log import Follower

WITHIN_S = 60.0
_ENDS = {event.__name__ for event in RUN_ENDS}


class RunWentWrong(CannotGoOn):
    """What is measured does not work."""


class Load:
    """Asks, and hears of ends. The suite has one owner a partition for as long as this takes: all that lies there
    counts."""

    def __init__(self, suite: Reached) -> None:
        self._suite, self._client = suite, suite.client("default", principal="bench")
        self._waiting: dict[str, asyncio.Future[str]] = {}
        self.ended = 0

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator["Load"]:
        """For as long as runs are asked for."""
        partitions = [Partition(RUNS.name, number) for number in range(RUNS.partitions)]
        follower = self._suite.log.follow({partition: await self._suite.log.end(partition) for partition in partitions})
        hearing = asyncio.create_task(self._hear(follower))
        try:
            yield self
        finally:
            hearing.cancel()
            await asyncio.wait([hearing])
            await follower.close()

    async def _hear(self, follower: Follower) -> None:
        codec = self._suite.codec
        while True:
            for record in await follower.next():
                if record.key and (name := codec.peek(record.value).name) in _ENDS:
                    waiting = self._waiting.pop(codec.meta(record.value).run_id, None)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(name)

    async def run(self, workflow: str, payload: Any = None) -> float:
        """One, from asking to its end, in milliseconds."""
        asked = self._client.run(workflow, payload)
        self._waiting[asked.run_id] = waiting = asyncio.get_running_loop().create_future()
        began = asyncio.get_running_loop().time()
        await self._client.ask(asked)
        try:
            async with asyncio.timeout(WITHIN_S):
                end = await waiting
        except TimeoutError:
            raise RunWentWrong(f"Expected {asked.run_id} to end within {WITHIN_S:g} s, but it did not.") from None
        if end != RunSucceeded.__name__:
            raise RunWentWrong(f"Expected {asked.run_id} of '{workflow}' to succeed, but its end is {end}.")
        self.ended += 1
        return (asyncio.get_running_loop().time() - began) * 1000

    async def one_by_one(self, workflow: str, payload: Any, *, times: int) -> list[float]:
        """So many, after some that are not counted."""
        for _ in range(max(1, times // 10)):
            await self.run(workflow, payload)
        return [await self.run(workflow, payload) for _ in range(times)]

    @contextlib.asynccontextmanager
    async def steady(self, workflow: str, *, at_once: int) -> AsyncIterator[None]:
        """So many at any time: for each that ends another is asked for."""
        over = asyncio.Event()

        async def again() -> None:
            while not over.is_set():
                await self.run(workflow)

        running = [asyncio.create_task(again()) for _ in range(at_once)]
        try:
            yield
        finally:
            over.set()
            await asyncio.gather(*running)
