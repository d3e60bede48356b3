"""What workers say of their attempts. They may name anything, and strangers may speak as they do."""

from collections.abc import Callable

from foldgate.contracts import ids
from foldgate.contracts.events import JobFailed, JobProgressed, JobReportIgnored, JobSucceeded, Meta
from foldgate.engine.runs.evolve import REMEMBERED
from foldgate.engine.runs.step import Step
from foldgate.engine.runs.turn import Turn
from foldgate.engine.steps import job

Report = JobSucceeded | JobFailed
Genuine = Callable[[JobSucceeded | JobFailed | JobProgressed], bool]
"""Whether a report comes from who was given the lease that it names."""

MAX_JOB_ID = 8000
"""Characters of a job id that are looked at: none is as long, however many loops are around its step."""
LATE = "Expected a report of an attempt that is under way, but it is of another."
FORGED = "Expected a report that proves its lease, but it is forged or altered."


def reported(turn: Turn, report: Report, _: Meta) -> None:
    """A report of who was given the lease that it names."""
    found = attempt(turn, report.job_id)
    if found is None:
        _ignore(turn, report)
    elif isinstance(report, JobSucceeded):
        job.succeeded(turn, turn.place(found), report)
    else:
        job.failed(turn, turn.place(found), report)


def progressed(turn: Turn, report: JobProgressed, _: Meta) -> None:
    """A checkpoint of an attempt under way is what the next one goes on from. Of another attempt it changes nothing,
    and is seen where it was said."""
    found = attempt(turn, report.job_id)
    if found is not None:
        job.progressed(turn, turn.place(found), report)


def attempt(turn: Turn, job_id: str) -> str | None:
    """The step whose attempt under way this is, if it is."""
    found = _named(turn, job_id)
    return found[0].step if found is not None and job.is_current(*found) else None


def ignore_forged(turn: Turn, report: Report) -> None:
    """A report of who was given no such lease settles nothing. It is shown, but whoever sends many does not use up the
    events of the run."""
    if len(turn.run.ignored) < REMEMBERED:
        _show(turn, report, FORGED)


def _ignore(turn: Turn, report: Report) -> None:
    """A report that settles nothing is shown; but not where it only says again what it has settled."""
    found = _named(turn, report.job_id)
    if not (found and job.is_repeat(*found, report)):
        _show(turn, report, LATE)


def _show(turn: Turn, report: Report, reason: str) -> None:
    """Once."""
    name, job_id = type(report).__name__, report.job_id[:MAX_JOB_ID]
    if (job_id, report.lease, name) not in turn.run.ignored:
        turn.say(JobReportIgnored(job_id=job_id, lease=report.lease, reported=name, reason=reason))


def _named(turn: Turn, job_id: str) -> tuple[ids.JobName, Step] | None:
    """The attempt that a worker names, and its step; None if this run has no such step."""
    try:
        name = ids.parse_job_id(job_id[:MAX_JOB_ID])
    except ids.MalformedId:
        return None
    step = turn.run.step(name.step) if name.run_id == turn.run.run_id else None
    return None if step is None else (name, step)
