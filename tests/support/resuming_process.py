"""A worker as a program: leaves checkpoints and stays at it for ever; what another has left it finishes at once."""

import os
import threading
from typing import Any

from foldgate.sdk import Job, Worker

worker = Worker(os.environ["WORKER"], beat_every_ms=200)


@worker.job("job.rows")
def rows(job: Job) -> Any:
    """Until it is killed, or called back."""
    if job.resume is not None:
        return {"by": worker.name, "attempt": job.attempt, "from": job.resume}
    for row in range(1, 4):
        job.checkpoint({"row": row})
    while not job.is_cancelled:
        threading.Event().wait(0.02)
    return None


if __name__ == "__main__":
    worker.run()
