"""How a run ends: halting what is under way, undoing what has succeeded, and the one event that says how it came out.

A run ends when nothing is live and nothing more can begin. Each part is found from the state, so a decision that is
full, or an engine that dies, goes on where it was: handlers of a compensation run one after the other in the order
that `CompensationStarted` fixed, and those that were begun are in the state.
"""

from typing import NamedTuple

from foldgate.contracts.events import (
    ChildEnded,
    CompensationStarted,
    Event,
    RunCancelled,
    RunDenied,
    RunFailed,
    RunHalted,
    RunSucceeded,
    RunTimedOut,
    SlotReleased,
)
from foldgate.decider.invariant import broken
from foldgate.engine.runs.beginning import begin
from foldgate.engine.runs.outcomes import gravest, outcome
from foldgate.engine.runs.places import Place, join
from foldgate.engine.runs.scope import FAILED, output_of
from foldgate.engine.runs.state import awaits_policy, is_rejected
from foldgate.engine.runs.step import REPEATED
from foldgate.engine.runs.turn import MAX_CARRIED_BYTES, Ending, Turn, Unfit, encoded, size_of
from foldgate.expr.template import ExpressionFailed

_END_BYTES = 16 * 1024
"""What the end of a run has beyond other work: its output is told twice, to whoever asks and to the run above."""
CALLED_BACK = Ending("cancelled", "cancelled", "The run was halted.")


def ended_badly(turn: Turn, place: Place) -> bool:
    """Whether a step at the top failed for good: fail_fast asks."""
    step = turn.run.step(place.id)
    counts = not (place.step.parent or place.step.undoes) and step is not None and step.status in FAILED
    return counts and outcome(turn.definition, turn.run, place.id) == "failed"


def halt(turn: Turn, *, status: str, code: str, reason: str) -> None:
    """Begin nothing more, and call back what is under way."""
    turn.say(RunHalted(status=status, code=code, reason=reason))
    call_back_all(turn)


def call_back_all(turn: Turn) -> None:
    """Call back whatever is live and no part of a live group: groups call back their own."""
    for step_id, step in list(turn.run.steps.items()):
        if step.live and step.status != "cancelling" and not _is_called_by_group(turn, step.parent):
            call_back(turn, turn.place(step_id), CALLED_BACK)


def _is_called_by_group(turn: Turn, parent: str) -> bool:
    group = turn.run.step(parent) if parent else None
    return group is not None and group.live


def call_back(turn: Turn, place: Place, ending: Ending) -> None:
    """Call one step back, if it is live and was not called back before."""
    step = turn.run.step(place.id)
    if step is not None and step.live and step.status != "cancelling" and turn.has_room():
        turn.kind(place).call_back(turn, place, ending)


def finish(turn: Turn) -> bool:
    """Go on towards the end, where nothing is live. True if something was said that may have moved a step."""
    run = turn.run
    waits = turn.deferred or run.paused or run.phase == "pending" or awaits_policy(run)
    if run.live or waits or not turn.has_room(_END_BYTES):
        return False
    if run.phase == "compensating":
        return _undo_next(turn)
    if not _skip_unbegun(turn):
        return False
    verdict = _verdict(turn)
    if verdict is None and (verdict := _succeed(turn)) is not None and _to_undo(turn, verdict.status):
        turn.say(RunHalted(status=verdict.status, code=verdict.code, reason=verdict.reason))
    if verdict is None:
        return False
    if steps := _to_undo(turn, verdict.status):
        deadline = turn.at + turn.definition.compensation_timeout_ms
        turn.say(CompensationStarted(steps=steps, deadline=deadline))
        return True
    _end(turn, verdict, compensation="none")
    return False


def _skip_unbegun(turn: Turn) -> bool:
    """After a halt, what was never begun never will be. Without one there is no such step (INV-11). False: there is no
    room for all of them."""
    for step_id in turn.definition.order:
        define = turn.definition.steps[step_id]
        if not (define.parent or define.handles or define.undoes) and turn.run.step(step_id) is None:
            if turn.run.phase != "halted":
                raise broken("INV-11", f"step '{step_id}' of {turn.run.run_id} was not begun, and nothing is live")
            if not turn.has_room(_END_BYTES):
                return False
            turn.skip(turn.place(step_id), "run_halted")
    turn.forget_moved()
    return turn.has_room(_END_BYTES)


class _Verdict(NamedTuple):
    """How the run ends; `step` decided it."""

    status: str
    code: str
    reason: str
    step: str = ""


def _verdict(turn: Turn) -> _Verdict | None:
    halted = turn.run.halt
    if halted is not None and halted.status:
        return _Verdict(halted.status, halted.code, halted.reason)
    found = gravest(turn.definition, turn.run)
    if found is None:
        return None
    step_id, step = found
    return _Verdict(step.status, step.code, step.reason, step_id)


def _to_undo(turn: Turn, status: str) -> tuple[str, ...]:
    """The handlers of what has succeeded, last first. Of a step with for_each each item is undone. What a rerun took
    over is the earlier run's, which may have undone it; and a run that policy has not let begin, as far as it knows,
    has done nothing."""
    if status not in turn.definition.compensate_on or not turn.run.cleared or is_rejected(turn.run):
        return ()
    done = []
    for step_id, step in turn.run.steps.items():
        place = turn.place(step_id)
        ours = step.status == "succeeded" and step.kind != REPEATED
        if ours and place.step.compensate and not place.is_group_of_items:
            done.append((step.order, join(place.step.compensate, place.path)))
    return tuple(handler for _, handler in sorted(done, reverse=True))


def _undo_next(turn: Turn) -> bool:
    undoing = turn.run.undoing
    assert undoing is not None
    for handler in undoing.steps:
        if turn.run.step(handler) is None and undoing.deadline is not None and turn.at < undoing.deadline:
            begin(turn, turn.place(handler))
            return True
    verdict = _verdict(turn)
    assert verdict is not None
    _end(turn, verdict, compensation="done" if all(_is_undone(turn, one) for one in undoing.steps) else "partial")
    return False


def _is_undone(turn: Turn, handler: str) -> bool:
    return outcome(turn.definition, turn.run, handler) == "satisfied"


def _succeed(turn: Turn) -> _Verdict | None:
    """End well; or say how the run ends instead, as its output cannot be given."""
    try:
        output = _output(turn)
    except (Unfit, ExpressionFailed) as error:
        return _Verdict("failed", error.code, f"The output of the workflow: {error}")
    _tell(turn, status="succeeded", output=output)
    turn.say(RunSucceeded(output=output))
    return None


def _output(turn: Turn) -> str:
    """As written; else what the last step gave, or each of the last steps by its name."""
    definition, run = turn.definition, turn.run
    if definition.output is not None:
        text = encoded(turn.evaluate(definition.output, None))
    else:
        lasts = [step_id for step_id in definition.order if _is_last(turn, step_id)]
        given = {step_id: output_of(definition, run, step_id) or "null" for step_id in lasts}
        parts = (f"{encoded(step_id)}:{given[step_id]}" for step_id in sorted(given))
        text = given[lasts[0]] if len(lasts) == 1 else "{" + ",".join(parts) + "}"
    if (size := size_of(text)) > MAX_CARRIED_BYTES:
        raise Unfit("output_too_large", f"Expected at most {MAX_CARRIED_BYTES} bytes, but it has {size}.")
    return text


def _is_last(turn: Turn, step_id: str) -> bool:
    define = turn.definition.steps[step_id]
    return not (define.dependents or define.parent or define.handles or define.undoes)


def _end(turn: Turn, verdict: _Verdict, *, compensation: str) -> None:
    _tell(turn, status=verdict.status, code=verdict.code, reason=verdict.reason)
    turn.say(_event(verdict, compensation))


def _event(verdict: _Verdict, compensation: str) -> Event:
    status, code, reason, step = verdict
    if status == "denied":
        return RunDenied(rule=code, reason=reason, step=step, compensation=compensation)
    if status == "timed_out":
        return RunTimedOut(code=code, reason=reason, step=step, compensation=compensation)
    if status == "cancelled":
        return RunCancelled(reason=reason, step=step, compensation=compensation)
    return RunFailed(code=code, message=reason, step=step, compensation=compensation)


def _tell(turn: Turn, *, status: str, output: str = "", code: str = "", reason: str = "") -> None:
    """Give the place back, and tell the step that waits for this run."""
    run = turn.run
    if run.slot:
        turn.say(SlotReleased(slot=run.slot))
    if run.parent_step:
        parent = run.ancestors[-1].run_id
        ended = ChildEnded(
            parent_run=parent, step=run.parent_step, status=status, output=output, code=code, reason=reason
        )
        turn.say(ended)


def fail_run(turn: Turn, code: str, reason: str) -> None:
    """End a run that never began anything."""
    halt(turn, status="failed", code=code, reason=reason)
