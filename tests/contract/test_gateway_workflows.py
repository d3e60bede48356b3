"""The gateway and workflows: published, shown, started, and what is asked of their runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from foldgate.contracts import ids
from foldgate.contracts.events import RunCancelled, RunHalted, RunStarted, WorkflowPublished
from foldgate.contracts.places import Partition
from foldgate.eventlog.log import Log
from foldgate.eventlog.memory import MemoryLog
from foldgate.gateway.http.verdicts import Verdicts, ending, nothing_else
from foldgate.sdk import Job, Worker
from foldgate.sdk.client import Client
from foldgate.sdk.requests import a_cancel, a_publication
from tests.contract.test_gateway import ended, problem
from tests.contract.test_gateway_verdicts import at_work
from tests.support.door import Door, gateway
from tests.support.keys import ISSUER, TRUST
from tests.support.logs import Opened
from tests.support.suite import context, running, working

API = "/api/v1"
WORKFLOWS, RUNS = f"{API}/workflows", f"{API}/workflow-runs"
GREET = """
id: greet
version: "1"
input_schema: {type: object, required: [name]}
output: "${steps.say.output}"
steps:
  say: {type: job, topic: job.echo, input: "${input.name}"}
"""
WAIT = """
id: wait
steps:
  hold: {type: wait, signal: go}
"""


class Asked:
    """A log that counts how often it is asked how many workflows were published."""

    def __init__(self, log: Log) -> None:
        self._log, self.asked = log, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def end(self, partition: Partition) -> int:
        self.asked += partition.stream == "workflows"
        return await self._log.end(partition)


def a_worker() -> Worker:
    worker = Worker("test", beat_every_ms=200, trust=TRUST)

    @worker.job("job.echo")
    async def echo(job: Job) -> Any:
        return job.input

    return worker


@contextlib.asynccontextmanager
async def suite(opened: Opened, url: str) -> AsyncIterator[tuple[Log, Door]]:
    async with opened() as log, running(log), gateway(log, url) as door, asyncio.timeout(90):
        yield log, door


@contextlib.asynccontextmanager
async def door_of(url: str) -> AsyncIterator[Door]:
    log = MemoryLog()
    async with running(log), gateway(log, url) as door, asyncio.timeout(90):
        yield door


async def publish(door: Door, document: Any = GREET, **headers: str) -> httpx.Response:
    sent = {"content": document} if isinstance(document, str) else {"json": document}
    return await door.client.post(WORKFLOWS, headers=headers, **sent)


async def start(door: Door, body: Any, *, key: str = "", workflow: str = "greet") -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return await door.client.post(f"{WORKFLOWS}/{workflow}/runs", json=body, headers=headers)


async def ask(door: Door, run_id: str, what: str, *, body: Any = None) -> httpx.Response:
    return await door.client.post(f"{RUNS}/{run_id}/{what}", json=body)


async def test_a_workflow_is_published_shown_and_run(opened: Opened, postgres_url: str) -> None:
    async with suite(opened, postgres_url) as (log, door), working(log, a_worker()):
        published = await publish(door)
        assert (published.status_code, published.json()["status"]) == (201, "published")
        where = published.headers["location"]
        shown = await door.client.get(where, params={"after": published.json()["position"]})
        assert shown.status_code == 200
        one = shown.json()
        assert (one["id"], one["version"], one["state"], one["versions"]) == ("greet", "1", "active", ["1"])
        assert one["digest"] == published.json()["digest"]
        assert one["definition"]["steps"]["say"]["topic"] == "job.echo"
        begun = await start(door, {"input": {"name": "Ada"}, "labels": {"team": "sre"}}, key="k")
        assert begun.status_code == 201
        run = await ended(door, begun.json()["run_id"])
        assert (run["status"], run["output"], run["labels"]) == ("succeeded", "Ada", {"team": "sre"})
        assert (run["workflow"], run["version"], run["digest"]) == ("greet", "1", one["digest"])


async def test_the_same_document_changes_nothing_and_another_one_needs_a_version(postgres_url: str) -> None:
    async with door_of(postgres_url) as door:
        first = (await publish(door)).json()
        again = await publish(door)
        assert (again.status_code, again.json()["status"]) == (200, "unchanged")
        assert again.json()["digest"] == first["digest"]
        other = await publish(door, GREET.replace("job.echo", "job.other"))
        assert problem(other)[:2] == (409, "version_conflict")
        newer = await publish(door, GREET.replace('"1"', '"2"'))
        assert newer.status_code == 201
        after = {"after": newer.json()["position"]}
        assert (await door.client.get(f"{WORKFLOWS}/greet", params=after)).json()["version"] == "2"
        older = await door.client.get(f"{WORKFLOWS}/greet", params={**after, "version": "1"})
        assert (older.json()["version"], older.json()["versions"]) == ("1", ["1", "2"])


async def test_a_document_may_be_json(postgres_url: str) -> None:
    document = {"id": "plain", "steps": {"a": {"type": "transform", "output": {"b": 1}}}}
    async with door_of(postgres_url) as door:
        assert (await publish(door, document)).status_code == 201
        assert (await publish(door, "id: plain\nsteps: {a: {type: transform, output: {b: 1}}}\n")).status_code == 200


async def test_every_mistake_in_a_document_is_told_with_its_place(postgres_url: str) -> None:
    async with door_of(postgres_url) as door:
        answer = await publish(door, "id: bad\nsteps:\n  a:\n    type: jub\n  b:\n    type: job\n    topik: t\n")
        assert problem(answer)[:2] == (422, "invalid_workflow")
        places = {(each["line"], each["path"]) for each in answer.json()["problems"]}
        assert {(4, "steps.a.type"), (7, "steps.b.topik")} <= places
        assert problem(await publish(door, "]["))[:2] == (422, "invalid_workflow")
        assert problem(await publish(door, ""))[:2] == (422, "invalid_workflow")


async def test_a_body_without_input_is_the_input(postgres_url: str) -> None:
    async with door_of(postgres_url) as door:
        await publish(door)
        wrapped = await start(door, {"input": {"name": "Ada"}}, key="k")
        bare = await start(door, {"name": "Ada"}, key="k")
        assert (wrapped.status_code, bare.status_code) == (201, 200)
        assert bare.json()["run_id"] == wrapped.json()["run_id"]
        assert problem(await start(door, {"name": "Eve"}, key="k"))[:2] == (409, "idempotency_conflict")
        blank = await door.client.post(f"{WORKFLOWS}/greet/runs", content="\n ")
        assert problem(blank)[:2] == (400, "malformed_json"), "which is no body, and not none"
        strange = await start(door, {"input": {"name": "Ada"}, "lables": {}})
        assert problem(strange) == (422, "invalid_body", "lables")


async def test_what_cannot_be_started_is_said_before_a_key_is_used_up(postgres_url: str) -> None:
    async with door_of(postgres_url) as door:
        assert problem(await start(door, {"name": "Ada"}, key="k")) == (404, "unknown_workflow", "workflow")
        await publish(door)
        unknown = await start(door, {"input": {"name": "Ada"}, "version": "7"}, key="k")
        assert problem(unknown) == (404, "unknown_version", "version")
        assert problem(await start(door, {"dry_run": True}, key="k")) == (422, "invalid_body", "dry_run")
        assert (await start(door, {"name": "Ada"}, key="k")).status_code == 201
        unfit = await start(door, {"nome": "Ada"}, key="other")
        assert problem(unfit) == (422, "invalid_input", "input")


async def test_a_retired_workflow_starts_nothing_until_it_is_published_again(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url) as door, asyncio.timeout(90):
        await publish(door)
        begun = await start(door, {"name": "Ada"}, key="k")
        retired = (await Client(log, signer=ISSUER).retire("greet")).place
        shown = await door.client.get(f"{WORKFLOWS}/greet", params={"after": f"{retired.partition}:{retired.offset}"})
        assert shown.json()["state"] == "retired"
        assert problem(await start(door, {"name": "Ada"}))[:2] == (409, "workflow_retired")
        repeat = await start(door, {"name": "Ada"}, key="k")
        assert (repeat.status_code, repeat.json()["run_id"]) == (200, begun.json()["run_id"])
        assert (await publish(door)).status_code == 201
        assert (await start(door, {"name": "Ada"})).status_code in (201, 409)


async def test_what_was_just_published_can_be_started_at_once(opened: Opened, postgres_url: str) -> None:
    async with suite(opened, postgres_url) as (_, door):
        for number in range(5):
            document = {"id": f"w{number}", "steps": {"a": {"type": "transform", "output": 1}}}
            assert (await publish(door, document)).status_code == 201
            assert (await start(door, {}, workflow=f"w{number}")).status_code == 201


async def test_who_was_told_elsewhere_of_a_publication_says_where_it_lies(opened: Opened, postgres_url: str) -> None:
    async with suite(opened, postgres_url) as (log, door):
        await publish(door, WAIT)
        for number in range(3):
            newer = WAIT.replace("id: wait", f'id: wait\nversion: "{number}"')
            place = (await Client(log, signer=ISSUER).publish(newer)).place
            begun = await door.client.post(
                f"{WORKFLOWS}/wait/runs", params={"after": f"{place.partition}:{place.offset}"}
            )
            shown = await door.client.get(begun.headers["location"], params={"after": begun.json()["position"]})
            assert shown.json()["version"] == str(number)
        wrong = await door.client.post(f"{WORKFLOWS}/wait/runs", params={"after": "workflows"})
        assert problem(wrong) == (400, "invalid_parameter", "after")


async def test_what_is_done_at_one_gateway_is_met_at_it_and_by_its_position_at_another(
    opened: Opened, postgres_url: str
) -> None:
    async with suite(opened, postgres_url) as (log, one), gateway(log, postgres_url) as other:
        batch = {"runs": [{"workflow": "wait"}]}
        await publish(one, WAIT)
        assert (await start(other, {}, workflow="wait")).status_code == 201
        for number in range(3):
            told = await publish(one, WAIT.replace("id: wait", f'id: wait\nversion: "{number}"'))
            place = {"after": told.json()["position"]}
            many = await other.client.post("/api/v1/workflow-runs:batch", json=batch, params=place)
            [item] = many.json()["items"]
            begun = [
                (await start(one, {}, workflow="wait")).json(),
                (await other.client.post(f"{WORKFLOWS}/wait/runs", params=place)).json(),
                item["run"],
            ]
            for run in begun:
                shown = await one.client.get(
                    f"/api/v1/workflow-runs/{run['run_id']}", params={"after": run["position"]}
                )
                assert shown.json()["version"] == str(number)
            retired = await one.client.delete(f"{WORKFLOWS}/wait")
            place = {"after": retired.json()["position"]}
            for refused in (
                await start(one, {}, workflow="wait"),
                await other.client.post(f"{WORKFLOWS}/wait/runs", params=place),
            ):
                assert problem(refused)[:2] == (409, "workflow_retired")
        await publish(one, WAIT)
        wrong = await other.client.post("/api/v1/workflow-runs:batch", json=batch, params={"after": "workflows"})
        assert problem(wrong) == (400, "invalid_parameter", "after")


async def test_what_was_published_again_a_moment_ago_is_retired_again(opened: Opened, postgres_url: str) -> None:
    """Whatever the read model shows just then."""
    async with suite(opened, postgres_url) as (_, door):
        for number in range(10):
            await publish(door, WAIT.replace("id: wait", f'id: wait\nversion: "{number}"'))
            assert (await door.client.delete(f"{WORKFLOWS}/wait")).status_code == 200
            assert problem(await start(door, {}, workflow="wait"))[:2] == (409, "workflow_retired")


async def test_a_start_asks_nobody_what_was_seen_to_be_published(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = MemoryLog()
    asked = Asked(log)
    seen_by_gateway: Any = asked
    async with running(log), gateway(seen_by_gateway, postgres_url) as door, asyncio.timeout(90):
        await publish(door, WAIT)
        before = asked.asked
        assert (await start(door, {}, workflow="wait")).status_code == 201
        assert asked.asked == before
        elsewhere = await door.client.post(f"{WORKFLOWS}/wait/runs", params={"after": "admin-0:0"})
        assert elsewhere.status_code == 201
        assert asked.asked == before + 1, "a request is answered by what was published since"
        monkeypatch.setattr(Verdicts, "is_current", False)
        await start(door, {}, workflow="wait")
        assert asked.asked == before + 2, "who sees nothing new asks what there is"


async def test_tenants_have_workflows_of_their_own(postgres_url: str) -> None:
    async with door_of(postgres_url) as door:
        await publish(door, **{"X-Tenant-ID": "acme"})
        theirs = await door.client.get(f"{WORKFLOWS}/greet", headers={"X-Tenant-ID": "acme"})
        assert theirs.status_code == 200
        nothing = await door.client.get(f"{WORKFLOWS}/greet")
        assert problem(nothing) == (404, "unknown_workflow", "workflow")
        assert problem(await start(door, {"name": "Ada"}))[:2] == (404, "unknown_workflow")
        assert problem(await door.client.get(f"{WORKFLOWS}/{'x' * 300}"))[:2] == (404, "unknown_workflow")
        wrong = await door.client.get(f"{WORKFLOWS}/greet", params={"versoin": "1"})
        assert problem(wrong) == (400, "invalid_parameter", "versoin")


async def test_a_run_is_paused_resumed_and_given_a_signal(opened: Opened, postgres_url: str) -> None:
    async with suite(opened, postgres_url) as (_, door):
        await publish(door, WAIT)
        run = (await start(door, {}, workflow="wait")).json()["run_id"]
        paused = await ask(door, run, "pause", body={"reason": "lunch"})
        assert (paused.status_code, paused.json()["status"]) == (200, "done")
        shown = await door.client.get(f"{RUNS}/{run}", params={"after": paused.json()["position"]})
        assert shown.json()["status"] == "paused"
        assert problem(await ask(door, run, "pause"))[:2] == (409, "already_paused")
        assert (await ask(door, run, "resume")).status_code == 200
        assert problem(await ask(door, run, "resume"))[:2] == (409, "not_paused")
        assert (await ask(door, run, "signals/go", body={"ok": True})).status_code == 200
        assert (await ended(door, run))["status"] == "succeeded"
        for late in ("cancel", "pause", "resume", "signals/go"):
            assert problem(await ask(door, run, late)) == (409, "run_ended", "run_id")


async def test_a_run_is_cancelled_and_says_why(postgres_url: str) -> None:
    async with door_of(postgres_url) as door:
        await publish(door, WAIT)
        run = (await start(door, {}, workflow="wait")).json()["run_id"]
        assert (await ask(door, run, "cancel", body={"reason": "enough"})).status_code == 200
        shown = await ended(door, run)
        assert shown["status"] == "cancelled"
        assert shown["error"]["code"] == "cancelled"
        assert shown["compensation"] == "none"
        second = (await start(door, {}, workflow="wait")).json()["run_id"]
        assert (await door.client.delete(f"{RUNS}/{second}")).status_code == 200
        assert (await ended(door, second))["status"] == "cancelled"
        for run_id in (run, second):
            late = await door.client.delete(f"{RUNS}/{run_id}")
            assert problem(late) == (409, "run_ended", "run_id"), "what has happened stays"
        assert (await ended(door, second))["status"] == "cancelled"


async def test_what_takes_too_long_has_timed_out(postgres_url: str) -> None:
    document = WAIT.replace("signal: go", "signal: go, timeout: 100ms")
    async with door_of(postgres_url) as door:
        await publish(door, document)
        shown = await ended(door, (await start(door, {}, workflow="wait")).json()["run_id"])
        assert (shown["status"], shown["error"]["code"], shown["error"]["step"]) == ("timed_out", "timeout", "hold")


async def test_of_runs_that_are_not_there_nothing_can_be_asked(postgres_url: str) -> None:
    async with door_of(postgres_url) as door:
        await publish(door, WAIT)
        run = (await start(door, {}, workflow="wait")).json()["run_id"]
        foreign = await door.client.post(f"{RUNS}/{run}/cancel", headers={"X-Tenant-ID": "other"})
        assert problem(foreign) == problem(await ask(door, "run_none", "cancel")) == (404, "not_found", "run_id")
        assert problem(await ask(door, run, "cancel", body={"reson": "x"})) == (422, "invalid_body", "reson")
        assert problem(await ask(door, run, "cancel", body=[1]))[:2] == (422, "invalid_body")
        assert problem(await ask(door, run, "signals/%00"))[:2] == (404, "not_found")
        not_json = await door.client.post(f"{RUNS}/{run}/signals/go", content=b"{")
        assert problem(not_json)[:2] == (400, "malformed_json")


async def test_without_an_engine_the_answers_say_where_the_requests_lie(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foldgate.gateway.http.asking.VERDICT_WITHIN_S", 0.3)
    log = MemoryLog()
    async with gateway(log, postgres_url) as door, asyncio.timeout(90):
        published = await publish(door, WAIT)
        assert (published.status_code, published.json()["status"]) == (202, "accepted")
        assert published.json()["position"].startswith("admin-0:")
        async with running(log):
            run = (await start(door, {}, workflow="wait")).json()["run_id"]
            await door.client.get(f"{RUNS}/{run}", params={"after": "intake-0:0"})
        cancelled = await ask(door, run, "cancel")
        assert (cancelled.status_code, cancelled.json()["status"]) == (202, "accepted")


async def test_who_waits_for_a_run_hears_of_its_end_and_who_waits_for_a_workflow_of_nothing_else() -> None:
    log = MemoryLog()
    async with running(log), asyncio.timeout(60):
        verdicts, client = Verdicts(context("gateway", log)), Client(log, signer=ISSUER)
        async with at_work(verdicts):
            mine = a_publication("default", WAIT)
            key = ids.workflow_key("default", "wait")
            with (
                verdicts.expected(key, mine.request_id, on="workflows", also=nothing_else) as published,
                verdicts.expected(key, "another", on="workflows", also=nothing_else) as another,
            ):
                await client.ask(mine)
                assert isinstance((await published).event, WorkflowPublished)
                assert not another.done(), "what is published first is nobody else's answer"
            prepared = client.run("wait")
            with verdicts.expected(prepared.run_id, prepared.request_id) as begun:
                await client.ask(prepared)
                assert isinstance((await begun).event, RunStarted)
            cancel = a_cancel(prepared.run_id)
            with (
                verdicts.expected(prepared.run_id, cancel.request_id, also=ending) as halted,
                verdicts.expected(prepared.run_id, "too late", also=ending) as over,
            ):
                await client.ask(cancel)
                assert isinstance((await halted).event, RunHalted)
                assert isinstance((await over).event, RunCancelled)
