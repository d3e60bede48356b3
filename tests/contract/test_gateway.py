"""The gateway: a request is answered by its owner's verdict, and what it has changed can be read."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from foldgate.contracts.codec import Codec
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import INTAKE
from foldgate.engine.runs.turn import MAX_CARRIED_BYTES
from foldgate.eventlog.log import Log
from foldgate.eventlog.memory import MemoryLog
from foldgate.gateway.http.app import Gateway
from foldgate.sdk import Fatal, Job, Worker
from foldgate.sdk.client import Client
from tests.support.door import Door, gateway
from tests.support.keys import ISSUER, TRUST
from tests.support.logs import Opened
from tests.support.suite import running, settings, working
from tests.support.waiting import until

JOBS, RUNS = "/api/v1/jobs", "/api/v1/workflow-runs"
ECHO = {"topic": "job.echo", "input": {"b": 2, "a": 1}, "labels": {"team": "sre"}}


def a_worker() -> Worker:
    worker = Worker("test", beat_every_ms=200, trust=TRUST)

    @worker.job("job.echo")
    async def echo(job: Job) -> Any:
        return {"said": job.input}

    @worker.job("job.broken")
    async def broken(job: Job) -> Any:
        raise Fatal("no_luck", f"{job.topic} never works")

    return worker


@contextlib.asynccontextmanager
async def suite(opened: Opened, url: str) -> AsyncIterator[tuple[Log, Door]]:
    async with opened() as log, running(log), gateway(log, url) as door, asyncio.timeout(90):
        yield log, door


async def start(door: Door, body: Any = ECHO, *, key: str | None = None, tenant: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": key, "X-Tenant-ID": tenant}
    return await door.client.post(JOBS, json=body, headers={k: v for k, v in headers.items() if v is not None})


async def ended(door: Door, run_id: str) -> dict[str, Any]:
    """The run once it has ended."""
    seen: dict[str, Any] = {}

    async def is_over() -> bool:
        answer = await door.client.get(f"{RUNS}/{run_id}")
        seen.clear()
        seen.update(answer.json())
        return answer.status_code == 200 and seen["ended_at"] is not None

    await until(is_over, what="the end of a run")
    return seen


def problem(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and field of a problem."""
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["type"] == f"urn:foldgate:problem:{document['code']}"
    assert document["title"]
    assert document["detail"].endswith((".", "?")), document["detail"]
    return answer.status_code, document["code"], document.get("field", "")


async def test_a_job_is_started_and_shown(opened: Opened, postgres_url: str) -> None:
    async with suite(opened, postgres_url) as (log, door):
        answer = await start(door)
        assert answer.status_code == 201
        begun = answer.json()
        assert begun["status"] == "running"
        where = answer.headers["location"]
        assert where == f"{RUNS}/{begun['run_id']}"
        seen = await door.client.get(where, params={"after": begun["position"]})
        assert seen.status_code == 200, "what was written can be read"
        assert seen.json()["status"] == "running"
        async with working(log, a_worker()):
            shown = await ended(door, begun["run_id"])
        times = (shown.pop("started_at"), shown.pop("ended_at"))
        assert all(time.endswith("Z") for time in times)
        assert times[0] <= times[1]
        (step,) = shown.pop("steps")
        assert (step["step"], step["status"], step["attempts"], shown.pop("more_steps")) == (
            "job",
            "succeeded",
            1,
            False,
        )
        assert shown == {
            "run_id": begun["run_id"],
            "workflow": "job",
            "version": "",
            "digest": "",
            "kind": "job",
            "topic": "job.echo",
            "status": "succeeded",
            "principal": "local",
            "labels": {"team": "sre"},
            "input": {"a": 1, "b": 2},
            "output": {"said": {"a": 1, "b": 2}},
            "error": None,
            "compensation": "none",
        }


async def test_a_failure_is_shown_with_its_code(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log), working(log, a_worker()), gateway(log, postgres_url) as door:
        begun = (await start(door, {"topic": "job.broken"})).json()
        shown = await ended(door, begun["run_id"])
        assert shown["error"] == {"code": "no_luck", "message": "job.broken never works", "step": "job"}
        assert (shown["status"], shown["output"]) == ("failed", None)


async def test_the_same_key_is_the_same_run_and_another_body_a_conflict(opened: Opened, postgres_url: str) -> None:
    respelt = {"labels": {"team": "sre"}, "input": {"a": 1, "b": 2}, "topic": "job.echo", "kind": "job"}
    async with opened() as log, running(log), asyncio.timeout(90):
        async with gateway(log, postgres_url) as door:
            first = await start(door, key="k")
            again = await start(door, respelt, key="k")
            other = await start(door, {"topic": "job.echo"}, key="k")
            assert (first.status_code, again.status_code) == (201, 200)
            assert again.json()["run_id"] == first.json()["run_id"]
            assert problem(other) == (409, "idempotency_conflict", "Idempotency-Key")
            assert other.json()["run_id"] == first.json()["run_id"]
            async with working(log, a_worker()):
                await ended(door, first.json()["run_id"])
        async with gateway(log, postgres_url) as door:
            late = await start(door, respelt, key="k")
            assert (late.status_code, late.json()["status"]) == (200, "succeeded")
            assert problem(await start(door, {"topic": "job.echo"}, key="k"))[:2] == (409, "idempotency_conflict")


async def test_of_many_at_once_with_one_key_one_starts_the_run(opened: Opened, postgres_url: str) -> None:
    async with suite(opened, postgres_url) as (_, door):
        for key in ("k1", "k2", "k3"):
            same = [start(door, key=key) for _ in range(8)]
            differing = [start(door, {"topic": f"job.{n}"}, key=key) for n in range(2)]
            answers = await asyncio.gather(*same, *differing)
            codes = sorted(answer.status_code for answer in answers)
            winner = next(answer for answer in answers if answer.status_code == 201)
            assert {answer.json()["run_id"] for answer in answers} == {winner.json()["run_id"]}
            assert codes in ([200] * 7 + [201] + [409] * 2, [201] + [409] * 9), "whoever came first, one body wins"


async def test_without_a_key_every_request_is_a_run(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url) as door:
        answers = await asyncio.gather(*(start(door) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["run_id"] for answer in answers}) == 20


async def test_a_refusal_is_the_engines_word(opened: Opened, postgres_url: str) -> None:
    large = {"topic": "job.echo", "input": "x" * MAX_CARRIED_BYTES}
    async with suite(opened, postgres_url) as (_, door):
        assert problem(await start(door, {"topic": ""})) == (422, "no_topic", "topic")
        refused = await start(door, large, key="k")
        assert problem(refused) == (413, "too_large", "input")
        again = await start(door, large, key="k")
        assert problem(again) == (413, "too_large", "input")
        assert "use another one" in again.json()["detail"]
        shown = await door.client.get(f"{RUNS}/{refused.json()['run_id']}")
        assert shown.json()["status"] == "refused"
        assert shown.json()["error"]["code"] == "too_large"


async def test_a_later_refusal_does_not_change_the_run(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url) as door, asyncio.timeout(60):
        begun = (await start(door, key="k", tenant="acme")).json()
        await Client(log, tenant="acme", signer=ISSUER).run_job(
            "job.other", idempotency_key="k", request_id="conflicting"
        )
        number = int(begun["position"].partition("-")[2].partition(":")[0])
        refusal = await record_of(log, Partition("runs", number), "conflicting")
        run, after = f"{RUNS}/{begun['run_id']}", {"after": f"runs-{number}:{refusal}"}
        shown = await door.client.get(run, params=after, headers={"X-Tenant-ID": "acme"})
        assert (shown.json()["status"], shown.json()["error"]) == ("running", None)


async def record_of(log: Log, partition: Partition, request_id: str) -> int:
    """Where the answer to a request lies."""
    found: list[int] = []

    async def is_there() -> bool:
        records = [record async for chunk in log.read(partition, 0) for record in chunk if record.key]
        found[:] = [r.offset for r in records if Codec().meta(r.value).request_id == request_id]
        return bool(found)

    await until(is_there, what="an answer to a request")
    return found[0]


async def test_without_an_engine_the_answer_says_where_the_request_lies(
    opened: Opened, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foldgate.gateway.http.asking.VERDICT_WITHIN_S", 0.3)
    monkeypatch.setattr("foldgate.gateway.http.runs.CAUGHT_UP_WITHIN_S", 0.3)
    async with opened() as log, gateway(log, postgres_url) as door, asyncio.timeout(90):
        answer = await start(door, key="k")
        assert answer.status_code == 202
        waiting = answer.json()
        assert waiting["status"] == "accepted"
        stream, _, offset = waiting["position"].rpartition(":")
        found = await record_at(log, stream, int(offset))
        assert found == waiting["request_id"]
        run, after = answer.headers["location"], {"after": waiting["position"]}
        assert problem(await door.client.get(run)) == (404, "not_found", "run_id")
        assert problem(await door.client.get(run, params=after)) == (503, "not_yet", "after")
        async with running(log):
            await until(lambda: is_there(door, run, after), what="the run to be there after all")
        again = await start(door, key="k")
        assert (again.status_code, again.json()["run_id"]) == (200, waiting["run_id"])


async def record_at(log: Log, partition: str, offset: int) -> str:
    """The request id of the record at that place of `intake`."""
    stream, _, number = partition.rpartition("-")
    assert stream == INTAKE.name
    (record,) = [record async for chunk in log.read(Partition(stream, int(number)), offset) for record in chunk]
    assert record.offset == offset
    return Codec().meta(record.value).request_id


async def is_there(door: Door, run: str, after: dict[str, str]) -> bool:
    return (await door.client.get(run, params=after)).status_code == 200


async def test_tenants_do_not_see_one_another(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url) as door:
        mine, theirs = await start(door, key="k", tenant="acme"), await start(door, key="k", tenant="other")
        assert (mine.status_code, theirs.status_code) == (201, 201)
        assert mine.json()["run_id"] != theirs.json()["run_id"]
        place, after = mine.headers["location"], {"after": mine.json()["position"]}
        seen = {
            tenant: await door.client.get(place, params=after, headers={"X-Tenant-ID": tenant})
            for tenant in ("acme", "other", "default")
        }
        assert seen["acme"].status_code == 200
        assert problem(seen["other"]) == problem(seen["default"]) == (404, "not_found", "run_id")
        nothing = await door.client.get(f"{RUNS}/run_nothing", headers={"X-Tenant-ID": "other"})
        assert seen["other"].json()["detail"] == nothing.json()["detail"].replace(
            "run_nothing", mine.json()["run_id"]
        ), "nothing tells what is another's from what is not there"


async def test_a_position_that_is_not_reached_in_time_is_said_to_be(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foldgate.gateway.http.runs.CAUGHT_UP_WITHIN_S", 0.1)
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url) as door:
        place = (await start(door)).headers["location"]
        answer = await door.client.get(place, params={"after": "runs-0:1000000"})
        assert problem(answer) == (503, "not_yet", "after")
        assert answer.headers["retry-after"] == "1"


async def test_status_says_how_far_the_read_models_are_behind(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url) as door:
        begun = await start(door)
        await door.client.get(begun.headers["location"], params={"after": begun.json()["position"]})

        async def caught_up() -> bool:
            answer = await door.client.get("/api/v1/status")
            shown = answer.json()
            return shown["suite"] == "foldgate" and set(shown["read_models"].values()) == {0}

        await until(caught_up, what="the read models to catch up")
        projector = door.host._projections.projectors["runs"]
        assert projector.shown_at > 0

        async def sees_all() -> bool:
            return await measured(door, "runs") == (0, 0)

        await until(sees_all, what="nothing to be unseen, which is no time behind")
        shown = (await door.client.get("/api/v1/status")).json()
        assert shown["behind_seconds"].keys() == shown["read_models"].keys()
        assert shown["behind_seconds"]["runs"] == 0
        projector._reached.clear()
        behind, seconds = await measured(door, "runs")
        assert behind > 0
        assert seconds >= 0


class Asked(MemoryLog):
    """Remembers of which partitions the end was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Partition] = []

    async def end(self, partition: Partition) -> int:
        self.asked.append(partition)
        return await super().end(partition)


async def test_the_status_asks_for_the_end_of_each_partition_once(postgres_url: str) -> None:
    log = Asked()
    async with gateway(log, postgres_url) as door:
        log.asked.clear()
        answer = await door.client.get("/api/v1/status")
        assert set(answer.json()["read_models"]) == set(door.host._projections.projectors)
        assert len(set(log.asked)) == len(log.asked) > 0


async def measured(door: Door, projection: str) -> tuple[float, float]:
    """How far a read model is behind, in records and in seconds, as the metrics say."""
    lines = (await door.client.get("/metrics")).text.splitlines()
    labels = f'{{projection="{projection}",service="gateway"}} '
    names = ("foldgate_read_model_behind", "foldgate_read_model_behind_seconds")
    first, second = (
        float(line.rpartition(" ")[2]) for name in names for line in lines if line.startswith(name + labels)
    )
    return first, second


async def test_nobody_is_waited_for_longer_than_he_waits(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foldgate.gateway.http.asking.VERDICT_WITHIN_S", 0.05)
    log = MemoryLog()
    async with gateway(log, postgres_url) as door:
        answers = await asyncio.gather(*(start(door, key=f"k{n % 3}") for n in range(9)))
        assert {answer.status_code for answer in answers} == {202}
        assert isinstance(door.host.app, Gateway)
        assert door.host.app.verdicts.waiting == 0
        assert door.host.app.verdicts._waiting == {}


async def test_more_than_the_log_should_take_at_once_is_told_to_wait(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foldgate.gateway.http.asking.VERDICT_WITHIN_S", 0.5)
    async with gateway(MemoryLog(), postgres_url, given=settings(max_in_flight=2)) as door:
        answers = await asyncio.gather(*(start(door) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [202, 202, 429]
        (late,) = (answer for answer in answers if answer.status_code == 429)
        assert problem(late)[1] == "overloaded"
        assert late.headers["retry-after"] == "1"
        assert isinstance(door.host.app, Gateway)
        expected = door.host.app.verdicts.expected
        with expected("a", "1"), expected("a", "2"), expected("a", "3", is_urgent=True) as waiting:
            assert not waiting.done(), "what people say is not held up"
