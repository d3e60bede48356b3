"""A job under way: what its handler does, in a task of its own that can be called back."""

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator
from typing import Any

CANCELLED, ATTEMPT_TIMEOUT = "cancelled", "attempt_timeout"


class CalledBack(Exception):
    """The handler was told to stop, and did. `code` is stable: cancelled or attempt_timeout."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code

    @property
    def retryable(self) -> bool:
        """Another attempt may be faster; nobody wants another of what the run called back."""
        return self.code == ATTEMPT_TIMEOUT


class Doing:
    """One job. It is called back at most once, by its run or when its own time is over; what comes first counts. A
    handler that has an output all the same is believed."""

    def __init__(self, work: Coroutine[Any, Any, Any], *, limit_ms: int) -> None:
        self._task, self._limit_ms, self._why = asyncio.ensure_future(work), limit_ms, ""

    def call_back(self, code: str) -> None:
        """Tell the handler to stop, unless it was told or is through."""
        if not self._why and not self._task.done():
            self._why = code
            self._task.cancel()

    async def output(self) -> Any:
        """Wait for what the handler makes of it. Raises what it raises, or CalledBack."""
        with self._limited():
            try:
                return await self._task
            except (Exception, asyncio.CancelledError):
                if self._why and not is_cancelled():
                    raise CalledBack(self._why, self._reason()) from None
                raise

    def _reason(self) -> str:
        if self._why == ATTEMPT_TIMEOUT:
            return f"Expected the attempt to end within {self._limit_ms} ms, but it went on."
        return "It was stopped: its run has called it back."

    @contextlib.contextmanager
    def _limited(self) -> Iterator[None]:
        if not self._limit_ms:
            yield
            return
        timer = asyncio.get_running_loop().call_later(self._limit_ms / 1000, self.call_back, ATTEMPT_TIMEOUT)
        try:
            yield
        finally:
            timer.cancel()


def is_cancelled() -> bool:
    """Whether it was this task that somebody cancelled, and not something that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
