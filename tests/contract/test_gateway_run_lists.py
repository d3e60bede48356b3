"""Lists of runs through the gateway: found by what they are, in pages, and nobody else's."""

import asyncio
from typing import Any

import httpx

from foldgate.eventlog.memory import MemoryLog
from foldgate.gateway.http.paging import cursor_at
from tests.support.door import Door, gateway
from tests.support.suite import running

RUNS = "/api/v1/workflow-runs"
WORDS = ("disk", "network", "disk")


async def start(door: Door, number: int, *, tenant: str = "acme") -> dict[str, Any]:
    body = {
        "topic": f"job.t{number % 2}",
        "input": {"about": WORDS[number % 3], "n": number},
        "labels": {"team": "sre" if number % 2 else "ops", "env": "prod"},
    }
    answer = await door.client.post("/api/v1/jobs", json=body, headers={"X-Tenant-ID": tenant})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def found(door: Door, path: str = RUNS, *, tenant: str = "acme", **asked: Any) -> httpx.Response:
    return await door.client.get(path, params=asked, headers={"X-Tenant-ID": tenant})


async def ids(door: Door, path: str = RUNS, *, tenant: str = "acme", **asked: Any) -> list[str]:
    """Of all pages."""
    listed: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await found(door, path, tenant=tenant, **asked, **cursor)
        assert answer.status_code == 200, answer.text
        listed += [item["run_id"] for item in answer.json()["items"]]
        if answer.json()["next_cursor"] is None:
            return listed
        cursor = {"cursor": answer.json()["next_cursor"]}


async def test_runs_are_found_by_what_they_are_in_pages_of_any_size(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url) as door, asyncio.timeout(90):
        begun = [await start(door, number) for number in range(7)]
        runs = [one["run_id"] for one in begun]
        await door.host._projections.projectors["runs"].caught_up()
        newest = await ids(door, limit=200)
        assert set(newest) == set(runs)
        items = (await found(door, limit=200)).json()["items"]
        assert items == sorted(items, key=lambda item: (item["started_at"], item["run_id"]), reverse=True)
        for limit in (1, 3, 7):
            assert await ids(door, limit=limit) == newest
        odd = {run for number, run in enumerate(runs) if number % 2}
        assert set(await ids(door, label="team:sre", limit=2)) == odd
        assert set(await ids(door, label=["team:sre", "env:prod"])) == odd
        assert await ids(door, label=["team:sre", "env:test"]) == []
        assert set(await ids(door, text="NETWORK", limit=1)) == {runs[1], runs[4]}
        assert set(await ids(door, text="job.t1 disk")) == {runs[3], runs[5]}
        assert await ids(door, text=runs[2]) == [runs[2]]
        assert await ids(door, text="disk network") == []
        assert set(await ids(door, status=["running", "failed"])) == set(runs)
        assert await ids(door, status="failed") == []
        middle = items[3]["started_at"]
        later = [item["run_id"] for item in items if item["started_at"] >= middle]
        assert await ids(door, **{"from": middle}) == later
        assert await ids(door, to=middle) == newest[len(later) :]
        assert await ids(door, "/api/v1/workflows/job/runs", limit=2) == newest
        assert await ids(door, workflow="job") == newest
        assert await ids(door, workflow="other") == await ids(door, "/api/v1/workflows/other/runs") == []
        last = await start(door, 7)
        assert (await found(door, after=last["position"], limit=1)).json()["items"][0]["run_id"] == last["run_id"]
        assert await ids(door, tenant="other") == [], "another tenant's runs are not there"


async def test_what_is_asked_wrongly_is_said(postgres_url: str) -> None:
    log = MemoryLog()
    wrong: list[dict[str, Any]] = [{"status": "gone"}, {"label": "team"}, {"label": ":x"}, {"from": "yesterday"}]
    wrong += [{"to": "2026-01-01T00:00:00"}, {"from": "0001-01-01T00:00:00+14:00"}, {"text": "x" * 301}]
    wrong += [{"cursor": cursor_at("timeline", [1, "x"])}, {"cursor": cursor_at("runs", [-1, "x"])}, {"other": "x"}]
    wrong += [{"cursor": cursor_at("runs", [2**63 - 1, "x"])}]
    async with running(log), gateway(log, postgres_url) as door, asyncio.timeout(60):
        for asked in wrong:
            answer = await found(door, **asked)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter"), asked
            assert answer.json()["field"] in asked
