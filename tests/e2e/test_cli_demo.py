"""`foldgate demo` shows what it says, and leaves nothing."""

import subprocess
from pathlib import Path

import psutil

from tests.support.commands import COMMAND, WITHIN_S, environment, foldgate


def test_it_shows_a_run_that_survives_its_worker(tmp_path: Path, postgres_url: str) -> None:
    somebodys = {"FOLDGATE_POSTGRES": postgres_url}  # configured, and none of its business
    done = subprocess.run(
        [*COMMAND, "demo", "worker"],
        env={**environment(somebodys), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = [line.split() for line in done.stdout.splitlines()]
    events = [words[3] for words in told if len(words) > 3 and words[1:2] == ["s"]]
    first = ["RunRequested", "RunStarted", "JobRequested", "RunAdmitted", "WritIssued", "JobDispatched"]
    second = ["JobLost", "JobRequested", "WritIssued", "JobDispatched", "JobSucceeded"]
    assert "JobStarted" in events, "it lasts for more than a beat"
    shown = [name for name in events if name not in ("JobQueued", "JobStarted")]  # queued: the second was slow to start
    assert shown[:11] == first + second
    assert sorted(shown[11:]) == ["CaseClosed", "JobReleased", "RunSucceeded", "StepSucceeded"]
    assert '{"counted_to":3,"attempt":2}' in done.stdout
    assert "Not shown: policies that deny" in done.stdout
    assert not list(tmp_path.iterdir())
    running = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert not [words for words in running if str(tmp_path) in words]
    assert "Expected a suite named 'foldgate'" in foldgate("streams", "list", settings=somebodys).stderr


def test_an_incident_is_mended_with_leave_of_people(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "demo"],
        env={**environment({}), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout
    for said in ("JobLost", "NotificationRaised", "RunSucceeded", "ApprovalRequired", "patches-need-leave: matches"):
        assert said in told, said
    assert "approval_gate: bob said yes" in told
    assert "apply_patch: bob said yes" in told
    assert "5, of which 1 lost" in told
    assert "Try next" in told
    assert not list(tmp_path.iterdir())
    running = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert not [words for words in running if str(tmp_path) in words]
