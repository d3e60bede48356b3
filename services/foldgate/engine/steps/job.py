"""Steps that ask the outside world: job, llm, http, container, script. The engine alone judges their attempts.

The first of a report and a loss, in the engine's own order, settles an attempt. The next is asked for only when the one
before is over: it failed, or it was lost with its worker, or its time to wait has come.
"""

import hashlib
from typing import NamedTuple

from foldgate.authority.job_making import job_of
from foldgate.authority.request import canonical
from foldgate.contracts import ids
from foldgate.contracts.events import (
    AttemptFailed,
    CheckpointNoted,
    JobCancelRequested,
    JobDenied,
    JobFailed,
    JobLost,
    JobProgressed,
    JobRefused,
    JobRequested,
    JobSucceeded,
    WritRevoked,
)
from foldgate.engine.runs.evolve import CHECKPOINT_EVERY_MS
from foldgate.engine.runs.places import Place
from foldgate.engine.runs.step import LOST, NOT_SPENT, RETURNED, Step
from foldgate.engine.runs.turn import MAX_CARRIED_BYTES, Ending, Turn, shortened, size_of
from foldgate.language.definition import Retry

WRONG_OUTPUT = frozenset({"invalid_output", "output_invalid", "output_too_large"})
"""How a step fails whose job has succeeded."""
_HANDED_BACK = "writ_"
"""How the code of a worker's refusal begins: the job was not begun."""
_GIVEN_UP = frozenset({"worker_leaving", "no_handler"})
"""What else a worker says that could not help it: it leaves, or does not know such jobs."""
_TOO_LATE = "writ_lease_over"
_LATE_MS = 3_000
"""What came to its worker when its lease was over, once more: the scheduler goes by an old beat, as after an outage of
the log, and there is no better lease before that worker is heard again. So much longer is waited each time."""
_LONGEST_AFTER_MS = 86_400_000
"""However long a worker would have the next attempt wait."""
_AT_ONCE = 100
"""Checkpoints that may come one right after the other."""


class Known(NamedTuple):
    """What the kernel must know before it decides on an attempt: how far it reads, and which change of pools."""

    policies_offset: int = 0
    pools_number: int = 0


NOTHING = Known()
_NEW = Step("requested", "", 0)
"""What a step has behind it that begins."""


def begin(turn: Turn, place: Place, given: str) -> None:
    """Ask for the first attempt."""
    limit = None if place.is_item else place.step.timeout_ms
    deadline = None if limit is None else turn.at + limit
    _request(turn, place, given, attempt=1, deadline=deadline)


def progress(turn: Turn, place: Place) -> None:
    """It is no group: called back where a decision was full, it waits for its report."""


def wake(turn: Turn, place: Place) -> None:
    """The time has come for the next attempt; or nobody answers a job that was called back."""
    step = turn.step(place)
    if step.status == "retrying":
        after = step.code if step.code in NOT_SPENT else "failed"
        _next(turn, place, after=after, known=Known(step.policies, step.pools))
    else:
        turn.end(place, _ending(step), job_id=_job_id(turn, place, step))


def call_back(turn: Turn, place: Place, ending: Ending) -> None:
    """Ask for the end of an attempt under way; without one the step ends at once."""
    step = turn.step(place)
    if step.status == "retrying":
        turn.end(place, ending)
        return
    until = turn.at + turn.terms.cancel_grace_ms
    job_id = _job_id(turn, place, step)
    reason = shortened(ending.reason)
    turn.say(JobCancelRequested(job_id=job_id, step=place.id, ending=ending.status, reason=reason, until=until))


def succeeded(turn: Turn, place: Place, report: JobSucceeded) -> None:
    """A worker has done it: that counts, also where it was called back meanwhile."""
    try:
        output = canonical(report.output)
    except ValueError as error:
        turn.fail(place, "invalid_output", f"Expected output that is JSON, but {error}.", job_id=report.job_id)
        return
    turn.succeed(place, output, job_id=report.job_id)


def failed(turn: Turn, place: Place, report: JobFailed) -> None:
    """A worker could not do it, or did not begin."""
    step = turn.step(place)
    if step.status == "cancelling":
        turn.end(place, _ending(step), job_id=report.job_id)
    elif report.code.startswith(_HANDED_BACK) or report.code in _GIVEN_UP:
        wait_ms = _LATE_MS * step.lost if report.code == _TOO_LATE else 0
        _lost(turn, place, job_id=report.job_id, reason="not_begun", why=report.message, wait_ms=wait_ms)
    else:
        _failed(
            turn,
            place,
            job_id=report.job_id,
            code=report.code,
            message=report.message,
            retryable=report.retryable,
            after_ms=report.retry_after_ms,
        )


def progressed(turn: Turn, place: Place, report: JobProgressed) -> None:
    """A worker leaves a checkpoint for the next attempt, should there be one."""
    step = turn.step(place)
    too_soon = step.paced - turn.at > _AT_ONCE * CHECKPOINT_EVERY_MS
    if step.status == "cancelling" or report.number <= step.marked or too_soon:
        return
    try:
        checkpoint = canonical(report.checkpoint)
    except ValueError:
        return
    if size_of(checkpoint) <= MAX_CARRIED_BYTES:
        noted = CheckpointNoted(step=place.id, job_id=report.job_id, number=report.number, checkpoint=checkpoint)
        turn.say(noted)


def denied(turn: Turn, place: Place, denial: JobDenied) -> None:
    """It may not happen."""
    step = turn.step(place)
    if step.status == "cancelling":
        turn.end(place, _ending(step), job_id=denial.job_id)
    elif denial.rule == "internal_error":
        turn.fail(place, "internal_error", denial.reason, job_id=denial.job_id)
    else:
        turn.deny(place, denial.rule, denial.reason, job_id=denial.job_id)


def refused(turn: Turn, place: Place, refusal: JobRefused) -> None:
    """No pool takes it, and none would take another attempt."""
    step = turn.step(place)
    if step.status == "cancelling":
        turn.end(place, _ending(step), job_id=refusal.job_id)
    else:
        turn.fail(place, refusal.code, refusal.reason, job_id=refusal.job_id)


def revoked(turn: Turn, place: Place, _: WritRevoked) -> None:
    """It was called back, and no pool had it: it was denied, asked about, throttled, or never decided on."""
    step = turn.step(place)
    if step.status == "cancelling":
        turn.end(place, _ending(step), job_id=_job_id(turn, place, step))


def lost(turn: Turn, place: Place, loss: JobLost) -> None:
    """The attempt is over, and nobody says how; or it was never begun."""
    step = turn.step(place)
    if step.status == "cancelling":
        turn.end(place, _ending(step), job_id=loss.job_id)
        return
    match loss.reason:
        case "internal_error":
            reason = "The scheduler broke on it: quarantine has the reason."
            turn.fail(place, "internal_error", reason, job_id=loss.job_id)
        case "queue_timeout":
            reason = f"No worker took it within {place.step.queue_timeout_ms} ms."
            turn.time_out(place, "queue_timeout", reason, job_id=loss.job_id)
        case "attempt_timeout":
            message = f"The attempt took more than {place.step.attempt_timeout_ms} ms."
            _failed(turn, place, job_id=loss.job_id, code="attempt_timeout", message=message, retryable=True)
        case why:
            reason = why if why in NOT_SPENT else "worker_lost"
            known = Known(loss.policies_offset, loss.pools_number)
            _lost(turn, place, job_id=loss.job_id, reason=reason, why=why, known=known)


def _failed(
    turn: Turn, place: Place, *, job_id: str, code: str, message: str, retryable: bool, after_ms: int = 0
) -> None:
    step = turn.step(place)
    retry, code = place.step.retry, code[:100] or "failed"
    if code in NOT_SPENT:
        code = f"failed_{code}"  # what is said of a loss is not for workers to say
    if not _is_tried_again(retry, step.spent + 1, code=code, retryable=retryable):
        turn.fail(place, code, message, job_id=job_id)
        return
    wait = max(backoff_ms(retry, step.spent + 1, job_id=job_id), min(after_ms, _LONGEST_AFTER_MS))
    at = turn.at + wait
    turn.say(AttemptFailed(step=place.id, job_id=job_id, code=code, message=shortened(message), retry_at=at))
    if not wait:
        _next(turn, place, after="failed")


def _is_tried_again(retry: Retry, failures: int, *, code: str, retryable: bool) -> bool:
    if failures >= retry.max_attempts or code in retry.non_retryable:
        return False
    return code in retry.retry_on if retry.retry_on else retryable


def backoff_ms(retry: Retry, failures: int, *, job_id: str) -> int:
    """How long the next attempt waits. The jitter derives from the job id, so that a replay agrees."""
    most = 2**53 if retry.max_backoff_ms is None else retry.max_backoff_ms
    wait = min(float(most), retry.backoff_ms * retry.multiplier ** (failures - 1))
    share = int.from_bytes(hashlib.sha256(job_id.encode()).digest()[:4], "big") / 2**32
    return int(wait * (1 + retry.jitter * share))


def _lost(
    turn: Turn, place: Place, *, job_id: str, reason: str, why: str, known: Known = NOTHING, wait_ms: int = 0
) -> None:
    """Another attempt takes the next number and spends no retry; but not for ever."""
    step = turn.step(place)
    if reason in LOST and step.lost >= turn.terms.max_lost:
        message = f"Lost {step.lost + 1} times, the last time: {why}."
        turn.fail(place, "attempts_lost", message, job_id=job_id)
    elif wait_ms or turn.run.paused or not _has_room(turn, step):
        said = AttemptFailed(
            step=place.id,
            job_id=job_id,
            code=reason,
            message=shortened(why),
            retry_at=turn.at + wait_ms,
            policies_offset=known.policies_offset,
            pools_number=known.pools_number,
        )
        turn.say(said)
    else:
        _next(turn, place, after=reason, known=known)


def _next(turn: Turn, place: Place, *, after: str, known: Known = NOTHING) -> None:
    step = turn.step(place)
    if turn.run.paused or not _has_room(turn, step):
        return  # its time has come: it is asked for when the run goes on
    _request(
        turn,
        place,
        step.input,
        attempt=step.attempt + 1,
        deadline=step.deadline,
        after=after,
        known=known,
        before=step,
    )


def _has_room(turn: Turn, step: Step) -> bool:
    """Whether another attempt can be asked for, along with what the one before it has left."""
    return turn.has_room(size_of(step.resume))


def _request(
    turn: Turn,
    place: Place,
    given: str,
    *,
    attempt: int,
    deadline: int | None,
    after: str = "",
    known: Known = NOTHING,
    before: Step = _NEW,
) -> None:
    job = job_of(
        turn.run,
        place.step,
        given,
        name=place.id,
        attempt=attempt,
        patience_ms=_patience_ms(turn, place, after),
        retries=before.spent,
        resume=before.resume,
    )
    asked = JobRequested(
        job=job,
        after=after,
        parent=turn.parent(place),
        deadline=deadline,
        policies_offset=known.policies_offset,
        pools_number=known.pools_number,
    )
    turn.say(asked, principal=turn.run.principal)


def _patience_ms(turn: Turn, place: Place, after: str) -> int:
    """How long it may wait for a worker: what is left of it, where it came back from its queue."""
    limit = place.step.queue_timeout_ms
    if after not in RETURNED:
        return limit
    return max(1, limit - (turn.at - turn.step(place).queued))


def _ending(step: Step) -> Ending:
    code = "timeout" if step.ending == "timed_out" else "cancelled"
    return Ending(step.ending, code, step.reason)


def _job_id(turn: Turn, place: Place, step: Step) -> str:
    return ids.job_id(turn.run.run_id, place.id, step.attempt)


def is_repeat(name: ids.JobName, step: Step, report: JobSucceeded | JobFailed) -> bool:
    """Whether that report says again what has settled its attempt; or that what was called back has ended."""
    if name.attempt != step.attempt:
        return isinstance(report, JobFailed) and name.attempt in step.reported
    wrong_output = step.status == "failed" and step.code in WRONG_OUTPUT
    if isinstance(report, JobSucceeded):
        return step.status == "succeeded" or wrong_output
    if step.status == "retrying":
        return step.code not in NOT_SPENT or step.code == "not_begun"
    failed = step.status == "failed" and step.code not in ("attempts_lost", "internal_error")
    return step.status in ("cancelled", "timed_out") or (failed and not wrong_output)


def is_current(name: ids.JobName, step: Step) -> bool:
    """Whether that is the attempt under way."""
    return step.status in ("requested", "cancelling") and step.attempt == name.attempt
