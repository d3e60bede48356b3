"""The worker of `foldgate demo worker`: counts to three, a second each, and says so."""

import asyncio
import sys

from foldgate.sdk import Job, Worker

TOPIC = "demo.count"
worker = Worker("demo", max_parallel=1, beat_every_ms=300)


@worker.job(TOPIC)
async def count(job: Job) -> dict[str, object]:
    """Slow enough to be killed in the middle, the same at every attempt."""
    wanted = int(job.input["to"])
    for number in range(1, wanted + 1):
        sys.stdout.write(f"attempt {job.attempt}: {number}\n")
        sys.stdout.flush()
        await asyncio.sleep(1)
    return {"counted_to": wanted, "attempt": job.attempt}
