"""The client: what it asks for is answered by its owner, on every driver, and repeats are told from conflicts."""

import asyncio

import pytest

from foldgate.contracts.events import (
    RequestRefused,
    RunCancelled,
    RunDenied,
    RunFailed,
    RunHalted,
    RunPaused,
    RunRefused,
    RunResumed,
    RunStarted,
    RunSucceeded,
    RunTimedOut,
    SignalReceived,
    WorkflowConfirmed,
    WorkflowPublished,
    WorkflowRefused,
    WorkflowRetired,
)
from foldgate.contracts.places import Partition, Position
from foldgate.eventlog.memory import MemoryLog
from foldgate.language.problems import WorkflowInvalid
from foldgate.sdk.answers import NoVerdict
from foldgate.sdk.client import Client
from tests.support.keys import ISSUER
from tests.support.logs import Opened
from tests.support.suite import running, settings

HOLD = """
id: hold
version: "1"
output: "${steps.gate.output}"
steps:
  gate: {type: wait, signal: go}
"""
BRIEF = "id: brief\ntimeout: 50ms\nsteps: {gate: {type: wait, signal: go}}\n"
WRONG = 'id: wrong\nsteps: {check: {type: transform, output: "${1 / input.zero}"}}\n'
ASKING = "id: asking\nsteps: {work: {type: job, topic: job.nobody}}\n"


async def test_a_run_from_its_document_to_its_end(opened: Opened) -> None:
    async with opened() as log, running(log), asyncio.timeout(90):
        client = Client(log, signer=ISSUER)
        published = await client.publish(HOLD)
        assert isinstance(published.event, WorkflowPublished)
        assert isinstance((await client.publish(HOLD)).event, WorkflowConfirmed)
        offset = published.place.offset + 1
        asked = await client.start("hold", {"a": 1}, idempotency_key="k", workflows_offset=offset)
        assert isinstance((await client.pause(asked.run_id, reason="lunch")).event, RunPaused)
        assert isinstance((await client.pause(asked.run_id)).event, RequestRefused)
        assert isinstance((await client.resume(asked.run_id)).event, RunResumed)
        taken = await client.signal(asked.run_id, "go", {"by": "ada"}, request_id="once")
        assert isinstance(taken.event, SignalReceived)
        end = await client.ended(asked.run_id, request_id=asked.request_id)
        assert end == RunSucceeded(output='{"by":"ada"}')
        for late in (client.cancel(asked.run_id), client.signal(asked.run_id, "go")):
            verdict = await late
            assert (verdict.event, verdict.mine) == (end, False), "what is asked of an ended run is answered by its end"


async def test_every_end_is_waited_for() -> None:
    log = MemoryLog()
    async with running(log), asyncio.timeout(60):
        client = Client(log, signer=ISSUER)
        offset = [(await client.publish(document)).place.offset for document in (HOLD, BRIEF, WRONG)][-1] + 1
        asked = {
            name: await client.start(name, {"zero": 0}, workflows_offset=offset)
            for name in ("hold", "brief", "wrong", "nobody")
        }
        assert isinstance((await client.cancel(asked["hold"].run_id, reason="enough")).event, RunHalted)
        ends = {name: type(await client.ended(one.run_id)) for name, one in asked.items()}
        assert ends == {"hold": RunCancelled, "brief": RunTimedOut, "wrong": RunFailed, "nobody": RunRefused}


async def test_so_is_what_policy_says_of_a_run() -> None:
    log = MemoryLog()
    async with running(log, given=settings(default_decision="deny")), asyncio.timeout(60):
        client = Client(log, signer=ISSUER)
        offset = (await client.publish(ASKING)).place.offset + 1
        asked = await client.start("asking", {}, workflows_offset=offset)
        assert isinstance(await client.ended(asked.run_id), RunDenied)


async def test_a_repeat_is_told_from_a_conflict_however_late() -> None:
    log = MemoryLog()
    async with running(log), asyncio.timeout(60):
        client = Client(log, signer=ISSUER)
        await client.publish(HOLD)
        first = client.run("hold", {"a": 1}, idempotency_key="k")
        begun = await client.decided(first)
        assert (type(begun.event), begun.mine) == (RunStarted, True)
        for _ in range(2):  # while it goes on, and after its end
            again = await client.decided(client.run("hold", {"a": 1}, idempotency_key="k"))
            assert (again.event, again.mine) == (begun.event, False)
            other = await client.decided(client.run("hold", {"a": 2}, idempotency_key="k"))
            assert isinstance(other.event, RunRefused)
            assert other.event.code == "idempotency_conflict"
            await client.cancel(first.run_id)
            await client.ended(first.run_id)


async def test_a_document_that_is_none_is_not_even_asked_for() -> None:
    log = MemoryLog()
    with pytest.raises(WorkflowInvalid, match=r"line 5, column 5: steps\.a\.topik: "):
        await Client(log, signer=ISSUER).publish("id: bad\nsteps:\n  a:\n    type: job\n    topik: t\n")
    assert await log.end(Partition("admin", 0)) == 0


async def test_workflows_are_retired_by_their_tenant_alone() -> None:
    log = MemoryLog()
    async with running(log), asyncio.timeout(60):
        client, other = Client(log, signer=ISSUER), Client(log, tenant="other", signer=ISSUER)
        await client.publish(HOLD)
        assert isinstance((await other.retire("hold")).event, WorkflowRefused)
        assert isinstance((await client.retire("hold", reason="old")).event, WorkflowRetired)
        refused = await client.decided(client.run("hold"))
        assert isinstance(refused.event, RunRefused)
        assert refused.event.code == "workflow_retired"
        changed = await client.publish(HOLD.replace("signal: go", "signal: come"))
        assert isinstance(changed.event, WorkflowRefused)
        assert changed.event.code == "version_conflict"


async def test_without_an_owner_there_is_no_verdict_and_that_is_said() -> None:
    log = MemoryLog()
    client = Client(log, signer=ISSUER)
    request = client.run("hold")
    with pytest.raises(NoVerdict, match=request.request_id):
        await client.decided(request, within_s=0.2)
    assert await log.end(Partition("intake", 0)) + await log.end(Partition("intake", 1)) <= 1


async def test_what_was_answered_before_an_entrance_is_found_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foldgate.sdk.answers.NEWS_WITHIN_S", 0.1)
    log = MemoryLog()
    async with running(log), asyncio.timeout(60):
        client = Client(log, signer=ISSUER)
        await client.publish(HOLD)
        first = client.run("hold", idempotency_key="k")
        place = (await client.decided(first)).place
        late: list[Partition] = []

        async def entrance(partition: Partition) -> Position:
            late.append(partition)
            return Position(await log.end(partition), 1, 10_000)  # where nothing of what is there counts any more

        from_late = Client(log, entrance=entrance, signer=ISSUER)
        again = await from_late.decided(client.run("hold", idempotency_key="k"))
        assert (again.mine, again.place, late) == (False, place, [place.partition])
