"""What happens is told as it happens: without a gap and without a repeat, to those who may see it, and to each at his
own pace."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from foldgate.contracts.places import Partition
from foldgate.eventlog.log import Log
from foldgate.eventlog.memory import MemoryLog
from foldgate.gateway.http import following
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.vectors import cursor_in, text_of
from foldgate.identity.api_keys import made
from foldgate.identity.store import ApiKeys
from foldgate.runtime.clock import SystemClock
from foldgate.sdk import Job, Worker
from tests.support.door import Door, gateway, served
from tests.support.following import Refused, Sent, sent, socket_to
from tests.support.keys import TRUST
from tests.support.logs import Opened
from tests.support.suite import running, settings, working

API = "/api/v1"
RUNS = f"{API}/workflow-runs"
ACME = {"X-Tenant-ID": "acme"}


class Gates:
    """A worker that ends a job when it is told to."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    def worker(self) -> Worker:
        worker = Worker("test", beat_every_ms=200, trust=TRUST)

        @worker.job("job.held")
        async def held(job: Job) -> Any:
            await self.open.wait()
            return job.input

        return worker


async def begun(client: httpx.AsyncClient, **headers: str) -> str:
    asked = await client.post(f"{API}/jobs", json={"topic": "job.held"}, headers={**ACME, **headers})
    assert asked.status_code == 201, asked.text
    return str(asked.json()["run_id"])


async def told(client: httpx.AsyncClient, url: str, **asked: Any) -> list[Sent]:
    """All of a stream that ends."""
    headers = {**ACME, **asked.pop("headers", {})}
    async with client.stream("GET", url, params=asked, headers=headers) as answer:
        return [one async for one in sent(answer) if one.type]


@contextlib.asynccontextmanager
async def a_door(log: Log, url: str, *, gates: Gates) -> AsyncIterator[tuple[Door, httpx.AsyncClient, int]]:
    async with (
        running(log),
        gateway(log, url) as door,
        served(door) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
        working(log, gates.worker()),
        asyncio.timeout(120),
    ):
        yield door, client, port


async def test_a_run_is_told_as_it_happens_and_from_any_event_on(
    opened: Opened, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(following, "PAGE", 3)
    gates = Gates()
    async with opened() as log, a_door(log, postgres_url, gates=gates) as (door, client, _):
        run_id, other = await begun(client), await begun(client)
        url = f"{RUNS}/{run_id}/events"
        early: list[Sent] = []
        async with client.stream("GET", url, headers=ACME) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            beats = 0
            async for one in sent(answer):
                early += [one] if one.type else []
                beats += not one.type and bool(one.id)
                if beats >= 2 and early:
                    gates.open.set()
                if one.type == "end":
                    break
        assert beats >= 2, "signs of life while nothing happened"
        *events, end = early
        assert end.type == "end"
        assert {one.data["run_id"] for one in events} == {run_id} != {other}
        assert [one.type for one in events[:2]] == ["RunRequested", "RunStarted"]
        assert "RunSucceeded" in [one.type for one in events]
        again = await told(client, url)
        assert {one.place for one in events} <= {one.place for one in again[:-1]}
        assert len({one.place for one in again[:-1]}) == len(again) - 1
        await door.host._projections.projectors["timeline"].rebuild()
        for number, one in enumerate(again[:-1]):
            rest = await told(client, url, headers={"Last-Event-ID": one.id})
            places = [other.place for other in rest[:-1]]
            assert set(places) >= {other.place for other in again[number + 1 : -1]}, "no gap, also after a rebuild"
            assert len(set(places)) == len(places)
            assert not set(places) & {other.place for other in again[: number + 1]}, "and no repeat"
        over = await client.get(url, params={"cursor": again[-1].id}, headers=ACME)
        assert (over.status_code, over.content) == (204, b""), "a browser does not come again"
        assert (await client.head(url, headers=ACME)).status_code == 200
        async with client.stream("GET", url, params={"follow": "true"}, headers=ACME) as answer:
            stays = [one async for one in _until_beat(answer)]
        assert {one.place for one in stays} >= {one.place for one in again[:-1]}


async def _until_beat(answer: httpx.Response) -> AsyncIterator[Sent]:
    async for one in sent(answer):
        if one.type:
            yield one
        elif one.id:
            return


async def test_what_happens_to_a_tenant_is_told_by_stream_and_by_socket(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "PAGE", 5)
    gates, log = Gates(), MemoryLog()
    gates.open.set()
    async with a_door(log, postgres_url, gates=gates) as (_, client, port):
        target = f"{API}/stream?cursor={text_of({})}"
        async with socket_to(port, target, ACME) as socket, socket_to(port, f"{API}/stream", ACME) as from_now:
            first, foreign = await begun(client), await begun(client, **{"X-Tenant-ID": "other"})
            by_socket: list[Any] = []
            live: list[Any] = []
            while not any(one["event"]["type"] == "RunSucceeded" for one in by_socket):
                by_socket.append(await socket.message())
            while not any(one["event"]["type"] == "RunSucceeded" for one in live):
                live.append(await from_now.message())
        assert {one["event"]["run_id"] for one in (*by_socket, *live)} == {first} != {foreign}
        assert {one["event"]["stream"] for one in by_socket} == {"runs", "jobs"}
        assert {one["event"]["id"] for one in live} >= {one["event"]["id"] for one in by_socket if one in live}
        second = await begun(client)
        asked: list[tuple[dict[str, Any], set[str], str]] = [
            ({"about": "runs"}, {"runs"}, "RunSucceeded"),
            ({"about": ["workers", "approvals"]}, {"jobs"}, "JobReleased"),
            ({"type": "RunSucceeded"}, {"runs"}, "RunSucceeded"),
            ({"workflow": "job", "about": "runs"}, {"runs"}, "RunSucceeded"),
            ({"run": second}, {"runs", "jobs"}, "RunSucceeded"),
        ]
        for params, streams, last in asked:
            url = f"{API}/stream"
            found: list[Sent] = []
            async with client.stream("GET", url, params={**params, "cursor": text_of({})}, headers=ACME) as answer:
                async for one in sent(answer):
                    found += [one] if one.type else []
                    if one.type == last and one.data["run_id"] == second:
                        break
            assert {one.data["stream"] for one in found} <= streams, params
            assert {one.data["run_id"] for one in found} <= {second} | ({first} if "run" not in params else set())
            assert len({one.place for one in found}) == len(found)
        ids = {"type": "RunSucceeded", "cursor": text_of({})}
        async with client.stream("GET", f"{API}/stream", params=ids, headers=ACME) as answer:
            ended = await anext(one async for one in sent(answer) if one.type)
        async with socket_to(port, f"{API}/stream?about=runs&type=RunSucceeded&cursor={ended.id}", ACME) as socket:
            assert (await socket.message())["event"]["run_id"] in {first, second} - {ended.data["run_id"]}


async def test_a_socket_is_opened_by_those_who_may(postgres_url: str) -> None:
    given, log = settings(authentication="required"), MemoryLog()
    async with gateway(log, postgres_url, given=given) as door, served(door) as port, asyncio.timeout(60):
        good, nothing = [await a_key(door, role) for role in ("viewer", "sre")]
        target = f"{API}/stream"
        refused: list[tuple[dict[str, str], str, int, str]] = [
            ({}, target, 401, "unauthenticated"),
            (nothing, target, 403, "forbidden"),
            ({**good, "Origin": "http://elsewhere"}, target, 403, "foreign_page"),
            ({**good, "X-Tenant-ID": "other"}, target, 403, "foreign_tenant"),
            (good, f"{target}?cursor=x", 400, "invalid_parameter"),
            (good, f"{target}?about=nothing", 400, "invalid_parameter"),
            (good, f"{API}/nowhere", 404, "not_found"),
        ]
        for headers, where, status, code in refused:
            with pytest.raises(Refused) as found:
                async with socket_to(port, where, headers):
                    pass
            assert (found.value.status, found.value.said["code"]) == (status, code), where
        async with (
            socket_to(port, target, good),
            socket_to(port, target, {**good, "Origin": f"http://127.0.0.1:{port}"}),
        ):
            pass


async def a_key(door: Door, role: str) -> dict[str, str]:
    key, text = made(role, roles=(role,), tenants=("acme",), at=SystemClock().now_ms())
    await ApiKeys(door.models, suite=settings().suite).add(key)
    return {"X-API-Key": text}


async def test_who_takes_nothing_holds_up_nobody_and_misses_nothing(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One follower reads nothing while more comes than any buffer between us holds."""
    monkeypatch.setattr(following, "PAGE", 20)
    gates, log = Gates(), MemoryLog()
    gates.open.set()
    async with a_door(log, postgres_url, gates=gates) as (_, client, port):
        target = f"{API}/stream?type=RunStarted&cursor={text_of({})}"
        async with socket_to(port, target, ACME) as slow, socket_to(port, target, ACME) as quick:
            wanted = set()
            for _ in range(20):
                body = {"topic": "job.held", "input": {"much": "x" * 200_000}}
                asked = await client.post(f"{API}/jobs", json=body, headers=ACME)
                assert asked.status_code == 201, asked.text
                wanted.add(asked.json()["run_id"])
            assert {(await quick.message())["event"]["run_id"] for _ in wanted} == wanted
            assert (await client.get(f"{API}/status", headers=ACME)).status_code == 200
            assert {(await slow.message())["event"]["run_id"] for _ in wanted} == wanted


@pytest.mark.parametrize("text", ["", "x", "é", "W10", "A" * 5000, text_of({Partition("runs", 1): 5})[:-1]])
def test_a_cursor_that_was_not_made_here_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="Expected the id of an event"):
        cursor_in(text)


def test_a_cursor_is_as_short_as_what_it_says() -> None:
    vector = {Partition("runs", 1): 5, Partition("jobs", 0): 7, Partition("jobs", 3): 0}
    assert cursor_in(text_of(vector)).vector == {
        Partition("runs", 0): 0,
        Partition("runs", 1): 5,
        Partition("jobs", 0): 7,
    }
