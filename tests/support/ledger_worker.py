"""A worker for tests: writes the id of each job it begins to the file that its input names, then takes a while."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from foldgate.contracts.events import Job
from foldgate.sdk.worker import Worker

worker = Worker("ledger", max_parallel=4, beat_every_ms=300)


@worker.job("job.ledger")
async def write_down(job: Job) -> Any:
    asked = msgspec.json.decode(job.input, type=dict[str, Any])
    with Path(asked["ledger"]).open("a") as ledger:
        ledger.write(f"{job.job_id}\n")
    await asyncio.sleep(asked["takes_s"])
    return {"attempt": job.attempt}
