"""What a worker held that falls silent is begun elsewhere in time: by a clock that leaps, under the settings as they
are by default and at their shortest."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from foldgate.contracts.events import JobLost, RunSucceeded
from foldgate.contracts.topics import stream_of
from foldgate.eventlog.log import Outgoing, Submitted
from foldgate.eventlog.memory import MemoryLog
from foldgate.sdk import Client, Job, Worker
from tests.support.history import history_of
from tests.support.keys import ISSUER, TRUST
from tests.support.leaping import LoopClock, leaping, time_passes
from tests.support.lives import CODEC
from tests.support.logs import USED
from tests.support.suite import running, settings, working

LEASE_MS = 4000


class Late:
    """A log for one worker: once it is `cut`, its next beat and all that it says from then on arrives after a while."""

    def __init__(self, log: MemoryLog, for_s: float) -> None:
        self._log, self._for_s, self.cut = log, for_s, False
        self._flows = asyncio.Event()
        self._flows.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def submit(self, stream: str, submissions: Sequence[Outgoing]) -> Sequence[Submitted]:
        if self.cut and stream == "workers":
            self.cut = False
            self._flows.clear()
            asyncio.get_running_loop().call_later(self._for_s, self._flows.set)
        await self._flows.wait()
        return await self._log.submit(stream, submissions)


class Mute:
    """A log for one worker: once it is `dead`, nothing that it says arrives."""

    def __init__(self, log: MemoryLog) -> None:
        self._log, self.dead = log, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def submit(self, stream: str, submissions: Sequence[Outgoing]) -> Sequence[Submitted]:
        return [] if self.dead else await self._log.submit(stream, submissions)


async def elsewhere_after_ms(given: dict[str, Any]) -> int:
    """How long after the last word of a worker another begins what it held."""
    log, clock = MemoryLog(), LoopClock()
    await log.prepare([*USED, stream_of("dispatch.default")])
    begun: dict[str, asyncio.Event] = {"first": asyncio.Event(), "second": asyncio.Event()}
    at: dict[str, int] = {}

    def a_worker(name: str) -> Worker:
        worker = Worker(name, clock=clock, codec=CODEC, trust=TRUST)

        @worker.job("job.long")
        async def long(_: Job) -> str:
            at[name] = clock.monotonic_ms()
            begun[name].set()
            if name == "first":
                await asyncio.Event().wait()
            return name

        return worker

    mute, client = Mute(log), Client(log, clock=clock, codec=CODEC, signer=ISSUER)
    async with running(log, clock=clock, given=settings(**given)), working(mute, a_worker("first")):
        asked = await client.run_job("job.long")
        await begun["first"].wait()
        async with working(log, a_worker("second")):
            mute.dead, silent = True, clock.monotonic_ms()
            await begun["second"].wait()
            assert await client.ended(asked.run_id) == RunSucceeded(output='"second"')
    lost = [fact.event for fact in (await history_of(log)).of(JobLost)]
    assert [one.reason for one in lost if isinstance(one, JobLost)] == ["worker_lost"]
    return at["second"] - silent


@pytest.mark.parametrize(("given", "most_ms"), [({}, 15_000), ({"lease_ms": 2000}, 3000)])
def test_a_job_of_a_lost_worker_is_begun_elsewhere_in_time(given: dict[str, Any], most_ms: int) -> None:
    assert leaping(elsewhere_after_ms(given)) <= most_ms


def test_a_cut_of_less_than_two_thirds_of_a_lease_stops_nothing() -> None:
    """As the last beat counts from when it was sent, the next may not wait for long after that has arrived."""

    async def play() -> None:
        log, clock = MemoryLog(), LoopClock()
        await log.prepare([*USED, stream_of("dispatch.default")])
        late = Late(log, LEASE_MS * 2 / 3 / 1000 - 0.1)
        worker = Worker("only", clock=clock, codec=CODEC, trust=TRUST)

        @worker.job("job.long")
        async def long(_: Job) -> str:
            late.cut = True
            await time_passes(3 * LEASE_MS / 1000)
            return "done"

        client = Client(log, clock=clock, codec=CODEC, signer=ISSUER)
        async with running(log, clock=clock, given=settings(lease_ms=LEASE_MS)), working(late, worker):
            asked = await client.run_job("job.long")
            assert await client.ended(asked.run_id) == RunSucceeded(output='"done"')
        assert not list((await history_of(log)).of(JobLost))

    leaping(play())
