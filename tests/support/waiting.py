"""Waiting in tests: for a condition and with a deadline, never for a time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

POLL_S = 0.01


async def until(
    condition: Callable[[], bool] | Callable[[], Awaitable[bool]], *, what: str, within_s: float = 30.0
) -> None:
    """Return as soon as the condition holds; fail, saying what was awaited, when it does not in time."""
    try:
        async with asyncio.timeout(within_s):
            while not await _holds(condition):
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise AssertionError(f"Expected {what} within {within_s:g} s, but it did not happen.") from None


async def tick(turns: int = 20) -> None:
    """Let every other task run until it waits again, or the loop turn so often."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def _holds(condition: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> bool:
    answer = condition()
    return await answer if inspect.isawaitable(answer) else answer
