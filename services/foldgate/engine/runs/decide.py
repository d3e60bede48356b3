"""What happens next in a run.

Each message is answered by one decision: what it means for the step or the run it concerns, then everything that can
move because of it, then, where nothing is live any longer, the end. All of it follows from the state and the message,
and is appended together with the position of the message; so a crash between any two lines leaves either the whole
answer on the log or none of it, and then the message is read again. A repeat finds in the state that it was answered:
by the attempt and lease of a report, by what a step waits for, by the ids of signals and of requests.

What is asked of a run counts only if somebody vouches for it who may (`strangers.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from foldgate.authority.redaction import redacted_event
from foldgate.authority.requests import OfRun, Vouching
from foldgate.authority.secrets import Level, redacted
from foldgate.contracts.events import (
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ChildCancelRequested,
    ChildEnded,
    ChildRequested,
    Event,
    JobDenied,
    JobFailed,
    JobLost,
    JobProgressed,
    JobRefused,
    JobSucceeded,
    Meta,
    RunAdmitted,
    RunCancelRequested,
    RunCleared,
    RunDeferred,
    RunFailed,
    RunPauseRequested,
    RunRefused,
    RunRejected,
    RunRequested,
    RunResumeRequested,
    RunSizeWarned,
    SignalSent,
    SlotGranted,
    SlotRefused,
    SlotReleased,
    SlotRevoked,
    SlotTaken,
    WaitNoted,
    WritRevoked,
)
from foldgate.decider.decider import Decider, Message, Said, SetAside, Tick
from foldgate.decider.invariant import broken
from foldgate.engine.runs import requests, starting, strangers
from foldgate.engine.runs.advance import scan, settle
from foldgate.engine.runs.ending import call_back_all, finish, halt
from foldgate.engine.runs.evolve import evolve
from foldgate.engine.runs.reports import Genuine, attempt, ignore_forged, progressed, reported
from foldgate.engine.runs.state import BEFORE_ITS_END, FAULT, Run, ended, is_undecided
from foldgate.engine.runs.tables import due_timers
from foldgate.engine.runs.turn import Ending, Folded, Terms, Turn, shortened
from foldgate.engine.runs.waiting import describe, due, has_wake_up, waits, watches
from foldgate.engine.steps import KINDS, approval, job, subworkflow
from foldgate.language.definitions import Definitions

Outcome = Iterable[Event | Said]

MAX_CALLED_BACK = 500
"""Child runs that are told of a fault of ours: what ends a run must fit an append, whatever else does not."""
_TIMED_OUT = Ending("timed_out", "timeout", "It took longer than its timeout.")


def runs(
    definitions: Definitions,
    *,
    max_lost: int,
    cancel_grace_ms: int,
    wait_noted_after_ms: int,
    max_events: int,
    genuine: Genuine,
    vouching: Vouching,
    redaction: Level = "low",
) -> Decider[Run]:
    """The decider of runs, under the terms of the settings and with the definitions that have been read so far.
    `genuine` says whether a report comes from who was given the lease that it names, `vouching` who asks."""
    terms = Terms(
        max_lost=max_lost,
        cancel_grace_ms=cancel_grace_ms,
        wait_noted_after_ms=wait_noted_after_ms,
        max_events=max_events,
        redaction=redaction,
    )

    ahead = _Ahead()

    def decide(run: Run | None, message: Message) -> Outcome:
        if run is None:
            first = _first(message, definitions, terms=terms, vouching=vouching)
            return _said(first, None) if isinstance(first, Turn) else first
        stranger = strangers.found(message, run, vouching)
        if stranger is None and (_is_answered(run, message) or _leaves_nothing(message, genuine)):
            return ()
        pinned = starting.definition_of(definitions, digest=run.digest, kind=run.kind, topic=run.topic)
        turn = Turn(message, run, definition=pinned, definitions=definitions, terms=terms, kinds=KINDS)
        if isinstance(message.event, JobSucceeded | JobFailed) and not genuine(message.event):
            ignore_forged(turn, message.event)
        elif stranger is not None:
            strangers.dismiss(turn, stranger)
        else:
            _answer(turn, message)
        return _said(turn, run)

    def _said(turn: Turn, before: Run | None) -> Outcome:
        said = _closed(turn, before)
        ahead.note(turn)
        return said

    return Decider(
        state=Run,
        decide=decide,
        evolve=ahead.evolve,
        due=lambda run: due(run, noted_after_ms=wait_noted_after_ms),
        ended=ended,
        fail=lambda run, message, reason: _fail(run, message, redacted(reason, redaction)),
        openings=(RunRequested, ChildRequested),
        passing=(JobProgressed,),
        waits=waits,
        watches=watches,
        describe=describe,
    )


class _Ahead:
    """The last decision's events as they were folded while deciding: whoever folds them again on the same state, at the
    same time, has the same outcome without the work. Anything else is folded as it comes."""

    def __init__(self) -> None:
        self._folded: list[Folded] = []
        self._at = 0

    def note(self, turn: Turn) -> None:
        self._folded, self._at = turn.folded[::-1], turn.at

    def evolve(self, run: Run | None, meta: Meta, event: Event) -> Run:
        if self._folded:
            next_ = self._folded.pop()
            if next_.event is event and next_.before is run and meta.at == self._at:
                return next_.after
            self._folded = []
        return evolve(run, meta, event)


def _first(message: Message, definitions: Definitions, *, terms: Terms, vouching: Vouching) -> Turn | Outcome:
    """What a message begins, or says, that meets no run."""
    match message.event, message.meta:
        case RunRequested() as request, Meta() as meta:
            strangers.turn_away(message, vouching)
            begun = starting.requested(request, meta, message, definitions=definitions, terms=terms, kinds=KINDS)
            return (redacted_event(begun, terms.redaction),) if isinstance(begun, RunRefused) else begun
        case ChildRequested() as asked, _:
            return starting.asked_by_step(asked, message, definitions=definitions, terms=terms, kinds=KINDS)
        case JobSucceeded() | JobFailed() as report, _:
            raise SetAside("run_unknown", f"Expected a run for {report.job_id[:200]}, but there is none.")
        case request, _ if isinstance(request, OfRun):
            raise SetAside("run_unknown", f"Expected a run '{message.key[:200]}', but there is none.")
        case _:
            return ()


def _is_answered(run: Run, message: Message) -> bool:
    return isinstance(message.event, OfRun) and message.meta is not None and message.meta.request_id in run.answered


def _leaves_nothing(message: Message, genuine: Genuine) -> bool:
    """Whether it is a worker's progress that asks for nothing: no checkpoint, or one of who does not hold the job."""
    event = message.event
    return isinstance(event, JobProgressed) and not (event.checkpoint and genuine(event))


def _answer(turn: Turn, message: Message) -> None:
    """What a message means for a live run, before anything moves because of it."""
    if isinstance(message.event, Tick):
        _tick(turn)
    elif message.meta is not None and (answer := _ANSWERS.get(type(message.event))) is not None:
        answer(turn, message.event, message.meta)


def _closed(turn: Turn, before: Run | None) -> list[Event | Said]:
    """Let everything move, end what can end, and see that a live run waits for something."""
    settle(turn)
    if before is not None and (before.deferred or turn.run.cleared > before.cleared):
        _go_on(turn)
    elif not turn.said:
        return turn.said
    _limit(turn)
    while finish(turn):
        settle(turn)
    if not ended(turn.run):
        _leave(turn)
    return turn.said


def _go_on(turn: Turn) -> None:
    """Begin what the last decision was too full for, or what policy lets begin now, and call back what is to be."""
    if turn.run.phase == "halted":
        call_back_all(turn)
    scan(turn)


def _limit(turn: Turn) -> None:
    """Stop a run that has as many events as it may have."""
    most, run = turn.terms.max_events, turn.run
    if run.events >= most and run.phase in BEFORE_ITS_END:
        halt(turn, status="failed", code="event_limit", reason=f"Expected fewer than {most} events of a run.")
        settle(turn)


def _leave(turn: Turn) -> None:
    """The last words of a decision after which the run goes on."""
    most, run = turn.terms.max_events, turn.run
    if run.events >= most // 5 and not run.warned:
        turn.say(RunSizeWarned(events=run.events, limit=most))
    if turn.deferred and not run.paused:
        turn.say(RunDeferred())
    if not has_wake_up(turn.run):
        raise broken("INV-11", f"{run.run_id} after {type(turn.message.event).__name__}")


def _tick(turn: Turn) -> None:
    """Time has passed: what is due acts; what waits for long is noted."""
    if not turn.run.paused:
        _act(turn)
    run = turn.run
    if not (turn.said or run.deferred or run.noted) and turn.at >= run.at + turn.terms.wait_noted_after_ms:
        first = next(iter(waits(run)))
        turn.say(WaitNoted(step=first.step, reason=first.reason, since=first.since, until=first.until))


def _act(turn: Turn) -> None:
    run, at = turn.run, turn.at
    if run.undoing is not None and run.undoing.deadline is not None and run.undoing.deadline <= at:
        call_back_all(turn)
    elif run.phase in BEFORE_ITS_END and run.deadline is not None and run.deadline <= at:
        halt(turn, status="timed_out", code="timeout", reason="The run took longer than its timeout.")
    for step_id in list(due_timers(run.timers, at)):
        _wake(turn, step_id)


def _wake(turn: Turn, step_id: str) -> None:
    """A step whose time has come, if it is not over or called back by what came before it."""
    step = turn.run.step(step_id)
    if step is None or not step.live or step.wakes is None or step.wakes > turn.at or not turn.has_room():
        return
    place = turn.place(step_id)
    if step.status != "cancelling" and step.deadline is not None and step.deadline <= turn.at:
        turn.kind(place).call_back(turn, place, _TIMED_OUT)
    else:
        turn.kind(place).wake(turn, place)


def _admitted(turn: Turn, admitted: RunAdmitted, _: Meta) -> None:
    if not turn.run.cleared:
        turn.say(RunCleared(policy_snapshot=admitted.decision.policy_snapshot, rule=admitted.decision.rule))


def _rejected(turn: Turn, rejected: RunRejected, _: Meta) -> None:
    if is_undecided(turn.run):
        said = rejected.decision
        status = "failed" if said.rule == FAULT else "denied"
        halt(turn, status=status, code=said.rule, reason=shortened(said.reason))


def _settled(turn: Turn, outcome: JobDenied | JobRefused | JobLost | WritRevoked, _: Meta) -> None:
    found = attempt(turn, outcome.job_id)
    if found is None:
        return
    if isinstance(outcome, JobDenied):
        job.denied(turn, turn.place(found), outcome)
    elif isinstance(outcome, JobRefused):
        job.refused(turn, turn.place(found), outcome)
    elif isinstance(outcome, WritRevoked):
        if not outcome.pool:  # else it is the scheduler's to say
            job.revoked(turn, turn.place(found), outcome)
    else:
        job.lost(turn, turn.place(found), outcome)


def _answered(turn: Turn, answer: ApprovalGranted | ApprovalRefused | ApprovalExpired, _: Meta) -> None:
    step = turn.run.step(answer.step)
    if step is None or step.status != "waiting" or step.awaits != answer.approval_id:
        return
    place = turn.place(answer.step)
    match answer:
        case ApprovalGranted():
            approval.granted(turn, place, answer)
        case ApprovalRefused():
            approval.refused(turn, place, answer)
        case _:
            approval.expired(turn, place, answer)


def _child_ended(turn: Turn, child: ChildEnded, meta: Meta) -> None:
    step = turn.run.step(child.step)
    if step is not None and step.live and step.kind == "subworkflow" and step.awaits == meta.run_id:
        subworkflow.ended(turn, turn.place(child.step), child)


def _slot(turn: Turn, answer: SlotGranted | SlotRefused | SlotRevoked, _: Meta) -> None:
    run = turn.run
    if answer.slot != run.slot:
        return
    match answer:
        case SlotGranted() if run.phase == "pending":
            turn.say(SlotTaken(slot=answer.slot))
            starting.begin_roots(turn)
        case SlotRefused() if run.phase == "pending":
            reason = f"Expected a free place under its concurrency key, but it is held by {', '.join(answer.holders)}."
            halt(turn, status="failed", code="concurrency_conflict", reason=shortened(reason))
        case SlotRevoked() if run.phase in ("pending", "running"):
            reason = f"Its place under the concurrency key goes to the newer run {answer.by_run}."
            halt(turn, status="cancelled", code="superseded", reason=reason)
        case _:
            pass


def _called_back(turn: Turn, asked: ChildCancelRequested, _: Meta) -> None:
    if turn.run.phase in BEFORE_ITS_END:
        halt(turn, status="cancelled", code="cancelled", reason=asked.reason)


def _fail(run: Run | None, _message: Message, reason: str) -> Iterator[Event | Said]:
    """After a fault of ours the run ends, loudly; a request that never became a run is only set aside."""
    if run is None:
        return
    for step_id, child in islice(_children(run), MAX_CALLED_BACK):
        yield ChildCancelRequested(step=step_id, child_run=child, ending="cancelled", reason="The run above it failed.")
    if run.slot:
        yield SlotReleased(slot=run.slot)
    if run.parent_step:
        above = run.ancestors[-1].run_id
        yield ChildEnded(
            parent_run=above, step=run.parent_step, status="failed", code="internal_error", reason=shortened(reason)
        )
    yield RunFailed(code="internal_error", message=shortened(reason))


def _children(run: Run) -> Iterator[tuple[str, str]]:
    """The child runs that were not called back: nobody else would end them."""
    for step_id, step in run.steps.items():
        if step.kind == "subworkflow" and step.status == "waiting":
            yield step_id, step.awaits


_ANSWERS: Mapping[type[Event], Callable[[Turn, Any, Meta], None]] = {
    JobSucceeded: reported,
    JobFailed: reported,
    JobProgressed: progressed,
    JobDenied: _settled,
    JobRefused: _settled,
    JobLost: _settled,
    WritRevoked: _settled,
    RunAdmitted: _admitted,
    RunRejected: _rejected,
    ApprovalGranted: _answered,
    ApprovalRefused: _answered,
    ApprovalExpired: _answered,
    ChildEnded: _child_ended,
    ChildCancelRequested: _called_back,
    SlotGranted: _slot,
    SlotRefused: _slot,
    SlotRevoked: _slot,
    RunRequested: requests.requested_again,
    RunCancelRequested: requests.cancel,
    RunPauseRequested: requests.pause,
    RunResumeRequested: requests.resume,
    SignalSent: requests.signal,
}
