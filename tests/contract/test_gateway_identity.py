"""Keys and tokens at a gateway that works: who is let in, as whom, what for, how often, and until when."""

import asyncio
import gzip
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from foldgate.contracts.codec import Codec
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import INTAKE
from foldgate.database.connections import Connections
from foldgate.eventlog.memory import MemoryLog
from foldgate.gateway.http.app import Gateway
from foldgate.gateway.http.finishing import Finishing
from foldgate.identity.api_keys import ApiKey, Made, made
from foldgate.identity.store import ApiKeys, NameTaken, UnknownKey
from foldgate.runtime.clock import SystemClock
from foldgate.runtime.settings import Settings
from tests.contract.test_gateway import problem
from tests.support.door import Door, gateway
from tests.support.issuing import AUDIENCE, CLAIMS, ED, ISSUER, jwks
from tests.support.suite import running, settings
from tests.support.waiting import until

API = "/api/v1"
JOB = {"topic": "job.echo"}
NEEDED = settings(authentication="required")


def now() -> int:
    return SystemClock().now_ms()


def kept(door: Door) -> ApiKeys:
    return ApiKeys(door.models, suite=NEEDED.suite)


async def a_key(door: Door, name: str = "ci", **terms: Any) -> Made:
    given: dict[str, Any] = {"roles": ("operator",), "tenants": ("acme",), "at": now(), **terms}
    key = made(name, **given)
    await kept(door).add(key.key)
    return key


async def start(door: Door, shown: str, **headers: str) -> httpx.Response:
    return await door.client.post(f"{API}/jobs", json=JOB, headers={"X-API-Key": shown, **headers})


async def status(door: Door, shown: str, **headers: str) -> httpx.Response:
    return await door.client.get(f"{API}/status", headers={"X-API-Key": shown, **headers})


async def principals(log: MemoryLog) -> list[tuple[str, str]]:
    """Who asked for runs, and of which tenant, as the log says."""
    found = []
    for number in range(INTAKE.partitions):
        async for chunk in log.read(Partition(INTAKE.name, number), 0):
            for record in chunk:
                meta = Codec().decode(record.value).meta
                found.append((meta.principal, meta.tenant))
    return found


async def test_a_key_is_good_at_once_and_its_name_is_on_the_log(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url, given=NEEDED) as door:
        key = await a_key(door)
        assert problem(await door.client.post(f"{API}/jobs", json=JOB)) == (401, "unauthenticated", "X-API-Key")
        begun = await start(door, key.text)
        assert begun.status_code == 201
        assert await principals(log) == [("ci", "acme")]
        where = f"{API}/workflow-runs/{begun.json()['run_id']}"
        after = {"after": begun.json()["position"]}
        shown = await door.client.get(where, params=after, headers={"Authorization": f"Bearer {key.text}"})
        assert (shown.status_code, shown.json()["principal"]) == (200, "ci")
    [used] = await kept_afterwards(postgres_url)
    assert used.last_used_at is not None
    assert used.last_used_at >= key.key.created_at


async def kept_afterwards(url: str) -> list[ApiKey]:
    connections = Connections(url, schema="public")
    try:
        return await ApiKeys(connections, suite=NEEDED.suite).all()
    finally:
        await connections.close()


async def test_a_key_ends_when_it_is_revoked_replaced_or_over(postgres_url: str) -> None:
    async with gateway(MemoryLog(), postgres_url, given=NEEDED) as door:
        store, at = kept(door), now()
        first, over = await a_key(door), await a_key(door, "over", at=at - 2, expires_at=at - 1)
        assert (await status(door, first.text)).status_code == 200
        assert problem(await status(door, over.text))[0] == 401

        new = made("", roles=(), tenants=(), at=now())
        second = await store.replace("ci", new.key, until=now() + 60_000)
        assert (second.name, second.roles, second.tenants) == ("ci", ("operator",), ("acme",))
        assert await store.replace("ci", new.key, until=now()) == second, "done twice it is done once"
        assert (await status(door, new.text)).status_code == 200
        assert (await status(door, first.text)).status_code == 200, "both are good for a while"

        third = made("", roles=(), tenants=(), at=now())
        await store.replace(second.id, third.key, until=now())
        await refused(door, new.text)
        assert (await status(door, third.text)).status_code == 200
        assert {key.id for key in await store.revoke("ci", at=now())} == {first.key.id, third.key.id}
        for ended in (first, third):
            await refused(door, ended.text)
        for unknown in ("ci", first.key.id, "nobody"):
            with pytest.raises(UnknownKey):
                await store.revoke(unknown, at=now())
        with pytest.raises(UnknownKey):
            await store.replace("ci", made("", roles=(), tenants=(), at=now()).key, until=now())


async def refused(door: Door, shown: str) -> None:
    async def is_refused() -> bool:
        return (await status(door, shown)).status_code == 401

    await until(is_refused, what="the end of a key")


async def test_of_a_name_there_is_one_key_that_lasts(postgres_url: str) -> None:
    async with gateway(MemoryLog(), postgres_url, given=NEEDED) as door:
        store = kept(door)
        key = await a_key(door, expires_at=now() + 60_000)
        await store.add(key.key)  # the answer to the first time was lost
        with pytest.raises(NameTaken, match=key.key.id):
            await a_key(door)
        await store.revoke("ci", at=now())
        await a_key(door)
        over = await a_key(door, "over", at=now() - 2, expires_at=now() - 1)
        again = await a_key(door, "over")
        found = {one.id: one for one in await store.all()}
        assert found[over.key.id].replaced_by == again.key.id
        assert len(found) == 4


async def test_many_keys_made_at_once_are_all_known(postgres_url: str) -> None:
    async with gateway(MemoryLog(), postgres_url, given=NEEDED) as door:
        keys = await asyncio.gather(*(a_key(door, f"ci-{number}") for number in range(20)))
        answers = await asyncio.gather(*(status(door, key.text) for key in keys))
        assert {answer.status_code for answer in answers} == {200}


TENANTS: dict[str, tuple[tuple[str, ...], str | None, str]] = {
    "its only one": (("acme",), None, "acme"),
    "its only one, named": (("acme",), "acme", "acme"),
    "default among several": (("acme", "default"), None, "default"),
    "one of several": (("acme", "other"), "other", "other"),
    "any": (("*",), "what-ever", "what-ever"),
    "default of all": (("*",), None, "default"),
    "another": (("acme",), "other", "foreign_tenant"),
    "none of several": (("acme", "other"), None, "invalid_header"),
    "one that has none": ((), None, "foreign_tenant"),
    "one of nobody": ((), "acme", "foreign_tenant"),
    "a star": (("acme",), "*", "invalid_header"),
}


@pytest.mark.parametrize("name", TENANTS)
async def test_the_tenant_that_is_meant(name: str, postgres_url: str) -> None:
    own, named, expected = TENANTS[name]
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url, given=NEEDED) as door:
        key = await a_key(door, tenants=own)
        answer = await start(door, key.text, **({} if named is None else {"X-Tenant-ID": named}))
        if answer.status_code == 201:
            assert await principals(log) == [("ci", expected)]
        else:
            assert problem(answer)[1:] == (expected, "X-Tenant-ID")


async def test_a_role_is_told_that_is_lacking(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url, given=NEEDED) as door:
        viewer, worker = await a_key(door, "eye", roles=("viewer",)), await a_key(door, "hand", roles=("worker",))
        assert (await status(door, viewer.text)).status_code == 200
        answer = await start(door, viewer.text)
        assert problem(answer)[:2] == (403, "forbidden")
        assert "'operator'" in answer.json()["detail"]
        hand = {"X-API-Key": worker.text}
        assert (await door.client.post(f"{API}/workers", json={"name": "w"}, headers=hand)).status_code == 201
        assert problem(await status(door, worker.text))[:2] == (403, "forbidden")
        assert await principals(log) == []


async def test_a_key_may_ask_only_so_often_and_nobody_else_notices(postgres_url: str) -> None:
    given = settings(authentication="required", requests_per_second=1)
    async with gateway(MemoryLog(), postgres_url, given=given) as door:
        busy, idle = await a_key(door, "busy"), await a_key(door, "idle")
        answers = [await status(door, busy.text) for _ in range(12)]
        late = [answer for answer in answers if answer.status_code == 429]
        assert late, "two at once, and then one a second"
        assert problem(late[0])[1] == "too_fast"
        assert late[0].headers["retry-after"] == "1"
        assert (await status(door, idle.text)).status_code == 200
        hand = {"X-API-Key": busy.text}
        worker = await door.client.post(f"{API}/workers", json={"name": "w"}, headers=hand)
        assert worker.status_code == 201, "workers are counted apart"


async def test_a_token_of_the_issuer_is_good_and_its_subject_on_the_log(postgres_url: str, tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_bytes(jwks())
    given = settings(oidc_issuer=ISSUER, oidc_audience=AUDIENCE, oidc_jwks=str(tmp_path / "jwks.json"))
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url, given=given) as door:
        claims = CLAIMS | {"exp": now() // 1000 + 60}
        good, over = ED.signed(claims), ED.signed(claims | {"exp": now() // 1000 - 61})
        begun = await door.client.post(f"{API}/jobs", json=JOB, headers={"Authorization": f"Bearer {good}"})
        assert begun.status_code == 201
        assert await principals(log) == [("ada", "acme")]
        late = await door.client.post(f"{API}/jobs", json=JOB, headers={"Authorization": f"Bearer {over}"})
        assert problem(late) == (401, "unauthenticated", "Authorization")
        assert "has expired" in late.json()["detail"]
        nobody = ED.signed(claims | {"tenants": None})
        lost = await door.client.post(f"{API}/jobs", json=JOB, headers={"Authorization": f"Bearer {nobody}"})
        assert problem(lost)[:2] == (403, "foreign_tenant")


async def test_roles_are_in_the_document_of_the_interface(postgres_url: str) -> None:
    async with gateway(MemoryLog(), postgres_url, given=NEEDED) as door:
        key = await a_key(door, roles=("viewer",))
        answer = await door.client.get("/openapi.json", headers={"X-API-Key": key.text, "Accept-Encoding": "gzip"})
        document = answer.json()
        assert isinstance(door.host.app, Gateway)
        for operation in door.host.app.operations:
            path = operation.path.replace(":path}", "}")
            described = document["paths"][path][operation.method.lower()]
            assert described["security"] == [{"ApiKey": [operation.role]}, {"Bearer": [operation.role]}]
            assert f"`{operation.role}`" in described["description"]
            assert {"401", "403", "429"} <= set(described["responses"])


ENCODINGS = {
    "gzip": True,
    "br, gzip;q=0.5": True,
    "*": True,
    "x-gzip": True,
    "": False,
    "br": False,
    "gzip;q=0": False,
    "gzip;q=0, *": False,
    "identity;q=1, *;q=0": False,
    "gzip;q=nonsense": False,
}


@pytest.mark.parametrize("accepted", ENCODINGS)
async def test_what_is_large_is_compressed_for_who_takes_that(accepted: str, postgres_url: str) -> None:
    async with gateway(MemoryLog(), postgres_url) as door:
        plain = await door.client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
        request = door.client.build_request("GET", "/openapi.json", headers={"Accept-Encoding": accepted})
        answer = await door.client.send(request, stream=True)
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
        assert int(answer.headers["content-length"]) == len(raw)
        assert "Accept-Encoding" in answer.headers["vary"]
        assert (answer.headers.get("content-encoding") == "gzip") == ENCODINGS[accepted]
        assert (gzip.decompress(raw) if ENCODINGS[accepted] else raw) == plain.content


async def test_a_stream_begins_at_once_and_goes_through_as_it_comes() -> None:
    events = [b"data: 1\n\n" * 500, b"data: 2\n\n"]
    sent: list[Message] = []

    async def streaming(_: Scope, __: Receive, send: Send) -> None:
        head = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        assert [message["type"] for message in sent] == ["http.response.start"], "before anything has come"
        for event in events:
            await send({"type": "http.response.body", "body": event, "more_body": True})
            assert sent[-1]["body"] == event

    async def note(message: Message) -> None:
        sent.append(message)

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    await Finishing(streaming)({"type": "http", "headers": [(b"accept-encoding", b"gzip")]}, nothing, note)
    assert (b"cache-control", b"no-store") in sent[0]["headers"]


async def test_every_answer_says_that_nobody_may_keep_it(postgres_url: str) -> None:
    async with gateway(MemoryLog(), postgres_url) as door:
        for path in (f"{API}/status", "/nowhere", f"{API}/workflow-runs/run_1"):
            answer = await door.client.get(path, headers={"Accept-Encoding": "gzip"})
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
            assert "content-encoding" not in answer.headers, "what is small is sent as it is"


async def test_what_is_found_by_its_content_may_be_kept(postgres_url: str, tmp_path: Path) -> None:
    given = settings(artifacts=str(tmp_path))
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    async with gateway(MemoryLog(), postgres_url, given=given) as door:
        where = f"{API}/artifacts/{digest}"
        missing = await door.client.get(where)
        assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")
        assert (await door.client.put(where, content=b"hello")).status_code == 201
        found = await door.client.get(where)
        assert found.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert {"Authorization", "X-API-Key", "X-Tenant-ID"} <= set(found.headers["vary"].split(", "))


HOSTILE = ["%0d%0aSet-Cookie:%20a=b", "%00", "%e2%80%a8", "..%2f..%2fetc%2fpasswd", "%ff%fe", "a" * 2_000]


@pytest.mark.parametrize("text", HOSTILE)
async def test_no_header_is_made_of_what_is_sent(text: str, postgres_url: str) -> None:
    async with gateway(MemoryLog(), postgres_url) as door:
        assert isinstance(door.host.app, Gateway)
        for operation in door.host.app.operations:
            path = operation.path.split("{")[0] + text
            answer = await door.client.request(operation.method, path, content=b"{}")
            assert 400 <= answer.status_code < 500, (operation.path, answer.text)
            assert "set-cookie" not in answer.headers


def test_beyond_this_machine_somebody_must_be_known() -> None:
    elsewhere = {"postgres": "postgresql://unused", "http_host": "0.0.0.0"}  # noqa: S104 - a setting
    with pytest.raises(ValueError, match="set FOLDGATE_API_KEY or FOLDGATE_OIDC_ISSUER to serve on"):
        Settings.model_validate(elsewhere)
    for known in (
        {"api_key": "begin-with-this"},
        {"authentication": "required"},
        {"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks": "https://example.com/keys"},
    ):
        assert Settings.model_validate({**elsewhere, **known}).authenticates


@pytest.mark.parametrize(
    "changes",
    [
        {"api_key": ""},
        {"api_key": "short"},
        {"oidc_issuer": ISSUER},
        {"oidc_jwks": "http://example.com/keys"},
        {"oidc_jwks": "https:///keys"},
        {"oidc_jwks": "keys.json"},
        {"oidc_jwks": "ftp://example.com/keys"},
    ],
)
def test_settings_that_would_open_the_door_are_refused(changes: dict[str, str]) -> None:
    known = {"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE} if "oidc_jwks" in changes else {}
    with pytest.raises(ValueError, match=r"expected|set FOLDGATE"):
        Settings.model_validate({"postgres": "postgresql://unused", **known, **changes})
