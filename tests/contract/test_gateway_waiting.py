"""`?wait=`: whoever asks for a run, or for how it goes, may wait for its end."""

import asyncio
from typing import Any

from foldgate.sdk import Job, Worker
from tests.support.door import gateway
from tests.support.keys import TRUST
from tests.support.logs import Opened
from tests.support.suite import running, working

API = "/api/v1"
JOB = {"topic": "job.held"}
FLOW = 'id: flow\nversion: "1"\nsteps:\n  one: {type: job, topic: job.held}\n'


async def test_the_end_of_a_run_is_waited_for_as_long_as_was_said(opened: Opened, postgres_url: str) -> None:
    open_ = asyncio.Event()
    worker = Worker("test", beat_every_ms=200, trust=TRUST)

    @worker.job("job.held")
    async def held(job: Job) -> Any:
        await open_.wait()
        return job.input

    async with (
        opened() as log,
        running(log),
        gateway(log, postgres_url) as door,
        working(log, worker),
        asyncio.timeout(120),
    ):
        client = door.client
        key = {"Idempotency-Key": "one"}
        asked = await client.post(f"{API}/jobs", json=JOB, params={"wait": "50ms"}, headers=key)
        assert (asked.status_code, asked.json()["status"]) == (201, "running"), "what was seen when the time was up"
        run = f"{API}/workflow-runs/{asked.json()['run_id']}"
        assert (await client.get(run, params={"wait": "1ms"})).json()["status"] == "running"
        waits = [asyncio.create_task(client.get(run, params={"wait": "60s"})) for _ in range(3)]
        again = asyncio.create_task(client.post(f"{API}/jobs", json=JOB, params={"wait": "60s"}, headers=key))
        open_.set()
        assert [(await one).json()["status"] for one in waits] == ["succeeded"] * 3
        assert ((await again).status_code, (await again).json()["status"]) == (200, "succeeded")
        assert (await client.post(f"{API}/workflows", content=FLOW)).status_code == 201
        begun = await client.post(f"{API}/workflows/flow/runs", params={"wait": "60s"})
        assert (begun.status_code, begun.json()["status"]) == (201, "succeeded")
        for wrong in ("", "x", "61s", "-1s", "30", "60001ms", "1e1s", "٣s"):
            for answer in (
                await client.get(run, params={"wait": wrong}),
                await client.post(f"{API}/jobs", json=JOB, params={"wait": wrong}),
                await client.post(f"{API}/workflows/flow/runs", params={"wait": wrong}),
            ):
                assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter"), wrong
        nothing = await client.get(f"{API}/workflow-runs/run_nothing", params={"wait": "60s"})
        assert nothing.status_code == 404, "nobody waits for what is not there"
