"""A worker whose handlers do nothing, on PostgreSQL: how many jobs a second it takes, does and reports.

    python -m bench.worker [--json] [--jobs N]

So many jobs lie on `dispatch.default` when it begins to listen, signed as the scheduler signs them; the clock runs from
there until the last report is durable. Coroutines in the event loop of the transport, in a thread apart (as in
`foldgate worker`), and plain functions in threads are measured each by itself.
"""

import argparse
import asyncio
import contextlib
import json
import statistics
import time
from collections.abc import Sequence
from typing import Any

import structlog
import uvloop

from bench.servers import address
from foldgate.authority.lease import sign_lease
from foldgate.authority.token import token
from foldgate.authority.writ import job_hash, sign_writ
from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import Job as Asked
from foldgate.contracts.events import JobDispatched, Meta, Writ
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import REPORTS, WORKERS, stream_of
from foldgate.eventlog.log import Outgoing, Submitted
from foldgate.eventlog.postgres import PostgresLog
from foldgate.runtime.clock import SystemClock
from foldgate.sdk.worker import Worker
from tests.support.keys import KERNEL, SCHEDULER, SUITE_KEY, TRUST

JOBS, ROUNDS, MAX_PARALLEL, TOGETHER = 3000, 3, 64, 500
LEASE_MS = 600_000
KINDS = {"coroutine": False, "coroutine_apart": True, "function": True}
"""How handlers are run; whether in threads apart."""
CODEC, CLOCK = Codec(), SystemClock()


class Watched:
    """The log, from the beginning of its dispatches; it counts the reports that are durable."""

    def __init__(self, log: PostgresLog, jobs: int) -> None:
        self._log, self._left, self.done = log, jobs, asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def end(self, partition: Partition) -> int:
        return 0 if partition.stream.startswith("dispatch.") else await self._log.end(partition)

    async def submit(self, stream: str, submissions: Sequence[Outgoing]) -> Sequence[Submitted]:
        submitted = await self._log.submit(stream, submissions)
        if stream == REPORTS.name:
            self._left -= len(submissions)
            if self._left <= 0:
                self.done.set()
        return submitted


def dispatch(number: int, worker: str) -> Outgoing:
    at = CLOCK.now_ms()
    job = Asked(
        job_id=f"run_{number}:job@1",
        step="job",
        attempt=1,
        kind="job",
        topic="job.nothing",
        input='{"a":1}',
        tenant="acme",
        principal="ada",
        workflow="job",
    )
    writ = Writ(
        writ_id=f"writ_{number}",
        job_id=job.job_id,
        job_hash=job_hash(job),
        pool="default",
        policy_snapshot="s",
        rule="r",
        issued_at=at,
        expires_at=at + LEASE_MS,
        tenant=job.tenant,
    )
    secret = token(SUITE_KEY, job_id=job.job_id, lease=number, worker=worker)
    event = JobDispatched(
        job=job, writ=sign_writ(KERNEL, writ), worker=worker, lease=number, lease_ms=LEASE_MS, beat=1, token=secret
    )
    meta = Meta(chain=NO_CHAIN, event_id=f"jobs/{number}", stream="jobs", key="default", pool="default", at=at)
    return Outgoing(worker.encode(), CODEC.encode(meta, sign_lease(SCHEDULER, event, at=at)))


async def jobs_a_second(url: str, suite: str, kind: str, jobs: int) -> float:  # noqa: PLR0917 - of one call
    worker = Worker("bench", max_parallel=MAX_PARALLEL, trust=TRUST)

    async def nothing(_: Any) -> None:
        pass

    worker.job("job.nothing")((lambda _: None) if kind == "function" else nothing)
    log = await PostgresLog.connect(url, suite=suite)
    try:
        await log.prepare([stream_of("dispatch.default"), WORKERS, REPORTS])
        given = [dispatch(number, worker.endpoint) for number in range(1, jobs + 1)]
        for at in range(0, jobs, TOGETHER):
            await log.submit("dispatch.default", given[at : at + TOGETHER])
        watched = Watched(log, jobs)
        began = time.perf_counter()
        more = {"alone": True} if KINDS[kind] else {}
        working = asyncio.create_task(worker.work(watched, **more))  # type: ignore[arg-type]
        done = asyncio.create_task(watched.done.wait())
        await asyncio.wait([working, done], return_when=asyncio.FIRST_COMPLETED)
        took = time.perf_counter() - began
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        return jobs / took
    finally:
        await log.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--kind", choices=KINDS, action="append")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    figures: dict[str, float] = {}
    with address("postgres") as url:
        for kind in chosen.kind or KINDS:
            rounds = [
                uvloop.run(jobs_a_second(url, f"worker_{kind}_{number}", kind, chosen.jobs)) for number in range(ROUNDS)
            ]
            figures[f"{kind}_jobs_per_second"] = round(statistics.median(rounds))
    print(json.dumps(figures) if chosen.json else "\n".join(f"{name:36}{value:>8}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
