"""Ending in good order: what runs is cancelled by the first signal, and the process ends at once by the second."""

import asyncio
import os
import signal
from typing import Any

from foldgate.cli.terminal import note

AT_ONCE = 1
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


async def until_signal(working: "asyncio.Task[Any]", *, saying: str) -> None:
    """Wait for the end of the work, or cancel it at a signal and wait until it has left. Raises what it failed by."""
    stopping = asyncio.Event()
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` has it
            asyncio.get_running_loop().add_signal_handler(number, _asked_to_stop, stopping)
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait([working, waiting], return_when=asyncio.FIRST_COMPLETED)
    if not working.done():
        note(saying)
        working.cancel()
    waiting.cancel()
    await asyncio.wait([working])
    if not working.cancelled():
        working.result()


def _asked_to_stop(stopping: asyncio.Event) -> None:
    """What is left undone the second time is recovered from the log."""
    if stopping.is_set():
        note("Stopped at once.")
        os._exit(AT_ONCE)
    stopping.set()
