"""The claim of one Foldgate on a data folder: who holds it, so that a second one says so instead of doing harm.

The claim is a lock of the kernel on `foldgate.lock`, which ends with the process that took it, however that ended: no
claim is ever stale. What is written in the file is only for people, and for the next holder: a note that is not empty
when the lock could be taken was left by a Foldgate that did not stop in order. A crash between taking the lock and
writing the note leaves the earlier note, or a torn one, which counts as none.
"""

import contextlib
import fcntl
import os
import socket
import sys
from pathlib import Path
from typing import Self

import msgspec

NOTE = "foldgate.lock"


def data_folder() -> Path:
    """Where Foldgate keeps its data if nobody says otherwise: $XDG_DATA_HOME/foldgate, or ~/.local/share/foldgate."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "foldgate"


class FolderInUse(Exception):
    """Another live process holds the data folder."""


class FolderUnusable(Exception):
    """The data folder cannot be made or written."""


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds, or held, a folder, and the server it started there."""

    pid: int
    user_id: int
    host: str
    command: str
    server_pid: int = 0
    scratch: str = ""

    def __str__(self) -> str:
        return f"pid {self.pid} on {self.host}, user id {self.user_id}: {self.command}"


class FolderClaim:
    """A held data folder. `previous` is who held it last, if that one did not release it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._own = Holder(pid=os.getpid(), user_id=os.getuid(), host=socket.gethostname(), command=_command())
        self.previous = _note_in(descriptor)
        self._write(self._own)

    @classmethod
    def take(cls, folder: Path) -> Self:
        """Hold the folder, making it if need be."""
        descriptor = _opened(folder)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _note_in(descriptor)
            os.close(descriptor)
            raise FolderInUse(
                f"Expected the data folder {folder} to be free, but another Foldgate uses it "
                f"({holder or 'starting up'}). Stop that one, or give this one a folder of its own with --data DIR."
            ) from None
        return cls(descriptor)

    def note(self, *, server_pid: int, scratch: Path | None) -> None:
        """Write down what the next holder has to clear away if we do not."""
        self._write(msgspec.structs.replace(self._own, server_pid=server_pid, scratch=str(scratch or "")))

    def release(self) -> None:
        """Give the folder up, in order."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)

    def _write(self, holder: Holder) -> None:
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, msgspec.json.encode(holder), 0)


def _opened(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(folder / NOTE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise FolderUnusable(
            f"Expected a data folder that can be written at {folder}, but: {error.strerror}. "
            "Give another with --data DIR."
        ) from error


def _note_in(descriptor: int) -> Holder | None:
    with contextlib.suppress(msgspec.MsgspecError):
        return msgspec.json.decode(os.pread(descriptor, 4096, 0), type=Holder)
    return None


def _command() -> str:
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200]
