"""The gateway and the world: hostile bytes on a socket, a log or a database that is away, a suite that is large."""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from foldgate.contracts.places import Partition
from foldgate.contracts.topics import INTAKE
from foldgate.eventlog.log import LogUnavailable, Outgoing, Submitted
from foldgate.eventlog.memory import MemoryLog
from foldgate.gateway.http.app import API, Gateway
from foldgate.gateway.http.bodies import MAX_BYTES
from tests.support.door import gateway, served
from tests.support.suite import running

JOBS = f"{API}/jobs"
ECHO = {"topic": "job.echo"}


async def raw(port: int, sent: Sequence[bytes]) -> bytes:
    """What comes back for these bytes, until the other side closes; we close ours first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        with contextlib.suppress(ConnectionError):
            for part in sent:
                writer.write(part)
                await writer.drain()
            writer.write_eof()
        with contextlib.suppress(ConnectionError):
            return await reader.read()
        return b""
    finally:
        writer.close()


def post(*headers: str, body: bytes = b"") -> bytes:
    lines = [f"POST {JOBS} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


HOSTILE: dict[str, tuple[Sequence[bytes], bytes]] = {
    "too long, as it says": ([post(f"Content-Length: {MAX_BYTES + 1}")], b" 413 "),
    "too long, in pieces": (
        [post("Transfer-Encoding: chunked"), *[b"10000\r\n" + b" " * 65536 + b"\r\n"] * 17, b"0\r\n\r\n"],
        b" 413 ",
    ),
    "shorter than it says": ([post("Content-Length: 100", body=b'{"topic"')], b""),
    "a length that is none": ([post("Content-Length: ten", body=b"{}")], b" 400 "),
    "a length twice": ([post("Content-Length: 2", "Content-Length: 3", body=b"{}")], b" 400 "),
    "a length and pieces": (
        [post("Content-Length: 2", "Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n")],
        b" 4",
    ),
    "compressed": ([post("Content-Encoding: gzip", "Content-Length: 2", body=b"{}")], b" 415 "),
    "another type": ([post("Content-Type: text/plain", "Content-Length: 2", body=b"{}")], b" 422 "),
    "no host": ([f"POST {JOBS} HTTP/1.0\r\nContent-Length: 2\r\n\r\n{{}}".encode()], b" 403 "),
    "a key that is no text": ([post("Idempotency-Key: \x01", "Content-Length: 2", body=b"{}")], b" 400 "),
    "a key beyond ASCII": ([post("Idempotency-Key: \u00e4", "Content-Length: 2", body=b"{}")], b" 400 "),
    "a tenant beyond ASCII": ([post("X-Tenant-ID: \u00e4", "Content-Length: 2", body=b"{}")], b" 400 "),
    "no HTTP": ([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], b" 400 "),
    "a method of its own": ([f"BREW {JOBS} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()], b" 4"),
    "an upgrade": ([post("Upgrade: websocket", "Sec-WebSocket-Key: x", "Content-Length: 2", body=b"{}")], b" 4"),
    "a path outside": ([b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"], b" 404 "),
    "a path that is no text": ([b"GET /%ff%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"], b" 404 "),
}


async def test_hostile_bytes_are_answered_and_harm_nobody(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url) as door, served(door) as port, asyncio.timeout(60):
        answers = {name: await raw(port, sent) for name, (sent, _) in HOSTILE.items()}
        wrong = {
            name: answers[name][:300]
            for name, (_, expected) in HOSTILE.items()
            if expected not in answers[name].partition(b"\r\n")[0]
        }
        assert wrong == {}
        assert not any(b" 500 " in answer or b"Traceback" in answer for answer in answers.values())
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            assert (await client.post(JOBS, content=json.dumps(ECHO))).status_code == 201
            assert (await client.get("/readyz")).json() == {"status": "ready", "services": ["gateway"]}
            assert "foldgate_" in (await client.get("/metrics")).text
        assert await log.end(Partition("quarantine", 0)) == 0


WRONG_WAYS = [
    ("GET", "/", 404, "not_found"),
    ("GET", "/api/v1", 404, "not_found"),
    ("GET", f"{API}/jobs/", 404, "not_found"),
    ("GET", f"{API}/workflow-runs/", 404, "not_found"),
    ("GET", f"{API}/workflow-runs/a/b", 404, "not_found"),
    ("GET", f"{API}/workflow-runs/%00", 404, "not_found"),
    ("GET", f"{API}/workflow-runs/{'x' * 5000}", 404, "not_found"),
    ("PATCH", JOBS, 405, "method_not_allowed"),
    ("DELETE", JOBS, 405, "method_not_allowed"),
    ("DELETE", f"{API}/workflow-runs/run_1", 404, "not_found"),
    ("OPTIONS", JOBS, 405, "method_not_allowed"),
    ("GET", f"{API}/workflow-runs/run_1?after=", 400, "invalid_parameter"),
    ("GET", f"{API}/workflow-runs/run_1?after=runs", 400, "invalid_parameter"),
    ("GET", f"{API}/workflow-runs/run_1?after=runs-4:1", 400, "invalid_parameter"),
    ("GET", f"{API}/workflow-runs/run_1?after=nothing-0:1", 400, "invalid_parameter"),
    ("GET", f"{API}/workflow-runs/run_1?after=runs-0:-1", 400, "invalid_parameter"),
    ("GET", f"{API}/workflow-runs/run_1?after=runs-0:{'9' * 30}", 400, "invalid_parameter"),
    ("GET", f"{API}/workflow-runs/run_1?after=runs-0:1&after=runs-0:2", 400, "invalid_parameter"),
    ("GET", f"{API}/workflow-runs/run_1?afer=runs-0:1", 400, "invalid_parameter"),
]


async def test_what_is_not_there_is_said_to_be(postgres_url: str) -> None:
    async with gateway(MemoryLog(), postgres_url) as door, asyncio.timeout(60):
        answers = [(method, path, await door.client.request(method, path)) for method, path, *_ in WRONG_WAYS]
        assert [(m, p, a.status_code, a.json()["code"]) for m, p, a in answers] == WRONG_WAYS
        assert all(answer.json()["detail"].endswith(".") for *_, answer in answers)


async def test_keys_that_are_none_are_refused(postgres_url: str) -> None:
    async with gateway(MemoryLog(), postgres_url) as door, asyncio.timeout(60):
        for key in ("", " ", "a" * 201, "ä", "\t"):
            answer = await door.client.post(JOBS, json=ECHO, headers=[(b"Idempotency-Key", key.encode())])
            assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key"), key


async def test_the_document_says_what_is_served(postgres_url: str) -> None:
    async with gateway(MemoryLog(), postgres_url) as door, asyncio.timeout(60):
        document = (await door.client.get("/openapi.json")).json()
        assert document["openapi"].startswith("3.")
        operations = {
            f"{method.upper()} {path}": one
            for path, methods in document["paths"].items()
            for method, one in methods.items()
        }
        assert isinstance(door.host.app, Gateway)
        served = door.host.app.operations
        assert set(operations) == {f"{one.method} {one.path.replace(':path}', '}')}" for one in served}
        assert {f"POST {JOBS}", f"GET {API}/workflow-runs/{{run_id}}", f"GET {API}/status"} <= set(operations)
        start = operations[f"POST {JOBS}"]
        told = {"200", "201", "202", "400", "401", "403", "408", "409", "413", "414", "415", "422", "429", "431"}
        assert set(start["responses"]) == {*told, "500", "503"}
        assert set(start["responses"]["409"]["content"]) == {"application/problem+json"}
        assert all(one["summary"] for one in operations.values())
        assert set(refs(document)) <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
        assert all({"X-Tenant-ID"} <= {one["name"] for one in known["parameters"]} for known in operations.values())
        assert document["security"] == [{"ApiKey": []}, {"Bearer": []}]


def refs(node: Any) -> list[str]:
    """Everything that the document refers to."""
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [ref for inner in node.values() for ref in refs(inner)]
    return [ref for inner in node for ref in refs(inner)] if isinstance(node, list) else []


async def test_a_database_that_does_not_answer_is_said_not_to(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foldgate.gateway.http.querying.QUERY_WITHIN_S", 0.2)
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url) as door, asyncio.timeout(60):
        answers: list[httpx.Response] = []

        async def hold(connection: Any) -> None:
            async with connection.transaction():
                await connection.execute("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE")
                answers.append(await door.client.get(f"{API}/workflow-runs/run_1"))
                answers.append(await door.client.post(JOBS, json=ECHO, headers={"Idempotency-Key": "k"}))
                answers.append(await door.client.post(JOBS, json=ECHO))

        await door.models.run(hold)
        assert [answer.status_code for answer in answers] == [503, 503, 201], "a run without a key needs no look-up"
        assert {answer.json()["code"] for answer in answers[:2]} == {"database_unavailable"}
        assert (await door.client.post(JOBS, json=ECHO, headers={"Idempotency-Key": "k"})).status_code == 201


class AwayLog(MemoryLog):
    """A log whose submissions fail when it is told to be away."""

    is_away = False

    async def submit(self, stream: str, submissions: Sequence[Outgoing]) -> Sequence[Submitted]:
        if self.is_away and stream == INTAKE.name:
            raise LogUnavailable("the test says so")
        return await super().submit(stream, submissions)


async def test_a_log_that_is_away_is_said_to_be(postgres_url: str) -> None:
    log = AwayLog()
    async with running(log), gateway(log, postgres_url) as door, asyncio.timeout(60):
        log.is_away = True
        answer = await door.client.post(JOBS, json=ECHO)
        assert (answer.status_code, answer.json()["code"]) == (503, "log_unavailable")
        assert "Idempotency-Key" in answer.json()["detail"]
        log.is_away = False
        assert (await door.client.post(JOBS, json=ECHO)).status_code == 201
