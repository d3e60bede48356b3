"""Every read model of the gateway, built anew from the log, is the live one: row by row, on each driver."""

import asyncio
import random
import time
from collections.abc import Callable

from foldgate.gateway.main import SERVICE
from tests.support.door import Door, gateway
from tests.support.echoing import a_worker
from tests.support.history import history_of
from tests.support.logs import Opened
from tests.support.projected import live_rows, models_in, rebuilt_rows
from tests.support.suite import running, working
from tests.support.waiting import until

RUNS = "/api/v1/workflow-runs"
WORKFLOW = """
id: two
steps:
  a: {type: job, topic: job.echo}
  b: {type: wait, signal: go, depends_on: [a]}
"""
QUESTION = "{id: asking, steps: {ask: {type: approval}}}"
BUNDLE = "{bundle: floor, default_decision: allow}"
POOLS = "{pools: [{name: default}], routes: [{topics: ['*'], pools: [default]}]}"


async def lives(door: Door, chance: random.Random) -> None:
    """Runs that succeed, fail, wait for signals and are called back, in an order of chance; all of them end."""
    await door.client.post("/api/v1/workflows", content=WORKFLOW)
    await door.client.put("/api/v1/pools", content=POOLS, params={"revision": 0})
    await door.client.put("/api/v1/policy/bundles/floor", content=BUNDLE, params={"revision": 0})
    begun = []
    for number in range(12):
        if number < 2 or chance.random() < 0.5:
            topic = ("job.echo", "job.broken")[number] if number < 2 else chance.choice(["job.echo", "job.broken"])
            answer = await door.client.post("/api/v1/jobs", json={"topic": topic, "input": {"n": chance.random()}})
            begun.append(answer.json()["run_id"])
            continue
        answer = await door.client.post("/api/v1/workflows/two/runs", json={"input": {}})
        run_id = answer.json()["run_id"]
        begun.append(run_id)
        asked = chance.choice(["signals/go", "cancel", "pause"])
        await door.client.post(f"{RUNS}/{run_id}/{asked}", json={})
        if asked == "pause":
            await door.client.post(f"{RUNS}/{run_id}/cancel", json={})

    async def asks() -> bool:
        return bool((await door.client.get("/api/v1/approvals")).json()["items"])

    await door.client.post("/api/v1/workflows", content=QUESTION)
    run_id = (await door.client.post("/api/v1/workflows/asking/runs", json={"input": {}})).json()["run_id"]
    await until(asks, what="a question to be asked")
    await door.client.post(f"{RUNS}/{run_id}/cancel", json={})
    begun.append(run_id)

    async def ended() -> bool:
        shown = [(await door.client.get(f"{RUNS}/{run_id}")).json() for run_id in begun]
        return all(run.get("ended_at") for run in shown)

    await until(ended, what="all runs to end")


async def test_built_anew_each_is_the_same(
    opened: Opened, postgres_url: str, record_property: Callable[[str, object], None]
) -> None:
    async with opened() as log, asyncio.timeout(110):
        async with running(log), gateway(log, postgres_url) as door, working(log, a_worker()):
            await lives(door, random.Random(7))
        async with models_in(postgres_url) as models:
            took_s: dict[str, float] = {}
            for projection in SERVICE.projections:
                live = await live_rows(models, log, projection)
                begun_at = time.monotonic()
                assert await rebuilt_rows(models, log, projection) == live, projection.name
                took_s[projection.name] = time.monotonic() - begun_at
                assert all(live.values()), projection.name
        events = len((await history_of(log)).facts)
        record_property(f"each of {len(took_s)} read models is built anew of {events} events", max(took_s.values()))
