"""The worker of `foldgate demo incident`: finds, judges and mends an incident that is made up."""

import asyncio
import sys
from typing import Any

from foldgate.sdk import Job, Worker

worker = Worker("sre", max_parallel=1, beat_every_ms=300)


@worker.job("job.incident.detect")
async def detect(job: Job) -> dict[str, Any]:
    """Slow enough to be killed in the middle, the same at every attempt."""
    for number in range(1, 4):
        sys.stdout.write(f"detect, attempt {job.attempt}: looked at {number}\n")
        sys.stdout.flush()
        await asyncio.sleep(0.7)
    return {"service": "checkout", "symptom": "p95 latency up 4x"}


@worker.job("job.incident.classify")
async def classify(job: Job) -> dict[str, Any]:
    """How bad it is."""
    return {"severity": "high", "attempt": job.attempt}


@worker.job("job.incident.patch.plan")
async def plan(job: Job) -> dict[str, Any]:
    """What would mend it."""
    return {"patch": "roll back to the last good build", "attempt": job.attempt}


@worker.job("job.incident.patch.apply")
async def apply(job: Job) -> dict[str, Any]:
    """Mends it."""
    return {"applied": True, "attempt": job.attempt}
