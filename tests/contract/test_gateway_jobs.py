"""Jobs through the gateway: found, shown with their attempts and decisions, called back, and done otherwise."""

import asyncio
from typing import Any

import httpx
import msgspec

from foldgate.contracts.events import Event
from foldgate.eventlog.log import Log
from foldgate.gateway.http.paging import cursor_at
from foldgate.sdk import Client
from foldgate.sdk.policies import a_bundle, a_publishing
from tests.support.door import Door, gateway
from tests.support.echoing import a_worker
from tests.support.keys import ISSUER
from tests.support.logs import Opened
from tests.support.suite import running, working
from tests.support.waiting import until

API = "/api/v1"
OTHERS = {"X-Tenant-ID": "other"}
DROPS = {
    "bundle": "team/db",
    "default_decision": "allow",
    "rules": [
        {
            "id": "no-drops",
            "match": {"topics": ["job.db.drop"]},
            "phase": "dispatch",
            "decision": "deny",
            "reason": "Nothing is dropped.",
            "remediations": [
                {
                    "id": "archive",
                    "title": "Archive it",
                    "replacement_topic": "job.db.archive",
                    "add_labels": {"x": "y"},
                },
                {"id": "ask", "title": "Ask first"},
            ],
        }
    ],
}
FLOW = """
id: flow
steps:
  a: {type: job, topic: job.echo}
  hold: {type: job, topic: job.nobody, depends_on: [a]}
"""


async def under_policy(log: Log) -> None:
    client = Client(log, principal="root", signer=ISSUER)
    for asked in (a_bundle(msgspec.json.encode(DROPS).decode(), revision=0), a_publishing([str(DROPS["bundle"])])):
        said: Event = (await client.decided(asked)).event
        assert "Refused" not in type(said).__name__, said


async def got(door: Door, path: str, **asked: Any) -> Any:
    answer = await door.client.get(f"{API}{path}", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def started(door: Door, topic: str, **more: Any) -> str:
    answer = await door.client.post(f"{API}/jobs", json={"topic": topic, "input": {"n": 1}, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["run_id"])


async def is_in(door: Door, job: str, *statuses: str) -> Any:
    async def reached() -> bool:
        return (await got(door, f"/jobs/{job}"))["status"] in statuses

    await until(reached, what=f"{job} to be {' or '.join(statuses)}")
    return await got(door, f"/jobs/{job}")


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_jobs_are_shown_and_asked_things(opened: Opened, postgres_url: str) -> None:
    async with opened() as log, running(log), gateway(log, postgres_url) as door, asyncio.timeout(110):
        await under_policy(log)
        async with working(log, a_worker()):
            await door.client.post(f"{API}/workflows", content=FLOW)
            flow = (await door.client.post(f"{API}/workflows/flow/runs", json={"input": {}})).json()["run_id"]
            echo, broken = await started(door, "job.echo"), await started(door, "job.broken")
            denied, waiting = await started(door, "job.db.drop", labels={"a": "b"}), await started(door, "job.nobody")
            done = await is_in(door, echo, "succeeded")
            failed = await is_in(door, broken, "failed")
            refused = await is_in(door, denied, "denied")
            await is_in(door, f"{flow}:a@1", "succeeded")
            held = await is_in(door, f"{flow}:hold", "queued")
            await is_in(door, waiting, "queued")

        assert (done["job_id"], done["topic"], done["pool"], done["attempt"]) == (
            f"{echo}:job@1",
            "job.echo",
            "default",
            1,
        )
        assert done["worker"].startswith("test/")
        assert done["input"] == {"n": 1}
        assert [one["job_id"] for one in done["attempts"]] == [done["job_id"]]
        assert done["requested_at"] <= done["decided_at"] <= done["dispatched_at"] <= done["ended_at"]
        assert (failed["code"], failed["message"]) == ("no_luck", "job.broken never works")
        assert (refused["code"], refused["worker"], refused["labels"]) == ("team/db#no-drops", None, {"a": "b"})
        assert (held["step"], held["workflow"]) == ("hold", "flow")

        await the_lists(door, flow=flow, queued={f"{flow}:hold@1", f"{waiting}:job@1"})
        await the_decisions(door, denied)
        await calling_back(door, flow=flow, waiting=waiting)
        await doing_otherwise(door, denied=denied, echo=echo)
        await what_is_not_there(door, echo)


async def the_lists(door: Door, *, flow: str, queued: set[str]) -> None:
    everything = [one["job_id"] for one in (await got(door, "/jobs", limit=200))["items"]]
    assert len(everything) == 6
    paged: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        part = await got(door, "/jobs", limit=2, **cursor)
        paged += [one["job_id"] for one in part["items"]]
        if part["next_cursor"] is None:
            break
        cursor = {"cursor": part["next_cursor"]}
    assert paged == everything

    async def found(**asked: Any) -> set[str]:
        return {one["job_id"] for one in (await got(door, "/jobs", **asked))["items"]}

    assert await found(status="queued") == queued
    assert await found(status=["queued", "denied"]) > queued
    assert await found(topic="job.nobody") == queued
    assert await found(run=flow) == {f"{flow}:a@1", f"{flow}:hold@1"}
    assert await found(pool="default", run=flow, topic="job.echo") == {f"{flow}:a@1"}
    assert await found(pool="none") == await found(tenant="other") == set()
    assert len(await found(tenant="default")) == 6


async def the_decisions(door: Door, denied: str) -> None:
    both = (await got(door, f"/jobs/{denied}/decisions"))["items"]
    assert {one["phase"] for one in both} == {"submit", "dispatch"}
    said = next(one for one in both if one["phase"] == "dispatch")
    assert (said["decision"], said["rule"], said["reason"]) == ("deny", "team/db#no-drops", "Nothing is dropped.")
    assert said["job_id"] == f"{denied}:job@1"
    assert said["policy_snapshot"]
    assert [one["id"] for one in said["remediations"]] == ["archive", "ask"]
    assert any("no-drops" in line for line in said["trace"])
    first = await got(door, f"/jobs/{denied}:job@1/decisions", limit=1)
    rest = await got(door, f"/jobs/{denied}:job@1/decisions", cursor=first["next_cursor"])
    assert first["items"] + rest["items"] == both


async def calling_back(door: Door, *, flow: str, waiting: str) -> None:
    answer = await door.client.post(f"{API}/jobs/{flow}:hold/cancel", json={})
    assert problem(answer) == (409, "not_cancellable")
    assert flow in answer.json()["detail"]
    answer = await door.client.post(f"{API}/jobs/{waiting}/cancel", json={"reason": "enough"})
    assert (answer.status_code, answer.json()["run_id"], answer.json()["status"]) == (200, waiting, "done")
    assert (await is_in(door, waiting, "cancelled"))["message"]
    assert problem(await door.client.post(f"{API}/jobs/{waiting}:job@1/cancel")) == (409, "run_ended")


async def doing_otherwise(door: Door, *, denied: str, echo: str) -> None:
    async def asked(job: str, **body: Any) -> httpx.Response:
        return await door.client.post(f"{API}/jobs/{job}/remediate", json=body)

    assert problem(await asked(denied)) == (422, "no_remediation"), "which of the two is not said"
    assert problem(await asked(denied, remediation="none")) == (422, "no_remediation")
    assert problem(await asked(echo)) == (422, "no_remediation")
    running_job = await started(door, "job.nobody")
    assert problem(await asked(running_job)) == (409, "job_goes_on")
    answer = await asked(denied, remediation="archive")
    assert answer.status_code == 201, answer.text
    instead = await got(door, f"/jobs/{answer.json()['run_id']}", after=answer.json()["position"])
    assert (instead["topic"], instead["input"]) == ("job.db.archive", {"n": 1})
    assert instead["labels"] == {"a": "b", "x": "y", "remediates": f"{denied}:job@1"}
    again = await asked(f"{denied}:job@1", remediation="archive")
    assert (again.status_code, again.json()["run_id"]) == (200, answer.json()["run_id"])


async def what_is_not_there(door: Door, echo: str) -> None:
    for job in ("run_nothing", f"{echo}:other", f"{echo}:job@2", f"{echo}:job@0", "run 1", "x" * 200):
        for path in (f"/jobs/{job}", f"/jobs/{job}/decisions"):
            assert problem(await door.client.get(f"{API}{path}")) == (404, "not_found"), path
    for asked in ("cancel", "remediate"):
        answer = await door.client.post(f"{API}/jobs/{echo}/{asked}", json={}, headers=OTHERS)
        assert problem(answer) == (404, "not_found")
    assert problem(await door.client.get(f"{API}/jobs/{echo}", headers=OTHERS)) == (404, "not_found")
    wrong: tuple[dict[str, str], ...] = ({"status": "gone"}, {"cursor": cursor_at("runs", [1, "x"])}, {"other": "x"})
    for given in wrong:
        assert problem(await door.client.get(f"{API}/jobs", params=given)) == (400, "invalid_parameter")
