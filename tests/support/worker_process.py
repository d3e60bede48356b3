"""A worker as a program: notes in a ledger each job that it begins, and echoes it after a little while; if it can."""

import asyncio
import os
import random
from pathlib import Path
from typing import Any

from foldgate.runtime.connecting import open_log
from foldgate.runtime.keys import Keys
from foldgate.runtime.settings import from_environment
from foldgate.sdk import Job, Retryable, Worker
from tests.support.ledger import Ledger


async def main() -> None:
    """Work until killed."""
    ledger = Ledger(Path(os.environ["LEDGER"]))
    settings = from_environment()
    worker = Worker(os.environ["WORKER"], max_parallel=4, beat_every_ms=300, trust=Keys.of(settings).trust)

    @worker.job("job.echo")
    async def echo(job: Job) -> Any:
        [held] = [one for one in worker.holding if one.is_running and one.asked.job_id == job.id]
        ledger.write(job.id, held.lease, worker.endpoint, at=held.began_at)
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
