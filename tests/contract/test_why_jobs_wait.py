"""What `foldgate why` says of jobs that wait at the scheduler is what the scheduler knows, also when it is gone."""

import asyncio
from typing import Any

from foldgate.cli.explaining import waits_of
from foldgate.cli.folding import folded
from foldgate.cli.queues import queued
from foldgate.cli.reaching import Reached
from foldgate.cli.run_history import events_of
from foldgate.contracts.codec import Codec
from foldgate.contracts.events import JobDispatched, JobQueued, RunSucceeded
from foldgate.contracts.topics import STREAMS
from foldgate.eventlog.log import Log
from foldgate.eventlog.looking import Seen
from foldgate.sdk import Job, Worker
from foldgate.sdk.client import Client
from tests.support.history import history_of
from tests.support.keys import ISSUER, TRUST
from tests.support.logs import Opened
from tests.support.suite import running, settings, working
from tests.support.waiting import until

NEEDS = """
id: needy
steps:
  a: {type: job, topic: job.echo, meta: {requires: [docker]}}
"""


async def why(log: Log, run: str) -> str:
    streams = {stream.name: stream.partitions for stream in STREAMS}
    suite = Reached(log, Codec(), settings(), seen=Seen("here", "", "", streams, {}))
    everything = await events_of(suite, run)
    [told] = waits_of(await folded(suite, run), everything, queues=await queued(suite, everything))
    return told.reason


async def there_are(log: Log, kind: type[Any], count: int) -> None:
    async def enough() -> bool:
        return sum(isinstance(fact.event, kind) for fact in (await history_of(log)).facts) >= count

    await until(enough, what=f"{count} {kind.__name__}")


async def test_why_says_what_the_scheduler_knows(opened: Opened) -> None:
    go_on = asyncio.Event()
    busy = Worker("busy", max_parallel=1, trust=TRUST, beat_every_ms=100)
    able = Worker("able", max_parallel=4, trust=TRUST, beat_every_ms=100, capabilities=["docker"])

    @busy.job("job.echo")
    async def wait(_: Job) -> None:
        await go_on.wait()

    @able.job("job.echo")
    async def echo(_: Job) -> None: ...

    async with opened() as log:
        client = Client(log, signer=ISSUER)
        async with running(log):
            await client.publish(NEEDS)
            first = (await client.run_job("job.echo")).run_id
            await there_are(log, JobQueued, 1)
            assert await why(log, first) == "has a writ, and waits in pool 'default': a worker: pool 'default' has none"
            async with working(log, busy):
                await there_are(log, JobDispatched, 1)
                assert "busy/" in await why(log, first)
                second, third = [(await client.run_job("job.echo")).run_id for _ in range(2)]
                needy = (await client.start("needy")).run_id
                await there_are(log, JobQueued, 4)
                full = "has a writ, and waits in pool 'default': the one worker that fits is full"
                assert {await why(log, second), await why(log, third)} == {
                    full,
                    f"{full}; before it: 1 of its own tenant",
                }
                assert (await why(log, needy)).endswith(
                    "no worker of pool 'default' takes topic 'job.echo' and has docker"
                )
                go_on.set()
        assert (await why(log, needy)).startswith("has a writ, and waits in pool 'default': "), "nobody is at work"
        async with running(log), working(log, able):
            async with asyncio.timeout(60):
                assert isinstance(await client.ended(needy), RunSucceeded)
