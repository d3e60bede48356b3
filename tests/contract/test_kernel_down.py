"""Without the kernel nothing happens, and nothing is denied: runs and jobs wait, say what for, and go on when it is
back."""

import asyncio
from typing import Any

from foldgate.approval.main import SERVICE as APPROVAL
from foldgate.cli.explaining import waits_of
from foldgate.cli.folding import folded
from foldgate.cli.reaching import Reached
from foldgate.cli.run_history import events_of
from foldgate.contracts.codec import Codec
from foldgate.contracts.events import RunCancelled, RunSucceeded
from foldgate.contracts.topics import STREAMS
from foldgate.engine.main import SERVICE as ENGINE
from foldgate.eventlog.log import Log
from foldgate.eventlog.looking import Seen
from foldgate.policy_kernel.main import SERVICE as KERNEL
from foldgate.scheduler.main import SERVICE as SCHEDULER
from foldgate.sdk import Job, Worker
from foldgate.sdk.client import Client
from tests.contract.test_skeleton import names
from tests.support.keys import ISSUER, TRUST
from tests.support.logs import Opened
from tests.support.suite import running, settings, working
from tests.support.waiting import until

OTHERS = (ENGINE, SCHEDULER, APPROVAL)
DOCUMENT = """
id: told
version: 1
steps:
  tell: {type: notify, message: "it begins"}
  work: {type: job, topic: job.echo, depends_on: [tell]}
"""
RUNS = 5


def a_worker(ran: list[str]) -> Worker:
    worker = Worker("test", beat_every_ms=200, trust=TRUST)

    @worker.job("job.echo")
    async def echo(job: Job) -> Any:
        ran.append(job.id)

    return worker


async def why(log: Log, run: str) -> set[str]:
    """What `foldgate why` says that a run waits for."""
    streams = {stream.name: stream.partitions for stream in STREAMS}
    suite = Reached(log, Codec(), settings(), seen=Seen("here", "", "", streams, {}))
    found = await folded(suite, run)
    assert not found.is_over
    return {told.reason for told in waits_of(found, await events_of(suite, run))}


async def all_begun(log: Log, runs: list[str]) -> None:
    """Wait until the engine has begun them all."""

    async def is_begun() -> bool:
        return all([await names(log, "runs", run) for run in runs])

    await until(is_begun, what="runs that have begun")


async def is_untouched(log: Log, run: str) -> bool:
    """Whether nobody has decided on it, dispatched anything of it, or ended it."""
    said = await names(log, "runs", run)
    others = await names(log, "decisions", run) + await names(log, "jobs", run)
    return not others and set(said) <= {"RunStarted", "JobRequested"}


async def test_without_a_kernel_runs_wait_and_all_succeed_when_it_is_back(opened: Opened) -> None:
    ran: list[str] = []
    given = settings(positions_every_ms=50)
    async with opened() as log, running(log, services=OTHERS, given=given), asyncio.timeout(90):
        async with working(log, a_worker(ran)):
            client = Client(log, signer=ISSUER)
            async with running(log, services=(KERNEL,), given=given):
                first = await client.run_job("job.echo")
                assert isinstance(await client.ended(first.run_id), RunSucceeded)
            await client.publish(DOCUMENT)
            asked = [await client.run_job("job.echo", {"n": number}) for number in range(RUNS)]
            asked += [await client.start("told", {"n": number}) for number in range(RUNS)]
            runs = [one.run_id for one in asked]
            await all_begun(log, runs)
            gone = await client.start("told", {"n": RUNS})
            await client.cancel(gone.run_id)
            assert isinstance(await client.ended(gone.run_id), RunCancelled), "that needs no kernel"
            assert [run for run in runs if not await is_untouched(log, run)] == []
            for run in runs[:RUNS]:
                assert await why(log, run) == {"waits for a decision of policy"}
            for run in runs[RUNS:]:
                assert await why(log, run) == {"waits for policy, which lets it begin or not"}
            assert len(ran) == 1
            async with running(log, services=(KERNEL,), given=given):
                ends = [await client.ended(run) for run in runs]
        assert all(isinstance(end, RunSucceeded) for end in ends)
        assert sorted(ran[1:]) == sorted(
            [f"{run}:job@1" for run in runs[:RUNS]] + [f"{run}:work@1" for run in runs[RUNS:]]
        )
        denied = [run for run in runs if {"JobDenied", "RunRejected"} & {*await names(log, "decisions", run)}]
        assert denied == []
        told = await names(log, "runs", runs[-1])
        assert told.index("RunCleared") < told.index("NotificationRaised") < told.index("JobRequested")
