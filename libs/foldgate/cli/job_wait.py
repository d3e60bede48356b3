"""What a job waits for: the last that policy, the scheduler and its worker have said of it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from foldgate.cli.reading import Seen
from foldgate.cli.words import moment
from foldgate.contracts.events import (
    ApprovalRequired,
    Event,
    JobCancelled,
    JobDispatched,
    JobFailed,
    JobQueued,
    JobSucceeded,
    JobThrottled,
    ShadowDecided,
    WritIssued,
)

_SPEAKERS = ("decisions", "jobs", "reports")
"""In the order in which they come to speak of a job. What enforces nothing says nothing of it."""


class Explained(NamedTuple):
    """Why it waits, and what somebody can do."""

    reason: str
    do: str


def explained(job_id: str, events: Iterable[Seen]) -> Explained:
    """Where this attempt is on its way."""
    last: dict[str, Seen] = {}
    for seen in events:
        says = seen.record.partition.stream in _SPEAKERS and not isinstance(seen.event, ShadowDecided)
        if says and job_of(seen.event) == job_id:
            last[seen.record.partition.stream] = seen
    spoken = [last[stream] for stream in _SPEAKERS if stream in last]
    if not spoken:
        return Explained("waits for a decision of policy", "If it lasts, see `foldgate doctor`: is the kernel at work?")
    return _last_word(spoken[-1])


def _last_word(seen: Seen) -> Explained:
    match seen.event:
        case WritIssued(writ=writ):
            return Explained(
                f"has a writ for pool '{writ.pool}', and waits for the scheduler",
                "If it lasts, see `foldgate doctor`: is the scheduler at work?",
            )
        case ApprovalRequired(approval_id=approval, decision=decision):
            return Explained(
                f"waits for people: {decision.reason or decision.rule}",
                f"Answer it: `foldgate approvals approve {approval}`, or `reject`.",
            )
        case JobThrottled(until=until, decision=decision):
            return Explained(
                f"is throttled until {moment(until)}: {decision.reason or decision.rule}",
                "Nothing: policy decides again then. See `foldgate policy explain RUN`.",
            )
        case JobQueued(job=job, writ=writ):
            needs = f" with {', '.join(job.requires)}" if job.requires else ""
            return Explained(
                f"has a writ, and waits for a worker of pool '{writ.pool}' that takes '{job.topic}'",
                f"Start a worker{needs} that takes '{job.topic}': `foldgate worker MODULE`.",
            )
        case JobDispatched(worker=worker, lease=lease):
            return Explained(
                f"is dispatched to {worker} since {moment(seen.at)}, under lease {lease}",
                "It is the worker's turn; if it dies, the lease ends and another gets the job.",
            )
        case event:
            return Explained(_over(event), "Nothing: it goes on by itself. If it lasts, see `foldgate doctor`.")


def _over(event: Event | None) -> str:
    match event:
        case JobSucceeded() | JobFailed() as report:
            return f"was reported by {report.worker}, and waits for the engine"
        case JobCancelled(worker=worker):
            return f"is called back: {worker} was told to stop"
        case _:
            return "is decided on, and waits for the engine"


def job_of(event: Any) -> str:
    """The job an event speaks of; empty if of none."""
    return str(getattr(getattr(event, "job", None) or event, "job_id", ""))
