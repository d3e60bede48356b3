"""A worker as a program: notes each job that it begins in a file, and echoes it after a little while; if it can."""

import asyncio
import os
import random
from pathlib import Path
from typing import Any

from foldgate.runtime.connecting import open_log
from foldgate.runtime.keys import Keys
from foldgate.runtime.settings import from_environment
from foldgate.sdk import Job, Retryable, Worker


async def main() -> None:
    """Work until killed."""
    executed = Path(os.environ["EXECUTED"])
    settings = from_environment()
    worker = Worker(os.environ["WORKER"], max_parallel=4, beat_every_ms=300, trust=Keys.of(settings).trust)

    @worker.job("job.echo")
    async def echo(job: Job) -> Any:
        with executed.open("a") as notes:
            notes.write(f"{job.id}\n")
        await asyncio.sleep(random.uniform(0.0, 0.1))
        return {"said": job.input}

    @worker.job("job.shaky")
    async def shaky(job: Job) -> Any:
        if job.attempt < 3 and random.random() < 0.5:
            raise Retryable("not_now", "it is not in the mood")
        return await echo(job)

    log = await open_log(settings)
    try:
        await worker.work(log)
    finally:
        await log.close()


if __name__ == "__main__":
    asyncio.run(main())
