"""Workers over HTTP, without any SDK: a job reaches its end, whoever comes and goes meanwhile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from foldgate.authority.token import is_genuine
from foldgate.contracts.codec import Codec
from foldgate.contracts.events import Event, JobFailed, JobProgressed
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import REPORTS
from foldgate.eventlog.log import Log
from foldgate.eventlog.memory import MemoryLog
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.workers import suite_keys
from foldgate.runtime.clock import SystemClock
from foldgate.runtime.keys import Keys
from tests.contract.test_gateway import ended, problem, start
from tests.support.door import Door, gateway, served
from tests.support.keys import SUITE_KEY
from tests.support.logs import Opened
from tests.support.suite import context, running, settings
from tests.support.waiting import until

API = "/api/v1"


class Plain:
    """A worker without any SDK."""

    def __init__(self, client: httpx.AsyncClient, registered: dict[str, Any]) -> None:
        self._client = client
        self.id, self.token = registered["worker"], registered["token"]

    async def beat(self, **said: Any) -> httpx.Response:
        return await post(self._client, f"workers/{self.id}/heartbeat", **{"token": self.token, **said})

    async def lease(self, **said: Any) -> httpx.Response:
        return await post(self._client, f"workers/{self.id}/lease", **{"token": self.token, "wait": 20, **said})

    async def job(self) -> dict[str, Any]:
        """The next job that it is given."""
        found = (await self.lease()).json()
        [job] = found["jobs"]
        assert isinstance(job, dict)
        return job

    async def say(self, job: dict[str, Any], verb: str, **said: Any) -> httpx.Response:
        return await post(self._client, f"jobs/{job['job_id']}/{verb}", **{"token": job["lease_token"], **said})


async def post(client: httpx.AsyncClient, path: str, /, **body: Any) -> httpx.Response:
    return await client.post(f"{API}/{path}", json=body)


async def registered(door: Door, name: str = "plain", **said: Any) -> Plain:
    answer = await post(door.client, "workers", **{"name": name, "topics": ["job.echo"], **said})
    assert answer.status_code == 201, answer.text
    return Plain(door.client, answer.json())


@contextlib.asynccontextmanager
async def suite(log: Log, url: str, *, within_s: float = 90) -> AsyncIterator[Door]:
    async with running(log), gateway(log, url) as door, asyncio.timeout(within_s):
        yield door


@contextlib.asynccontextmanager
async def holding(url: str, *, within_s: float = 90) -> AsyncIterator[tuple[Door, Plain, dict[str, Any], str]]:
    """A worker that holds a job of a run."""
    async with suite(MemoryLog(), url, within_s=within_s) as door:
        plain = await registered(door)
        assert (await plain.beat()).json()["known"]
        run = (await start(door)).json()["run_id"]
        yield door, plain, await plain.job(), run


async def reported(log: Log) -> list[Event]:
    """All reports so far, at least one."""
    partitions = [Partition(REPORTS.name, number) for number in range(REPORTS.partitions)]
    follower = log.follow(dict.fromkeys(partitions, 0))
    records = await follower.next(timeout_ms=10_000)
    await follower.close()
    return [Codec().decode(record.value)[1] for record in records]


async def test_a_job_is_fetched_begun_and_completed(opened: Opened, postgres_url: str) -> None:
    async with opened() as log, suite(log, postgres_url) as door:
        plain = await registered(door)
        await plain.beat()
        run = (await start(door)).json()["run_id"]
        job = await plain.job()
        assert (job["topic"], job["input"], job["attempt"]) == ("job.echo", {"a": 1, "b": 2}, 1)
        assert job["idempotency_key"] == f"{run}:job"
        assert job["writ"]["job_id"] == job["job_id"]
        assert job["traceparent"].startswith("00-")
        assert job["record"] == ""
        assert (await plain.beat(holding=[job["lease"]])).json()["called_back"] == []
        for verb, said in (
            ("start", {}),
            ("progress", {"percent": 50, "message": "half"}),
            ("complete", {"output": 7}),
        ):
            answer = await plain.say(job, verb, **said)
            assert answer.status_code == 200, answer.text
            assert answer.json()["status"] == "reported"
        shown = await ended(door, run)
        assert (shown["status"], shown["output"]) == ("succeeded", 7)


async def test_what_workers_say_is_not_held_back_while_much_is_under_way(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url, given=settings(max_in_flight=1)) as door, asyncio.timeout(90):
        plain = await registered(door)
        await plain.beat()
        run = (await start(door)).json()["run_id"]
        app: Any = door.host.app
        with app.verdicts.expected("run_1", "somebody"):
            assert problem(await start(door))[:2] == (429, "overloaded")
            job = await plain.job()
            said = [await plain.beat(holding=[job["lease"]]), await plain.say(job, "start")]
            said.append(await plain.say(job, "complete", output=7))
            assert [answer.status_code for answer in said] == [200, 200, 200]
        assert (await ended(door, run))["output"] == 7


async def test_ids_may_be_plain_or_encoded(postgres_url: str) -> None:
    async with holding(postgres_url) as (door, plain, job, run), served(door) as port:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            for worker in (plain.id, quote(plain.id, safe="")):
                answer = await post(client, f"workers/{worker}/heartbeat", token=plain.token, holding=[job["lease"]])
                assert answer.status_code == 200, answer.text
            for name in (job["job_id"], quote(job["job_id"], safe="")):
                answer = await post(client, f"jobs/{name}/progress", token=job["lease_token"])
                assert answer.status_code == 200, answer.text
            odd = "run_1:a[0][1].x@2"
            for name in (odd, quote(odd, safe="")):
                refused = await post(client, f"jobs/{name}/start", token=job["lease_token"])
                assert problem(refused) == (403, "wrong_lease_token", "token")
                assert odd in refused.json()["detail"]
        await plain.say(job, "complete")
        await ended(door, run)


async def test_a_token_in_a_header_will_do(postgres_url: str) -> None:
    async with holding(postgres_url) as (door, plain, job, run):
        path, headers = f"{API}/workers/{plain.id}/heartbeat", {"X-Worker-Token": plain.token}
        assert (await door.client.post(path, json={}, headers=headers)).status_code == 200
        path, headers = f"{API}/jobs/{job['job_id']}/complete", {"X-Lease-Token": job["lease_token"]}
        assert (await door.client.post(path, json={}, headers=headers)).status_code == 200
        assert (await ended(door, run))["output"] is None


async def test_a_failure_keeps_its_code(postgres_url: str) -> None:
    async with holding(postgres_url) as (door, plain, job, run):
        answer = await plain.say(job, "fail", code="no_luck", message="It never works.", retryable=False)
        assert answer.status_code == 200
        assert (await ended(door, run))["error"]["code"] == "no_luck"


async def test_a_failure_that_is_to_wait_is_tried_again_no_sooner(postgres_url: str) -> None:
    log = MemoryLog()
    async with suite(log, postgres_url) as door:
        plain = await registered(door)
        await plain.beat()
        await start(door)
        job = await plain.job()
        for wrong in (-1, 86_400_001, "1s"):
            refused = await plain.say(job, "fail", retry_after_ms=wrong)
            assert problem(refused) == (422, "invalid_body", "retry_after_ms")
        assert (await plain.say(job, "fail", code="HTTP-503", retry_after_ms=7000)).status_code == 200
        failed = (await reported(log))[-1]
        assert isinstance(failed, JobFailed)
        assert (failed.code, failed.retry_after_ms, is_genuine([SUITE_KEY], failed)) == ("HTTP-503", 7000, True)


async def test_the_next_attempt_goes_on_from_the_checkpoint(postgres_url: str) -> None:
    async with holding(postgres_url) as (door, plain, job, run):
        await plain.say(job, "progress", checkpoint={"row": 7})
        await plain.say(job, "fail", code="worker_leaving")
        again = await plain.job()
        assert (again["attempt"], again["resume"]) == (2, {"row": 7})
        await plain.say(again, "complete", output=again["resume"]["row"])
        assert (await ended(door, run))["output"] == 7


async def test_a_checkpoint_is_on_the_report(postgres_url: str) -> None:
    log = MemoryLog()
    async with suite(log, postgres_url) as door:
        plain = await registered(door)
        await plain.beat()
        await start(door)
        job = await plain.job()
        assert job["resume"] is None
        answer = await plain.say(job, "progress", percent=10, checkpoint={"row": 7, "b": [1]}, number=1)
        assert answer.status_code == 200
        progressed = (await reported(log))[-1]
        assert isinstance(progressed, JobProgressed)
        assert (progressed.checkpoint, progressed.percent) == ('{"b":[1],"row":7}', 10)
        assert is_genuine([SUITE_KEY], progressed)


async def test_what_is_called_back_is_told_at_the_beat_and_to_who_waits(postgres_url: str) -> None:
    async with holding(postgres_url) as (door, plain, job, run):
        waiting = asyncio.create_task(plain.lease(n=0))
        await post(door.client, f"workflow-runs/{run}/cancel", reason="enough")
        [told] = (await waiting).json()["called_back"]
        assert (told["job_id"], told["lease"], told["reason"]) == (job["job_id"], job["lease"], "cancelled")
        [told] = (await plain.beat(holding=[job["lease"]])).json()["called_back"]
        assert told["lease"] == job["lease"]
        refused = await plain.say(job, "start")
        assert problem(refused)[:2] == (409, "lease_over")
        answer = await plain.say(job, "fail", code="cancelled", retryable=False)
        assert answer.json()["called_back"]
        assert (await ended(door, run))["status"] == "cancelled"


async def test_who_leaves_hands_back_what_it_never_fetched(postgres_url: str) -> None:
    log = MemoryLog()
    async with suite(log, postgres_url) as door:
        plain = await registered(door)
        await plain.beat()
        await start(door)
        seat = door.host.app._seats.known(plain.id)  # type: ignore[union-attr]
        await until(lambda: bool(seat._waiting), what="a dispatch")
        await plain.beat(leaving=True)
        assert (await plain.lease(wait=0)).json()["jobs"] == []
        [report] = await reported(log)
        assert isinstance(report, JobFailed)
        assert (report.code, report.began_at, is_genuine([SUITE_KEY], report)) == ("worker_leaving", 0, True)


class Paused(SystemClock):
    """A clock on which time can pass at once."""

    def __init__(self) -> None:
        self.passed = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.passed

    def monotonic_ms(self) -> int:
        return super().monotonic_ms() + self.passed


async def test_who_was_silent_for_a_lease_begins_nothing_he_was_given_before(postgres_url: str) -> None:
    log, clock = MemoryLog(), Paused()
    async with running(log), gateway(log, postgres_url, clock=clock) as door, asyncio.timeout(90):
        plain = await registered(door)
        await plain.beat()
        await start(door)
        job = await plain.job()
        clock.passed += 13_000
        assert problem(await plain.say(job, "start"))[:2] == (409, "lease_over")
        assert not (await plain.beat(holding=[job["lease"]])).json()["known"]
        assert (await plain.beat()).json()["known"]
        assert problem(await plain.say(job, "start"))[:2] == (409, "lease_over"), (
            "that it beats again gives nothing back"
        )
        assert (await plain.say(job, "complete")).status_code == 200, "a late report is on the record"


async def test_secrets_in_reports_are_taken_out(postgres_url: str) -> None:
    secret = "ghp_" + "a1B2" * 9
    async with holding(postgres_url) as (door, plain, job, run):
        await plain.say(job, "progress", checkpoint={"key": secret}, message=secret)
        await plain.say(job, "complete", output={"key": secret})
        assert secret not in str(await ended(door, run))


async def test_openapi_shows_the_routes(postgres_url: str) -> None:
    async with gateway(MemoryLog(), postgres_url) as door:
        paths = (await door.client.get("/openapi.json")).json()["paths"]
    assert {f"{API}/workers", f"{API}/workers/{{worker}}/heartbeat", f"{API}/workers/{{worker}}/lease"} <= paths.keys()
    assert {
        f"{API}/jobs/{{job}}/{verb}" for verb in ("start", "progress", "complete", "fail", "breach")
    } <= paths.keys()


async def test_who_waits_and_goes_away_is_given_nothing(postgres_url: str) -> None:
    async with suite(MemoryLog(), postgres_url) as door, served(door) as port:
        plain = await registered(door)
        await plain.beat()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            gone = asyncio.create_task(Plain(client, {"worker": plain.id, "token": plain.token}).lease(wait=30))
            seat = door.host.app._seats.known(plain.id)  # type: ignore[union-attr]
            await until(lambda: seat.polls == 1, what="somebody who waits")
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        await until(lambda: seat.polls == 0, what="nobody to wait")
        await start(door)
        assert (await plain.job())["attempt"] == 1


async def test_who_waits_is_let_go_when_the_gateway_ends(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url) as door:
        plain = await registered(door)
        await plain.beat()
        waiting = asyncio.create_task(plain.lease(wait=30))
        seat = door.host.app._seats.known(plain.id)  # type: ignore[union-attr]
        await until(lambda: seat.polls == 1, what="somebody who waits")
        door.host.app._seats.is_closed = True  # type: ignore[union-attr]
        seat.wake()
        async with asyncio.timeout(10):
            assert (await waiting).json() == {"jobs": [], "called_back": []}


async def test_a_gateway_that_begins_anew_knows_its_workers(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log):
        async with gateway(log, postgres_url) as door:
            plain = await registered(door)
            await plain.beat()
            run = (await start(door)).json()["run_id"]
            job = await plain.job()
        async with gateway(log, postgres_url) as door:
            again = Plain(door.client, {"worker": plain.id, "token": plain.token})
            assert (await again.beat(holding=[job["lease"]])).json()["known"]
            assert (await again.say(job, "complete", output="kept")).status_code == 200
            assert (await ended(door, run))["output"] == "kept"


async def test_what_a_gateway_took_with_it_goes_to_others(postgres_url: str) -> None:
    log, short = MemoryLog(), settings(lease_ms=2000)
    async with running(log, given=short), asyncio.timeout(90):
        async with gateway(log, postgres_url, given=short) as door:
            plain = await registered(door)
            await plain.beat()
            run = (await start(door)).json()["run_id"]
            seat = door.host.app._seats.known(plain.id)  # type: ignore[union-attr]
            await until(lambda: bool(seat._waiting), what="a dispatch")
        async with gateway(log, postgres_url, given=short) as door:
            again = Plain(door.client, {"worker": plain.id, "token": plain.token})
            jobs: list[dict[str, Any]] = []

            async def fetched() -> bool:
                await again.beat()
                jobs.extend((await again.lease(wait=0.5)).json()["jobs"])
                return bool(jobs)

            await until(fetched, what="the job once more")
            assert jobs[0]["attempt"] == 2
            await again.say(jobs[0], "complete", output="late")
            assert (await ended(door, run))["output"] == "late"


def test_a_gateway_without_keys_says_so() -> None:
    with pytest.raises(Problem, match="FOLDGATE_KEYS") as raised:
        suite_keys(context("gateway", MemoryLog(), keys=Keys.of(settings())))
    assert (raised.value.code, raised.value.kind.status) == ("no_keys", 503)
