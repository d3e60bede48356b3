"""What a job waits for: the last that policy, the scheduler and its worker have said of it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from foldgate.cli.reading import Seen
from foldgate.cli.words import moment
from foldgate.contracts.events import (
    ApprovalRequired,
    ConstraintBreached,
    Event,
    JobCancelled,
    JobDispatched,
    JobFailed,
    JobProgressed,
    JobQueued,
    JobStarted,
    JobSucceeded,
    JobThrottled,
    ShadowDecided,
    WritIssued,
)

_SPEAKERS = ("decisions", "jobs", "reports")
"""In the order in which they come to speak of a job. What enforces nothing says nothing of it."""
NOBODY_FITS = ("a worker", "no worker")
"""How it begins what the scheduler says where it has no worker for a job."""
_IN_BETWEEN = (JobStarted, JobProgressed, ConstraintBreached)
"""What a worker reports while it is at it."""


class Explained(NamedTuple):
    """Why it waits, and what somebody can do."""

    reason: str
    do: str


def explained(job_id: str, events: Iterable[Seen], *, waits_for: str = "") -> Explained:
    """Where this attempt is on its way; `waits_for` is what the scheduler says that it waits for, if it waits there."""
    last: dict[str, Seen] = {}
    for seen in events:
        says = seen.record.partition.stream in _SPEAKERS and not isinstance(seen.event, ShadowDecided)
        if says and job_of(seen.event) == job_id:
            last[seen.record.partition.stream] = seen
    spoken = [last[stream] for stream in _SPEAKERS if stream in last]
    if not spoken:
        return Explained("waits for a decision of policy", "If it lasts, see `foldgate doctor`: is the kernel at work?")
    if isinstance(spoken[-1].event, _IN_BETWEEN):
        report = spoken.pop()
        if not spoken or isinstance(spoken[-1].event, JobDispatched):
            return _at_work(report)
    return _last_word(spoken[-1], waits_for)


def _at_work(seen: Seen) -> Explained:
    """A worker has begun, and has not said how it ended."""
    assert isinstance(seen.event, _IN_BETWEEN)
    said = f"{seen.event.worker} is at it: it said so at {moment(seen.at)}"
    if isinstance(seen.event, JobProgressed):
        how_far = f"{seen.event.percent} %" if seen.event.percent >= 0 else ""
        told = ", ".join(filter(None, (how_far, seen.event.message)))
        said = f"{seen.event.worker} is at it: at {moment(seen.at)} it said: {told}" if told else said
    return Explained(said, "It is the worker's turn; if it dies, the lease ends and another gets the job.")


def _last_word(seen: Seen, waits_for: str) -> Explained:
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
        case JobQueued() as queued:
            return _in_its_queue(queued, waits_for)
        case JobDispatched(worker=worker, lease=lease):
            return Explained(
                f"is dispatched to {worker} since {moment(seen.at)}, under lease {lease}",
                "It is the worker's turn; if it dies, the lease ends and another gets the job.",
            )
        case event:
            return Explained(_over(event), "Nothing: it goes on by itself. If it lasts, see `foldgate doctor`.")


def _in_its_queue(queued: JobQueued, waits_for: str) -> Explained:
    job, pool = queued.job, queued.writ.pool
    waits = f"in pool '{pool}': {waits_for}" if waits_for else f"for a worker of pool '{pool}' that takes '{job.topic}'"
    needs = f" with {', '.join(job.requires)}" if job.requires else ""
    do = f"Start a worker{needs} that takes '{job.topic}': `foldgate worker MODULE`."
    if waits_for and not waits_for.startswith(NOBODY_FITS):
        do = f"Nothing: its turn comes. See `foldgate pools show {pool}`."
    return Explained(f"has a writ, and waits {waits}", do)


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
