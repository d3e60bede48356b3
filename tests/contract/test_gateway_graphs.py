"""Runs with their steps, and the graphs of runs, through the gateway."""

import asyncio
from typing import Any

from tests.support.door import Door, gateway
from tests.support.echoing import a_worker
from tests.support.logs import Opened
from tests.support.suite import running, working
from tests.support.waiting import until

API = "/api/v1"
RUNS = f"{API}/workflow-runs"
FLOW = """
id: flow
steps:
  a: {type: job, topic: job.echo, input: "${input}"}
  each: {type: job, topic: job.echo, depends_on: [a], for_each: [1, 2, 3]}
  rounds: {type: loop, body: [part], until: "loop.index > 0", depends_on: [a]}
  part: {type: job, topic: job.echo}
  bad: {type: job, topic: job.broken, depends_on: [each], on_error: mend}
  mend: {type: transform, output: 1}
  hold: {type: wait, signal: go, depends_on: [each, rounds]}
  last: {type: transform, output: 1, depends_on: [hold]}
"""


async def graph_of(door: Door, run: str, tenant: str = "default") -> Any:
    answer = await door.client.get(f"{RUNS}/{run}/graph", headers={"X-Tenant-ID": tenant})
    return answer.json() if answer.status_code == 200 else (answer.status_code, answer.json()["code"])


async def test_a_run_is_shown_with_its_steps_and_as_a_graph(opened: Opened, postgres_url: str) -> None:
    async with opened() as log, running(log), gateway(log, postgres_url) as door, asyncio.timeout(110):
        answer = await door.client.post(f"{API}/workflows", content=FLOW)
        assert answer.status_code == 201, answer.text
        async with working(log, a_worker()):
            begun = await door.client.post(f"{API}/workflows/flow/runs", json={"input": {"n": 1}})
            run = begun.json()["run_id"]

            async def holds() -> bool:
                shown = await graph_of(door, run)
                status = {node["id"]: node["status"] for node in shown["nodes"]}
                return (status["hold"], status["mend"]) == ("running", "succeeded")

            await until(holds, what="the run to wait")
            single = (await door.client.post(f"{API}/jobs", json={"topic": "job.broken"})).json()["run_id"]

            async def failed() -> bool:
                return bool((await door.client.get(f"{RUNS}/{single}")).json().get("status") == "failed")

            await until(failed, what="a run of one step to fail")
        await the_graph(door, run)
        await the_steps(door, run)
        alone = await graph_of(door, single)
        assert [(node["id"], node["status"], node["error"]["code"]) for node in alone["nodes"]] == [
            ("job", "failed", "no_luck")
        ]
        assert alone["edges"] == []
        assert await graph_of(door, run, "other") == await graph_of(door, "run_nothing") == (404, "not_found")
        wrong = await door.client.get(f"{RUNS}/{run}/graph", params={"x": "y"})
        assert wrong.json()["code"] == "invalid_parameter"


async def the_graph(door: Door, run: str) -> None:
    shown = await graph_of(door, run)
    assert (shown["workflow"], shown["status"]) == ("flow", "running")
    nodes = {node["id"]: node for node in shown["nodes"]}
    assert {name: node["status"] for name, node in nodes.items()} == {
        "a": "succeeded", "each": "succeeded", "rounds": "succeeded", "part": "succeeded", "bad": "failed",
        "mend": "succeeded", "hold": "running", "last": "pending",
    }  # fmt: skip
    assert (nodes["each"]["instances"], nodes["part"]["instances"]) == ({"succeeded": 3}, {"succeeded": 2})
    assert nodes["bad"]["error"] == {"code": "no_luck", "message": "job.broken never works"}
    assert (nodes["a"]["attempts"], nodes["a"]["type"], nodes["hold"]["type"]) == (1, "job", "wait")
    edges = {(edge["source"], edge["target"], edge["why"]) for edge in shown["edges"]}
    assert edges >= {("a", "each", "depends_on"), ("rounds", "part", "part"), ("bad", "mend", "on_error")}


async def the_steps(door: Door, run: str) -> None:
    shown = (await door.client.get(f"{RUNS}/{run}")).json()
    assert shown["more_steps"] is False
    steps = {step["step"]: step for step in shown["steps"]}
    assert shown["steps"][0]["step"] == "a"
    assert {"each[0]", "each[1]", "each[2]", "part[0]", "part[1]", "hold"} < steps.keys()
    assert "last" not in steps
    first = steps["a"]
    assert (first["status"], first["type"], first["job_id"], first["error"]) == ("succeeded", "job", f"{run}:a@1", None)
    assert first["started_at"] <= first["ended_at"]
    assert first["output"]["bytes"] == len('{"n":1}')
    timeline = (await door.client.get(f"{RUNS}/{run}/timeline", params={"type": "StepSucceeded", "step": "a"})).json()
    assert [event["id"] for event in timeline["items"]] == [first["output"]["event"]]
    assert (steps["each[0]"]["parent"], steps["hold"]["ended_at"]) == ("each", None)
