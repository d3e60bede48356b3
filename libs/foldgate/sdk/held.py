"""A job in hand: waiting, begun, over. Begun and taken back are decided under a lock, since other threads begin than
take back: what was taken back, or whose lease has lapsed, never begins (INV-18).
"""

import asyncio
import threading
import traceback
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import msgspec

from foldgate.authority.constraints import constraints_of
from foldgate.authority.secrets import Level, redacted
from foldgate.contracts.events import Job as Asked
from foldgate.contracts.events import JobDispatched, JobFailed, JobSucceeded, Meta
from foldgate.runtime.clock import Clock
from foldgate.sdk.artifacts import Artifacts, Parts
from foldgate.sdk.errors import BREACHED, JobError
from foldgate.sdk.job import Job
from foldgate.sdk.secret_references import Secrets
from foldgate.sdk.shelf import Shelf
from foldgate.sdk.voice import Hears, Voice

Handler = Callable[[Job], Any]
CANCELLED, ATTEMPT_TIMEOUT, LEAVING, LAPSED = "cancelled", "attempt_timeout", "worker_leaving", "writ_lease_over"
WHY = {
    CANCELLED: "It was stopped: its run has called it back.",
    ATTEMPT_TIMEOUT: "Expected the attempt to end within {limit} ms, but it went on.",
    LEAVING: "It was stopped, or not begun: its worker leaves.",
    LAPSED: "It was stopped, or not begun: no beat of its worker was heard while its lease lasted.",
    BREACHED: "Expected it to run for at most {limit} ms, as its constraints have it, but it went on.",
}
"""Why a job is called back: the code of its report, and the words."""
FINAL = frozenset({CANCELLED, BREACHED})
"""Nobody wants another attempt of these."""


class Done(NamedTuple):
    """What a handler made of it, as JSON. `in_parts` where large values of it become artifacts by themselves."""

    output: str
    in_parts: bool = False


class Failed(NamedTuple):
    """Why it did not."""

    code: str
    message: str
    retryable: bool
    retry_after_ms: int = 0
    trace: str = ""


Outcome = Done | Failed


class Held:
    """One job of this worker, from its dispatch to its report."""

    def __init__(
        self,
        meta: Meta,
        dispatch: JobDispatched,
        handler: Handler,
        *,
        clock: Clock,
        wake: Callable[["Held", bool], None],
        hears: Hears,
        loop: asyncio.AbstractEventLoop,
        store: Artifacts | None = None,
    ) -> None:
        self.meta, self.dispatch, self.handler, self._clock = meta, dispatch, handler, clock
        self.constraints = constraints_of(self.dispatch.constraints)
        self.secrets, self.artifacts = Secrets(), dict[str, Any]()
        self.shelf = Shelf(store, loop, tenant=dispatch.job.tenant, hide=self.secrets.hide_in)
        self.voice = Voice(lambda at_once: wake(self, at_once), hide=self.secrets.hide, hears=hears)
        self.why = ""
        self.began_at = self.began = self.spoke = 0
        self.arrived = clock.monotonic_ms()
        self.is_announced = self.is_reported = False
        self._state: Literal["waiting", "begun", "over"] = "waiting"
        self._lock = threading.Lock()

    @property
    def lease(self) -> int:
        """Its number."""
        return self.dispatch.lease

    @property
    def asked(self) -> Asked:
        """What is asked."""
        return self.dispatch.job

    @property
    def redaction(self) -> Level:
        """How much is taken out of what is said of it: known secrets always, and what its policy demands."""
        return "high" if self.constraints.redaction == "high" else "low"

    @property
    def is_running(self) -> bool:
        """Whether its handler has begun, and has not ended."""
        return self._state == "begun"

    def begin(self, lasts: Callable[[int, int], bool]) -> bool:
        """Whether its handler begins now."""
        with self._lock:
            if self._state != "waiting" or not lasts(self.dispatch.beat, self.dispatch.lease_ms):
                return False
            self._state = "begun"
            self.began_at, self.began = self._clock.now_ms(), self._clock.monotonic_ms()
        self.voice.hears("began", None)
        return True

    def take_back(self) -> bool:
        """Whether its handler had not begun; then it never does."""
        with self._lock:
            if self._state != "waiting":
                return False
            self._state = "over"
            return True

    def end(self) -> None:
        """Its handler has ended."""
        with self._lock:
            self._state = "over"

    def left_ms(self) -> dict[str, int]:
        """For each limit in time, under the code of breaking it, how long it may still go on."""
        now, left = self._clock.monotonic_ms(), {}
        if self.asked.attempt_timeout_ms:
            left[ATTEMPT_TIMEOUT] = self.arrived + self.asked.attempt_timeout_ms - now
        if self.constraints.max_runtime_ms is not None:
            left[BREACHED] = (self.began or now) + self.constraints.max_runtime_ms - now
        return left

    def job(self, given: Any, *, resume: Any) -> Job:
        """As its handler sees it, with this input."""
        left = min(self.left_ms().values(), default=None)
        return Job(
            self.asked,
            constraints=self.constraints,
            voice=self.voice,
            shelf=self.shelf,
            given=given,
            lease_ms=self.dispatch.lease_ms,
            resume=resume,
            deadline_ms=None if left is None else self._clock.now_ms() + left,
        )

    def outcome_of(self, error: BaseException) -> Failed:
        """What becomes of it when its handler raises this."""
        if self.why:
            return self.called_back()
        if isinstance(error, JobError):
            after = int(max(0.0, error.retry_after or 0.0) * 1000)
            return Failed(error.code, self._told(error), error.retryable, after)
        trace = self.secrets.hide("".join(traceback.format_exception(error)))
        return Failed("handler_failed", self._told(error), retryable=True, trace=trace)

    def called_back(self) -> Failed:
        """What becomes of it when it was stopped."""
        return Failed(self.why, self.words(self.why), retryable=self.why not in FINAL)

    def words(self, why: str) -> str:
        """Why it is stopped, as a sentence."""
        limit = self.constraints.max_runtime_ms if why == BREACHED else self.asked.attempt_timeout_ms
        return WHY[why].format(limit=limit)

    def report(self, outcome: Outcome, *, worker: str) -> JobSucceeded | JobFailed:
        """The last word about it."""
        job_id = self.dispatch.writ.job_id
        if isinstance(outcome, Done):
            return JobSucceeded(
                job_id=job_id, lease=self.lease, worker=worker, output=outcome.output, began_at=self.began_at
            )
        return JobFailed(
            job_id=job_id,
            lease=self.lease,
            worker=worker,
            code=outcome.code,
            message=outcome.message,
            retryable=outcome.retryable,
            began_at=self.began_at,
            retry_after_ms=outcome.retry_after_ms,
        )

    def _told(self, error: BaseException) -> str:
        """In this order: half a secret looks like none."""
        return shortened(self.secrets.hide(str(error) or type(error).__name__), self.redaction)

    def encoded(self, output: Any) -> Done:
        """What a handler returned, as JSON, without the secrets it was given."""
        return Done(self.secrets.hide(msgspec.json.encode(output).decode()), in_parts=isinstance(output, Parts))


def shortened(message: str, level: Level) -> str:
    """A message without secrets, as long as it may be."""
    told: str = redacted(message.encode(errors="replace").decode(), level)
    return told[:2000]
