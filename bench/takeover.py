"""After kill -9 of the scheduler, with thousands of live jobs: how long until dispatch goes on.

    python -m bench.takeover [--driver postgres|kafka] [--json] [--jobs N]

Engine, kernel, two schedulers, approvals and a worker are processes of their own. So many jobs wait for a worker that
is not there; others are asked for all the while, and begin at once. The scheduler that owns the pool is killed;
measured is from then to the first handler that begins again. `standby`: the other one has to notice, to recover and to
claim. `restarted`: there is no other, and the dead one is started at once, as supervisors do. What was given before may
begin a moment later, so the first tenth of a second does not count. Sessions with Kafka last 3 s, which its brokers
must allow: by default they allow no less than 6.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from bench.dispatch import SUITE, USUAL, Subject
from bench.servers import address, opened
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import JOBS, partition_of
from foldgate.eventlog.acceptance import decode_head
from foldgate.eventlog.log import Log
from tests.support.processes import SERVICES, Processes, processes

LIVE, TOGETHER, EVERY_S, SETTLED_MS = 10_000, 200, 0.05, 3000.0
WANTED_S = {"postgres": 3.0, "kafka": 5.0}
POOL = Partition(JOBS.name, partition_of(b"default", JOBS.partitions))
ON_ITS_WAY_MS = 100.0


class Scene:
    """A suite at work, in which schedulers are killed."""

    def __init__(self, log: Log, started: Processes, folder: Path) -> None:
        self.subject, self.started, self._log = Subject(log, folder / "begun"), started, log

    async def owner(self) -> str:
        """The instance that owns the pool."""
        found = ""
        async for records in self._log.read(POOL, 0):
            heads = [head for record in records if record.head and (head := decode_head(record.head))]
            found = next((head.claimant for head in reversed(heads) if head.claimant), found)
        return found.partition("/")[0]

    async def ask_on(self) -> None:
        """Jobs without end, each in its time."""
        while True:
            await self.subject.client.run_job("job.nothing")
            await asyncio.sleep(EVERY_S)

    async def begins_after(self, at: float) -> float:
        """When the first handler begins after that time."""
        async with asyncio.timeout(60):
            while True:
                if late := [one for one in self.subject.begun().values() if one > at]:
                    return min(late)
                await asyncio.sleep(0.02)

    async def takeover_s(self, *, start_again: bool) -> float:
        """Kill the owner of the pool."""
        process = self.started.all[await self.owner()]
        process.kill()
        killed_at = time.time() * 1000
        if start_again:
            process.start()
        return (await self.begins_after(killed_at + ON_ITS_WAY_MS) - killed_at) / 1000


async def measured(driver: str, where: str, folder: Path, *, live: int) -> dict[str, float]:
    """Both times, in seconds."""
    given = {
        f"FOLDGATE_{driver.upper()}": where,
        "FOLDGATE_SUITE": SUITE,
        "FOLDGATE_SESSION_TIMEOUT_MS": "3000",
        **USUAL,
    }
    async with opened(driver, where, SUITE) as log:
        with processes(given, folder) as started:
            for name in SERVICES:
                started.service(name)
            started.service("scheduler", instance="2")
            started.program("worker", "bench.dispatch_worker", BEGUN=str(folder / "begun"))
            scene = Scene(log, started, folder)
            await scene.subject.is_heard()
            for _ in range(0, live, TOGETHER):
                await asyncio.gather(*(scene.subject.client.run_job("job.nobody") for _ in range(TOGETHER)))
            asking = asyncio.create_task(scene.ask_on())
            await scene.begins_after(time.time() * 1000)
            standby = await scene.takeover_s(start_again=False)
            await scene.begins_after(time.time() * 1000 + SETTLED_MS)
            restarted = await scene.takeover_s(start_again=True)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
    return {"standby_s": standby, "restarted_s": restarted}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--driver", choices=tuple(WANTED_S), action="append")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--jobs", type=int, default=LIVE)
    chosen = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    for driver in chosen.driver or WANTED_S:
        with address(driver) as where, tempfile.TemporaryDirectory() as folder:
            found[driver] = uvloop.run(measured(driver, where, Path(folder), live=chosen.jobs))
        if not chosen.json:
            for name, figure in found[driver].items():
                print(f"{driver:10} {name:14} {figure:>6.2f}   (wanted: {WANTED_S[driver]:g})", flush=True)
    if chosen.json:
        print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
