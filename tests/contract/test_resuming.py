"""What a worker has left when it was lost is what another goes on from; what it says later changes nothing."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from foldgate.contracts.events import (
    CheckpointNoted,
    Event,
    JobLost,
    JobProgressed,
    JobRequested,
    JobSucceeded,
    RunSucceeded,
    WorkerJoined,
    WritIssued,
)
from foldgate.eventlog.log import Log, LogUnavailable, Outgoing, Submitted
from foldgate.sdk import Job, Worker
from foldgate.sdk.client import Client
from tests.support.history import history_of
from tests.support.keys import ISSUER, TRUST
from tests.support.logs import Opened, opened_by
from tests.support.processes import processes
from tests.support.suite import running, settings, working
from tests.support.waiting import until

LEASE_MS = 2000


class CutOff:
    """Any log; but nothing can be written to it while it is away."""

    def __init__(self, log: Log) -> None:
        self._log, self.is_away = log, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def submit(self, stream: str, submissions: Sequence[Outgoing]) -> Sequence[Submitted]:
        if self.is_away:
            raise LogUnavailable("It is away.")
        return await self._log.submit(stream, submissions)


class Rows:
    """A worker that leaves a checkpoint, and another when it is told to stop; what was left it finishes at once."""

    def __init__(self, name: str) -> None:
        self.worker, self.began = Worker(name, beat_every_ms=100, trust=TRUST), asyncio.Event()
        self.stopped = asyncio.Event()
        self.worker.leave_within_s = 0.2
        self.worker.job("job.rows")(self.rows)

    async def rows(self, job: Job) -> Any:
        if job.resume is not None:
            return {"by": self.worker.name, "attempt": job.attempt, "from": job.resume}
        job.checkpoint({"row": 7})
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            job.checkpoint({"row": 8})
            self.stopped.set()


async def owned(log: Log, kind: type[Any]) -> list[Any]:
    return [fact.event for fact in (await history_of(log)).facts if isinstance(fact.event, kind)]


async def submitted(log: Log, kind: type[Any]) -> list[Any]:
    return [fact.event for fact in (await history_of(log)).submitted if isinstance(fact.event, kind)]


async def ended(client: Client, run_id: str) -> Event:
    async with asyncio.timeout(60):
        return await client.ended(run_id)


async def noted(log: Log, count: int) -> None:
    async def is_noted() -> bool:
        return len(await owned(log, CheckpointNoted)) >= count

    await until(is_noted, what="a checkpoint to be noted", within_s=60)


async def test_another_worker_goes_on_from_what_a_lost_one_left(opened: Opened) -> None:
    first, second = Rows("first"), Rows("second")
    async with opened() as log, running(log, given=settings(lease_ms=LEASE_MS)):
        client, cut_off = Client(log, signer=ISSUER), CutOff(log)
        async with working(cut_off, first.worker):
            run_id = (await client.run_job("job.rows")).run_id
            await first.began.wait()
            await noted(log, 1)
            cut_off.is_away = True
            async with working(log, second.worker):
                end = await ended(client, run_id)
                assert isinstance(end, RunSucceeded)
                assert msgspec.json.decode(end.output) == {"by": "second", "attempt": 2, "from": {"row": 7}}
                async with asyncio.timeout(60):
                    await first.stopped.wait()
                cut_off.is_away = False

                async def is_late() -> bool:
                    return '{"row":8}' in [said.checkpoint for said in await submitted(log, JobProgressed)]

                await until(is_late, what="the first to say what it left since")
        [checkpoint] = await owned(log, CheckpointNoted)
        assert checkpoint.checkpoint == '{"row":7}'
        assert [one.job.resume for one in await owned(log, JobRequested)] == ["", '{"row":7}']
        assert [bool(one.writ.resume_hash) for one in await owned(log, WritIssued)] == [False, True]
        assert [one.reason for one in await owned(log, JobLost)] == ["worker_lost"]


async def test_who_leaves_in_good_order_leaves_its_last_checkpoint_and_spends_no_retry(opened: Opened) -> None:
    first, second = Rows("first"), Rows("second")
    async with opened() as log, running(log, given=settings(lease_ms=LEASE_MS)):
        client = Client(log, signer=ISSUER)
        async with working(log, first.worker):
            run_id = (await client.run_job("job.rows")).run_id
            await first.began.wait()
        async with working(log, second.worker):
            end = await ended(client, run_id)
        assert isinstance(end, RunSucceeded)
        assert msgspec.json.decode(end.output)["from"] == {"row": 8}
        assert [one.job.retries for one in await owned(log, JobRequested)] == [0, 0]


class Lasting(NamedTuple):
    """A log that outlives a process, and what makes a process find it."""

    opened: Opened
    environment: dict[str, str]


@pytest.fixture(params=["postgres", "kafka"])
def lasting(request: pytest.FixtureRequest) -> Lasting:
    driver = request.param
    opened = opened_by(driver, request)
    where = request.getfixturevalue({"postgres": "postgres_url", "kafka": "kafka_bootstrap"}[driver])
    return Lasting(opened, {f"FOLDGATE_{driver.upper()}": where, "FOLDGATE_SUITE": opened.suite})


async def test_after_kill_9_another_process_goes_on_from_the_checkpoint(lasting: Lasting, tmp_path: Path) -> None:
    opened, given = lasting
    async with opened() as log, running(log, given=settings(lease_ms=LEASE_MS)):
        with processes(given, tmp_path) as started:
            client = Client(log, signer=ISSUER)
            first = started.program("first", "tests.support.resuming_process", WORKER="first")
            run_id = (await client.run_job("job.rows")).run_id

            async def has_left() -> bool:
                assert first.runs, first.said()
                return '{"row":3}' in [one.checkpoint for one in await owned(log, CheckpointNoted)]

            await until(has_left, what="the last checkpoint to be noted", within_s=60)
            first.kill()
            second = started.program("second", "tests.support.resuming_process", WORKER="second")

            async def has_joined() -> bool:
                assert second.runs, second.said()
                return len(await owned(log, WorkerJoined)) == 2

            await until(has_joined, what="another worker to join", within_s=60)
            end = await ended(client, run_id)
        assert isinstance(end, RunSucceeded)
        assert msgspec.json.decode(end.output) == {"by": "second", "attempt": 2, "from": {"row": 3}}
        assert [one.reason for one in await owned(log, JobLost)] == ["worker_lost"]
        assert len(await submitted(log, JobSucceeded)) == 1
