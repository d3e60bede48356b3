"""What a running suite tells other commands: `up.json` in its data folder, with addresses, settings and process ids.

It appears when the suite is ready, by one rename, and is removed when the suite stops. One that was left behind names
a process that is gone; it is then as good as none. It holds the API key and perhaps a password, so only its owner may
read it.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

NAME = "up.json"


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """A suite that `foldgate up` runs."""

    url: str
    port: int
    pid: int
    pids: Mapping[str, int]
    """Of the services that run as processes of their own, and of the servers."""
    postgres: str
    kafka: str | None = None
    settings: Mapping[str, str]
    """As environment variables."""
    data: str
    started_at: int

    @property
    def alive(self) -> bool:
        """Whether the process that wrote this is there."""
        try:
            os.kill(self.pid, 0)
        except PermissionError:
            return True
        except ProcessLookupError:
            return False
        return True


def write(folder: Path, suite: Suite) -> None:
    """Say that this suite is ready."""
    scratch = folder / f"{NAME}.new"
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(suite), indent=2) + b"\n")
    scratch.rename(folder / NAME)


def remove(folder: Path) -> None:
    """Say that there is none any more."""
    (folder / NAME).unlink(missing_ok=True)


def read(folder: Path) -> Suite | None:
    """The suite that was last said to run here, if any; it may be gone."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Suite)
    except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        return None
