"""A child process that does not outlive the process which started it.

On Linux the kernel itself kills the child when its parent is gone (PR_SET_PDEATHSIG), whatever the parent died of, so
no server is left behind to hold a port or a data folder. The signal is asked for *inside* the child, by a two-line
Python program which then becomes the server by `exec`: a `preexec_fn` would run Python between fork and exec in a
process that may have threads. The parent may die before the request is in; therefore the child compares its parent's
id afterwards and leaves by itself if that has changed.

The kernel watches the *thread* that started the child: start servers from a thread that lives as long as they shall.
Elsewhere than on Linux only `stop` ends the child.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

POLL_S = 0.02

_BOUND_TO_PARENT = """\
import ctypes, os, signal, sys
ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)
os.execv(sys.argv[2], sys.argv[2:]) if os.getppid() == int(sys.argv[1]) else sys.exit("the parent is gone")
"""


def spawn(command: Sequence[str], *, log: Path, keep_open: Sequence[int] = ()) -> subprocess.Popen[bytes]:
    """Start `command` (its first word an absolute path), with all it prints added to `log`.

    The files in `keep_open` stay open in the child: a lock among them is held until the child too is gone.
    """
    bound = [sys.executable, "-I", "-S", "-c", _BOUND_TO_PARENT, str(os.getpid()), *command]
    with log.open("ab") as out:
        return subprocess.Popen(
            bound if sys.platform == "linux" else list(command),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            pass_fds=tuple(keep_open),
            start_new_session=True,  # Ctrl-C in a terminal is for the parent, which then stops its servers in order
        )


async def ended(process: subprocess.Popen[bytes], *, within_s: float) -> bool:
    """Wait until the process is over; False if it still runs after `within_s`."""
    try:
        async with asyncio.timeout(within_s):
            while process.poll() is None:
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        return False
    return True


async def stop(process: subprocess.Popen[bytes], *, grace_s: float) -> None:
    """Ask the process to end, and end it when it has not done so in time."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGCONT)  # a stopped process would never see the next signal
    process.send_signal(signal.SIGTERM)
    if not await ended(process, within_s=grace_s):
        await kill(process)


async def kill(process: subprocess.Popen[bytes]) -> None:
    """End the process at once, and wait until it is gone."""
    process.kill()
    await ended(process, within_s=30)
