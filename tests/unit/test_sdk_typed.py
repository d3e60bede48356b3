"""What the SDK says of its types holds for whoever uses it: mypy, as strict as it can be, on a file of a user."""

import subprocess
import sys
from pathlib import Path

RIGHT = """
from foldgate.sdk import Client, Fatal, Job, Retryable, Worker
from foldgate.sdk.testing import handle_sync

worker = Worker("w", max_parallel=2, capabilities=["docker"])


@worker.job("job.add")
def add(job: Job) -> dict[str, int]:
    if job.is_cancelled:
        raise Retryable("busy", "later", retry_after=1.5)
    job.progress(50, "half")
    return {"sum": 1}


@worker.job("job.wait")
async def wait(job: Job) -> str:
    raise Fatal("no", "never")


code: str = handle_sync(worker, "job.add", {}).code
same: dict[str, int] = add(Job.__new__(Job))


async def ask(client: Client) -> str:
    return (await client.run_job("job.add")).run_id
"""
WRONG = {
    "Worker(5)": "arg-type",
    "Worker('w', max_parallel='2')": "arg-type",
    "Client.none": "attr-defined",
    "Job.progres": "attr-defined",
    "Worker('w').job(1)": "arg-type",
}


def checked(file: Path, source: str) -> "subprocess.CompletedProcess[str]":
    file.write_text(source)
    words = ("--strict", "--config-file=", f"--cache-dir={file.parent / 'cache'}", str(file))
    return subprocess.run(
        [sys.executable, "-m", "mypy", *words], cwd=file.parent, capture_output=True, text=True, check=False
    )


def test_a_file_of_a_user_is_checked_by_what_the_sdk_says(tmp_path: Path) -> None:
    right = checked(tmp_path / "right.py", RIGHT)
    assert right.returncode == 0, right.stdout + right.stderr
    lines = ["from foldgate.sdk import Client, Job, Worker", *WRONG]
    wrong = checked(tmp_path / "wrong.py", "\n".join(lines))
    for number, code in enumerate(WRONG.values(), 2):
        assert any(f"wrong.py:{number}:" in line and f"[{code}]" in line for line in wrong.stdout.splitlines()), (
            wrong.stdout
        )
