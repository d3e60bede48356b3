"""Threads for plain functions: at most so many, begun when they are needed. One that never ends does not keep the
process from ending."""

import queue
import threading
from collections.abc import Callable

Work = Callable[[], None]


class Threads:
    """What is given while all are busy waits for the first that is free."""

    def __init__(self, most: int, *, name: str) -> None:
        self._most, self._name = most, name
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._count = 0

    def do(self, work: Work) -> None:
        """Do this in one of them. Called by one thread alone."""
        self._work.put(work)
        if not self._idle.acquire(blocking=False) and self._count < self._most:
            self._count += 1
            threading.Thread(target=self._loop, name=f"{self._name}-{self._count}", daemon=True).start()

    def close(self) -> None:
        """Let those go that are free, now or later."""
        for _ in range(self._count):
            self._work.put(None)

    def _loop(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            del work  # what it held is let go of while this one waits
            self._idle.release()
