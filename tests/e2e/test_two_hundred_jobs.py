"""Two hundred jobs on four workers, while workers and the scheduler are killed, stopped and dumb: all as processes.

One worker is killed in the middle of its jobs. One is stopped for longer than its leases last, and goes on. One takes
jobs and never answers: it beats, naming some of them, and later falls silent altogether. The scheduler is killed twice.
What became of it is read from a ledger that handlers write, and from the log.
"""

from pathlib import Path

import msgspec
import pytest

from foldgate.contracts import ids
from foldgate.contracts.endings import RUN_ENDS
from foldgate.contracts.events import (
    JobFailed,
    JobLost,
    JobReportIgnored,
    JobSucceeded,
    RunSucceeded,
    StepSucceeded,
    WorkerJoined,
    WorkflowPublished,
)
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import JOBS as JOBS_STREAM
from foldgate.contracts.topics import partition_of
from foldgate.eventlog.log import Log
from foldgate.sdk import Client
from foldgate.sdk.requests import a_publication, a_signal
from tests.support.checker import check, check_ledger
from tests.support.commands import foldgate
from tests.support.history import Fact, History, history_of
from tests.support.keys import ISSUER
from tests.support.ledger import GO_ON, SILENT, Begun, Ledger
from tests.support.logs import Opened, opened_by
from tests.support.overhearing import Overhearing, overhearing
from tests.support.processes import SERVICES, Process, Processes, processes
from tests.support.settling import settled
from tests.support.waiting import until

LEASE_MS = 2000
HELD, CHAINS = 12, 94
JOBS = HELD + 2 * CHAINS
POOL = Partition("jobs", partition_of(b"default", JOBS_STREAM.partitions))
KILLED_WHEN_ENDED = (20, 50)
"""So many runs are over when the scheduler is killed."""
DOER, KILLED, PAUSED, DUMB = "doer", "killed", "paused", "dumb"
Lease = tuple[str, int]
"""A job, and the number of a lease of it."""
HELD_UP = """
id: held
steps:
  hold: {type: job, topic: show.held}
  word: {type: wait, signal: over, depends_on: [hold]}
"""
CHAIN = """
id: chain
steps:
  first: {type: job, topic: show.quick, attempt_timeout: 6s, retry: {max_attempts: 20}}
  second: {type: job, topic: show.quick, attempt_timeout: 6s, retry: {max_attempts: 20}, depends_on: [first]}
"""


@pytest.fixture(params=["postgres", "kafka"])
def opened(request: pytest.FixtureRequest) -> Opened:
    return opened_by(request.param, request)


@pytest.fixture
def environment(opened: Opened, request: pytest.FixtureRequest) -> dict[str, str]:
    """What makes a process find that log."""
    where = {"postgres": "postgres_url", "kafka": "kafka_bootstrap"}[opened.driver]
    return {f"FOLDGATE_{opened.driver.upper()}": request.getfixturevalue(where), "FOLDGATE_SUITE": opened.suite}


class Stage:
    """The suite at work, and what is heard of it."""

    def __init__(self, log: Log, heard: Overhearing, *, started: Processes, folder: Path) -> None:
        self.client, self.heard, self._started, self.folder = Client(log, signer=ISSUER), heard, started, folder
        self.ledger, self.runs, self._lives = Ledger(folder), list[str](), 1

    def worker(self, name: str, module: str = "tests.support.ledger_process") -> Process:
        return self._started.program(name, module, WORKER=name, FOLDER=str(self.folder))

    async def kill_the_scheduler(self) -> None:
        """Once it is at work, in whichever of its lives; and start it again."""
        scheduler = self._started.all["scheduler-1"]

        def owns() -> list[object]:
            return [line for line in scheduler.logged("owned") if line["partition"] == str(POOL)]

        await until(lambda: len(owns()) == self._lives, what="the scheduler to own the pool", within_s=60)
        scheduler.kill()
        scheduler.start()
        self._lives += 1

    async def publish(self, *documents: str) -> None:
        for document in documents:
            verdict = await self.client.decided(a_publication("default", document), within_s=60)
            assert isinstance(verdict.event, WorkflowPublished)

    async def ask(self, workflow: str, count: int) -> list[str]:
        asked = [(await self.client.start(workflow, idempotency_key=str(n))).run_id for n in range(count)]
        self.runs += asked
        return asked

    async def joined(self, *names: str) -> None:
        def are_there() -> bool:
            return {joined.name for joined in self.heard.said(WorkerJoined)} >= set(names)

        await self.heard.until(are_there, what=f"{names} to join")

    async def ended(self, count: int) -> None:
        def enough() -> bool:
            return sum(type(event) in RUN_ENDS for _, event in self.heard.heard) >= count

        await self.heard.until(enough, what=f"{count} runs to end", within_s=240)

    def lost(self) -> dict[Lease, int]:
        """The leases that were lost, and when."""
        return {(one.job_id, one.lease): meta.at for meta, one in self.heard.heard if isinstance(one, JobLost)}

    def reported(self, by: str) -> set[Lease]:
        """The leases that a worker has reported on."""
        said = [event for _, event in self.heard.heard if isinstance(event, JobSucceeded | JobFailed)]
        return {(one.job_id, one.lease) for one in said if one.worker.startswith(f"{by}/")}


async def test_each_settles_once_whoever_is_killed_stopped_or_dumb(
    opened: Opened, environment: dict[str, str], tmp_path: Path
) -> None:
    given = {**environment, "FOLDGATE_LEASE_MS": str(LEASE_MS), "FOLDGATE_MAX_LOST": "20"}
    with processes(given, tmp_path) as started:
        for name in SERVICES:
            started.service(name)
        async with opened() as log, overhearing(log, "runs", "jobs", "reports") as heard:
            stage = Stage(log, heard, started=started, folder=tmp_path)
            stopped = await play(stage)
            await stage.ended(len(stage.runs))
            await settled(log)
            history = await history_of(log)
        begun = [line for line in stage.ledger.lines() if not line.taken]
        check(history)
        check_ledger(history, stage.runs, begun)
        assert len(history.of(RunSucceeded)) == len(stage.runs) == HELD + CHAINS
        assert schedulers(history) == 1 + len(KILLED_WHEN_ENDED)
        assert {lost.reason for lost in heard.said(JobLost)} >= {"worker_lost", "not_taken", "attempt_timeout"}
        check_settled_once(history, begun)
        late = check_late(history, stage.lost())
        assert stopped <= late.keys()
        check_timelines([late[lease] for lease in stopped], environment)


async def play(stage: Stage) -> set[Lease]:
    """What happens to them. Returns the leases under which the stopped worker had begun something."""
    await stage.publish(HELD_UP, CHAIN)
    killed, paused = stage.worker(KILLED), stage.worker(PAUSED)
    stage.worker(DOER)
    stage.worker(DUMB, "tests.support.silent_process")
    await stage.joined(DOER, KILLED, PAUSED, DUMB)
    held = await stage.ask("held", HELD)
    await until(lambda: len(stage.ledger.lines()) == HELD, what="all that is held to begin", within_s=60)
    assert all(stage.ledger.lines(by=name) for name in (DOER, KILLED, PAUSED, DUMB))

    killed.kill()
    paused.pause()  # while nothing but what is held goes on: whoever is stopped is not about to begin something
    stopped = {(line.job_id, line.lease) for line in stage.ledger.lines(by=PAUSED)}
    await stage.ask("chain", CHAINS)
    for count in KILLED_WHEN_ENDED:
        await stage.ended(count)
        await stage.kill_the_scheduler()
    await stage.heard.until(lambda: stage.lost().keys() >= stopped, what="what the stopped worker held to be lost")
    killed.start()
    await stage.ended(CHAINS)

    paused.go_on()
    (stage.folder / GO_ON).touch()
    await stage.heard.until(lambda: stage.reported(PAUSED) >= stopped, what="late reports")
    (stage.folder / SILENT).touch()
    for run_id in held:
        await stage.client.ask(a_signal(run_id, "over", None))
    return stopped


def schedulers(history: History) -> int:
    """How many have owned the pools, one after the other."""
    return len([batch for batch in history.batches[POOL] if batch.head.claimant])


def check_settled_once(history: History, begun: list[Begun]) -> None:
    """Two hundred jobs, each settled by one report; nothing that was settled is begun again."""
    reports = {fact.meta.event_id: fact.event for fact in history.submitted if isinstance(fact.event, JobSucceeded)}
    settled_at: dict[tuple[str, str], int] = {}
    for meta, event in [(fact.meta, fact.event) for fact in history.of(StepSucceeded)]:
        if isinstance(event, StepSucceeded) and event.step != "word":
            assert ids.parse_job_id(reports[meta.causation].job_id)[:2] == (meta.run_id, event.step)
            assert (meta.run_id, event.step) not in settled_at
            settled_at[meta.run_id, event.step] = meta.at
    assert len(settled_at) == JOBS
    for line in begun:
        name = ids.parse_job_id(line.job_id)
        assert line.at <= settled_at[name.run_id, name.step], line


def check_late(history: History, lost: dict[Lease, int]) -> dict[Lease, Fact]:
    """The reports that came after their lease was lost: to each the run says that it is ignored, and nothing else. One
    that is on its way while its lease is lost may come to the run before the loss, which is ignored then."""
    runs = [fact for fact in history.facts if fact.partition.stream == "runs"]
    ignored = {fact.meta.causation for fact in runs if isinstance(fact.event, JobReportIgnored)}
    said = {
        (fact.event.job_id, fact.event.lease): fact
        for fact in history.submitted
        if isinstance(fact.event, JobSucceeded | JobFailed)
        and (fact.event.job_id, fact.event.lease) in lost
        and fact.meta.event_id in ignored
    }
    ours = {fact.meta.event_id for fact in said.values()}
    assert {type(fact.event) for fact in runs if fact.meta.causation in ours} == {JobReportIgnored}
    return said


def check_timelines(late: list[Fact], environment: dict[str, str]) -> None:
    """Each is there, and what was said to it."""
    for fact in late:
        told = foldgate("timeline", fact.meta.run_id, "--json", settings=environment)
        assert told.returncode == 0, told.stderr
        events = [msgspec.json.decode(line) for line in told.stdout.splitlines()]
        assert fact.meta.event_id in {event["meta"]["event_id"] for event in events}
        answers = {event["event"] for event in events if event["meta"]["causation"] == fact.meta.event_id}
        assert "JobReportIgnored" in answers
