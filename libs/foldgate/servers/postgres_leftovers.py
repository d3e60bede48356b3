"""What a PostgreSQL left in its data folder when it, or the Foldgate that ran it, did not end in order.

We get here only while holding the claim on the folder, so no live Foldgate uses it: what still runs here either is on
its way out, having seen its parent die, or was started by hand. Only the first may be ended. Files that name a process
are removed only when no process of PostgreSQL stands in the folder any more; PostgreSQL itself would believe such a
file as soon as *any* process has that number. A crash in between changes nothing: the next start looks again.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from foldgate.servers.folder import Holder

PID_FILE = "postmaster.pid"
SOCKET = ".s.PGSQL.5432"
_POLL_S = 0.02


class PostgresRuns(Exception):
    """Somebody else's PostgreSQL runs in the data folder."""


async def clear(data: Path, previous: Holder | None, report: Callable[[str], None]) -> None:
    """Leave the folder as a server that ended would have; say what was found."""
    if running := processes_in(data):
        _expect_ours(data, previous)
        report(f"Waiting for PostgreSQL (pid {running[0]}) to end, which a Foldgate that is gone left in {data}.")
        await _end(data)
    if (data / PID_FILE).exists():
        report(f"PostgreSQL in {data} was not stopped in order; it recovers from its own log now.")
    for name in (PID_FILE, SOCKET, f"{SOCKET}.lock"):
        (data / name).unlink(missing_ok=True)


def processes_in(data: Path) -> list[int]:
    """The processes of PostgreSQL that work in this folder, its postmaster first."""
    named = _named_pid(data)
    if sys.platform != "linux":
        return [named] if named and _exists(named) else []
    found = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _works_in(entry, data)]
    return sorted(found, key=lambda pid: (pid != named, pid))


def _works_in(process: Path, data: Path) -> bool:
    try:
        return (process / "comm").read_text().strip() == "postgres" and (process / "cwd").samefile(data)
    except OSError:  # gone in the meantime, a zombie, or not ours to look at
        return False


def _named_pid(data: Path) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int((data / PID_FILE).read_text().splitlines()[0])
    return 0


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        return False
    return True


def _expect_ours(data: Path, previous: Holder | None) -> None:
    named = _named_pid(data)
    if named and named in processes_in(data) and not (previous and previous.server_pid == named):
        raise PostgresRuns(
            f"Expected no server to run in {data}, but a PostgreSQL (pid {named}) that Foldgate did not start does. "
            f"Stop it (`kill -INT {named}`), or give Foldgate another folder with --data DIR."
        )


async def _end(data: Path) -> None:
    """Ask for a fast shutdown, then an immediate one, then leave no choice."""
    for request, within_s in ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 30.0)):
        for pid in processes_in(data)[: None if request is signal.SIGKILL else 1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)  # a stopped process would never see the other
                os.kill(pid, request)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while processes_in(data):
                    await asyncio.sleep(_POLL_S)
                return
