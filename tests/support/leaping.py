"""An event loop whose time leaps to the next thing that is due: hours pass in a test as fast as it computes.

Only for what needs nothing but the loop (the memory log, tasks, timers). A test that waits for something that can
never happen fails at once, by name, because then nothing is left to leap to.
"""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")
BEGINNING_MS = 1_700_000_000_000


class NothingLeft(Exception):
    """Every task waits, and nothing is due that could wake one."""


class _Leaps(selectors.BaseSelector):
    """Looks at the real files once, and then lets time pass instead of waiting."""

    def __init__(self) -> None:
        self.now = 0.0
        self._real = selectors.DefaultSelector()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready:
            return ready
        if timeout is None:
            raise NothingLeft("Expected something to happen, but every task waits and no timer runs.")
        self.now += timeout
        return []

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()


class LeapingLoop(asyncio.SelectorEventLoop):
    """The loop: `time()` stands still while anything can run."""

    def __init__(self) -> None:
        self._leaps = _Leaps()
        super().__init__(self._leaps)

    def time(self) -> float:
        return self._leaps.now


class LoopClock:
    """The clock of services that run on such a loop."""

    def now_ms(self) -> int:
        return BEGINNING_MS + self.monotonic_ms()

    def monotonic_ms(self) -> int:
        return round(asyncio.get_running_loop().time() * 1000)


def leaping(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a leaping loop."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(work)


async def time_passes(seconds: float) -> None:
    """Let so much time pass, and everything happen that is due in it."""
    assert isinstance(asyncio.get_running_loop(), LeapingLoop), "elsewhere that would be waiting: use until()"
    await asyncio.sleep(seconds)
