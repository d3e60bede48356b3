"""A child process that does not outlive the process which started it.

On Linux the kernel itself kills the child when its parent is gone (PR_SET_PDEATHSIG), whatever the parent died of, so
no server is left behind to hold a port or a data folder. The signal is asked for *inside* the child, by a few lines of
Python which then becomes the server by `exec`: a `preexec_fn` would run Python between fork and exec in a
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
from collections.abc import Mapping, Sequence
from pathlib import Path

from foldgate.servers.account import Account

POLL_S = 0.02

# The kernel forgets the signal when a process changes its user: so first the user, then the signal.
_BOUND_TO_PARENT = """\
import ctypes, os, sys
parent, orphaned, uid, gid = map(int, sys.argv[1:5])
libc = ctypes.CDLL(None)
if uid >= 0:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
if sys.platform == "linux":
    libc.prctl(1, orphaned)
os.execv(sys.argv[5], sys.argv[5:]) if os.getppid() == parent else sys.exit("the parent is gone")
"""


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    keep_open: Sequence[int] = (),
    folder: Path | None = None,
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
    orphaned: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start `command` (its first word an absolute path), with all it prints added to `log`.

    The files in `keep_open` stay open in the child: a lock among them is held until the child too is gone. The child
    runs in `folder` and as `account` where they are given; it gets `orphaned` when its parent dies.
    """
    uid, gid = (account.uid, account.gid) if account else (-1, -1)
    terms = [os.getpid(), orphaned.value, uid, gid]
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _BOUND_TO_PARENT, *map(str, terms), *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            pass_fds=tuple(keep_open),
            cwd=folder,
            env=environment,
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


async def stop(process: subprocess.Popen[bytes], *, grace_s: float, request: signal.Signals = signal.SIGTERM) -> None:
    """Ask the process to end, and end it when it has not done so in time."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGCONT)  # a stopped process would never see the next signal
    process.send_signal(request)
    if not await ended(process, within_s=grace_s):
        await kill(process)


async def kill(process: subprocess.Popen[bytes]) -> None:
    """End the process at once, and wait until it is gone."""
    process.kill()
    await ended(process, within_s=30)
