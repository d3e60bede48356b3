"""Tenants are sealed off from one another in every operation that there is: also in those that are added later, because
all are walked that the gateway serves, as another tenant, with the ids and the tokens of objects that really are."""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest
from pydantic import BaseModel

from foldgate.eventlog.memory import MemoryLog
from foldgate.gateway.http.app import Gateway
from foldgate.gateway.http.operations import Operation
from foldgate.gateway.http.vectors import text_of
from foldgate.identity.api_keys import made
from foldgate.identity.store import ApiKeys
from foldgate.runtime.clock import SystemClock
from tests.support.door import Door, gateway, served
from tests.support.suite import running, settings
from tests.support.waiting import until

API = "/api/v1"
OWNER, OTHER = "acme", "other"
MARK = "zebra"
"""Is in whatever of the owner's could be seen."""
FLOW = f"""
id: {MARK}-flow
version: "1"
steps:
  hold: {{type: wait, signal: go}}
  ask: {{type: approval, input: {{about: {MARK}}}}}
"""
OWN_FLOW = 'id: own-flow\nversion: "1"\nsteps:\n  hold: {type: wait, signal: go}\n'
ARTIFACT = f"{MARK} in an artifact".encode()
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/workflows"): OWN_FLOW,
    ("POST", "/workflows:validate"): OWN_FLOW,
    ("POST", "/workflow-runs/{run_id}/rerun"): {"from_step": "hold"},
    ("POST", "/workflows/{workflow}/runs"): {"input": {}},
    ("POST", "/workflows/{workflow}/runs/{run_id}/steps/{step}/approve"): {"approved": True},
    ("POST", "/workflow-runs:batch"): {"runs": [{"workflow": f"{MARK}-flow"}]},
    ("POST", "/jobs"): {"topic": "job.own"},
    ("POST", "/workers"): {"name": "own"},
    ("POST", "/workers/{worker:path}/lease"): {"n": 1, "wait": 0},
    ("POST", "/jobs/{job}/breach"): {"constraint": "tools"},
    ("PUT", "/pools"): "pools: [{name: own}]",
    ("PUT", "/policy/bundles/{bundle}"): "bundle: own/own",
    ("PUT", "/artifacts/{sha256}"): ARTIFACT,
    ("PUT", "/jobs/{job}/artifacts/{sha256}"): ARTIFACT,
}
"""What is sent where an empty object would be refused before anybody looked whose the object is."""
MAKES_ITS_OWN = {
    ("POST", "/workflows"),
    ("POST", "/jobs"),
    ("POST", "/workers"),
    ("PUT", "/artifacts/{sha256}"),
}
"""With these anybody makes something for his own tenant, whatever the others have."""
FROM_THE_BEGINNING = {"/stream": f"?cursor={text_of({})}"}
"""Shows only what comes from now on, unless it is asked for what came before."""
OF_THE_SUITE = {
    ("PUT", "/pools"),
    ("POST", "/pools/{pool}/drain"),
    ("GET", "/policy/bundles"),
    ("GET", "/policy/bundles/{bundle}"),
    ("PUT", "/policy/bundles/{bundle}"),
    ("DELETE", "/policy/bundles/{bundle}"),
    ("POST", "/policy/bundles/{bundle}/shadow"),
    ("POST", "/policy/bundles/{bundle}/simulate"),
    ("POST", "/policy/bundles/{bundle}/test"),
    ("GET", "/policy/snapshots"),
    ("GET", "/policy/snapshots/{snapshot}"),
    ("GET", "/policy/audit"),
    ("POST", "/policy/backtest"),
    ("POST", "/policy/explain"),
    ("POST", "/policy/simulate"),
    ("POST", "/policy/publish"),
    ("POST", "/policy/rollback"),
}
"""These are for whoever asks for all tenants, and names none."""
_OF_ALL = ("/status", "/pools")
"""How much there is in all: of a pool that all may use, everybody sees how much is in it."""
NOT_ITS_TOKEN = {"wrong_worker_token", "wrong_lease_token"}


class Objects(NamedTuple):
    """What the owner has: by the names of parameters in paths, and the tokens that go with it."""

    ids: Mapping[str, str]
    tokens: Mapping[str, str]


@contextlib.asynccontextmanager
async def doors(url: str, folder: Path) -> AsyncIterator[tuple[Door, httpx.AsyncClient]]:
    given = settings(lease_ms=600_000, artifacts=str(folder), authentication="required")
    log = MemoryLog()
    async with (
        running(log, given=given),
        gateway(log, url, given=given) as door,
        served(door) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        yield door, client


async def a_key(door: Door, name: str, *tenants: str, roles: tuple[str, ...] = ("admin",)) -> dict[str, str]:
    key, text = made(name, roles=roles, tenants=tenants, at=SystemClock().now_ms())
    await ApiKeys(door.models, suite=settings().suite).add(key)
    return {"X-API-Key": text}


class Making:
    """Makes what a tenant has."""

    def __init__(self, client: httpx.AsyncClient, key: Mapping[str, str]) -> None:
        self._client, self._key = client, key

    async def post(self, path: str, body: Any, *, method: str = "POST") -> Any:
        content = body if isinstance(body, bytes | str) else msgspec.json.encode(body)
        answer = await self._client.request(method, f"{API}{path}", headers=self._key, content=content)
        assert answer.is_success, answer.text
        return answer.json()


async def a_dead_letter(make: Making, at: str, token: str) -> str:
    """A job that failed for good."""
    await make.post("/jobs", {"topic": f"job.{MARK}", "input": MARK})
    [job] = (await make.post(f"{at}/lease", {"token": token, "wait": 20}))["jobs"]
    failed = {"token": job["lease_token"], "code": "no", "message": MARK, "retryable": False}
    await make.post(f"/jobs/{job['job_id']}/fail", failed)
    return str(job["job_id"].rpartition("@")[0])


async def objects(client: httpx.AsyncClient, key: Mapping[str, str]) -> Objects:
    """A workflow, its run, a worker, a job that it holds, and an artifact."""
    make = Making(client, key)
    await make.post("/workflows", FLOW)
    body = {"input": {"said": MARK}, "labels": {MARK: MARK}}
    run = await make.post(f"/workflows/{MARK}-flow/runs", body)
    worker = await make.post("/workers", {"name": f"{MARK}-worker", "topics": [f"job.{MARK}"]})
    at = f"/workers/{worker['worker']}"
    await make.post(f"{at}/heartbeat", {"token": worker["token"]})
    letter = await a_dead_letter(make, at, worker["token"])
    await make.post("/jobs", {"topic": f"job.{MARK}", "input": MARK})
    fetched = await make.post(f"{at}/lease", {"token": worker["token"], "wait": 20})
    [job] = fetched["jobs"]
    sha256 = hashlib.sha256(ARTIFACT).hexdigest()
    await make.post(f"/artifacts/{sha256}", ARTIFACT, method="PUT")
    ids = {"workflow": f"{MARK}-flow", "run_id": run["run_id"], "worker": worker["worker"], "job": job["job_id"]}
    tokens = {"X-Worker-Token": worker["token"], "X-Lease-Token": job["lease_token"]}
    asked = f"{API}/approvals/{run['run_id']}:ask"

    async def is_asked() -> bool:
        return (await client.get(asked, headers=key)).is_success

    async def is_dead() -> bool:
        return (await client.get(f"{API}/dlq/{letter}", headers=key)).is_success

    await until(is_asked, what="the question of the run")
    await until(is_dead, what="the dead letter")
    ids |= {"letter": letter, "name": "go", "approval": f"{run['run_id']}:ask", "step": "ask", "sha256": sha256}
    return Objects({**ids, "pool": "default", "bundle": "own~own", "snapshot": "snapshot_1"}, tokens)


def place_of(operation: Operation) -> tuple[str, str]:
    return operation.method, operation.path.removeprefix(API)


def filled(path: str, ids: Mapping[str, str]) -> str:
    """The path with the ids of the owner's objects."""
    names = re.findall(r"\{(\w+)(?::\w+)?\}", path)
    assert set(names) <= set(ids), f"{path}: make such an object in `objects`, and name it there"
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: ids[found[1]], path)


def body_of(operation: Operation) -> bytes:
    given = BODIES.get(place_of(operation), {} if is_fitting({}, operation.body) else None)
    assert given is not None, f"{operation.method} {operation.path}: say in BODIES what fits"
    return (
        given.encode() if isinstance(given, str) else given if isinstance(given, bytes) else msgspec.json.encode(given)
    )


def is_fitting(value: Any, model: type[BaseModel] | None) -> bool:
    if model is None:
        return True
    try:
        model.model_validate(value)
    except ValueError:
        return False
    return True


async def answer_to(
    client: httpx.AsyncClient, operation: Operation, *, having: Objects, key: Mapping[str, str]
) -> tuple[int, str]:
    """The status, and what is answered; of a stream, what comes at once."""
    url, headers = filled(operation.path, having.ids), {**key, **having.tokens}
    url += FROM_THE_BEGINNING.get(place_of(operation)[1], "")
    content = body_of(operation) if operation.method in ("POST", "PUT") else None
    async with client.stream(operation.method, url, headers=headers, content=content) as answer:
        said = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5 if "event-stream" in answer.headers["content-type"] else 30):
                async for chunk in answer.aiter_bytes():
                    said += chunk
        return answer.status_code, said.decode()


def without(text: str, ids: Mapping[str, str]) -> str:
    """Without what was sent: a problem may name what it could not find."""
    for value in sorted(ids.values(), key=len, reverse=True):
        text = text.replace(value, "")
    return text


async def view(client: httpx.AsyncClient, operations: Sequence[Operation], *, having: Objects, key: Any) -> Any:
    """All that the owner sees."""
    shown = [one for one in operations if one.method == "GET" and not one.path.endswith(_OF_ALL)]
    shown = [one for one in shown if place_of(one) not in OF_THE_SUITE]
    return {one.path: await answer_to(client, one, having=having, key=key) for one in shown}


@pytest.mark.parametrize("names_the_tenant", [True, False], ids=["all tenants, one named", "one tenant's key"])
async def test_of_another_tenants_objects_nothing_is_seen_and_nothing_changes(
    postgres_url: str, tmp_path: Path, names_the_tenant: bool
) -> None:
    async with doors(postgres_url, tmp_path) as (door, client), asyncio.timeout(120):
        assert isinstance(door.host.app, Gateway)
        operations = door.host.app.operations
        owner = await a_key(door, f"{MARK}-bot", OWNER)
        stranger = await a_key(door, "stranger", "*" if names_the_tenant else OTHER)
        if names_the_tenant:
            stranger["X-Tenant-ID"] = OTHER
        having = await objects(client, owner)
        before = await view(client, operations, having=having, key=owner)
        assert all(status == 200 for status, _ in before.values()), before
        signs = (MARK, having.ids["run_id"], having.ids["job"])
        blank = [path for path, (_, said) in before.items() if not any(sign in said for sign in signs)]
        assert not blank, "there is something to be seen"
        for operation in sorted(operations, key=lambda one: one.method):  # GET first, before it has anything itself
            where = f"{operation.method} {operation.path}"
            status, said = await answer_to(client, operation, having=having, key=stranger)
            assert MARK not in without(said, having.ids), f"{where} shows what is another tenant's: {said}"
            if status < 300:
                is_own = place_of(operation) in MAKES_ITS_OWN or "{" not in operation.path
                assert is_own or msgspec.json.decode(said)["items"] == [], f"{where} did it for another tenant: {said}"
            elif place_of(operation) in OF_THE_SUITE:
                assert (status, msgspec.json.decode(said)["code"]) == (403, "forbidden"), where
            else:
                is_not_there = status == 404 or msgspec.json.decode(said)["code"] in NOT_ITS_TOKEN
                assert is_not_there, f"{where} tells that there is such a thing: {said}"
        assert await view(client, operations, having=having, key=owner) == before


async def test_nobody_asks_for_a_tenant_that_is_not_its_own(postgres_url: str, tmp_path: Path) -> None:
    async with doors(postgres_url, tmp_path) as (door, client), asyncio.timeout(120):
        assert isinstance(door.host.app, Gateway)
        having = await objects(client, await a_key(door, f"{MARK}-bot", OWNER))
        stranger = {**await a_key(door, "stranger", OTHER), "X-Tenant-ID": OWNER}
        for operation in door.host.app.operations:
            status, said = await answer_to(client, operation, having=having, key=stranger)
            assert (status, msgspec.json.decode(said)["code"]) == (403, "foreign_tenant"), operation.path
            nobody = {**stranger, "X-Tenant-ID": "there-is-none"}
            status, other = await answer_to(client, operation, having=having, key=nobody)
            assert other.replace("there-is-none", OWNER) == said, "whether there is such a tenant cannot be told"


async def test_a_role_is_needed_for_every_operation(postgres_url: str, tmp_path: Path) -> None:
    async with doors(postgres_url, tmp_path) as (door, client), asyncio.timeout(120):
        assert isinstance(door.host.app, Gateway)
        having = await objects(client, await a_key(door, f"{MARK}-bot", OWNER))
        nothing = await a_key(door, "nothing", OWNER, roles=("sre",))
        for operation in door.host.app.operations:
            status, said = await answer_to(client, operation, having=having, key=nothing)
            document = msgspec.json.decode(said)
            assert (status, document["code"]) == (403, "forbidden"), operation.path
            assert f"'{operation.role}'" in document["detail"]
        assert (await client.get("/nowhere", headers=nothing)).status_code == 404
        assert (await client.delete(f"{API}/status", headers=nothing)).status_code == 405
