"""How far a job has to go: policy's word on its run costs it no step of its own."""

import asyncio

from foldgate.contracts.events import (
    Event,
    JobRequested,
    RunAdmitted,
    RunRequested,
    RunStarted,
    RunSucceeded,
    WritIssued,
)
from foldgate.sdk.client import Client
from tests.contract.test_skeleton import a_worker
from tests.support.history import Fact, History, history_of
from tests.support.keys import ISSUER
from tests.support.logs import Opened
from tests.support.suite import running, working

DOCUMENT = """
id: two
version: 1
steps:
  first: {type: job, topic: job.echo}
  then: {type: job, topic: job.echo, depends_on: [first]}
"""


def only(history: History, kind: type[Event], run: str, *, step: str = "") -> Fact:
    """The event of that type, of a run or of one step of it."""
    facts = [one for one in history.of(kind) if one.meta.run_id == run and _step(one.event) in ("", step)]
    [found] = facts
    return found


def _step(event: Event) -> str:
    job = getattr(event, "job", None)
    return "" if job is None else str(job.step)


def causes(history: History, fact: Fact) -> list[type[Event]]:
    """What led to it, the nearest first."""
    known = {one.meta.event_id: one for one in (*history.facts, *history.submitted)}
    found: list[type[Event]] = []
    cause = fact.meta.causation
    while cause in known:
        found.append(type(known[cause].event))
        cause = known[cause].meta.causation
    return found


async def test_the_decision_on_a_run_is_on_no_jobs_way(opened: Opened) -> None:
    async with opened() as log:
        async with running(log), working(log, a_worker([])), asyncio.timeout(60):
            client = Client(log, signer=ISSUER)
            await client.publish(DOCUMENT)
            runs = [(await client.run_job("job.echo")).run_id, (await client.start("two", {})).run_id]
            for run in runs:
                assert isinstance(await client.ended(run), RunSucceeded)
        history = await history_of(log)
    for run, step in zip(runs, ("job", "first"), strict=True):
        started, requested = (only(history, kind, run, step=step) for kind in (RunStarted, JobRequested))
        assert (started.partition, started.batch) == (requested.partition, requested.batch), "one append"
        admitted, issued = (only(history, kind, run, step=step) for kind in (RunAdmitted, WritIssued))
        assert causes(history, issued) == [JobRequested, RunRequested]
        assert causes(history, admitted) == [RunStarted, RunRequested]
        assert admitted.offset < issued.offset, "of a run that is refused every job is"
