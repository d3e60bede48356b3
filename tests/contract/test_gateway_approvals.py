"""Questions and votes over HTTP, on every driver: found, shown, answered; a vote that does not count says why."""

import asyncio
from typing import Any

import httpx

from foldgate.identity.api_keys import made
from foldgate.identity.store import ApiKeys
from foldgate.runtime.clock import SystemClock
from foldgate.sdk.requests import a_cancel
from tests.support.asking import PAGE, Asking, asking
from tests.support.door import Door, gateway
from tests.support.logs import Opened
from tests.support.scripted import STEP
from tests.support.suite import settings
from tests.support.waiting import until

API = "/api/v1"


class People:
    """Callers with keys of their own: approvers, with the roles they have beside that."""

    def __init__(self, door: Door) -> None:
        self._door, self._keys = door, dict[str, str]()

    async def come(self, name: str, *roles: str, tenant: str = "default") -> None:
        key, text = made(name, roles=roles, tenants=(tenant,), at=SystemClock().now_ms())
        await ApiKeys(self._door.models, suite=settings().suite).add(key)
        self._keys[name] = text

    async def votes(
        self, name: str, approval: str, body: Any = None, *, verb: str = "approve", key: str = ""
    ) -> httpx.Response:
        path = f"{API}/approvals/{approval.replace('#', '%23')}/{verb}"
        headers = {"X-API-Key": self._keys[name], **({"Idempotency-Key": key} if key else {})}
        return await self._door.client.post(path, json={} if body is None else body, headers=headers)

    async def gets(self, name: str, path: str, **asked: Any) -> httpx.Response:
        return await self._door.client.get(f"{API}{path}", params=asked, headers={"X-API-Key": self._keys[name]})


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def status_of(door: Door, approval: str) -> str:
    answer = await door.client.get(f"{API}/approvals/{approval}")
    return str(answer.json()["status"])


async def test_people_answer_what_is_asked(opened: Opened, postgres_url: str) -> None:
    async with opened() as log, asking(log, within_s=120) as suite, gateway(log, postgres_url) as door:
        people = People(door)
        await people.come("bob", "approver", "sre")
        await people.come("eve", "approver")
        await people.come("vic", "viewer", "sre")
        await people.come("mal", "approver", "sre", tenant="other")
        two = await suite.question(required=2, roles=["sre"])
        await _finds(people, two)
        assert code(await people.votes("vic", two)) == (403, "forbidden")
        assert code(await people.votes("mal", two)) == (404, "not_found")
        assert code(await people.votes("eve", two)) == (403, "not_allowed")
        assert code(await people.votes("bob", two, {"binding": "another"})) == (409, "approval_stale")
        first = await people.votes("bob", two, {"reason": "seen"}, key="once")
        assert (first.status_code, first.json()["status"]) == (200, "recorded"), first.text
        again = await people.votes("bob", two, {"reason": "seen"}, key="once")
        assert (again.status_code, again.json()["request_id"]) == (200, first.json()["request_id"]), "the same vote"
        assert code(await people.votes("bob", two)) == (409, "already_voted")
        shown = (await people.gets("bob", f"/approvals/{two}", after=first.json()["position"])).json()
        assert (shown["status"], shown["missing"]) == ("open", ["1 of 2 votes of sre"])
        assert [(vote["voter"], vote["roles"]) for vote in shown["votes"]] == [("bob", ["approver", "sre"])]
        await people.come("ann", "approver", "sre")
        assert (await people.votes("ann", two, verb="reject")).status_code == 200
        await until(lambda: _is(door, two, "refused"), what="the end of the question")
        assert code(await people.votes("ann", two)) == (409, "not_open")
        await _gives_data(suite, door, people)


async def _finds(people: People, two: str) -> None:
    async def listed(**asked: Any) -> list[str]:
        answer = await people.gets("bob", "/approvals", **asked)
        assert answer.status_code == 200, answer.text
        return [item["approval_id"] for item in answer.json()["items"]]

    async def is_listed() -> bool:
        return await listed(status="open") == [two]

    await until(is_listed, what="the question in the list")
    assert await listed(role="sre", run=two.partition(":")[0]) == [two]
    assert await listed(role="cfo") == await listed(status="granted") == await listed(run="x") == []
    assert (await people.gets("mal", "/approvals")).json() == {"items": [], "next_cursor": None}
    assert code(await people.gets("mal", f"/approvals/{two}")) == (404, "not_found")
    assert code(await people.gets("bob", "/approvals", status="gone")) == (400, "invalid_parameter")
    shown = (await people.gets("bob", f"/approvals/{two}")).json()
    assert (shown["kind"], shown["input"], shown["requester"]) == ("approval", {"shown": 1}, "ada")
    assert (shown["terms"], shown["changes"]) == ({"required": 2, "roles": ["sre"]}, [])


async def _is(door: Door, approval: str, status: str) -> bool:
    return await status_of(door, approval) == status


async def _gives_data(suite: Asking, door: Door, people: People) -> None:
    data = await suite.question("input", PAGE)
    wrong = await people.votes("bob", data, {"input": {"page": "one"}})
    assert code(wrong) == (422, "invalid_data")
    assert code(await people.votes("bob", data, {"inptu": 1})) == (422, "invalid_body")
    run_id = data.partition(":")[0]
    at = f"{API}/workflows/{{}}/runs/{run_id}/steps/{STEP}/approve"
    nowhere = await door.client.post(at.format("other"), json={"approved": True})
    assert code(nowhere) == (404, "not_found")
    assert code(await door.client.post(at.format("job"), json={})) == (422, "invalid_body")
    said = await door.client.post(at.format("job"), json={"approved": True, "input": {"page": 1}})
    assert (said.status_code, said.json()["approval_id"]) == (200, data), said.text
    await until(lambda: _is(door, data, "granted"), what="the data")
    given = (await people.gets("bob", f"/approvals/{data}")).json()
    assert (given["data"], given["settled_after_ms"]) == ({"page": 1}, given["settled_at"] - given["opened_at"])
    listed = [(await people.gets("bob", "/approvals", limit=1)).json()]
    listed.append((await people.gets("bob", "/approvals", limit=1, cursor=listed[0]["next_cursor"])).json())
    assert [len(each["items"]) for each in listed] == [1, 1]
    assert listed[1]["next_cursor"] is None
    closed = await suite.question()
    await suite.client.ask(a_cancel(closed.partition(":")[0]))
    await until(lambda: _is(door, closed, "closed"), what="the end of the run")
    assert code(await people.votes("bob", closed)) in {(409, "not_open"), (409, "run_closed")}
    assert code(await people.votes("bob", f"{closed}x")) == (404, "not_found")


async def test_votes_are_not_held_back_while_much_is_under_way(opened: Opened, postgres_url: str) -> None:
    few = settings(max_in_flight=1)
    async with opened() as log, asking(log) as suite, gateway(log, postgres_url, given=few) as door:
        question = await suite.question()
        app: Any = door.host.app
        with app.verdicts.expected("run_1", "somebody"):
            started = await door.client.post(f"{API}/jobs", json={"topic": "job.x"})
            assert code(started) == (429, "overloaded")
            answer = await door.client.post(f"{API}/approvals/{question}/approve")
            assert answer.status_code == 200, answer.text
        async with asyncio.timeout(30):
            await suite.end(question)
