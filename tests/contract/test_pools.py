"""Pools on every driver: what is put, drained and full, and where jobs go because of that."""

from typing import Any

from foldgate.contracts.events import (
    Event,
    JobDispatched,
    JobLost,
    JobQueued,
    JobRefused,
    JobReleased,
    PoolChanged,
    PoolOverloaded,
    PoolRelieved,
    PoolsPublished,
    PoolsRefused,
    RunFailed,
    RunSucceeded,
    WritIssued,
)
from foldgate.eventlog.log import Log
from foldgate.sdk import Job, Worker
from foldgate.sdk.client import Client
from foldgate.sdk.pools import a_drain, a_layout, an_opening
from tests.support.history import Fact, history_of
from tests.support.keys import ISSUER, TRUST
from tests.support.layouts import TWO, layout, source
from tests.support.logs import Opened
from tests.support.suite import running, working
from tests.support.waiting import until

ECHO = layout([{"name": "sre"}, {"name": "default"}], ("job.echo", ["sre", "default"]))
SMALL = layout([{"name": "sre", "max_waiting": 2}, {"name": "default"}], ("job.echo", ["sre", "default"]))
BY_NAME = """
id: by-name
steps:
  a: {type: job, topic: job.echo, route: {pool: default}}
"""


def an_admin(log: Log) -> Client:
    return Client(log, principal="ada", signer=ISSUER)


def a_worker(pool: str) -> Worker:
    worker = Worker(f"{pool}-worker", pool=pool, trust=TRUST, beat_every_ms=100)

    @worker.job("job.echo")
    async def echo(_: Job) -> Any:
        return pool

    return worker


async def facts(log: Log, *kinds: type[Event]) -> list[Fact]:
    return [fact for fact in (await history_of(log)).facts if isinstance(fact.event, kinds)]


async def counted(log: Log, kind: type[Event], count: int) -> None:
    async def are_there() -> bool:
        return len(await facts(log, kind)) >= count

    await until(are_there, what=f"{count} {kind.__name__}")


async def put(log: Log, document: dict[str, Any], *, revision: int = 0) -> PoolsPublished:
    """Put this, and wait until jobs go by it."""
    published = (await an_admin(log).decided(a_layout(source(document), revision=revision))).event
    assert isinstance(published, PoolsPublished), published

    async def is_known() -> bool:
        asked = await Client(log, signer=ISSUER).run_job("job.nowhere")

        async def is_decided() -> bool:
            return any(fact.meta.run_id == asked.run_id for fact in await facts(log, WritIssued, JobRefused))

        await until(is_decided, what="a decision")
        return any(fact.meta.run_id == asked.run_id for fact in await facts(log, JobRefused))

    await until(is_known, what="a kernel that has read of the pools")
    return published


async def dispatched_in(log: Log) -> set[str]:
    return {fact.event.writ.pool for fact in await facts(log, JobDispatched) if isinstance(fact.event, JobDispatched)}


async def test_a_topic_that_no_pool_takes_is_refused_at_once(opened: Opened) -> None:
    async with opened() as log, running(log):
        published = await put(log, ECHO)
        asked = await Client(log, signer=ISSUER).run_job("job.nowhere")
        ended = await Client(log).ended(asked.run_id)
        assert isinstance(ended, RunFailed)
        assert (ended.code, ended.step) == ("no_pool", "job")
        mine = [fact for fact in (await history_of(log)).facts if fact.meta.run_id == asked.run_id]
        assert not [fact for fact in mine if isinstance(fact.event, JobQueued | WritIssued)]
        [refused] = [fact.event for fact in mine if isinstance(fact.event, JobRefused)]
        assert refused.pools_number >= published.number
        assert refused.reason == "Expected a route for the topic 'job.nowhere', but no pool takes it."


async def test_what_waits_in_a_pool_that_is_drained_goes_to_the_next(opened: Opened) -> None:
    async with opened() as log, running(log):
        client = Client(log, signer=ISSUER)
        await put(log, ECHO)
        asked = [await client.run_job("job.echo") for _ in range(3)]
        runs = {one.run_id for one in asked}

        async def all_wait() -> bool:
            return runs <= {fact.meta.run_id for fact in await facts(log, JobQueued)}

        await until(all_wait, what="jobs that wait in the first pool")
        closed = (await an_admin(log).decided(a_drain("sre", reason="new machines"))).event
        assert isinstance(closed, PoolChanged)
        assert (closed.pool, closed.is_open, closed.reason) == ("sre", False, "draining")
        async with working(log, a_worker("default")):
            for one in asked:
                assert await client.ended(one.run_id) == RunSucceeded(output='"default"')
        lost = [fact.event for fact in await facts(log, JobLost) if fact.meta.run_id in runs]
        assert [(one.reason, one.pools_number) for one in lost if isinstance(one, JobLost)] == [
            ("pool_closed", closed.number)
        ] * 3
        again = (await an_admin(log).decided(a_drain("sre"))).event
        assert isinstance(again, PoolsRefused)
        assert again.code == "unchanged"
        opened_again = (await an_admin(log).decided(an_opening("sre"))).event
        assert isinstance(opened_again, PoolChanged)
        assert opened_again.is_open


async def test_what_is_too_much_for_a_pool_goes_to_the_next_until_there_is_room(opened: Opened) -> None:
    async with opened() as log, running(log):
        client = Client(log, signer=ISSUER)
        await put(log, SMALL)
        asked = [await client.run_job("job.echo") for _ in range(3)]
        await counted(log, PoolOverloaded, 1)
        elsewhere: set[str] = set()

        async def is_elsewhere() -> bool:
            elsewhere.add((await client.run_job("job.echo")).run_id)
            queued = [fact.event for fact in await facts(log, JobQueued) if fact.meta.run_id in elsewhere]
            return any(isinstance(one, JobQueued) and one.writ.pool == "default" for one in queued)

        await until(is_elsewhere, what="a job that waits in the second pool")
        async with working(log, a_worker("sre")), working(log, a_worker("default")):
            ends = [await client.ended(run_id) for run_id in (*(one.run_id for one in asked), *elsewhere)]
            assert {type(end) for end in ends} == {RunSucceeded}
            assert RunSucceeded(output='"sre"') in ends, "what waited there was done there"
            assert RunSucceeded(output='"default"') in ends, "what was too much went elsewhere"
            await counted(log, PoolRelieved, 1)

            async def is_used_again() -> bool:
                return await client.ended((await client.run_job("job.echo")).run_id) == RunSucceeded(output='"sre"')

            await until(is_used_again, what="a job in the first pool again")


async def test_a_pool_is_asked_for_by_name(opened: Opened) -> None:
    async with opened() as log, running(log):
        client = Client(log, signer=ISSUER)
        await client.publish(BY_NAME)
        await put(log, ECHO)
        asked = await client.start("by-name")
        async with working(log, a_worker("sre")), working(log, a_worker("default")):
            assert isinstance(await client.ended(asked.run_id), RunSucceeded)
        assert await dispatched_in(log) == {"default"}
        [writ] = [fact.event for fact in await facts(log, WritIssued) if fact.meta.run_id == asked.run_id]
        assert isinstance(writ, WritIssued)
        assert writ.decision is not None
        assert writ.decision.trace[-1] == "pool default: asked for"
        assert len(await facts(log, JobReleased)) == 1


async def test_two_who_change_the_same_revision_do_not_both(opened: Opened) -> None:
    async with opened() as log, running(log):
        admin = an_admin(log)
        assert isinstance((await admin.decided(a_layout(source(TWO), revision=0))).event, PoolsPublished)
        refused = (await admin.decided(a_layout(source(ECHO), revision=0))).event
        assert isinstance(refused, PoolsRefused)
        assert refused.code == "revision_conflict"
        unsigned = (await Client(log).decided(a_drain("sre"))).event
        assert isinstance(unsigned, PoolsRefused)
        assert unsigned.code == "unsigned"
