"""Artifacts: what is put into a store is fetched as it was, and by its own tenant alone."""

import asyncio
import contextlib
import hashlib
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from foldgate.contracts.access import WORKER
from foldgate.contracts.events import AttemptFailed, Event, RunFailed, RunSucceeded
from foldgate.eventlog.memory import MemoryLog
from foldgate.sdk import Job, Worker
from foldgate.sdk.artifact_folder import FolderArtifacts
from foldgate.sdk.artifact_stores import Store, store_at
from foldgate.sdk.artifacts import ArtifactMissing, ArtifactsUnreachable, ArtifactTooLarge, reference_of
from foldgate.sdk.client import Client
from foldgate.sdk.requests import a_publication
from foldgate.servers.postgres import PostgresServer
from tests.support.history import history_of
from tests.support.keys import ISSUER, TRUST
from tests.support.logs import USED
from tests.support.roles import suite_with_roles
from tests.support.suite import running, working
from tests.support.waiting import until

LARGE = secrets.token_bytes(3_000_000)
MOST = 4_000_000
REVERSED = """
id: reversed
steps:
  all: {type: job, topic: job.reverse, input: "${input}", retry: {max_attempts: 100, backoff: 200ms}}
output: "${steps.all.output}"
"""


@pytest.fixture(params=["folder", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store is, of each kind."""
    return str(tmp_path / "artifacts" if request.param == "folder" else request.getfixturevalue("postgres_url"))


@contextlib.asynccontextmanager
async def store(place: str, *, most: int = MOST) -> AsyncIterator[Store]:
    opened = store_at(place, suite=f"t{secrets.token_hex(5)}", most=most)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.mark.parametrize("data", [b"", b'{"a": 1}', LARGE], ids=["nothing", "json", "large"])
async def test_what_is_put_is_fetched_as_it_was_however_often(place: str, data: bytes) -> None:
    async with store(place) as artifacts:
        references = await asyncio.gather(*(artifacts.put(data, tenant="t") for _ in range(5)))
        assert set(references) == {f"sha256:{hashlib.sha256(data).hexdigest()}"}
        assert await artifacts.get(references[0], tenant="t") == data


async def test_another_tenant_has_none_of_them(place: str) -> None:
    async with store(place) as artifacts:
        reference = await artifacts.put(b"of one", tenant="one")
        for other in ("two", "", "one/", "../one", "ONE"):
            with pytest.raises(ArtifactMissing, match="there is none"):
                await artifacts.get(reference, tenant=other)


@pytest.mark.parametrize("reference", ["", "sha256:", "sha256:" + "G" * 64, "../../etc/passwd", "sha256:" + "0" * 63])
async def test_what_is_no_reference_is_said_to_be_none(place: str, reference: str) -> None:
    async with store(place) as artifacts:
        with pytest.raises(ArtifactMissing, match="Expected a reference such as"):
            await artifacts.get(reference, tenant="t")


async def test_what_is_too_large_is_refused(place: str) -> None:
    async with store(place, most=10) as artifacts:
        await artifacts.put(b"0123456789", tenant="t")
        with pytest.raises(ArtifactTooLarge, match="at most 10 bytes, but it has 11") as refused:
            await artifacts.put(b"0123456789+", tenant="t")
        assert (refused.value.code, refused.value.retryable) == ("artifact_too_large", False)


async def test_a_file_that_was_changed_is_no_artifact_until_it_is_put_again(tmp_path: Path) -> None:
    artifacts = FolderArtifacts(tmp_path)
    reference = await artifacts.put(b"whole", tenant="t")
    [file] = [path for path in tmp_path.rglob("*") if path.is_file()]
    file.write_bytes(b"other")
    with pytest.raises(ArtifactMissing, match="it was changed"):
        await artifacts.get(reference, tenant="t")
    assert await artifacts.put(b"whole", tenant="t") == reference
    assert await artifacts.get(reference, tenant="t") == b"whole"


@pytest.mark.parametrize("data", [b"", b"x", LARGE], ids=["nothing", "a byte", "large"])
async def test_it_is_read_in_parts_and_put_from_a_file(place: str, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    async with store(place) as artifacts:
        reference = await artifacts.put_file(tmp_path / "file", tenant="t")
        reading = await artifacts.read(reference, tenant="t")
        parts = [part async for part in reading.parts]
        assert (reading.size, b"".join(parts), reference) == (len(data), data, reference_of(data))
        assert max(map(len, parts)) <= 1024 * 1024
        with pytest.raises(ArtifactMissing, match="there is none"):
            await artifacts.read(reference, tenant="other")


async def test_a_file_that_is_too_large_is_refused(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789+")
    async with store(place, most=10) as artifacts:
        with pytest.raises(ArtifactTooLarge, match="at most 10 bytes, but it has 11"):
            await artifacts.put_file(tmp_path / "file", tenant="t")


async def test_of_what_was_changed_nobody_reads_all(tmp_path: Path) -> None:
    artifacts = FolderArtifacts(tmp_path)
    reference = await artifacts.put(LARGE, tenant="t")
    [file] = [path for path in tmp_path.rglob("*") if path.is_file()]
    file.write_bytes(LARGE[:-1] + bytes([LARGE[-1] ^ 1]))
    read, parts = bytearray(), (await artifacts.read(reference, tenant="t")).parts

    async def read_on() -> None:
        async for part in parts:
            read.extend(part)

    with pytest.raises(ArtifactMissing, match="it was changed"):
        await read_on()
    assert 0 < len(read) < len(LARGE)


async def test_a_folder_that_cannot_be_written_is_a_store_that_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ArtifactsUnreachable, match="Expected the folder"):
        await FolderArtifacts(tmp_path / "file").put(b"x", tenant="t")


async def test_a_database_that_is_away_is_a_store_that_does_not_answer() -> None:
    artifacts = store_at("postgresql://nobody@127.0.0.1:1/none", suite="t", patience_s=0.2)
    with pytest.raises(ArtifactsUnreachable, match="Expected the database to answer"):
        await artifacts.put(b"x", tenant="t")
    await artifacts.close()


@pytest.mark.parametrize("who", [WORKER, "gateway"])
async def test_roles_put_and_fetch_and_see_nothing_else(postgres_url: str, who: str) -> None:
    async with suite_with_roles(postgres_url) as suite:
        artifacts = store_at(suite.url_of(who), suite=suite.name)
        reference = await artifacts.put(b"of a role", tenant="t")
        assert await artifacts.get(reference, tenant="t") == b"of a role"
        parts = (await artifacts.read(reference, tenant="t")).parts
        assert [part async for part in parts] == [b"of a role"]
        await artifacts.close()
        async with suite.connection(who) as connection:
            for misdeed in (
                "SELECT * FROM artifact",
                "DELETE FROM artifact",
                "UPDATE artifact SET data = ''",
                "SELECT use_artifact('t', sha256('a'))",
                "SELECT idle_artifacts(interval '1 day', 9)",
                "SELECT settle_artifact('t', sha256('a'), interval '0', interval '0')",
                "INSERT INTO artifact (tenant, digest, data) VALUES ('t', sha256('a'), 'b')",
                "ALTER FUNCTION put_artifact SET search_path TO public",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(misdeed)
            await connection.execute(
                "CREATE TEMP TABLE artifact AS SELECT 't' AS tenant, sha256('') AS digest, ''::bytea AS data"
            )
            found = await connection.fetchval("SELECT get_artifact('t', $1)", bytes.fromhex(reference[7:]))
            assert reference_of(found) == reference


async def test_a_role_of_another_service_may_not(postgres_url: str) -> None:
    async with suite_with_roles(postgres_url) as suite:
        artifacts = store_at(suite.url_of("engine"), suite=suite.name)
        with pytest.raises(ArtifactsUnreachable, match="foldgate database roles"):
            await artifacts.put(b"x", tenant="t")
        await artifacts.close()


async def test_a_large_output_is_an_artifact_and_the_next_job_finds_its_value(place: str) -> None:
    log = MemoryLog()
    await log.prepare(USED)
    async with store(place, most=1_000_000) as artifacts, running(log), asyncio.timeout(60):
        worker, client = Worker("w", beat_every_ms=100, trust=TRUST, artifacts=artifacts), Client(log, signer=ISSUER)

        @worker.job("job.make")
        async def make(job: Job) -> Any:
            return "x" * int(job.input["size"])

        @worker.job("job.measure")
        async def measure(job: Job) -> Any:
            return len(job.input["text"])

        async def ended(topic: str, given: Any) -> Event:
            return await client.ended((await client.run_job(topic, given)).run_id)

        async with working(log, worker):
            made = await ended("job.make", {"size": 300_000})
            assert isinstance(made, RunSucceeded)
            reference = reference_of(b'"' + b"x" * 300_000 + b'"')
            stands = msgspec.json.decode(made.output)
            assert stands == {"$artifact": reference, "size": 300_002, "content_type": "application/json"}
            measured = await ended("job.measure", {"text": stands})
            assert isinstance(measured, RunSucceeded)
            assert measured.output == "300000"
            refused = await ended("job.make", {"size": 1_000_000})
            assert isinstance(refused, RunFailed)
            assert refused.code == "artifact_too_large"


async def test_while_a_store_is_away_attempts_fail_and_the_next_finds_what_was_put(
    postgres_server: PostgresServer, record_property: Callable[[str, object], None]
) -> None:
    """Its server is killed and started again, as often as a step says."""
    log = MemoryLog()
    await log.prepare(USED)
    artifacts = store_at(postgres_server.url, suite="t")
    hasty = store_at(postgres_server.url, suite="t", patience_s=0.5)
    async with running(log), asyncio.timeout(60):
        worker, client = Worker("w", beat_every_ms=100, trust=TRUST, artifacts=hasty), Client(log, signer=ISSUER)

        @worker.job("job.reverse")
        async def reverse(job: Job) -> Any:
            return await job.put_artifact((await job.artifact(job.input["of"]))[::-1])

        await client.decided(a_publication("default", REVERSED))
        reference = await artifacts.put(LARGE, tenant="default")

        codes: set[str] = set()

        async def attempts_failed() -> bool:
            events = [fact.event for fact in (await history_of(log)).of(AttemptFailed)]
            codes.update(event.code for event in events if isinstance(event, AttemptFailed))
            return bool(codes)

        async with working(log, worker):
            os.kill(postgres_server.pid, signal.SIGKILL)
            asked = await client.start("reversed", {"of": reference})
            await until(attempts_failed, what="an attempt to fail")
            await postgres_server.restart()
            back_at = time.monotonic()
            ended = await client.ended(asked.run_id)
            record_property("the store is back: what failed without it has succeeded", time.monotonic() - back_at)
        assert isinstance(ended, RunSucceeded)
        assert await attempts_failed()
        assert codes == {"artifacts_unreachable"}
        reverse_of = msgspec.json.decode(ended.output)["$artifact"]
        assert await artifacts.get(reverse_of, tenant="default") == LARGE[::-1]
    await hasty.close()
    await artifacts.close()
