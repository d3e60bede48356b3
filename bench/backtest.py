"""What a backtest costs: 100,000 recorded decisions under a draft, from the log to the result. One core, in memory.

    python -m bench.backtest [--json]

Runs of four jobs each were decided on under a bundle of two hundred rules, forty of them with conditions; the draft
denies one topic in twenty as well. They are read from a log in memory, decoded, put in the order of time and decided on
again, as `foldgate policy backtest` does. Seconds are those of the processor, whatever else runs beside.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator

from bench.policy import bundle_with
from foldgate.authority.backtest import Backtest, Backtested
from foldgate.authority.bundles import prepare
from foldgate.authority.deciding import decide
from foldgate.authority.facts import facts_of_job, facts_of_run, run_facts
from foldgate.authority.snapshot import Snapshot, snapshot_of
from foldgate.cli.backtesting import backtested
from foldgate.cli.reaching import Reached
from foldgate.contracts import ids
from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import (
    CaseClosed,
    Event,
    Job,
    JobRequested,
    Meta,
    OwnerChanged,
    PolicyVersion,
    RunAdmitted,
    RunStarted,
    Writ,
    WritIssued,
)
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import DECISIONS, RUNS, Stream, partition_of
from foldgate.eventlog.log import Batch, BatchHead, Outgoing
from foldgate.eventlog.looking import Seen
from foldgate.eventlog.memory import MemoryLog
from foldgate.runtime.settings import Settings

RUNS_IN_ALL, JOBS, RULES, TEAMS = 20_000, 4, 200, 20
WANTED_S = 60.0
CODEC = Codec()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    as_json = parser.parse_args().json
    seconds, found = asyncio.run(measured())
    figures = {"seconds": seconds, "decisions": found.decisions, "changed": found.changed, "unknown": found.unknown}
    if as_json:
        print(json.dumps(figures))
    else:
        print(f"{found.decisions:,} decisions: {found.same:,} the same, {found.changed:,} changed, the rest unknown")
        print(f"{seconds:.1f} s, {found.decisions / seconds:,.0f} decisions/s   (wanted: at most {WANTED_S:.0f} s)")
    return int(seconds > WANTED_S)


async def measured() -> tuple[float, Backtested]:
    """How long it takes, and what comes of it."""
    log = await recorded(snapshot(bundle_with(RULES, teams=TEAMS)))
    draft = json.loads(bundle_with(RULES, teams=TEAMS))
    draft["rules"].insert(0, {"id": "stop", "match": {"topics": ["job.deploy6.*"]}, "decision": "deny"})
    settings = Settings.model_validate({"postgres": "postgresql://unused"})
    suite = Reached(log, CODEC, settings, Seen("memory", "", "", {}, {}))
    began = time.process_time()
    found = await backtested(suite, Backtest(snapshot(json.dumps(draft))))
    return time.process_time() - began, found


def snapshot(source: str) -> Snapshot:
    made = prepare(source)
    return snapshot_of([PolicyVersion(bundle=made.bundle, version=1, digest=made.digest, definition=made.canonical)])


async def recorded(under: Snapshot) -> MemoryLog:
    """A log with all those runs, and what was decided on them."""
    log = MemoryLog()
    ledger = Ledger(log)
    for number in range(RUNS_IN_ALL):
        run = ids.run_id("acme", "deploy", str(number))
        for stream, event in told(number, run, under):
            await ledger.append(stream, run, event)
    return log


def told(number: int, run: str, under: Snapshot) -> Iterator[tuple[Stream, Event]]:
    """A run, from its beginning to its end."""
    begun = RunStarted(workflow="deploy", input='{"size":3}', labels={"env": "prod"}, request_hash=b"")
    yield RUNS, begun
    about = meta(RUNS, run, 0)
    said = decide(under, facts_of_run(begun, about), phase="submit").as_decision(1)
    yield DECISIONS, RunAdmitted(decision=said, workflow="deploy", labels=begun.labels, input=begun.input)
    for step in range(JOBS):
        job = _job(number * JOBS + step, run, f"step{step}")
        yield RUNS, JobRequested(job=job)
        said = decide(under, facts_of_job(job, run_facts(begun, about)), phase="dispatch").as_decision(1)
        yield DECISIONS, WritIssued(job=job, writ=_writ(job, said.policy_snapshot), decision=said)
    yield DECISIONS, CaseClosed(status="succeeded")


class Ledger:
    """Appends as owners do, each record a moment after the one before."""

    def __init__(self, log: MemoryLog) -> None:
        self._log, self._sequences, self._at = log, dict[Partition, int](), 1_790_000_000_000

    async def append(self, stream: Stream, run: str, event: Event) -> None:
        place = Partition(stream.name, partition_of(run.encode(), stream.partitions))
        if place not in self._sequences:
            await self._put(place, b"", OwnerChanged(epoch=1, owner="bench"), claimant="bench")
        await self._put(place, run.encode(), event)

    async def _put(self, place: Partition, key: bytes, event: Event, *, claimant: str = "") -> None:
        self._at += 1
        sequence = self._sequences.get(place, 0)
        self._sequences[place] = sequence + 1
        value = CODEC.encode(meta(RUNS, key.decode(), self._at), event)
        head = BatchHead(epoch=1, sequence=sequence, count=1, claimant=claimant)
        await (await self._log.writer(place)).append(Batch(head, [Outgoing(key, value)]))


def meta(stream: Stream, run: str, at: int) -> Meta:
    return Meta(
        chain=NO_CHAIN,
        event_id=f"{run}/{at}",
        stream=stream.name,
        key=run,
        run_id=run,
        at=at,
        tenant="acme",
        principal="ada@example.com",
    )


def _job(number: int, run: str, step: str) -> Job:
    return Job(
        job_id=ids.job_id(run, step, 1),
        step=step,
        attempt=1,
        kind="job",
        topic=f"job.deploy{number % TEAMS}.apply",
        input=json.dumps({"replicas": number % 50, "image": "web:1.2"}),
        labels={"env": "prod", "team": "web"},
        tenant="acme",
        principal="ada@example.com",
        workflow="deploy",
        risk_tags=("prod", "write"),
    )


def _writ(job: Job, snapshot_name: str) -> Writ:
    return Writ(
        writ_id=ids.writ_id(job.job_id, snapshot_name),
        job_id=job.job_id,
        job_hash=b"",
        pool="default",
        policy_snapshot=snapshot_name,
        rule="bench/policy#rest",
        issued_at=0,
        expires_at=1,
    )


if __name__ == "__main__":
    sys.exit(main())
