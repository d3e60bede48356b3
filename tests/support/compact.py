"""Events as short lines, to compare with what a test expects: `JobRequested a@1`, `StepSkipped b when_false`."""

import re

from foldgate.contracts.events import Event, JobRequested

_FIELDS = (
    *("job_id", "step", "steps", "kind", "workflow", "name", "value", "signal", "level", "message"),
    *("status", "ending", "output", "code", "rule", "reported", "compensation"),
)
_LEFT_OUT = {
    "RunStarted": {"workflow"},
    "SignalReceived": {"value"},
    "ApprovalRequested": {"kind"},
    "ChildEnded": {"step", "output"},
    "StepSucceeded": {"job_id", "output", "signal"},
    "AttemptFailed": {"step", "message"},
    "JobCancelRequested": {"step", "ending"},
    "ChildCancelRequested": {"ending"},
    "StepCancelRequested": {"code"},
    "RunHalted": {"status"},
}
_WITH_REASON = {"StepSkipped"}
_FAILED = re.compile(r"(Step|Run)(Failed|Denied|TimedOut|Cancelled)$")


def compact(event: Event) -> str:
    """One event as a line: its name, the step, and what tells it from others of its kind."""
    name = type(event).__name__
    if isinstance(event, JobRequested):
        return f"{name} {_attempt(event.job.job_id)}"
    left_out = _LEFT_OUT.get(name, set[str]()) | ({"job_id", "message"} if _FAILED.match(name) else set())
    left_out |= {"step"} if name.startswith("Run") else set()
    shown = [_shown(field, getattr(event, field, "")) for field in _FIELDS if field not in left_out]
    shown += [event.reason] if name in _WITH_REASON else []  # type: ignore[union-attr]
    return " ".join([name, *filter(None, shown)])


def _shown(field: str, value: object) -> str:
    if field == "job_id":
        return _attempt(str(value)) if value else ""
    if field == "compensation":
        return "" if value in ("", "none") else f"compensation {value}"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value or "")


def _attempt(job_id: str) -> str:
    return job_id.partition(":")[2]
