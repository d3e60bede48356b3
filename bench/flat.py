"""Whether a step costs the same with many live runs, and after much history.

    python -m bench.flat [--json]

An owner of runs takes runs of three steps to their ends with 100 others under way, and with 50,000, by turns. Then what
was said of such runs is appended to a PostgreSQL log and shown in the read models of runs, jobs and timelines, behind a
history of 20,000 events and behind ten times as many. All figures are processor time: this process's, and the server's.
"""

import argparse
import itertools
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence

import psutil
import uvloop

from bench.engine import Table, meta
from bench.servers import address, opened
from foldgate.contracts import ids
from foldgate.contracts.codec import Codec
from foldgate.contracts.events import Event, JobSucceeded, RunRequested
from foldgate.contracts.places import Partition, Position
from foldgate.decider.processor import Processor
from foldgate.decider.stamp import Incoming
from foldgate.engine.runs.state import Run
from foldgate.eventlog.log import Batch, BatchHead, Log, Outgoing, Writer
from foldgate.eventlog.owner import OwnStream, claim
from foldgate.gateway.projections.jobs import PROJECTION as JOBS
from foldgate.gateway.projections.runs import PROJECTION as RUNS
from foldgate.gateway.projections.timeline import PROJECTION as TIMELINE
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projection import Seen, Stretch

FEW, MANY, ROUNDS, TIMED = 100, 50_000, 5, 300
HISTORY, TIMES_MORE, BATCH, MEASURED = 20_000, 10, 200, 12_000
STEPS = ("a", "b", "c")
CHAIN = """
id: chain
steps:
  a: {type: job}
  b: {type: job, depends_on: [a]}
  c: {type: job, depends_on: [b]}
"""
PLACE = Partition("runs", 0)
CODEC = Codec()
Record = tuple[bytes, bytes]


class Owner:
    """Of a partition of runs, at an engine's work."""

    def __init__(self, *, live: int = 0) -> None:
        decider = Table(CHAIN).decider
        self._processor: Processor[Run] = Processor(
            decider, PLACE, seal=CODEC.seal, service="engine", batch_bytes=900_000
        )
        self._offsets, self._names = itertools.count(1), itertools.count()
        for _ in range(live):
            self._begin()

    def run(self) -> list[Record]:
        """One, from its start to its end."""
        key, said = self._begin()
        for step in STEPS:
            done = JobSucceeded(job_id=ids.job_id(key, step, 1), lease=1, worker="w/1", output='{"size":12}')
            said += self._take(key, done)
        if key in self._processor.live:
            raise AssertionError(f"{key} has not ended")
        return said

    def _begin(self) -> tuple[str, list[Record]]:
        name = f"r{next(self._names)}"
        key = ids.run_id("acme", "chain", name)
        return key, self._take(key, RunRequested(workflow="chain", input='{"id":"a"}', idempotency_key=name))

    def _take(self, key: str, event: Event) -> list[Record]:
        about = meta(key, 1_790_000_000_000)
        source = Incoming(Partition("intake", 0), Position(next(self._offsets)), about, event, b"")
        self._processor.take(source, key=key, now=about.at)
        self._processor.tick(about.at)
        cut = self._processor.cut()
        return [] if cut is None else list(cut.records)


def with_live_runs() -> Iterator[tuple[str, float]]:
    owners = {FEW: Owner(live=FEW), MANY: Owner(live=MANY)}
    found: dict[int, list[float]] = {FEW: [], MANY: []}
    for _ in range(ROUNDS):
        for live, owner in owners.items():
            began = time.process_time()
            for _ in range(TIMED):
                owner.run()
            found[live].append((time.process_time() - began) / TIMED / len(STEPS) * 1e6)
    for live, figures in found.items():
        yield f"the engine's part of a step, {live:,} live runs", statistics.median(figures)


class History:
    """A log and its read models, which only grow."""

    def __init__(self, log: Log, models: ReadModels, server: psutil.Process) -> None:
        self._log, self._models, self._server = log, models, server
        self._owner, self.shown = Owner(), 0
        self._own = OwnStream(PLACE)
        self._writer: Writer | None = None

    async def open(self) -> None:
        """Become the partition's owner."""
        self._writer = await claim(self._log, CODEC, self._own, fold=lambda _: None, owner="bench", at=0)
        self._builds = {one: await self._models.begin(one) for one in (RUNS, JOBS, TIMELINE)}

    async def grow(self, events: int) -> tuple[float, float]:
        """So many more; what each has cost to append, and to show."""
        appending = showing = done = 0.0
        while done < events:
            batch: list[Record] = []
            while len(batch) < BATCH:
                batch += self._owner.run()
            before = self._cpu()
            await self._append(batch)
            appended = self._cpu()
            await self._show(batch)
            appending, showing = appending + appended - before, showing + self._cpu() - appended
            done += len(batch)
        return appending / done * 1e6, showing / done * 1e6

    async def _append(self, batch: Sequence[Record]) -> None:
        assert self._writer is not None
        await self._own.catch_up(self._log, lambda _: None)
        at = self._own.acceptance.position
        head = BatchHead(epoch=at.epoch, sequence=at.sequence, count=len(batch))
        await self._writer.append(Batch(head, [Outgoing(*record) for record in batch]))

    async def _show(self, batch: Sequence[Record]) -> None:
        seen = [Seen(self.shown + n, *CODEC.decode(value)) for n, (_, value) in enumerate(batch)]
        start, end = Position(self.shown), Position(self.shown + len(batch))
        self.shown = end.offset
        for projection, build in self._builds.items():
            wanted = [one for one in seen if isinstance(one.event, projection.events)]
            await self._models.apply(projection, build, [Stretch(PLACE, start, end, wanted)])

    def _cpu(self) -> float:
        processes = [psutil.Process(), *self._server.children()]
        return sum(sum(one.cpu_times()[:2]) for one in processes)


async def with_history(url: str) -> list[tuple[str, float]]:
    found = []
    models = await ReadModels.connect(url, suite="flat")
    try:
        async with opened("postgres", url, "flat") as log:
            backend = await models.run(lambda connection: connection.fetchval("SELECT pg_backend_pid()"))
            history = History(log, models, psutil.Process(psutil.Process(backend).ppid()))
            await history.open()
            for size in (HISTORY, HISTORY * TIMES_MORE):
                await history.grow(size - history.shown)
                append, show = await history.grow(MEASURED)
                found += [(f"an event appended, {size:,} before it", append), (f"… shown, {size:,} before it", show)]
    finally:
        await models.close()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    as_json = parser.parse_args().json
    found = dict(with_live_runs())
    with address("postgres") as url:
        found |= dict(uvloop.run(with_history(url)))
    if as_json:
        print(json.dumps({name: {"value": value, "unit": "us"} for name, value in found.items()}, indent=2))
    else:
        for name, value in found.items():
            print(f"{name:48} {value:10,.1f}  us")
    return 0


if __name__ == "__main__":
    sys.exit(main())
