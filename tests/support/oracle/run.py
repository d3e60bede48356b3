"""What holds of a run as a whole: its halts, what is called back, compensation, what is left behind, and its end."""

from typing import Any

import msgspec

from foldgate.contracts.events import (
    ChildCancelRequested,
    CompensationStarted,
    Event,
    JobCancelRequested,
    RunCancelled,
    RunCancelRequested,
    RunDenied,
    RunFailed,
    RunHalted,
    RunRejected,
    RunSucceeded,
    RunTimedOut,
    SlotRevoked,
    StepCancelRequested,
)
from foldgate.expr.faults import ExpressionFailed
from tests.support.oracle.beginning import is_gated, most_at_once, turn_settled, why_not
from tests.support.oracle.ending import fitting, overdue
from tests.support.oracle.places import Place, place_of
from tests.support.oracle.reading import FAILINGS, GRAVEST, Reading
from tests.support.oracle.story import must, same

ENDS: dict[type[Event], str] = {
    RunSucceeded: "succeeded",
    RunFailed: "failed",
    RunDenied: "denied",
    RunTimedOut: "timed_out",
    RunCancelled: "cancelled",
}


def may_halt(run: Reading, event: RunHalted) -> None:
    """Raise Wrong unless the run may be halted now, so."""
    story, asked = run.story, [type(one) for one in run.story.asked]
    must(story.undoing is None, "the run is halted while it is compensating")
    if event.status == "":
        must(run.definition.fail_fast and bool(unhandled(run)), "the run is halted at a failure that is none")
    elif event.status == "cancelled":
        must(
            bool(set(asked) & {RunCancelRequested, SlotRevoked, ChildCancelRequested}),
            "the run is cancelled, but nobody asked",
        )
    elif event.status == "denied":
        must(RunRejected in asked, "the run is denied, but policy has not said so")
    elif event.status == "timed_out":
        deadline = story.start.deadline if story.start else None
        must(deadline is not None and story.now >= deadline, f"the run times out at {story.now}, not at {deadline}")


def unhandled(run: Reading) -> list[Place]:
    """The steps that count and have failed for good."""
    return [
        place for place in run.shape.tops() if run.story.of(place).status in GRAVEST and run.outcome(place) == "failed"
    ]


def may_call_back(run: Reading, place: Place, event: JobCancelRequested | StepCancelRequested) -> None:
    """Raise Wrong unless a step may be called back now, to end so."""
    part = run.story.of(place)
    must(part.live, f"{place} is called back, but it is not under way")
    must(not part.called, f"{place} is called back twice")
    reasons = _calls(run, place)
    must(event.ending in reasons, f"{place} is called back to end as {event.ending}, but expected {sorted(reasons)}")


def _calls(run: Reading, place: Place) -> set[str]:
    """How a step may be told to end now."""
    reasons: set[str] = set()
    if run.called_back(place) or _undone_late(run, place):
        reasons |= {"cancelled", "timed_out"}
    if overdue(run, place):
        reasons.add("timed_out")
    return reasons | (run.failing_as(place) if run.shape.is_group(place) else set())


def _undone_late(run: Reading, place: Place) -> bool:
    undoing = run.story.undoing
    return run.shape.is_undoing(place) and undoing is not None and run.story.now >= undoing.deadline


def may_compensate(run: Reading, event: CompensationStarted) -> None:
    """Raise Wrong unless what has succeeded is to be undone now, in that order."""
    must(run.story.undoing is None, "compensation starts twice")
    must(not (run.story.silent or run.story.rejected), "compensation starts, but policy did not let the run begin")
    live = [str(place) for place, part in run.story.parts.items() if part.live]
    must(not live, f"compensation starts, but {live} are under way")
    must(not unsettled(run), f"compensation starts, but {unsettled(run)} are not over")
    status = status_of(run)
    must(status in run.definition.compensate_on, f"compensation starts, but the run ends as {status}")
    wanted = undoers(run)
    must(bool(wanted), "compensation starts, but nothing is to be undone")
    must(list(event.steps) == wanted, f"compensation runs {list(event.steps)}, but expected {wanted}")
    ends = run.story.now + run.definition.compensation_timeout_ms
    must(event.deadline == ends, f"compensation has until {event.deadline}, but expected {ends}")


def undoers(run: Reading) -> list[str]:
    """What undoes the steps that succeeded: the last first."""
    done = [place for place in reversed(run.story.ended) if run.story.of(place).status == "succeeded"]
    return [str(handler) for place in done if (handler := run.shape.compensate(place)) is not None]


def unsettled(run: Reading) -> list[str]:
    """What must be over before the run is: the steps that count, and the parts of what began, but no repeats."""
    tops = [place for place in run.shape.tops() if not run.story.of(place).status]
    begun = [place for place, part in run.story.parts.items() if part.began is not None]
    parts = [m for g in begun if run.shape.kind(g) == "parallel" for m in run.members(g) if not run.story.of(m).status]
    return [str(place) for place in (*tops, *parts)]


def status_of(run: Reading) -> str:
    """How the run ends, as its halts and its steps say; policy overrules a failure."""
    if run.story.rejected:
        return "denied"
    for halt in run.story.halts:
        if halt.status:
            return halt.status
    found = {run.story.of(place).status for place in unhandled(run)}
    return next((status for status in GRAVEST if status in found), "succeeded")


def may_finish(run: Reading, event: Event) -> None:
    """Raise Wrong unless the run may end now, so."""
    status, wanted = ENDS[type(event)], status_of(run)
    live = [str(place) for place, part in run.story.parts.items() if part.live]
    must(not live, f"the run ends, but {live} are under way")
    must(not unsettled(run), f"the run ends, but {unsettled(run)} are not over")
    must(not run.story.slot_held, "the run ends, but keeps its slot")
    last_word = not run.story.silent or wanted in {"denied", "cancelled", "timed_out"}
    must(last_word, f"the run ends as {status}, but policy has not said whether it may begin")
    told = run.story.told_parent
    is_child = run.story.start is not None and bool(run.story.start.parent_step)
    must(told == (status if is_child else ""), f"the run ends as {status}, but its parent was told '{told}'")
    if wanted == "succeeded":
        _may_succeed(run, event)
        return
    must(status == wanted, f"the run ends as {status}, but its steps and halts say {wanted}")
    _decided_by(run, event, wanted)
    done = getattr(event, "compensation", "none")
    must(done == compensation(run, wanted), f"compensation is '{done}', but expected '{compensation(run, wanted)}'")


def _may_succeed(run: Reading, event: Event) -> None:
    output = run.definition.output
    if isinstance(event, RunSucceeded):
        fits = output is None or same(msgspec.json.decode(event.output), run.at_end(output))
        must(fits, f"the run ends with {event.output}")
        return
    failed = isinstance(event, RunFailed) and output is not None and _output_fails(run)
    must(failed, f"the run ends as {ENDS[type(event)]}, but all its steps went well")
    must(compensation(run, "failed") == "none", "the run ends, and keeps what was undone to itself")


def _output_fails(run: Reading) -> bool:
    try:
        assert run.definition.output is not None
        run.at_end(run.definition.output)
    except ExpressionFailed:
        return True
    return False


def _decided_by(run: Reading, event: Event, status: str) -> None:
    step: Any = getattr(event, "step", "")
    names = [str(place) for place in unhandled(run) if run.story.of(place).status == status]
    must(not step or step in names, f"the run names {step}, but {names} decided it")


def compensation(run: Reading, status: str) -> str:
    """What the run must say of its compensation."""
    begun = not (run.story.silent or run.story.rejected)
    wanted = undoers_before(run) if begun and status in run.definition.compensate_on else []
    if run.story.undoing is None:
        must(not wanted, f"the run ends, but {wanted} were not undone")
        return "none"
    outcomes = {run.outcome(place_of(name)) for name in run.story.undoing.steps}
    return "done" if outcomes == {"satisfied"} else "partial"


def undoers_before(run: Reading) -> list[str]:
    """What was to be undone when compensation was to start."""
    return list(run.story.undoing.steps) if run.story.undoing is not None else undoers(run)


def nothing_left_behind(run: Reading) -> None:
    """Raise Wrong if, the decision being over, something should have happened that did not."""
    if run.story.final is not None or run.story.start is None or run.story.deferred:
        return
    _all_called_back(run)
    for place, part in run.story.parts.items():
        must(not (part.live and part.abandoned), f"the job of {place} is a dead letter, but the step goes on")
    if run.definition.fail_fast and unhandled(run) and run.story.undoing is None:
        must(bool(run.story.halts), f"{unhandled(run)[0]} has failed, but the run is not halted")
    if run.story.paused or (run.definition.concurrency is not None and not run.story.slot_held):
        return
    for place in _candidates(run):
        must(bool(why_not(run, place)), f"{place} is left behind: it could begin, or be skipped")
    for place in run.shape.tops():
        verdict = "open" if run.story.known(place) or run.called_back(place) else run.verdict(place)
        must(verdict in {"open", "ready"}, f"{place} is left behind: it should be skipped ({verdict})")
    _groups_go_on(run)
    _signals_arrive(run)
    idle = not any(part.live for part in run.story.parts.values()) and not unsettled(run)
    must(not idle or run.story.silent, "the run is left behind: nothing is under way, and nothing is to come")


def _candidates(run: Reading) -> list[Place]:
    """Every place that could be next."""
    parts = run.story.parts
    groups = [place for place, part in parts.items() if part.live and run.shape.is_group(place)]
    inside = [member for group in groups for member in _next_of(run, group)]
    failed = [place for place, part in parts.items() if part.status in FAILINGS]
    handlers = [handler for place in failed if (handler := run.shape.on_error(place)) is not None]
    undoing = [place_of(name) for name in run.story.undoing.steps] if run.story.undoing else []
    found = [*run.shape.tops(), *inside, *handlers, *undoing]
    return [place for place in found if not run.story.known(place)]


def _next_of(run: Reading, group: Place) -> list[Place]:
    if run.shape.kind(group) != "loop":
        most = most_at_once(run, group)
        handled = [one for one in run.members(group) if run.story.of(one).status and run.outcome(one) == "open"]
        waiting = [one for one in handled if (by := run.shape.on_error(one)) is not None and is_gated(run, by)]
        full = most is not None and len(run.busy(group)) + len(waiting) >= most
        return [] if full else run.members(group)
    latest = run.iteration(group)
    return [*run.members(group), *run.shape.members(group, iteration=latest + 1)]


def _groups_go_on(run: Reading) -> None:
    for place, part in run.story.parts.items():
        if part.live and run.shape.is_group(place) and not run.busy(place):
            must(not part.called, f"{place} is left behind: it was called back, and all its parts are over")
            must(run.decisive(place) is None, f"{place} is left behind: a part of it has failed, and all are over")
            is_loop = run.shape.kind(place) == "loop"
            waits = not turn_settled(run, place) if is_loop else _open(run, place)
            gated = any(is_gated(run, member) for member in _next_of(run, place))
            must(waits or gated, f"{place} is left behind: all its parts are over")


def _signals_arrive(run: Reading) -> None:
    """No signal is lost, and none waits beside a step that waits for it."""
    lost = [name for name, one in run.story.signals.items() if not (one.kept or one.taken or one.refused)]
    must(not lost, f"the signals {lost} were neither kept, taken nor refused")
    for place, part in run.story.parts.items():
        if part.live and run.shape.kind(place) == "wait":
            there = [name for name, one in run.story.signals.items() if one.waits and fitting(run, place, name)]
            must(not there, f"{place} is left behind: the signals {there} are what it waits for")


def _open(run: Reading, group: Place) -> bool:
    return any(run.outcome(member) == "open" for member in run.members(group))


def nothing_overdue(run: Reading) -> None:
    """Raise Wrong if, time having been told, something that was due has not happened."""
    if run.story.final is not None or run.story.paused or run.story.deferred:
        return
    for place, part in run.story.parts.items():
        due = part.live and part.retry_at is not None and part.retry_at <= run.story.now
        must(not due, f"{place} is left behind: its next attempt was to come at {part.retry_at}")
        late = part.live and not part.called and overdue(run, place) and not run.shape.is_undoing(place)
        must(not late, f"{place} is left behind: its time is over")


def _all_called_back(run: Reading) -> None:
    """Whatever lives in a group that is over or called back, or in a halted run, is called back too."""
    for place, part in run.story.parts.items():
        if part.live and run.called_back(place):
            must(bool(part.called), f"{place} is left behind: it should be called back, or over")
