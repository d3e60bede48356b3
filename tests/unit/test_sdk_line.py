"""A worker and the far side of its transport: what it takes and hands back, what it says and when, how it leaves."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from foldgate.contracts.events import ConstraintBreached, Event, JobFailed, JobProgressed, JobStarted, JobSucceeded
from foldgate.sdk import Job, Worker
from foldgate.sdk.transport import Unreachable
from tests.support.far_side import FarSide, LeapingClock, at_work
from tests.support.leaping import LoopClock, leaping, time_passes
from tests.support.waiting import tick, until

MAX_PARALLEL = 3


class Subject:
    """A worker whose handlers wait until they may go on, in coroutines and in threads."""

    def __init__(self, **more: Any) -> None:
        self.far, self.clock = FarSide(), LeapingClock()
        self.begun: list[str] = []
        self.go_on, self.go_on_async = threading.Event(), asyncio.Event()
        self.worker = Worker(
            "subject", max_parallel=MAX_PARALLEL, beat_every_ms=20, clock=self.clock, **({"cancel_grace_s": 0.1} | more)
        )
        for topic, handler in {
            "job.echo": self.echo,
            "wait.async": self.wait_async,
            "wait.sync": self.wait_sync,
            "deaf": self.deaf,
            "says": self.says,
        }.items():
            self.worker.job(topic)(handler)

    async def echo(self, job: Job) -> Any:
        self.begun.append(job.id)
        return job.input

    async def wait_async(self, job: Job) -> str:
        self.begun.append(job.id)
        await self.go_on_async.wait()
        return "went on"

    def wait_sync(self, job: Job) -> str:
        self.begun.append(job.id)
        while not self.go_on.wait(0.005):
            job.raise_if_cancelled()
        return "went on"

    def deaf(self, job: Job) -> str:
        self.begun.append(job.id)
        self.go_on.wait(20)
        return "went on"

    async def says(self, job: Job) -> str:
        for number in range(100):
            job.progress(number)
        job.checkpoint({"number": 99})
        return "said"

    def let_go(self) -> None:
        self.go_on.set()
        self.go_on_async.set()

    async def begins(self, count: int) -> None:
        await until(lambda: len(self.begun) >= count, what=f"{count} handlers")


@pytest.fixture
def subject() -> Iterator[Subject]:
    made = Subject()
    yield made
    made.let_go()


def of_kind(events: list[Event], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("topic", ["wait.async", "wait.sync"])
async def test_as_many_as_it_says_are_really_at_work(topic: str) -> None:
    subject = Subject()
    async with at_work(subject.worker, subject.far):
        for number in range(1, MAX_PARALLEL + 1):
            subject.far.give(number, topic=topic)
        await subject.begins(MAX_PARALLEL)
        await until(lambda: subject.far.beats[-1].holding == (1, 2, 3), what="a beat that names them")
        subject.let_go()
        assert set((await subject.far.settled(1, 2, 3)).values()) == {"done"}
        await until(lambda: subject.far.beats[-1].holding == (), what="a beat that names none")


async def test_a_beat_says_what_it_is_and_can() -> None:
    far = FarSide()
    worker = Worker(
        "able", capabilities=["docker"], labels={"zone": "a"}, beat_every_ms=20, gpu_percent=lambda: 42, max_parallel=5
    )
    worker.job("job.*")(lambda job: job.input)
    worker.job("other")(lambda job: job.input)
    async with at_work(worker, far):
        beat = far.beats[0]
        assert (beat.name, beat.max_parallel, beat.beat, beat.leaving) == ("able", 5, 1, False)
        assert (beat.topics, beat.capabilities, beat.labels) == (("job.*", "other"), ("docker",), {"zone": "a"})
        assert beat.gpu_percent == 42
        await until(lambda: -1 <= far.beats[-1].cpu_percent <= 100 and len(far.beats) > 2, what="beats")


async def test_who_looks_after_graphics_processors_may_fail() -> None:
    far = FarSide()
    worker = Worker("unable", beat_every_ms=20, gpu_percent=lambda: 1 // 0)
    async with at_work(worker, far):
        assert far.beats[0].gpu_percent == -1


@pytest.mark.parametrize("alone", [True, False])
async def test_a_coroutine_that_blocks_holds_up_no_beat_where_it_is_alone(alone: bool) -> None:
    """Where it is not, it is its own business: that is what a worker as a process is for."""
    subject, heard = Subject(), threading.Event()

    async def block(_: Job) -> bool:
        at = len(subject.far.beats)
        while len(subject.far.beats) < at + 5:
            if heard.wait(0.01) or not alone:
                break
        return len(subject.far.beats) >= at + 5

    subject.worker.job("block")(block)
    async with at_work(subject.worker, subject.far, alone=alone):
        subject.far.give(1, topic="block")
        await subject.far.settled(1)
        [done] = of_kind(subject.far.reports, JobSucceeded)
        assert msgspec.json.decode(done.output) == alone


async def test_what_goes_on_is_said_to_have_begun(subject: Subject) -> None:
    async with at_work(subject.worker, subject.far):
        subject.far.give(1, topic="wait.async")
        await until(lambda: bool(of_kind(subject.far.reports, JobStarted)), what="word of its beginning")
        subject.let_go()
        await subject.far.settled(1)
        [started], [done] = of_kind(subject.far.reports, JobStarted), of_kind(subject.far.reports, JobSucceeded)
        assert started.began_at == done.began_at > 0
        assert subject.far.names == ["lease/1/started", "lease/1"]


async def test_of_much_that_is_said_the_last_is_heard_before_the_last_word(subject: Subject) -> None:
    async with at_work(subject.worker, subject.far):
        subject.far.give(1, topic="says")
        await subject.far.settled(1)
        *progressed, done = subject.far.reports
        assert isinstance(done, JobSucceeded)
        assert len(progressed) < 10
        last = progressed[-1]
        assert isinstance(last, JobProgressed)
        assert (last.percent, last.checkpoint, last.number) == (99, '{"number":99}', len(progressed))


async def test_what_is_said_in_a_moment_is_sent_together(subject: Subject) -> None:
    async with at_work(subject.worker, subject.far):
        for number in range(1, 51):
            subject.far.give(number)
        await subject.far.settled(*range(1, 51))
        assert max(subject.far.together) > 10
        assert sum(subject.far.together) == 50


async def test_what_could_not_be_said_is_said_again(subject: Subject) -> None:
    async with at_work(subject.worker, subject.far):
        subject.far.give(1, topic="wait.async")
        await subject.begins(1)
        subject.far.away = True
        subject.let_go()
        await tick()
        assert subject.far.last_words == {}
        subject.far.away = False
        assert await subject.far.settled(1) == {1: "done"}


async def test_a_job_that_is_called_back_before_it_began_does_not_begin(subject: Subject) -> None:
    async with at_work(subject.worker, subject.far):
        for number in range(1, MAX_PARALLEL + 2):
            subject.far.give(number, topic="wait.sync")  # one more than there are threads
        await subject.begins(MAX_PARALLEL)
        subject.far.call_back(MAX_PARALLEL + 1)
        assert await subject.far.settled(MAX_PARALLEL + 1) == {MAX_PARALLEL + 1: "cancelled"}
        subject.let_go()
        await subject.far.settled(1, 2, 3)
        assert len(subject.begun) == MAX_PARALLEL


async def test_who_is_left_behind_keeps_its_place_until_it_ends(subject: Subject) -> None:
    async with at_work(subject.worker, subject.far):
        subject.far.give(1, topic="deaf")
        await subject.begins(1)
        subject.far.call_back(1)
        assert await subject.far.settled(1) == {1: "cancelled"}
        await until(lambda: subject.far.beats[-1].max_parallel == MAX_PARALLEL - 1, what="a beat with less room")
        await until(lambda: subject.far.beats[-1].holding == (), what="a beat that names it no longer")
        subject.let_go()
        await until(lambda: subject.far.beats[-1].max_parallel == MAX_PARALLEL, what="a beat with all its room")
        assert subject.far.last_words == {1: "cancelled"}, "the first word counts"


async def test_where_all_places_are_taken_a_job_goes_back(subject: Subject) -> None:
    async with at_work(subject.worker, subject.far):
        for number in range(1, MAX_PARALLEL + 1):
            subject.far.give(number, topic="deaf")
        await subject.begins(MAX_PARALLEL)
        for number in range(1, MAX_PARALLEL + 1):
            subject.far.call_back(number)
        await subject.far.settled(1, 2, 3)
        subject.far.give(4)
        assert (await subject.far.settled(4))[4] == "worker_leaving"


async def test_who_leaves_hands_back_what_has_not_begun_and_finishes_the_rest(subject: Subject) -> None:
    async with at_work(subject.worker, subject.far) as working:
        for number in range(1, MAX_PARALLEL + 2):
            subject.far.give(number, topic="wait.sync")
        await subject.begins(MAX_PARALLEL)
        working.cancel()
        assert await subject.far.settled(4) == {4: "worker_leaving"}
        assert subject.far.beats[-1].leaving
        subject.far.give(5)
        assert (await subject.far.settled(5))[5] == "worker_leaving"
        subject.let_go()
        await asyncio.wait([working])
        assert await subject.far.settled(1, 2, 3) == {
            4: "worker_leaving",
            5: "worker_leaving",
            1: "done",
            2: "done",
            3: "done",
        }
        assert (subject.far.beats[-1].holding, subject.far.beats[-1].leaving) == ((), True)


async def test_what_is_not_finished_in_time_is_handed_back_with_its_checkpoint() -> None:
    subject = Subject(leave_within_s=0.05)

    async def long(job: Job) -> None:
        job.checkpoint("so far")
        subject.begun.append(job.id)
        await asyncio.Event().wait()

    subject.worker.job("long")(long)
    async with at_work(subject.worker, subject.far) as working:
        subject.far.give(1, topic="long")
        await subject.begins(1)
        working.cancel()
        await asyncio.wait([working])
        [failed] = of_kind(subject.far.reports, JobFailed)
        assert (failed.code, failed.retryable) == ("worker_leaving", True)
        assert [event.checkpoint for event in of_kind(subject.far.reports, JobProgressed)] == ['"so far"']


async def test_nothing_begins_and_nothing_goes_on_once_nobody_heard_a_beat_for_a_lease(subject: Subject) -> None:
    """As a process finds it that was stopped, and goes on: what it held is others' by now."""
    async with at_work(subject.worker, subject.far):
        for number in range(1, MAX_PARALLEL + 2):
            subject.far.give(number, topic="wait.sync", lease_ms=5000)
        await subject.begins(MAX_PARALLEL)
        subject.clock.ahead_ms += 6000
        over = await subject.far.settled(1, 2, 3, 4)
        assert set(over.values()) == {"writ_lease_over"}
        assert len(subject.begun) == MAX_PARALLEL
        subject.far.give(5, lease_ms=5000)
        assert (await subject.far.settled(5))[5] == "done", "it takes more"


async def test_a_lease_lapses_also_while_a_beat_is_on_its_way(subject: Subject) -> None:
    async with at_work(subject.worker, subject.far):
        subject.far.give(1, topic="wait.async", lease_ms=5000)
        await subject.begins(1)
        subject.far.hears.clear()
        subject.clock.ahead_ms += 6000
        assert await subject.far.settled(1) == {1: "writ_lease_over"}
        subject.far.hears.set()


def test_what_is_begun_late_is_stopped_when_its_lease_ends_and_not_at_the_next_look() -> None:
    async def play() -> None:
        clock, far, stopped_at = LoopClock(), FarSide(), list[int]()
        worker = Worker("late", clock=clock, beat_every_ms=1000)

        @worker.job("long")
        async def long(_: Job) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                stopped_at.append(clock.monotonic_ms())

        async with at_work(worker, far):
            far.hears.clear()
            sent_at = clock.monotonic_ms()
            await time_passes(4.2)
            far.give(1, topic="long", lease_ms=4500)
            await until(lambda: bool(stopped_at), what="it to be stopped")
            far.hears.set()
        assert stopped_at[0] <= sent_at + 4500

    leaping(play())


async def test_who_was_not_heard_for_very_long_gives_up() -> None:
    subject = Subject()
    async with at_work(subject.worker, subject.far) as working:
        subject.far.away = True
        subject.clock.ahead_ms += 10 * 60_000
        await asyncio.wait([working])
        with pytest.raises(Unreachable):
            working.result()


async def test_a_breach_is_said_at_once_and_not_for_ever(subject: Subject) -> None:
    async def insists(job: Job) -> None:
        for _ in range(1000):
            try:
                job.tool("forbidden")
            except Exception:  # noqa: BLE001, S112 - a handler that does not take no for an answer
                continue

    subject.worker.job("insists")(insists)
    async with at_work(subject.worker, subject.far):
        subject.far.give(1, topic="insists", constraints={"allowed_tools": []})
        await subject.far.settled(1)
        breaches = of_kind(subject.far.reports, ConstraintBreached)
        assert [breach.number for breach in breaches] == list(range(1, 101))
        assert {(breach.constraint, breach.was_stopped) for breach in breaches} == {("allowed_tools", True)}
