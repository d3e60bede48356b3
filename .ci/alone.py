"""A command that must leave no process behind: run it, end what it left, and fail if there was anything.

On Linux this process becomes the *subreaper* of everything the command starts: whoever loses its parent becomes our
child, whatever session or group it moved to. So what still runs after the command ended is found by looking at our own
children, and a server of somebody else beside us is never mistaken for one of ours. Elsewhere the check is left out.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
GRACE_S = 2.0


def main(command: list[str]) -> int:
    watched = sys.platform == "linux"
    if watched:
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    status = run(command)
    left = survivors() if watched else {}
    for pid, name in left.items():
        print(f"Left behind by '{' '.join(command)}': process {pid}, {name}", file=sys.stderr)
        os.kill(pid, signal.SIGKILL)  # by now a child of ours or below one: its number cannot have been given away
    reap()
    return status or (1 if left else 0)


def run(command: list[str]) -> int:
    """Run the command to its end, passing on the signals that ask us to stop."""
    process = subprocess.Popen(command)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: os.kill(process.pid, received))
    while True:  # bury whoever lost its parent at once, as init would: others wait for it to be gone
        pid, status = os.wait()
        if pid == process.pid:
            return os.waitstatus_to_exitcode(status)


def survivors() -> dict[int, str]:
    """What still runs below us after those that are just ending have had time to."""
    deadline = time.monotonic() + GRACE_S
    while (left := descendants(os.getpid())) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def reap() -> None:
    """Wait for every child, so that none is left even as a zombie."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def descendants(ancestor: int) -> dict[int, str]:
    """Every live process below `ancestor`, with its command line. The dead that nobody waited for are let go."""
    children: dict[int, list[int]] = {}
    for pid, parent in living():
        children.setdefault(parent, []).append(pid)
    found: dict[int, str] = {}
    front = [ancestor]
    while front:
        below = children.get(front.pop(), [])
        found.update((pid, command_line(pid)) for pid in below)
        front += below
    return found


def living() -> list[tuple[int, int]]:
    """Every process that is not a zombie, with its parent."""
    pairs = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # it ended while we were looking
        if state != "Z":
            pairs.append((int(entry.parent.name), int(parent)))
    return pairs


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()[:200]
    except OSError:
        return "ended meanwhile"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
