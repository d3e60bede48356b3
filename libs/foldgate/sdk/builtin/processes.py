"""A script as a process: begun by its supervisor, fed, heard within bounds, and gone in time with all it began."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from foldgate.servers.account import Account

SUPERVISOR = Path(__file__).with_name("supervisor.py")
TAIL_BYTES = 4096
"""How much of what it says of errors is kept: the end."""
_TERM_GRACE_S = 0.5
_GONE_WITHIN_S = 10.0
_CHUNK = 65536
_SIGNS = 8
"""How many signs of life there are in the silence that is too long."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What each process of a script may use, as the kernel counts it; 0 for no limit."""

    cpu_s: int = 60
    memory_bytes: int = 1024 * 1024 * 1024
    file_bytes: int = 64 * 1024 * 1024
    open_files: int = 256
    processes: int = 0


class Bounds(NamedTuple):
    """How long it may take, how much it may print, and after how long a silence of this process, which may be stopped,
    it is ended; 0 for any."""

    within_s: float
    most_bytes: int
    silence_ms: int = 0


class Ended(NamedTuple):
    """How: it has left (`exit`) with that code, was ended by that signal, was not begun for that error (`begin`), said
    too much (`loud`), was ended since the worker was silent (`silent`), or nobody knows (`lost`). What it printed, and
    the end of what it said of errors."""

    how: str
    number: int
    out: bytes
    err: bytes


class TookTooLong(Exception):
    """It did not end in time, and was ended."""


async def run(
    command: Sequence[str],
    *,
    given: bytes,
    folder: Path,
    environment: Mapping[str, str],
    account: Account | None,
    limits: Limits,
    bounds: Bounds,
) -> Ended:
    """Run a command to its end. Whenever this returns or raises, nothing of it runs any more."""
    control, ours = os.pipe()
    os.set_blocking(ours, False)
    theirs, status = os.pipe()
    try:
        uid, gid = (account.uid, account.gid) if account else (-1, -1)
        words = [os.getpid(), control, status, uid, gid, bounds.silence_ms, *msgspec.structs.astuple(limits)]
        beginning = asyncio.create_task(
            asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(SUPERVISOR), *map(str, words), *command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(control, status),
                cwd=folder,
                env=environment,
                start_new_session=True,
            )
        )
        is_called_back = await _is_called_back_before(beginning)
        process = beginning.result()
    except BaseException:
        os.close(ours)
        os.close(theirs)
        raise
    finally:
        os.close(control)
        os.close(status)
    script = _Script(process, ours, bounds.most_bytes)
    staying = asyncio.create_task(script.stay(bounds.silence_ms / 1000 / _SIGNS)) if bounds.silence_ms else None
    try:
        if is_called_back:
            await script.ask()
            raise asyncio.CancelledError
        out, err = await script.heard(given, within_s=bounds.within_s)
    finally:
        if staying is not None:
            staying.cancel()
        await script.end()
        said = _read(theirs)
    how, number = said.split()[:2] if said else ("lost", "0")
    return Ended("loud" if script.is_loud else how, int(number), out, err)


async def _is_called_back_before(beginning: asyncio.Task[asyncio.subprocess.Process]) -> bool:
    """Wait for that in any case: who gives up a process while its pipes are made kills the supervisor alone, so that
    what it began goes on, and waits for the pipes for ever."""
    is_called_back = False
    while not beginning.done():
        try:
            await asyncio.wait([beginning])
        except asyncio.CancelledError:
            is_called_back = True
    return is_called_back


class _Script:
    """The supervisor of one, and the pipe by which it is told."""

    def __init__(self, process: asyncio.subprocess.Process, control: int, most_bytes: int) -> None:
        self._process, self._most = process, most_bytes
        self._control: int | None = control
        self.is_loud = False

    async def heard(self, given: bytes, *, within_s: float) -> tuple[bytes, bytes]:
        """What it says until it ends. Raises TookTooLong; asks it to end when it is not waited for any more."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        try:
            async with asyncio.timeout(within_s):
                reading = (self._out(self._process.stdout), _tail(self._process.stderr), self._feed(given))
                out, err, _ = await asyncio.gather(*reading)
                await self._process.wait()
                return out, err
        except TimeoutError:
            await self.ask()
            raise TookTooLong from None
        except asyncio.CancelledError:
            await self.ask()
            raise

    async def stay(self, every_s: float) -> None:
        """Say for ever that the worker is there."""
        while True:
            self._tell(b".")
            await asyncio.sleep(every_s)

    async def end(self) -> None:
        """End it, and all that it began, if anything still runs."""
        self._kill()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gone(), _GONE_WITHIN_S)

    async def _gone(self) -> None:
        """That it has ended is seen once all that it printed was read, also by nobody who asks for it."""
        streams = [stream for stream in (self._process.stdout, self._process.stderr) if stream is not None]
        await asyncio.gather(self._process.wait(), *map(_tail, streams))

    def _kill(self) -> None:
        if self._control is not None:
            os.close(self._control)
            self._control = None

    async def ask(self) -> None:
        """It may tidy up, but not for long."""
        self._tell(b"T")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gone(), _TERM_GRACE_S)

    def _tell(self, word: bytes) -> None:
        """A full pipe is one that nobody empties."""
        if self._control is not None:
            with contextlib.suppress(BrokenPipeError, BlockingIOError):
                os.write(self._control, word)

    async def _feed(self, given: bytes) -> None:
        """It need not read."""
        stdin = self._process.stdin
        assert stdin is not None
        with contextlib.suppress(ConnectionError):
            stdin.write(given)
            await stdin.drain()
        with contextlib.suppress(ConnectionError):
            stdin.close()
            await stdin.wait_closed()

    async def _out(self, stream: asyncio.StreamReader) -> bytes:
        """All of it, or what came before it was too much; the rest is read for nobody, as its end is to be seen."""
        found = bytearray()
        while chunk := await stream.read(_CHUNK):
            if self.is_loud or len(found) + len(chunk) > self._most:
                self.is_loud = True
                self._kill()
            else:
                found += chunk
        return bytes(found)


async def _tail(stream: asyncio.StreamReader) -> bytes:
    found = b""
    while chunk := await stream.read(_CHUNK):
        found = (found + chunk)[-TAIL_BYTES:]
    return found


def _read(pipe: int) -> str:
    """What the supervisor has written; if it was killed, nobody has."""
    os.set_blocking(pipe, False)
    try:
        return os.read(pipe, 1024).decode()
    except BlockingIOError:
        return ""
    finally:
        os.close(pipe)
