"""The command line as a user has it: real processes, each ended by whoever started it, by its own number."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import psutil

COMMAND = [sys.executable, "-m", "foldgate.cli.main"]
WITHIN_S = 60
STOPPED_WITHIN_S = 10


def environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment, with these settings and no others."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("FOLDGATE_")}
    cache = {name: value for name, value in os.environ.items() if name == "FOLDGATE_CACHE"}
    return {**ours, **cache, **(settings or {})}


def foldgate(
    *words: str, data: Path | None = None, settings: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """One command, run to its end."""
    given = {**(settings or {}), **({"FOLDGATE_DATA": str(data)} if data else {})}
    return subprocess.run(
        [*COMMAND, *words], env=environment(given), capture_output=True, text=True, timeout=WITHIN_S, check=False
    )


class Running:
    """A command that goes on. Its standard error goes to a file, so that it never waits for a reader."""

    def __init__(self, *words: str, errors: Path, settings: Mapping[str, str] | None = None) -> None:
        self._errors = errors
        with errors.open("wb") as file:
            self.process = subprocess.Popen(
                [*COMMAND, *words], env=environment(settings), stdout=subprocess.PIPE, stderr=file, text=True
            )

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    def line(self) -> str:
        """The next line of its output; fails, with what it complained of, if it ends instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"it ended with {self.process.wait(WITHIN_S)}: {self.errors}"
        return line

    def ended(self) -> int:
        """Its exit code; fails if it does not end."""
        return self.process.wait(WITHIN_S)

    def stop(self) -> int:
        """Ask it to end, and see that it does in the time that a supervisor gives."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOPPED_WITHIN_S)

    def finish(self) -> None:
        """See to it that it is over, in order if possible."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(2 * STOPPED_WITHIN_S)
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextlib.contextmanager
def running(*words: str, errors: Path, settings: Mapping[str, str] | None = None) -> Iterator[Running]:
    """A command at work; gone afterwards."""
    command = Running(*words, errors=errors, settings=settings)
    try:
        yield command
    finally:
        command.finish()


class Up(Running):
    """`foldgate up`, ready."""

    data: Path
    suite: dict[str, Any]

    def foldgate(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """A command about this suite."""
        return foldgate(*words, data=self.data)

    def json(self, *words: str) -> Any:
        """The output of a command that succeeds, as one JSON value."""
        done = self.foldgate(*words, "--json")
        assert done.returncode == 0, done.stderr
        return msgspec.json.decode(done.stdout)

    def lines(self, *words: str) -> list[dict[str, Any]]:
        """The output of a command that succeeds, a JSON object a line."""
        done = self.foldgate(*words, "--json")
        assert done.returncode == 0, done.stderr
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in done.stdout.splitlines()]

    @property
    def processes(self) -> list[psutil.Process]:
        """The processes that belong to it, itself included."""
        return [psutil.Process(pid) for pid in (self.suite["pid"], *self.suite["pids"].values())]


@contextlib.contextmanager
def up(data: Path, *words: str, settings: Mapping[str, str] | None = None) -> Iterator[Up]:
    """A suite in this folder, ready; gone afterwards with all its processes."""
    data.mkdir(parents=True, exist_ok=True)
    errors = data.with_name(f"{data.name}.errors")
    command = Up("up", "--json", "--port", "0", "--data", str(data), *words, errors=errors, settings=settings)
    try:
        command.data, command.suite = data, msgspec.json.decode(command.line())
        yield command
    finally:
        command.finish()


def gone(processes: list[psutil.Process]) -> bool:
    """Whether these processes have ended, or do within a while."""
    _, alive = psutil.wait_procs(processes, timeout=STOPPED_WITHIN_S)
    return not alive
