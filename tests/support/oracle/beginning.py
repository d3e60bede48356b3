"""When a step may begin, and when it may be skipped: the same question for whoever begins too early or too late."""

from foldgate.expr.faults import ExpressionFailed
from foldgate.language.definition import Definition, LoopSpec, ParallelSpec
from tests.support.oracle.places import Place, place_of
from tests.support.oracle.reading import FAILINGS, Reading
from tests.support.oracle.story import must


def why_not(run: Reading, place: Place) -> str:
    """What keeps a place from beginning, or from being skipped for its `when`, now; empty if nothing does."""
    if run.story.final is not None or run.story.start is None:
        return "the run is not live"
    if run.story.known(place):
        return "it has begun before, or is over"
    if run.definition.concurrency is not None and not run.story.slot_held:
        return "the run has no slot"
    if run.called_back(place):
        return "the run is halted, or a group around it is over or called back"
    if is_gated(run, place):
        return "policy has not let the run begin"
    return _own_why_not(run, place)


GATED = frozenset({"notify", "storage", "subworkflow", "approval", "input"})
"""What needs no writ, and so waits for policy to let the run begin."""


def awaits_policy(definition: Definition) -> bool:
    """Whether something comes without a writ, or nothing that needs one comes at once."""
    roots = [definition.steps[name] for name in definition.roots]
    jobs = [root for root in roots if root.type == "job" and root.when is None and root.for_each is None]
    gated = any(step.type in GATED for step in definition.steps.values())
    return gated or not jobs or definition.concurrency is not None


def is_gated(run: Reading, place: Place) -> bool:
    """Whether it waits for policy to let the run begin."""
    return run.story.silent and run.shape.kind(place) in GATED


def _own_why_not(run: Reading, place: Place) -> str:
    """What keeps it back by what it is: a part, a handler, or a step at the top."""
    story, shape = run.story, run.shape
    if shape.group(place) is not None:
        return _part_why_not(run, place)
    if (handled := shape.handled(place)) is not None:
        status = story.of(handled).status
        return "" if status in FAILINGS else f"{handled} that it handles is {status or 'not over'}"
    if shape.undone(place) is not None:
        return _undoing_why_not(run, place)
    verdict = run.verdict(place)
    return "" if verdict == "ready" else f"its dependencies say {verdict}"


def _part_why_not(run: Reading, place: Place) -> str:
    group = run.shape.group(place)
    assert group is not None
    if not run.story.of(group).live:
        return f"{group} that it is a part of is not live"
    if run.shape.kind(group) == "loop":
        return _turn_why_not(run, group, place)
    members = run.members(group)
    if place not in members:
        return f"{group} has no such part"
    earlier = [member for member in members[: members.index(place)] if not is_gated(run, member)]
    before = [str(member) for member in earlier if not run.story.known(member)]
    if before:
        return f"{before[0]} comes before it in {group}"
    if run.decisive(group) is not None:
        return f"{group} has failed"
    most, active = most_at_once(run, group), [str(member) for member in members if run.story.of(member).live]
    return "" if most is None or len(active) < most else f"{group} takes {most} at once, and {active} are under way"


def most_at_once(run: Reading, group: Place) -> int | None:
    """How many parts of a group may be under way together."""
    step = run.shape.step(group)
    if run.shape.is_whole(group):
        return step.for_each.max_parallel if step.for_each else None
    return step.spec.max_parallel if isinstance(step.spec, ParallelSpec) else None


def _turn_why_not(run: Reading, loop: Place, place: Place) -> str:
    spec = run.shape.step(loop).spec
    assert isinstance(spec, LoopSpec)
    number, index = place.at[-1], spec.body.index(place.step)
    before = [Place(name, place.at) for name in spec.body[:index]]
    unsettled = [str(one) for one in before if run.outcome(one) in {"open", "failed"}]
    if unsettled:
        return f"{unsettled[0]} comes before it, and has not gone well yet"
    if index == 0:
        why = turn_why_not(run, loop, number)
        if why:
            return why
    verdict = run.verdict(place)
    return "" if verdict == "ready" else f"the switches before it say {verdict}"


def turn_why_not(run: Reading, loop: Place, number: int) -> str:
    """What keeps an iteration from beginning; empty if nothing does."""
    spec = run.shape.step(loop).spec
    assert isinstance(spec, LoopSpec)
    latest = run.iteration(loop)
    if number != latest + 1:
        return f"after iteration {latest} comes {latest + 1}"
    if not turn_settled(run, loop):
        return f"iteration {latest} of {loop} is not over, or has failed"
    if number >= spec.max_iterations:
        return f"{loop} takes {spec.max_iterations} iterations"
    return "" if wants_turn(run, loop, number) else f"the condition of {loop} says it is over"


def turn_settled(run: Reading, loop: Place) -> bool:
    """Whether the latest iteration has come to its end, and well."""
    latest = run.iteration(loop)
    members = run.shape.members(loop, iteration=latest) if latest >= 0 else []
    return all(run.outcome(member) not in {"open", "failed"} for member in members)


def wants_turn(run: Reading, loop: Place, number: int) -> bool:
    """Whether the loop's condition asks for an iteration."""
    spec = run.shape.step(loop).spec
    assert isinstance(spec, LoopSpec)
    if spec.while_ is not None:
        return run.turn(spec.while_, loop, number, over=False) is True
    assert spec.until is not None
    return number == 0 or run.turn(spec.until, loop, number - 1, over=True) is not True


def turn_breaks(run: Reading, loop: Place) -> bool:
    """Whether the loop's condition cannot be evaluated now."""
    try:
        wants_turn(run, loop, run.iteration(loop) + 1)
    except ExpressionFailed:
        return True
    return False


def _undoing_why_not(run: Reading, place: Place) -> str:
    if run.story.undoing is None:
        return "it undoes, and compensation has not started"
    order = run.story.undoing.steps
    if str(place) not in order:
        return "it is not among what compensation undoes"
    before = order[: order.index(str(place))]
    busy = [name for name in before if run.outcome(place_of(name)) == "open"]
    if run.story.now >= run.story.undoing.deadline:
        return "the time for compensation is over"
    if busy:
        return f"{busy[0]} is undone before it"
    live = [str(one) for one, part in run.story.parts.items() if part.live]
    return f"{live[0]} is under way, if only to come to its end" if live else ""


def may_begin(run: Reading, place: Place) -> None:
    """Raise Wrong unless it may begin now."""
    must(run.shape.exists(place), f"{place} begins, but the document has no such step there")
    must(not run.story.paused or bool(run.story.halts), f"{place} begins while the run is paused")
    why = why_not(run, place)
    must(not why, f"{place} begins, but {why}")
    must(_holds(run, place), f"{place} begins, but its `when` does not hold")


def may_skip(run: Reading, place: Place, reason: str) -> None:
    """Raise Wrong unless it may be skipped now, for that reason."""
    must(not run.story.known(place), f"{place} is skipped ({reason}), but it has begun before, or is over")
    if _shares_fate(run, place, reason):
        return
    if reason == "when_false":
        why = why_not(run, place)
        must(not why, f"{place} is skipped for its `when`, but {why}")
        must(not _holds(run, place), f"{place} is skipped for its `when`, which holds")
    elif reason in {"upstream_failed", "branch_not_taken"}:
        _may_be_cut_off(run, place, reason)
    elif reason == "run_halted":
        must(bool(run.story.halts), f"{place} is skipped as the run is halted, but it is not")
    else:
        must(reason == "not_needed", f"{place} is skipped for '{reason}', which is no reason")
        must(run.called_back(place) or _parents_over(run, place), f"{place} is skipped, but it is needed")


def _shares_fate(run: Reading, place: Place, reason: str) -> bool:
    """Whether it is a part of a group that was skipped for that reason."""
    group = run.shape.group(place)
    if group is None:
        return False
    fate = run.story.of(group)
    never = fate.status == "failed" and bool(fate.reason)
    return (fate.status == "skipped" and fate.reason == reason) or (never and reason == "upstream_failed")


def _may_be_cut_off(run: Reading, place: Place, reason: str) -> None:
    group = run.shape.group(place)
    must(not run.called_back(place), f"{place} is skipped ({reason}) after its group or run came to a halt")
    if group is not None and run.shape.kind(group) == "loop":
        before = run.shape.members(group, iteration=place.at[-1])
        done = [member for member in before[: before.index(place)] if run.outcome(member) in {"open", "failed"}]
        must(not done, f"{place} is skipped ({reason}) before it is its turn")
    verdict = run.verdict(place)
    must(verdict == reason, f"{place} is skipped ({reason}), but its dependencies say {verdict}")


def _parents_over(run: Reading, place: Place) -> bool:
    """Its group is over, also where it never began."""
    group = run.shape.group(place)
    return group is not None and (bool(run.story.of(group).status) or run.decisive(group) is not None)


def _holds(run: Reading, place: Place) -> bool:
    try:
        return run.when(place)
    except ExpressionFailed as failed:
        must(False, f"{place} begins or is skipped, but its `when` cannot be evaluated: {failed}")
        raise
