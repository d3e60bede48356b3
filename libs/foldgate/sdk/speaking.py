"""Puts what is said of jobs into reports: in order, without secrets, progress not too often."""

import asyncio
from collections.abc import Callable, Iterable

import msgspec

from foldgate.authority.constraints import constraints_of
from foldgate.authority.redaction import redacted_event
from foldgate.authority.secrets import Level
from foldgate.authority.token import Report as Said
from foldgate.contracts.events import JobDispatched, JobFailed, JobProgressed, JobStarted, Meta
from foldgate.runtime.clock import Clock
from foldgate.sdk.held import Held, Outcome, shortened
from foldgate.sdk.reporting import Reporting, nothing
from foldgate.sdk.transport import Report

SPEAKS_EVERY_MS = 300


class Speaking:
    """For one instance, `worker`. Nothing is said of a job after its last word."""

    def __init__(self, reporting: Reporting, *, clock: Clock, worker: str) -> None:
        self._reporting, self._clock, self.worker = reporting, clock, worker

    def announce(self, several: Iterable[Held], *, begun_before: int) -> None:
        """Say that these have begun, if they still run and began before then."""
        for held in several:
            if held.is_running and not (held.is_announced or held.is_reported) and held.began < begun_before:
                held.is_announced = True
                started = JobStarted(
                    job_id=held.asked.job_id, lease=held.lease, worker=self.worker, began_at=held.began_at
                )
                self._say(held, started, name="/started")

    def hear(self, held: Held, *, at_once: bool) -> None:
        """A handler has spoken: pass it on now, or with what it says meanwhile."""
        due = held.spoke + SPEAKS_EVERY_MS - self._clock.monotonic_ms()
        if at_once or due <= 0:
            self._pass_on(held)
        else:
            asyncio.get_running_loop().call_later(due / 1000, self._pass_on, held)

    def last_word(self, held: Held, outcome: Outcome, *, then: Callable[[], None]) -> None:
        """How it ended, after all that its handler said."""
        self._pass_on(held)
        held.is_reported = True
        self._say(held, held.report(outcome, worker=self.worker), then=then)

    def turn_down(self, meta: Meta, event: JobDispatched, *, code: str, message: str) -> None:
        """Hand back what was not begun."""
        level = _redaction(event)
        failed = JobFailed(
            job_id=event.writ.job_id,  # which the scheduler signed, whatever became of the job on its way
            lease=event.lease,
            worker=self.worker,
            code=code,
            message=shortened(message, level),
        )
        self._reporting.say(Report(meta, event, redacted_event(failed, level), f"lease/{event.lease}"))

    def _pass_on(self, held: Held) -> None:
        if held.is_reported:
            return
        held.spoke = self._clock.monotonic_ms()
        for event in held.voice.taken(job_id=held.asked.job_id, lease=held.lease, worker=self.worker):
            kind = "progress" if isinstance(event, JobProgressed) else "breach"
            self._say(held, event, name=f"/{kind}/{event.number}")

    def _say(self, held: Held, event: Said, *, name: str = "", then: Callable[[], None] = nothing) -> None:
        said = redacted_event(event, held.redaction)
        self._reporting.say(Report(held.meta, held.dispatch, said, f"lease/{held.lease}{name}"), then)


def _redaction(event: JobDispatched) -> Level:
    try:
        return "high" if constraints_of(event.constraints).redaction == "high" else "low"
    except msgspec.DecodeError:
        return "low"  # nobody decided that: it is refused, and the words are ours
