"""The built-in worker on every driver, and over HTTP: workflows whose steps are requests and scripts."""

import asyncio
import ipaddress
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from foldgate.contracts.events import ConstraintBreached, Event, JobDispatched, RunFailed, RunSucceeded
from foldgate.eventlog.memory import MemoryLog
from foldgate.sdk import Worker
from foldgate.sdk.builtin.offer import builtin_worker
from foldgate.sdk.builtin.requests import HttpTerms
from foldgate.sdk.builtin.scripts import ScriptTerms
from foldgate.sdk.client import Client
from foldgate.sdk.over_http import OverHttp
from tests.contract.test_gateway import ended, start
from tests.contract.test_gateway_workers import suite
from tests.contract.test_policy_changes import publish
from tests.support.door import served
from tests.support.history import history_of
from tests.support.keys import ISSUER, TRUST
from tests.support.logs import Opened
from tests.support.suite import running, working
from tests.support.web import Web, response, web

EXAMPLE = Path(__file__).parents[2] / "examples" / "builtin"
ORDERS = [{"currency": "EUR", "amount": 5}, {"currency": "USD", "amount": 7}, {"currency": "EUR", "amount": 1}]
TOTALS = {"EUR": 6, "USD": 7}


@pytest.fixture
def site() -> Iterator[Web]:
    with web() as found:
        found.answers["/orders"] = response(200, msgspec.json.encode(ORDERS), {"Content-Type": "application/json"})
        found.answers["/wrong"] = response(200, b'[{"currency": "EUR"}]', {"Content-Type": "application/json"})
        found.answers["/hook"] = response(202)
        yield found


@pytest.fixture
def scripts() -> Iterator[Path]:
    """Those of the example."""
    folder = Path(tempfile.mkdtemp(prefix="foldgate-test-"))
    try:
        folder.chmod(0o755)
        shutil.copy(EXAMPLE / "scripts" / "total", folder)
        yield folder
    finally:
        shutil.rmtree(folder)


def builtin(scripts: Path) -> Worker:
    worker = builtin_worker(
        "builtin",
        http=HttpTerms(networks=(ipaddress.ip_network("127.0.0.1/32"),)),
        scripts=ScriptTerms(folder=scripts),
    )
    worker.trust = TRUST
    return worker


async def end_of(client: Client, site: Web, path: str) -> Event:
    published = await client.publish((EXAMPLE / "orders.yaml").read_text())
    given = {"orders": f"http://127.0.0.1:{site.port}{path}", "hook": f"http://127.0.0.1:{site.port}/hook"}
    asked = await client.start("orders", given, workflows_offset=published.place.offset + 1)
    return await client.ended(asked.run_id)


async def test_requests_and_scripts_are_steps_of_a_run(opened: Opened, site: Web, scripts: Path) -> None:
    async with opened() as log, running(log), working(log, builtin(scripts)), asyncio.timeout(120):
        client = Client(log, signer=ISSUER)
        ended = await end_of(client, site, "/orders")
        assert isinstance(ended, RunSucceeded), ended
        assert msgspec.json.decode(ended.output) == TOTALS
        assert [(asked.method, asked.target) for asked in site.asked] == [("GET", "/orders"), ("POST", "/hook")]
        assert msgspec.json.decode(site.asked[1].body) == TOTALS
        assert site.asked[1].headers["idempotency-key"].endswith(":tell")
        failed = await end_of(client, site, "/wrong")
        assert isinstance(failed, RunFailed)
        assert (failed.code, failed.message) == ("wrong_order", "Order 0 has no currency or no amount.")


async def test_who_does_not_say_what_it_does_gets_none_of_them(opened: Opened, site: Web, scripts: Path) -> None:
    """It is given whatever else there is, and these wait for a worker that says so."""
    async with opened() as log, running(log), asyncio.timeout(120):
        client, silent = Client(log, signer=ISSUER), Worker("silent", trust=TRUST, beat_every_ms=50)
        async with working(log, silent):
            asking = asyncio.create_task(end_of(client, site, "/orders"))
            ended = await client.ended((await client.run_job("job.other")).run_id)
            assert isinstance(ended, RunFailed)
            assert ended.code == "attempts_lost"
            assert not asking.done()
            async with working(log, builtin(scripts)):
                assert isinstance(await asking, RunSucceeded)
        given = [fact.event for fact in (await history_of(log)).facts if isinstance(fact.event, JobDispatched)]
        assert {(one.job.kind, one.worker.partition("/")[0]) for one in given} == {
            ("http", "builtin"),
            ("script", "builtin"),
            ("job", "silent"),
        }


ALLOWING = """
bundle: test/allowing
default_decision: allow
rules:
  - id: known-places
    match: {topics: ["job.orders.*"]}
    decision: allow_with_constraints
    reason: These go to known places, by known scripts.
    constraints: {network_allowlist: ["127.0.0.1"], allowed_commands: ["total"]}
"""


async def test_what_policy_allows_is_kept_and_breaches_are_reported(opened: Opened, site: Web, scripts: Path) -> None:
    async with opened() as log, running(log), working(log, builtin(scripts)), asyncio.timeout(120):
        await publish(log, ALLOWING)
        client = Client(log, signer=ISSUER)
        given = {"url": f"http://localhost:{site.port}/orders"}
        ended = await client.ended((await client.run_job("job.orders.away", given, kind="http")).run_id)
        assert isinstance(ended, RunFailed)
        assert (ended.code, site.asked) == ("constraint_breached", [])
        given["url"] = f"http://127.0.0.1:{site.port}/orders"
        allowed = await client.ended((await client.run_job("job.orders.near", given, kind="http")).run_id)
        assert isinstance(allowed, RunSucceeded)
        ended = await client.ended((await client.run_job("job.orders.sum", {"script": "total"}, kind="script")).run_id)
        assert isinstance(ended, RunFailed)
        assert ended.code == "constraint_unenforceable"
        said = [fact.event for fact in (await history_of(log)).submitted if isinstance(fact.event, ConstraintBreached)]
        assert [(one.constraint, one.was_stopped) for one in said] == [("network_allowlist", True)]


async def test_over_http_as_well(postgres_url: str, site: Web, scripts: Path) -> None:
    async with suite(MemoryLog(), postgres_url) as door, served(door) as port:
        task = asyncio.create_task(builtin(scripts).work_over(OverHttp(f"http://127.0.0.1:{port}")))
        try:
            given = {"url": f"http://127.0.0.1:{site.port}/orders"}
            body = {"topic": "job.fetch", "kind": "http", "input": given}
            run = (await start(door, body)).json()["run_id"]
            shown = await ended(door, run)
            assert (shown["status"], shown["output"]["body"]) == ("succeeded", ORDERS)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
