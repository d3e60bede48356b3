"""A run told to the oracle by hand: what it heard, and what it said to that."""

from typing import Any

import msgspec
import yaml

from foldgate.contracts import ids
from foldgate.contracts.events import (
    CheckpointNoted,
    Event,
    Job,
    JobAbandoned,
    JobDenied,
    JobFailed,
    JobLost,
    JobProgressed,
    JobRequested,
    JobSucceeded,
    RunStarted,
    StepDenied,
    StepFailed,
    StepSkipped,
    StepSucceeded,
)
from foldgate.decider.decider import Tick
from foldgate.language.compile import compiled
from foldgate.language.publish import prepare
from tests.support.given import meta
from tests.support.oracle import Oracle
from tests.support.oracle.places import place_of

RUN = "run_1"
GO = Tick()


class Telling:
    """A history, told to the oracle: what was heard, and what was said to it."""

    def __init__(self, document: str) -> None:
        definition = compiled(prepare(document).canonical)
        self.oracle = Oracle(definition, max_lost=1, cancel_grace_ms=1000)
        self._sequence = 0
        self.at = 1000

    def tell(self, heard: Event | Tick, *said: Event, at: int = 0, letters: bool = True) -> None:
        """It heard this, and said that. With `letters`, what is to be said of a job before its step ends badly is
        added."""
        self.at = max(self.at, at)
        self.oracle.heard(meta(RUN, request_id=f"r{self._sequence}"), heard, at=self.at)
        for event in said:
            if letters and isinstance(event, StepFailed | StepDenied):
                self._say_letter(event.step, "failed" if isinstance(event, StepFailed) else "denied")
            self._say(event)
        self.oracle.settled(ticked=isinstance(heard, Tick))

    def _say(self, event: Event) -> None:
        self._sequence += 1
        self.oracle.said(meta(RUN, sequence=self._sequence, at=self.at), event)

    def _say_letter(self, step: str, status: str) -> None:
        place = place_of(step)
        part, top = self.oracle.story.of(place), self.oracle.shape.outermost(place)
        if part.attempt and part.live:
            self._say(abandoned(step, part.attempt, given=part.job_input or "{}", status=status, top=top))


def told(document: str, *said: Event, given: Any = None) -> Telling:
    """A run that has started, and what it said to that."""
    telling = Telling(document)
    started = RunStarted(workflow="w", input=text(given or {}), request_hash=b"")
    telling.tell(GO, started, *said)
    return telling


def text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def job(
    step: str, attempt: int = 1, *, parent: str = "", after: str = "", given: str = "{}", resume: str = ""
) -> JobRequested:
    """An attempt; of the second one on, after so many failures as `after` says: all that came before, or none."""
    work = Job(
        job_id=ids.job_id(RUN, step, attempt),
        step=step,
        attempt=attempt,
        kind="job",
        topic="t",
        input=given,
        tenant="acme",
        principal="ada",
        workflow="w",
        retries=attempt - 1 if after == "failed" else 0,
        resume=resume,
    )
    return JobRequested(job=work, after=after, parent=parent)


def abandoned(step: str, attempt: int = 1, *, given: str = "{}", status: str = "failed", top: str = "") -> JobAbandoned:
    work = job(step, attempt, given=given).job
    return JobAbandoned(
        step=step, job=work, status=status, code="c", message="m", attempts=attempt, from_step=top or step
    )


def done(step: str, output: str = "1", attempt: int = 1) -> JobSucceeded:
    return JobSucceeded(job_id=ids.job_id(RUN, step, attempt), lease=1, worker="w", output=output)


def left(step: str, checkpoint: str = "1", attempt: int = 1, *, number: int = 1) -> JobProgressed:
    return JobProgressed(
        job_id=ids.job_id(RUN, step, attempt), lease=1, worker="w", number=number, checkpoint=checkpoint
    )


def kept(step: str, checkpoint: str = "1", attempt: int = 1, *, number: int = 1) -> CheckpointNoted:
    return CheckpointNoted(step=step, job_id=ids.job_id(RUN, step, attempt), number=number, checkpoint=checkpoint)


def broke(step: str, attempt: int = 1, *, code: str = "boom", retryable: bool = True) -> JobFailed:
    job_id = ids.job_id(RUN, step, attempt)
    return JobFailed(job_id=job_id, lease=1, worker="w", code=code, message="m", retryable=retryable)


def lost(step: str, attempt: int = 1) -> JobLost:
    return JobLost(job_id=ids.job_id(RUN, step, attempt), step=step, lease=1, worker="w", reason="worker_lost")


def well(step: str, output: str = "1", parent: str = "") -> StepSucceeded:
    return StepSucceeded(step=step, output=output, parent=parent)


def failed(step: str, code: str = "boom", parent: str = "") -> StepFailed:
    return StepFailed(step=step, code=code, message="m", parent=parent)


def denied(step: str, parent: str = "") -> StepDenied:
    return StepDenied(step=step, rule="r", reason="no", parent=parent)


def skipped(step: str, reason: str, parent: str = "") -> StepSkipped:
    return StepSkipped(step=step, reason=reason, parent=parent)


def no(step: str) -> JobDenied:
    return JobDenied(job_id=ids.job_id(RUN, step, 1), step=step, policy_snapshot="p", rule="r", reason="no")


def doc(**steps: dict[str, Any]) -> str:
    """A document; a step without a type is a job."""
    return yaml.safe_dump({"id": "w", "steps": {name: {"type": "job"} | step for name, step in steps.items()}})
