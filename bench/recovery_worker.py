"""A worker as a program that begins whatever it is given, writes down when, and never ends it, for `bench.recovery`."""

import asyncio
import os
import time
from pathlib import Path

from foldgate.sdk import Job, Worker

worker = Worker("bench", max_parallel=1024)
_file = os.open(Path(os.environ["BEGUN"]), os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)


@worker.job("job.endless")
async def endless(job: Job) -> None:
    """Hold on to it."""
    os.write(_file, f"{job.id} {time.time()}\n".encode())
    await asyncio.Event().wait()


worker.run()
