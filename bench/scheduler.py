"""What the scheduler's decisions cost, without a log: pure Python, one core.

    python -m bench.scheduler [--json] [--jobs N]

A pool in which N jobs wait, a million if not said, with inputs of 200 bytes, of 1,000 tenants: one has a tenth of them.
Eight workers do 50 at once each. A message is a report, which frees a place and gives the next job away, or a writ,
whose job waits: they come in turn, so the pool stays as large as it is. Both are decided on and their events folded, as
in an owner, which after each batch, here of a hundred, asks once when the pool is due. With signing, each dispatch has
the signature that workers check; without, one that costs nothing. Then the same from a small pool, to show that the
size of it hardly matters, and what it takes in memory and in a checkpoint.
"""

import argparse
import gc
import json
import pathlib
import resource
import sys
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec

from foldgate.authority.active import Policies
from foldgate.authority.keys import Signer
from foldgate.authority.token import with_mac
from foldgate.contracts import ids
from foldgate.contracts.codec import NO_CHAIN
from foldgate.contracts.events import (
    Event,
    Job,
    JobDispatched,
    JobSucceeded,
    Meta,
    Signature,
    WorkerBeat,
    Writ,
    WritIssued,
)
from foldgate.decider.decider import Decider, Message, Said
from foldgate.decider.stamp import Held
from foldgate.runtime.key_making import new_files
from foldgate.runtime.keys import Keys
from foldgate.runtime.parts import Cutting, CutUp
from foldgate.runtime.saving import encoded_in_pieces
from foldgate.scheduler.jobs.decide import jobs
from foldgate.scheduler.jobs.state import Pool

JOBS, SMALL, TENANTS, WORKERS, PARALLEL, TOPICS, MESSAGES = 1_000_000, 1_000, 1_000, 8, 50, 5, 20_000
BATCH = 100
ROOM = 200
AT = 1_790_000_000_000
FOR_EVER = AT + 10**12
KEYS = Keys(new_files(AT).__getitem__)


class Unsigned(Signer):
    """Signs with what costs nothing."""

    def __init__(self) -> None:
        self._signature = KEYS.scheduler.sign(b"anything")

    def sign(self, _: bytes) -> Signature:
        return self._signature


class Subject:
    """A pool, and the jobs that its workers have."""

    def __init__(self, signer: Signer) -> None:
        self.decider: Decider[Pool] = jobs(
            Policies(), lease_ms=10**12, wait_noted_after_ms=10**12, signer=signer, suite_keys=KEYS.suite
        )
        self.state: Pool | None = None
        self.sequence, self.number, self.at, self.taken = 0, 0, AT, 0
        self.given: deque[JobDispatched] = deque()

    def message(self, event: Event) -> Message:
        self.at += 1 if self.number % 100 == 0 else 0
        return Message(key="default", at=self.at, event=event, meta=_meta(self.sequence, self.at))

    def take(self, message: Message) -> None:
        for one in self.decider.decide(self.state, message):
            said = one.event if isinstance(one, Said) else one
            self.sequence += 1
            self.state = self.decider.evolve(self.state, _meta(self.sequence, message.at), said)
            if isinstance(said, JobDispatched):
                self.given.append(said)
        self.taken += 1
        if self.state is not None and self.taken % BATCH == 0:
            self.decider.due(self.state)

    def next_writ(self) -> WritIssued:
        self.number += 1
        number = self.number
        tenant = "big" if number % 10 == 0 else f"tenant-{number % TENANTS}"
        job_id = ids.job_id(ids.run_id(tenant, "deploy", str(number)), "apply", 1)
        job = Job(
            job_id=job_id,
            step="apply",
            attempt=1,
            kind="job",
            topic=f"job.deploy.{number % TOPICS}",
            input=json.dumps({"image": f"web:{number}", "notes": "x" * 170}),
            labels={"number": str(number)},
            tenant=tenant,
            principal="ada@example.com",
            workflow="deploy",
            digest="d" * 64,
        )
        writ = Writ(
            writ_id=ids.writ_id(job_id, "snapshot"),
            job_id=job_id,
            job_hash=ids.digest(job_id),
            pool="default",
            policy_snapshot="snapshot_" + "0" * 55,
            rule="bench#rule",
            issued_at=self.at,
            expires_at=FOR_EVER + number,
            tenant=tenant,
        )
        value = ids.digest(job_id, "a") + ids.digest(job_id, "b")
        signature = Signature(key_id=KEYS.kernel.certificate.key_id, certificate=CERTIFICATE, value=value)
        return WritIssued(job=job, writ=msgspec.structs.replace(writ, signature=signature))

    def next_report(self) -> JobSucceeded:
        given = self.given.popleft()
        report = JobSucceeded(job_id=given.job.job_id, lease=given.lease, worker=given.worker, output='{"done":true}')
        return with_mac(given.token, report)


CERTIFICATE = KEYS.kernel.certificate.encoded()


def _meta(sequence: int, at: int) -> Meta:
    return Meta(
        chain=NO_CHAIN,
        event_id="cause",
        stream="decisions",
        key="default",
        pool="default",
        sequence=sequence,
        at=at,
        correlation="run_00112233445566778899aabb",
        tenant="acme",
        principal="scheduler",
    )


def pool_of(count: int, signer: Signer) -> Subject:
    """A pool with full workers, in which so many jobs wait; or with room for so many, if that is below 0."""
    subject = Subject(signer)
    for number in range(WORKERS):
        beat = WorkerBeat(worker=f"w-{number}/1", name=f"w-{number}", max_parallel=PARALLEL, beat=1)
        subject.take(subject.message(beat))
    for _ in range(count + WORKERS * PARALLEL):
        subject.take(subject.message(subject.next_writ()))
    return subject


def messages_a_second(subject: Subject) -> dict[str, float]:
    """Writs and reports in turn; what makes them is not measured."""
    spent = {"writs": 0.0, "reports": 0.0}
    for _ in range(MESSAGES // 2):
        for kind, make in (("writs", subject.next_writ), ("reports", subject.next_report)):
            message = subject.message(make())
            began = time.process_time()
            subject.take(message)
            spent[kind] += time.process_time() - began
    half = MESSAGES // 2
    return {"both": MESSAGES / sum(spent.values()), **{kind: half / seconds for kind, seconds in spent.items()}}


def resident() -> float:
    with pathlib.Path("/proc/self/statm").open() as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 1e6


def figures(count: int) -> Iterator[tuple[str, float, str]]:
    for name, rate in messages_a_second(pool_of(-ROOM, Unsigned())).items():
        yield f"none wait: {name}", rate, "messages/s (wanted: 20,000)"
    small = pool_of(SMALL, Unsigned())
    messages_a_second(small)
    for name, rate in messages_a_second(small).items():
        yield f"{SMALL:,} wait: {name}", rate, "messages/s (wanted: 20,000)"
    for name, rate in messages_a_second(pool_of(SMALL, KEYS.scheduler)).items():
        yield f"… with signing: {name}", rate, "messages/s"
    del small
    gc.collect()
    began, before = time.process_time(), resident()
    large = pool_of(count, Unsigned())
    yield f"{count:,} come to wait", count / (time.process_time() - began), "messages/s"
    gc.collect()
    yield f"{count:,} wait", resident() - before, "MB"
    yield "… with all that this process has", resident(), "MB (wanted: 1,000)"
    for name, rate in messages_a_second(large).items():
        yield f"{count:,} wait: {name}", rate, "messages/s (wanted: 20,000)"
    yield from checkpoint(large)


def checkpoint(subject: Subject) -> Iterator[tuple[str, float, str]]:
    """What a checkpoint takes, and for how long at once: nobody else runs while it is taken, or a piece encoded."""
    keeping = subject.decider.keeping
    assert subject.state is not None
    assert keeping is not None
    held = Held(
        state=subject.state, sequence=1, clock=1, at=1, chain=b"", run_id="", pool="", tenant="", correlation=""
    )
    began = time.process_time()
    pieces, cutting = encoded_in_pieces(held, keeping), Cutting()
    spent = [time.process_time() - began]
    while True:
        began = time.process_time()
        if (piece := next(pieces, None)) is None:
            break
        cutting.add(piece)
        spent.append(time.process_time() - began)
    cut = cutting.end()
    yield "its state in a checkpoint", (sum(map(len, cut.parts)) if isinstance(cut, CutUp) else len(cut)) / 1e6, "MB"
    yield "… taken and encoded in", sum(spent) * 1000, "ms"
    yield "… of which taken at once", spent[0] * 1000, "ms"
    yield "… the longest piece", max(spent[1:]) * 1000, "ms"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.add_argument("--jobs", type=int, default=JOBS, help="how many wait")
    arguments = parser.parse_args()
    found: dict[str, Any] = {}
    for name, value, unit in figures(arguments.jobs):
        found[name] = {"value": value, "unit": unit}
        if not arguments.json:
            print(f"{name:44} {value:12,.1f}  {unit}", flush=True)
    if arguments.json:
        print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
