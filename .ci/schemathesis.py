"""What schemathesis finds wrong with the interface of a suite at work: `make schemathesis`.

It has an environment of its own, under the cache folder, because it wants other versions of what the suite uses. The
suite is started on a data folder that is thrown away, is given objects to be found, and is stopped at the end. What the
tool cannot know is told to it here: cursors, which only the suite makes, and which bodies are refused for what they
mean although their form is right.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

VERSION = "4.32.5"
HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
KEY = {"X-API-Key": "schemathesis-0123456789abcdef"}
API = "/api/v1"
FLOW = {"id": "asks", "version": "1", "steps": {"ask": {"type": "approval"}}}
ENDLESS = (f"{API}/stream", f"{API}/workflow-runs/{{run_id}}/events")
"""Streams of events go on until their reader leaves, and the tool does not."""
GIVEN = {"after": "runs-0:0", "wait": "10ms", "from": "2026-01-31T12:00:00Z", "to": "2027-01-31T12:00:00+01:00"}
"""Positions that are not reached are waited for and then answered with 503; and there is not always a 30th."""
BY_MEANING = (
    ("POST", f"{API}/workflows", "a step depends on one that there is not"),
    ("POST", f"{API}/workflows:validate", "the same"),
    ("PUT", f"{API}/pools", "a route leads to a pool that there is not"),
    ("PUT", f"{API}/artifacts/{{sha256}}", "the digest is not that of the bytes"),
    ("PUT", f"{API}/jobs/{{job}}/artifacts/{{sha256}}", "the same"),
    ("POST", f"{API}/workflow-runs/{{run_id}}/rerun", "the run has no such step"),
    ("POST", f"{API}/workflows/{{workflow}}/runs", "the workflow wants another input"),
    ("POST", f"{API}/approvals/{{approval}}/approve", "other data is asked for"),
    ("POST", f"{API}/workflows/{{workflow}}/runs/{{run_id}}/steps/{{step}}/approve", "the same"),
    ("PUT", f"{API}/policy/bundles/{{bundle}}", "the path names another bundle"),
    ("POST", f"{API}/policy/bundles/{{bundle}}/simulate", "what should be a name is none"),
    ("POST", f"{API}/policy/simulate", "the same"),
    ("POST", f"{API}/policy/explain", "the same"),
    ("POST", f"{API}/policy/evaluate", "the same"),
    ("POST", f"{API}/jobs/{{job}}/remediate", "policy offers no such remediation"),
)
"""A form that is right and a meaning that is not: 422, and no schema can say so."""
SUITS = ["2xx", "3xx", "401", "403", "404", "409", "429", "5xx"]


def main() -> int:
    """Run it with each seed; how many found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--examples", type=int, default=50)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and nothing is left behind
    tool = installed()
    with tempfile.TemporaryDirectory(prefix="fg-") as folder:
        suite = started(Path(folder))
        try:
            url = address(suite)
            config = Path(folder) / "schemathesis.toml"
            config.write_text("\n".join(told(url)))
            found = [run(tool, url, config, seed=seed, examples=asked.examples) for seed in asked.seeds]
        finally:
            suite.terminate()
            suite.wait(60)
    return int(any(found))


def installed() -> Path:
    """The tool, in the environment that is kept for it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "foldgate" / f"schemathesis-{VERSION}"
    tool = folder / "bin" / "st"
    if not tool.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", f"schemathesis=={VERSION}"], check=True)
    return tool


def started(folder: Path) -> "subprocess.Popen[str]":
    """A suite, all in one process, on a data folder of its own."""
    command = [Path(sys.executable).parent / "foldgate", "up", "--json", "--port", "0", "--data", folder / "data"]
    own = {"FOLDGATE_API_KEY": KEY["X-API-Key"], "FOLDGATE_REQUESTS_PER_SECOND": "0"}
    with (folder / "suite.log").open("w") as log:
        return subprocess.Popen(command, env={**os.environ, **own}, stdout=subprocess.PIPE, stderr=log, text=True)


def address(suite: "subprocess.Popen[str]") -> str:
    """Where it is served, once it is."""
    assert suite.stdout is not None
    for line in suite.stdout:
        if line.startswith("{"):
            return str(json.loads(line)["url"])
    raise SystemExit("Expected the suite to start, but it ended: try `foldgate up`.")


def told(url: str) -> Iterator[str]:
    """The configuration, with cursors from lists that have been filled."""
    yield "suppress-health-check = ['filter_too_much']  # ids of workers, which have a '/', it draws and lets go"
    yield f"hooks = {json.dumps(str(HOOKS))}"
    yield "[parameters]"
    yield from (f"{name} = {json.dumps(value)}" for name, value in GIVEN.items())
    for method, path, _ in BY_MEANING:
        yield from operation(method, path, suits=[*SUITS, "422"])
    with httpx.Client(base_url=url, headers=KEY, timeout=30) as client:
        ids = fill(client)
        for path, methods in client.get("/openapi.json").json()["paths"].items():
            names = [one["name"] for one in methods.get("get", {}).get("parameters", ())]
            if "cursor" in names and path not in ENDLESS:
                answer = client.get(path.format(**ids), params={"limit": 1}).json()
                yield from of_list(path, answer.get("next_cursor"))


def operation(method: str, path: str, *, suits: list[str]) -> Iterator[str]:
    """What is said of one operation."""
    yield "[[operations]]"
    yield f"include-name = {json.dumps(f'{method} {path}')}"
    yield f"checks.positive_data_acceptance.expected-statuses = {json.dumps(suits)}"


def of_list(path: str, cursor: str | None) -> Iterator[str]:
    """With a cursor of this list; where it fits on a page there is none, and what the tool makes up is refused."""
    yield from operation("GET", path, suits=SUITS if cursor else [*SUITS, "400"])
    if cursor:
        yield f"parameters.cursor = {json.dumps(cursor)}"


def fill(client: httpx.Client) -> Mapping[str, str]:
    """Make two of everything that is listed; the ids of the first."""
    for version in ("1", "2"):
        posted(client, "/workflows", {**FLOW, "version": version})
    posted(client, "/workflows", {**FLOW, "id": "other"})
    for bundle in ("one", "two"):  # drafts, which decide nothing
        draft = json.dumps({"bundle": bundle, "rules": []})
        client.put(f"{API}/policy/bundles/{bundle}?revision=0", content=draft).raise_for_status()
    runs = [posted(client, "/workflows/asks/runs", {"input": {}})["run_id"] for _ in range(2)]
    for number in range(2):
        worker = posted(client, "/workers", {"name": f"w{number}", "topics": ["job.x"]})
        posted(client, f"/workers/{worker['worker']}/heartbeat", {"token": worker["token"]})
        job = posted(client, "/jobs", {"topic": "job.x"})
        failed_for_good(client, worker)
    time.sleep(2)  # until the read models show it
    return {"run_id": runs[0], "workflow": "asks", "job": job["run_id"], "bundle": "one"}


def failed_for_good(client: httpx.Client, worker: Mapping[str, str]) -> None:
    """A job that this worker fetches and fails, which makes a dead letter."""
    fetched = posted(client, f"/workers/{worker['worker']}/lease", {"token": worker["token"], "wait": 20})
    for job in fetched["jobs"]:
        said = {"token": job["lease_token"], "code": "no", "message": "never", "retryable": False}
        posted(client, f"/jobs/{job['job_id']}/fail", said)


def posted(client: httpx.Client, path: str, body: Any) -> Any:
    """What is answered."""
    return client.post(f"{API}{path}", json=body).raise_for_status().json()


def run(tool: Path, url: str, config: Path, *, seed: int, examples: int) -> int:
    """One run of the tool; not 0 if it found something."""
    command = [tool, "--config-file", config, "run", f"{url}/openapi.json", "--checks", "all", "--seed", str(seed)]
    command += ["-n", str(examples), "-H", f"X-API-Key: {KEY['X-API-Key']}", "--continue-on-failure"]
    command += ["--request-timeout", "30", *(part for path in ENDLESS for part in ("--exclude-path", path))]
    return subprocess.run(command, check=False, cwd=config.parent).returncode


if __name__ == "__main__":
    sys.exit(main())
