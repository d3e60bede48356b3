"""A program that starts one script under limits, and sees to it that nothing of it is left: run as a file, with the
standard library alone, between the worker and the script.

It is told by a pipe. `T` asks the script to end (SIGTERM for its group); any other byte says that the worker is there;
the end of the pipe, which the kernel makes whatever the worker died of, ends everything at once. So does a silence of
the worker, which may be stopped: soon its job is given to another. So does the end of the script itself: what it
started and left is killed. On Linux that holds for what has left the group as well, because orphans are given to this
process. How the script ended goes into another pipe.
"""

import contextlib
import ctypes
import os
import resource
import select
import signal
import sys
from pathlib import Path

_PARENT_DIES, _NO_NEW_PRIVILEGES, _ADOPTS = 1, 38, 36
_LIMITS = (
    resource.RLIMIT_CPU,
    resource.RLIMIT_AS,
    resource.RLIMIT_FSIZE,
    resource.RLIMIT_NOFILE,
    resource.RLIMIT_NPROC,
)
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
CANNOT_BEGIN = 127


def main(words: list[str]) -> None:
    """`parent control status uid gid silence_ms`, a limit for each of `_LIMITS` (0 for none), and the command."""
    parent, control, status, uid, gid, silence_ms = map(int, words[:6])
    limits, command = list(map(int, words[6 : 6 + len(_LIMITS)])), words[6 + len(_LIMITS) :]
    for pipe in (control, status):
        os.set_inheritable(pipe, False)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGALRM):
        signal.signal(number, lambda *_: None)
    _ask_the_kernel(_ADOPTS, 1)
    if os.getppid() != parent:
        return
    script = os.fork()
    if script == 0:
        _begin(command, limits, account=(uid, gid), status=status)
    _let_go_of_what_is_the_scripts()
    ending = _watch(script, control=control, woken=woken, silence_ms=silence_ms)
    _end_all(script)
    os.write(status, ending.encode())


def _ask_the_kernel(what: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(what, value, 0, 0, 0)


def _begin(command: list[str], limits: list[int], *, account: tuple[int, int], status: int) -> None:
    """Become the script. The kernel forgets whose death matters when a process changes its user: that is said last."""
    supervisor = os.getppid()
    try:
        os.setsid()
        for limit, most in zip(_LIMITS, limits, strict=True):
            if most:
                resource.setrlimit(limit, (most, most + (limit == resource.RLIMIT_CPU)))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        uid, gid = account
        if uid >= 0:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        _ask_the_kernel(_NO_NEW_PRIVILEGES, 1)
        _ask_the_kernel(_PARENT_DIES, signal.SIGKILL)
        for number in (*_IGNORED_BY_PYTHON, signal.SIGCHLD, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        if os.getppid() == supervisor:
            os.execv(command[0], command)  # noqa: S606 - there is no shell, and that is the point
    except (OSError, ValueError) as error:
        os.write(status, f"begin {getattr(error, 'errno', 0) or 0}\n".encode())
    finally:
        os._exit(CANNOT_BEGIN)


def _let_go_of_what_is_the_scripts() -> None:
    """Its pipes end when it has ended, and not when we have."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.close(nothing)


def _watch(script: int, *, control: int, woken: int, silence_ms: int) -> str:
    """How it ended, by itself or because it was to."""
    signal.setitimer(signal.ITIMER_REAL, silence_ms / 1000)
    while True:
        readable, _, _ = select.select([control, woken], [], [])
        if woken in readable:
            is_silent = signal.SIGALRM in os.read(woken, 4096)
            if ending := _reaped(script):
                return ending
            if is_silent and not select.select([control], [], [], 0)[0]:
                return "silent 0\n"
        if control in readable:
            said = os.read(control, 4096)
            if not said:
                return "stopped 0\n"
            signal.setitimer(signal.ITIMER_REAL, silence_ms / 1000)
            if b"T" not in said:
                continue
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(script, signal.SIGTERM)


def _reaped(script: int) -> str:
    """Whether the script is among those that have ended."""
    ending = ""
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            if found[0] == script:
                code = os.waitstatus_to_exitcode(found[1])
                ending = f"signal {-code}\n" if code < 0 else f"exit {code}\n"
    return ending


def _end_all(script: int) -> None:
    """Until nobody is left: who is killed leaves children behind, which come to us."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(script, signal.SIGKILL)
    while True:
        for pid in _children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    try:
        return list(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))
    except OSError:
        return []


if __name__ == "__main__":
    main(sys.argv[1:])
