"""Workers and pools through the gateway: who is there, what they hold, which pools take jobs, and who sees that."""

import asyncio
import random
from typing import Any

from foldgate.contracts.events import (
    PoolChanged,
    PoolsPublished,
    RunSucceeded,
    WorkerJoined,
    WorkerLost,
    WorkerRenewed,
)
from foldgate.gateway.http.paging import cursor_at
from foldgate.gateway.projections.workers import KEPT_MS, PROJECTION, rows
from foldgate.sdk import Client, Job, Worker
from foldgate.sdk.pools import a_drain, a_layout
from tests.support.door import Door, gateway
from tests.support.keys import ISSUER, TRUST
from tests.support.logs import Opened
from tests.support.projected import Laid, applied, asked_of, in_stretches, meta_on, models_in
from tests.support.suite import running, working
from tests.support.waiting import until

API = "/api/v1"
POOLS = """
pools:
  - {name: default, max_cpu_percent: 100}
  - {name: own, tenants: [acme], capabilities: [docker], max_cpu_percent: 100}
routes:
  - {topics: ["*"], pools: [default]}
"""


async def got(door: Door, path: str, tenant: str = "", **asked: Any) -> Any:
    answer = await door.client.get(f"{API}{path}", params=asked, headers={"X-Tenant-ID": tenant} if tenant else {})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def names(door: Door, path: str, tenant: str = "", **asked: Any) -> set[str]:
    return {one["name"] for one in (await got(door, path, tenant, **asked))["items"]}


async def test_workers_and_pools_are_shown(opened: Opened, postgres_url: str) -> None:
    goes_on = asyncio.Event()
    shared = Worker("shared", beat_every_ms=200, trust=TRUST, max_parallel=3)
    own = Worker("own", pool="own", capabilities=["docker"], beat_every_ms=200, trust=TRUST)

    @shared.job("job.hold")
    async def hold(job: Job) -> Any:
        await goes_on.wait()
        return job.input

    @own.job("job.none")
    async def none(job: Job) -> Any:
        return job.input

    async with opened() as log, running(log), gateway(log, postgres_url) as door, asyncio.timeout(110):
        assert (await got(door, "/pools"))["layout"] is None
        client = Client(log, principal="root", signer=ISSUER)
        await client.decided(a_layout(POOLS, revision=0, reason="first"))
        async with working(log, own), working(log, shared):
            for topic in ("job.hold", "job.nobody"):
                await door.client.post(f"{API}/jobs", json={"topic": topic}, headers={"X-Tenant-ID": "acme"})

            async def holds() -> bool:
                return [one["in_flight"] for one in (await got(door, "/workers"))["items"]] == [1, 0]

            await until(holds, what="a job to be held")
            await client.decided(a_drain("own", reason="upgrade"))

            async def drained() -> bool:
                return [one["open"] for one in (await got(door, "/pools"))["items"]] == [True, False]

            await until(drained, what="a pool to be closed")
            await what_is_seen(door)
            await what_is_asked(door)
            goes_on.set()


async def what_is_seen(door: Door) -> None:
    first, second = (await got(door, "/workers"))["items"]
    assert (first["name"], first["pool"], first["max_parallel"], first["status"]) == ("shared", "default", 3, "alive")
    assert first["beat_at"] <= first["expires_at"]
    assert (second["capabilities"], second["topics"], second["lost"]) == (["docker"], ["job.none"], None)
    page = await got(door, "/workers", limit=1)
    rest = await got(door, "/workers", cursor=page["next_cursor"])
    assert [one["name"] for one in page["items"] + rest["items"]] == ["shared", "own"]
    assert await names(door, "/workers", pool="own") == {"own"}
    assert await names(door, "/workers", status="lost") == set()
    assert await names(door, "/workers", tenant="acme") == {"shared", "own"}, "who does its jobs, and its own"
    assert await names(door, "/workers", tenant="other") == set()

    shown = await got(door, "/pools")
    default, own = shown["items"]
    assert (default["workers"], default["in_flight"], default["reason"], default["terms"]["name"]) == (
        1,
        1,
        None,
        "default",
    )
    assert (own["reason"], own["words"], default["words"]) == ("draining", "upgrade", None)
    assert (own["terms"]["tenants"], own["waiting"]) == (["acme"], 0)
    layout = shown["layout"]
    assert (layout["revision"], layout["reason"], layout["put_by"]) == (1, "first", "root")
    assert layout["document"]["routes"] == [{"topics": ["*"], "pools": ["default"]}]
    assert await names(door, "/pools", tenant="acme") == {"default", "own"}
    assert await names(door, "/pools", tenant="other") == {"default"}
    assert (await got(door, "/pools", tenant="acme"))["layout"] is None
    for path, asked in (("/workers", {"status": "gone"}), ("/workers", {"cursor": cursor_at("runs", ["a", "b"])})):
        answer = await door.client.get(f"{API}{path}", params=asked)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


async def what_is_asked(door: Door) -> None:
    async def put(source: str, tenant: str = "", **asked: Any) -> Any:
        headers = {"X-Tenant-ID": tenant} if tenant else {}
        return await door.client.put(f"{API}/pools", content=source, params=asked, headers=headers)

    async def drain(pool: str, tenant: str = "", **body: Any) -> Any:
        headers = {"X-Tenant-ID": tenant} if tenant else {}
        return await door.client.post(f"{API}/pools/{pool}/drain", json=body, headers=headers)

    def said(answer: Any) -> tuple[int, str]:
        return answer.status_code, answer.json()["code"]

    more = POOLS.replace("docker", "gpu")
    assert said(await put(more, revision=0)) == (409, "revision_conflict")
    assert said(await put(POOLS, revision=1)) == (409, "unchanged")
    assert said(await put("pools: 1", revision=1)) == (422, "invalid_pools")
    assert said(await put(more)) == said(await put(more, revision="x")) == (400, "invalid_parameter")
    assert said(await put(more, revision=1, reason="x" * 201)) == (400, "invalid_parameter")
    assert said(await put(more, "acme", revision=1)) == said(await drain("own", "acme")) == (403, "forbidden")
    answer = await put(more, revision=1, reason="again")
    assert (answer.status_code, answer.json()["status"], answer.json()["revision"]) == (200, "published", 2), (
        answer.text
    )
    shown = await got(door, "/pools", after=answer.json()["position"])
    assert (shown["layout"]["revision"], shown["items"][1]["terms"]["capabilities"]) == (2, ["gpu"])
    assert said(await drain("none")) == said(await drain("no pool")) == (404, "unknown_pool")
    assert said(await drain("own")) == (409, "unchanged"), "it drains already"
    for draining in (False, True):
        answer = await drain("own", draining=draining, reason="r")
        assert (answer.status_code, answer.json()["open"]) == (200, not draining), answer.text
    assert (answer.json()["reason"], answer.json()["words"]) == ("draining", "r")
    shown = await got(door, "/pools", after=answer.json()["position"])
    assert [one["open"] for one in shown["items"]] == [True, False]


async def test_who_is_gone_is_kept_for_a_day(postgres_url: str) -> None:
    laid = Laid()
    for number, at in enumerate((0, 1, KEPT_MS + 2)):
        joined = WorkerJoined(worker=f"w/{number}", name="w", max_parallel=1, expires_at=at + 9, labels={"a\0": "b"})
        renewed = WorkerRenewed(worker=f"w/{number}", max_parallel=2, expires_at=at + 99, cpu_percent=7)
        for event in (joined, renewed, WorkerLost(worker=f"w/{number}", reason="left")):
            laid.add(event, "jobs", key="default", at=at)
    laid.add(PoolsPublished(document="{}", digest=b"", revision=1, number=1), "pools", key="pools")
    for terms, reason in (('{"name":"x"}', ""), ("", "removed")):
        laid.add(PoolChanged(pool="x", terms=terms, is_open=not reason, number=2, reason=reason), "pools", key="pools")
    async with models_in(postgres_url) as models:
        await applied(models, PROJECTION, in_stretches(laid.events, random.Random(3), most=4))
        (worker,) = await asked_of(models, "SELECT * FROM workers")
        (pool,) = await asked_of(models, "SELECT * FROM pools")
    assert (worker["worker"], worker["max_parallel"], worker["lost"], worker["cpu_percent"]) == ("w/2", 2, "left", 7)
    assert (pool["terms"], pool["is_open"], pool["reason"]) == (None, False, "removed")
    assert rows(meta_on("jobs"), RunSucceeded(output="1")) == []
