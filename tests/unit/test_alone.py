"""`.ci/alone.py`: a command that leaves a process behind fails, whatever the process did to hide."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ALONE = Path(__file__).parents[2] / ".ci" / "alone.py"
LEAVE_ONE = """
import subprocess, sys
left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print(left.pid)
"""
ORPHAN = """
import subprocess, sys
print(subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.DEVNULL, start_new_session=True).pid)
"""
WAIT_UNTIL_GONE = f"""
import os, subprocess, sys
pid = int(subprocess.run([sys.executable, "-c", {ORPHAN!r}], capture_output=True, check=True).stdout)
try:
    while True:
        os.kill(pid, 0)
except ProcessLookupError:
    pass
"""


def run_alone(script: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(ALONE), sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("status", [0, 3])
def test_a_clean_command_keeps_its_status(status: int) -> None:
    assert run_alone(f"import sys; sys.exit({status})").returncode == status


@pytest.mark.skipif(sys.platform != "linux", reason="subreapers are Linux's")
def test_a_process_left_in_a_session_of_its_own_is_named_and_ended() -> None:
    done = run_alone(LEAVE_ONE)
    left = int(done.stdout)
    assert done.returncode == 1
    assert f"process {left}," in done.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(left, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="subreapers are Linux's")
def test_an_orphan_that_ends_is_gone_while_the_command_still_runs() -> None:
    assert run_alone(WAIT_UNTIL_GONE).returncode == 0
