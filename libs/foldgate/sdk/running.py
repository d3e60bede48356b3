"""A worker as a process: finds its suite in the environment, and ends in good order at a signal.

Exit codes: 0 after SIGTERM, SIGINT or SIGHUP; 1 when the suite could not be reached for long, or does not want this
worker; 2 for an environment that cannot work. A second signal ends it at once, with 1.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import uvloop

from foldgate.eventlog.log import LogError
from foldgate.runtime import logging
from foldgate.runtime.connecting import codec_for, open_log
from foldgate.runtime.keys import Keys
from foldgate.runtime.settings import Settings, SettingsInvalid, from_environment, given, variable
from foldgate.sdk.artifact_stores import given_to
from foldgate.sdk.errors import WorkerUnfit
from foldgate.sdk.over_log import OverLog
from foldgate.sdk.transport import Unreachable, Unwelcome

if TYPE_CHECKING:
    from foldgate.sdk.worker import Worker

CLEAN, FAILED, UNUSABLE = 0, 1, 2
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
URL, API_KEY = "FOLDGATE_URL", "FOLDGATE_API_KEY"


def run(worker: "Worker") -> None:
    """Run it as this process, configured by the environment."""
    sys.exit(uvloop.run(_run(worker)))


async def _run(worker: "Worker") -> int:
    try:
        url = variable(URL)
        if url is None:
            await _over_log(worker, from_environment())
        else:
            await _over_http(worker, url)
    except (SettingsInvalid, WorkerUnfit) as error:
        return _say(error, UNUSABLE)
    except (LogError, Unreachable, Unwelcome, OSError) as error:
        return _say(error, FAILED)
    return CLEAN


async def _over_log(worker: "Worker", settings: Settings) -> None:
    logging.configure(level=settings.log_level, style=settings.log_format)
    worker.trust = worker.trust or Keys.of(settings).trust
    log = await open_log(settings)
    try:
        transport = OverLog(log, codec=codec_for(settings))
        async with given_to(worker, settings):
            await until_signal(asyncio.create_task(worker.work_over(transport, alone=True)), say=_note)
    finally:
        await log.close()


async def _over_http(worker: "Worker", url: str) -> None:
    from foldgate.sdk.over_http import OverHttp  # here: whoever works over a log does without an HTTP client

    said = given()
    logging.configure(level=said.get("FOLDGATE_LOG_LEVEL", "info"), style=said.get("FOLDGATE_LOG_FORMAT", "json"))
    transport = OverHttp(url, api_key=said.get(API_KEY, ""))
    await until_signal(asyncio.create_task(worker.work_over(transport, alone=True)), say=_note)


async def until_signal(working: "asyncio.Task[Any]", *, say: Callable[[str], None]) -> None:
    """Wait for the end of the work, or cancel it at a signal and wait until it has left. Raises what it failed by."""
    stopping = asyncio.Event()

    def asked_to_stop() -> None:
        """What is left undone the second time is recovered from the log."""
        if stopping.is_set():
            say("Stopped at once.")
            os._exit(FAILED)
        stopping.set()

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` has it
            asyncio.get_running_loop().add_signal_handler(number, asked_to_stop)
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait([working, waiting], return_when=asyncio.FIRST_COMPLETED)
    if not working.done():
        say("Finishing the jobs under way …")
        working.cancel()
    waiting.cancel()
    await asyncio.wait([working])
    if not working.cancelled():
        working.result()


def _note(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _say(error: BaseException, code: int) -> int:
    _note(str(error) or type(error).__name__)
    return code
