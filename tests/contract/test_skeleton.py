"""The walking skeleton on every driver: one run of one step, through all services and back."""

import asyncio
from typing import Any

from foldgate.contracts.codec import Codec
from foldgate.contracts.events import RunDenied, RunFailed, RunSucceeded
from foldgate.contracts.places import START, Partition
from foldgate.contracts.topics import stream_of
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import Log
from foldgate.sdk import Fatal, Job, Worker
from foldgate.sdk.client import Client
from tests.support.keys import ISSUER, TRUST
from tests.support.logs import Opened
from tests.support.suite import running, settings, working
from tests.support.waiting import until

CODEC = Codec()


def a_worker(ran: list[str]) -> Worker:
    worker = Worker("test", beat_every_ms=200, trust=TRUST)

    @worker.job("job.echo")
    async def echo(job: Job) -> Any:
        ran.append(job.id)
        return {"said": job.input}

    @worker.job("job.broken")
    async def broken(job: Job) -> Any:
        raise Fatal("no_luck", f"{job.topic} never works")

    return worker


async def names(log: Log, stream: str, run_id: str) -> list[str]:
    """The accepted events of one run on one stream."""
    found: list[bytes] = []
    for number in range(stream_of(stream).partitions):
        rule = Acceptance(START)
        async for chunk in log.read(Partition(stream, number), 0):
            found += [record.value for record in chunk if rule.accepts(record) and record.key]
    return [CODEC.peek(value).name for value in found if CODEC.meta(value).run_id == run_id]


async def queued(log: Log, run_id: str) -> None:
    """Wait until the run's job waits for a worker."""

    async def is_queued() -> bool:
        return "JobQueued" in await names(log, "jobs", run_id)

    await until(is_queued, what="a job that waits for a worker")


async def test_a_run_of_one_step_travels_through_all_services(opened: Opened) -> None:
    ran: list[str] = []
    async with opened() as log, running(log), working(log, a_worker(ran)), asyncio.timeout(60):
        client = Client(log, signer=ISSUER)
        asked = await client.run_job("job.echo", {"a": 1})
        assert await client.ended(asked.run_id) == RunSucceeded(output='{"said":{"a":1}}')
        assert ran == [f"{asked.run_id}:job@1"]
        assert await names(log, "runs", asked.run_id) == ["RunStarted", "JobRequested", "StepSucceeded", "RunSucceeded"]
        assert (await names(log, "decisions", asked.run_id))[:2] == ["RunAdmitted", "WritIssued"]
        assert [name for name in await names(log, "jobs", asked.run_id) if name != "JobQueued"] == [
            "JobDispatched",
            "JobReleased",
        ]


async def test_the_same_key_is_the_same_run_while_it_lives_and_after(opened: Opened) -> None:
    ran: list[str] = []
    async with opened() as log, running(log), working(log, a_worker(ran)), asyncio.timeout(60):
        client = Client(log, signer=ISSUER)
        first = await client.run_job("job.echo", idempotency_key="k")
        again = await client.run_job("job.echo", idempotency_key="k")
        assert first.run_id == again.run_id
        await client.ended(first.run_id)
        await client.run_job("job.echo", idempotency_key="k")
        last = await client.run_job("job.echo", idempotency_key="other")
        await client.ended(last.run_id)
        assert ran.count(f"{first.run_id}:job@1") == 1


async def test_a_failure_ends_the_run_with_its_code_and_what_nobody_does_waits(opened: Opened) -> None:
    async with opened() as log, running(log), working(log, a_worker([])), asyncio.timeout(60):
        client = Client(log, signer=ISSUER)
        broken = await client.run_job("job.broken")
        assert await client.ended(broken.run_id) == RunFailed(
            code="no_luck", message="job.broken never works", step="job"
        )
        await queued(log, (await client.run_job("job.nobody-does-this")).run_id)


async def test_without_permission_nothing_runs(opened: Opened) -> None:
    ran: list[str] = []
    denying = settings(default_decision="deny")
    async with opened() as log, running(log, given=denying), working(log, a_worker(ran)), asyncio.timeout(60):
        client = Client(log, signer=ISSUER)
        asked = await client.run_job("job.echo")
        assert isinstance(await client.ended(asked.run_id), RunDenied)
        assert ran == []


async def test_a_job_waits_for_its_first_worker(opened: Opened) -> None:
    ran: list[str] = []
    async with opened() as log, running(log), asyncio.timeout(60):
        client = Client(log, signer=ISSUER)
        asked = await client.run_job("job.echo")
        await queued(log, asked.run_id)
        async with working(log, a_worker(ran)):
            assert isinstance(await client.ended(asked.run_id), RunSucceeded)


async def test_services_that_stop_go_on_where_they_were(opened: Opened) -> None:
    ran: list[str] = []
    async with opened() as log, asyncio.timeout(90):
        async with running(log):
            client = Client(log, signer=ISSUER)
            asked = await client.run_job("job.echo")
            await queued(log, asked.run_id)
        async with running(log), working(log, a_worker(ran)):
            assert isinstance(await client.ended(asked.run_id), RunSucceeded)
        assert ran == [f"{asked.run_id}:job@1"]
