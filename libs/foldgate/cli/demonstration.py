"""What `foldgate demo` shows, step by step, with real processes: a suite, a worker, another worker.

Every process is started so that it does not outlive this one (`servers/child.py`), and is stopped in order at the end;
the data folder is removed. So a demonstration that is interrupted anywhere leaves at most its folder behind.
"""

import asyncio
import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from foldgate.cli import state
from foldgate.cli.last_words import ending, last_words
from foldgate.cli.mistakes import CommandFailed
from foldgate.cli.reaching import Reached, opened
from foldgate.cli.run_history import events_of, in_order, print_events
from foldgate.cli.terminal import note, progress, say
from foldgate.contracts.events import Event, JobDispatched, JobLost, RunSucceeded
from foldgate.runtime.settings import given
from foldgate.sdk.client import Client
from foldgate.servers import child

E = TypeVar("E", bound=Event)
TOPIC = "demo.count"
LEASE_MS = 2_000
_WITHIN_S = 60.0
_GRACE_S = 12.0
_POLL_S = 0.02


class DemonstrationFailed(CommandFailed):
    """What was to be shown did not happen."""


async def demonstrate(*, keep: bool) -> None:
    """Show it."""
    folder = Path(tempfile.mkdtemp(prefix="foldgate-demo-"))
    try:
        async with asyncio.timeout(_WITHIN_S), _suite(folder), opened(folder) as suite:
            await _show(suite, folder)
    except TimeoutError:
        raise DemonstrationFailed(
            f"Expected the demonstration to end within {_WITHIN_S:g} s, but it did not. Its logs are in {folder}."
        ) from None
    if keep:
        note(f"The data is kept in {folder}.")
    else:
        shutil.rmtree(folder, ignore_errors=True)
