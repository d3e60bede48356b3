"""`foldgate up` in one process on PostgreSQL, and the commands that speak to it: one suite for most tests here."""

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import psutil
import pytest

from tests.support.commands import Running, Up, foldgate, gone, running, up

ECHO = Path(__file__).parents[2] / "examples" / "echo_worker.py"
SERVICES = ["approval", "engine", "gateway", "policy_kernel", "scheduler"]


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with up(tmp_path_factory.mktemp("cli") / "data") as found:
        yield found


@pytest.fixture(scope="module")
def worker(suite: Up) -> Iterator[Running]:
    errors = suite.data.with_name("worker.errors")
    with running("worker", str(ECHO), "--data", str(suite.data), errors=errors) as found:
        yield found


def test_it_serves_where_it_says(suite: Up) -> None:
    answer = httpx.get(f"{suite.suite['url']}/readyz")
    assert (answer.status_code, answer.json()["services"]) == (200, SERVICES)
    assert suite.suite["pid"] == suite.process.pid
    assert list(suite.suite["pids"]) == ["postgresql"]


def test_what_it_writes_down_is_its_owners_alone(suite: Up) -> None:
    keys = [f"keys/{name}" for name in ("root.key", "kernel.json", "scheduler.json", "issuer.json", "suite.key")]
    for name in ("up.json", "api-key", *keys):
        assert (suite.data / name).stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("worker")
def test_the_api_takes_the_key_that_was_made_for_it(suite: Up) -> None:
    api, key = f"{suite.suite['url']}/api/v1", (suite.data / "api-key").read_text()
    assert httpx.post(f"{api}/jobs", json={"topic": "job.echo"}).status_code == 401
    with httpx.Client(headers={"X-API-Key": key}) as client:
        asked = client.post(f"{api}/jobs", json={"topic": "job.echo"}).raise_for_status().json()
        wanted = (
            "streams",
            "tail",
            "runs",
            "--run",
            asked["run_id"],
            "--from",
            "beginning",
            "--follow",
            "--limit",
            "4",
        )
        last = suite.lines(*wanted)[-1]
        after = f"{last['stream']}-{last['partition']}:{last['offset']}"
        shown = client.get(f"{api}/workflow-runs/{asked['run_id']}", params={"after": after}).raise_for_status().json()
    assert (last["event"], shown["status"]) == ("RunSucceeded", "succeeded")


@pytest.mark.usefixtures("worker")
def test_a_run_of_one_step(suite: Up) -> None:
    ended = suite.json("run", "job", "job.echo", "--input", '{"a": [1]}', "--wait")
    assert ended["status"] == "succeeded"
    assert msgspec.json.decode(ended["output"]) == {"you_said": {"a": [1]}, "attempt": 1}


@pytest.mark.usefixtures("worker")
def test_the_exit_code_tells_failure(suite: Up) -> None:
    failed = suite.foldgate("run", "job", "job.fail", "--wait")
    assert failed.returncode == 1
    assert "failed: not_today" in failed.stdout


@pytest.mark.usefixtures("worker")
def test_the_same_key_is_the_same_run(suite: Up) -> None:
    words = ("run", "job", "job.echo", "--key", "once", "--wait")
    assert suite.json(*words) == suite.json(*words)


@pytest.mark.usefixtures("worker")
def test_not_to_wait_for_ever(suite: Up) -> None:
    done = suite.foldgate("run", "job", "job.echo", "--wait", "--timeout", "0")
    assert done.returncode == 1
    assert "goes on: see `foldgate why run_" in done.stderr


@pytest.mark.usefixtures("worker")
def test_the_timeline_puts_causes_before_effects(suite: Up) -> None:
    run = suite.json("run", "job", "job.echo", "--wait")["run_id"]
    told = suite.lines("timeline", run)
    names = [one["event"] for one in told if one["event"] != "JobQueued"]  # where the worker was slow to join
    first = ["RunRequested", "RunStarted", "JobRequested", "RunAdmitted", "WritIssued", "JobDispatched"]
    assert names[: len(first)] == first
    assert (
        names.index("JobSucceeded")
        < names.index("StepSucceeded")
        < names.index("RunSucceeded")
        < names.index("CaseClosed")
    )
    assert {one["meta"]["run_id"] for one in told} == {run}
    assert f"{run} succeeded after" in suite.foldgate("timeline", run).stdout


def test_read_models_are_built_anew_while_they_serve(suite: Up) -> None:
    first = {line["read_model"]: line["build"] for line in suite.lines("streams", "rebuild")}
    assert {"runs", "timeline", "workflows"} <= first.keys()
    assert suite.lines("streams", "rebuild", "runs", "runs") == [{"read_model": "runs", "build": first["runs"] + 1}]
    wrong = suite.foldgate("streams", "rebuild", "nothing")
    assert wrong.returncode == 2
    assert "Expected one of the read models" in wrong.stderr


def test_streams_are_listed_with_their_owners(suite: Up) -> None:
    listed = {stream["name"]: stream for stream in suite.json("streams", "list")}
    runs = listed["runs"]
    assert (runs["kind"], runs["owner"], runs["partitions"], runs["epochs"]) == ("owned", "engine", 4, [1, 1, 1, 1])
    assert all(runs["owners"])
    assert "runs " in suite.foldgate("streams", "list").stdout


@pytest.mark.usefixtures("worker")
def test_a_tail_ends_or_follows(suite: Up, tmp_path: Path) -> None:
    run = suite.json("run", "job", "job.echo", "--wait")["run_id"]
    last = suite.lines("streams", "tail", "runs", "--run", run)
    assert [one["event"] for one in last] == ["RunStarted", "JobRequested", "StepSucceeded", "RunSucceeded"]
    assert [one["event"] for one in suite.lines("streams", "tail", "runs", "--limit", "1")] == ["RunSucceeded"]
    first = suite.lines("streams", "tail", "runs", "--from", "beginning", "--limit", "1")
    assert (first[0]["event"], first[0]["offset"]) == ("OwnerChanged", 0)
    words = ("streams", "tail", "intake", "--from", "beginning", "--follow", "--json", "--data", str(suite.data))
    with running(*words, errors=tmp_path / "errors") as following:
        asked = suite.json("run", "job", "job.echo")["run_id"]
        while msgspec.json.decode(following.line())["meta"]["run_id"] != asked:
            pass


def test_doctor_finds_it_healthy(suite: Up) -> None:
    found = suite.json("doctor")
    states = {check["check"]: check["state"] for check in found["checks"]}
    assert found["healthy"]
    assert {"python", "suite", "postgres", "clock", "streams", "owners", "schemas"} <= states.keys()
    assert {states[name] for name in ("suite", "postgres", "durability", "streams", "owners", "schemas")} == {"ok"}


def test_a_second_one_says_who_is_there(suite: Up) -> None:
    second = foldgate("up", "--data", str(suite.data))
    assert second.returncode == 2
    [line] = second.stderr.splitlines()
    assert f"pid {suite.process.pid} " in line
    assert "--data DIR" in line


def test_a_worker_leaves_in_order(suite: Up, tmp_path: Path) -> None:
    with running("worker", str(ECHO), "--data", str(suite.data), errors=tmp_path / "errors") as leaving:
        assert "takes jobs" in leaving.line()
        assert leaving.stop() == 0


def test_it_leaves_in_order_and_leaves_nothing(tmp_path: Path) -> None:
    with up(tmp_path / "data") as suite:
        processes = suite.processes
        assert suite.stop() == 0
        assert not any(process.is_running() for process in processes)
        assert not (suite.data / "up.json").exists()
        assert foldgate("streams", "list", data=suite.data).returncode == 1


def test_after_kill_9_nothing_is_left_and_the_next_one_goes_on(tmp_path: Path) -> None:
    with up(tmp_path / "data") as suite:
        asked = suite.json("run", "job", "job.echo")["run_id"]
        processes = suite.processes
        suite.process.kill()
        assert gone(processes)
        alone = suite.foldgate("streams", "list")
        assert f"process {suite.suite['pid']}, is gone" in alone.stderr
    with up(tmp_path / "data") as again:
        assert f"(pid {suite.suite['pid']}) was not stopped in order" in again.errors
        assert again.lines("timeline", asked)[0]["event"] == "RunRequested"
        assert {one["state"] for one in again.json("doctor")["checks"]} == {"ok"}


def test_without_its_database_it_ends_and_says_so(tmp_path: Path) -> None:
    with up(tmp_path / "data", settings={"FOLDGATE_DRAIN_WITHIN_MS": "500"}) as suite:
        psutil.Process(suite.suite["pids"]["postgresql"]).send_signal(signal.SIGKILL)
        assert suite.ended() == 1
        assert "PostgreSQL (pid" in suite.errors
        assert "killed by SIGKILL" in suite.errors
        assert "Traceback" not in suite.errors


def test_each_service_in_a_process_of_its_own(tmp_path: Path) -> None:
    with up(tmp_path / "data", "--processes") as suite:
        assert sorted(suite.suite["pids"]) == [*SERVICES[:4], "postgresql", "scheduler"]
        with running("worker", str(ECHO), "--data", str(suite.data), errors=tmp_path / "errors"):
            assert suite.json("run", "job", "job.echo", "--wait")["status"] == "succeeded"
        processes = suite.processes
        assert suite.stop() == 0
        assert gone(processes)


def test_a_service_that_dies_ends_all_and_is_named(tmp_path: Path) -> None:
    with up(tmp_path / "data", "--processes") as suite:
        processes = suite.processes
        psutil.Process(suite.suite["pids"]["engine"]).send_signal(signal.SIGKILL)
        assert suite.ended() == 1
        assert gone(processes)
        assert f"engine (pid {suite.suite['pids']['engine']}) has ended with exit code -9" in suite.errors
        assert "The last lines of " in suite.errors
        assert "Traceback" not in suite.errors


def test_services_die_with_the_one_that_started_them(tmp_path: Path) -> None:
    with up(tmp_path / "data", "--processes") as suite:
        processes = suite.processes
        suite.process.kill()
        assert gone(processes)
