"""Services and workers as processes of their own, which a test may kill, pause and start again."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from tests.support.keys import folder_of_keys
from tests.support.ledger import Begun, Ledger
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
SERVICES = ("engine", "policy_kernel", "scheduler", "approval")


class Process:
    """One program, through all its lives. What it says on standard error is kept."""

    def __init__(self, module: str, environment: Mapping[str, str], says: Path) -> None:
        self._module, self._environment, self._says = module, dict(environment), says
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin a life."""
        assert self._running is None, f"{self._module} is running"
        with self._says.open("ab") as errors:
            self._running = subprocess.Popen(
                [sys.executable, "-m", self._module],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **self._environment},
                stdout=errors,
                stderr=errors,
            )

    def kill(self) -> None:
        """End it at once, wherever it is; also where it is paused."""
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            self._running = None

    def pause(self) -> None:
        """Stop its time."""
        self.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let its time go on."""
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        """Send it, and wait for nothing."""
        assert self._running is not None
        self._running.send_signal(number)

    def stop(self) -> int:
        """Ask it to leave; its exit code."""
        assert self._running is not None
        self._running.send_signal(signal.SIGTERM)
        code, self._running = self._running.wait(timeout=30), None
        return code

    async def ends(self) -> int:
        """Wait until it ends by itself; its exit code."""
        running = self._running
        assert running is not None
        await until(lambda: running.poll() is not None, what=f"{self._module} to end", within_s=60)
        code, self._running = running.returncode, None
        return code

    @property
    def pid(self) -> int | None:
        """By which it is known to the system, in this life."""
        return None if self._running is None else self._running.pid

    @property
    def code(self) -> int | None:
        """With which it ended, in this life."""
        return None if self._running is None else self._running.poll()

    @property
    def runs(self) -> bool:
        return self._running is not None and self._running.poll() is None

    def said(self) -> str:
        """Everything on standard error, of all lives."""
        return self._says.read_text() if self._says.exists() else ""

    def logged(self, event: str) -> list[dict[str, object]]:
        """The log lines of that event, of all lives."""
        lines = [line for line in self.said().splitlines() if line.startswith("{")]
        return [found for line in lines if (found := msgspec.json.decode(line)).get("event") == event]


class Processes:
    """The programs of one suite on one log."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._environment, self._folder = environment, folder
        self.all: dict[str, Process] = {}

    def service(self, name: str, *, instance: str = "1", **settings: str) -> Process:
        """Start an instance of a service."""
        own = {"FOLDGATE_INSTANCE": f"{name}-{instance}", **settings}
        return self._start(f"{name}-{instance}", f"foldgate.{name}.main", own)

    def worker(self, name: str, **settings: str) -> Process:
        """Start a worker; `begun` has what its handlers began."""
        own = {"WORKER": name, "LEDGER": str(self._folder)}
        return self._start(name, "tests.support.worker_process", {**own, **settings})

    def program(self, name: str, module: str, **own: str) -> Process:
        """Start a program of another kind, which finds the suite as they all do."""
        return self._start(name, module, own)

    def begun(self) -> list[Begun]:
        """What the handlers of all workers began."""
        return Ledger(self._folder).lines()

    def kill(self) -> None:
        """End all of them in one moment, wherever they are."""
        for process in self.all.values():
            process.signal(signal.SIGKILL)
        for process in self.all.values():
            process.kill()

    def start(self) -> None:
        """Begin another life of each."""
        for process in self.all.values():
            process.start()

    def _start(self, name: str, module: str, own: Mapping[str, str]) -> Process:
        process = Process(module, {**self._environment, **own}, self._folder / f"{name}.log")
        self.all[name] = process
        process.start()
        return process


@contextlib.contextmanager
def processes(environment: Mapping[str, str], folder: Path) -> Iterator[Processes]:
    """Programs that are all gone when the test is over."""
    given = {
        "FOLDGATE_HTTP_PORT": "0",
        "FOLDGATE_DEFAULT_DECISION": "allow",
        "FOLDGATE_KEYS": str(folder_of_keys()),
        "FOLDGATE_POSITIONS_EVERY_MS": "100",
        "FOLDGATE_CHECKPOINT_EVERY_MS": "300",
        **environment,
    }
    started = Processes(given, folder)
    try:
        yield started
    finally:
        for process in started.all.values():
            process.kill()
