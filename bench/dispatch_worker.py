"""A worker as a program whose handlers do nothing: it writes down when each began, for `bench.dispatch`."""

import os
import time
from pathlib import Path

from foldgate.sdk import Job, Worker

worker = Worker("bench", max_parallel=64)
_file = os.open(Path(os.environ["BEGUN"]), os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)


@worker.job("job.nothing")
async def nothing(job: Job) -> None:
    """Write down the time, and nothing else."""
    began = time.time_ns()
    os.write(_file, f"{job.id} {began}\n".encode())


worker.run()
