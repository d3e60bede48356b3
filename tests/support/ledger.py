"""A ledger that handlers write, outside the suite: who began which attempt under which lease, and when.

A line is written whole, and before the handler does anything else, so it is there also of who is killed right after.
"""

import os
import time
from pathlib import Path

import msgspec

GO_ON, SILENT = "go-on", "silent"
"""Files that tell workers something: handlers may go on; who never answers is to fall silent too."""


class Begun(msgspec.Struct, frozen=True):
    """One line. `taken` is of who was given a job and does not do it."""

    job_id: str
    lease: int
    worker: str
    at: int
    taken: bool = False


class Ledger:
    """In a folder of the test's."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ledger"

    def write(self, job_id: str, lease: int, worker: str, *, taken: bool = False, at: int = 0) -> None:
        """One line more; of now, or of when its worker let it begin: who is stopped may be so between the two."""
        line = Begun(job_id, lease, worker, at or time.time_ns() // 1_000_000, taken)
        file = os.open(self._path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            os.write(file, msgspec.json.encode(line) + b"\n")
        finally:
            os.close(file)

    def lines(self, *, by: str = "") -> list[Begun]:
        """All of them; or those of every life of one worker."""
        text = self._path.read_bytes() if self._path.exists() else b""
        found = [msgspec.json.decode(line, type=Begun) for line in text.splitlines()]
        return [line for line in found if not by or line.worker.startswith(f"{by}/")]
