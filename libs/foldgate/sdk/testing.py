"""For tests of handlers: a worker at work on one job, without a server and without keys.

    outcome = await handle(worker, "job.sre.logs", {"service": "api"}, constraints={"max_cost_usd": 1.0})
    assert outcome.output == {"lines": 3}

It is the worker as it is, over a transport that goes nowhere: handlers run, limits are kept and reports are made as in
a suite. In tests that are no coroutines: `handle_sync`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
import structlog

from foldgate.authority.constraints import Constraints, canonical
from foldgate.contracts import ids
from foldgate.contracts.codec import NO_CHAIN
from foldgate.contracts.events import Job as Asked
from foldgate.contracts.events import JobCancelled, JobDispatched, JobFailed, JobSucceeded, Meta, WorkerBeat, Writ
from foldgate.sdk.floor import Floor, apart, here
from foldgate.sdk.line import Line
from foldgate.sdk.terms import Terms
from foldgate.sdk.transport import Arrival, Hello, Report, Welcome
from foldgate.sdk.worker import Worker

LEASE_MS = 3_600_000
"""Nobody is to lose a job because somebody looks at it in a debugger."""
RUN = "run_test"
Place = Callable[[Terms], AbstractAsyncContextManager[Floor]]


class Outcome(msgspec.Struct, kw_only=True):
    """What became of a job, and what was said of it. Without a `code` it succeeded."""

    output: Any = None
    code: str = ""
    message: str = ""
    retryable: bool = False
    retry_after_ms: int = 0
    progress: list[tuple[int, str]] = []
    """Per cent, or -1, and words: each time it said so, also where a suite would hear the last of several alone."""
    checkpoints: list[Any] = []
    breaches: list[str] = []
    """The constraints that were broken, or would have been."""


async def handle(
    worker: Worker,
    topic: str,
    given: Any = None,
    *,
    constraints: Constraints | Mapping[str, Any] | None = None,
    resume: Any = None,
    cancel_after: float | None = None,
    asked: Mapping[str, Any] | None = None,
) -> Outcome:
    """Have a worker do one job with this input. `cancel_after` so many seconds after its handler began it is called
    back; `asked` are more of the job's fields, such as `labels`, `attempt` or `attempt_timeout_ms`."""
    dispatch = _dispatch(topic, given, constraints=constraints, resume=resume, asked=asked or {})
    return await _handle(worker, dispatch, cancel_after=cancel_after, place=here)


def handle_sync(
    worker: Worker,
    topic: str,
    given: Any = None,
    *,
    constraints: Constraints | Mapping[str, Any] | None = None,
    resume: Any = None,
    cancel_after: float | None = None,
    asked: Mapping[str, Any] | None = None,
) -> Outcome:
    """As `handle`, in a test that is no coroutine. A handler that does not stop is left behind in its thread."""
    dispatch = _dispatch(topic, given, constraints=constraints, resume=resume, asked=asked or {})
    return asyncio.run(_handle(worker, dispatch, cancel_after=cancel_after, place=apart))


async def _handle(worker: Worker, dispatch: JobDispatched, *, cancel_after: float | None, place: Place) -> Outcome:
    outcome, begun, transport = Outcome(), asyncio.Event(), _Nowhere(dispatch)
    loop = asyncio.get_running_loop()

    def hears(kind: str, what: Any) -> None:
        if kind == "began":
            loop.call_soon_threadsafe(begun.set)
        else:
            loop.call_soon_threadsafe(_note, outcome, kind, what)

    terms = worker.terms(trust=None, hears=hears)
    async with place(terms) as floor:
        line = Line(terms, transport, floor, logger=structlog.get_logger())
        working, settled = asyncio.create_task(line.work(ready=_nothing)), asyncio.create_task(transport.settled.wait())
        tasks: list[asyncio.Task[Any]] = [working, settled]
        if cancel_after is not None:
            tasks.append(asyncio.create_task(_call_back(transport, begun, cancel_after)))
        try:
            await asyncio.wait([working, settled], return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                await working
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return transport.tell(outcome)


class _Nowhere:
    """Brings one dispatch, and keeps what is said of it."""

    vouches = True
    artifacts = None

    def __init__(self, dispatch: JobDispatched) -> None:
        self.settled = asyncio.Event()
        self.coming: asyncio.Queue[JobDispatched | JobCancelled] = asyncio.Queue()
        self._dispatch = dispatch
        self._last: JobSucceeded | JobFailed | None = None

    async def open(self, hello: Hello) -> Welcome:
        """The worker is known by now: the dispatch is for it."""
        self._dispatch = msgspec.structs.replace(self._dispatch, worker=hello.endpoint)
        return Welcome(endpoint=hello.endpoint, lease_ms=LEASE_MS)

    async def next(self, room: int) -> Sequence[Arrival]:
        """There is room."""
        del room
        return [Arrival(_META, await self.coming.get())]

    async def beat(self, beat: WorkerBeat) -> None:
        """With the first beat there comes the job."""
        if beat.beat == 1:
            self.coming.put_nowait(self._dispatch)

    async def report(self, reports: Sequence[Report]) -> None:
        for report in reports:
            if isinstance(report.event, JobSucceeded | JobFailed):
                self._last = report.event
                self.settled.set()

    async def close(self) -> None:
        pass

    def call_back(self) -> None:
        """The job is not wanted any more."""
        event = JobCancelled(
            job_id=self._dispatch.job.job_id, step=self._dispatch.job.step, lease=1, worker=self._dispatch.worker
        )
        self.coming.put_nowait(msgspec.structs.replace(event, reason="cancelled"))

    def tell(self, outcome: Outcome) -> Outcome:
        """How it ended."""
        match self._last:
            case JobSucceeded(output=output):
                outcome.output = msgspec.json.decode(output)
            case JobFailed() as failed:
                outcome.code, outcome.message, outcome.retryable = failed.code, failed.message, failed.retryable
                outcome.retry_after_ms = failed.retry_after_ms
            case None:
                raise AssertionError("Expected a report, but the worker ended without one.")
        return outcome


def _note(outcome: Outcome, kind: str, what: Any) -> None:
    if kind == "progress":
        outcome.progress.append(what)
    elif kind == "checkpoint":
        outcome.checkpoints.append(msgspec.json.decode(what))
    else:
        outcome.breaches.append(what)


def _nothing() -> None:
    """Nobody waits for it to be ready."""


async def _call_back(transport: _Nowhere, begun: asyncio.Event, after: float) -> None:
    await begun.wait()
    await asyncio.sleep(after)
    transport.call_back()


def _dispatch(
    topic: str,
    given: Any,
    *,
    constraints: Constraints | Mapping[str, Any] | None,
    resume: Any,
    asked: Mapping[str, Any],
) -> JobDispatched:
    fields = {
        "step": "step",
        "attempt": 1,
        "kind": "job",
        "topic": topic,
        "input": msgspec.json.encode({} if given is None else given).decode(),
        "tenant": "default",
        "principal": "test",
        "workflow": "test",
        "resume": "" if resume is None else msgspec.json.encode(resume).decode(),
        **asked,
    }
    job = Asked(job_id=ids.job_id(RUN, fields["step"], fields["attempt"]), **fields)
    writ = Writ(
        writ_id="writ_test",
        job_id=job.job_id,
        job_hash=b"",
        pool="default",
        policy_snapshot="",
        rule="",
        issued_at=0,
        expires_at=0,
    )
    terms = constraints if isinstance(constraints, Constraints) else msgspec.convert(constraints or {}, Constraints)
    return JobDispatched(
        job=job, writ=writ, worker="", lease=1, lease_ms=LEASE_MS, constraints=canonical(terms), beat=1
    )


_META = Meta(chain=NO_CHAIN, event_id="test", stream="dispatch.default", key="test", run_id=RUN, at=0)
