"""A worker as a program whose handlers write into a ledger what they begin.

A job on `show.quick` is done at once, one on `show.held` when somebody makes a file.
"""

import os
import threading
from pathlib import Path

from foldgate.sdk import Job, Worker
from tests.support.ledger import GO_ON, Ledger

FOLDER, NAME = Path(os.environ["FOLDER"]), os.environ["WORKER"]
ledger = Ledger(FOLDER)
worker = Worker(NAME, max_parallel=16, beat_every_ms=200, cancel_grace_s=0.5)


@worker.job("show.quick")
async def quick(job: Job) -> str:
    """Nothing but the line."""
    _begin(job)
    return NAME


@worker.job("show.held")
def held(job: Job) -> str:
    """In a thread of its own."""
    _begin(job)
    while not (FOLDER / GO_ON).exists():
        threading.Event().wait(0.02)
    return NAME


def _begin(job: Job) -> None:
    [lease] = [held.lease for held in worker.holding if held.asked.job_id == job.id]
    ledger.write(job.id, lease, worker.endpoint)


if __name__ == "__main__":
    worker.run()
