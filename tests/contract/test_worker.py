"""A worker's word is never lost: whatever a handler does and whatever the log says, the run hears of it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from foldgate.contracts.events import Event, RunFailed, RunSucceeded
from foldgate.contracts.places import Partition
from foldgate.eventlog.log import Log, LogUnavailable, Outgoing, Submitted
from foldgate.sdk import Job, Worker
from foldgate.sdk.client import Client
from tests.support.intruding import intrude
from tests.support.keys import ISSUER, TRUST
from tests.support.logs import Opened
from tests.support.suite import running, working


class LosesReports:
    """Any log; but the first reports meet one that does not answer."""

    def __init__(self, log: Log, times: int) -> None:
        self._log, self.left = log, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def submit(self, stream: str, submissions: Sequence[Outgoing]) -> Sequence[Submitted]:
        if stream == "reports" and self.left:
            self.left -= 1
            raise LogUnavailable("It did not answer.")
        return await self._log.submit(stream, submissions)


class Troubled:
    """A worker whose handlers get into every trouble there is."""

    def __init__(self) -> None:
        self.executed: list[str] = []
        self.worker = Worker("troubled", beat_every_ms=50, trust=TRUST)
        for topic, handler in {
            "job.echo": self.echo,
            "job.large": self.large,
            "job.cancelled": self.cancelled,
            "job.unspeakable": self.unspeakable,
            "job.odd": self.odd,
        }.items():
            self.worker.job(topic)(handler)

    async def echo(self, job: Job) -> Any:
        self.executed.append(job.id)
        return job.input

    async def large(self, _: Job) -> Any:
        return "x" * 1_000_000

    async def cancelled(self, _: Job) -> Any:
        task = asyncio.ensure_future(asyncio.Event().wait())
        task.cancel()
        await task

    async def unspeakable(self, _: Job) -> Any:
        raise ValueError("not a text: \ud800")

    async def odd(self, _: Job) -> Any:
        return object()


async def outcome(client: Client, topic: str) -> Event:
    async with asyncio.timeout(30):
        return await client.ended((await client.run_job(topic)).run_id)


async def test_a_report_that_the_log_did_not_take_is_made_again(opened: Opened) -> None:
    troubled = Troubled()
    async with opened() as log, running(log), working(LosesReports(log, 3), troubled.worker):
        assert isinstance(await outcome(Client(log, signer=ISSUER), "job.echo"), RunSucceeded)
    assert len(troubled.executed) == 1


async def test_whatever_a_handler_does_the_run_hears_of_it(opened: Opened) -> None:
    async with opened() as log, running(log), working(log, Troubled().worker):
        client = Client(log, signer=ISSUER)
        codes = {
            "job.large": "output_too_large",
            "job.cancelled": "handler_failed",
            "job.unspeakable": "handler_failed",
            "job.odd": "handler_failed",
        }
        for topic, code in codes.items():
            ended = await outcome(client, topic)
            assert isinstance(ended, RunFailed)
            assert (topic, ended.code) == (topic, code)
        assert isinstance(await outcome(client, "job.echo"), RunSucceeded)


async def test_what_strangers_dispatch_is_passed_over(opened: Opened) -> None:
    troubled = Troubled()
    async with opened() as log, running(log), working(log, troubled.worker):
        assert isinstance(await outcome(Client(log, signer=ISSUER), "job.echo"), RunSucceeded)
        for value in (b"\xff anything", b""):
            key = troubled.worker.endpoint.encode()
            await intrude(log, Partition("dispatch.default", 0), key=key, value=value)
        assert isinstance(await outcome(Client(log, signer=ISSUER), "job.echo"), RunSucceeded)
