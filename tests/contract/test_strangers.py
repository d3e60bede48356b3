"""Whoever writes straight to `intake` or `admin` without a key that may: refused with its code, and nothing changes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from foldgate.authority.keys import Signer
from foldgate.authority.requests import OfRun, OfWorkflow, sign_request
from foldgate.contracts import ids
from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import (
    KeyRevoked,
    MessageQuarantined,
    Meta,
    RequestRefused,
    RunCancelRequested,
    RunPauseRequested,
    RunRefused,
    RunRequested,
    RunResumeRequested,
    RunStarted,
    SignalSent,
    StepStarted,
    WorkflowPublished,
    WorkflowRefused,
    WorkflowRetired,
    WorkflowRetireRequested,
    WorkflowSubmitted,
)
from foldgate.engine.main import SERVICE as ENGINE
from foldgate.eventlog.log import Log, Outgoing
from foldgate.policy_kernel.main import SERVICE as POLICY_KERNEL
from foldgate.sdk.client import Client
from foldgate.sdk.policies import a_revoked_key
from tests.support.history import Fact, history_of
from tests.support.keys import ISSUER, KERNEL, STRANGER, signer, signer_with
from tests.support.logs import Opened
from tests.support.settling import settled
from tests.support.suite import running, settings
from tests.support.waiting import until

CODEC = Codec()
SERVICES = (ENGINE, POLICY_KERNEL)
START = RunRequested(workflow="gate", idempotency_key="k", labels={"by": "whoever asks"})
RUN = ids.run_id("default", "gate", "k")
GATE = "id: gate\nsteps:\n  go: {type: wait, signal: go}\n"
OTHER = GATE + "  more: {type: wait, signal: more}\n"
FOREIGN = signer_with("issuer", tenant="evil")
"""An issuer, of another tenant."""
CONTROLS: list[OfRun] = [
    RunCancelRequested(reason="forged"),
    RunPauseRequested(reason="forged"),
    RunResumeRequested(reason="forged"),
    SignalSent(name="go", payload='"forged"'),
]
Forge = Callable[[Meta, Any], tuple[Meta, Any]]


def by(key: Signer | None) -> Forge:
    return lambda meta, event: (meta, event if key is None else sign_request(key, meta, event))


def _copied(meta: Meta, event: Any) -> tuple[Meta, Any]:
    """The signature of what somebody else has asked for, in other words."""
    fields: dict[type, str] = {RunRequested: "labels", SignalSent: "name", WorkflowSubmitted: "source"}
    field = fields.get(type(event), "reason")
    honest = msgspec.structs.replace(event, **{field: {} if field == "labels" else "honest"})
    return meta, msgspec.structs.replace(event, signature=sign_request(ISSUER, meta, honest).signature)


def _under_another_name(meta: Meta, event: Any) -> tuple[Meta, Any]:
    return msgspec.structs.replace(meta, principal="mallory"), sign_request(ISSUER, meta, event)


FORGED: dict[str, tuple[str, Forge]] = {
    "unsigned": ("unsigned", by(None)),
    "by a stranger": ("unknown_key", by(STRANGER)),
    "by a key for something else": ("wrong_purpose", by(KERNEL)),
    "by an issuer of another tenant": ("wrong_tenant", by(FOREIGN)),
    "with a copied signature": ("bad_signature", _copied),
    "under another name": ("bad_signature", _under_another_name),
}


class Intake:
    """The open streams, for whoever writes to them past every client."""

    def __init__(self, log: Log) -> None:
        self.log, self.client = log, Client(log, signer=ISSUER)

    async def put(self, event: Any, forge: Forge, *, request_id: str, **changes: str) -> None:
        of_workflow = isinstance(event, OfWorkflow)
        key, stream = (ids.workflow_key("default", "gate"), "admin") if of_workflow else (RUN, "intake")
        meta = Meta(
            chain=NO_CHAIN,
            event_id=ids.open_event_id("mallory", request_id),
            stream=stream,
            key=key,
            run_id="" if of_workflow else RUN,
            at=1,
            request_id=request_id,
            tenant="default",
            principal="ada",
        )
        meta, event = forge(msgspec.structs.replace(meta, **changes), event)
        await self.log.submit(stream, [Outgoing(key.encode(), CODEC.encode(meta, event))])

    async def answer(self, request_id: str) -> Any:
        found: list[Fact] = []

        async def is_there() -> bool:
            history = await history_of(self.log)
            found[:] = [fact for fact in history.facts if fact.meta.request_id == request_id and fact.meta.answers]
            return bool(found)

        await until(is_there, what=f"an answer to {request_id}")
        return found[0].event

    async def aside(self, count: int) -> list[str]:
        """The codes of what was set aside, once there is as much."""
        found: list[str] = []

        async def are_there() -> bool:
            events = [fact.event for fact in (await history_of(self.log)).asked(MessageQuarantined)]
            found[:] = [event.code for event in events if isinstance(event, MessageQuarantined)]
            return len(found) >= count

        await until(are_there, what=f"{count} set aside")
        return found


@contextlib.asynccontextmanager
async def at_work(opened: Opened, **given: str) -> AsyncIterator[Intake]:
    async with opened() as log, running(log, services=SERVICES, given=settings(**given)), asyncio.timeout(60):
        intake = Intake(log)
        assert isinstance((await intake.client.publish(GATE)).event, WorkflowPublished)
        yield intake


async def started(intake: Intake) -> None:
    asked = intake.client.run("gate", idempotency_key="k")
    assert isinstance((await intake.client.decided(asked)).event, RunStarted)


async def test_nobody_begins_a_run_or_stands_in_the_way_of_it(opened: Opened) -> None:
    async with at_work(opened) as intake:
        for name, (_, forge) in FORGED.items():
            await intake.put(START, forge, request_id=name)
        assert sorted(await intake.aside(len(FORGED))) == sorted(code for code, _ in FORGED.values())
        assert not (await history_of(intake.log)).of(RunStarted, RunRefused)
        await started(intake)
        [begun] = (await history_of(intake.log)).of(RunStarted)
        assert isinstance(begun.event, RunStarted)
        assert begun.event.labels == {}


async def test_nobody_changes_a_run(opened: Opened) -> None:
    async with at_work(opened) as intake:
        await started(intake)
        codes: dict[str, str] = {}
        for name, (code, forge) in FORGED.items():
            for event in (*CONTROLS, START):
                codes[f"{name} {type(event).__name__}"] = code
                await intake.put(event, forge, request_id=f"{name} {type(event).__name__}")
        foreign = "of a tenant whose run it is not"
        codes[foreign] = "wrong_tenant"
        await intake.put(CONTROLS[0], by(FOREIGN), request_id=foreign, tenant="evil")
        for request_id, code in codes.items():
            refused = await intake.answer(request_id)
            assert isinstance(refused, RunRefused if "RunRequested" in request_id else RequestRefused)
            assert refused.code == code
        history = await history_of(intake.log)
        of_run = [type(fact.event) for fact in history.facts if fact.meta.key == RUN and fact.meta.answers]
        assert [kind for kind in of_run if kind not in {RunRefused, RequestRefused}] == [RunStarted, StepStarted]
        assert len(of_run) == 2 + len(codes), "each is told once"
        paused = await intake.client.pause(RUN)
        assert paused.mine
        assert type(paused.event).__name__ == "RunPaused"


async def test_nobody_changes_a_workflow(opened: Opened) -> None:
    async with at_work(opened) as intake:
        for name, (code, forge) in FORGED.items():
            for asked in (
                WorkflowSubmitted(workflow="gate", source=OTHER),
                WorkflowRetireRequested(workflow="gate", reason="forged"),
            ):
                request_id = f"{name} {type(asked).__name__}"
                await intake.put(asked, forge, request_id=request_id)
                refused = await intake.answer(request_id)
                assert isinstance(refused, WorkflowRefused)
                assert refused.code == code
        await started(intake)
        assert isinstance((await intake.client.retire("gate")).event, WorkflowRetired)


async def test_a_key_that_was_revoked_asks_for_nothing_more(opened: Opened) -> None:
    async with at_work(opened) as intake:
        await started(intake)
        lost = signer("issuer", 13)
        theirs = Client(intake.log, principal="eve", signer=lost)
        assert type((await theirs.pause(RUN)).event).__name__ == "RunPaused"
        assert isinstance((await intake.client.decided(a_revoked_key(lost.certificate.key_id))).event, KeyRevoked)

        async def is_refused() -> bool:
            event = (await theirs.resume(RUN)).event
            return isinstance(event, RequestRefused) and event.code == "key_revoked"

        await until(is_refused, what="a refusal")


async def test_where_settings_allow_it_whoever_asks_is_heard_but_no_forger(opened: Opened) -> None:
    async with at_work(opened, unsigned_requests="allow") as intake:
        await intake.put(START, by(STRANGER), request_id="forged")
        assert await intake.aside(1) == ["unknown_key"]
        await intake.put(START, by(None), request_id="start")
        assert isinstance(await intake.answer("start"), RunStarted)
        await intake.put(RunPauseRequested(), by(KERNEL), request_id="pause")
        refused = await intake.answer("pause")
        assert isinstance(refused, RequestRefused)
        assert refused.code == "wrong_purpose"
        await settled(intake.log)
