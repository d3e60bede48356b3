"""A worker that uses what there is: progress, checkpoints, cancellation, constraints and errors with codes.

Run it: `foldgate worker examples/workers/rows.py`.
Try it: `foldgate run job job.rows.copy --input '{"rows": 300}' --wait`.
"""

from typing import Any

from foldgate.sdk import Fatal, Job, Retryable, Worker

worker = Worker("rows", max_parallel=4, labels={"zone": "a"})
TOGETHER = 100


@worker.job("job.rows.copy")
def copy(job: Job) -> dict[str, Any]:
    """A plain function: it runs in a thread, and goes on where an attempt before it has stopped."""
    rows = job.input.get("rows", 0)
    if not isinstance(rows, int) or rows < 0:
        raise Fatal("not_a_number", f"Expected a number of rows, but got {rows!r}.")
    begun_at = done = (job.resume or {}).get("done", 0)
    while done < rows:
        job.raise_if_cancelled()
        done = min(rows, done + TOGETHER)
        job.progress(100 * done / rows, f"{done} of {rows} rows")
        job.checkpoint({"done": done})
    return {"copied": done - begun_at, "key": job.idempotency_key}


@worker.job("job.rows.fetch")
async def fetch(job: Job) -> dict[str, Any]:
    """A coroutine. It asks before it uses something, and says what may work another time."""
    job.network(job.input["host"])
    if job.attempt == 1:
        raise Retryable("busy", f"{job.input['host']} is busy.", retry_after=1)
    return {"from": job.input["host"]}


if __name__ == "__main__":
    worker.run()
