"""Keeps services and workers alive in a test: whoever crashes is started again, with nothing but the log.

Each incarnation has a log of its own (`crashing.py`), so that what is left of a dead one can do nothing.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import structlog

from foldgate.contracts.codec import Codec
from foldgate.eventlog.log import Log
from foldgate.runtime.clock import Clock, SystemClock
from foldgate.runtime.context import Context
from foldgate.runtime.host import Host
from foldgate.runtime.service import Service
from foldgate.runtime.settings import Settings
from foldgate.sdk.worker import Worker
from tests.support.crashing import Crashed, CrashingLog, Incarnation, Latency, Place
from tests.support.keys import KEYS
from tests.support.suite import settings

CODEC = Codec()
Connect = Callable[[], "contextlib.AbstractAsyncContextManager[Log]"]
_quiet = structlog.wrap_logger(None, wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@dataclass
class Stage:
    """Where services live: how they reach the log, and the time they live in."""

    connect: Connect
    clock: Clock = field(default_factory=SystemClock)
    latency: Latency = None
    changes: dict[str, object] = field(default_factory=dict)

    async def a_while(self) -> None:
        """As long as an operation takes, where they take time."""
        if self.latency is not None:
            await asyncio.sleep(self.latency())

    def context(self, service: str, log: Log, *, instance: str) -> Context:
        return Context(
            service=service,
            settings=self.settings(instance),
            keys=KEYS,
            log=log,
            codec=CODEC,
            clock=self.clock,
            logger=_quiet,
        )

    def settings(self, instance: str) -> Settings:
        often = {"positions_every_ms": 60, "checkpoint_every_ms": 10}
        return settings(**{**often, **self.changes, "instance": instance})


class Kept:
    """A process that is started again whenever it crashes. `lives` has its incarnations, the last one at work."""

    def __init__(self, stage: Stage, plan: Iterator[Place], *, lives: int | None = None) -> None:
        self._stage, self._plan, self._most = stage, plan, lives
        self.lives: list[Incarnation] = []

    @property
    def crashes(self) -> int:
        return sum(life.dead.is_set() for life in self.lives)

    def kill(self) -> None:
        """Crash now, wherever it is."""
        self.lives[-1].kill()

    async def keep(self, start: Callable[[Log, Incarnation], Any]) -> None:
        """One life after the other; whatever ends one but its crash is a failure of the test."""
        while len(self.lives) != self._most:
            life = Incarnation(next(self._plan, None), latency=self._stage.latency)
            self.lives.append(life)
            async with self._stage.connect() as log:
                await _live(life, start(CrashingLog(log, life), life))
        await asyncio.Event().wait()


async def _live(life: Incarnation, work: Any) -> None:
    asyncio.get_running_loop().set_exception_handler(_but_crashes)
    working = asyncio.create_task(work)
    dying = asyncio.create_task(life.dead.wait())
    try:
        await asyncio.wait([working, dying], return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _whole(_end(life, working, dying))
    if not (life.dead.is_set() or working.cancelled()):
        working.result()


async def _end(life: Incarnation, *tasks: "asyncio.Task[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await life.bury()


async def _whole(work: Coroutine[Any, Any, None]) -> None:
    """Do it to its end, even if the test ends meanwhile."""
    task, cancelled = asyncio.ensure_future(work), False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError


def _but_crashes(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Nobody looks at what became of the tasks of the dead."""
    if not isinstance(context.get("exception"), Crashed):
        loop.default_exception_handler(context)


@contextlib.asynccontextmanager
async def kept(
    stage: Stage, service: Service, *, instance: str = "", plan: Iterable[Place] = (), lives: int | None = None
) -> AsyncIterator[Kept]:
    """A service that is always started again, or has so many lives."""
    process = Kept(stage, iter(plan), lives=lives)
    name = instance or f"{service.name}-1"

    def start(log: Log, _: Incarnation) -> Any:
        return Host(service, stage.context(service.name, log, instance=name)).run()

    async with _kept(process, start):
        yield process


@contextlib.asynccontextmanager
async def kept_worker(
    stage: Stage, make: Callable[[Incarnation], Worker], *, plan: Iterable[Place] = ()
) -> AsyncIterator[Kept]:
    """A worker that is always started again, as another instance of itself."""
    process = Kept(stage, iter(plan))

    def start(log: Log, life: Incarnation) -> Any:
        return make(life).work(log)

    async with _kept(process, start):
        yield process


@contextlib.asynccontextmanager
async def _kept(process: Kept, start: Callable[[Log, Incarnation], Any]) -> AsyncIterator[None]:
    keeping = asyncio.create_task(process.keep(start))
    ending = asyncio.current_task()
    assert ending is not None
    keeping.add_done_callback(lambda _: ending.cancel() if not keeping.cancelled() else None)
    try:
        yield
    finally:
        keeping.cancel()
        [outcome] = await asyncio.gather(keeping, return_exceptions=True)
        if isinstance(outcome, Exception | Crashed):
            raise outcome
