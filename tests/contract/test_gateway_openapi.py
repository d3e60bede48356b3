"""What is answered is what the OpenAPI document says: of every operation, whatever it is asked with, the status, the
media type and the shape of the answer. `make schemathesis` asks far more, and takes minutes."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import jsonschema_rs
import msgspec
import pytest

from foldgate.eventlog.memory import MemoryLog
from tests.support.door import Door, gateway
from tests.support.suite import running, settings
from tests.support.waiting import until

API = "/api/v1"
ENDLESS = {f"{API}/stream", f"{API}/workflow-runs/{{run_id}}/events"}
DIGEST = "0" * 64
BODIES: tuple[bytes | None, ...] = (
    None,
    b"",
    b"{",
    b"[]",
    b"{}",
    b'{"input": {}}',
    b'{"topic": "job.x"}',
    b"\xff",
    b"NaN",
)
QUERIES = ("", "?limit=0", "?cursor=W10", "?unknown=1", "?after=runs-0:0", "?version=%00", "?status=%00", "?wait=x")
IDS = ("nothing", "%00", "a%2Fb", "%F0%9F%8F%86", "..", "x" * 2000, "a:b@1")
WHOLE = {"topic": "job.x", "labels": {"a": "b"}}


class Asked(NamedTuple):
    """One request of an operation."""

    method: str
    path: str
    url: str
    body: bytes | None


def requests_of(method: str, path: str, *, run_id: str) -> Iterator[Asked]:
    """In many ways, most of them wrong."""
    ids = (run_id, *IDS) if "{" in path else ("",)
    for number, one in enumerate(ids):
        url = re.sub(r"\{(\w+)\}", lambda name, one=one: DIGEST if name[1] == "sha256" else one, path)  # type: ignore[misc]
        ways: list[tuple[str, bytes | None]] = (
            [(q, None) for q in QUERIES] if method == "get" else [("", b) for b in BODIES]
        )
        for query, body in ways if number == 0 else ways[-1:]:
            yield Asked(method, path, url + query, body)


class Told:
    """What the document says."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._schemas = {"components": document["components"]}
        self.paths: Mapping[str, Mapping[str, Any]] = document["paths"]
        self._made: dict[str, Any] = {}

    def mistake(self, asked: Asked, answer: httpx.Response) -> str:
        """What is wrong with an answer; nothing if it is as was said."""
        said = self.paths[asked.path][asked.method]["responses"].get(str(answer.status_code))
        if said is None:
            return f"status {answer.status_code} is not documented: {answer.text[:300]}"
        if answer.status_code >= 500 and answer.json()["code"] != "not_yet":
            return answer.text[:300]
        media, content = answer.headers.get("content-type", "").partition(";")[0], said.get("content", {})
        if media not in content:
            return f"'{media}' is not documented, but {list(content)}" if content or media else ""
        return self._misfit(content[media]["schema"], answer) if media.endswith("json") else ""

    def _misfit(self, schema: Mapping[str, Any], answer: httpx.Response) -> str:
        key = msgspec.json.encode(schema).decode()
        if key not in self._made:
            self._made[key] = jsonschema_rs.validator_for({**schema, **self._schemas})
        error = next(self._made[key].iter_errors(answer.json()), None)
        return "" if error is None else f"{error} in {answer.text[:300]}"


async def a_run(door: Door) -> str:
    """The id of a run that can be seen."""
    begun = await door.client.post(f"{API}/jobs", json=WHOLE)
    assert begun.status_code == 201, begun.text

    async def is_seen() -> bool:
        return (await door.client.get(begun.headers["location"])).is_success

    await until(is_seen, what="the run")
    return str(begun.json()["run_id"])


async def test_every_answer_is_as_the_document_says(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wait in ("runs.CAUGHT_UP_WITHIN_S", "reflecting.WITHIN_S", "asking.VERDICT_WITHIN_S"):
        monkeypatch.setattr(f"foldgate.gateway.http.{wait}", 0.1)
    log, given = MemoryLog(), settings(artifacts=str(tmp_path))
    async with running(log, given=given), gateway(log, postgres_url, given=given) as door, asyncio.timeout(300):
        told = Told((await door.client.get("/openapi.json")).json())
        run_id = await a_run(door)
        wrong, seen = dict[str, str](), set[int]()
        for path, methods in told.paths.items():
            for method in methods:
                for asked in requests_of(method, path, run_id=run_id) if path not in ENDLESS else ():
                    answer = await door.client.request(method, asked.url, content=asked.body)
                    seen.add(answer.status_code)
                    if (mistake := told.mistake(asked, answer)) and f"{method} {path}" not in wrong:
                        wrong[f"{method} {path}"] = f"{asked.url[:200]} {asked.body!r}: {mistake}"
        assert wrong == {}
        assert {200, 201, 400, 404, 422} <= seen


async def test_of_a_path_all_methods_are_told_and_no_others_taken(postgres_url: str) -> None:
    async with gateway(MemoryLog(), postgres_url) as door, asyncio.timeout(60):
        told = Told((await door.client.get("/openapi.json")).json())
        for path, methods in told.paths.items():
            known = {method.upper() for method in methods} | ({"HEAD"} if "get" in methods else set())
            url = re.sub(r"\{\w+\}", "x", path)
            for method in sorted({"OPTIONS", "TRACE", "PATCH", "BREW", "HEAD", "PUT", "DELETE"} - known):
                answer = await door.client.request(method, url)
                assert answer.status_code == 405, f"{method} {path}"
                assert set(answer.headers["allow"].split(", ")) == known, path


async def test_a_whole_number_may_be_written_with_a_point(postgres_url: str) -> None:
    log = MemoryLog()
    async with running(log), gateway(log, postgres_url) as door, asyncio.timeout(60):
        at, whole = f"{API}/workers", b'{"name": "w", "max_parallel": 2.0}'
        assert (await door.client.post(at, content=whole)).status_code == 201
        assert (await door.client.post(at, content=whole.replace(b"2.0", b"2.5"))).status_code == 422
        assert (await door.client.post(at, content=whole.replace(b"2.0", b"1e9"))).status_code == 422
        zero = await door.client.get(f"{API}/workflows/a", params={"version": "\0"})
        assert (zero.status_code, zero.json()["code"]) == (400, "invalid_parameter")
