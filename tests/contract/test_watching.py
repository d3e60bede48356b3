"""What waits, as `/metrics` of the service that knows it says: how much of what, for what, and how long the oldest."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
from prometheus_client.parser import text_string_to_metric_families

from foldgate.approval.main import SERVICE as APPROVAL
from foldgate.engine.main import SERVICE as ENGINE
from foldgate.policy_kernel.main import SERVICE as KERNEL
from foldgate.runtime.health import application, listen, serve
from foldgate.runtime.host import Host
from foldgate.runtime.metrics import GAUGES
from foldgate.scheduler.main import SERVICE as SCHEDULER
from foldgate.sdk.client import Client
from tests.contract.test_policy_changes import publish
from tests.contract.test_skeleton import a_worker
from tests.support.keys import ISSUER
from tests.support.logs import Opened
from tests.support.suite import running, settings, working
from tests.support.waiting import until

GIVEN = settings(positions_every_ms=50)
OTHERS = (ENGINE, SCHEDULER, APPROVAL)
TOLD = """
id: told
version: 1
steps:
  tell: {type: notify, message: "it begins"}
  work: {type: job, topic: job.echo, depends_on: [tell]}
"""
PLACED = """
id: placed
steps:
  work: {type: job, topic: job.echo, route: {pool: other}}
"""
ASKING = """
bundle: test/asking
default_decision: allow
rules:
  - {id: people, match: {topics: [job.asked]}, decision: require_approval}
  - {id: slowly, match: {topics: [job.slow]}, decision: throttle, throttle: {delay: 1h}}
"""
Scraped = dict[tuple[str, ...], float]


class Watch:
    """Somebody who looks at the metrics of these services, over the network."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def scraped(self, name: str, *labels: str) -> Scraped:
        """The values of a metric, by these labels."""
        text = (await self._client.get("/metrics")).raise_for_status().text
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return {tuple(one.labels[each] for each in labels): one.value for one in samples if one.name == name}

    async def waiting(self, service: str, wait: str) -> float:
        return (await self.scraped("foldgate_waiting", "service", "wait")).get((service, wait), 0)

    async def oldest(self, service: str, wait: str) -> float:
        return (await self.scraped("foldgate_waiting_oldest_seconds", "service", "wait"))[service, wait]

    async def pools(self, name: str) -> dict[str, float]:
        """Of each pool."""
        found = await self.scraped(f"foldgate_pool_{name}", "service", "pool")
        return {pool: value for (_, pool), value in found.items()}

    async def outcomes(self, service: str, outcome: str) -> float:
        found = await self.scraped("foldgate_outcomes_total", "service", "outcome")
        return found.get((service, outcome), 0)


@contextlib.asynccontextmanager
async def watching(hosts: list[Host]) -> AsyncIterator[Watch]:
    with contextlib.closing(listen("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        task = asyncio.create_task(serve(application({host.service.name: host for host in hosts}, None), listening))
        try:
            async with httpx.AsyncClient(base_url=url, timeout=30) as client:
                yield Watch(client)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def reaches(value: Callable[[], Awaitable[float]], wanted: float) -> Callable[[], Awaitable[bool]]:
    async def is_reached() -> bool:
        return await value() == wanted

    return is_reached


async def test_what_waits_for_the_kernel_is_seen_while_it_is_down(opened: Opened) -> None:
    async with opened() as log, running(log, services=OTHERS, given=GIVEN) as hosts, watching(hosts) as watch:
        client = Client(log, signer=ISSUER)
        async with running(log, services=(KERNEL,), given=GIVEN):
            await client.publish(TOLD)
            await client.run_job("job.echo")
            await until(reaches(lambda: watch.waiting("scheduler", "worker"), 1), what="a job without a worker")
        for number in range(3):
            await client.run_job("job.echo", {"n": number})
        await client.start("told", {})
        await until(reaches(lambda: watch.waiting("engine", "decision"), 3), what="three jobs without a decision")
        await until(reaches(lambda: watch.waiting("engine", "admission"), 1), what="a run that may not begin yet")
        assert await watch.waiting("engine", "report") == 4
        first = await watch.oldest("engine", "decision")
        assert await watch.oldest("engine", "decision") > first > 0
        async with running(log, services=(KERNEL,), given=GIVEN):
            await until(reaches(lambda: watch.waiting("engine", "decision"), 0), what="decisions on all jobs")
            await until(reaches(lambda: watch.waiting("scheduler", "worker"), 5), what="jobs without a worker")
            assert await watch.waiting("engine", "admission") == 0
            assert await watch.oldest("engine", "decision") == 0
            assert await watch.oldest("scheduler", "worker") > 0
            async with working(log, a_worker([])):
                await until(reaches(lambda: watch.waiting("engine", "report"), 0), what="the reports of all jobs")
                assert await watch.waiting("scheduler", "worker") == 0


async def test_what_waits_for_people_or_for_its_turn_is_seen(opened: Opened) -> None:
    async with opened() as log, running(log, given=GIVEN) as hosts, watching(hosts) as watch, asyncio.timeout(90):
        before = {name: await watch.outcomes("policy_kernel", name) for name in ("throttled", "approval_required")}
        await publish(log, ASKING)
        client = Client(log, principal="ada", signer=ISSUER)
        for topic in ("job.asked", "job.asked", "job.slow"):
            await client.run_job(topic)
        await until(reaches(lambda: watch.waiting("approval", "people"), 2), what="two open questions")
        await until(
            reaches(lambda: watch.waiting("policy_kernel", "throttle"), 1), what="a job that waits for its turn"
        )
        assert await watch.waiting("policy_kernel", "people") == 2
        assert await watch.oldest("approval", "people") > 0
        after = {name: await watch.outcomes("policy_kernel", name) for name in before}
        assert {name: after[name] - before[name] for name in before} == {"throttled": 1, "approval_required": 2}


async def test_writs_of_an_earlier_policy_are_counted(opened: Opened) -> None:
    async with opened() as log, running(log, given=GIVEN) as hosts, watching(hosts) as watch, asyncio.timeout(90):
        before = await watch.outcomes("scheduler", "writ_stale")
        client = Client(log, signer=ISSUER)
        asked = [await client.run_job("job.echo", {"n": number}) for number in range(2)]
        await until(reaches(lambda: watch.waiting("scheduler", "worker"), 2), what="two jobs without a worker")
        await publish(log, ASKING)
        async with working(log, a_worker([])):
            for one in asked:
                await client.ended(one.run_id)
            assert await watch.outcomes("scheduler", "writ_stale") == before + 2


async def test_each_pool_is_seen_and_no_longer_where_it_is_not_at_home(opened: Opened) -> None:
    async with opened() as log, running(log, given=GIVEN) as hosts, watching(hosts) as watch, asyncio.timeout(90):
        client = Client(log, signer=ISSUER)
        await client.publish(PLACED)
        await client.run_job("job.echo")
        await client.start("placed", {})
        await until(reaches(lambda: waiting_in(watch, "default"), 1), what="a job in one pool")
        await until(reaches(lambda: waiting_in(watch, "other"), 1), what="a job in the other")
        assert (await watch.pools("waiting_oldest_seconds"))["other"] > 0
        told = {
            name: (await watch.pools(name))["default"] for name in ("held", "room", "workers", "overloaded", "open")
        }
        assert told == {"held": 0, "room": 0, "workers": 0, "overloaded": 0, "open": 1}
        async with working(log, a_worker([])):
            await until(reaches(lambda: waiting_in(watch, "default"), 0), what="a job that is done")
            assert (await watch.pools("workers"))["default"] == 1
            assert (await watch.pools("room"))["default"] >= 1
        assert set(await watch.pools("held")) == {"default", "other"}
    for host in hosts:
        await host.measure()
    assert [sample for family in GAUGES["pool_held"].collect() for sample in family.samples] == [], "they are elsewhere"


async def waiting_in(watch: Watch, pool: str) -> float:
    return (await watch.pools("waiting")).get(pool, -1)
