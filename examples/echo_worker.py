"""A worker that answers with what it was asked. Run it: `foldgate worker examples/echo_worker.py`."""

from typing import Any

from foldgate.sdk import Fatal, Job, Worker

worker = Worker("echo", max_parallel=8)


@worker.job("job.echo")
async def echo(job: Job) -> Any:
    """Try it: `foldgate run job job.echo --input '{"hello": "world"}' --wait`."""
    return {"you_said": job.input, "attempt": job.attempt}


@worker.job("job.fail")
async def fail(job: Job) -> Any:
    """A failure of one's own, with a code that others can rely on."""
    raise Fatal("not_today", f"{job.topic} never succeeds: it is there to show a failure.")
