"""When a step may end, and how: by what was reported, granted, sent or due; by its terms; by being called back."""

from collections.abc import Callable, Mapping
from typing import Any

from foldgate.contracts.events import (
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ChildEnded,
    JobDenied,
    JobFailed,
    JobLost,
    JobSucceeded,
    WritRevoked,
)
from foldgate.expr.faults import ExpressionFailed
from foldgate.language.definition import (
    ApprovalSpec,
    ConditionSpec,
    DelaySpec,
    InputSpec,
    LoopSpec,
    ParallelSpec,
    StorageSpec,
    SwitchSpec,
    TransformSpec,
    WaitSpec,
)
from foldgate.language.durations import instant, milliseconds
from tests.support.oracle.beginning import turn_breaks, turn_settled, wants_turn
from tests.support.oracle.places import Place
from tests.support.oracle.reading import Reading
from tests.support.oracle.story import Part, Report, must, parsed, same

Ends = set[str]
"""The statuses that a step may end with now."""
LOST_FREE = frozenset({"writ_expired", "writ_stale", "pool_closed"})
"""Why an attempt may be lost as often as it likes."""


def may_end(run: Reading, place: Place, *, status: str, output: Any) -> None:
    """Raise Wrong unless it may end so, now."""
    part, kind = run.story.of(place), run.shape.kind(place)
    must(not part.status, f"{place} ends as {status}, but it is {part.status} already")
    must(part.began is not None, f"{place} ends as {status}, but it has not begun")
    may = _by_its_kind(run, place, output) | _by_time(run, place) | _by_call(run, place)
    must(status in may, f"{place} ({kind}) ends as {status}, but expected {sorted(may) or 'it to go on'}")


def _by_time(run: Reading, place: Place) -> Ends:
    """Waits, questions and what waits to be tried again end at once when their time is over."""
    part = run.story.of(place)
    at_rest = run.shape.kind(place) not in {"job", "subworkflow"} or part.retry_at is not None
    return {"timed_out"} if overdue(run, place) and at_rest and not _busy(run, place) else set()


def _busy(run: Reading, place: Place) -> bool:
    return run.shape.is_group(place) and bool(run.busy(place))


def overdue(run: Reading, place: Place) -> bool:
    """Whether the time for the step is over; an item's may be that of the whole."""
    limit, part = run.shape.step(place).timeout_ms, run.story.of(place)
    return limit is not None and part.began is not None and run.story.now >= part.began + limit


def _by_call(run: Reading, place: Place) -> Ends:
    """What was called back ends as it was told, once it is over."""
    part, kind = run.story.of(place), run.shape.kind(place)
    if kind in {"parallel", "loop", "for_each"}:
        return {part.called} if part.called and not run.busy(place) else set()
    if kind == "job" and part.retry_at is None:
        return _job_called(run, place, part)
    if kind == "subworkflow":
        return set()
    return {"cancelled", "timed_out"} if run.called_back(place) or _late(run, place) else set()


def _late(run: Reading, place: Place) -> bool:
    """Whether compensation, that it is a part of, has no more time."""
    undoing = run.story.undoing
    return run.shape.is_undoing(place) and undoing is not None and run.story.now >= undoing.deadline


def _job_called(run: Reading, place: Place, part: Part) -> Ends:
    if not part.called:
        return set()
    report = run.story.reports.get(run.story.job(place))
    waited = part.until is not None and run.story.now >= part.until
    return {part.called} if waited or isinstance(report, JobFailed | JobLost | JobDenied | WritRevoked) else set()


def _by_its_kind(run: Reading, place: Place, output: Any) -> Ends:
    return _KINDS[run.shape.kind(place)](run, place, output)


def _job(run: Reading, place: Place, output: Any) -> Ends:
    part, report = run.story.of(place), run.story.reports.get(run.story.job(place))
    match report:
        case JobSucceeded(output=text):
            must(output is None or same(output, parsed(text)), f"{place} ends with {output}, but its job with {text}")
            return {"succeeded"} if _fits(run, place, text) else {"failed"}
        case JobDenied():
            return {"denied"}
        case JobLost(reason="queue_timeout"):
            return {"timed_out"}
        case _ if part.retry_at or report is None or isinstance(report, WritRevoked):
            return set()
        case _ if is_loss(report):
            free = isinstance(report, JobLost) and report.reason in LOST_FREE
            return {"failed"} if not free and part.lost >= run.max_lost else set()
        case _:
            again = retries(run, place, as_failure(report)) and not (run.called_back(place) or part.called)
            return set() if again else {"failed"}


def handed_back(report: Report | None) -> bool:
    """Whether a worker has refused the job for its writ, does not know such jobs, or leaves."""
    if not isinstance(report, JobFailed):
        return False
    return report.code.startswith("writ_") or report.code in ("worker_leaving", "no_handler")


def is_loss(report: Report | None) -> bool:
    """Whether an attempt ended so that it spends no retry."""
    over = ("attempt_timeout", "queue_timeout")
    return handed_back(report) or (isinstance(report, JobLost) and report.reason not in over)


def as_failure(report: JobFailed | JobLost) -> JobFailed:
    """An attempt that took too long has failed, and may be tried again."""
    if isinstance(report, JobFailed):
        return report
    return JobFailed(job_id=report.job_id, lease=0, worker="", code=report.reason, message="", retryable=True)


def _fits(run: Reading, place: Place, text: str) -> bool:
    schema = run.shape.step(place).output_schema
    return schema is None or schema.problem(parsed(text)) is None


def retries(run: Reading, place: Place, report: JobFailed) -> bool:
    """Whether another attempt follows that failure."""
    retry, part = run.shape.step(place).retry, run.story.of(place)
    wanted = report.code in retry.retry_on if retry.retry_on else report.retryable
    allowed = wanted and report.code not in retry.non_retryable
    return allowed and part.spent + 1 < retry.max_attempts


def _question(run: Reading, place: Place, output: Any) -> Ends:
    spec = run.shape.step(place).spec
    assert isinstance(spec, ApprovalSpec | InputSpec)
    for answer in run.story.answers[str(place)]:
        match answer:
            case ApprovalGranted(data=data):
                fits = output is None or isinstance(spec, ApprovalSpec) or same(output, parsed(data))
                must(fits, f"{place} ends with {output}, but was given {data}")
                return {"succeeded"}
            case ApprovalRefused():
                return {"denied"}
            case ApprovalExpired():
                return {spec.on_expire}
            case _:
                continue
    return set()


def _child(run: Reading, place: Place, output: Any) -> Ends:
    for answer in run.story.answers[str(place)]:
        if isinstance(answer, ChildEnded):
            if answer.status == "succeeded":
                must(output is None or same(output, parsed(answer.output)), f"{place}: {output}, not {answer.output}")
            called = {run.story.of(place).called} - {""}
            return {answer.status} | (called if answer.status != "succeeded" else set())
    return set()


def _wait(run: Reading, place: Place, output: Any) -> Ends:
    part, spec = run.story.of(place), run.shape.step(place).spec
    assert isinstance(spec, WaitSpec)
    signal = run.story.signals.get(part.signal)
    if signal is None:
        return set()
    must(signal.name == spec.signal, f"{place} takes the signal {signal.name}, but waits for {spec.signal}")
    must(not signal.taken, f"{place} takes the signal {part.signal}, which was taken before")
    must(output is None or same(output, signal.payload), f"{place} ends with {output}, not {signal.payload}")
    first = next(name for name in run.story.signals if fitting(run, place, name))
    must(first == part.signal, f"{place} takes the signal {part.signal}, but {first} came first")
    return {"succeeded"}


def fitting(run: Reading, place: Place, signal_id: str) -> bool:
    """Whether a step that waits could take that signal now."""
    spec, signal = run.shape.step(place).spec, run.story.signals[signal_id]
    if not isinstance(spec, WaitSpec) or signal.taken or signal.name != spec.signal:
        return False
    wanted = run.value(spec.match, place) if spec.match is not None else {}
    payload = signal.payload if isinstance(signal.payload, Mapping) else {}
    return all(name in payload and same(payload[name], value) for name, value in wanted.items())


def _delay(run: Reading, place: Place, _: Any) -> Ends:
    due = run.story.of(place).due
    if due is None:
        return {"failed"}
    return {"succeeded"} if run.story.now >= due else set()


def due_of(run: Reading, place: Place) -> int | None:
    """When a delay that begins now is over; None where its own terms make no sense."""
    spec = run.shape.step(place).spec
    assert isinstance(spec, DelaySpec)
    try:
        if spec.until is not None:
            return instant(run.value(spec.until, place))
        assert spec.delay is not None
        wanted = run.value(spec.delay, place)
        return run.story.now + (wanted if isinstance(wanted, int) else milliseconds(wanted))
    except (ExpressionFailed, ValueError, TypeError):
        return None


def _condition(run: Reading, place: Place, output: Any) -> Ends:
    spec = run.shape.step(place).spec
    assert isinstance(spec, ConditionSpec)
    if run.fails(spec.expression, place):
        return {"failed"}
    must(output is None or same(output, run.value(spec.expression, place)), f"{place} ends with {output}")
    return {"succeeded"}


def _switch(run: Reading, place: Place, _: Any) -> Ends:
    spec, part = run.shape.step(place).spec, run.story.of(place)
    assert isinstance(spec, SwitchSpec)
    try:
        chosen = run.chosen(place)
    except ExpressionFailed:
        return {"failed"}
    part.chosen = chosen or ()
    return {"failed"} if chosen is None else {"succeeded"}


def _transform(run: Reading, place: Place, output: Any) -> Ends:
    spec = run.shape.step(place).spec
    assert isinstance(spec, TransformSpec)
    if run.fails(spec.output, place):
        return {"failed"}
    made = run.value(spec.output, place)
    must(output is None or same(output, made), f"{place} ends with {output}, but its output is {made}")
    return {"succeeded"}


def _storage(run: Reading, place: Place, output: Any) -> Ends:
    spec, ctx = run.shape.step(place).spec, run.story.ctx
    assert isinstance(spec, StorageSpec)
    if spec.set is not None and any(run.fails(value, place) for value in spec.set.values()):
        return {"failed"}
    if spec.get is not None and output is not None:
        got = ctx.get(spec.get[0]) if spec.single else {name: ctx.get(name) for name in spec.get}
        must(same(output, got), f"{place} gets {output}, but ctx has {got}")
    for name in spec.delete or ():
        must(name not in ctx, f"{place} deletes {name}, but it is still there")
    return {"succeeded", "failed"} if spec.get is not None else {"succeeded"}


def _notify(run: Reading, place: Place, _: Any) -> Ends:
    return {"succeeded"} if run.story.of(place).notified else {"failed"}


def _parallel(run: Reading, place: Place, output: Any) -> Ends:
    spec, members = run.shape.step(place).spec, run.members(place)
    assert isinstance(spec, ParallelSpec)
    well = [member for member in members if run.outcome(member) == "satisfied"]
    if len(well) >= spec.required and not run.story.of(place).called:
        made = {member.step: run.output(member) if member in well else None for member in members}
        must(output is None or same(output, made), f"{place} ends with {output}, but its parts with {made}")
        return {"succeeded"}
    return _failed_group(run, place)


def _failed_group(run: Reading, place: Place) -> Ends:
    return set() if run.busy(place) else run.failing_as(place)


def _loop(run: Reading, place: Place, output: Any) -> Ends:
    if run.story.of(place).called or not turn_settled(run, place):
        return _failed_group(run, place)
    if turn_breaks(run, place):
        return {"failed"}
    latest, spec = run.iteration(place), run.shape.step(place).spec
    assert isinstance(spec, LoopSpec)
    if wants_turn(run, place, latest + 1):
        return {"failed"} if latest + 1 >= spec.max_iterations else set()
    made = run.last_output(place, latest)
    must(output is None or same(output, made), f"{place} ends with {output}, but its last iteration with {made}")
    return {"succeeded"}


def _for_each(run: Reading, place: Place, output: Any) -> Ends:
    each = run.shape.step(place).for_each
    assert each is not None
    members = run.members(place)
    if len(members) > each.max_items:
        return {"failed"}
    if run.story.of(place).called or any(run.outcome(member) == "open" for member in members):
        return set() if run.collects(place) else _failed_group(run, place)
    if run.decisive(place) is not None:
        return _failed_group(run, place)
    well = [member for member in members if run.outcome(member) == "satisfied"]
    if members and len(well) < each.min_success:
        return {"failed"}
    if output is not None:
        _same_list(run, members, output)
    return {"succeeded"}


def _same_list(run: Reading, members: list[Place], output: Any) -> None:
    must(isinstance(output, list) and len(output) == len(members), f"{output} is no list of {len(members)}")
    for member, one in zip(members, output, strict=True):
        part = run.story.of(member)
        if run.outcome(member) == "satisfied":
            must(same(one, run.output(member)), f"{member} stands in the list as {one}, not {run.output(member)}")
        else:
            told = one.get("error", {}) if isinstance(one, dict) else {}
            must(told.get("status") == part.status, f"{member} is {part.status}, but stands in the list as {one}")
            must(part.status != "failed" or told.get("code") == part.code, f"{member}: {one} is not {part.code}")


_KINDS: dict[str, Callable[[Reading, Place, Any], Ends]] = {
    "job": _job,
    "approval": _question,
    "input": _question,
    "subworkflow": _child,
    "wait": _wait,
    "delay": _delay,
    "condition": _condition,
    "switch": _switch,
    "transform": _transform,
    "storage": _storage,
    "notify": _notify,
    "parallel": _parallel,
    "loop": _loop,
    "for_each": _for_each,
}


def failed_unbegun(run: Reading, place: Place) -> None:
    """Raise Wrong unless a step that never began may fail: an expression of it has no value."""
    step = run.shape.step(place)
    templates = [step.when, step.input, *_templates(step.spec)]
    if run.shape.is_whole(place) and step.for_each is not None:
        templates = [step.when, step.for_each.items]
    must(any(run.fails(template, place) for template in templates), f"{place}: no expression of it fails")


def _templates(spec: object) -> list[Any]:
    names = ("expression", "output", "subject", "delay", "until", "match", "channel", "message", "level")
    own = [getattr(spec, name, None) for name in names]
    cases = [template for case in getattr(spec, "cases", ()) for template in (case.when, case.match)]
    return own + cases + list((getattr(spec, "set", None) or {}).values())
