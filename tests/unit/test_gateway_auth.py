"""The place for authentication: who is let in, and as whom."""

import json
import re
from pathlib import Path

import httpx
import pytest
import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from foldgate import gateway
from foldgate.gateway.http.auth import Authenticating, caller_of
from foldgate.gateway.http.identities import Identities
from foldgate.gateway.http.problems import CODES, Answering, Problem, answer
from foldgate.runtime.clock import SystemClock
from foldgate.runtime.settings import Settings
from tests.support.suite import settings

KEY = "s3cret-ü"
HERE = {"Host": "127.0.0.1:8081"}
AWAY = {"api_key": KEY, "http_host": "0.0.0.0"}  # noqa: S104 - a setting; nothing listens here


async def whoever(scope: Scope, receive: Receive, send: Send) -> None:
    """Says who asks."""
    await JSONResponse(caller_of(Request(scope))._asdict())(scope, receive, send)


async def asked(given: Settings, headers: dict[str, str] | list[tuple[str, str]]) -> httpx.Response:
    known = Authenticating(whoever, identities=Identities(given), host=given.http_host)
    app = Answering(known, clock=SystemClock())
    given_headers = headers.items() if isinstance(headers, dict) else headers
    sent = [(name.encode(), value.encode()) for name, value in given_headers]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8081") as client:
        return await client.get("/", headers=sent)


LET_IN = {
    "without a key": ({}, {}, ("default", "local")),
    "as a tenant": ({}, {"X-Tenant-ID": "acme.eu-1_x"}, ("acme.eu-1_x", "local")),
    "by its name": ({}, {"Host": "localhost:8081"}, ("default", "local")),
    "by its name in capitals": ({}, {"Host": "LocalHost"}, ("default", "local")),
    "by IPv6": ({}, {"Host": "[::1]:8081"}, ("default", "local")),
    "by another of its addresses": ({}, {"Host": "127.1.2.3"}, ("default", "local")),
    "from its own page": ({}, {"Host": "localhost:8081", "Origin": "http://localhost:8081"}, ("default", "local")),
    "by hand": ({}, {"Sec-Fetch-Site": "none"}, ("default", "local")),
    "with what nobody asks for": ({}, {"X-API-Key": "any", "Authorization": "Basic eDp5"}, ("default", "local")),
    "with the key": ({"api_key": KEY}, {"X-API-Key": KEY}, ("default", "api-key")),
    "with a token": ({"api_key": KEY}, {"Authorization": f"bearer {KEY}"}, ("default", "api-key")),
    "from elsewhere": (AWAY, {"Host": "foldgate.example.com", "X-API-Key": KEY}, ("default", "api-key")),
    "from behind another's page": (AWAY, {"Origin": "https://example.com", "X-API-Key": KEY}, ("default", "api-key")),
}


@pytest.mark.parametrize("name", LET_IN)
async def test_who_is_let_in(name: str) -> None:
    changes, headers, (tenant, principal) = LET_IN[name]
    found = await asked(settings(**changes), HERE | headers)
    names_none = "x-tenant-id" not in map(str.lower, headers)
    known = {"tenant": tenant, "principal": principal, "roles": ["admin"], "counted_as": principal}
    assert found.json() == {**known, "everywhere": names_none}


REFUSED = {
    "no key": ({"api_key": KEY}, {}, (401, "unauthenticated", "X-API-Key")),
    "another key": ({"api_key": KEY}, {"X-API-Key": "s3cret"}, (401, "unauthenticated", "X-API-Key")),
    "an empty key": ({"api_key": KEY}, {"X-API-Key": ""}, (401, "unauthenticated", "X-API-Key")),
    "the key as a password": ({"api_key": KEY}, {"Authorization": KEY}, (401, "unauthenticated", "X-API-Key")),
    "no token": ({"api_key": KEY}, {"Authorization": "Bearer"}, (401, "unauthenticated", "X-API-Key")),
    "no key elsewhere": (AWAY, {"Host": "foldgate.example.com"}, (401, "unauthenticated", "X-API-Key")),
    "another host": ({}, {"Host": "example.com"}, (403, "foreign_host", "Host")),
    "a host that looks like ours": ({}, {"Host": "localhost.example.com"}, (403, "foreign_host", "Host")),
    "a host that begins like ours": ({}, {"Host": "127.0.0.1.example.com"}, (403, "foreign_host", "Host")),
    "no host": ({}, {"Host": ""}, (403, "foreign_host", "Host")),
    "another host, with the key": (
        {"api_key": KEY},
        {"Host": "example.com", "X-API-Key": KEY},
        (403, "foreign_host", "Host"),
    ),
    "another's page": ({}, {"Origin": "https://example.com"}, (403, "foreign_page", "Origin")),
    "another port's page": ({}, {"Origin": "http://127.0.0.1:3000"}, (403, "foreign_page", "Origin")),
    "nobody's page": ({}, {"Origin": "null"}, (403, "foreign_page", "Origin")),
    "an empty page": ({}, {"Origin": ""}, (403, "foreign_page", "Origin")),
    "a page elsewhere": ({}, {"Sec-Fetch-Site": "cross-site"}, (403, "foreign_page", "Sec-Fetch-Site")),
    "a page beside us": ({}, {"Sec-Fetch-Site": "same-site"}, (403, "foreign_page", "Sec-Fetch-Site")),
    "a tenant in capitals": ({}, {"X-Tenant-ID": "Acme"}, (400, "invalid_header", "X-Tenant-ID")),
    "an empty tenant": ({}, {"X-Tenant-ID": ""}, (400, "invalid_header", "X-Tenant-ID")),
    "a tenant that is a path": ({}, {"X-Tenant-ID": "../acme"}, (400, "invalid_header", "X-Tenant-ID")),
    "a long tenant": ({}, {"X-Tenant-ID": "a" * 64}, (400, "invalid_header", "X-Tenant-ID")),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_who_is_not(name: str) -> None:
    changes, headers, expected = REFUSED[name]
    found = await asked(settings(**changes), HERE | headers)
    document = found.json()
    assert (found.status_code, document["code"], document["field"]) == expected
    assert ("www-authenticate" in found.headers) == (found.status_code == 401)
    assert KEY not in found.text


@pytest.mark.parametrize("name", ["X-Tenant-ID", "X-API-Key", "Authorization", "Idempotency-Key", "Origin"])
async def test_what_is_said_twice_is_refused(name: str) -> None:
    found = await asked(settings(), [*HERE.items(), (name, "acme"), (name, "acme")])
    assert (found.status_code, found.json()["code"]) == (400, "invalid_header")


async def broken(_: Scope, __: Receive, ___: Send) -> None:
    raise ValueError("the password is 1234")


async def broken_off(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{"})
    raise ValueError


async def test_a_fault_of_ours_shows_nothing_but_its_name() -> None:
    app = Answering(broken, clock=SystemClock())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        with structlog.testing.capture_logs() as logged:
            found = await client.get("/")
    document = found.json()
    assert (found.status_code, document["code"]) == (500, "internal_error")
    assert "1234" not in found.text
    assert "Traceback" not in found.text
    assert document["fault"] in document["detail"]
    assert [entry["fault"] for entry in logged] == [document["fault"]], "the log tells the rest"


async def test_what_breaks_after_the_answer_began_is_not_answered_twice() -> None:
    app = Answering(broken_off, clock=SystemClock())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        assert (await client.get("/")).status_code == 200


def test_a_problem_is_a_document() -> None:
    made = answer(Problem("not_found", "Expected something, but there is nothing.", field="run_id"))
    assert made.media_type == "application/problem+json"
    assert json.loads(bytes(made.body)) == {
        "type": "urn:foldgate:problem:not_found",
        "title": "There is nothing here",
        "status": 404,
        "code": "not_found",
        "detail": "Expected something, but there is nothing.",
        "field": "run_id",
    }


def test_every_code_is_in_the_readme() -> None:
    text = (Path(gateway.__path__[0]) / "README.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \| (\d+) \|$", text, re.MULTILINE)
    assert listed == [(code, str(kind.status)) for code, kind in CODES.items()]
