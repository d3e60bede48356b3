"""Many runs by one request: each is answered by its own verdict, in order, and what is sent again is met."""

import asyncio
from typing import Any

import httpx

from foldgate.eventlog.memory import MemoryLog
from foldgate.gateway.http.batches import MOST
from tests.contract.test_gateway import problem
from tests.contract.test_gateway_workflows import API, GREET, WAIT, door_of, publish, suite
from tests.support.door import Door, gateway
from tests.support.logs import Opened
from tests.support.suite import running, settings

BATCH = f"{API}/workflow-runs:batch"


async def batch(door: Door, runs: Any, *, key: str = "") -> httpx.Response:
    return await door.client.post(BATCH, json={"runs": runs}, headers={"Idempotency-Key": key} if key else {})


def told(answer: httpx.Response) -> list[tuple[int, str]]:
    """Of each, its status, and the run or the code of what is wrong."""
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert answer.json()["problems"] == sum(item["status"] >= 300 for item in items)
    assert all((item["run"] is None) != (item["problem"] is None) for item in items)
    assert all(item["status"] == item["problem"]["status"] for item in items if item["problem"])
    return [(item["status"], item["run"]["run_id"] if item["run"] else item["problem"]["code"]) for item in items]


async def test_each_is_answered_by_its_own_verdict_and_met_when_it_is_sent_again(
    opened: Opened, postgres_url: str
) -> None:
    wanted = [
        {"workflow": "wait", "labels": {"n": "0"}},
        {"workflow": "nowhere"},
        {"workflow": "greet", "input": {"name": "Ada"}, "idempotency_key": "own"},
        {"workflow": "greet", "input": {"nome": "Ada"}},
        {"workflow": "greet", "input": {"name": "Ada"}, "idempotency_key": "own"},
        {"workflow": "greet", "input": {"name": "Eve"}, "idempotency_key": "own"},
        {"workflow": "wait", "version": "7"},
        *[{"workflow": "wait"}] * 40,
    ]
    async with suite(opened, postgres_url) as (_, door):
        for document in (GREET, WAIT):
            assert (await publish(door, document)).status_code == 201
        first = told(await batch(door, wanted, key="all"))
        assert [status for status, _ in first[:7]] == [201, 404, 201, 422, 200, 409, 404]
        assert [what for status, what in first[:7] if status >= 300] == [
            *("unknown_workflow", "invalid_input", "idempotency_conflict", "unknown_version"),
        ]
        assert first[4][1] == first[2][1], "of one key the first in the list is the first"
        assert {status for status, _ in first[7:]} == {201}
        assert len({run for _, run in first[7:]}) == 40
        again = told(await batch(door, wanted, key="all"))
        assert [what for _, what in again] == [what for _, what in first]
        assert 201 not in {status for status, _ in again}
        [(status, alone)] = told(await batch(door, wanted[:1], key="all"))
        assert (status, alone) == (200, first[0][1]), "its key is by its place"


async def test_a_form_that_is_wrong_starts_nothing(postgres_url: str) -> None:
    good = {"workflow": "wait"}
    wrong: list[tuple[Any, str]] = [
        ([], "runs"),
        ([good] * (MOST + 1), "runs"),
        ([good, {}], "runs.1.workflow"),
        ([good, {**good, "inptu": 1}], "runs.1.inptu"),
        ([good, {**good, "idempotency_key": ""}], "runs.1.idempotency_key"),
        ([good, {**good, "idempotency_key": "ä"}], "runs.1.idempotency_key"),
        ([good, {**good, "labels": {"": "x"}}], "runs.1.labels."),
        ([good, "wait"], "runs.1"),
        (good, "runs"),
    ]
    async with door_of(postgres_url) as door:
        await publish(door, WAIT)
        for runs, field in wrong:
            assert problem(await batch(door, runs)) == (422, "invalid_body", field)
        assert problem(await door.client.post(BATCH, json=[good]))[:2] == (422, "invalid_body")
        assert problem(await door.client.post(f"{BATCH}?wait=1s", json={"runs": [good]}))[1] == "invalid_parameter"
        assert problem(await batch(door, [good], key=" "))[:2] == (400, "invalid_header")
        assert (await door.client.get(f"{API}/workflow-runs")).json()["items"] == []


async def test_who_asks_for_too_many_is_told_of_those_and_the_others_start(postgres_url: str) -> None:
    """Two at once and one a second: of a hundred the last is too much. Where nothing more may be under way, each is."""
    few, log = settings(requests_per_second=1), MemoryLog()
    async with running(log), gateway(log, postgres_url, given=few) as door, asyncio.timeout(90):
        said = [what for _, what in told(await batch(door, [{"workflow": "nowhere"}] * MOST))]
        assert (said[0], said[-1], set(said)) == ("unknown_workflow", "too_fast", {"unknown_workflow", "too_fast"})
    one, log = settings(max_in_flight=1), MemoryLog()
    async with running(log), gateway(log, postgres_url, given=one) as door, asyncio.timeout(90):
        await publish(door, WAIT)
        app: Any = door.host.app
        with app.verdicts.expected("run_1", "somebody"):
            assert told(await batch(door, [{"workflow": "wait"}] * 3)) == [(429, "overloaded")] * 3
        assert [status for status, _ in told(await batch(door, [{"workflow": "wait"}]))] == [201]
