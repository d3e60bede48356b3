"""The calls that newcomers are shown, as curl sends them: unchanged but for ids, against the two example workflows."""

from pathlib import Path
from typing import Any

from foldgate.eventlog.memory import MemoryLog
from foldgate.sdk import Fatal, Job, Worker
from tests.support.door import gateway
from tests.support.keys import TRUST
from tests.support.suite import running, working
from tests.support.waiting import until

API = "/api/v1"
EXAMPLES = Path(__file__).parents[2] / "examples"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
"""What curl says of `-d` unless it is told otherwise."""
TENANT = {"X-Tenant-ID": "default"}


class Incident:
    """A worker whose patch works only when it is tried again by somebody."""

    def __init__(self) -> None:
        self.works = False
        self.worker = Worker("sre", beat_every_ms=200, trust=TRUST)
        for topic in ("detect", "classify", "patch.plan", "patch.apply"):
            self.worker.job(f"job.incident.{topic}")(self.do)

    async def do(self, job: Job) -> Any:
        if job.topic.endswith("apply") and not self.works:
            raise Fatal("no_access", "The host cannot be reached.")
        return {"done": job.topic}


async def test_the_calls_of_the_examples_work_unchanged(postgres_url: str) -> None:
    log, incident = MemoryLog(), Incident()
    async with running(log), working(log, incident.worker), gateway(log, postgres_url) as door:
        for name in ("incident-remediation.yaml", "incident_triage_parallel.yaml"):
            published = await door.client.post(f"{API}/workflows", content=(EXAMPLES / name).read_bytes())
            assert published.status_code == 201, published.text

        async def post(path: str, content: str, **headers: str) -> Any:
            answer = await door.client.post(f"{API}{path}", content=content, headers={**FORM, **TENANT, **headers})
            assert answer.is_success, answer.text
            return answer.json()

        async def status(run: str) -> str:
            return str((await door.client.get(f"{API}/workflow-runs/{run}")).json().get("status"))

        key = {"Idempotency-Key": "run-incident-001"}
        run = (await post("/workflows/incident-remediation/runs", '{"input":{"incident_id":"INC-7781"}}', **key))[
            "run_id"
        ]
        gate = f"/workflows/incident-remediation/runs/{run}/steps/approval_gate/approve"

        async def is_asked() -> bool:
            return (await door.client.get(f"{API}/approvals/{run}:approval_gate")).is_success

        await until(is_asked, what="the question of the run")
        await post(gate, '{"approved": true}')

        async def has_failed() -> bool:
            return await status(run) == "failed"

        await until(has_failed, what="the end of the run")

        async def is_told() -> bool:
            timeline = (await door.client.get(f"{API}/workflow-runs/{run}/timeline?limit=200")).json()
            return {"VoteRecorded", "RunFailed"} <= {event["type"] for event in timeline["items"]}

        await until(is_told, what="the vote and the end in the timeline")
        incident.works = True
        again = (await post(f"/workflow-runs/{run}/rerun", '{"from_step":"apply_patch","dry_run":false}'))["run_id"]

        async def has_succeeded() -> bool:
            return await status(again) == "succeeded"

        await until(has_succeeded, what="the new run")
        triage, body = (
            "/workflows/incident_triage_parallel/runs",
            '{"incident_id":"INC-4821","summary":"p95 latency up 4x"}',
        )
        twice = {"Idempotency-Key": "triage-2026-04-01-001"}
        first, second = await post(triage, body, **twice), await post(triage, body, **twice)
        assert first["run_id"] == second["run_id"]
