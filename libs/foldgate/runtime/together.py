"""Runs coroutines together: the first failure ends all of them."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def together(*parts: Coroutine[Any, Any, None]) -> None:
    """Run all; the first failure, or a cancellation, ends the others; all have ended when this returns."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            if not task.cancelling():  # gather has cancelled them if we were; twice would cut their leaving short
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
