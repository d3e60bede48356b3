"""What `foldgate demo` shows, step by step, with real processes: a suite, a worker, another worker.

Every process is started so that it does not outlive this one (`servers/child.py`), and is stopped in order at the end;
the data folder is removed. So a demonstration that is interrupted anywhere leaves at most its folder behind.
"""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from subprocess import Popen

from foldgate.cli import up_file
from foldgate.cli.demo_worker import TOPIC
from foldgate.cli.last_words import ending, last_words
from foldgate.cli.mistakes import CannotGoOn
from foldgate.cli.reaching import Reached, opened_as
from foldgate.cli.reading import Seen, StreamReader
from foldgate.cli.run_history import events_of, in_order, print_events
from foldgate.cli.tailing import as_object
from foldgate.cli.terminal import note, progress, say, say_json
from foldgate.contracts.events import Event, JobDispatched, JobLost, RunSucceeded, WorkerJoined
from foldgate.contracts.topics import stream_of
from foldgate.runtime.settings import environment_with, from_environment
from foldgate.servers import child

COUNT_TO = 3
LEASE_MS = 2_000
_WITHIN_S = 90.0
_SUITE_LEAVES_WITHIN_S = 12.0
_POLL_S = 0.02


class DemonstrationFailed(CannotGoOn):
    """What was to be shown did not happen."""


async def demonstrate(scenario: str, *, keep: bool, as_json: bool) -> None:
    """Show it; for programs only the timeline."""
    from foldgate.cli.demonstration_incident import Incident

    shown = Incident if scenario == "incident" else Demonstration
    folder = Path(tempfile.mkdtemp(prefix="foldgate-demo-"))
    try:
        async with asyncio.timeout(_WITHIN_S):
            await shown(folder, as_json=as_json).run()
    except TimeoutError:
        raise DemonstrationFailed(
            f"Expected the demonstration to end within {_WITHIN_S:g} s, but it did not. Its logs are in {folder}."
        ) from None
    if keep:
        note(f"Its data is kept in {folder}; look at it with `foldgate up --data {folder}`.")
    else:
        shutil.rmtree(folder, ignore_errors=True)


class Demonstration:
    """One demonstration, in one folder."""

    worker = "foldgate.cli.demo_worker"
    options: Sequence[str] = ()
    settings: Mapping[str, str] = {"FOLDGATE_LEASE_MS": str(LEASE_MS)}

    def __init__(self, folder: Path, *, as_json: bool) -> None:
        self._folder, self._as_json = folder, as_json

    async def run(self) -> None:
        async with AsyncExitStack() as stack:
            with progress("Starting a suite in a folder of its own"):
                suite = await stack.enter_async_context(self._suite())
            self._tell("1. A suite runs: five services and a PostgreSQL of its own, in a temporary folder.")
            run_id = await self._lose_a_worker(suite)
            async with self._worker("second") as second:
                await self._be_finished_by(suite, run_id, second)
            self._show(run_id, in_order(await events_of(suite, run_id)))
        self._tell(f"\n{_HONESTLY}")

    def _tell(self, line: str) -> None:
        """Where a program reads the result, what people read goes beside it."""
        if self._as_json:
            note(line)
        else:
            say(line)

    def _show(self, run_id: str, events: Sequence[Seen]) -> None:
        if self._as_json:
            for seen in events:
                say_json(as_object(seen))
        else:
            say()
            print_events(run_id, events)

    async def _lose_a_worker(self, suite: Reached) -> str:
        async with self._worker("first") as first:
            with progress("Starting a worker"):
                await self._happened(suite, "jobs", lambda seen: isinstance(seen.event, WorkerJoined))
            asked = await suite.client("default").run_job(TOPIC, {"to": COUNT_TO})
            self._tell(f"2. A run of one step was asked for: count to {COUNT_TO}, slowly. {asked.run_id}")
            with progress("Waiting for a worker to be in the middle of it"):
                await self._happened(suite, "jobs", lambda seen: is_of(seen, JobDispatched, asked.run_id))
                await self._until(lambda: "attempt 1: 2" in first.said(), first)
            await self._kill(first)
        self._tell(f"3. Worker 1 (process {first.process.pid}) was killed with SIGKILL after it had counted to 2.")
        return asked.run_id

    async def _be_finished_by(self, suite: Reached, run_id: str, second: "Child") -> None:
        with progress(f"Waiting for the lease of {LEASE_MS} ms to end"):
            await self._happened(suite, "jobs", lambda seen: is_of(seen, JobLost, run_id))
        self._tell("4. Its lease has ended: the attempt is lost, the run asks for another, and policy is asked again.")
        with progress("Waiting for the second worker"):
            await self._happened(suite, "runs", lambda seen: is_of(seen, RunSucceeded, run_id))
        self._tell(f"5. Worker 2 (process {second.process.pid}) has done it. This is what the log says:")

    @staticmethod
    async def _kill(worker: "Child") -> None:
        await child.kill(worker.process)

    @asynccontextmanager
    async def _suite(self) -> AsyncIterator[Reached]:
        words = ("up", "--port", "0", *self.options)
        async with self._child(*words, settings=self.settings, grace_s=_SUITE_LEAVES_WITHIN_S) as up:
            await self._until(lambda: up_file.read(self._folder) is not None, up)
            found = up_file.read(self._folder)
            assert found is not None
            async with opened_as(from_environment(found.settings)) as suite:
                yield suite

    @asynccontextmanager
    async def _worker(self, name: str) -> AsyncIterator["Child"]:
        async with self._child("worker", self.worker, name=f"worker-{name}", grace_s=5.0) as worker:
            yield worker

    @asynccontextmanager
    async def _child(
        self, *words: str, name: str = "up", settings: Mapping[str, str] | None = None, grace_s: float
    ) -> AsyncIterator["Child"]:
        log = self._folder / f"{name}.log"
        command = [sys.executable, "-m", "foldgate.cli.main", *words, "--data", str(self._folder)]
        process = child.spawn(command, log=log, environment=environment_with(settings or {}))
        try:
            yield Child(name, process, log)
        finally:
            await child.stop(process, grace_s=grace_s)

    async def _happened(self, suite: Reached, name: str, wanted: Callable[[Seen], bool]) -> None:
        stream = stream_of(name)
        starts = dict.fromkeys(range(stream.partitions), 0)
        reader = await StreamReader.at(suite.log, suite.codec, stream=stream, starts=starts)
        async for seen in reader.coming():
            if wanted(seen):
                return

    async def _until(self, condition: Callable[[], bool], needed: "Child") -> None:
        while not condition():
            if (status := needed.process.poll()) is not None:
                raise DemonstrationFailed(f"'{needed.name}' has ended with {ending(status)}. {last_words(needed.log)}")
            await asyncio.sleep(_POLL_S)


class Child:
    """A process of the demonstration."""

    def __init__(self, name: str, process: "Popen[bytes]", log: Path) -> None:
        self.name, self.process, self.log = name, process, log

    def said(self) -> str:
        return self.log.read_text(errors="replace")


def is_of(seen: Seen, event: type, run_id: str) -> bool:
    """Whether that event of that run was seen."""
    return seen.accepted and isinstance(seen.event, event) and seen.meta is not None and seen.meta.run_id == run_id


def expect(said: Event, *wanted: type[Event]) -> None:
    """One of these is what the suite said, or there is nothing more to show."""
    if not isinstance(said, wanted):
        reason = getattr(said, "reason", "")
        raise DemonstrationFailed(f"Expected {wanted[0].__name__}, but got {type(said).__name__}: {reason}")


_HONESTLY = (
    "Not shown: policies that deny, limit or ask people (`foldgate policy --help`); the first one of a suite lets\n"
    "this job run. Workflows of many steps, and approvals, are in the README's tour. Nothing of this is left running."
)
