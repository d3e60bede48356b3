"""The far side of a worker's transport, in the hands of a test: it gives jobs, calls them back, hears beats or not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from foldgate.authority.constraints import Constraints, canonical
from foldgate.contracts.events import Event, JobCancelled, JobDispatched, JobFailed, JobSucceeded, WorkerBeat, Writ
from foldgate.runtime.clock import SystemClock
from foldgate.sdk import Worker
from foldgate.sdk.floor import apart, here
from foldgate.sdk.line import Line
from foldgate.sdk.transport import Arrival, Hello, Report, SaidTooMuch, Unreachable, Welcome
from tests.support.given import meta
from tests.support.pools import job
from tests.support.waiting import until

LEASE_MS = 60_000
LARGEST = 900_000


class LeapingClock:
    """The machine's clock, and more: a test may let time pass that never was, as for a process that is stopped."""

    def __init__(self) -> None:
        self._real, self.ahead_ms = SystemClock(), 0

    def now_ms(self) -> int:
        return self._real.now_ms() + self.ahead_ms

    def monotonic_ms(self) -> int:
        return self._real.monotonic_ms() + self.ahead_ms


class FarSide:
    """Vouches for what it gives. While it is `away` nothing arrives there; beats wait until it `hears`."""

    vouches = True
    artifacts = None

    def __init__(self) -> None:
        self.worker = ""
        self.beats: list[WorkerBeat] = []
        self.together: list[int] = []
        self.reports: list[Event] = []
        self.names: list[str] = []
        self.away = False
        self.hears = asyncio.Event()
        self.hears.set()
        self._coming: asyncio.Queue[Arrival] = asyncio.Queue()

    async def open(self, hello: Hello) -> Welcome:
        self.worker = hello.endpoint
        return Welcome(endpoint=hello.endpoint)

    async def next(self, room: int) -> Sequence[Arrival]:
        del room
        found = [await self._coming.get()]
        while not self._coming.empty():
            found.append(self._coming.get_nowait())
        return found

    async def beat(self, beat: WorkerBeat) -> None:
        self._reach()
        await self.hears.wait()
        self.beats.append(beat)

    async def report(self, reports: Sequence[Report]) -> None:
        self._reach()
        if any(len(msgspec.json.encode(report.event)) > LARGEST for report in reports):
            raise SaidTooMuch("Expected less.")
        self.together.append(len(reports))
        self.reports += [report.event for report in reports]
        self.names += [report.name for report in reports]

    async def close(self) -> None:
        pass

    def _reach(self) -> None:
        if self.away:
            raise Unreachable("It is away.")

    def give(
        self,
        number: int = 1,
        *,
        topic: str = "job.echo",
        lease_ms: int = LEASE_MS,
        constraints: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """Dispatch a job, under the lease of that number, as of the last beat."""
        asked = msgspec.structs.replace(job(number), topic=topic, **fields)
        writ = Writ(
            writ_id="w",
            job_id=asked.job_id,
            job_hash=b"",
            pool="default",
            policy_snapshot="",
            rule="",
            issued_at=0,
            expires_at=0,
        )
        terms = canonical(msgspec.convert(constraints or {}, Constraints))
        event = JobDispatched(
            job=asked, writ=writ, worker=self.worker, lease=number, lease_ms=lease_ms, constraints=terms
        )
        seen = self.beats[-1].beat if self.beats else 1
        self._coming.put_nowait(Arrival(meta("default"), msgspec.structs.replace(event, beat=seen)))

    def call_back(self, number: int = 1, *, reason: str = "cancelled") -> None:
        """A job is not wanted any more."""
        name = job(number).job_id
        event = JobCancelled(job_id=name, step="job", lease=number, worker=self.worker, reason=reason)
        self._coming.put_nowait(Arrival(meta("default"), event))

    @property
    def last_words(self) -> dict[int, str]:
        """For each lease `done`, or the code of its failure: the last word that was said."""
        return {
            event.lease: event.code if isinstance(event, JobFailed) else "done"
            for event in self.reports
            if isinstance(event, JobFailed | JobSucceeded)
        }

    async def settled(self, *numbers: int) -> dict[int, str]:
        """The last words for these leases, once there are."""
        wanted = set(numbers)
        await until(lambda: wanted <= self.last_words.keys(), what=f"the last word for {sorted(wanted)}")
        return self.last_words


@contextlib.asynccontextmanager
async def at_work(worker: Worker, far: FarSide, *, alone: bool = False) -> AsyncIterator["asyncio.Task[None]"]:
    """A worker that has sent a beat; cancel the task to have it leave."""
    terms = worker.terms(trust=None)
    async with (apart if alone else here)(terms) as floor:
        line = Line(terms, far, floor, logger=structlog.get_logger())
        task = asyncio.create_task(line.work(ready=lambda: None))
        try:
            await until(lambda: bool(far.beats) or task.done(), what="a beat")
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
