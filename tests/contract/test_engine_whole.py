"""The whole engine on every driver: workflows are published, runs are asked for with their place, have children, take
turns and are pinned; over restarts, and with nothing said twice."""

import asyncio
from typing import Any

import msgspec

from foldgate.authority.requests import OfRun, OfWorkflow, sign_request
from foldgate.contracts import ids
from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import (
    Event,
    MessageQuarantined,
    Meta,
    RunFailed,
    RunRefused,
    RunRequested,
    RunStarted,
    RunSucceeded,
    SlotFreed,
    SlotGranted,
    SlotQueued,
    WorkflowConfirmed,
    WorkflowPublished,
    WorkflowRefused,
    WorkflowRetired,
    WorkflowRetireRequested,
    WorkflowSubmitted,
)
from foldgate.eventlog.log import Log, Outgoing, Partition
from foldgate.eventlog.memory import MemoryLog
from foldgate.sdk import Job, Worker
from tests.support.checker import check_streams
from tests.support.history import Fact, history_of
from tests.support.intruding import intrude
from tests.support.keys import ISSUER, TRUST
from tests.support.leaping import LoopClock, leaping, time_passes
from tests.support.logs import USED, Opened
from tests.support.settling import settled
from tests.support.suite import running, settings, working
from tests.support.waiting import until

CODEC = Codec()
GIVEN = settings(positions_every_ms=50)
ADMIN = Partition("admin", 0)
CHILD = """
id: child
version: 1
steps:
  double: {type: transform, output: "${input.n * 2}"}
output: "${steps.double.output}"
"""
PARENT = """
id: parent
steps:
  ask: {type: job, topic: job.echo, input: {n: "${input.n}"}}
  below: {type: subworkflow, depends_on: [ask], workflow: child, input: {n: "${steps.ask.output.n}"}}
output: "${steps.below.output}"
"""
TURNS = """
id: turns
concurrency: {key: "${input.key}", limit: 1}
steps:
  ask: {type: job, topic: job.echo}
"""


class Asking:
    """Somebody who asks for workflows and runs at the level of the log, and looks for the answers there."""

    def __init__(self, log: Log) -> None:
        self._log, self._asked = log, 0

    async def publish(self, workflow: str, source: str) -> Fact:
        return await self.administer(workflow, WorkflowSubmitted(workflow=workflow, source=source))

    async def administer(self, workflow: str, event: OfWorkflow) -> Fact:
        key, request = ids.workflow_key("default", workflow), self._next()
        await self._log.submit("admin", [_outgoing("admin", key, request, event=event)])
        return await self._answer(request, WorkflowPublished, WorkflowConfirmed, WorkflowRefused, WorkflowRetired)

    async def run(self, workflow: str, payload: Any, *, offset: int = 0, version: str = "") -> str:
        request = self._next()
        run = ids.run_id("default", workflow, request)
        event = RunRequested(
            workflow=workflow,
            version=version,
            input=msgspec.json.encode(payload).decode(),
            workflows_offset=offset,
        )
        await self._log.submit("intake", [_outgoing("intake", run, request, event=event, run_id=run)])
        return run

    async def ended(self, run: str) -> Event:
        return (await self._find(lambda fact: fact.meta.key == run, RunSucceeded, RunFailed, RunRefused)).event

    async def _answer(self, request: str, *types: type[Event]) -> Fact:
        return await self._find(lambda fact: fact.meta.request_id == request, *types)

    async def _find(self, wanted: Any, *types: type[Event]) -> Fact:
        found: list[Fact] = []

        async def is_there() -> bool:
            found[:] = [fact for fact in (await history_of(self._log)).of(*types) if wanted(fact)]
            return bool(found)

        await until(is_there, what="an answer")
        return found[0]

    def _next(self) -> str:
        self._asked += 1
        return f"r{self._asked}"


def _outgoing(stream: str, key: str, request: str, *, event: OfRun | OfWorkflow, run_id: str = "") -> Outgoing:
    meta = Meta(
        chain=NO_CHAIN,
        event_id=ids.open_event_id("test", request),
        stream=stream,
        key=key,
        run_id=run_id,
        at=1,
        request_id=request,
        tenant="default",
        principal="ada",
    )
    return Outgoing(key.encode(), CODEC.encode(meta, sign_request(ISSUER, meta, event)))


def a_worker() -> Worker:
    worker = Worker("test", beat_every_ms=200, trust=TRUST)

    @worker.job("job.echo")
    async def echo(job: Job) -> Any:
        return job.input

    return worker


async def checked(log: Log) -> list[MessageQuarantined]:
    """Let everything be read, and check the streams; returns what was set aside."""
    await settled(log)
    history = await history_of(log)
    check_streams(history)
    return [fact.event for fact in history.asked(MessageQuarantined) if isinstance(fact.event, MessageQuarantined)]


async def test_a_run_has_the_version_that_was_published_before_it_was_asked_for(opened: Opened) -> None:
    async with opened() as log, running(log, given=GIVEN), asyncio.timeout(90):
        asking = Asking(log)
        for number in range(5):
            source = CHILD.replace("version: 1", f"version: {number}").replace("* 2", f"* {number}")
            published = await asking.publish("child", source)
            assert isinstance(published.event, WorkflowPublished)
            run = await asking.run("child", {"n": 100}, offset=published.offset + 1)
            assert await asking.ended(run) == RunSucceeded(output=str(100 * number))
        older = await asking.run("child", {"n": 100}, version="3")
        assert await asking.ended(older) == RunSucceeded(output="300")
        assert await checked(log) == []


async def test_what_is_wrong_confirmed_retired_and_unknown_is_answered(opened: Opened) -> None:
    async with opened() as log, running(log, given=GIVEN), asyncio.timeout(90):
        asking = Asking(log)
        assert isinstance((await asking.publish("child", "steps: 7")).event, WorkflowRefused)
        assert isinstance((await asking.publish("child", CHILD)).event, WorkflowPublished)
        assert isinstance((await asking.publish("child", CHILD)).event, WorkflowConfirmed)
        conflict = (await asking.publish("child", CHILD.replace("* 2", "* 3"))).event
        assert isinstance(conflict, WorkflowRefused)
        assert conflict.code == "version_conflict"
        retired = await asking.administer("child", WorkflowRetireRequested(workflow="child"))
        run = await asking.run("child", {"n": 1}, offset=retired.offset + 1)
        refused = await asking.ended(run)
        assert isinstance(refused, RunRefused)
        assert refused.code == "workflow_retired"
        lost = await asking.ended(await asking.run("nothing", {}, offset=10**9))
        assert isinstance(lost, RunRefused)
        assert lost.code == "unknown_workflow"
        assert isinstance((await asking.publish("child", CHILD)).event, WorkflowPublished)
        assert await checked(log) == []


async def test_a_child_runs_on_its_own_partition_and_its_result_comes_up(opened: Opened) -> None:
    async with opened() as log, asyncio.timeout(110):
        asking = Asking(log)
        async with running(log, given=GIVEN):
            await asking.publish("child", CHILD)
            published = await asking.publish("parent", PARENT)
            runs = [await asking.run("parent", {"n": n}, offset=published.offset + 1) for n in range(6)]
            await until(lambda: begun(log, 6), what="all to begin")
        async with running(log, given=GIVEN), working(log, a_worker()):  # the table is read again, and the runs go on
            assert [await asking.ended(run) for run in runs] == [RunSucceeded(output=str(2 * n)) for n in range(6)]
        history = await history_of(log)
        children = [fact for fact in history.of(RunStarted) if fact.meta.key not in runs]
        assert len(children) == 6
        assert all(fact.meta.run_id == fact.meta.key for fact in children), "a child's events are about the child"
        assert await checked(log) == []


async def begun(log: Log, count: int) -> bool:
    return len((await history_of(log)).of(RunStarted)) == count


async def test_runs_with_the_same_key_take_turns(opened: Opened) -> None:
    async with opened() as log, running(log, given=GIVEN), working(log, a_worker()), asyncio.timeout(90):
        asking = Asking(log)
        published = await asking.publish("turns", TURNS)
        runs = [await asking.run("turns", {"key": "a"}, offset=published.offset + 1) for _ in range(5)]
        for run in runs:
            assert isinstance(await asking.ended(run), RunSucceeded)
        await until(lambda: freed(log, 5), what="all places to be free")
        facts = (await history_of(log)).of(SlotGranted, SlotFreed, SlotQueued)
        held = 0
        for fact in facts:
            held += isinstance(fact.event, SlotGranted) - isinstance(fact.event, SlotFreed)
            assert 0 <= held <= 1
        assert await checked(log) == []


async def freed(log: Log, count: int) -> bool:
    return len((await history_of(log)).of(SlotFreed)) == count


async def test_what_nobody_can_accept_on_admin_is_set_aside_and_work_goes_on(opened: Opened) -> None:
    async with opened() as log, running(log, given=GIVEN), asyncio.timeout(90):
        asking = Asking(log)
        submitted = WorkflowSubmitted(workflow="child", source=CHILD)
        good = _outgoing("admin", "default/child", "x", event=submitted)
        bad = {
            "undecodable": (b"default/child", b"\xff\xfe anything"),
            "key_mismatch": (b"other", good.value),
            "not_for_this_stream": (b"r", _outgoing("admin", "r", "y", event=RunRequested(workflow="w")).value),
        }
        for key, value in bad.values():
            await intrude(log, ADMIN, key=key, value=value)
        foreign = _outgoing("admin", "other/child", "z", event=submitted)
        await log.submit("admin", [foreign])
        assert isinstance((await asking.publish("child", CHILD)).event, WorkflowPublished)
        await until(lambda: aside(log, 4), what="four to be set aside")
        assert sorted(one.code for one in await checked(log)) == sorted([*bad, "key_mismatch"])


async def aside(log: Log, count: int) -> bool:
    return len((await history_of(log)).asked(MessageQuarantined)) == count


def test_a_suite_that_has_nothing_to_do_is_silent() -> None:
    """The engine follows itself, and the others follow it: that one notes how far it read is news to nobody."""

    async def play() -> None:
        log = MemoryLog()
        owned = [Partition(s.name, n) for s in USED if s.kind == "owned" for n in range(s.partitions)]
        await log.prepare(USED)
        async with running(log, given=GIVEN, clock=LoopClock()):
            asking = Asking(log)
            published = await asking.publish("child", CHILD)
            runs = [await asking.run("child", {"n": n}, offset=published.offset + 1) for n in range(6)]
            for run in runs:
                assert isinstance(await asking.ended(run), RunSucceeded)
            await time_passes(60)
            before = [await log.end(partition) for partition in owned]
            await time_passes(1800)
            assert [await log.end(partition) for partition in owned] == before

    leaping(play())
