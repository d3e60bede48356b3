"""Explains a run: each thing that it waits for, and what to do about it; or its end, and the step that decided it.

What a run waits for its own fold says. Where that is a job, the streams of policy and scheduler say how far it has
come; where it is a place under a concurrency key, the stream of slots says who holds it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from foldgate.cli.folding import FoldedRun, folded
from foldgate.cli.job_wait import Explained, explained
from foldgate.cli.queues import queued
from foldgate.cli.reaching import opened
from foldgate.cli.reading import Seen
from foldgate.cli.run_history import events_of
from foldgate.cli.telling import ENDS, STYLES, told
from foldgate.cli.terminal import harmless, plain, say, say_json
from foldgate.cli.words import moment
from foldgate.contracts import ids
from foldgate.contracts.events import (
    ApprovalRequested,
    ChildRequested,
    Event,
    JobAbandoned,
    SlotQueued,
    StepCancelled,
    StepDenied,
    StepFailed,
    StepStarted,
    StepTimedOut,
)
from foldgate.decider.decider import Wait

_ASK_DOCTOR = "If it lasts, see `foldgate doctor`: is the kernel at work?"
_BY_ITSELF = "Nothing: it goes on by itself."
_MOST = 400
NOBODY: Mapping[str, str] = {}


class Told(NamedTuple):
    """One thing that is waited for."""

    step: str
    reason: str
    since: int
    until: int | None
    do: str


async def print_why(run_id: str, *, data: Path | None, as_json: bool) -> None:
    """Print what a run waits for, or its end."""
    async with opened(data) as suite:
        run = await folded(suite, run_id)
        everything = await events_of(suite, run_id)
        reasons = {} if run.is_over else await queued(suite, everything)
    waits = list(waits_of(run, everything, queues=reasons))
    if as_json:
        say_json(_as_object(run, waits))
    elif run.is_over:
        _print_end(run)
    else:
        _print_waits(run, waits)


def waits_of(run: FoldedRun, everything: list[Seen], *, queues: Mapping[str, str] = NOBODY) -> Iterator[Told]:
    """All that a live run waits for. `queues` has what the scheduler says of jobs that wait there."""
    if run.is_over:
        return
    for wait in run.decider.waits(run.state):
        found = _explained(run, wait, everything, queues)
        yield Told(wait.step, found.reason, wait.since, wait.until, found.do)


def _explained(run: FoldedRun, wait: Wait, everything: list[Seen], queues: Mapping[str, str]) -> Explained:
    step = run.described.get("steps", {}).get(wait.step, {})
    if wait.step and step.get("status") == "requested":
        job_id = ids.job_id(run.run_id, wait.step, step.get("attempt", 1))
        return explained(job_id, everything, waits_for=queues.get(job_id, ""))
    about = [seen.event for seen in everything if _concerns(seen, wait)]
    return Explained(f"waits for {wait.reason}", _what_to_do(run, wait, about[-1] if about else None))


def _concerns(seen: Seen, wait: Wait) -> bool:
    """Whether an event says what a wait is about: of a step its last one, of the whole run who holds its place."""
    if not wait.step:
        return isinstance(seen.event, SlotQueued) and seen.event.slot in wait.reason
    return seen.record.partition.stream == "runs" and getattr(seen.event, "step", "") == wait.step


def _what_to_do(run: FoldedRun, wait: Wait, last: Event | None) -> str:
    if not wait.step and (told := _what_to_do_for_all_of_it(run, wait)):
        return told
    match last:
        case StepStarted(kind="wait", signal=signal):
            return f"Send the signal: `foldgate run signal {run.run_id} {signal} --payload JSON`."
        case ApprovalRequested(approval_id=approval_id):
            return f"Somebody who may answer does: see `foldgate approvals show {approval_id}`."
        case ChildRequested(child_run=child):
            return f"See `foldgate why {child}`."
        case SlotQueued(holders=(first, *_) as holders):
            return f"It is held by {', '.join(holders)}: see `foldgate why {first}`."
        case _:
            return _BY_ITSELF


def _what_to_do_for_all_of_it(run: FoldedRun, wait: Wait) -> str:
    if run.described.get("status") == "paused":
        return f"Let it go on: `foldgate run resume {run.run_id}`."
    return _ASK_DOCTOR if wait.reason.startswith("policy") else ""


def _as_object(run: FoldedRun, waits: list[Told]) -> dict[str, Any]:
    found = {"run_id": run.run_id, "status": run.described.get("status", "")}
    if not run.is_over:
        return {**found, "waits": [wait._asdict() for wait in waits]}
    end, decisive = run.end, _decisive(run)
    return {
        **found,
        "waits": [],
        "end": {"event": type(end.event).__name__, "at": end.at, **plain(end.event)} if end else None,
        "step": {"event": type(decisive).__name__, **plain(decisive)} if decisive else None,
    }


def _print_waits(run: FoldedRun, waits: list[Told]) -> None:
    status = str(run.described.get("status", ""))
    say(f"{harmless(run.run_id)} {status}", style=STYLES.get(status, ""))
    for wait in waits:
        say(f"  {harmless(f'{wait.step} ' if wait.step else 'It ', most=100)}{harmless(wait.reason, most=_MOST)}")
        until = f", until {moment(wait.until)}" if wait.until is not None else ""
        say(f"      since {moment(wait.since)}{until}", style="dim")
        say(f"      {harmless(wait.do, most=_MOST)}", style="cyan")
    if not waits:
        say("  It waits for nothing that is known: this is a fault of Foldgate; see `foldgate doctor`.", style="red")


def _print_end(run: FoldedRun) -> None:
    end = run.end
    assert end is not None
    assert end.event is not None
    status = ENDS[type(end.event).__name__]
    say(f"{harmless(run.run_id)} {status} at {moment(end.at)}: {told(end.event, most=_MOST)}", style=STYLES[status])
    decisive = _decisive(run)
    if decisive is not None:
        say(f"  decided by  {told(decisive, most=_MOST)}")
    if status not in ("succeeded", "refused"):
        step = getattr(end.event, "step", "") or "STEP"
        say(f"  to do it again from there: `foldgate run rerun {run.run_id} --from {step}`", style="cyan")
    if any(isinstance(seen.event, JobAbandoned) for seen in run.events):
        say(f"  jobs that nobody tries again: `foldgate dlq list --all --run {run.run_id}`", style="cyan")


def _decisive(run: FoldedRun) -> Event | None:
    """The end of the step that decided the end of the run."""
    step = getattr(run.end.event, "step", "") if run.end else ""
    ends = StepFailed | StepDenied | StepTimedOut | StepCancelled
    found = [seen.event for seen in run.events if isinstance(seen.event, ends) and seen.event.step == step]
    return found[-1] if found else None
