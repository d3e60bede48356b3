"""A worker over the log: takes the jobs that are addressed to it, verifies who allowed them, does them, reports.

    worker = Worker("sre-1", pool="default", max_parallel=8)

    @worker.job("job.sre.logs")
    async def logs_scan(job: Job) -> dict: ...

    await worker.work(log)

It believes what the keys of the suite have signed (`believing.py`): it is given the root key as `trust`, or finds it in
FOLDGATE_ROOT_KEYS; `foldgate worker` finds the suite's. What it refuses it reports, and another is given the attempt.

What it owns: its beats, what it holds, and which leases it has seen, so that a repeated dispatch does nothing. A crash
anywhere loses what it holds: its lease ends, and the engine decides what becomes of the attempt. A report is submitted
before the job is let go of, so a crash between repeats nothing but the report, which the engine knows for a repeat.

A handler whose job is called back, or takes longer than an attempt may, is cancelled as asyncio cancels: it may tidy
up, and it may finish all the same; then its output counts.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import msgspec
import structlog

from foldgate.authority.constraints import constraints_of
from foldgate.authority.keys import SignatureInvalid, Trust, keys_in
from foldgate.authority.redaction import redacted_event
from foldgate.authority.secrets import Level, redacted
from foldgate.authority.token import with_mac
from foldgate.contracts import ids
from foldgate.contracts.codec import NO_CHAIN, Codec, Undecodable
from foldgate.contracts.events import (
    Event,
    Job,
    JobCancelled,
    JobDispatched,
    JobFailed,
    JobSucceeded,
    Meta,
    WorkerBeat,
)
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import REPORTS, WORKERS, stream_of
from foldgate.eventlog.log import Follower, Log, LogUnavailable, Outgoing, Record, RecordTooLarge
from foldgate.runtime.clock import Clock, SystemClock
from foldgate.runtime.settings import given
from foldgate.sdk.believing import LEASE_OVER, Believing, Refused, Repeated
from foldgate.sdk.doing import ATTEMPT_TIMEOUT, CANCELLED, CalledBack, Doing, is_cancelled

Handler = Callable[[Job], Awaitable[Any]]
ROOT_KEYS = "FOLDGATE_ROOT_KEYS"
MOST_REFUSED = 3
"""Dispatches of our own scheduler, one after the other: then something is wrong here."""


class JobError(Exception):
    """A handler's own failure, with a stable code; `retryable` says whether another attempt may succeed."""

    def __init__(self, code: str, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.code, self.retryable = code, retryable


class WorkerUnfit(Exception):
    """A worker cannot work as it is: it trusts no key, or refuses whatever it is given."""


class Worker:
    """One worker process of one pool. `trust` may be set until it works."""

    def __init__(
        self,
        name: str,
        *,
        pool: str = "default",
        max_parallel: int = 8,
        beat_every_ms: int = 1000,
        codec: Codec | None = None,
        clock: Clock | None = None,
        trust: Trust | None = None,
    ) -> None:
        self.trust = trust
        self.endpoint = f"{name}/{secrets.token_hex(6)}"
        self._name, self._pool, self._max_parallel, self._beat_every_ms = name, pool, max_parallel, beat_every_ms
        self._codec, self._clock = codec or Codec(), clock or SystemClock()
        self._handlers: dict[str, Handler] = {}
        self._holding: dict[int, asyncio.Task[None]] = {}
        self._doing: dict[int, Doing] = {}
        self._refusing: set[asyncio.Task[None]] = set()
        self._refused = 0
        self._unfit: asyncio.Future[None] | None = None
        self._beats = 0
        self._leaving = False
        self._logger = structlog.get_logger().bind(worker=self.endpoint)

    def job(self, topic: str) -> Callable[[Handler], Handler]:
        """Register the handler of a topic; a topic that ends in `*` takes every topic that begins so."""

        def register(handler: Handler) -> Handler:
            self._handlers[topic] = handler
            return handler

        return register

    async def work(self, log: Log, *, ready: Callable[[], None] = lambda: None) -> None:
        """Work until cancelled; then finish what is held, report it, and leave."""
        self._believing = Believing(
            self.trust or _trust_of_environment(), endpoint=self.endpoint, pool=self._pool, clock=self._clock
        )
        self._unfit = asyncio.get_running_loop().create_future()
        async with self._dispatches(log) as follower:
            going_on = [
                asyncio.create_task(self._beat_for_ever(log)),
                asyncio.create_task(self._listen(log, follower)),
                asyncio.create_task(_raised(self._unfit)),
            ]
            ready()
            try:
                await _first_of(going_on)
            finally:
                await self._leave(log, going_on)

    @contextlib.asynccontextmanager
    async def _dispatches(self, log: Log) -> AsyncIterator[Follower]:
        """The pool's dispatches from now on: what was dispatched to earlier instances is none of ours."""
        stream = stream_of(f"dispatch.{self._pool}")
        await log.prepare([stream, WORKERS, REPORTS])
        partitions = [Partition(stream.name, number) for number in range(stream.partitions)]
        follower = log.follow({partition: await log.end(partition) for partition in partitions})
        try:
            yield follower
        finally:
            await follower.close()

    async def _listen(self, log: Log, follower: Follower) -> None:
        while True:
            for record in await follower.next():
                if record.key == self.endpoint.encode():
                    self._take(log, record)

    def _take(self, log: Log, record: Record) -> None:
        try:
            meta, event = self._codec.decode(record.value)
        except Undecodable as error:
            self._logger.warning("dispatch passed over", offset=record.offset, reason=str(error))
            return
        if isinstance(event, JobDispatched):
            self._take_on(log, meta, event)
        elif isinstance(event, JobCancelled) and event.lease in self._doing:
            self._call_back(event)

    def _call_back(self, event: JobCancelled) -> None:
        try:
            self._believing.check_cancel(event)
        except SignatureInvalid as error:
            self._logger.warning("call back ignored", job_id=event.job_id, code=error.code, reason=str(error))
        else:
            self._doing[event.lease].call_back(ATTEMPT_TIMEOUT if event.reason == ATTEMPT_TIMEOUT else CANCELLED)

    def _take_on(self, log: Log, meta: Meta, event: JobDispatched) -> None:
        try:
            self._believing.check(meta, event)
        except Repeated:
            self._logger.info("dispatch repeated", job_id=event.job.job_id, lease=event.lease)
        except Refused as refusal:
            self._refuse(log, meta, event, refusal=refusal)
        else:
            self._refused = 0
            self._doing[event.lease] = Doing(self._work(event), limit_ms=event.job.attempt_timeout_ms)
            self._holding[event.lease] = asyncio.create_task(self._do(log, meta, event))

    def _refuse(self, log: Log, meta: Meta, event: JobDispatched, *, refusal: Refused) -> None:
        """Say so. What the scheduler did not give us has no secret of ours: the report shows, and settles nothing."""
        self._logger.error("dispatch refused", job_id=event.writ.job_id, code=refusal.code, reason=str(refusal))
        if not _names_a_run(event):
            return
        report = self._failure(event, f"writ_{refusal.code}", refusal, retryable=True)
        event = event if refusal.is_ours else msgspec.structs.replace(event, token=b"")
        task = asyncio.create_task(self._report(log, report, meta=meta, event=event))
        self._refusing.add(task)
        task.add_done_callback(self._refusing.discard)
        self._refused += refusal.is_ours and refusal.code != LEASE_OVER  # that one came late, and nothing is wrong here
        if self._refused >= MOST_REFUSED and self._unfit is not None and not self._unfit.done():
            self._unfit.set_exception(
                WorkerUnfit(f"Expected dispatches that hold here, but {self._refused} did not. The last: {refusal}")
            )

    async def _do(self, log: Log, meta: Meta, event: JobDispatched) -> None:
        try:
            await self._report(log, await self._outcome(event), meta=meta, event=event)
        finally:
            del self._holding[event.lease], self._doing[event.lease]

    async def _report(self, log: Log, report: JobSucceeded | JobFailed, *, meta: Meta, event: JobDispatched) -> None:
        """Report, however long it takes: whoever lives keeps its lease, so nobody else would ever speak of this job.
        Known secrets are taken out first: the proof is of what is on the log."""
        while True:
            try:
                report = redacted_event(report, _redaction(event))
                proved = with_mac(event.token, report) if event.token else report
                await self._submit(log, "reports", proved, meta=self._report_meta(meta, event))
                return
            except RecordTooLarge as error:
                report = self._failure(event, "output_too_large", error, retryable=False)
            except LogUnavailable as error:
                self._logger.warning("report delayed", job_id=event.job.job_id, reason=str(error))
                await asyncio.sleep(self._beat_every_ms / 1000)

    async def _outcome(self, event: JobDispatched) -> JobSucceeded | JobFailed:
        job = event.job
        try:
            output = msgspec.json.encode(await self._doing[event.lease].output()).decode()
        except CalledBack as called:
            return self._failure(event, called.code, called, retryable=called.retryable)
        except JobError as error:
            return self._failure(event, error.code, error, retryable=error.retryable)
        except (Exception, asyncio.CancelledError) as error:  # any failure of a handler is a report
            if isinstance(error, asyncio.CancelledError) and is_cancelled():
                raise
            self._logger.warning("handler failed", job_id=job.job_id, exc_info=error)
            return self._failure(event, "handler_failed", error, retryable=True)
        return JobSucceeded(job_id=job.job_id, lease=event.lease, worker=self.endpoint, output=output)

    async def _work(self, event: JobDispatched) -> Any:
        """What is called back before it has begun does not begin."""
        return await self._handler(event.job.topic)(event.job)

    def _failure(self, event: JobDispatched, code: str, error: BaseException, *, retryable: bool) -> JobFailed:
        message = (str(error) or type(error).__name__).encode(errors="replace").decode()
        return JobFailed(
            job_id=event.writ.job_id,  # which the scheduler signed, whatever became of the job on its way
            lease=event.lease,
            worker=self.endpoint,
            code=code,
            message=redacted(message, _redaction(event))[:2000],  # in this order: half a secret looks like none
            retryable=retryable,
        )

    def _handler(self, topic: str) -> Handler:
        if topic in self._handlers:
            return self._handlers[topic]
        for name in sorted(self._handlers, key=len, reverse=True):
            if name.endswith("*") and topic.startswith(name[:-1]):
                return self._handlers[name]
        raise JobError("no_handler", f"Expected a handler for '{topic}', but {self._name} has none.")

    async def _beat_for_ever(self, log: Log) -> None:
        while True:
            await self._beat(log)
            await asyncio.sleep(self._beat_every_ms / 1000)

    async def _beat(self, log: Log) -> None:
        self._beats += 1
        self._believing.note_beat(self._beats)
        beat = WorkerBeat(
            worker=self.endpoint,
            name=self._name,
            max_parallel=self._max_parallel,
            beat=self._beats,
            holding=tuple(self._holding),
            leaving=self._leaving,
        )
        meta = self._meta("workers", self._pool, request_id=f"beat/{self._beats}")
        await self._submit(log, "workers", beat, meta=meta)

    async def _leave(self, log: Log, going_on: "Sequence[asyncio.Task[None]]") -> None:
        """Finish what is held, beating and listening all the while: who is silent loses it, who is deaf works on for
        nobody."""
        try:
            self._leaving = True
            await self._beat(log)
            while under_way := [*self._holding.values(), *self._refusing]:
                await asyncio.wait(under_way)
        finally:
            for task in going_on:
                task.cancel()
            await asyncio.gather(*going_on, return_exceptions=True)
        await self._beat(log)

    async def _submit(self, log: Log, stream: str, event: Event, *, meta: Meta) -> None:
        await log.submit(stream, [Outgoing(meta.key.encode(), self._codec.encode(meta, event))])

    def _report_meta(self, cause: Meta, event: JobDispatched) -> Meta:
        run_id = ids.parse_job_id(event.writ.job_id).run_id
        return self._meta("reports", run_id, request_id=f"lease/{event.lease}", run_id=run_id, cause=cause)

    def _meta(self, stream: str, key: str, *, request_id: str, run_id: str = "", cause: Meta | None = None) -> Meta:
        return Meta(
            chain=NO_CHAIN,
            event_id=ids.open_event_id(self.endpoint, request_id),
            stream=stream,
            key=key,
            run_id=run_id,
            pool=self._pool,
            at=self._clock.now_ms(),
            causation=cause.event_id if cause else "",
            correlation=cause.correlation if cause else "",
            tenant=cause.tenant if cause else "",
            principal=self.endpoint,
        )


async def _first_of(tasks: "Sequence[asyncio.Task[None]]") -> None:
    """Wait until one ends, and raise what it raised."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        await task


async def _raised(failure: "asyncio.Future[None]") -> None:
    await asyncio.shield(failure)


def _names_a_run(event: JobDispatched) -> bool:
    """Else there is nobody to tell: whoever forges may write anything."""
    try:
        ids.parse_job_id(event.writ.job_id)
    except ids.MalformedId:
        return False
    return True


def _redaction(event: JobDispatched) -> Level:
    """How much is taken out of what is said of a job: known secrets always, and what its policy demands."""
    try:
        return "high" if constraints_of(event.constraints).redaction == "high" else "low"
    except msgspec.DecodeError:
        return "low"  # nobody decided that: it is refused, and the words are ours


def _trust_of_environment() -> Trust:
    try:
        return Trust(keys_in(given()[ROOT_KEYS]))
    except (KeyError, ValueError):
        raise WorkerUnfit(
            f"Expected the root keys of the suite in {ROOT_KEYS} (`foldgate keys show` prints them), or"
            " Worker(trust=...), but there are none."
        ) from None
