"""A worker as a real process keeps its leases whatever its handlers do; stopped for longer, it keeps none."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from foldgate.contracts.events import (
    AttemptFailed,
    Event,
    JobDispatched,
    JobFailed,
    JobLost,
    JobStarted,
    JobSucceeded,
    RunSucceeded,
    WorkerBeat,
    WorkerJoined,
)
from foldgate.eventlog.log import Log
from foldgate.sdk import Client
from tests.support.history import history_of
from tests.support.keys import ISSUER, folder_of_keys
from tests.support.logs import Opened, opened_by
from tests.support.processes import Process
from tests.support.suite import OWNERS, running, settings
from tests.support.waiting import until

LEASE_MS = 2000
GO_ON, BEGUN = "go-on", "begun"
"""Files of tests.support.blocking_process."""
BEATS_OF_TWO_LEASES = 4 * LEASE_MS // 200


class Place(NamedTuple):
    """A fresh log, where it is, and a folder."""

    opened: Opened
    url: str
    folder: Path


@pytest.fixture(params=["postgres", "kafka"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    where = {"postgres": "postgres_url", "kafka": "kafka_bootstrap"}[request.param]
    return Place(opened_by(request.param, request), request.getfixturevalue(where), tmp_path)


class Stage:
    """A suite with short leases, and workers beside it whose handlers block until they are told."""

    def __init__(self, log: Log, environment: dict[str, str], folder: Path) -> None:
        self.log, self.client, self._environment, self.folder = log, Client(log, signer=ISSUER), environment, folder
        self.workers: list[Process] = []

    async def worker(self, name: str) -> Process:
        """One that was heard."""
        given = {**self._environment, "WORKER": name, "FOLDER": str(self.folder)}
        process = Process("tests.support.blocking_process", given, self.folder / f"{name}.log")
        self.workers.append(process)
        process.start()

        async def is_heard() -> bool:
            assert process.runs, process.said()
            return any(joined.name == name for joined in await self.owned(WorkerJoined))

        await until(is_heard, what=f"{name} to join", within_s=60)
        return process

    async def owned(self, kind: type[Any]) -> list[Any]:
        return [fact.event for fact in (await history_of(self.log)).facts if isinstance(fact.event, kind)]

    async def submitted(self, kind: type[Any]) -> list[Any]:
        return [fact.event for fact in (await history_of(self.log)).submitted if isinstance(fact.event, kind)]

    def begun(self) -> list[tuple[str, str]]:
        """Which workers began which jobs."""
        path = self.folder / BEGUN
        return [(who, job) for who, job in map(str.split, path.read_text().splitlines())] if path.exists() else []

    def let_go(self) -> None:
        """Handlers may go on."""
        (self.folder / GO_ON).touch()

    async def begins(self, *runs: str) -> None:
        await until(lambda: {job.partition(":")[0] for _, job in self.begun()} >= set(runs), what=f"{runs} to begin")

    async def end_of(self, run_id: str) -> Event:
        async with asyncio.timeout(60):
            return await self.client.ended(run_id)


@contextlib.asynccontextmanager
async def staged(place: Place, *, lease_ms: int = LEASE_MS) -> AsyncIterator[Stage]:
    given = {
        f"FOLDGATE_{place.opened.driver.upper()}": place.url,
        "FOLDGATE_SUITE": place.opened.suite,
        "FOLDGATE_KEYS": str(folder_of_keys()),
    }
    async with place.opened() as log, running(log, services=OWNERS, given=settings(lease_ms=lease_ms)):
        stage = Stage(log, given, place.folder)
        try:
            yield stage
        finally:
            for worker in stage.workers:
                worker.kill()


@pytest.mark.parametrize("topic", ["block.sync", "block.async"])
async def test_a_handler_that_blocks_keeps_its_lease(place: Place, topic: str) -> None:
    async with staged(place) as stage:
        worker = await stage.worker("busy")
        asked = await stage.client.run_job(topic)
        await stage.begins(asked.run_id)
        sent = len(await stage.submitted(WorkerBeat))

        async def two_leases_later() -> bool:
            return len(await stage.submitted(WorkerBeat)) > sent + BEATS_OF_TWO_LEASES

        await until(two_leases_later, what="beats in the time of two leases", within_s=60)
        [started] = await stage.submitted(JobStarted)
        assert started.began_at > 0
        stage.let_go()
        assert await stage.end_of(asked.run_id) == RunSucceeded(output='"busy"')
        assert await stage.owned(JobLost) == []
        assert len(stage.begun()) == 1
        assert worker.stop() == 0


async def test_who_was_stopped_for_longer_than_its_lease_changes_nothing(place: Place) -> None:
    async with staged(place) as stage:
        paused = await stage.worker("paused")
        held = await stage.client.run_job("block.sync")
        await stage.begins(held.run_id)
        paused.pause()
        given = await stage.client.run_job("block.sync")  # to whom stands still, as nobody knows it yet

        async def is_lost() -> bool:
            return {lost.job_id for lost in await stage.owned(JobLost)} >= {f"{r.run_id}:job@1" for r in (held, given)}

        await until(is_lost, what="both attempts to be lost", within_s=60)
        await stage.worker("other")
        await until(lambda: len(stage.begun()) == 3, what="both jobs elsewhere", within_s=60)
        paused.go_on()

        stage.let_go()
        for asked in (held, given):
            assert await stage.end_of(asked.run_id) == RunSucceeded(output='"other"')
        await until(lambda: _has_spoken(stage), what="late reports", within_s=60)
        assert [job for who, job in stage.begun() if who == "paused"] == [f"{held.run_id}:job@1"]


async def _has_spoken(stage: Stage) -> bool:
    """Of both jobs that the stopped worker was given there is a word on the log, and it came late."""
    said = [*await stage.submitted(JobFailed), *await stage.submitted(JobSucceeded)]
    return len([event for event in said if event.worker.startswith("paused/")]) == 2


async def test_the_second_signal_ends_it_at_once(place: Place) -> None:
    async with staged(place) as stage:
        worker = await stage.worker("impatient")
        asked = await stage.client.run_job("block.sync")
        await stage.begins(asked.run_id)
        process = worker._running
        assert process is not None
        process.send_signal(signal.SIGTERM)

        async def leaves() -> bool:
            return any(beat.leaving for beat in await stage.submitted(WorkerBeat))

        await until(leaves, what="a beat of who leaves")
        os.kill(process.pid, signal.SIGINT)
        assert await worker.ends() == 1


async def test_who_leaves_hands_back_what_has_not_begun_and_finishes_the_rest(place: Place) -> None:
    async with staged(place, lease_ms=60_000) as stage:  # none ends meanwhile, however slow the machine is
        leaving = await stage.worker("leaving")
        asked = [await stage.client.run_job("block.async")]
        await until(lambda: len(stage.begun()) == 1, what="the first job to begin", within_s=60)
        asked += [await stage.client.run_job("block.async") for _ in range(2)]  # which the first keeps from beginning
        runs = {one.run_id for one in asked}

        async def all_are_given() -> bool:
            return {fact.job.job_id.partition(":")[0] for fact in await stage.owned(JobDispatched)} == runs

        await until(all_are_given, what="all jobs to be given", within_s=60)
        process = leaving._running
        assert process is not None
        process.send_signal(signal.SIGTERM)

        async def two_are_back() -> bool:
            back = await stage.submitted(JobFailed)
            assert all(one.code == "worker_leaving" for one in back), back
            return {one.job_id.partition(":")[0] for one in back} == runs - {asked[0].run_id}

        await until(two_are_back, what="what has not begun to come back", within_s=60)
        await stage.worker("other")
        stage.let_go()
        ends = [await stage.end_of(run_id) for run_id in runs]
        assert all(end in (RunSucceeded(output='"leaving"'), RunSucceeded(output='"other"')) for end in ends)
        assert await leaving.ends() == 0
        assert sorted(who for who, _ in stage.begun()) == ["leaving", "other", "other"]
        assert await stage.owned(AttemptFailed) == []
