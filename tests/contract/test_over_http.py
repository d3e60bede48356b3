"""The SDK's transport over HTTP: the same handlers, through a gateway."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest

from foldgate.contracts.events import JobDispatched, JobFailed, JobProgressed, JobSucceeded, WorkerBeat
from foldgate.eventlog.memory import MemoryLog
from foldgate.gateway.http import reports as door_for_reports
from foldgate.runtime.keys import Keys
from foldgate.sdk import Job, Worker, over_http
from foldgate.sdk.over_http import OverHttp
from foldgate.sdk.transport import Arrival, Hello, Report, SaidTooMuch, Unreachable, Unwelcome
from tests.contract.test_gateway import JOBS, ended, start
from tests.contract.test_gateway_workers import registered, suite
from tests.support.door import gateway, served
from tests.support.keys import TRUST
from tests.support.suite import settings, working


@pytest.mark.parametrize("trust", [None, TRUST], ids=["vouched for", "with root keys"])
async def test_the_sdk_works_over_http(postgres_url: str, trust: Any) -> None:
    worker = Worker("over-http", max_parallel=4, beat_every_ms=250, trust=trust)

    @worker.job("job.echo")
    async def echo(job: Job) -> Any:
        job.progress(50, "half")
        job.checkpoint({"at": 1})
        return {"said": job.input}

    async with suite(MemoryLog(), postgres_url) as door, served(door) as port:
        task = asyncio.create_task(worker.work_over(OverHttp(f"http://127.0.0.1:{port}")))
        runs = [(await start(door, key=f"k{number}")).json()["run_id"] for number in range(10)]
        for run in runs:
            shown = await ended(door, run)
            assert (shown["status"], shown["output"]) == ("succeeded", {"said": {"a": 1, "b": 2}})
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_trace_goes_on_by_each_way(postgres_url: str) -> None:
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    workers = {topic: Worker("traced", beat_every_ms=250, trust=TRUST) for topic in ("job.log", "job.http")}
    for topic, worker in workers.items():

        @worker.job(topic)
        async def traced(job: Job) -> str:
            return job.traceparent

    log = MemoryLog()
    async with suite(log, postgres_url) as door, served(door) as port, working(log, workers["job.log"]):
        task = asyncio.create_task(workers["job.http"].work_over(OverHttp(f"http://127.0.0.1:{port}")))
        plain = await registered(door, topics=["job.plain"])
        await plain.beat()
        for topic, key in (("job.log", "a"), ("job.http", "b"), ("job.plain", "c")):
            told = {"traceparent": given, "Idempotency-Key": key}
            run = (await door.client.post(JOBS, json={"topic": topic}, headers=told)).json()["run_id"]
            if topic == "job.plain":
                job = await plain.job()
                await plain.say(job, "complete", output=job["traceparent"])
            shown = await ended(door, run)
            assert (shown["status"], shown["output"]) == ("succeeded", given), topic
            again = {"traceparent": "00-" + 32 * "1" + given[35:], "Idempotency-Key": key}
            repeat = await door.client.post(JOBS, json={"topic": topic}, headers=again)
            assert (repeat.status_code, repeat.json()["run_id"]) == (200, run)
        for no_trace in ("00-none", "ff-" + given[3:]):
            run = (await door.client.post(JOBS, json={"topic": "job.log"}, headers={"traceparent": no_trace})).json()
            assert "traceparent" not in (await ended(door, run["run_id"]))["labels"]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_sdk_knows_who_cannot_be_reached_and_who_does_not_want_it() -> None:
    hello = Hello(name="n", endpoint="n/1", pool="default", max_parallel=1)
    for url, error in (("http://127.0.0.1:1", Unreachable), ("nonsense", Unwelcome)):
        transport = OverHttp(url)
        with pytest.raises(error):
            await transport.open(hello)
        await transport.close()


HELLO = Hello(name="n", endpoint="n/1", pool="default", max_parallel=1, topics=("job.echo",))


class Heard:
    """A transport to a gateway, and the status of each answer."""

    def __init__(self, port: int) -> None:
        self.transport, self.statuses = OverHttp(f"http://127.0.0.1:{port}"), list[int]()
        self.transport._client.event_hooks = {"response": [self._note]}

    async def _note(self, answer: httpx.Response) -> None:
        self.statuses.append(answer.status_code)

    async def say(self, arrival: Arrival, *events: Any) -> None:
        """Reports of that dispatch, together."""
        dispatch = arrival.event
        assert isinstance(dispatch, JobDispatched)
        await self.transport.report([Report(arrival.meta, dispatch, event, "") for event in events])


@contextlib.asynccontextmanager
async def given(postgres_url: str) -> AsyncIterator[tuple[Heard, Arrival, dict[str, Any], Any]]:
    """A transport whose worker was given a job; the names that its reports begin with; and how its run ends."""
    async with suite(MemoryLog(), postgres_url) as door, served(door) as port:
        heard = Heard(port)
        welcome = await heard.transport.open(HELLO)
        await heard.transport.beat(WorkerBeat(worker=welcome.endpoint, name="n", max_parallel=1, beat=1))
        run = (await start(door)).json()["run_id"]
        arrivals: Sequence[Arrival] = ()
        while not arrivals:
            arrivals = await heard.transport.next(1)
        dispatch = arrivals[0].event
        assert isinstance(dispatch, JobDispatched)
        names = {"job_id": dispatch.job.job_id, "lease": dispatch.lease, "worker": welcome.endpoint}
        yield heard, arrivals[0], names, lambda: ended(door, run)
        await heard.transport.close()


async def test_who_says_too_much_in_a_second_waits_as_long_as_he_is_told(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_for_reports, "A_SECOND", 2)
    monkeypatch.setattr(door_for_reports, "AT_ONCE", 3)
    async with given(postgres_url) as (heard, arrival, names, end):
        heard.statuses.clear()
        progress = [JobProgressed(**names, number=number, percent=number) for number in range(1, 5)]
        await heard.say(arrival, *progress, JobSucceeded(**names, output='"all"', began_at=1))
        assert heard.statuses.count(200) == 5, "all is said in the end"
        assert heard.statuses.count(429) >= 1
        assert (await end())["output"] == "all"


async def test_a_beat_is_not_sent_again(postgres_url: str) -> None:
    async with given(postgres_url) as (heard, _, names, _):
        heard.statuses.clear()

        async def beating() -> None:
            for number in range(2, 200):
                await heard.transport.beat(WorkerBeat(worker=names["worker"], name="n", max_parallel=1, beat=number))

        with pytest.raises(Unreachable, match="at most 5 beats"):
            await beating()
        assert heard.statuses.count(429) == 1


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ('"' + "x" * 300_000 + '"', "output_too_large"),
        ('"' + "x" * 2_000_000 + '"', "body_too_large"),
        ("[" * 80 + "]" * 80, "malformed_json"),
    ],
    ids=["an output", "a body", "nesting"],
)
async def test_what_the_gateway_never_takes_is_given_up_with_its_code(
    postgres_url: str, output: str, code: str
) -> None:
    async with given(postgres_url) as (heard, arrival, names, end):
        heard.statuses.clear()
        with pytest.raises(SaidTooMuch) as raised:
            await heard.say(arrival, JobProgressed(**names, number=1), JobSucceeded(**names, output=output, began_at=1))
        assert raised.value.code == code
        assert len(heard.statuses) == 2, "and is not sent again"
        await heard.say(arrival, JobFailed(**names, code=code, message=str(raised.value), retryable=False, began_at=1))
        assert (await end())["error"]["code"] == code


async def test_a_worker_lives_on_after_what_the_gateway_never_takes(postgres_url: str) -> None:
    worker = Worker("over-http", beat_every_ms=250)

    @worker.job("job.echo")
    async def nested(job: Job) -> Any:
        value: Any = job.input["a"]
        for _ in range(80 if job.input["a"] == 1 else 0):
            value = [value]
        return value

    async with suite(MemoryLog(), postgres_url) as door, served(door) as port:
        task = asyncio.create_task(worker.work_over(OverHttp(f"http://127.0.0.1:{port}")))
        deep = (await start(door)).json()["run_id"]
        assert (await ended(door, deep))["error"]["code"] == "malformed_json"
        flat = (await start(door, {"topic": "job.echo", "input": {"a": 2}})).json()["run_id"]
        assert (await ended(door, flat))["output"] == 2
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_gateway_that_can_do_nothing_is_asked_again_and_then_not(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(over_http, "MOST_TRIES", 2)
    log, trusting = MemoryLog(), settings(unsigned_requests="allow")
    async with gateway(log, postgres_url, given=trusting, keys=Keys.of(settings())) as door, served(door) as port:
        heard = Heard(port)
        with pytest.raises(Unreachable, match="keys of its suite"):
            await heard.transport.open(HELLO)
        assert heard.statuses == [503, 503]
        await heard.transport.close()


def test_a_code_that_the_door_does_not_take_is_in_the_message() -> None:
    failed = JobFailed(job_id="r:s@1", lease=1, worker="w", code="no luck\n", message="x" * 2000, retryable=True)
    said = over_http._failure(failed)
    assert (said["code"], said["message"][:11], len(said["message"])) == ("handler_failed", "no luck\n: x", 2000)
