"""What `foldgate bench` measures, setting by setting, with real processes: a suite, a worker, and runs that do nothing.

Processes and folder are those of `demonstration.py`: an interruption leaves as little.
"""

import asyncio
import shutil
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from foldgate.cli import bench_baseline, bench_machine, up_file
from foldgate.cli.bench_load import Load
from foldgate.cli.bench_telling import tell
from foldgate.cli.demonstration import Demonstration, expect
from foldgate.cli.policy_changing import changed
from foldgate.cli.reaching import Reached
from foldgate.cli.terminal import progress, say_json
from foldgate.contracts.events import PolicyPublished, WorkerJoined, WorkflowPublished
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import STREAMS
from foldgate.sdk.policies import a_bundle, a_publishing

AT_ONCE, FANNED, FANS = 100, 100, 5
SERVERS = frozenset({"postgresql", "kafka"})
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_OWNED = [stream for stream in STREAMS if stream.kind == "owned" and stream.events]
_STEPS = {"bench-1": 1, "bench-3": 3, "bench-9": 9}
_STEADY = "bench-3"
_FAN = """
id: bench-fan
steps:
  all: {type: job, topic: job.bench, input: {n: "${item}"}, for_each: {items: "${input.items}"}}
"""
_SAMPLED = 2000


class Setting(NamedTuple):
    """Where the log is kept, and whether each service is a process of its own."""

    driver: str
    apart: bool


async def measure(settings: Sequence[Setting], *, runs: int, seconds: int, as_json: bool) -> None:
    """Each, and tell it when it is known."""
    machine = bench_machine.facts()
    found = []
    for setting in settings:
        folder = Path(tempfile.mkdtemp(prefix="foldgate-bench-"))
        try:
            found.append(await Benchmark(folder, setting, runs=runs, seconds=seconds).figures())
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        say_json({"machine": machine, "settings": found})
    else:
        tell(machine, found)


class Benchmark(Demonstration):
    """One setting."""

    worker = "foldgate.cli.bench_worker"
    settings: Mapping[str, str] = {}

    def __init__(self, folder: Path, setting: Setting, *, runs: int, seconds: int) -> None:
        super().__init__(folder, as_json=True)
        self._setting, self._runs, self._seconds = setting, runs, seconds
        self.options = (
            *(("--kafka", "local") if setting.driver == "kafka" else ()),
            *(("--processes",) if setting.apart else ()),
        )

    async def figures(self) -> dict[str, Any]:
        """All of them."""
        where = f"{self._setting.driver}, {'five processes' if self._setting.apart else 'one process'}"
        with progress(f"{where}: starting"):
            async with self._suite() as suite, self._worker("first") as worker:
                await self._happened(suite, "jobs", lambda seen: isinstance(seen.event, WorkerJoined))
                await _prepare(suite)
                pids = self._pids() | {"worker": worker.process.pid}
                async with Load(suite).following() as load:
                    with progress(f"{where}: runs one by one"):
                        times = await self._times(load)
                    with progress(f"{where}: as many as there can be"):
                        steady, events = await self._steady(suite, load, pids)
                size = await _usual_size(suite)
                with progress(f"{where}: the log alone"):
                    raw = await bench_baseline.events_per_second(suite, events=max(events, _SAMPLED), size=size)
        rate = events / self._seconds
        baseline = {"events_per_second": round(raw), "event_bytes": size, "suite_share": round(rate / raw, 3)}
        return {**self._setting._asdict(), "milliseconds": times, "steady": steady, "log_alone": baseline}

    def _pids(self) -> dict[str, int]:
        """Of the services, or of the one process that has them all, and of the servers."""
        found = up_file.read(self._folder)
        assert found is not None
        return {**found.pids} if self._setting.apart else {"services": found.pid, **found.pids}

    async def _times(self, load: Load) -> dict[str, dict[str, float]]:
        times = {}
        for workflow in _STEPS:
            times[workflow] = _shares(await load.one_by_one(workflow, None, times=self._runs))
        items = {"items": list(range(FANNED))}
        times["bench-fan"] = _shares(await load.one_by_one("bench-fan", items, times=FANS))
        return times

    async def _steady(self, suite: Reached, load: Load, pids: Mapping[str, int]) -> tuple[dict[str, Any], int]:
        """Between two looks at what has ended, been appended and been worked, while as much as can be is under way."""
        async with load.steady(_STEADY, at_once=AT_ONCE):
            await asyncio.sleep(min(3, self._seconds))
            before = load.ended, await _appended(suite), bench_machine.seconds_of(pids, servers=SERVERS)
            began = asyncio.get_running_loop().time()
            await asyncio.sleep(self._seconds)
            took = asyncio.get_running_loop().time() - began
            after = load.ended, await _appended(suite), bench_machine.seconds_of(pids, servers=SERVERS)
        steps, events = (after[0] - before[0]) * _STEPS[_STEADY], after[1] - before[1]
        cpu = {name: round((after[2][name] - before[2][name]) / max(steps, 1) * 1e6) for name in pids}
        told = {
            "steps_per_second": round(steps / took, 1),
            "events_per_second": round(events / took, 1),
            "events_per_step": round(events / max(steps, 1), 2),
            "cpu_us_per_step": cpu | {"all": sum(cpu.values())},
        }
        return told, events


async def _prepare(suite: Reached) -> None:
    """The workflows, and a policy of ten rules, of which the last one matches."""
    client = suite.client("default", principal="bench")
    for workflow, steps in _STEPS.items():
        expect((await client.publish(_chain(workflow, steps))).event, WorkflowPublished)
    expect((await client.publish(_FAN)).event, WorkflowPublished)
    await changed(suite, a_bundle(_policy(), revision=0, reason="bench"), by="bench")
    expect(await changed(suite, a_publishing(["bench/ten"], reason="bench"), by="bench"), PolicyPublished)


def _chain(workflow: str, steps: int) -> str:
    lines = [
        f'  s{n}: {{type: job, topic: job.bench, input: "${{input}}"{f", depends_on: [s{n - 1}]" if n else ""}}}'
        for n in range(steps)
    ]
    return "\n".join([f"id: {workflow}", "steps:", *lines])


def _policy() -> str:
    others = [f"  - {{id: r{n}, match: {{labels: {{team: t{n}}}}}, decision: deny}}" for n in range(9)]
    last = "  - {id: bench, match: {topics: [job.bench]}, decision: allow}"
    return "\n".join(["bundle: bench/ten", "default_decision: allow", "rules:", *others, last])


async def _appended(suite: Reached) -> int:
    """How many records lie in what services own."""
    places = [Partition(stream.name, number) for stream in _OWNED for number in range(stream.partitions)]
    return sum(await asyncio.gather(*map(suite.log.end, places)))


async def _usual_size(suite: Reached) -> int:
    """Bytes of an event of a run."""
    sizes = []
    for number in range(4):
        place = Partition("runs", number)
        end = await suite.log.end(place)
        async for records in suite.log.read(place, max(0, end - _SAMPLED), end):
            sizes += [len(record.value) for record in records if record.key]
    return round(statistics.mean(sizes))


def _shares(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {name: round(ordered[min(int(len(ordered) * part), len(ordered) - 1)], 2) for name, part in SHARES.items()}
