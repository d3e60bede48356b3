"""A command on a real terminal: it is asked what it asks people, and answered as they do, by keys."""

import contextlib
import os
import pty
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.commands import COMMAND, WITHIN_S, environment

CTRL_C, CTRL_D = "\x03", "\x04"


class Terminal:
    """One command whose input and output are a terminal."""

    def __init__(self, *words: str, data: Path) -> None:
        self._ours, theirs = pty.openpty()
        self.shown = ""
        try:
            self.process = subprocess.Popen(
                [*COMMAND, *words],
                env=environment({"FOLDGATE_DATA": str(data)}) | {"TERM": "dumb", "COLUMNS": "400"},
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
                preexec_fn=_take_terminal,  # noqa: PLW1509 - Ctrl-C is sent by a terminal to whom it controls
            )
        finally:
            os.close(theirs)

    def read_to(self, words: str) -> None:
        """Read until these words are shown; fails, with what was, if they are not."""
        while words not in self.shown:
            more = self._more()
            assert more, f"expected {words!r}, but it ended with: {self.shown}"
            self.shown += more

    def type(self, keys: str) -> None:
        """Press these keys."""
        os.write(self._ours, keys.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C until it is over, as people do: one that comes just before a read begins is noticed after it."""
        for _ in range(WITHIN_S):
            if self.process.poll() is not None:
                return
            self.type(CTRL_C)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1)

    def ended(self) -> int:
        """Read all that is left, and its exit code."""
        while more := self._more():
            self.shown += more
        return self.process.wait(WITHIN_S)

    def close(self) -> None:
        """See to it that it is over."""
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def _more(self) -> str:
        readable, _, _ = select.select([self._ours], [], [], WITHIN_S)
        assert readable, f"expected more within {WITHIN_S} s after: {self.shown}"
        try:
            return os.read(self._ours, 65_536).decode(errors="replace")
        except OSError:  # how a terminal says that nobody has it any more
            return ""


@contextlib.contextmanager
def on_terminal(*words: str, data: Path) -> Iterator[Terminal]:
    """A command at work on a terminal; gone afterwards."""
    terminal = Terminal(*words, data=data)
    try:
        yield terminal
    finally:
        terminal.close()


def _take_terminal() -> None:
    """Let the terminal at our standard input control us, so that its keys become signals."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
