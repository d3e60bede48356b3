"""The SDK's transport over HTTP: the same handlers, through a gateway."""

import asyncio
from typing import Any

import pytest

from foldgate.eventlog.memory import MemoryLog
from foldgate.sdk import Job, Worker
from foldgate.sdk.over_http import OverHttp
from foldgate.sdk.transport import Hello, Unreachable, Unwelcome
from tests.contract.test_gateway import ended, start
from tests.contract.test_gateway_workers import suite
from tests.support.door import served
from tests.support.keys import TRUST


@pytest.mark.parametrize("trust", [None, TRUST], ids=["vouched for", "with root keys"])
async def test_the_sdk_works_over_http(postgres_url: str, trust: Any) -> None:
    worker = Worker("over-http", max_parallel=4, beat_every_ms=250, trust=trust)

    @worker.job("job.echo")
    async def echo(job: Job) -> Any:
        job.progress(50, "half")
        job.checkpoint({"at": 1})
        return {"said": job.input}

    async with suite(MemoryLog(), postgres_url) as door, served(door) as port:
        task = asyncio.create_task(worker.work_over(OverHttp(f"http://127.0.0.1:{port}")))
        runs = [(await start(door, key=f"k{number}")).json()["run_id"] for number in range(10)]
        for run in runs:
            shown = await ended(door, run)
            assert (shown["status"], shown["output"]) == ("succeeded", {"said": {"a": 1, "b": 2}})
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_sdk_knows_who_cannot_be_reached_and_who_does_not_want_it() -> None:
    hello = Hello(name="n", endpoint="n/1", pool="default", max_parallel=1)
    for url, error in (("http://127.0.0.1:1", Unreachable), ("nonsense", Unwelcome)):
        transport = OverHttp(url)
        with pytest.raises(error):
            await transport.open(hello)
        await transport.close()
