"""From authorised to the first line of the handler: what the scheduler, the log and the SDK put between.

    python -m bench.dispatch [--driver postgres|kafka] [--json] [--jobs N] [--every-ms N]

Engine, kernel, scheduler, approvals and a worker are processes of their own, and so is the server that keeps the log.
Jobs are asked for one by one, as runs of one step, and their handlers do nothing. A job is authorised when its kernel
decides so, before that is on the log; times are of one machine's clock, the kernel's cut to whole milliseconds, so up
to one of them is counted too much. In between lie three appends, each seen by the next process: of the writ, of the
dispatch, and of its copy for the worker. `decided` is until the scheduler has decided, `handed over` from there on.
`asked` is from the client's call. Whatever else goes on while this runs makes it slower; what comes of it is printed
with the share of both cores that others had meanwhile.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil
import uvloop

from bench.servers import address, opened
from foldgate.contracts.codec import Codec
from foldgate.contracts.events import JobDispatched, WorkerJoined, WritIssued
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import stream_of
from foldgate.eventlog.log import Log
from foldgate.sdk import Client
from tests.support.keys import ISSUER
from tests.support.processes import SERVICES, processes

SUITE = "dispatching"
JOBS, EVERY_MS, WARM_UP = 500, 20.0, 100
WANTED_MS = {"postgres": 6.0, "kafka": 8.0}
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
USUAL = {"FOLDGATE_POSITIONS_EVERY_MS": "1000", "FOLDGATE_CHECKPOINT_EVERY_MS": "10000"}
CODEC = Codec()


class Way(NamedTuple):
    """When one job was asked for, authorised, given, and begun; milliseconds since 1970."""

    asked: float
    authorised: float
    given: float
    begun: float


class Subject:
    """A suite of processes, and what it has begun."""

    def __init__(self, log: Log, begun: Path) -> None:
        self._log, self._begun = log, begun
        self.client, self.asked = Client(log, principal="bench", signer=ISSUER), dict[str, float]()

    async def ask(self, count: int, *, every_ms: float) -> None:
        """So many jobs, one by one; returns when all have begun."""
        due = time.monotonic()
        for _ in range(count):
            prepared = self.client.job("job.nothing")
            self.asked[prepared.run_id] = time.time() * 1000
            await self.client.ask(prepared)
            due += every_ms / 1000
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        async with asyncio.timeout(60):
            while len(self.begun()) < len(self.asked):
                await asyncio.sleep(0.1)

    def begun(self) -> dict[str, float]:
        """When the handler of each run began."""
        lines = self._begun.read_text().splitlines() if self._begun.exists() else []
        return {job.partition(":")[0]: int(at) / 1e6 for job, at in map(str.split, lines)}

    async def is_heard(self) -> None:
        """Wait until the worker has joined."""
        async with asyncio.timeout(60):
            while not await self._at("jobs", WorkerJoined):
                await asyncio.sleep(0.1)

    async def ways(self, *, after: int) -> list[Way]:
        """Of all but the first so many."""
        authorised = dict(await self._at("decisions", WritIssued))
        given, begun = dict(await self._at("jobs", JobDispatched)), self.begun()
        runs = list(self.asked)[after:]
        return [Way(self.asked[run], authorised[run], given[run], begun[run]) for run in runs]

    async def _at(self, stream: str, kind: type) -> list[tuple[str, float]]:
        found = []
        for number in range(stream_of(stream).partitions):
            async for records in self._log.read(Partition(stream, number), 0):
                decoded = [CODEC.decode(record.value) for record in records if record.key]
                found += [(meta.run_id, float(meta.at)) for meta, event in decoded if isinstance(event, kind)]
        return found


async def measured(driver: str, where: str, folder: Path, *, jobs: int, every_ms: float) -> dict[str, float]:
    """Every figure, in milliseconds."""
    given = {f"FOLDGATE_{driver.upper()}": where, "FOLDGATE_SUITE": SUITE, **USUAL}
    async with opened(driver, where, SUITE) as log:
        with processes(given, folder) as started:
            ours = [started.service(name) for name in SERVICES]
            ours.append(started.program("worker", "bench.dispatch_worker", BEGUN=str(folder / "begun")))
            subject = Subject(log, folder / "begun")
            await subject.is_heard()
            await subject.ask(WARM_UP, every_ms=every_ms)
            psutil.cpu_percent()
            await subject.ask(jobs, every_ms=every_ms)
            busy = psutil.cpu_percent()
            return {**figures(await subject.ways(after=WARM_UP)), "cores_busy_percent": busy}


def figures(ways: Sequence[Way]) -> dict[str, float]:
    """Shares of all, by what is measured."""
    spans = {
        "authorised_to_begun": [way.begun - way.authorised for way in ways],
        "decided": [way.given - way.authorised for way in ways],
        "handed_over": [way.begun - way.given for way in ways],
        "asked_to_begun": [way.begun - way.asked for way in ways],
    }
    return {
        f"{name}_{share}_ms": sorted(values)[int(len(values) * part)]
        for name, values in spans.items()
        for share, part in SHARES.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--driver", choices=tuple(WANTED_MS), action="append")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--every-ms", type=float, default=EVERY_MS)
    chosen = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    for driver in chosen.driver or WANTED_MS:
        with address(driver) as where, tempfile.TemporaryDirectory() as folder:
            found[driver] = uvloop.run(
                measured(driver, where, Path(folder), jobs=chosen.jobs, every_ms=chosen.every_ms)
            )
        if not chosen.json:
            print(driver)
            for name, figure in found[driver].items():
                wanted = f"   (wanted: {WANTED_MS[driver]:g})" if name == "authorised_to_begun_p50_ms" else ""
                print(f"  {name:32} {figure:>10,.2f}{wanted}", flush=True)
    if chosen.json:
        print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
