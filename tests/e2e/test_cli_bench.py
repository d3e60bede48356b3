"""`foldgate bench` measures what it says, and leaves nothing."""

import json
import subprocess
from pathlib import Path
from typing import Any

import psutil

from tests.support.commands import COMMAND, WITHIN_S, environment


def test_every_figure_is_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "bench", "--runs", "1", "--seconds", "3", "--processes", "--json"],
        env={**environment({}), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())
    running = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert not [words for words in running if str(tmp_path) in words]
    told = json.loads(done.stdout)
    assert told["machine"].keys() >= {"python", "processor", "cores", "memory_gib"}
    (found,) = told["settings"]
    assert (found["driver"], found["apart"]) == ("postgres", True)
    _rises(found["milliseconds"])
    steady, alone = found["steady"], found["log_alone"]
    assert steady["steps_per_second"] > 0
    assert steady["events_per_step"] > 4, "asked for, decided, dispatched, reported, ended"
    services = {"gateway", "engine", "scheduler", "policy_kernel", "approval"}
    assert steady["cpu_us_per_step"].keys() == {*services, "postgresql", "worker", "all"}
    assert all(steady["cpu_us_per_step"][name] > 0 for name in ("engine", "scheduler", "worker", "all"))
    assert alone["events_per_second"] > steady["events_per_second"]
    assert 0 < alone["suite_share"] < 1


def _rises(times: dict[str, dict[str, Any]]) -> None:
    assert times.keys() == {"bench-1", "bench-3", "bench-9", "bench-fan"}
    for shares in times.values():
        assert 0 < shares["p50"] <= shares["p95"] <= shares["p99"]
