"""Artifacts in handlers: put and fetched by coroutines and functions alike, wherever the handlers run."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from foldgate.sdk import Job, Worker
from foldgate.sdk.artifact_folder import FolderArtifacts
from foldgate.sdk.artifacts import reference_of
from foldgate.sdk.testing import Outcome, handle, handle_sync

worker = Worker("w")


@worker.job("put.async")
async def put_async(job: Job) -> Any:
    made = await job.put_artifact(job.input["text"].encode(), job.input.get("type", "text/plain"))
    return {"made": made, "again": (await job.artifact(made)).decode()}


@worker.job("put.sync")
def put_sync(job: Job) -> Any:
    made = job.put_artifact_sync(job.input["text"].encode(), job.input.get("type", "text/plain"))
    return {"made": made, "again": job.artifact_sync(made["$artifact"]).decode()}


@worker.job("get.async")
async def get_async(job: Job) -> Any:
    return len(await job.artifact(job.input["file"]))


@worker.job("get.sync")
def get_sync(job: Job) -> Any:
    return len(job.artifact_sync(job.input["file"]))


@worker.job("file.async")
async def file_async(job: Job) -> Any:
    return await job.put_artifact(Path(job.input["path"]))


@worker.job("file.sync")
def file_sync(job: Job) -> Any:
    return job.put_artifact_sync(Path(job.input["path"]))


@worker.job("wrong")
async def wrong(job: Job) -> Any:
    return job.artifact_sync(job.input["file"])


BOTH = pytest.mark.parametrize("kind", ["async", "sync"])


@pytest.fixture(autouse=True)
def store(tmp_path: Path) -> Any:
    worker.artifacts = FolderArtifacts(tmp_path / "artifacts", most=1000)
    yield worker.artifacts
    worker.artifacts = None


def apart(topic: str, given: Any) -> Outcome:
    return handle_sync(worker, topic, given)


@BOTH
async def test_what_a_handler_puts_is_fetched_in_the_loop_of_the_transport(kind: str) -> None:
    check(await handle(worker, f"put.{kind}", {"text": "hello"}))


@BOTH
def test_what_a_handler_puts_is_fetched_in_a_thread_of_its_own(kind: str) -> None:
    check(apart(f"put.{kind}", {"text": "hello"}))


def check(outcome: Outcome) -> None:
    stands = {"$artifact": reference_of(b"hello"), "size": 5, "content_type": "text/plain"}
    assert outcome.output == {"made": stands, "again": "hello"}


@BOTH
def test_a_file_will_do(kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\x00\xff" * 10)
    stands = apart(f"file.{kind}", {"path": str(tmp_path / "file")}).output
    assert stands == {
        "$artifact": reference_of(b"\x00\xff" * 10),
        "size": 20,
        "content_type": "application/octet-stream",
    }
    assert apart(f"get.{kind}", {"file": stands}).output == 20, "what is no JSON is not put in its place"


@BOTH
@pytest.mark.parametrize(
    ("file", "words"),
    [
        (reference_of(b"never put"), "there is none"),
        ("sha256:xyz", "Expected a reference such as"),
        ({"no": "artifact"}, "Expected a reference such as"),
    ],
)
def test_what_is_not_there_fails_for_good(kind: str, file: Any, words: str) -> None:
    outcome = apart(f"get.{kind}", {"file": file})
    assert (outcome.code, outcome.retryable) == ("artifact_missing", False)
    assert words in outcome.message


@BOTH
def test_what_cannot_be_put_fails(kind: str, tmp_path: Path) -> None:
    assert apart(f"put.{kind}", {"text": "x" * 1001}).code == "artifact_too_large"
    odd = apart(f"put.{kind}", {"text": "x", "type": "no type"})
    assert (odd.code, "content type" in odd.message) == ("handler_failed", True)
    (tmp_path / "artifacts").write_bytes(b"a file where a folder should be")
    away = apart(f"put.{kind}", {"text": "x"})
    assert (away.code, away.retryable) == ("artifacts_unreachable", True)
    worker.artifacts = None
    none = apart(f"put.{kind}", {"text": "x"})
    assert (none.code, none.retryable) == ("no_artifacts", False)


@BOTH
def test_the_secrets_of_a_job_are_not_put_there(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASS_WORD", 'open"sesame')
    outcome = apart(f"put.{kind}", {"text": "secret://env/PASS_WORD"})
    assert outcome.output["made"]["$artifact"] == reference_of(b"secret://env/PASS_WORD")


def test_the_handlers_of_the_page_do_what_it_says(
    store: FolderArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "artifacts.md").read_text()
    [block] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "docs/artifacts.md", "exec"), names)  # noqa: S102 - the page is ours
    names["worker"].artifacts = store
    picture = asyncio.run(store.put(b"p" * 300, tenant="default"))
    for topic, made in (("job.thumbnail", b"p" * 100), ("job.measure", b"300 bytes")):
        [stands] = handle_sync(names["worker"], topic, {"picture": picture}).output.values()
        assert asyncio.run(store.get(stands["$artifact"], tenant="default")) == made


def test_a_coroutine_that_would_wait_in_its_loop_is_told() -> None:
    outcome = apart("wrong", {"file": reference_of(b"x")})
    assert "`await` the method without _sync" in outcome.message
