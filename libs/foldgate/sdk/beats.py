"""The beats of a worker: signs of life that keep its leases, sent whatever its handlers do."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

from foldgate.contracts.events import WorkerBeat
from foldgate.sdk.believing import Believing
from foldgate.sdk.load import Processors
from foldgate.sdk.terms import Terms
from foldgate.sdk.transport import Transport, Unreachable

A_LEASE = 4
"""Beats in the time of a lease, at least."""
GIVES_UP_AFTER_MS = 60_000
GIVES_UP_AFTER_LEASES = 5


class Standing(NamedTuple):
    """How it is with a worker just now."""

    max_parallel: int
    holding: tuple[int, ...]
    leaving: bool


class Beats:
    """Of one instance. `look` is called before a beat is counted as sent and before it is counted as heard: what lapsed
    by then has lapsed, whatever is heard from then on. It says in how many ms the next lease lapses, if any."""

    def __init__(
        self,
        terms: Terms,
        transport: Transport,
        believing: Believing,
        *,
        endpoint: str,
        standing: Callable[[], Standing],
        look: Callable[[], int | None],
        logger: Any,
    ) -> None:
        self._terms, self._transport, self._believing, self._endpoint = terms, transport, believing, endpoint
        self._standing, self._look, self._logger = standing, look, logger
        self._processors = Processors()
        self._soon = asyncio.Event()
        self._heard = terms.clock.monotonic_ms()
        self.sent, self.lease_ms, self.previous = 0, 0, self._heard

    @property
    def every_s(self) -> float:
        """The time between two."""
        every = self._terms.beat_every_ms
        return (min(every, self.lease_ms / A_LEASE) if self.lease_ms else every) / 1000

    async def beat_for_ever(self) -> None:
        """Beat until nobody has heard one for very long. The next is due by when the last one was sent, as a lease is
        counted: where that was on its way for long, it goes at once."""
        while True:
            try:
                await self.beat()
            except Unreachable as error:
                self._logger.warning("beat not heard", beat=self.sent, reason=str(error))
                if self._is_hopeless():
                    raise
            await asyncio.sleep(max(0.0, self.every_s - (self._terms.clock.monotonic_ms() - self.previous) / 1000))

    async def watch_for_ever(self) -> None:
        """Look as each lease lapses, also while a beat is on its way for long."""
        while True:
            self._soon.clear()
            left_ms, every_s = self._look(), self.every_s
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every_s if left_ms is None else min(every_s, left_ms / 1000)):
                    await self._soon.wait()

    def note_left(self, left_ms: int) -> None:
        """For so long a lease lasts that is held from now on: the next look may be too late for it."""
        if left_ms < 1000 * self.every_s:
            self._soon.set()

    async def beat(self) -> None:
        """Send one."""
        self._look()
        self.sent += 1
        number, standing, hello = self.sent, self._standing(), self._terms.hello
        self._believing.note_beat(number)
        beat = WorkerBeat(
            worker=self._endpoint,
            name=hello.name,
            max_parallel=standing.max_parallel,
            beat=number,
            holding=standing.holding,
            leaving=standing.leaving,
            topics=hello.topics,
            capabilities=hello.capabilities,
            labels=hello.labels,
            cpu_percent=self._processors.percent(),
            gpu_percent=self._gpu(),
        )
        self.previous = self._terms.clock.monotonic_ms()
        await self._transport.beat(beat)
        self._look()
        self._believing.note_durable(number)
        self._heard = self._terms.clock.monotonic_ms()

    def _gpu(self) -> int:
        try:
            return -1 if self._terms.gpu_percent is None else self._terms.gpu_percent()
        except Exception:
            self._logger.warning("load of graphics processors not known", exc_info=True)
            return -1

    def _is_hopeless(self) -> bool:
        limit = max(GIVES_UP_AFTER_MS, GIVES_UP_AFTER_LEASES * self.lease_ms)
        return self._terms.clock.monotonic_ms() - self._heard > limit
