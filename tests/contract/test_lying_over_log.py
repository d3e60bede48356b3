"""Workers that may write to the log, and lie: nothing that they say counts, and nobody else is disturbed."""

import asyncio
from typing import Any

from msgspec.structs import replace

from foldgate.authority.token import token, with_mac
from foldgate.contracts.codec import Codec
from foldgate.contracts.events import (
    AttemptFailed,
    Event,
    JobDispatched,
    JobFailed,
    JobLost,
    JobProgressed,
    JobReportIgnored,
    JobSucceeded,
    MessageQuarantined,
    RunFailed,
    RunSucceeded,
    WorkerBeat,
    WorkerJoined,
    WorkerLost,
    WorkerRenewed,
)
from foldgate.eventlog.log import Log, Outgoing
from foldgate.runtime.clock import SystemClock
from foldgate.sdk import Client, Job, Worker
from tests.contract.test_hostile import meta_of
from tests.support.history import Fact, history_of
from tests.support.keys import ISSUER, SUITE_KEY, TRUST
from tests.support.logs import Opened
from tests.support.suite import running, settings, working
from tests.support.waiting import until

CODEC = Codec()
HOUR_MS = 3_600_000
FLOOD, AT_ONCE = 10_000, 500
TOPICS = ("job.trap",)


class Off(SystemClock):
    """A clock that is off by so much."""

    def __init__(self, by_ms: int) -> None:
        super().__init__()
        self._by_ms = by_ms

    def now_ms(self) -> int:
        return super().now_ms() + self._by_ms


class Liar:
    """Says what it likes, by a clock that is an hour off, and proves it with what it has."""

    endpoint = "liar/1"

    def __init__(self, log: Log) -> None:
        self._log, self._said = log, 0

    def _outgoing(self, stream: str, event: Event, *, key: str, run_id: str = "") -> Outgoing:
        self._said += 1
        meta = meta_of(stream, key, name=f"lie-{self._said}", run_id=run_id, pool="default")
        off = Off(HOUR_MS if self._said % 2 else -HOUR_MS)
        return Outgoing(key.encode(), CODEC.encode(replace(meta, at=off.now_ms()), event))

    async def beat(self, times: int = 1, **said: Any) -> None:
        """So many beats, each with another room."""
        for first in range(0, times, AT_ONCE):
            beats = [self._beat(**said) for _ in range(first, min(times, first + AT_ONCE))]
            await self._log.submit("workers", beats)

    def _beat(self, **said: Any) -> Outgoing:
        own = {"worker": self.endpoint, "name": "liar", "topics": TOPICS, "beat": self._said + 1}
        beat = WorkerBeat(**{"max_parallel": 1 + self._said % 2, **own, **said})
        return self._outgoing("workers", beat, key="default")

    async def report(self, *reports: JobSucceeded | JobFailed | JobProgressed) -> None:
        """With whatever proof they have."""
        for report in reports:
            run_id = report.job_id.partition(":")[0]
            await self._log.submit("reports", [self._outgoing("reports", report, key=run_id, run_id=run_id)])

    async def garbage(self, key: str) -> None:
        """What is no report at all."""
        await self._log.submit("reports", [Outgoing(key.encode(), b"\x00no report")])


def proved_by(report: Any, *, lease: int, worker: str, job_id: str = "") -> Any:
    """With the proof of that lease, whatever it speaks of."""
    secret = token(SUITE_KEY, job_id=job_id or report.job_id, lease=lease, worker=worker)
    return with_mac(secret, report)


def lies(given: JobDispatched) -> list[Any]:
    """About a job that another holds."""
    holder, job_id, lease = given.worker, given.job.job_id, given.lease
    done = JobSucceeded(job_id=job_id, lease=lease, worker=holder, output='"a lie"')
    failed = JobFailed(job_id=job_id, lease=lease, worker=holder, code="lie", message="m")
    progress = JobProgressed(job_id=job_id, lease=lease, worker=holder, number=1, checkpoint='"a lie"')
    own: dict[str, Any] = {"job_id": "run_own:job@1", "lease": lease + 1000, "worker": Liar.endpoint}
    return [
        *(done, failed, progress),
        *(replace(one, mac=b"x" * 32) for one in (done, failed, progress)),
        *(proved_by(one, **own) for one in (done, failed, progress)),
        *(proved_by(replace(one, worker=Liar.endpoint, lease=lease + 1000), **own) for one in (done, failed)),
        proved_by(replace(done, job_id=job_id.replace("@1", "@2")), **own),
        replace(done, job_id="run_none:job@1"),
        replace(done, job_id="no job"),
    ]


async def facts(log: Log, *kinds: type[Event]) -> list[Fact]:
    return (await history_of(log)).of(*kinds)


async def given_of(log: Log, run_id: str) -> JobDispatched:
    """How the job of a run was given to a worker."""
    found: list[JobDispatched] = []

    async def is_given() -> bool:
        dispatches = [fact for fact in await facts(log, JobDispatched) if fact.meta.run_id == run_id]
        found[:] = [fact.event for fact in dispatches if isinstance(fact.event, JobDispatched)]
        return bool(found)

    await until(is_given, what="a job to be given")
    return found[-1]


async def test_what_liars_say_changes_nothing_for_others(opened: Opened) -> None:
    honest, goes_on = Worker("honest", beat_every_ms=200, trust=TRUST, max_parallel=4), asyncio.Event()

    @honest.job("job.held")
    async def held(_: Job) -> str:
        await goes_on.wait()
        return "true"

    @honest.job("job.echo")
    async def echo(job: Job) -> Any:
        return job.input

    async with opened() as log, running(log), working(log, honest):
        client, liar = Client(log, signer=ISSUER), Liar(log)
        await liar.beat()
        run = await client.run_job("job.held")
        given = await given_of(log, run.run_id)
        await liar.report(*lies(given))
        await liar.garbage(run.run_id)
        for name, beat in (("liar", 10**12), ("honest", 0)):
            await liar.beat(worker=given.worker, name=name, beat=beat, leaving=True, max_parallel=0)
        flood = asyncio.create_task(liar.beat(FLOOD))
        beside = [await client.run_job("job.echo", number) for number in range(5)]
        ends = [await client.ended(one.run_id) for one in beside]
        assert ends == [RunSucceeded(output=str(number)) for number in range(5)]
        await flood
        goes_on.set()
        assert await client.ended(run.run_id) == RunSucceeded(output='"true"')
        await what_was_heard(log, run.run_id, honest)
        await what_it_says_of_its_own(log, client, liar)


async def what_was_heard(log: Log, run_id: str, honest: Worker) -> None:
    history = await history_of(log)
    assert not history.of(JobLost)
    ignored = [fact.event for fact in history.of(JobReportIgnored) if fact.meta.run_id == run_id]
    assert {one.reported for one in ignored if isinstance(one, JobReportIgnored)} >= {"JobSucceeded", "JobFailed"}
    aside = [fact.event for fact in history.asked(MessageQuarantined)]
    assert "reports" in {one.source_stream for one in aside if isinstance(one, MessageQuarantined)}
    beats = [fact.event for fact in history.asked(WorkerBeat)]
    assert len([one for one in beats if isinstance(one, WorkerBeat) and one.worker == Liar.endpoint]) > FLOOD
    noted = [fact.event for fact in history.of(WorkerJoined, WorkerRenewed, WorkerLost)]
    of_whom = [getattr(one, "worker", "") for one in noted]
    assert of_whom.count(Liar.endpoint) < FLOOD / 20, "however often it beats, and whatever it says"
    assert not [one for one in noted if isinstance(one, WorkerLost) and one.worker == honest.endpoint]
    assert not [one for one in noted if isinstance(one, WorkerRenewed) and one.beat == 10**12]


async def what_it_says_of_its_own(log: Log, client: Client, liar: Liar) -> None:
    """Of jobs that it really holds, with a proof that is good."""
    for output, code in (("{", "invalid_output"), (f'"{"x" * 300_000}"', "output_too_large")):
        trap = await client.run_job("job.trap")
        await liar.beat(max_parallel=4)
        given = await given_of(log, trap.run_id)
        done = JobSucceeded(job_id=given.job.job_id, lease=given.lease, worker=liar.endpoint, output=output)
        await liar.report(proved_by(done, lease=given.lease, worker=liar.endpoint))
        ended = await client.ended(trap.run_id)
        assert isinstance(ended, RunFailed)
        assert ended.code == code


async def test_a_worker_whose_clock_is_an_hour_off_loses_no_job(opened: Opened) -> None:
    """It refuses what it takes for over, which spends no retry, and ends; others do all of it."""

    def a_worker(name: str, clock: SystemClock) -> Worker:
        worker = Worker(name, beat_every_ms=200, trust=TRUST, max_parallel=2, clock=clock)

        @worker.job("job.echo")
        async def echo(job: Job) -> Any:
            return job.input

        return worker

    async with (
        opened() as log,
        running(log, given=settings(lease_ms=4000)),
        working(log, a_worker("fast", Off(HOUR_MS))),
        working(log, a_worker("slow", Off(-HOUR_MS))),
        working(log, a_worker("right", SystemClock())),
    ):
        client = Client(log, signer=ISSUER)
        asked = [await client.run_job("job.echo", number) for number in range(20)]
        ends = [await client.ended(one.run_id) for one in asked]
        assert ends == [RunSucceeded(output=str(number)) for number in range(20)]
        assert not await facts(log, AttemptFailed)
