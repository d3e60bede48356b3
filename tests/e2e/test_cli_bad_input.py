"""What cannot work: one clear line, what to do, an exit code, and nothing started for it."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from foldgate.contracts.topics import RUNS
from tests.support.commands import foldgate
from tests.support.logs import Opened, opened_by


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where connections are accepted and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def complaint(done: object) -> str:
    """The one line on standard error."""
    text: str = done.stderr  # type: ignore[attr-defined]
    lines = [line for line in text.splitlines() if not line.endswith("…")]
    assert len(lines) == 1, text
    assert lines[0].startswith("foldgate: ")
    return lines[0]


def test_a_port_in_use_is_known_before_anything_starts(tmp_path: Path, taken: int) -> None:
    done = foldgate("up", "--data", str(tmp_path / "data"), "--port", str(taken))
    assert done.returncode == 2
    assert f"127.0.0.1:{taken}, but something else listens there" in complaint(done)
    assert not (tmp_path / "data" / "postgres").exists()


def test_a_kafka_that_is_not_there(tmp_path: Path) -> None:
    port = free()
    done = foldgate("up", "--data", str(tmp_path / "data"), "--port", "0", "--kafka", f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert f"127.0.0.1:{port}, but nobody listens there" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_kafka_that_does_not_answer(tmp_path: Path, silent: int) -> None:
    done = foldgate("up", "--data", str(tmp_path / "data"), "--port", "0", "--kafka", f"127.0.0.1:{silent}")
    assert done.returncode == 1
    assert f"Expected a Kafka broker to answer at 127.0.0.1:{silent}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_postgres_that_is_not_there(tmp_path: Path) -> None:
    url = f"postgresql://somebody:secret@127.0.0.1:{free()}/foldgate"
    done = foldgate("up", "--data", str(tmp_path / "data"), "--port", "0", "--postgres", url)
    assert done.returncode == 1
    assert "refused" in complaint(done)
    assert "secret" not in done.stderr


def test_wrong_settings_are_all_named_at_once(tmp_path: Path) -> None:
    wrong = {"FOLDGATE_LEASEMS": "1", "FOLDGATE_LEASE_MS": "soon", "FOLDGATE_SUITE": "No Name"}
    done = foldgate("up", "--data", str(tmp_path / "data"), "--kafka", "nowhere", "--port", "70000", settings=wrong)
    assert done.returncode == 2
    for said in (
        "FOLDGATE_LEASEMS: not a setting: did you mean FOLDGATE_LEASE_MS?",
        "FOLDGATE_LEASE_MS=soon: ",
        "FOLDGATE_SUITE=No Name: ",
        "--kafka nowhere: expected HOST:PORT",
        "--port 70000: ",
    ):
        assert said in done.stderr
    assert not (tmp_path / "data").exists()


@pytest.fixture(params=["postgres", "kafka"])
def elsewhere(request: pytest.FixtureRequest) -> tuple[Opened, str]:
    """A log of each driver, and the option that names it."""
    url = request.getfixturevalue({"postgres": "postgres_url", "kafka": "kafka_bootstrap"}[request.param])
    return opened_by(request.param, request), f"--{request.param}={url}"


@pytest.mark.parametrize("hosting", [[], ["--processes"]], ids=["one process", "processes"])
async def test_a_log_with_other_partition_counts(
    elsewhere: tuple[Opened, str], hosting: list[str], tmp_path: Path
) -> None:
    opened, named = elsewhere
    async with opened._connect(opened.suite) as log:
        await log.prepare([replace(RUNS, partitions=7)])
    words = ("--data", str(tmp_path / "data"), "--port", "0", named, *hosting)
    done = foldgate("up", *words, settings={"FOLDGATE_SUITE": opened.suite})
    assert done.returncode == 1
    assert "7" in done.stderr
    assert "runs'" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_suite_to_speak_to(tmp_path: Path) -> None:
    done = foldgate("streams", "list", data=tmp_path)
    assert done.returncode == 1
    assert "Start one with `foldgate up`" in complaint(done)


def test_an_empty_database_is_left_empty(postgres_url: str) -> None:
    settings = {"FOLDGATE_POSTGRES": postgres_url, "FOLDGATE_SUITE": "nobodys"}
    done = foldgate("streams", "list", settings=settings)
    assert done.returncode == 1
    assert "Expected a suite named 'nobodys'" in complaint(done)
    again = foldgate("doctor", settings=settings)
    assert again.returncode == 1
    assert "suite 'nobodys' is without" in again.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "job", "job.echo", "--input", "{"), "Expected --input to be JSON"),
        (("run", "job", "job.echo", "--input", "@nowhere.json"), "Expected --input to name a file"),
        (("streams", "tail", "nothing"), "Expected one of the streams"),
        (("worker", "nowhere.py"), "Expected a Python file at nowhere.py"),
        (("worker", "no.such.module"), "Expected a module or a file named 'no.such.module'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_makes_no_sense(words: tuple[str, ...], said: str) -> None:
    done = foldgate(*words)
    assert done.returncode == 2
    assert said in complaint(done)


def test_a_worker_that_cannot_be_loaded(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import nothing_of_that_name\n")
    done = foldgate("worker", str(broken))
    assert done.returncode == 1
    assert f"in {broken}, line 1: ModuleNotFoundError: No module named 'nothing_of_that_name'" in complaint(done)


def test_a_read_model_of_another_log_is_not_gone_on_with(tmp_path: Path, kafka_bootstrap: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "log-of-read-models").write_text("postgresql\n")
    done = foldgate("up", "--data", str(data), "--port", "0", "--kafka", kafka_bootstrap)
    assert done.returncode == 2
    assert "(postgresql), but this is another one (kafka " in done.stderr


def test_a_stack_trace_only_for_those_who_ask() -> None:
    words = ("run", "job", "job.echo", "--input", "{")
    assert "Traceback" in foldgate("--debug", *words).stderr
    assert "Traceback" in foldgate(*words, settings={"FOLDGATE_LOG_LEVEL": "debug"}).stderr


def test_nothing_is_left_running(tmp_path: Path) -> None:
    """What fails after a server was started, stops it."""
    done = foldgate("up", "--data", str(tmp_path / "data"), "--port", "0", "--kafka", f"127.0.0.1:{free()}")
    assert done.returncode == 1
    marks = [process.info["cmdline"] for process in psutil.process_iter(["cmdline"])]
    assert not [words for words in marks if words and str(tmp_path) in " ".join(words)]
