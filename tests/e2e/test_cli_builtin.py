"""The built-in worker by the command line: a workflow of requests and scripts, over the log and over HTTP."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from foldgate.servers.account import nobody
from tests.support.commands import Up, foldgate, running, up
from tests.support.web import Web, response, web

EXAMPLE = Path(__file__).parents[2] / "examples" / "builtin"
ORDERS = [{"currency": "EUR", "amount": 5}, {"currency": "EUR", "amount": 1}]


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with up(tmp_path_factory.mktemp("cli") / "data") as found:
        published = found.foldgate("workflow", "publish", str(EXAMPLE / "orders.yaml"))
        assert published.returncode == 0, published.stderr
        yield found


@pytest.fixture(scope="module")
def site() -> Iterator[Web]:
    with web() as found:
        found.answers["/orders"] = response(200, msgspec.json.encode(ORDERS), {"Content-Type": "application/json"})
        found.answers["/hook"] = response(202)
        yield found


@pytest.fixture(scope="module")
def scripts() -> Iterator[Path]:
    """Those of the example, where whoever runs them can read them. By a shell, which every account finds."""
    folder = Path(tempfile.mkdtemp(prefix="foldgate-test-"))
    try:
        folder.chmod(0o755)
        script = folder / "total"
        script.write_text('#!/bin/sh\ntouch mine && printf \'{"by": "%s", "as": %s}\' "$2" "$(id -u)"\n')
        script.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("way", ["over the log", "over HTTP"])
def test_a_run_of_requests_and_scripts(suite: Up, site: Web, scripts: Path, *, way: str, tmp_path: Path) -> None:
    words = [
        "worker",
        "--builtin",
        "http,script",
        "--scripts",
        str(scripts),
        "--http-network",
        "127.0.0.1/32",
        "--json",
    ]
    settings = {}
    if way == "over the log":
        words += ["--data", str(suite.data)]
    else:
        words += ["--url", suite.suite["url"]]
        settings = {"FOLDGATE_API_KEY": (suite.data / "api-key").read_text().strip()}
    account = nobody()
    with running(*words, errors=tmp_path / "errors", settings=settings) as worker:
        endpoint = msgspec.json.decode(worker.line())["worker"]
        assert endpoint.startswith("builtin/")
        given = {name: f"http://127.0.0.1:{site.port}/{name}" for name in ("orders", "hook")}
        ended = suite.json("run", "start", "orders", "--input", msgspec.json.encode(given).decode(), "--wait")
        assert ended["status"] == "succeeded", ended
        who = account.uid if os.geteuid() == 0 and account is not None else os.getuid()
        assert msgspec.json.decode(ended["output"]) == {"by": "currency", "as": who}
        assert worker.stop() == 0
        assert "Scripts run as " in worker.errors
        assert "Traceback" not in worker.errors


def test_where_nobody_allowed_it_a_request_does_not_go(suite: Up, site: Web, tmp_path: Path) -> None:
    with running("worker", "--builtin", "http", "--data", str(suite.data), errors=tmp_path / "errors") as worker:
        assert "takes jobs" in worker.line()
        before = len(site.asked)
        given = {name: f"http://127.0.0.1:{site.port}/{name}" for name in ("orders", "hook")}
        ended = suite.foldgate(
            "run", "start", "orders", "--input", msgspec.json.encode(given).decode(), "--wait", "--json"
        )
        assert ended.returncode != 0
        assert "address_not_allowed" in ended.stdout
        assert len(site.asked) == before


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ([], "Expected a MODULE, or --builtin http,script"),
        (["there.py", "--builtin", "http"], "one of the two"),
        (["--builtin", "htpp"], "Expected --builtin to be http, script"),
        (["--builtin", "script"], "--scripts DIR"),
        (["--builtin", "script", "--scripts", "nowhere"], "Expected a folder of scripts at nowhere"),
        (["--builtin", "http", "--scripts", "."], "Expected --builtin script beside --scripts"),
        (["--builtin", "http", "--http-network", "10.0.0.300"], "Expected --http-network to be a range"),
        (["--builtin", "http", "--http-ca", __file__], "Expected authorities for TLS as PEM"),
        (["--builtin", "http", "--pool", "no pool"], "Expected --pool to be the name of a pool"),
    ],
)
def test_what_makes_no_sense_is_told(words: list[str], what: str) -> None:
    done = foldgate("worker", *words)
    assert done.returncode == 2
    assert what in done.stderr
    assert "Traceback" not in done.stderr
