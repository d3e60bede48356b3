"""`foldgate up --kafka`: on a broker of the suite's own, and on one that is given."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from foldgate.servers.java import NoJava
from foldgate.servers.kafka import prepared_launch
from foldgate.servers.kafka_artifacts import VERSION, ArtifactsUnavailable
from foldgate.testing.kafka import NoBroker
from foldgate.testing.plugin import provided
from tests.support.commands import Up, gone, running, up

EXAMPLES = Path(__file__).parents[2] / "examples"
ECHO, RELEASE = EXAMPLES / "echo_worker.py", EXAMPLES / "release.yaml"


@contextlib.contextmanager
def startable() -> Iterator[None]:
    """A broker can be started on this machine."""
    try:
        asyncio.run(prepared_launch())
    except (NoJava, ArtifactsUnavailable) as error:
        raise NoBroker(str(error)) from error
    yield


@pytest.fixture
def own_broker(request: pytest.FixtureRequest) -> Iterator[None]:
    with provided(request, "KAFKA", startable()):
        yield


def runs_a_job(suite: Up, folder: Path) -> None:
    with running("worker", str(ECHO), "--data", str(suite.data), errors=folder / "worker.errors"):
        assert suite.json("run", "job", "job.echo", "--wait")["status"] == "succeeded"
        runs_a_workflow(suite)


def runs_a_workflow(suite: Up) -> None:
    assert suite.json("workflow", "publish", str(RELEASE))[0]["status"] == "published"
    words = ("run", "start", "release", "--input", '{"commit": "4f"}', "--key", "k")
    run = suite.json(*words)["run_id"]
    assert suite.json("run", "signal", run, "go", "--payload", '{"by": "ada"}')["status"] == "done"
    assert suite.json(*words, "--wait")["output"] == '{"commit":"4f","said_by":"ada"}'
    assert suite.json("run", "list")[0]["run_id"] == run
    assert suite.json("why", run)["status"] == "succeeded"


@pytest.mark.usefixtures("own_broker")
def test_a_broker_of_its_own(tmp_path: Path) -> None:
    with up(tmp_path / "data", "--kafka", "local") as suite:
        assert sorted(suite.suite["pids"]) == ["kafka", "postgresql"]
        runs_a_job(suite, tmp_path)
        checks = {check["check"]: check for check in suite.json("doctor")["checks"]}
        assert {checks[name]["state"] for name in ("kafka", "postgres", "streams", "owners", "schemas")} == {"ok"}
        assert checks["kafka"]["found"].startswith(f"{VERSION.rpartition('.')[0]} at {suite.suite['kafka']}")
        processes = suite.processes
        assert suite.stop() == 0
        assert gone(processes)
    with up(tmp_path / "data", "--kafka", "local") as again:
        listed = {stream["name"]: stream for stream in again.json("streams", "list")}
        assert listed["runs"]["epochs"] == [2, 2, 2, 2]


def test_a_broker_that_is_given(kafka_bootstrap: str, tmp_path: Path) -> None:
    settings = {"FOLDGATE_SUITE": f"u{os.getpid()}"}
    with up(tmp_path / "data", "--kafka", kafka_bootstrap, "--processes", settings=settings) as suite:
        assert suite.suite["kafka"] == kafka_bootstrap
        runs_a_job(suite, tmp_path)
