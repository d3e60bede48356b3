"""A worker as a program whose handlers block: whoever started it says by a file when they may go on.

What begins is noted in another, with the worker's name.
"""

import os
import threading
from pathlib import Path

from foldgate.sdk import Job, Worker

FOLDER, NAME = Path(os.environ["FOLDER"]), os.environ["WORKER"]
GO_ON, BEGUN = "go-on", "begun"
worker = Worker(NAME, max_parallel=4, beat_every_ms=200)


@worker.job("block.sync")
def block_sync(job: Job) -> str:
    """In a thread of its own."""
    return _blocked(job)


@worker.job("block.async")
async def block_async(job: Job) -> str:
    """It should not, but it does: the event loop of all coroutines stands still."""
    return _blocked(job)


def _blocked(job: Job) -> str:
    with (FOLDER / BEGUN).open("a") as notes:
        notes.write(f"{NAME} {job.id}\n")
    while not (FOLDER / GO_ON).exists():
        threading.Event().wait(0.02)
    return NAME


if __name__ == "__main__":
    worker.run()
