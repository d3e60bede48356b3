"""Runs run again from a step, and what is done with workflows beside publishing them, through the gateway."""

import asyncio
from typing import Any

from foldgate.sdk import Job, Worker
from tests.support.door import gateway
from tests.support.keys import TRUST
from tests.support.logs import Opened
from tests.support.suite import running, working

API = "/api/v1"
ACME, OTHER = {"X-Tenant-ID": "acme"}, {"X-Tenant-ID": "other"}
FLOW = """
id: flow
version: "%s"
steps:
  first: {type: job, topic: job.noted}
  second: {type: job, topic: job.noted, depends_on: [first]}
"""


async def test_a_run_is_run_again_from_a_step(opened: Opened, postgres_url: str) -> None:
    done: list[str] = []
    worker = Worker("test", beat_every_ms=200, trust=TRUST)

    @worker.job("job.noted")
    async def noted(job: Job) -> Any:
        done.append(job.id.rpartition(":")[2])
        return {}

    async with (
        opened() as log,
        running(log),
        gateway(log, postgres_url) as door,
        working(log, worker),
        asyncio.timeout(120),
    ):
        client, wait = door.client, {"wait": "60s"}
        await client.post(f"{API}/workflows", content=FLOW % 1, headers=ACME)
        old = (await client.post(f"{API}/workflows/flow/runs", params=wait, headers=ACME)).json()
        again = f"{API}/workflow-runs/{old['run_id']}/rerun"
        assert (old["status"], done) == ("succeeded", ["first@1", "second@1"])
        plan = (await client.post(again, json={"from_step": "second", "dry_run": True}, headers=ACME)).json()
        assert (plan["status"], plan["kept"], plan["again"]) == ("planned", ["first"], ["second"])
        [step] = plan["plan"]["steps"]
        assert (step["id"], step["decision"], step["pool"]) == ("second", "allow", "default")
        key = {**ACME, "Idempotency-Key": "one"}
        new = await client.post(again, json={"from_step": "second"}, headers=key)
        assert (new.status_code, new.json()["status"]) == (201, "running")
        run = f"{API}/workflow-runs/{new.json()['run_id']}"
        assert (await client.get(run, params=wait, headers=ACME)).json()["status"] == "succeeded"
        assert done[2:] == ["second@1"], "what was done upstream is taken over"
        repeated = await client.post(again, json={"from_step": "second"}, headers=key)
        assert (repeated.status_code, repeated.json()["run_id"]) == (200, new.json()["run_id"])
        held = (await client.post(f"{API}/jobs", json={"topic": "job.nobody"}, headers=ACME)).json()["run_id"]
        await client.get(f"{API}/workflow-runs/{held}", params={"wait": "1ms"}, headers=ACME)
        wrong: list[tuple[str, Any, dict[str, str], int, str]] = [
            (again, {"from_step": "third"}, ACME, 422, "unknown_step"),
            (again, {}, ACME, 422, "invalid_body"),
            (again, {"from_step": "second"}, OTHER, 404, "not_found"),
            (f"{API}/workflow-runs/a%0Ab/rerun", {"from_step": "second"}, ACME, 404, "not_found"),
            (f"{API}/workflow-runs/{held}/rerun", {"from_step": "job"}, ACME, 409, "run_goes_on"),
        ]
        for url, body, headers, status, code in wrong:
            answer = await client.post(url, json=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_workflows_are_listed_tried_and_retired(opened: Opened, postgres_url: str) -> None:
    async with opened() as log, running(log), gateway(log, postgres_url) as door, asyncio.timeout(120):
        client = door.client
        for version in (1, 2, 3):
            published = await client.post(f"{API}/workflows", content=FLOW % version, headers=ACME)
        other = (FLOW % 1).replace("id: flow", "id: other")
        published = await client.post(f"{API}/workflows", content=other, headers=ACME)
        after = {"after": published.json()["position"]}
        listed = (await client.get(f"{API}/workflows", params=after, headers=ACME)).json()
        assert [(one["id"], one["version"], one["state"]) for one in listed["items"]] == [
            ("flow", "3", "active"),
            ("other", "1", "active"),
        ]
        for url, name, wanted in (
            (f"{API}/workflows", "id", ["flow", "other"]),
            (f"{API}/workflows/flow/versions", "version", ["3", "2", "1"]),
        ):
            found: list[str] = []
            place: dict[str, str] = {}
            while True:
                part = (await client.get(url, params={"limit": "1", **place}, headers=ACME)).json()
                found += [one[name] for one in part["items"]]
                if part["next_cursor"] is None:
                    break
                place = {"cursor": part["next_cursor"]}
            assert found == wanted
            assert (await client.get(url, params={"cursor": "x"}, headers=ACME)).status_code == 400
        assert (await client.get(f"{API}/workflows", headers=OTHER)).json()["items"] == []
        for method, url in (("GET", f"{API}/workflows/flow/versions"), ("DELETE", f"{API}/workflows/flow")):
            answer = await client.request(method, url, headers=OTHER)
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_workflow")
        for _ in range(2):
            retired = await client.delete(f"{API}/workflows/flow", headers=ACME)
            assert (retired.status_code, retired.json()["status"]) == (200, "retired")
        begun = await client.post(f"{API}/workflows/flow/runs", headers=ACME)
        assert (begun.status_code, begun.json()["code"]) == (409, "workflow_retired")
        valid = await client.post(f"{API}/workflows:validate", content=FLOW % 9, headers=ACME)
        assert (valid.status_code, valid.json()) == (200, {"id": "flow", "status": "valid"})
        wrong = await client.post(f"{API}/workflows:validate", content="id: flow\nsteps: {a: {}}", headers=ACME)
        assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_workflow")
        assert "9" not in [
            one["version"] for one in (await client.get(f"{API}/workflows/flow/versions", headers=ACME)).json()["items"]
        ]
