"""Dead letters on every driver: opened by what a run abandons, retried by one run, discarded; whoever crashes, and
however often somebody asks."""

import asyncio
import contextlib
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from foldgate.contracts.events import (
    DeadLetterDiscarded,
    DeadLetterOpened,
    DeadLetterRefused,
    DeadLetterRetried,
    Event,
    JobAbandoned,
    MessageQuarantined,
    RunFailed,
    RunRefused,
    RunStarted,
    RunSucceeded,
)
from foldgate.contracts.topics import stream_of
from foldgate.engine.main import SERVICE as ENGINE
from foldgate.eventlog.log import Log
from foldgate.eventlog.memory import MemoryLog
from foldgate.sdk import Fatal, Job, Worker, requests, retrying
from foldgate.sdk.client import Client
from foldgate.sdk.letters import a_discard, a_retry
from tests.support.checker import check
from tests.support.crashing import Incarnation, Place
from tests.support.history import CODEC, history_of
from tests.support.keys import ISSUER, STRANGER, TRUST
from tests.support.leaping import LoopClock, leaping
from tests.support.lives import Stage, kept, kept_worker
from tests.support.logs import USED, Opened
from tests.support.settling import settled
from tests.support.suite import OWNERS, running, working
from tests.support.thorough import daily
from tests.support.waiting import until

PAGE = Path(__file__).parents[2] / "docs" / "dead-letters.md"
RELEASE = """
id: release
version: "1"
steps:
  build: {type: job, topic: job.build}
  deploy: {type: job, topic: job.deploy, depends_on: [build], input: {built: "${steps.build.output}"}}
"""
REPAIRED = RELEASE.replace('"1"', '"2"').replace("topic: job.deploy", "topic: job.build")


class World:
    """A worker that builds, and deploys once it is allowed to."""

    def __init__(self, **worker: Any) -> None:
        self.works, self.ran = False, Counter[str]()
        self.worker = Worker("test", beat_every_ms=200, trust=TRUST, **worker)
        self.worker.job("job.build")(self.build)
        self.worker.job("job.deploy")(self.deploy)

    async def build(self, job: Job) -> Any:
        self.ran[job.id] += 1
        return "built"

    async def deploy(self, job: Job) -> Any:
        self.ran[job.id] += 1
        if not self.works:
            raise Fatal("no_disk", "The disk is full.")
        return {"deployed": job.input["built"]}


async def failed(client: Client, log: Log) -> str:
    """A run that has failed, and its letter, which is open."""
    await client.publish(RELEASE)
    asked = await client.start("release")
    assert isinstance(await client.ended(asked.run_id), RunFailed)
    await opened_letter(log, asked.run_id, "deploy")
    return asked.run_id


async def opened_letter(log: Log, run_id: str, step: str) -> None:
    async def is_there() -> bool:
        return await retrying.letter_of(log, CODEC, run_id, step, tenant="default") is not None

    await until(is_there, what="a dead letter")


def code_of(said: Event) -> str:
    assert isinstance(said, DeadLetterRefused), said
    return said.code


async def test_a_letter_is_tried_again_by_one_run_that_goes_on_from_there(opened: Opened) -> None:
    world = World()
    async with opened() as log, running(log), working(log, world.worker), asyncio.timeout(120):
        client = Client(log, signer=ISSUER)
        run_id = await failed(client, log)
        assert code_of(await client.retry_letter(run_id, "build")) == "unknown_letter"
        world.works = True
        letter = await retrying.letter_of(log, CODEC, run_id, "deploy", tenant="default")
        assert letter is not None
        # Whoever is interrupted after the first of the two requests asks again.
        again = await retrying.request_for(log, CODEC, letter, latest=False)
        await client.ask(requests.a_run("default", again))
        said = await asyncio.gather(*(client.retry_letter(run_id, "deploy", reason="disk added") for _ in range(3)))
        [retried] = [one for one in said if isinstance(one, DeadLetterRetried)]
        assert (retried.new_run, retried.reason) == (letter.retry_run, "disk added")
        assert [code_of(one) for one in said if one != retried] == ["already_retried"] * 2
        assert code_of(await client.discard_letter(run_id, "deploy")) == "already_retried"
        assert await client.ended(retried.new_run) == RunSucceeded(output='{"deployed":"built"}')
        assert world.ran == {
            f"{run_id}:build@1": 1,
            f"{run_id}:deploy@1": 1,
            f"{retried.new_run}:deploy@1": 1,
        }, "what was built was taken over"
        await settled(log)
        history = await history_of(log)
    check(history)
    assert len(history.of(RunStarted)) == 2
    [abandoned] = [fact.event for fact in history.of(JobAbandoned)]
    assert isinstance(abandoned, JobAbandoned)
    assert (abandoned.code, abandoned.job.input) == ("no_disk", '{"built":"built"}')


async def test_by_the_latest_version_of_its_workflow(opened: Opened) -> None:
    world = World()
    async with opened() as log, running(log), working(log, world.worker), asyncio.timeout(120):
        client = Client(log, signer=ISSUER)
        run_id = await failed(client, log)
        await client.publish(REPAIRED)
        retried = await client.retry_letter(run_id, "deploy", latest=True)
        assert isinstance(retried, DeadLetterRetried)
        assert await client.ended(retried.new_run) == RunSucceeded(output='"built"')


async def test_what_is_discarded_is_never_tried_again(opened: Opened) -> None:
    world = World()
    async with opened() as log, running(log), working(log, world.worker), asyncio.timeout(120):
        client = Client(log, signer=ISSUER)
        asked = await client.run_job("job.deploy", {"built": 1})
        await client.ended(asked.run_id)
        await opened_letter(log, asked.run_id, "job")
        said = await asyncio.gather(*(client.discard_letter(asked.run_id, "job", reason="known") for _ in range(2)))
        assert DeadLetterDiscarded(step="job", reason="known") in said
        assert [code_of(one) for one in said if isinstance(one, DeadLetterRefused)] == ["already_discarded"]
        assert code_of(await client.retry_letter(asked.run_id, "job")) == "already_discarded"
        refused = await client.decided(a_retry(asked.run_id, "job", "run_other"))
        assert code_of(refused.event) == "already_discarded", "its owner says so, whoever looks before or not"
        await settled(log)
        assert len((await history_of(log)).of(RunStarted)) == 1, "no run was begun for it"


async def test_strangers_and_other_tenants_settle_nothing(opened: Opened) -> None:
    world = World()
    async with opened() as log, running(log), working(log, world.worker), asyncio.timeout(120):
        client = Client(log, signer=ISSUER)
        run_id = await failed(client, log)
        for signer, tenant, code in (
            (None, "default", "unsigned"),
            (STRANGER, "default", "unknown_key"),
            (ISSUER, "evil", "wrong_tenant"),
        ):
            other = Client(log, signer=signer, tenant=tenant)
            said = (await other.decided(a_discard(run_id, "deploy"))).event
            assert code_of(said) == code, f"{code}, but {said}"
        assert (
            code_of(await Client(log, signer=ISSUER, tenant="evil").retry_letter(run_id, "deploy")) == "unknown_letter"
        )
        await client.ask(a_discard("run_none", "deploy"))
        await until(lambda: aside(log, "unknown_letter"), what="a request that is set aside")
        assert isinstance(await client.discard_letter(run_id, "deploy"), DeadLetterDiscarded)


async def aside(log: Log, code: str) -> bool:
    history = await history_of(log)
    return any(getattr(fact.event, "code", "") == code for fact in history.asked(MessageQuarantined))


async def test_a_run_that_goes_on_is_not_run_again_as_the_page_says(opened: Opened) -> None:
    document = "id: two\nsteps:\n  deploy: {type: job, topic: job.deploy}\n  b: {type: wait, signal: go}\n"
    [block] = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "docs/dead-letters.md", "exec"), names)  # noqa: S102 - the page is ours
    world = World()
    async with opened() as log, running(log), working(log, world.worker), asyncio.timeout(120):
        client = Client(log, signer=ISSUER)
        await client.publish(document)
        asked = await client.start("two", {"built": 1})
        await opened_letter(log, asked.run_id, "deploy")
        with pytest.raises(retrying.RunGoesOn, match="wait for its end"):
            await client.retry_letter(asked.run_id, "deploy")
        assert await names["try_again"](client, asked.run_id) == "wait for its end"
        await client.cancel(asked.run_id)
        await client.ended(asked.run_id)
        assert await names["try_again"](client, asked.run_id) == "DeadLetterRetried"


async def test_a_retry_that_can_be_no_run_leaves_the_letter_open(opened: Opened) -> None:
    world = World()
    async with opened() as log, running(log), working(log, world.worker), asyncio.timeout(120):
        client = Client(log, signer=ISSUER)
        run_id = await failed(client, log)
        await client.publish(RELEASE.replace('"1"', '"2"').replace("deploy:", "ship:"))
        assert isinstance(said := await client.retry_letter(run_id, "deploy", latest=True), RunRefused)
        assert said.code == "unknown_step"
        assert isinstance(await client.discard_letter(run_id, "deploy"), DeadLetterDiscarded)


async def crash_at(place: Place) -> Incarnation:
    """A whole play on a fresh log in which the engine crashes once; returns its first life."""
    log = MemoryLog()
    await log.prepare([*USED, stream_of("dispatch.default")])
    chance = random.Random(3)
    stage = Stage(lambda: contextlib.nullcontext(log), LoopClock(), lambda: chance.choice((0.0, 0.001, 0.004, 0.02)))
    world = World(clock=stage.clock)
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(600):
        lives = [
            await stack.enter_async_context(kept(stage, service, plan=[place] if service is ENGINE else ()))
            for service in OWNERS
        ]
        await stack.enter_async_context(kept_worker(stage, lambda _: world.worker))
        await play(log, Client(log, clock=stage.clock, codec=CODEC, signer=ISSUER), world)
    life = lives[OWNERS.index(ENGINE)].lives[0]
    try:
        history = await history_of(log)
        check(history)
        assert len(history.of(DeadLetterOpened)) == 2
        assert len(history.of(DeadLetterRetried)) == len(history.of(DeadLetterDiscarded)) == 1
        assert len(history.of(RunStarted)) == 3, "two that failed, and one that tries one of them again"
    except BaseException as error:
        error.add_note(f"the engine crashed at {place}: {life.died_in}")
        raise
    return life


async def play(log: Log, client: Client, world: World) -> None:
    """Two jobs fail; one is tried again by two people at once, the other is given up by two at once."""
    runs = [(await client.run_job("job.deploy", {"built": n}, idempotency_key=f"k{n}")).run_id for n in range(2)]
    for run_id in runs:
        await client.ended(run_id)
        await opened_letter(log, run_id, "job")
    world.works = True
    said = await asyncio.gather(
        *(client.retry_letter(runs[0], "job") for _ in range(2)),
        *(client.discard_letter(runs[1], "job") for _ in range(2)),
    )
    assert sorted(type(one).__name__ for one in said) == [
        "DeadLetterDiscarded",
        "DeadLetterRefused",
        "DeadLetterRefused",
        "DeadLetterRetried",
    ]
    [retried] = [one for one in said if isinstance(one, DeadLetterRetried)]
    assert isinstance(await client.ended(retried.new_run), RunSucceeded)
    await settled(log)


def test_a_crash_of_the_engine_at_any_place_loses_no_letter_and_makes_no_second_run() -> None:
    place = 1
    while leaping(crash_at(place)).dead.is_set():
        place += daily(13, thorough=1)
    assert place > 100
