"""Pools as a user has them: said, looked at, drained and opened again, while jobs go where that leads them."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.commands import Up, foldgate, running, up
from tests.support.web import response, web

EXAMPLE = Path(__file__).parents[2] / "examples" / "builtin"
POOLS = """
pools:
  - {name: default, max_cpu_percent: 100}
  - {name: sre, capabilities: [docker], labels: {zone: eu}, max_cpu_percent: 100}
  - {name: web, max_cpu_percent: 100}
routes:
  - {topics: ["job.who"], pools: [sre, default]}
  - {topics: ["kind:http", "kind:script"], pools: [web]}
"""
WORKER = """
import sys
from foldgate.sdk import Job, Worker

worker = Worker("{pool}-worker", pool="{pool}", capabilities=["docker"], labels={{"zone": "eu"}})


@worker.job("job.who")
def who(job: Job) -> str:
    return "{pool}"
"""
TRIES = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pools")
    (made / "pools.yaml").write_text(POOLS)
    (made / "wrong.yaml").write_text(POOLS.replace("capabilities", "capability"))
    for pool in ("default", "sre"):
        (made / f"{pool}.py").write_text(WORKER.format(pool=pool))
    return made


@pytest.fixture(scope="module")
def suite(folder: Path) -> Iterator[Up]:
    with up(folder / "data") as found, contextlib.ExitStack() as workers:
        for pool in ("default", "sre"):
            words = ("worker", str(folder / f"{pool}.py"), "--data", str(found.data))
            workers.enter_context(running(*words, errors=folder / f"{pool}.errors")).line()
        yield found


def goes_to(suite: Up, pool: str) -> None:
    """Jobs are done there, once those have read of it who send them."""
    for _ in range(TRIES):
        if suite.json("run", "job", "job.who", "--wait")["output"] == f'"{pool}"':
            return
    pytest.fail(f"Expected a job to be done in '{pool}', but of {TRIES} none was.")


def listed(suite: Up) -> dict[str, Any]:
    return {pool["name"]: pool for pool in suite.json("pools", "list")["pools"]}


def test_pools_are_said_drained_and_opened_while_jobs_go_where_they_may(suite: Up, folder: Path) -> None:
    goes_to(suite, "default")
    wrong = suite.foldgate("pools", "put", str(folder / "wrong.yaml"))
    assert (wrong.returncode, "wrong.yaml:4:17: pools[1].capability" in wrong.stdout) == (1, True), wrong.stdout
    put = suite.json("pools", "put", str(folder / "pools.yaml"), "--reason", "a pool for operations")
    assert (put["status"], put["revision"]) == ("published", 1)
    again = suite.foldgate("pools", "put", str(folder / "pools.yaml"), "--revision", "0")
    assert (again.returncode, "revision_conflict" in again.stdout) == (1, True)
    goes_to(suite, "sre")

    pools = listed(suite)
    assert list(pools) == ["default", "sre", "web"]
    assert [(pool["open"], pool["workers"]) for pool in pools.values()] == [(True, 1), (True, 1), (True, 0)]
    shown = suite.foldgate("pools", "list").stdout
    assert "kind:http, kind:script" in shown
    assert "sre → default" in shown
    terms = suite.foldgate("pools", "show", "sre").stdout
    assert "sre  open" in terms
    assert "sre-worker/" in terms
    document = folder / "shown.yaml"
    document.write_text(suite.foldgate("pools", "show").stdout)
    same = suite.foldgate("pools", "put", str(document))
    assert (same.returncode, "unchanged" in same.stdout) == (1, True), "what is shown can be put again"

    drained = suite.foldgate("pools", "drain", "sre", "--reason", "new machines")
    assert drained.stdout.strip() == "sre takes no more jobs: draining (new machines)."
    goes_to(suite, "default")
    sre = listed(suite)["sre"]
    assert (sre["open"], sre["reason"], sre["words"], sre["held"], sre["waiting"]) == (
        False,
        "draining",
        "new machines",
        0,
        0,
    )
    assert "sre  draining: new machines" in suite.foldgate("pools", "show", "sre").stdout
    assert "is closed: draining, by change" in suite.foldgate("streams", "tail", "pools").stdout
    twice = suite.foldgate("pools", "drain", "sre")
    assert (twice.returncode, "unchanged" in twice.stdout) == (1, True)
    assert suite.json("pools", "open", "sre", "--reason", "they are there")["words"] == "they are there"
    goes_to(suite, "sre")
    sre = listed(suite)["sre"]
    assert (sre["open"], sre["words"]) == (True, "")

    unknown = suite.foldgate("pools", "drain", "nowhere")
    assert (unknown.returncode, "unknown_pool" in unknown.stdout) == (1, True)
    nowhere = suite.foldgate("run", "job", "job.nowhere", "--wait")
    assert (nowhere.returncode, "no_pool" in nowhere.stdout) == (1, True), "at once: it waits for nobody"


def test_requests_and_scripts_go_to_a_pool_of_their_own(suite: Up, folder: Path) -> None:
    put = foldgate("pools", "put", str(folder / "pools.yaml"), data=suite.data)
    assert "Revision 1 holds" in put.stdout or "unchanged" in put.stdout, put.stdout + put.stderr
    goes_to(suite, "sre")
    scripts = Path(tempfile.mkdtemp(prefix="foldgate-test-"))
    try:
        scripts.chmod(0o755)
        (scripts / "total").write_text("#!/bin/sh\necho 7\n")
        (scripts / "total").chmod(0o755)
        published = suite.foldgate("workflow", "publish", str(EXAMPLE / "orders.yaml"))
        assert published.returncode == 0, published.stderr
        words = ("--builtin", "http,script", "--pool", "web", "--scripts", str(scripts))
        where = ("--http-network", "127.0.0.1/32", "--data", str(suite.data))
        with web() as site, running("worker", *words, *where, errors=folder / "web.errors") as worker:
            worker.line()
            site.answers["/orders"] = response(200, b"[]", {"Content-Type": "application/json"})
            site.answers["/hook"] = response(202)
            given = {name: f"http://127.0.0.1:{site.port}/{name}" for name in ("orders", "hook")}
            ended = suite.json("run", "start", "orders", "--input", msgspec.json.encode(given).decode(), "--wait")
            assert (ended["status"], ended["output"]) == ("succeeded", "7"), ended
            events = suite.lines("timeline", ended["run_id"])
        steps = {event["body"]["writ"]["pool"] for event in events if event["event"] == "JobDispatched"}
        kinds = {event["body"]["job"]["kind"] for event in events if event["event"] == "JobDispatched"}
        assert (steps, kinds) == ({"web"}, {"http", "script"})
    finally:
        shutil.rmtree(scripts)
