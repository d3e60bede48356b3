"""A worker as a program that takes jobs and never answers.

Its beats name two of three of them; when somebody makes a file, it falls silent altogether.
"""

import asyncio
import os
from pathlib import Path

from foldgate.contracts.events import JobDispatched, WorkerBeat
from foldgate.runtime.connecting import open_log
from foldgate.runtime.settings import from_environment
from foldgate.sdk.over_log import OverLog
from foldgate.sdk.transport import Hello
from tests.support.ledger import SILENT, Ledger

FOLDER, NAME = Path(os.environ["FOLDER"]), os.environ["WORKER"]
ROOM, BEAT_EVERY_S, NAMED = 16, 0.2, 3


async def main() -> None:
    """Take what comes until killed."""
    hello = Hello(name=NAME, endpoint=f"{NAME}/{os.getpid()}", pool="default", max_parallel=ROOM)
    log = await open_log(from_environment())
    transport, ledger, leases = OverLog(log), Ledger(FOLDER), list[int]()
    await transport.open(hello)

    async def beat() -> None:
        number = 0
        while not (FOLDER / SILENT).exists():
            number += 1
            holding = tuple(lease for index, lease in enumerate(leases, start=1) if index % NAMED)
            await transport.beat(
                WorkerBeat(worker=hello.endpoint, name=NAME, max_parallel=ROOM, beat=number, holding=holding)
            )
            await asyncio.sleep(BEAT_EVERY_S)

    beating = asyncio.create_task(beat())
    while True:
        if beating.done():
            beating.result()
        for _, event in await transport.next(ROOM):
            if isinstance(event, JobDispatched):
                ledger.write(event.job.job_id, event.lease, hello.endpoint, taken=True)
                leases.append(event.lease)


if __name__ == "__main__":
    asyncio.run(main())
