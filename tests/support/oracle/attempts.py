"""The attempts of one job: numbered from 1, one after the other, each with the same input."""

from foldgate.contracts import ids
from foldgate.contracts.events import (
    AttemptFailed,
    CheckpointNoted,
    JobAbandoned,
    JobCancelRequested,
    JobFailed,
    JobLost,
    JobProgressed,
    JobRequested,
)
from foldgate.language.definition import JobSpec
from tests.support.oracle.ending import LOST_FREE, as_failure, handed_back, is_loss, retries
from tests.support.oracle.places import Place, place_of
from tests.support.oracle.reading import Reading
from tests.support.oracle.story import Part, must, parsed, same


def asked_first(run: Reading, place: Place, event: JobRequested) -> None:
    """The first attempt: its input is what the document says."""
    step, part, job = run.shape.step(place), run.story.parts[place], event.job
    must(isinstance(step.spec, JobSpec), f"{place} asks for a job, but it is a {step.type}")
    must(job.attempt == 1, f"{place} begins with attempt {job.attempt}")
    part.attempt, part.job_input = 1, job.input
    must(job.job_id == run.story.job(place), f"attempt 1 of {place} is named {job.job_id}")
    must(not event.after, f"the first attempt of {place} comes after '{event.after}'")
    must(not job.retries and not job.resume, f"the first attempt of {place} goes on from another")
    wanted = run.value(step.input, place) if step.input is not None else run.default_input(place)
    must(same(parsed(job.input), wanted), f"{place} is given {job.input}, but expected {wanted}")


def asked_again(run: Reading, place: Place, event: JobRequested) -> None:
    """The next attempt: the one before it is over, and that was told."""
    part, story = run.story.of(place), run.story
    must(part.live, f"{place} asks for attempt {event.job.attempt}, but it is not under way")
    must(not part.called, f"{place} asks for attempt {event.job.attempt}, but it was called back")
    must(not story.paused or bool(story.halts), f"{place} asks for attempt {event.job.attempt} while the run is paused")
    must(not run.called_back(place), f"{place} asks for attempt {event.job.attempt} after a halt")
    must(event.job.attempt == part.attempt + 1, f"after attempt {part.attempt} of {place} comes {event.job.attempt}")
    must(event.job.input == part.job_input, f"attempt {event.job.attempt} of {place} has another input")
    _over(run, place)
    must(event.job.retries == part.spent, f"{event.job.job_id} comes after {part.spent} failures, not as it says")
    must(event.job.resume == part.resume, f"{event.job.job_id} goes on from {event.job.resume}, not {part.resume}")
    part.attempt, part.retry_at, part.marked = part.attempt + 1, None, 0
    must(event.job.job_id == story.job(place), f"attempt {part.attempt} of {place} is named {event.job.job_id}")


def _over(run: Reading, place: Place) -> None:
    part, story = run.story.of(place), run.story
    if part.retry_at is not None:
        must(story.now >= part.retry_at, f"{place} is tried again at {story.now}, but not before {part.retry_at}")
    report = story.reports.get(story.job(place))
    if part.retry_at is not None and not is_loss(report):
        part.spent += 1
        return
    over = isinstance(report, JobLost) or handed_back(report)
    must(over, f"{place} is tried again, but attempt {part.attempt} is not over: {report}")
    part.lost += not isinstance(report, JobLost) or report.reason not in LOST_FREE
    must(part.lost <= run.max_lost, f"{place} was lost {part.lost} times, and tried again")


def progressed(run: Reading, report: JobProgressed) -> None:
    """A worker speaks of its attempt: if that is the one under way, and it is news, what it leaves is to be noted."""
    place = place_of(ids.parse_job_id(report.job_id).step)
    part, story = run.story.of(place), run.story
    is_current = part.live and part.attempt > 0 and story.job(place) == report.job_id
    waits = part.retry_at is not None or bool(part.called)
    if report.checkpoint and is_current and not waits and report.number > part.marked:
        part.marked, part.resume, story.left = report.number, report.checkpoint, report


def noted(run: Reading, place: Place, event: CheckpointNoted) -> None:
    """What a worker has left is noted: just then, as it is, and of the step it is of."""
    left, run.story.left = run.story.left, None
    must(left is not None, f"{place} notes a checkpoint that nobody has left")
    assert left is not None
    same_place = event.job_id == left.job_id == run.story.job(place)
    must(same_place and event.number == left.number, f"{place} notes {event.job_id}, but {left.job_id} has left one")
    must(event.checkpoint == left.checkpoint, f"{place} notes {event.checkpoint}, but was left {left.checkpoint}")


def failed_attempt(run: Reading, place: Place, event: AttemptFailed) -> None:
    """An attempt failed, and another is to come: not too early, and not too often."""
    part, story = run.story.of(place), run.story
    must(part.live and part.retry_at is None, f"an attempt of {place} fails, but none is under way")
    must(not part.called and not run.called_back(place), f"{place} is to be tried again, but was called back")
    must(event.job_id == story.job(place), f"{event.job_id} fails, but attempt {part.attempt} of {place} is under way")
    report = story.reports.get(event.job_id)
    if is_loss(report):  # it is kept in mind, for when the run goes on
        part.retry_at = event.retry_at
        return
    must(isinstance(report, JobFailed | JobLost), f"{event.job_id} fails, but {report} was reported")
    if isinstance(report, JobLost):
        report = as_failure(report)
    assert isinstance(report, JobFailed)
    must(retries(run, place, report), f"{place} is to be tried again, but {report.code} after {part.spent} allows none")
    soonest, latest = _backoff(run, place, part.spent + 1)
    wait = event.retry_at - story.now
    must(soonest - 1 <= wait <= latest + 1, f"{place} waits {wait} ms, but expected {soonest} to {latest}")
    part.retry_at = event.retry_at


def _backoff(run: Reading, place: Place, failure: int) -> tuple[float, float]:
    """The least and the most that is waited after the nth failure."""
    retry = run.shape.step(place).retry
    base: float = retry.backoff_ms * retry.multiplier ** (failure - 1)
    if retry.max_backoff_ms is not None:
        base = min(base, retry.max_backoff_ms)
    return base, base * (1 + retry.jitter)


def called_back(run: Reading, place: Place, event: JobCancelRequested, *, grace_ms: int) -> None:
    """A job is called back: it has so long to say that it is over."""
    part, story = run.story.parts[place], run.story
    must(part.attempt > 0 and part.retry_at is None, f"the job of {place} is called back, but none is under way")
    must(event.job_id == story.job(place), f"{event.job_id} is called back, but {story.job(place)} is under way")
    must(event.until == story.now + grace_ms, f"{place} has until {event.until}, not {story.now + grace_ms}")
    part.called, part.until = event.ending, event.until


def letter_of(part: Part, status: str) -> str:
    """What must have been said of a job before its step ends so: nothing, where it ends well or there was none."""
    return status if part.attempt and status in ("failed", "denied", "timed_out") else ""


def abandoned(run: Reading, place: Place, event: JobAbandoned) -> None:
    """Nobody will try a job again: that is said once, of its last attempt, and then its step ends so."""
    part, story = run.story.of(place), run.story
    must(part.live and not part.abandoned, f"the job of {place} is a dead letter, but it is over already")
    must(event.job.job_id == story.job(place), f"{event.job.job_id} is a dead letter, but not {story.job(place)}")
    must(event.attempts == part.attempt, f"{place} is a dead letter after {event.attempts} attempts of {part.attempt}")
    must(event.job.input == part.job_input, f"the dead letter of {place} has another input")
    top = run.shape.outermost(place)
    must(event.from_step == top, f"the dead letter of {place} is tried again from {event.from_step}, not from {top}")
    part.abandoned = event.status
