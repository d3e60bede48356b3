"""Artifacts at the door: put and fetched as they come, verified on their way, each tenant its own."""

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from foldgate.eventlog.memory import MemoryLog
from foldgate.gateway.http import artifacts as area
from foldgate.sdk import Job, Worker
from foldgate.sdk.artifacts import ArtifactMissing, ArtifactsUnreachable, ArtifactTooLarge, reference_of
from foldgate.sdk.over_http import OverHttp
from tests.contract.test_gateway import ended, problem, start
from tests.contract.test_gateway_workers import API, Plain, registered
from tests.support.door import Door, gateway, served
from tests.support.suite import running, settings

MOST = 3_000_000
LARGE = secrets.token_bytes(2_500_000)


class At(NamedTuple):
    """A door, and the folder in which its artifacts lie."""

    door: Door
    folder: Path

    @property
    def client(self) -> httpx.AsyncClient:
        return self.door.client

    async def put(self, data: bytes, *, name: str = "", **headers: str) -> httpx.Response:
        digest = name or hashlib.sha256(data).hexdigest()
        return await self.client.put(f"{API}/artifacts/{digest}", content=data, headers=headers)

    async def get(self, name: str, **headers: str) -> httpx.Response:
        return await self.client.get(f"{API}/artifacts/{name}", headers=headers)

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


@contextlib.asynccontextmanager
async def suite(folder: Path, url: str, *, place: str = "") -> AsyncIterator[At]:
    log, given = MemoryLog(), settings(artifacts=place or str(folder), artifact_max_bytes=MOST)
    async with running(log), gateway(log, url, given=given) as door, asyncio.timeout(90):
        yield At(door, folder)


async def status_of_who_stalls(port: int) -> bytes:
    """What somebody is told who sends one byte of ten, and no more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"PUT {API}/artifacts/{'0' * 64} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nx".encode())
    status = (await reader.readline()).strip()
    writer.close()
    return status


@pytest.fixture(params=["folder", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store is, of each kind."""
    return str(tmp_path if request.param == "folder" else request.getfixturevalue("postgres_url"))


@pytest.mark.parametrize("data", [b"", b"{}", LARGE], ids=["nothing", "little", "much"])
async def test_what_is_put_is_fetched(postgres_url: str, place: str, data: bytes) -> None:
    digest = hashlib.sha256(data).hexdigest()
    async with suite(Path(place), postgres_url, place=place) as at:
        for _ in range(2):
            answer = await at.put(data)
            assert (answer.status_code, answer.json()) == (201, {"reference": f"sha256:{digest}", "size": len(data)})
        assert (await at.get(f"sha256:{digest}")).content == data
        found = await at.get(digest)
        assert (found.status_code, found.content) == (200, data)
        assert found.headers["etag"] == f'"{digest}"'
        assert found.headers["content-length"] == str(len(data))
        assert "immutable" in found.headers["cache-control"]
        assert "private" in found.headers["cache-control"]
        head = await at.client.head(f"{API}/artifacts/{digest}")
        assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(data)), b"")


async def test_who_has_it_already_is_told_so(tmp_path: Path, postgres_url: str) -> None:
    async with suite(tmp_path, postgres_url) as at:
        await at.put(b"mine")
        digest = hashlib.sha256(b"mine").hexdigest()
        kept = await at.get(digest, **{"If-None-Match": f'"{digest}"'})
        assert (kept.status_code, kept.content) == (304, b"")
        other = await at.get(digest, **{"If-None-Match": f'"{digest}"', "X-Tenant-ID": "other"})
        assert problem(other)[:2] == (404, "artifact_missing"), "nobody finds out what others have"


async def test_what_is_not_there_or_anothers_is_404(tmp_path: Path, postgres_url: str) -> None:
    async with suite(tmp_path, postgres_url) as at:
        await at.put(b"mine")
        assert problem(await at.get("0" * 64))[:2] == (404, "artifact_missing")
        found = await at.get(hashlib.sha256(b"mine").hexdigest(), **{"X-Tenant-ID": "other"})
        assert problem(found)[:2] == (404, "artifact_missing")
        for wrong in ("0" * 63, "G" * 64, "sha512:" + "0" * 64, "..%2f" * 3):
            assert (await at.get(wrong)).status_code in (400, 404)
            assert (await at.put(b"x", name=wrong)).status_code in (400, 404)
        assert problem(await at.put(b"x", name="G" * 64)) == (400, "invalid_parameter", "sha256")


async def test_nothing_is_kept_of_what_is_refused(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    monkeypatch.setattr(area, "WITHIN_S", 0.3)
    async with suite(tmp_path, postgres_url) as at, served(at.door) as port:
        lied = await at.put(b"one", name=hashlib.sha256(b"other").hexdigest())
        assert problem(lied) == (422, "artifact_mismatch", "sha256")
        large = await at.put(b"x" * (MOST + 1))
        assert problem(large)[:2] == (413, "artifact_too_large")
        assert large.json()["most"] == MOST
        unsaid = await at.client.put(f"{API}/artifacts/{'0' * 64}", content=endless())
        assert problem(unsaid)[:2] == (413, "artifact_too_large"), "also where nobody said how much it would be"
        packed = await at.put(b"x", **{"Content-Encoding": "gzip"})
        assert problem(packed) == (415, "unsupported_encoding", "Content-Encoding")
        assert await status_of_who_stalls(port) == b"HTTP/1.1 408 Request Timeout"
        assert at.files() == []
        monkeypatch.setattr(area, "AT_ONCE", 0)
        assert problem(await at.put(b"x"))[:2] == (429, "overloaded")


async def test_of_what_was_changed_in_the_store_nobody_gets_all(tmp_path: Path, postgres_url: str) -> None:
    async with suite(tmp_path, postgres_url) as at, served(at.door) as port:
        await at.put(LARGE)
        [file] = at.files()
        file.write_bytes(LARGE[:-1] + bytes([LARGE[-1] ^ 1]))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(f"{API}/artifacts/{hashlib.sha256(LARGE).hexdigest()}")


async def test_a_store_that_is_away_is_503(tmp_path: Path, postgres_url: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    async with suite(tmp_path, postgres_url, place=str(tmp_path / "file")) as at:
        answer = await at.put(b"x")
        assert problem(answer)[:2] == (503, "artifacts_unreachable")
        assert answer.headers["retry-after"] == "1"


async def test_a_worker_uses_the_tenant_of_its_job_as_long_as_it_holds_it(tmp_path: Path, postgres_url: str) -> None:
    async with suite(tmp_path, postgres_url) as at:
        plain = await registered(at.door)
        await plain.beat()
        run = (await start(at.door, tenant="theirs")).json()["run_id"]
        job = await plain.job()
        assert job["tenant"] == "theirs"
        url = f"{API}/jobs/{job['job_id']}/artifacts/{hashlib.sha256(b'made').hexdigest()}"
        for wrong in (
            {},
            {"X-Lease-Token": plain.token},
            {"X-Lease-Token": job["lease_token"], "X-Tenant-ID": "theirs"},
        ):
            assert problem(await at.client.put(url, content=b"made", headers=wrong))[:2] == (403, "wrong_lease_token")
        held = {"X-Lease-Token": job["lease_token"]}
        assert (await at.client.put(url, content=b"made", headers=held)).status_code == 201
        assert (await at.client.get(url, headers=held)).content == b"made"
        digest = hashlib.sha256(b"made").hexdigest()
        assert (await at.get(digest)).status_code == 404, "it is not the worker's tenant's"
        assert (await at.get(digest, **{"X-Tenant-ID": "theirs"})).content == b"made"
        await called_back(at, plain, run)
        assert problem(await at.client.get(url, headers=held))[:2] == (409, "lease_over")


async def called_back(at: At, plain: Plain, run: str) -> None:
    """The job is not the worker's any more, and it was told."""
    waiting = asyncio.create_task(plain.lease(n=0))
    await at.client.post(f"{API}/workflow-runs/{run}/cancel", json={}, headers={"X-Tenant-ID": "theirs"})
    assert (await waiting).json()["called_back"]


async def test_openapi_shows_that_bodies_are_bytes(tmp_path: Path, postgres_url: str) -> None:
    async with suite(tmp_path, postgres_url) as at:
        paths = (await at.client.get("/openapi.json")).json()["paths"]
    for path in (f"{API}/artifacts/{{sha256}}", f"{API}/jobs/{{job}}/artifacts/{{sha256}}"):
        assert "application/octet-stream" in paths[path]["put"]["requestBody"]["content"]
        assert "application/octet-stream" in paths[path]["get"]["responses"]["200"]["content"]


async def test_the_sdk_puts_and_fetches_over_http(tmp_path: Path, postgres_url: str) -> None:
    worker = Worker("over-http", max_parallel=2, beat_every_ms=250)

    @worker.job("job.echo")
    async def makes(job: Job) -> Any:
        file = await job.put_artifact(b"\x00" * 400_000)
        return {"file": file, "filled": "x" * 300_000}

    @worker.job("job.reads")
    def reads(job: Job) -> Any:
        return [len(job.artifact_sync(job.input["file"])), len(job.input["all"]["filled"])]

    async with suite(tmp_path, postgres_url) as at, served(at.door) as port:
        task = asyncio.create_task(worker.work_over(OverHttp(f"http://127.0.0.1:{port}"), alone=True))
        made = (await ended(at.door, (await start(at.door)).json()["run_id"]))["output"]
        assert made.keys() == {"$artifact", "size", "content_type"}, "it is too large for an event"
        file = {"$artifact": reference_of(b"\x00" * 400_000), "size": 400_000, "content_type": "a/b"}
        asked = await start(at.door, {"topic": "job.reads", "input": {"file": file, "all": made}})
        assert (await ended(at.door, asked.json()["run_id"]))["output"] == [400_000, 300_000]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_sdk_knows_what_goes_wrong_over_http(tmp_path: Path, postgres_url: str) -> None:
    worker, seen = Worker("over-http", beat_every_ms=250), list[BaseException]()

    @worker.job("job.echo")
    async def tries(_: Job) -> None:
        for attempt in (
            transport.artifacts.get("sha256:" + "0" * 64, tenant="default"),
            transport.artifacts.put(b"x" * (MOST + 1), tenant="default"),
            transport.artifacts.put(b"x", tenant="whose job we do not hold"),
        ):
            [error] = await asyncio.gather(attempt, return_exceptions=True)
            assert isinstance(error, BaseException)
            seen.append(error)

    async with suite(tmp_path, postgres_url) as at, served(at.door) as port:
        transport = OverHttp(f"http://127.0.0.1:{port}")
        task = asyncio.create_task(worker.work_over(transport))
        await ended(at.door, (await start(at.door)).json()["run_id"])
        assert [type(error) for error in seen] == [ArtifactMissing, ArtifactTooLarge, ArtifactsUnreachable]
        assert f"at most {MOST} bytes" in str(seen[1])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
