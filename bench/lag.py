"""How long readers wait to see in the read models what is on the log, while a suite works at a steady pace.

    python -m bench.lag [--driver postgres|kafka] [--json] [--steps N] [--seconds N]

All services, a gateway and a worker are processes of their own, and so are the servers. Runs of four steps that do
nothing are started over HTTP at an even pace, so that so many steps a second are done. Meanwhile the positions of the
read models, which change in the transaction that changes their rows, are looked at every 20 ms; afterwards the log is
read again. An event's lag is from the time in its Meta, when its writer made it, until the first look that finds it
shown: the append and up to 20 ms of the look are counted. Each event counts once for each read model that shows it.
`steps_a_second` is what the log has of them in that time, and `cpu_ms` the processor time of a step by process, starts
and looks included: where the machine has not as much, lag is all that is measured.
"""

import argparse
import asyncio
import bisect
import contextlib
import itertools
import json
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

import uvloop

from bench.dispatch import SHARES, SUITE
from bench.servers import opened
from bench.starts import Client, Place, at_work, cpu_ms, place
from foldgate.contracts.codec import Codec
from foldgate.contracts.events import StepSucceeded
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import RUNS
from foldgate.database.connections import Connection
from foldgate.eventlog.log import Log
from foldgate.gateway.main import SERVICE
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projection import Projection

STEPS_A_SECOND, SECONDS, WARM_UP_S, LOOK_EVERY_S, SETTLED_S, SHOWN_WITHIN_S = 200, 30.0, 10.0, 0.02, 2.0, 30.0
CHAIN = ("a", "b", "c", "d")
CODEC = Codec()
_SHOWN = """
SELECT projection, stream, partition, "offset" FROM position JOIN build USING (projection, number) WHERE state = 'live'
"""
Part = tuple[str, Partition]
"""Of one read model, one partition that it reads."""


def document() -> bytes:
    """Steps of one job each, one after the other."""
    steps = {
        name: {"type": "job", "topic": "job.nothing", "depends_on": [before] if before else []}
        for before, name in itertools.pairwise(("", *CHAIN))
    }
    return json.dumps({"id": "nothing", "steps": steps}).encode()


class Looking:
    """What the read models show, and since when, by the clock of this machine in milliseconds."""

    def __init__(self, models: ReadModels) -> None:
        self._models = models
        self._offsets: dict[Part, list[int]] = defaultdict(list)
        self._times: dict[Part, list[float]] = defaultdict(list)

    async def look(self) -> None:
        """Once."""

        async def rows(connection: Connection) -> Sequence[tuple[str, str, int, int]]:
            return [tuple(row) for row in await connection.fetch(_SHOWN)]

        found = await self._models.run(rows)
        now = time.time() * 1000
        for name, stream, number, offset in found:
            part = (name, Partition(stream, number))
            if not self._offsets[part] or offset > self._offsets[part][-1]:
                self._offsets[part].append(offset)
                self._times[part].append(now)

    def shown_at(self, part: Part, offset: int) -> float | None:
        """When the record there was first seen to be shown."""
        later = bisect.bisect_right(self._offsets[part], offset)
        return self._times[part][later] if later < len(self._offsets[part]) else None

    @contextlib.asynccontextmanager
    async def always(self) -> AsyncIterator[None]:
        """Again and again."""

        async def again() -> None:
            while True:
                await self.look()
                await asyncio.sleep(LOOK_EVERY_S)

        looking = asyncio.create_task(again())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.wait([looking])


async def ends_of(log: Log, partitions: Sequence[Partition]) -> dict[Partition, int]:
    """The offsets after what there is."""
    return dict(zip(partitions, await asyncio.gather(*map(log.end, partitions)), strict=True))


async def lags(
    log: Log, looking: Looking, projection: Projection, *, begin: dict[Partition, int], end: dict[Partition, int]
) -> list[float]:
    """Of every event between these that the projection shows, in milliseconds; waits until all of them are shown."""
    names, found = {event.__name__ for event in projection.events}, []
    for partition in projection.partitions:
        async for records in log.read(partition, begin[partition], end[partition]):
            for record in records:
                if record.key and CODEC.peek(record.value).name in names:
                    at = CODEC.meta(record.value).at
                    found.append(await _shown(looking, (projection.name, partition), record.offset) - at)
    return found


async def _shown(looking: Looking, part: Part, offset: int) -> float:
    async with asyncio.timeout(SHOWN_WITHIN_S):
        while (at := looking.shown_at(part, offset)) is None:
            await looking.look()
            await asyncio.sleep(LOOK_EVERY_S)
    return at


async def steps_in(log: Log, *, begin: dict[Partition, int], end: dict[Partition, int]) -> int:
    """How many steps succeeded between these."""
    count = 0
    for number in range(RUNS.partitions):
        runs = Partition(RUNS.name, number)
        async for records in log.read(runs, begin[runs], end[runs]):
            count += sum(CODEC.peek(one.value).name == StepSucceeded.__name__ for one in records if one.key)
    return count


async def measured(at: Place, chosen: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Every read model, and all of them together."""
    every_ms = 1000 * len(CHAIN) / chosen.steps
    partitions = sorted({one for projection in SERVICE.projections for one in projection.partitions})
    async with opened(at.driver, at.where, SUITE) as log:
        with at_work(at) as (ours, port):
            client = Client(port, [document()], answers=(201, 202))
            await client.publish()
            await client.steadily(int(1000 * WARM_UP_S / every_ms), every_ms=every_ms)
            seen = await ReadModels.connect(at.models, suite=SUITE)
            try:
                looking = Looking(seen)
                async with looking.always():
                    begin, began, before = await ends_of(log, partitions), time.monotonic(), cpu_ms(ours)
                    await client.steadily(int(1000 * chosen.seconds / every_ms), every_ms=every_ms)
                    end, took = await ends_of(log, partitions), time.monotonic() - began
                    spent = {name: ms - before.get(name, 0.0) for name, ms in cpu_ms(ours).items()}
                    await asyncio.sleep(SETTLED_S)
                found = {one.name: await lags(log, looking, one, begin=begin, end=end) for one in SERVICE.projections}
            finally:
                await seen.close()
            steps = await steps_in(log, begin=begin, end=end)
    together = {name: shares(some) for name, some in found.items() if some}
    return {
        **together,
        "all": {**shares([one for some in found.values() for one in some]), "steps_a_second": steps / took},
        "cpu_ms": {name: ms / steps for name, ms in spent.items()},
    }


def shares(values: Sequence[float]) -> dict[str, float]:
    """Of so many."""
    ordered = sorted(values)
    return {**{name: ordered[int(len(ordered) * part)] for name, part in SHARES.items()}, "most": ordered[-1]}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--driver", choices=("postgres", "kafka"), action="append")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--steps", type=int, default=STEPS_A_SECOND, help="steps a second")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    chosen = parser.parse_args()
    found: dict[str, dict[str, dict[str, float]]] = {}
    for driver in chosen.driver or ("postgres", "kafka"):
        with place(driver) as at:
            found[driver] = uvloop.run(measured(at, chosen))
        if not chosen.json:
            print(driver)
            for name, figures in found[driver].items():
                print(f"  {name:12}", *(f"{share} {figure:8.1f}" for share, figure in figures.items()), flush=True)
    if chosen.json:
        print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
