"""What an event makes of a run. It has no opinion: it asserts that the tables allow the move, and makes it."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from foldgate.authority.requests import UNVOUCHED
from foldgate.contracts.events import (
    ApprovalRequested,
    AttemptFailed,
    CheckpointNoted,
    ChildCancelRequested,
    ChildEnded,
    ChildRequested,
    CompensationStarted,
    ContextChanged,
    Event,
    JobAbandoned,
    JobCancelRequested,
    JobReportIgnored,
    JobRequested,
    Meta,
    NotificationRaised,
    RequestRefused,
    RunCancelled,
    RunCleared,
    RunDeferred,
    RunDenied,
    RunFailed,
    RunHalted,
    RunPaused,
    RunRefused,
    RunResumed,
    RunSizeWarned,
    RunStarted,
    RunSucceeded,
    RunTimedOut,
    SignalReceived,
    SlotReleased,
    SlotRequested,
    SlotTaken,
    StepCancelled,
    StepCancelRequested,
    StepDenied,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    StepTimedOut,
    WaitNoted,
)
from foldgate.decider.decider import IllegalTransition
from foldgate.engine.runs import state as runs
from foldgate.engine.runs import step as steps
from foldgate.engine.runs.state import Halt, Phase, Run, Signal, Undoing, identity
from foldgate.engine.runs.step import LOST, NOT_SPENT, RETURNED, Parts, Step
from foldgate.engine.runs.stepping import Changes, moved, the_step
from foldgate.engine.runs.tables import Steps

CHECKPOINT_EVERY_MS = 250
"""How often a step may leave one, on the whole: what workers say must not fill the log."""
REMEMBERED = 100
"""Late reports, and what strangers ask, that are recognised when they come again."""
GROUPS = frozenset({"parallel", "loop", "for_each"})


def evolve(run: Run | None, meta: Meta, event: Event) -> Run:
    """The run after this event."""
    if run is None:
        return _first(meta, event)
    name = type(event).__name__
    change = _CHANGES.get(type(event))
    if change is None or run.phase not in runs.MOVES.get(name, runs.LIVE):
        raise IllegalTransition(f"{name} does not fit a run that is {run.phase}: {meta.event_id}")
    changes = change(run, event, meta)
    if type(event) is CheckpointNoted:  # nothing has moved, and what a job leaves does not use up the run's events
        return replace(run, at=meta.at, deferred=False, **changes)
    deferred, noted = type(event) is RunDeferred, type(event) is WaitNoted
    return replace(run, events=run.events + 1, at=meta.at, deferred=deferred, noted=noted, **changes)


def _first(meta: Meta, event: Event) -> Run:
    if isinstance(event, RunRefused):
        return Run(
            phase="refused", run_id=meta.run_id, tenant=meta.tenant, principal=meta.principal, began=meta.at, at=meta.at
        )
    if not isinstance(event, RunStarted):
        raise IllegalTransition(f"{type(event).__name__} cannot be the first event of a run: {meta.event_id}")
    seeded = event.rerun.outputs if event.rerun else {}
    table = Steps()
    for order, (step_id, output) in enumerate(seeded.items(), 1):
        table = table.with_(step_id, Step("succeeded", steps.REPEATED, meta.at, output=output, order=order))
    return Run(
        phase="running",
        run_id=meta.run_id,
        tenant=meta.tenant,
        principal=meta.principal,
        began=meta.at,
        at=meta.at,
        workflow=event.workflow,
        version=event.version,
        digest=event.digest,
        kind=event.kind,
        topic=event.topic,
        input=event.input,
        labels=event.labels,
        request_hash=event.request_hash,
        deadline=event.deadline,
        ancestors=event.ancestors,
        parent_step=event.parent_step,
        cleared=not event.awaits_admission,
        rerun_of=event.rerun.run_id if event.rerun else "",
        ctx=event.rerun.ctx if event.rerun else {},
        steps=table,
        over=len(seeded),
    )


def _job_requested(run: Run, event: JobRequested, meta: Meta) -> Changes:
    job, before = event.job, run.steps.get(event.job.step)
    after = Step(
        "requested",
        job.kind,
        meta.at,
        parent=event.parent,
        attempt=job.attempt,
        input=job.input,
        deadline=event.deadline,
        spent=before.spent if before is not None else 0,
        lost=_lost(before, event.after),
        queued=before.queued if before is not None and event.after in RETURNED else meta.at,
        reported=_reported(before, event.after),
        resume=job.resume,
        paced=before.paced if before is not None else 0,
    )
    return moved(run, job.step, event, after)


def _lost(before: Step | None, after: str) -> int:
    """Losses are counted with the request of the next attempt; those of a paused run with the failed attempt."""
    if before is None:
        return 0
    return before.lost + (before.status == "requested" and after in LOST)


def _reported(before: Step | None, after: str) -> tuple[int, ...]:
    """The attempts that a worker has said are over: it may say so again."""
    if before is None:
        return ()
    return (*before.reported, before.attempt) if after in ("failed", "not_begun") else before.reported


def _started(run: Run, event: StepStarted, meta: Meta) -> Changes:
    group = event.kind in GROUPS
    after = Step(
        "running" if group else "waiting",
        event.kind,
        meta.at,
        parent=event.parent,
        input=event.input,
        deadline=event.deadline,
        until=event.until,
        awaits=event.signal,
        parts=Parts() if group else None,
        items=event.items,
    )
    return moved(run, event.step, event, after)


def _asked(run: Run, event: ApprovalRequested, meta: Meta) -> Changes:
    after = Step("waiting", event.kind, meta.at, parent=event.parent, deadline=event.deadline, awaits=event.approval_id)
    return moved(run, event.step, event, after)


def _child_asked(run: Run, event: ChildRequested, meta: Meta) -> Changes:
    after = Step(
        "waiting", "subworkflow", meta.at, parent=event.parent, deadline=event.deadline, awaits=event.child_run
    )
    return moved(run, event.step, event, after)


def _attempt_failed(run: Run, event: AttemptFailed, meta: Meta) -> Changes:
    before = the_step(run, event.step)
    made = event.code not in NOT_SPENT
    after = replace(
        before,
        status="retrying",
        since=meta.at,
        until=event.retry_at,
        code=event.code,
        reason=event.message,
        spent=before.spent + made,
        policies=event.policies_offset,
        pools=event.pools_number,
        lost=before.lost + (event.code in LOST),
    )
    return moved(run, event.step, event, after)


def _checkpoint(run: Run, event: CheckpointNoted, meta: Meta) -> Changes:
    before = the_step(run, event.step)
    paced = max(before.paced, meta.at) + CHECKPOINT_EVERY_MS
    after = replace(before, resume=event.checkpoint, marked=event.number, paced=paced)
    return moved(run, event.step, event, after)


def _called_back(
    run: Run, event: JobCancelRequested | ChildCancelRequested | StepCancelRequested, meta: Meta
) -> Changes:
    before = the_step(run, event.step)
    after = replace(
        before,
        status="cancelling",
        since=meta.at,
        ending=event.ending,
        code=event.code if isinstance(event, StepCancelRequested) else before.code,
        reason=event.reason,
        until=event.until if isinstance(event, JobCancelRequested) else None,
    )
    changes = moved(run, event.step, event, after)
    undoing = run.undoing
    if undoing is not None and undoing.deadline is not None and undoing.deadline <= meta.at:
        changes["undoing"] = replace(undoing, deadline=None)
    return changes


def _succeeded(run: Run, event: StepSucceeded, meta: Meta) -> Changes:
    after = _over(run, event.step, "succeeded", parent=event.parent, at=meta.at, output=event.output)
    changes = moved(run, event.step, event, after)
    if event.job_id:
        changes["cleared"] = True  # its writ says so
    if event.signal:
        changes["signals"] = tuple(one for one in run.signals if one.signal_id != event.signal)
    return changes


def _failed(run: Run, event: StepFailed, meta: Meta) -> Changes:
    after = _over(run, event.step, "failed", parent=event.parent, at=meta.at, code=event.code, reason=event.message)
    return moved(run, event.step, event, after)


def _denied(run: Run, event: StepDenied, meta: Meta) -> Changes:
    after = _over(run, event.step, "denied", parent=event.parent, at=meta.at, code=event.rule, reason=event.reason)
    return moved(run, event.step, event, after)


def _timed_out(run: Run, event: StepTimedOut, meta: Meta) -> Changes:
    after = _over(run, event.step, "timed_out", parent=event.parent, at=meta.at, code=event.code, reason=event.reason)
    return moved(run, event.step, event, after)


def _cancelled(run: Run, event: StepCancelled, meta: Meta) -> Changes:
    after = _over(run, event.step, "cancelled", parent=event.parent, at=meta.at, code="cancelled", reason=event.reason)
    return moved(run, event.step, event, after)


def _skipped(run: Run, event: StepSkipped, meta: Meta) -> Changes:
    after = Step("skipped", "", meta.at, parent=event.parent, code=event.reason)
    return moved(run, event.step, event, after)


def _over(
    run: Run,
    step_id: str,
    status: steps.Status,
    *,
    parent: str,
    at: int,
    output: str = "",
    code: str = "",
    reason: str = "",
) -> Step:
    """The step at its end: what it was given is not needed any longer, but for items, which what undoes may read."""
    before = run.steps.get(step_id)
    if before is None:
        return Step(status, "", at, parent=parent, output=output, code=code, reason=reason)
    return Step(
        status,
        before.kind,
        at,
        parent=parent,
        attempt=before.attempt,
        output=output,
        code=code,
        reason=reason,
        reported=before.reported,
        items=before.items,
        parts=before.parts,
    )


def _halted(run: Run, event: RunHalted, meta: Meta) -> Changes:
    halt = Halt(event.status, event.code, event.reason)
    return {"phase": "halted", "halt": halt, "paused_at": None} | _answered(run, meta)


def _refused(run: Run, event: RequestRefused | RunRefused, meta: Meta) -> Changes:
    return {"dismissed": run.dismissed | {identity(meta)}} if event.code in UNVOUCHED else _answered(run, meta)


def _answered(run: Run, meta: Meta) -> Changes:
    return {"answered": run.answered | {meta.request_id}} if meta.request_id else {}


def _received(run: Run, event: SignalReceived, _: Meta) -> Changes:
    signal = Signal(event.signal_id, event.name, event.payload)
    return {"signals": (*run.signals, signal), "signal_ids": run.signal_ids | {event.signal_id}}


def _context(run: Run, event: ContextChanged, _: Meta) -> Changes:
    rest = {name: value for name, value in run.ctx.items() if name != event.name}
    return {"ctx": rest if event.value is None else {**rest, event.name: event.value}}


def _ignored(run: Run, event: JobReportIgnored, _: Meta) -> Changes:
    seen = (event.job_id, event.lease, event.reported)
    return {"ignored": (*run.ignored, seen)[-REMEMBERED:]}


def _undoing(_: Run, event: CompensationStarted, __: Meta) -> Changes:
    return {"phase": "compensating", "undoing": Undoing(event.steps, event.deadline)}


def _to(phase: Phase) -> Callable[[Run, Any, Meta], Changes]:
    def change(run: Run, event: Event, _: Meta) -> Changes:
        ours = isinstance(event, RunFailed) and event.code == "internal_error"
        if run.live and not ours:
            raise IllegalTransition(f"{type(event).__name__} does not fit a run with {run.live} live steps")
        return {"phase": phase}

    return change


_CHANGES: Mapping[type[Event], Callable[[Run, Any, Meta], Changes]] = {
    RunRefused: _refused,
    RunPaused: lambda run, _, meta: {"paused_at": meta.at} | _answered(run, meta),
    RunResumed: lambda run, _, meta: {"paused_at": None} | _answered(run, meta),
    RunCleared: lambda *_: {"cleared": True},
    RunHalted: _halted,
    RunDeferred: lambda *_: {},
    RunSizeWarned: lambda *_: {"warned": True},
    RequestRefused: _refused,
    SignalReceived: _received,
    ContextChanged: _context,
    NotificationRaised: lambda *_: {},
    StepStarted: _started,
    ChildRequested: _child_asked,
    ChildCancelRequested: _called_back,
    ChildEnded: lambda *_: {},
    ApprovalRequested: _asked,
    JobRequested: _job_requested,
    JobCancelRequested: _called_back,
    StepCancelRequested: _called_back,
    AttemptFailed: _attempt_failed,
    CheckpointNoted: _checkpoint,
    JobReportIgnored: _ignored,
    JobAbandoned: lambda *_: {},
    StepSucceeded: _succeeded,
    StepFailed: _failed,
    StepDenied: _denied,
    StepTimedOut: _timed_out,
    StepCancelled: _cancelled,
    StepSkipped: _skipped,
    SlotRequested: lambda _, event, __: {"phase": "pending", "slot": event.slot},
    SlotTaken: lambda *_: {"phase": "running"},
    SlotReleased: lambda *_: {"slot": ""},
    CompensationStarted: _undoing,
    WaitNoted: lambda *_: {},
    RunSucceeded: _to("succeeded"),
    RunFailed: _to("failed"),
    RunDenied: _to("denied"),
    RunTimedOut: _to("timed_out"),
    RunCancelled: _to("cancelled"),
}
