"""Jobs that are called back, wait too long, or take too long, on every driver: what becomes of them, and of their
workers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from foldgate.contracts.events import (
    Event,
    JobCancelled,
    JobDispatched,
    RunFailed,
    RunSucceeded,
    WorkerRenewed,
)
from foldgate.eventlog.log import Log
from foldgate.policy_kernel.main import SERVICE as POLICY_KERNEL
from foldgate.scheduler.main import SERVICE as SCHEDULER
from foldgate.sdk import Job, Worker
from foldgate.sdk.client import Client
from foldgate.sdk.requests import a_cancel
from tests.support.checker import check_streams
from tests.support.history import History, history_of
from tests.support.keys import ISSUER, TRUST
from tests.support.logs import Opened
from tests.support.scripted import SCRIPTED
from tests.support.settling import settled
from tests.support.suite import running, settings, working
from tests.support.waiting import until

SERVICES = (SCRIPTED, POLICY_KERNEL, SCHEDULER)
LEASE_MS = 2000


class Patient:
    """A worker whose handlers go on until they are let go, or stopped; each notes what happens to it."""

    def __init__(self, *, pool: str = "default", max_parallel: int = 8, grace_s: float = 10.0) -> None:
        self.begun, self.stopped = asyncio.Event(), asyncio.Event()
        self.go_on = asyncio.Event()
        self.notes: list[Any] = []
        self.worker = Worker(
            "patient", pool=pool, beat_every_ms=100, max_parallel=max_parallel, cancel_grace_s=grace_s, trust=TRUST
        )
        for name in ("waits", "finishes", "tidies", "ignores", "quick"):
            self.worker.job(f"job.{name}")(getattr(self, name))

    async def waits(self, _: Job) -> Any:
        self.begun.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.notes.append("stopped")
            self.stopped.set()
            raise
        return "done"

    async def finishes(self, job: Job) -> Any:
        with contextlib.suppress(asyncio.CancelledError):
            await self.waits(job)
        return "done all the same"

    async def tidies(self, job: Job) -> Any:
        try:
            await self.waits(job)
        except asyncio.CancelledError:
            raise ValueError("broken while tidying up") from None

    async def ignores(self, job: Job) -> Any:
        with contextlib.suppress(asyncio.CancelledError):
            await self.waits(job)
        await asyncio.Event().wait()

    async def quick(self, job: Job) -> Any:
        self.notes.append(job.input)
        return "quick"


@contextlib.asynccontextmanager
async def suite(log: Log, *, lease_ms: int = 12_000) -> AsyncIterator[Client]:
    async with running(log, services=SERVICES, given=settings(lease_ms=lease_ms)), asyncio.timeout(60):
        yield Client(log, signer=ISSUER)


async def end_of(client: Client, run_id: str) -> Event:
    async with asyncio.timeout(30):
        return await client.ended(run_id)


async def job_events(log: Log, run_id: str) -> list[str]:
    history = await history_of(log)
    return [type(f.event).__name__ for f in history.facts if f.partition.stream == "jobs" and f.meta.run_id == run_id]


async def happens(log: Log, run_id: str, event: str) -> None:
    async def has() -> bool:
        return event in await job_events(log, run_id)

    await until(has, what=f"{event} of {run_id}")


async def renewed_while_leaving(log: Log) -> bool:
    """Whether a worker without room for more was heard for longer than a lease: it is noted by thirds of one."""
    events = [fact.event for fact in (await history_of(log)).facts]
    return sum(isinstance(event, WorkerRenewed) and not event.max_parallel for event in events) > 4


def failure(event: Event) -> str:
    assert isinstance(event, RunFailed), event
    return event.code


async def rested(log: Log) -> History:
    await settled(log)
    history = await history_of(log)
    check_streams(history)
    return history


async def test_a_waiting_job_that_is_called_back_is_never_dispatched(opened: Opened) -> None:
    async with opened() as log, suite(log) as client:
        asked = await client.run_job("job.quick")
        await happens(log, asked.run_id, "JobQueued")
        await client.ask(a_cancel(asked.run_id, reason="not any more"))
        assert failure(await end_of(client, asked.run_id)) == "cancelled"
        patient = Patient()
        async with working(log, patient.worker):
            assert isinstance(await end_of(client, (await client.run_job("job.quick")).run_id), RunSucceeded)
        assert len(patient.notes) == 1
        assert await job_events(log, asked.run_id) == ["JobQueued", "JobLost"]


async def test_a_held_job_that_is_called_back_is_stopped_and_its_worker_is_free(opened: Opened) -> None:
    patient = Patient(max_parallel=1)
    async with opened() as log, suite(log) as client, working(log, patient.worker):
        asked = await client.run_job("job.waits")
        await patient.begun.wait()
        for _ in range(2):
            await client.ask(a_cancel(asked.run_id))
        ended = await end_of(client, asked.run_id)
        assert failure(ended) == "cancelled"
        assert "retryable=False" in str(ended)
        assert patient.notes == ["stopped"]
        assert isinstance(await end_of(client, (await client.run_job("job.quick")).run_id), RunSucceeded)
        history = await rested(log)
        assert len(history.of(JobCancelled)) == 1
        relayed = [fact.event for fact in history.dispatched["default"]]
        assert [type(event) for event in relayed[:2]] == [JobDispatched, JobCancelled], "after what it takes back"


async def test_an_output_that_comes_first_counts(opened: Opened) -> None:
    patient = Patient()
    async with opened() as log, suite(log) as client, working(log, patient.worker):
        asked = await client.run_job("job.finishes")
        await patient.begun.wait()
        await client.ask(a_cancel(asked.run_id))
        assert await end_of(client, asked.run_id) == RunSucceeded(output='"done all the same"')
        over = await client.run_job("job.quick")
        assert isinstance(await end_of(client, over.run_id), RunSucceeded)
        await client.ask(a_cancel(over.run_id))
        assert isinstance(await end_of(client, (await client.run_job("job.quick")).run_id), RunSucceeded)


async def test_a_handler_that_breaks_while_it_is_stopped_was_stopped(opened: Opened) -> None:
    patient = Patient()
    async with opened() as log, suite(log) as client, working(log, patient.worker):
        asked = await client.run_job("job.tidies")
        await patient.begun.wait()
        await client.ask(a_cancel(asked.run_id))
        assert failure(await end_of(client, asked.run_id)) == "cancelled"


async def test_a_job_waits_no_longer_than_it_may(opened: Opened) -> None:
    async with opened() as log, suite(log) as client:
        asked = await client.run_job("job.quick", labels={"queue_timeout_ms": "300"})
        assert failure(await end_of(client, asked.run_id)) == "queue_timeout"
        assert await job_events(log, asked.run_id) == ["JobQueued", "JobLost"]


async def test_an_attempt_that_takes_too_long_is_stopped_by_its_worker(opened: Opened) -> None:
    patient = Patient()
    async with opened() as log, suite(log) as client, working(log, patient.worker):
        asked = await client.run_job("job.waits", labels={"attempt_timeout_ms": "300"})
        ended = await end_of(client, asked.run_id)
        assert failure(ended) == "attempt_timeout"
        assert "retryable=True" in str(ended)
        assert patient.notes == ["stopped"]
        await happens(log, asked.run_id, "JobReleased")


async def test_an_attempt_that_cannot_be_stopped_is_lost_a_lease_later(opened: Opened) -> None:
    patient = Patient(grace_s=2 * LEASE_MS / 1000)
    async with opened() as log, suite(log, lease_ms=LEASE_MS) as client, working(log, patient.worker):
        asked = await client.run_job("job.ignores", labels={"attempt_timeout_ms": "300"})
        assert failure(await end_of(client, asked.run_id)) == "attempt_timeout"
        assert (await job_events(log, asked.run_id))[-3:] == ["JobDispatched", "JobCancelled", "JobLost"]


async def test_an_attempt_that_does_not_stop_in_time_is_reported_without_it(opened: Opened) -> None:
    patient = Patient(grace_s=0.1)
    async with opened() as log, suite(log) as client, working(log, patient.worker):
        asked = await client.run_job("job.ignores", labels={"attempt_timeout_ms": "300"})
        assert failure(await end_of(client, asked.run_id)) == "attempt_timeout"
        await happens(log, asked.run_id, "JobReleased")


async def test_a_worker_that_leaves_keeps_what_it_holds_and_hears_what_is_called_back(opened: Opened) -> None:
    patient = Patient()
    async with opened() as log, suite(log, lease_ms=LEASE_MS) as client:
        ready = asyncio.Event()
        leaving = asyncio.create_task(patient.worker.work(log, ready=ready.set))
        await ready.wait()
        kept, called_back = await client.run_job("job.waits"), await client.run_job("job.finishes")
        for asked in (kept, called_back):
            await happens(log, asked.run_id, "JobDispatched")
        await patient.begun.wait()
        leaving.cancel()
        await until(lambda: renewed_while_leaving(log), what="a worker that beats for longer than a lease")
        await client.ask(a_cancel(called_back.run_id))
        assert isinstance(await end_of(client, called_back.run_id), RunSucceeded)
        patient.go_on.set()
        assert await end_of(client, kept.run_id) == RunSucceeded(output='"done"')
        await asyncio.gather(leaving, return_exceptions=True)
        assert (await job_events(log, kept.run_id))[-2:] == ["JobDispatched", "JobReleased"]


async def test_a_job_goes_to_the_pool_it_asks_for_the_more_urgent_first(opened: Opened) -> None:
    async with opened() as log, suite(log) as client:
        asked = []
        for number, priority in enumerate((1, 5, 9)):
            labels = {"pool": "gpu.large", "priority": str(priority)}
            asked.append(await client.run_job("job.quick", number, labels=labels))
            await happens(log, asked[-1].run_id, "JobQueued")
        patient = Patient(pool="gpu.large", max_parallel=1)
        async with working(log, patient.worker):
            for one in asked:
                assert isinstance(await end_of(client, one.run_id), RunSucceeded)
        assert patient.notes == [2, 1, 0]
        nowhere = await client.run_job("job.quick", labels={"pool": "no/pool"})
        ended = await end_of(client, nowhere.run_id)
        assert isinstance(ended, RunFailed)
        assert ended.code == "no_pool"
