"""What a live run waits for, by name: `foldgate why` prints it, and a run without it is a breach of INV-11."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from foldgate.contracts import ids
from foldgate.decider.decider import Wait
from foldgate.engine.runs.scope import error_of
from foldgate.engine.runs.state import Run, awaits_policy, ended, wakes
from foldgate.engine.runs.step import Step


def waits(run: Run) -> Iterator[Wait]:
    """Each thing that will move the run, what concerns the whole of it first."""
    if ended(run):
        return
    if run.phase == "pending":
        yield Wait(step="", reason=f"slot {run.slot}", since=run.began)
    if run.paused_at is not None:
        yield Wait(step="", reason="somebody who resumes it", since=run.paused_at)
    if run.deferred:
        yield Wait(step="", reason="its next append", since=run.at, until=run.at)
    if awaits_policy(run):
        yield Wait(step="", reason="policy, which lets it begin or not", since=run.began)
    for step_id, step in run.steps.items():
        if step.live and (step.parts is None or not step.parts.live):
            yield Wait(step=step_id, reason=_reason(run, step_id, step), since=step.since, until=step.wakes)


def watches(run: Run) -> Iterator[tuple[str, int]]:
    """What policy has not let begin yet, and the jobs that were asked for and have no report."""
    if awaits_policy(run):
        yield "admission", run.began
    for step in run.steps.values():
        if step.status == "requested":
            yield "report", step.since


def _reason(run: Run, step_id: str, step: Step) -> str:
    """What one step waits for."""
    job = ids.job_id(run.run_id, step_id, step.attempt)
    if step.status == "requested":
        return f"report of {job}"
    if step.status == "retrying":
        return f"attempt {step.attempt + 1}, after {step.code}"
    if step.status == "cancelling":
        return f"end of {step.awaits or job}, which was called back"
    return _AWAITED.get(step.kind, "its next part").format(step.awaits)


_AWAITED = {
    "approval": "people, who are asked for a yes",
    "input": "people, who are asked for data",
    "subworkflow": "child run {}",
    "wait": "signal {}",
    "delay": "its time",
}


def has_wake_up(run: Run) -> bool:
    """Whether anything will move it, without looking at each step."""
    return bool(run.live) or run.paused or run.deferred or run.phase == "pending" or awaits_policy(run)


def status_of(run: Run) -> str:
    """The status of a run as people know it."""
    if ended(run):
        return run.phase
    if run.paused:
        return "paused"
    if run.phase == "pending":
        return "waiting"
    live = [step for step in run.steps.values() if step.live]
    idle = all(_is_idle(step) for step in live) if live else awaits_policy(run)
    return "waiting" if idle and not run.deferred else "running"


def _is_idle(step: Step) -> bool:
    return step.status == "waiting" or (step.status == "running" and step.parts is not None and step.parts.live > 0)


def due(run: Run, *, noted_after_ms: int) -> int | None:
    """When the run wants a tick: when its time comes, or when its wait is long enough to be noted."""
    at = wakes(run)
    if run.noted:
        return at
    note = run.at + noted_after_ms
    return note if at is None else min(at, note)


def describe(run: Run) -> Mapping[str, Any]:
    """The run for those who look at it."""
    return {
        "run_id": run.run_id,
        "status": status_of(run),
        "workflow": run.workflow,
        "version": run.version,
        "digest": run.digest,
        "kind": run.kind,
        "topic": run.topic,
        "input": msgspec.json.decode(run.input),
        "labels": run.labels,
        "ctx": {name: msgspec.json.decode(value) for name, value in run.ctx.items()},
        "began": run.began,
        "rerun_of": run.rerun_of,
        "events": run.events,
        "steps": {step_id: _described(step) for step_id, step in run.steps.items()},
    }


def _described(step: Step) -> dict[str, Any]:
    shown: dict[str, Any] = {"status": step.status, "since": step.since}
    if step.attempt:
        shown["attempt"] = step.attempt
    if step.output:
        shown["output"] = msgspec.json.decode(step.output)
    if (error := error_of(step)) is not None:
        shown["error"] = error
    if step.status == "skipped":
        shown["reason"] = step.code
    return shown
