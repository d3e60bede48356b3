"""A worker: takes the jobs that are addressed to it, verifies who allowed them, does them, reports.

    worker = Worker("sre-1", pool="default", max_parallel=8, capabilities=["docker"])

    @worker.job("job.sre.logs")
    async def logs_scan(job: Job) -> dict: ...

    worker.run()

It believes what the keys of the suite have signed (`believing.py`): it is given the root key as `trust`, or finds it in
FOLDGATE_ROOT_KEYS; `foldgate worker` finds the suite's. What it refuses it reports, and another is given the attempt.

A crash anywhere loses what it holds: its lease ends, and the engine decides what becomes of the attempt. A report is
durable before the job is let go of, so a crash between repeats nothing but the report, which the engine knows for a
repeat.

How it is made: `line.py` speaks with the suite, over a `transport.py`; `floor.py` runs the handlers.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import structlog

from foldgate.authority.keys import Trust, keys_in
from foldgate.contracts.codec import Codec
from foldgate.contracts.kinds import kind_topic
from foldgate.eventlog.log import Log
from foldgate.runtime.clock import Clock, SystemClock
from foldgate.runtime.settings import given
from foldgate.sdk.artifacts import Artifacts
from foldgate.sdk.errors import JobError as JobError  # noqa: PLC0414 - what handlers raise
from foldgate.sdk.errors import WorkerUnfit as WorkerUnfit  # noqa: PLC0414 - what `work` raises
from foldgate.sdk.floor import apart, here
from foldgate.sdk.held import Handler, Held
from foldgate.sdk.line import Line
from foldgate.sdk.over_log import OverLog
from foldgate.sdk.secret_references import Environment, Resolver
from foldgate.sdk.terms import Terms
from foldgate.sdk.transport import Hello, Transport
from foldgate.sdk.voice import Hears, unheard

ROOT_KEYS = "FOLDGATE_ROOT_KEYS"
H = TypeVar("H", bound=Handler)


class Worker:
    """One worker of one pool. `trust` may be set until it works, and so may `artifacts` and `leave_within_s`.

    Handlers are coroutines or plain functions, `max_parallel` of them at the same time; functions run in threads. How
    much of a job's time may pass between being told to stop and being given up is `cancel_grace_s`; how long a worker
    that leaves waits for what runs, `leave_within_s`. `resolver` knows the secrets that inputs refer to, `artifacts`
    keeps what is too large, `gpu_percent` says how busy the graphics processors are.
    """

    def __init__(  # noqa: PLR0913 - each is a thing that people say of their worker
        self,
        name: str,
        *,
        pool: str = "default",
        max_parallel: int = 8,
        capabilities: Iterable[str] = (),
        labels: Mapping[str, str] | None = None,
        beat_every_ms: int = 1000,
        cancel_grace_s: float = 10.0,
        leave_within_s: float = 30.0,
        resolver: Resolver | None = None,
        artifacts: Artifacts | None = None,
        gpu_percent: Callable[[], int] | None = None,
        codec: Codec | None = None,
        clock: Clock | None = None,
        trust: Trust | None = None,
    ) -> None:
        self.trust, self.artifacts, self.leave_within_s = trust, artifacts, leave_within_s
        self.name, self.pool, self.endpoint = name, pool, f"{name}/{secrets.token_hex(6)}"
        self._max_parallel, self._beat_every_ms, self._cancel_grace_s = max_parallel, beat_every_ms, cancel_grace_s
        self._capabilities, self._labels = tuple(capabilities), dict(labels or {})
        self._resolver, self._gpu_percent = resolver or Environment(), gpu_percent
        self._codec, self._clock = codec or Codec(), clock or SystemClock()
        self._handlers: dict[str, Handler] = {}
        self._line: Line | None = None

    def job(self, topic: str) -> Callable[[H], H]:
        """Register the handler of a topic; a topic that ends in `*` takes every topic that begins so."""

        def register(handler: H) -> H:
            self._handlers[topic] = handler
            return handler

        return register

    def kind(self, kind: str) -> Callable[[H], H]:
        """Register the handler of a kind of step, such as `http`: for those jobs that no topic of ours names. Jobs of
        the kinds `http` and `script` come to no worker that registers neither their kind nor their topic."""
        return self.job(kind_topic(kind))

    @property
    def beats(self) -> int:
        """How many beats it has sent."""
        return self._line.beats if self._line is not None else 0

    @property
    def holding(self) -> tuple[Held, ...]:
        """What it holds just now."""
        return tuple(self._line.held.values()) if self._line is not None else ()

    def run(self) -> None:
        """Work until Ctrl-C or SIGTERM, over what the environment names: FOLDGATE_URL and FOLDGATE_API_KEY for HTTP, or
        the settings of a suite for its log. A second signal ends it at once."""
        from foldgate.sdk.running import run

        run(self)

    async def work(self, log: Log, *, ready: Callable[[], None] = lambda: None, alone: bool = False) -> None:
        """Work over a log until cancelled; then leave in good order."""
        transport = OverLog(log, codec=self._codec, clock=self._clock)
        await self.work_over(transport, ready=ready, alone=alone)

    async def work_over(
        self, transport: Transport, *, ready: Callable[[], None] = lambda: None, alone: bool = False
    ) -> None:
        """Work over a transport until cancelled; then leave in good order. Coroutines run in this event loop; if it is
        to be `alone`, in a thread of their own, where they can block what they like."""
        terms = self.terms(trust=self.trust or _trust_of_environment(needed=not transport.vouches))
        async with (apart if alone else here)(terms) as handlers:
            logger = structlog.get_logger().bind(worker=self.endpoint)
            self._line = Line(terms, transport, handlers, logger=logger)
            await self._line.work(ready=ready)

    def terms(self, *, trust: Trust | None, hears: Hears = unheard) -> Terms:
        """What it says of itself, and under which terms it works."""
        hello = Hello(
            name=self.name,
            endpoint=self.endpoint,
            pool=self.pool,
            max_parallel=self._max_parallel,
            topics=tuple(sorted(self._handlers)),
            capabilities=self._capabilities,
            labels=self._labels,
        )
        return Terms(
            hello=hello,
            handlers=self._handlers,
            clock=self._clock,
            trust=trust,
            resolver=self._resolver,
            hears=hears,
            beat_every_ms=self._beat_every_ms,
            cancel_grace_s=self._cancel_grace_s,
            leave_within_s=self.leave_within_s,
            artifacts=self.artifacts,
            gpu_percent=self._gpu_percent,
        )


def _trust_of_environment(*, needed: bool) -> Trust | None:
    text = given().get(ROOT_KEYS)
    if text is None and not needed:
        return None
    try:
        return Trust(keys_in(text or ""))
    except ValueError:
        raise WorkerUnfit(
            f"Expected the root keys of the suite in {ROOT_KEYS} (`foldgate keys show` prints them), or"
            " Worker(trust=...), but there are none."
        ) from None
