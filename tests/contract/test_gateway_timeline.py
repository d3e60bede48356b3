"""Timelines through the gateway: complete, in order, both ways, and nobody else's."""

import asyncio
from typing import Any

import httpx
import pytest

from foldgate.contracts.places import Partition
from foldgate.eventlog.log import Log
from foldgate.eventlog.memory import MemoryLog
from foldgate.gateway.http.arriving import Arrived, View, arrived
from foldgate.gateway.http.paging import cursor_at
from foldgate.sdk import Job, Worker
from tests.support.door import Door, gateway
from tests.support.history import history_of
from tests.support.keys import TRUST
from tests.support.suite import running, working
from tests.support.waiting import until

RUNS = "/api/v1/workflow-runs"


def a_worker() -> Worker:
    worker = Worker("test", beat_every_ms=200, trust=TRUST)

    @worker.job("job.echo")
    async def echo(job: Job) -> Any:
        return job.input

    return worker


async def a_run(log: Log, door: Door, *, tenant: str = "acme") -> str:
    """A run that has ended, and all that is about it is on its timeline."""
    client = door.client
    headers = {"X-Tenant-ID": tenant}
    asked = await client.post("/api/v1/jobs", json={"topic": "job.echo", "input": {"a": 1}}, headers=headers)
    run_id = str(asked.json()["run_id"])

    async def ended() -> bool:
        shown = await client.get(f"{RUNS}/{run_id}", headers=headers)
        return shown.status_code == 200 and bool(shown.json()["ended_at"])

    await until(ended, what="the run to end")
    last = {p: await log.end(p) for p in (Partition(s, n) for s in ("runs", "jobs", "decisions") for n in range(4))}
    projector = door.host._projections.projectors["timeline"]
    await asyncio.gather(*(projector.reached(p, end - 1) for p, end in last.items() if end))
    return run_id


async def timeline(door: Door, run_id: str, *, tenant: str = "acme", **asked: Any) -> httpx.Response:
    return await door.client.get(f"{RUNS}/{run_id}/timeline", params=asked, headers={"X-Tenant-ID": tenant})


async def whole(door: Door, run_id: str, **asked: Any) -> list[dict[str, Any]]:
    """All pages, one after the other."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await timeline(door, run_id, **asked, **cursor)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return items
        cursor = {"cursor": answer.json()["next_cursor"]}


async def test_every_event_of_the_run_is_there_causes_first_and_pages_lead_both_ways(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url) as door, working(log, a_worker()), asyncio.timeout(90):
        run_id = await a_run(log, door)
        items = await whole(door, run_id, limit=200)
        history = await history_of(log)
        there = {
            (*fact.partition, fact.offset)
            for fact in (*history.facts, *history.submitted)
            if fact.meta.run_id == run_id
        }
        assert {(item["stream"], item["partition"], item["offset"]) for item in items} == there
        assert len(items) > 8
        numbers = {item["id"]: number for number, item in enumerate(items)}
        for number, item in enumerate(items):
            assert numbers.get(item["causation"], -1) < number, item
        assert [item["type"] for item in items][:2] == ["RunRequested", "RunStarted"]
        assert items[-1]["type"] != "RunRequested"
        dispatched = next(item for item in items if item["type"] == "JobDispatched")
        assert (dispatched["step"], dispatched["job_id"]) == ("job", f"{run_id}:job@1")
        assert "token" not in dispatched["body"]
        for limit in (1, 3, 200):
            assert await whole(door, run_id, limit=limit) == items
            assert await whole(door, run_id, limit=limit, order="desc") == items[::-1]
        second = (await timeline(door, run_id, limit=3, cursor=await cursor_after(door, run_id, 3))).json()
        assert second["items"] == items[3:6]
        back = (await timeline(door, run_id, limit=3, cursor=second["previous_cursor"], order="desc")).json()
        assert back["items"] == items[2::-1]
        some = await whole(door, run_id, limit=1, type=["RunStarted", "JobDispatched"])
        assert some == [item for item in items if item["type"] in ("RunStarted", "JobDispatched")]
        some = await whole(door, run_id, stream="jobs", step="job")
        assert some == [item for item in items if item["stream"] == "jobs" and item["step"] == "job"]
        assert some


async def cursor_after(door: Door, run_id: str, limit: int) -> str:
    return str((await timeline(door, run_id, limit=limit)).json()["next_cursor"])


async def test_what_has_come_since_has_no_gap_and_no_repeat(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url) as door, working(log, a_worker()), asyncio.timeout(90):
        first, other = await a_run(log, door), await a_run(log, door, tenant="other")
        items = await whole(door, first, limit=200)
        for limit in (1, 4, 200):
            lies = {(item["stream"], item["partition"], item["offset"]) for item in items}
            seen: list[tuple[str, int, int]] = []
            step = Arrived([], {})
            while step.more or not seen:
                step = await arrived(door.models, View(whose="run_id", name=first), vector=step.vector, limit=limit)
                seen += [(row["stream"], row["partition"], row["offset"]) for row in step.rows]
            assert len(seen) == len(set(seen))
            assert set(seen) == lies
        acme = View(whose="tenant", name="acme")
        mine = await arrived(door.models, acme, vector={}, limit=200)
        assert {row["run_id"] for row in mine.rows if row["run_id"]} == {first} != {other}
        nothing = await arrived(door.models, acme, vector=mine.vector, limit=200)
        assert nothing == Arrived([], mine.vector)
        assert (await arrived(door.models, View(whose="run_id", name=""), vector={}, limit=200)).rows == []


async def test_a_timeline_is_its_tenants_and_what_is_asked_wrongly_is_said(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url) as door, working(log, a_worker()), asyncio.timeout(90):
        run_id = await a_run(log, door)
        for name, tenant in ((run_id, "other"), ("run_nothing", "acme"), ("x%00y", "acme")):
            answer = await timeline(door, name, tenant=tenant)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        good = await cursor_after(door, run_id, 1)
        wrong: list[dict[str, Any]] = [
            {"cursor": cursor} for cursor in ("", "x", "é", good[:-2], good + "=", "W10", "A" * 2000)
        ]
        wrong += [{"cursor": cursor_at(of, key)} for of, key in (("runs", [1, 1, "runs", 0, 0]), ("timeline", [1]))]
        wrong += [{"cursor": cursor_at("timeline", [2**63, 0, "runs", 0, 0])}, {"order": "up"}, {"type": "Nothing"}]
        wrong += [{"cursor": cursor_at("timeline", [1, 0, "a\0", 0, 0])}, {"stream": "x"}, {"step": "a\0"}]
        wrong += [{"limit": limit} for limit in ("0", "201", "x", "-1", "1e2", "²")]
        wrong += [{"other": "1"}, {"limit": ["1", "2"]}, {"step": ["a"] * 21}, {"after": "x"}]
        for asked in wrong:
            answer = await timeline(door, run_id, **asked)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter"), asked
            assert answer.json()["field"] in asked


async def test_it_reflects_what_one_has_written(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url) as door, asyncio.timeout(60):
        asked = (await door.client.post("/api/v1/jobs", json={"topic": "job.echo"})).json()
        shown = await timeline(door, asked["run_id"], tenant="default", after=asked["position"])
        assert "RunStarted" in {item["type"] for item in shown.json()["items"]}
        monkeypatch.setattr("foldgate.gateway.http.reflecting.WITHIN_S", 0.1)
        late = await timeline(door, asked["run_id"], tenant="default", after="runs-0:1000000")
        assert (late.status_code, late.json()["code"]) == (503, "not_yet")
