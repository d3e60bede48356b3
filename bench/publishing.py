"""Publishing a policy while decisions go on: when the last kernel decides by it, and whether one stops for it.

    python -m bench.publishing [--driver postgres|kafka] [--json]

Two kernels, each a process of its own that owns half of the decisions, decide on the jobs of an engine here: one job
every eight milliseconds. A bundle of two hundred rules is published again and again. From the moment its publisher
has the answer, `first` is until a kernel's first decision under it, and `last` until a kernel's last decision under
the one before, each of the slower kernel. `gap` is the longest time in which a kernel that publishing could disturb
decided nothing, from a second before the answer to a second after it; `usual gap` the same with nothing published.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import NamedTuple

import structlog
import uvloop

from bench.policy import bundle_with
from bench.servers import address, opened
from foldgate.contracts.codec import Codec
from foldgate.contracts.events import PolicyDrafted, PolicyPublished, WritIssued
from foldgate.contracts.places import START, Partition
from foldgate.contracts.topics import DECISIONS
from foldgate.engine.main import SERVICE as ENGINE
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import Log
from foldgate.policy_kernel.main import SERVICE as KERNEL
from foldgate.runtime.clock import SystemClock
from foldgate.runtime.context import Context
from foldgate.runtime.host import Host
from foldgate.runtime.key_making import new_files
from foldgate.runtime.keys import Keys
from foldgate.runtime.service import Service
from foldgate.runtime.settings import Settings
from foldgate.sdk.client import Client
from foldgate.sdk.policies import a_bundle, a_publishing

SUITE = "publishing"
PUBLISHED, EVERY_S, ROUND_S, WANTED_MS = 7, 0.008, 1.0, 1000.0
KERNELS = ("kernel-1", "kernel-2")
RULES = bundle_with(200, teams=1)
Files = dict[str, bytes]


class Decided(NamedTuple):
    """A decision as it was seen: when, by which kernel, under which snapshot."""

    at: float
    kernel: str
    snapshot: str


class Answered(NamedTuple):
    """What was published, and when its publisher knew."""

    at: float
    snapshot: str


def host_of(service: Service, log: Log, files: Files, *, instance: str) -> Host:
    settings = Settings.model_validate(
        {"postgres": "postgresql://unused", "instance": instance, "default_decision": "allow"}
    )
    return Host(
        service,
        Context(
            service=service.name,
            settings=settings,
            keys=Keys(files.__getitem__),
            log=log,
            codec=Codec(),
            clock=SystemClock(),
            logger=structlog.get_logger(),
        ),
    )


def _kernel(driver: str, where: str, files: Files, *, instance: str, pipe: Connection) -> None:
    """One kernel, as a process."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))

    async def run() -> None:
        async with opened(driver, where, SUITE) as log:
            working = asyncio.create_task(host_of(KERNEL, log, files, instance=instance).run())
            await asyncio.to_thread(pipe.recv)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    uvloop.run(run())


@contextlib.contextmanager
def kernels(driver: str, where: str, files: Files) -> Iterator[None]:
    """Both of them at work."""
    spawn = multiprocessing.get_context("spawn")
    started: list[tuple[BaseProcess, Connection]] = []
    for name in KERNELS:
        ours, theirs = spawn.Pipe()
        process: BaseProcess = spawn.Process(
            target=_kernel, args=(driver, where, files), kwargs={"instance": name, "pipe": theirs}
        )
        process.start()
        started.append((process, ours))
    try:
        yield
    finally:
        for process, pipe in started:
            pipe.send("stop")
            process.join(20)
            process.kill()


class Watcher:
    """Reads all decisions as they come. `owners` are the kernels by their partitions."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._rules = {Partition(DECISIONS.name, n): Acceptance(START) for n in range(DECISIONS.partitions)}
        self.seen: list[Decided] = []

    @property
    def owners(self) -> set[str]:
        return {rule.claimant.partition("/")[0] for rule in self._rules.values()}

    async def run(self) -> None:
        codec, follower = Codec(), self._log.follow(dict.fromkeys(self._rules, 0))
        while True:
            for record in await follower.next(limit=500, timeout_ms=100):
                rule = self._rules[record.partition]
                if rule.accepts(record) and record.key:
                    event = codec.decode(record.value).event
                    if isinstance(event, WritIssued):
                        kernel = rule.claimant.partition("/")[0]
                        self.seen.append(Decided(time.monotonic(), kernel, event.writ.policy_snapshot))

    async def until_both_decide(self) -> None:
        """Each kernel owns some of the decisions, and has decided lately."""
        async with asyncio.timeout(60):
            while self.owners != set(KERNELS) or {one.kernel for one in self.seen[-40:]} != set(KERNELS):
                await asyncio.sleep(0.05)


async def _ask(log: Log, files: Files) -> None:
    """Jobs without end, each in its time."""
    client = Client(log, principal="bench", signer=Keys(files.__getitem__).issuer)
    due, number = time.monotonic(), 0
    async with asyncio.TaskGroup() as asking:
        while True:
            number, due = number + 1, due + EVERY_S
            asking.create_task(client.run_job("job.deploy", {"replicas": number % 50}))
            await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _publish(client: Client, revision: int) -> Answered:
    source = RULES.replace('"bench/policy"', f'"bench/policy", "description": "number {revision}"', 1)
    drafted = (await client.decided(a_bundle(source, revision=revision))).event
    assert isinstance(drafted, PolicyDrafted), drafted
    published = (await client.decided(a_publishing([drafted.bundle], reason="bench"))).event
    assert isinstance(published, PolicyPublished), published
    return Answered(time.monotonic(), published.policy_snapshot)


@contextlib.asynccontextmanager
async def _at_work(log: Log, files: Files) -> AsyncIterator[Watcher]:
    watcher = Watcher(log)
    parts = (host_of(ENGINE, log, files, instance="engine").run(), watcher.run(), _ask(log, files))
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        await watcher.until_both_decide()
        yield watcher
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def measured(driver: str, where: str) -> dict[str, float]:
    """Every figure, in milliseconds: the median over all that was published, and the worst."""
    files = new_files(SystemClock().now_ms())
    with kernels(driver, where, files):
        async with opened(driver, where, SUITE) as log, _at_work(log, files) as watcher:
            client = Client(log, principal="bench", signer=Keys(files.__getitem__).issuer)
            answers = [await _publish(client, 0)]
            await asyncio.sleep(2 * ROUND_S)
            quiet = time.monotonic()
            await asyncio.sleep(2 * ROUND_S)
            for revision in range(1, PUBLISHED + 1):
                answers.append(await _publish(client, revision))
                await asyncio.sleep(2 * ROUND_S)
            return _figures(watcher.seen, answers[1:], quiet=quiet)


def _figures(seen: list[Decided], answers: list[Answered], *, quiet: float) -> dict[str, float]:
    first = [max(_first_under(seen, answer, kernel) for kernel in KERNELS) for answer in answers]
    last = [max(_last_before(seen, answer, kernel) for kernel in KERNELS) for answer in answers]
    gaps = [max(_gap(seen, answer.at, kernel) for kernel in KERNELS) for answer in answers]
    usual = max(_gap(seen, quiet + ROUND_S, kernel) for kernel in KERNELS)
    figures = {"decisions_per_s": len(seen) / (seen[-1].at - seen[0].at), "usual_gap_ms": usual * 1000}
    for name, values in (("first", first), ("last", last), ("gap", gaps)):
        figures |= {f"{name}_ms": statistics.median(values) * 1000, f"{name}_worst_ms": max(values) * 1000}
    return figures


def _first_under(seen: list[Decided], answer: Answered, kernel: str) -> float:
    return max(0.0, next(one.at for one in seen if one[1:] == (kernel, answer.snapshot)) - answer.at)


def _last_before(seen: list[Decided], answer: Answered, kernel: str) -> float:
    """Until the last decision under anything else, of those of the next two seconds; nothing if there was none."""
    late = [
        one.at
        for one in seen
        if answer.at < one.at < answer.at + 2 * ROUND_S and one.kernel == kernel and one.snapshot != answer.snapshot
    ]
    return max(late, default=answer.at) - answer.at


def _gap(seen: list[Decided], around: float, kernel: str) -> float:
    times = [one.at for one in seen if one.kernel == kernel and abs(one.at - around) <= ROUND_S]
    edges = [around - ROUND_S, *times, around + ROUND_S]
    return max(later - earlier for earlier, later in pairwise(edges))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--driver", choices=("postgres", "kafka"), default="postgres")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with address(chosen.driver) as where:
        figures = uvloop.run(measured(chosen.driver, where))
    if chosen.json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            wanted = f"   (wanted: {WANTED_MS:,.0f})" if name == "last_worst_ms" else ""
            print(f"{name:24} {figure:>10,.1f}{wanted}")
    return int(max(figures["last_worst_ms"], figures["first_worst_ms"]) > WANTED_MS)


if __name__ == "__main__":
    raise SystemExit(main())
