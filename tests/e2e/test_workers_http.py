"""Workers without our SDK, as real processes, against a real gateway on either log: each takes a job to its end."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from foldgate.testing.plugin import provided
from tests.e2e.test_cli_kafka import startable
from tests.support.commands import Up, up
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "workers"
MOST_LINES = 40
NODE = shutil.which("node")


@pytest.fixture(scope="module", params=["postgres", "kafka"])
def suite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    is_kafka = request.param == "kafka"
    data, words = tmp_path_factory.mktemp("workers") / "data", ["--kafka", "local"] if is_kafka else []
    with provided(request, "KAFKA", startable()) if is_kafka else contextlib.nullcontext(), up(data, *words) as found:
        yield found


@pytest.mark.parametrize(
    "command",
    [
        pytest.param([sys.executable, "-I", str(EXAMPLES / "plain_python.py")], id="python"),
        pytest.param(
            [NODE or "node", str(EXAMPLES / "plain_node.mjs")],
            id="node",
            marks=pytest.mark.skipif(NODE is None, reason="NOT SHOWN: there is no `node` on this machine"),
        ),
        pytest.param(
            [sys.executable, "-m", "foldgate.cli.main", "worker", str(ROOT / "examples" / "echo_worker.py"), "--url"],
            id="sdk",
        ),
    ],
)
async def test_it_takes_a_job_to_its_end(suite: Up, command: list[str], tmp_path: Path) -> None:
    url, key = suite.suite["url"], (suite.data / "api-key").read_text()
    environment = {"PATH": os.environ["PATH"], "FOLDGATE_URL": url, "FOLDGATE_API_KEY": key}
    command = [*command, url] if command[-1] == "--url" else command
    errors = tmp_path / "errors"
    with errors.open("wb") as says:
        worker = subprocess.Popen(command, env=environment, stdout=says, stderr=says, cwd=tmp_path)
    try:
        async with httpx.AsyncClient(base_url=f"{url}/api/v1", headers={"X-API-Key": key}) as client:
            asked = await client.post("/jobs", json={"topic": "job.echo", "input": {"by": command[0]}})
            run_id, shown = asked.json()["run_id"], {}

            async def is_over() -> bool:
                shown.update((await client.get(f"/workflow-runs/{run_id}")).json())
                assert worker.poll() is None, errors.read_text()
                return shown.get("ended_at") is not None

            await until(is_over, what="the end of the run", within_s=60)
            assert shown["status"] == "succeeded"
            assert {"by": command[0]} in shown["output"].values()
    finally:
        worker.terminate()
        worker.wait(timeout=30)


@pytest.mark.parametrize("name", ["plain_python.py", "plain_node.mjs"])
def test_it_is_short(name: str) -> None:
    assert len((EXAMPLES / name).read_text().splitlines()) <= MOST_LINES
