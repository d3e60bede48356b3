"""The worker of `foldgate bench`: it does nothing, many at once."""

from typing import Any

from foldgate.sdk import Job, Worker

worker = Worker("bench", max_parallel=200)


@worker.job("job.bench")
async def nothing(job: Job) -> Any:
    """What it was given."""
    return job.input
