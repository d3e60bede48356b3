"""A worker for runs of which it only matters how they end: one topic succeeds, the other never does."""

from typing import Any

from foldgate.sdk import Fatal, Job, Worker
from tests.support.keys import TRUST


def a_worker() -> Worker:
    """It gives back what it was given on `job.echo`, and fails for good on `job.broken`."""
    worker = Worker("test", beat_every_ms=200, trust=TRUST)

    @worker.job("job.echo")
    async def echo(job: Job) -> Any:
        return job.input

    @worker.job("job.broken")
    async def broken(job: Job) -> Any:
        raise Fatal("no_luck", f"{job.topic} never works")

    return worker
