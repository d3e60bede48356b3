"""Verdicts on requests: from the engine alone, through the reader rule, and across a log that was away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import pytest

from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import Meta, RunRefused, RunStarted
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import RUNS
from foldgate.eventlog.log import Log, LogUnavailable, Outgoing, Record
from foldgate.eventlog.memory import MemoryFollower, MemoryLog
from foldgate.gateway.http.verdicts import Verdicts
from foldgate.sdk.client import Client, Prepared
from tests.support.keys import ISSUER
from tests.support.logs import Opened
from tests.support.suite import context, running, settings
from tests.support.waiting import until


class Away(MemoryLog):
    """Shows the records of another log, and is away when it is told to be; `missed` counts who noticed."""

    def __init__(self, shown: MemoryLog) -> None:
        super().__init__()
        self._lanes = shown._lanes
        self.is_away = False
        self.missed = 0

    def follow(self, starts: Mapping[Partition, int]) -> MemoryFollower:
        return _Looking(self, dict(starts))


class _Looking(MemoryFollower):
    def __init__(self, log: Away, offsets: dict[Partition, int]) -> None:
        super().__init__(log, offsets)
        self._away = log

    async def next(self, *, limit: int = 500, timeout_ms: int = 1000) -> list[Record]:
        found = await super().next(limit=limit, timeout_ms=min(timeout_ms, 5))
        if self._away.is_away:
            self._away.missed += 1
            raise LogUnavailable("the test says so")
        return found


@contextlib.asynccontextmanager
async def at_work(verdicts: Verdicts) -> AsyncIterator[None]:
    task = asyncio.create_task(verdicts.run({}))
    try:
        await until(lambda: verdicts.ready or task.done(), what="verdicts to be ready")
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def forged(prepared: Prepared) -> Outgoing:
    """A refusal that nobody said who may."""
    meta = Meta(
        chain=NO_CHAIN,
        event_id=f"runs/{prepared.run_id}/1",
        stream="runs",
        key=prepared.run_id,
        run_id=prepared.run_id,
        sequence=1,
        clock=1,
        at=1,
        request_id=prepared.request_id,
        tenant="default",
        principal="nobody",
    )
    return Outgoing(prepared.run_id.encode(), Codec().encode(meta, RunRefused(code="no", reason="No.")))


async def has_begun(log: Log, run_id: str) -> bool:
    keys = [
        record.key
        for number in range(RUNS.partitions)
        async for chunk in log.read(Partition(RUNS.name, number), 0)
        for record in chunk
    ]
    return run_id.encode() in keys


async def test_a_verdict_names_its_request_and_its_place(opened: Opened) -> None:
    async with opened() as log, running(log), asyncio.timeout(60):
        verdicts, client = Verdicts(context("gateway", log)), Client(log, signer=ISSUER)
        async with at_work(verdicts):
            prepared = client.job("job.echo")
            with verdicts.expected(prepared.run_id, prepared.request_id) as waiting:
                await client.ask(prepared)
                place, meta, event = await waiting
            assert isinstance(event, RunStarted)
            assert (meta.request_id, meta.key) == (prepared.request_id, prepared.run_id)
            (record, *_) = [r async for chunk in log.read(place.partition, place.offset) for r in chunk]
            assert Codec().meta(record.value) == meta


async def test_the_start_of_a_run_is_told_to_all_who_wait_for_it() -> None:
    """The engine answers one of two requests with one key; whoever made the other learns that the run is there."""
    log = MemoryLog()
    async with running(log), asyncio.timeout(60):
        verdicts, client = Verdicts(context("gateway", log)), Client(log, signer=ISSUER)
        async with at_work(verdicts):
            one, other = (client.job("job.echo", idempotency_key="k") for _ in range(2))
            assert one.run_id == other.run_id
            with (
                verdicts.expected(one.run_id, one.request_id) as first,
                verdicts.expected(other.run_id, other.request_id) as second,
            ):
                await client.ask(one)
                assert await first == await second
            with verdicts.expected(one.run_id, "conflicting") as mine, verdicts.expected(one.run_id, "x") as others:
                await client.ask(client.job("job.other", idempotency_key="k", request_id="conflicting"))
                assert isinstance((await mine).event, RunRefused)
                assert not others.done(), "what is said to one later is nobody else's"


async def test_what_nobody_may_say_is_no_verdict() -> None:
    log = MemoryLog()
    async with running(log), asyncio.timeout(60):
        verdicts, client = Verdicts(context("gateway", log)), Client(log, signer=ISSUER)
        async with at_work(verdicts):
            prepared = client.job("job.echo")
            with verdicts.expected(prepared.run_id, prepared.request_id) as waiting:
                await log.submit(RUNS.name, [forged(prepared)])
                await client.ask(prepared)
                assert isinstance((await waiting).event, RunStarted)


async def test_it_goes_on_where_it_was_when_the_log_was_away() -> None:
    log = MemoryLog()
    away = Away(log)
    async with running(log), asyncio.timeout(60):
        verdicts, client = Verdicts(context("gateway", away)), Client(log, signer=ISSUER)
        async with at_work(verdicts):
            prepared = client.job("job.echo")
            with verdicts.expected(prepared.run_id, prepared.request_id) as waiting:
                away.is_away = True
                await until(lambda: away.missed > 0, what="the log to be missed")
                await client.ask(prepared)
                await until(lambda: has_begun(log, prepared.run_id), what="the run to begin")
                assert not waiting.done()
                away.is_away = False
                assert isinstance((await waiting).event, RunStarted)


async def test_it_does_not_wait_for_a_log_for_ever() -> None:
    away = Away(MemoryLog())
    away.is_away = True
    async with asyncio.timeout(60):
        with pytest.raises(LogUnavailable):
            await Verdicts(context("gateway", away, given=settings(retry_within_ms=1))).run({})
    assert away.missed > 1, "it tried again"


async def test_a_request_that_is_given_up_is_forgotten() -> None:
    verdicts = Verdicts(context("gateway", MemoryLog()))
    with verdicts.expected("run_1", "a") as first, verdicts.expected("run_1", "b"):
        assert verdicts.waiting == 2
    assert (verdicts.waiting, verdicts._waiting) == (0, {})
    assert first.cancelled()
