"""Dead letters over HTTP, on every driver: found, shown, tried again by a new run, discarded, and settled once."""

from typing import Any

import httpx

from foldgate.sdk import Fatal, Job, Worker
from tests.support.door import Door, gateway
from tests.support.keys import TRUST
from tests.support.logs import Opened
from tests.support.suite import running, working
from tests.support.waiting import until

DLQ = "/api/v1/dlq"


async def fail(job: Job) -> Any:
    del job
    raise Fatal("no_disk", "The disk is full.")


async def listed(door: Door, **asked: Any) -> list[dict[str, Any]]:
    answer = await door.client.get(DLQ, params=asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_letters_are_found_and_settled_once(opened: Opened, postgres_url: str) -> None:
    worker = Worker("test", beat_every_ms=200, trust=TRUST)
    worker.job("job.x")(fail)
    async with opened() as log, running(log), working(log, worker), gateway(log, postgres_url) as door:
        for number in range(2):
            asked = await door.client.post("/api/v1/jobs", json={"topic": "job.x", "input": number})
            assert asked.status_code == 201, asked.text

        async def are_there() -> bool:
            return len(await listed(door, status="open")) == 2

        await until(are_there, what="two dead letters")
        newer, older = await listed(door)
        first = (await door.client.get(DLQ, params={"limit": 1})).json()
        assert first["items"] == [newer]
        assert await listed(door, limit=1, cursor=first["next_cursor"]) == [older]
        assert await listed(door, topic="job.y") == await listed(door, status="retried") == []
        assert (newer["code"], newer["message"], newer["status"]) == ("no_disk", "The disk is full.", "open")
        assert code(await door.client.get(DLQ, params={"status": "gone"})) == (400, "invalid_parameter")
        shown = (await door.client.get(f"{DLQ}/{newer['id']}")).json()
        assert (shown["ended"], shown["kind"]) == ("failed", "job")
        for nobodys in (f"{newer['id']}x", "x", "%00"):
            assert code(await door.client.get(f"{DLQ}/{nobodys}")) == (404, "not_found")

        retried = await door.client.post(f"{DLQ}/{newer['id']}/retry", json={"reason": "repaired"})
        assert (retried.status_code, retried.json()["status"]) == (200, "retried"), retried.text
        run = f"/api/v1/workflow-runs/{retried.json()['new_run']}"

        async def has_begun() -> bool:
            return (await door.client.get(run)).is_success

        await until(has_begun, what="the new run in the read model")
        assert (await door.client.get(run)).json()["input"] == shown["input"]
        assert code(await door.client.post(f"{DLQ}/{newer['id']}/retry")) == (409, "already_retried")
        discarded = await door.client.delete(f"{DLQ}/{older['id']}")
        assert discarded.json() == {"id": older["id"], "status": "discarded", "new_run": None}
        assert code(await door.client.delete(f"{DLQ}/{older['id']}")) == (409, "already_discarded")

        async def is_shown() -> bool:
            one = (await door.client.get(f"{DLQ}/{newer['id']}")).json()
            return (one["status"], one["new_run"]) == ("retried", retried.json()["new_run"])

        await until(is_shown, what="the retry in the read model")
