"""Services and workers as real processes, one each, which a test may kill, stop, let go on and start again."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support.commands import COMMAND, STOPPED_WITHIN_S, environment

OWNERS = ("engine", "policy_kernel", "scheduler", "approval")
LEDGER_WORKER = Path(__file__).with_name("ledger_worker.py")


class Started:
    """One process, under a name that it keeps when it is started again."""

    def __init__(self, name: str, command: list[str], *, folder: Path, settings: Mapping[str, str]) -> None:
        self.name = name
        self._command, self._settings = command, {**settings, "FOLDGATE_INSTANCE": name, "FOLDGATE_HTTP_PORT": "0"}
        self._said = folder / f"{name}.log"
        self.process = self._start()

    @property
    def said(self) -> str:
        """All that it has logged."""
        return self._said.read_text()

    def kill_and_start_again(self) -> None:
        """Kill it with SIGKILL, and start a new process in its place."""
        self.process.kill()
        self.process.wait()
        self.process = self._start()

    def signal(self, number: signal.Signals) -> None:
        """Send it this."""
        self.process.send_signal(number)

    def stop(self) -> int:
        """Ask it to end, and see that it does in the time that a supervisor gives."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOPPED_WITHIN_S)

    def finish(self) -> None:
        """See to it that it is over."""
        self.process.kill()
        self.process.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._said.open("ab") as file:
            return subprocess.Popen(self._command, env=environment(self._settings), stdout=file, stderr=file)


class Suite:
    """The processes of one suite."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._folder, self._settings = folder, settings
        self.started: dict[str, Started] = {}

    def service(self, service: str, *, name: str = "") -> Started:
        """Start one service, as `python -m` does."""
        return self._add(name or service, [sys.executable, "-m", f"foldgate.{service}.main"])

    def worker(self, name: str) -> Started:
        """Start one worker that writes down each job it begins."""
        return self._add(name, [*COMMAND, "worker", str(LEDGER_WORKER)])

    def finish(self) -> None:
        """See to it that all are over."""
        for started in self.started.values():
            started.finish()

    def _add(self, name: str, command: list[str]) -> Started:
        self.started[name] = Started(name, command, folder=self._folder, settings=self._settings)
        return self.started[name]


@contextlib.contextmanager
def suite(folder: Path, settings: Mapping[str, str]) -> Iterator[Suite]:
    """The processes of one suite; gone afterwards."""
    processes = Suite(folder, settings)
    try:
        yield processes
    finally:
        processes.finish()
