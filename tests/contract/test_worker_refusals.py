"""What a worker refuses: whatever the kernel has not allowed or the scheduler has not given to it, and it says so."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from foldgate.authority.lease import sign_cancel, sign_lease
from foldgate.authority.token import is_genuine, token
from foldgate.authority.writ import job_hash, sign_writ
from foldgate.contracts.codec import Codec
from foldgate.contracts.events import JobCancelled, JobDispatched, JobFailed, JobSucceeded, Writ
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import REPORTS
from foldgate.eventlog.log import Log
from foldgate.runtime.clock import SystemClock
from foldgate.sdk import Job, Worker, WorkerUnfit
from tests.support.given import meta
from tests.support.intruding import intrude
from tests.support.keys import KERNEL, SCHEDULER, STRANGER, SUITE_KEY, TRUST, signer_with
from tests.support.logs import Opened
from tests.support.pools import job
from tests.support.suite import working
from tests.support.waiting import until

CODEC = Codec()
DISPATCH = Partition("dispatch.default", 0)
LONG_MS = 60_000
Report = JobSucceeded | JobFailed
Change = Callable[[JobDispatched], JobDispatched]
replace = msgspec.structs.replace


class Wary:
    """A worker, and whoever writes to it."""

    def __init__(self, log: Log) -> None:
        self.log, self.clock = log, SystemClock()
        self.executed: list[str] = []
        self.worker = Worker("wary", beat_every_ms=50, trust=TRUST)
        self.worker.job("job.echo")(self._echo)

        self.worker.job("job.long")(self._long)
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def _echo(self, job: Job) -> Any:
        self.executed.append(job.id)
        return job.input

    async def _long(self, job: Job) -> Any:
        self.begun.set()
        await self.go_on.wait()
        return await self._echo(job)

    def dispatch(
        self, number: int = 1, *, lease: int = 1, writ: Any = None, topic: str = "job.echo", **changes: Any
    ) -> JobDispatched:
        """A dispatch in good order but for these changes: to the writ before the kernel, to the rest before the
        scheduler signs."""
        wanted, now = replace(job(number), topic=topic), self.clock.now_ms()
        allowed = Writ(
            writ_id=f"writ_{number}",
            job_id=wanted.job_id,
            job_hash=job_hash(wanted),
            pool="default",
            policy_snapshot="s",
            rule="r",
            issued_at=now,
            expires_at=now + LONG_MS,
        )
        signed = sign_writ(KERNEL, replace(allowed, **(writ or {})))
        secret = token(SUITE_KEY, job_id=signed.job_id, lease=lease, worker=self.worker.endpoint)
        to, given = self.worker.endpoint, {"lease": lease, "lease_ms": LONG_MS, "beat": 1, "token": secret}
        event = replace(JobDispatched(job=wanted, writ=signed, worker=to, lease=lease, lease_ms=1), **(given | changes))
        return self.sealed(event)

    def sealed(self, event: JobDispatched) -> JobDispatched:
        return sign_lease(SCHEDULER, event, at=1000)

    async def send(self, event: JobDispatched | JobCancelled) -> None:
        value = CODEC.encode(meta("default", at=1000, stream="dispatch.default"), event)
        await intrude(self.log, DISPATCH, key=self.worker.endpoint.encode(), value=value)

    async def reports(self, count: int) -> list[Report]:
        """The first reports, once there are as many."""
        found: list[Report] = []

        async def there_are() -> bool:
            found[:] = await reports_of(self.log)
            return len(found) >= count

        await until(there_are, what=f"{count} reports")
        return found

    async def refused(self, event: JobDispatched, *, code: str) -> JobFailed:
        """It is, for this reason, and the worker takes the next that is in good order."""
        await self.send(event)
        await self.send(self.dispatch(9, lease=99))
        failed, done = sorted(await self.reports(2), key=lambda report: report.lease == 99)
        assert isinstance(failed, JobFailed)
        assert (failed.code, failed.retryable) == (code, True)
        assert isinstance(done, JobSucceeded)
        assert self.executed == [job(9).job_id]
        return failed


async def reports_of(log: Log) -> list[Report]:
    found: list[Report] = []
    for number in range(REPORTS.partitions):
        partition = Partition(REPORTS.name, number)
        async for chunk in log.read(partition, 0, await log.end(partition)):
            events = [CODEC.decode(record.value)[1] for record in chunk]
            found += [event for event in events if isinstance(event, JobSucceeded | JobFailed)]
    return found


@contextlib.asynccontextmanager
async def wary_on(opened: Opened) -> AsyncIterator[Wary]:
    async with opened() as log:
        subject = Wary(log)
        async with working(log, subject.worker):
            await until(lambda: bool(subject.worker.beats), what="a beat")
            yield subject


async def test_what_is_in_good_order_is_done_once_and_proved(opened: Opened) -> None:
    async with wary_on(opened) as wary:
        event = wary.dispatch()
        for again in (event, event, event):
            await wary.send(again)
        await wary.send(wary.dispatch(2, lease=2))
        first, second = sorted(await wary.reports(2), key=lambda report: report.lease)
        assert wary.executed == [job(1).job_id, job(2).job_id]
        assert isinstance(first, JobSucceeded)
        assert is_genuine([SUITE_KEY], first)
        assert is_genuine([SUITE_KEY], second)


def _altered_input(event: JobDispatched) -> JobDispatched:
    return replace(event, job=replace(event.job, input='{"altered": true}'))


OURS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "a writ for another attempt": ("writ_other_job", {"job_id": "run_1:job@2"}, {}),
    "a writ for other work": ("writ_job_altered", {"job_hash": b"other"}, {}),
    "a writ for another pool": ("writ_other_pool", {"pool": "other"}, {}),
    "a writ that has ended": ("writ_expired", {"expires_at": 1}, {}),
    "constraints nobody set": ("writ_constraints_altered", {}, {"constraints": '{"budgets":{}}'}),
    "a lease counted from a beat that was never sent": ("writ_lease_over", {}, {"beat": 10**9}),
    "a lease that is over": ("writ_lease_over", {}, {"lease_ms": -1}),
}


@pytest.mark.parametrize("case", OURS)
async def test_what_does_not_hold_is_refused_to_the_scheduler(opened: Opened, case: str) -> None:
    async with wary_on(opened) as wary:
        code, writ, changes = OURS[case]
        failed = await wary.refused(wary.dispatch(writ=writ, **changes), code=code)
        assert is_genuine([SUITE_KEY], failed), "so the attempt is given to another"


async def test_an_altered_input_is_refused(opened: Opened) -> None:
    async with wary_on(opened) as wary:
        failed = await wary.refused(_altered_input(wary.dispatch()), code="writ_job_altered")
        assert is_genuine([SUITE_KEY], failed)


async def test_a_writ_copied_to_another_job_is_refused(opened: Opened) -> None:
    async with wary_on(opened) as wary:
        event = wary.dispatch()
        await wary.refused(replace(event, job=job(2)), code="writ_other_job")


@pytest.mark.parametrize("signer", [STRANGER, SCHEDULER, signer_with("kernel", not_after=1)])
async def test_a_writ_that_no_trusted_kernel_signed_is_refused(opened: Opened, signer: Any) -> None:
    async with wary_on(opened) as wary:
        codes = {"kernel": "writ_unknown_key", "scheduler": "writ_wrong_purpose"}
        code = "writ_key_expired" if signer.certificate.not_after == 1 else codes[signer.certificate.purpose]
        event = wary.dispatch()
        await wary.refused(wary.sealed(replace(event, writ=sign_writ(signer, event.writ))), code=code)


UNGIVEN: dict[str, tuple[str, Change]] = {
    "unsigned": ("writ_unsigned", lambda event: replace(event, signature=None)),
    "by a stranger": ("writ_unknown_key", lambda event: sign_lease(STRANGER, event, at=1000)),
    "by the kernel": ("writ_wrong_purpose", lambda event: sign_lease(KERNEL, event, at=1000)),
    "of another time": ("writ_bad_signature", lambda event: sign_lease(SCHEDULER, event, at=999)),
    "of another lease": ("writ_bad_signature", lambda event: replace(event, lease=2)),
    "with another secret": ("writ_bad_signature", lambda event: replace(event, token=b"mine")),
    "to another worker": ("writ_other_worker", lambda event: replace(event, worker="other/1")),
}


@pytest.mark.parametrize("case", UNGIVEN)
async def test_what_the_scheduler_did_not_give_is_refused_and_settles_nothing(opened: Opened, case: str) -> None:
    async with wary_on(opened) as wary:
        code, change = UNGIVEN[case]
        failed = await wary.refused(change(wary.dispatch()), code=code)
        assert not is_genuine([SUITE_KEY], failed)


STOP = JobCancelled(job_id=job(1).job_id, step="job", lease=1, worker="", reason="cancelled")
FORGED_STOPS: dict[str, Callable[[JobCancelled], JobCancelled]] = {
    "unsigned": lambda event: event,
    "by a stranger": lambda event: sign_cancel(signer_with("scheduler", root=bytes([7]) * 32), event),
    "by the kernel": lambda event: sign_cancel(KERNEL, event),
    "of another lease": lambda event: replace(sign_cancel(SCHEDULER, replace(event, lease=2)), lease=1),
    "for another reason": lambda event: replace(sign_cancel(SCHEDULER, event), reason="attempt_timeout"),
    "of another worker": lambda event: sign_cancel(SCHEDULER, replace(event, worker="other/1")),
}


@pytest.mark.parametrize("case", FORGED_STOPS)
async def test_nobody_but_the_scheduler_stops_a_job(opened: Opened, case: str) -> None:
    async with wary_on(opened) as wary:
        await wary.send(wary.dispatch(topic="job.long"))
        await wary.begun.wait()
        await wary.send(FORGED_STOPS[case](replace(STOP, worker=wary.worker.endpoint)))
        await wary.send(wary.dispatch(2, lease=2))
        await wary.reports(1)
        wary.go_on.set()
        reports = await wary.reports(2)
        assert [type(report) for report in reports] == [JobSucceeded] * 2
        assert wary.executed == [job(2).job_id, job(1).job_id]


async def test_the_scheduler_stops_a_job(opened: Opened) -> None:
    async with wary_on(opened) as wary:
        await wary.send(wary.dispatch(topic="job.long"))
        await wary.begun.wait()
        await wary.send(sign_cancel(SCHEDULER, replace(STOP, worker=wary.worker.endpoint)))
        [report] = await wary.reports(1)
        assert isinstance(report, JobFailed)
        assert report.code == "cancelled"


async def test_a_forged_dispatch_may_name_anything(opened: Opened) -> None:
    async with wary_on(opened) as wary:
        event = wary.dispatch()
        for name in ("", "?", "run_1", "x" * 100_000, "run_1:job@99999999999999999999"):
            await wary.send(replace(event, signature=None, job=replace(event.job, job_id=name)))
            await wary.send(replace(event, signature=None, writ=replace(event.writ, job_id=name)))
        await wary.send(wary.dispatch(2, lease=2))

        await until(lambda: wary.executed == [job(2).job_id], what="the job in good order")


async def test_a_worker_that_refuses_all_it_is_given_ends_with_the_reason(opened: Opened) -> None:
    async with opened() as log:
        subject = Wary(log)
        task = asyncio.create_task(subject.worker.work(log))
        await until(lambda: bool(subject.worker.beats), what="a beat")
        for lease in (1, 2, 3):
            await subject.send(subject.dispatch(lease, lease=lease, writ={"pool": "other"}))
        with pytest.raises(WorkerUnfit, match="pool 'default', but it is for 'other'"):
            await task
        codes = [report.code for report in await reports_of(log) if isinstance(report, JobFailed)]
        assert codes == ["writ_other_pool"] * 3


async def test_what_comes_late_says_nothing_of_the_worker(opened: Opened) -> None:
    async with wary_on(opened) as wary:
        for lease in range(1, 6):
            await wary.send(wary.dispatch(lease, lease=lease, lease_ms=-1))
        await wary.send(wary.dispatch(9, lease=99))
        reports = await wary.reports(6)
        codes = [report.code for report in reports if isinstance(report, JobFailed)]
        assert codes == ["writ_lease_over"] * 5
        assert wary.executed == [job(9).job_id]


async def test_a_worker_that_trusts_nobody_does_not_begin(opened: Opened) -> None:
    async with opened() as log:
        with pytest.raises(WorkerUnfit, match="FOLDGATE_ROOT_KEYS"):
            await Worker("lost").work(log)
