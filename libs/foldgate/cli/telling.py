"""What an event says, in a few words for people. One that is not in the table is told by its fields."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from foldgate.cli.terminal import harmless
from foldgate.contracts.events import Event

MOST = 160
SHOWN_BYTES = 256

ENDS: Mapping[str, str] = {
    "RunSucceeded": "succeeded",
    "RunFailed": "failed",
    "RunDenied": "denied",
    "RunRefused": "refused",
}
"""The events that end a run, or a request for one, and the status they give it."""


def told(event: Event, *, most: int = MOST) -> str:
    """The event in a few words."""
    tell = _TABLE.get(type(event).__name__, fields_of)
    return harmless(tell(event), most=most)


def fields_of(event: Any) -> str:
    """All fields that say something."""
    pairs = ((name, getattr(event, name)) for name in event.__struct_fields__)
    return "  ".join(f"{name}={_short(value)}" for name, value in pairs if value not in ("", b"", (), {}))


def _short(value: Any) -> str:
    if isinstance(value, bytes):
        return f"{value[:8].hex()}…" if len(value) > 8 else value.hex()
    return str(value.job_id) if isinstance(value, msgspec.Struct) and hasattr(value, "job_id") else str(value)


def attempt(job_id: str) -> str:
    """A job within its run: its step and the number of the try."""
    return job_id.partition(":")[2] or job_id


def shown_bytes(data: bytes, size: int) -> str:
    """Bytes that nobody could read: as text if they are, else in hexadecimal digits."""
    cut = data[:SHOWN_BYTES]
    text = cut.decode(errors="replace")
    shown = text if text.isprintable() and "\N{REPLACEMENT CHARACTER}" not in text else cut.hex(" ")
    return shown if size <= len(cut) else f"{shown} … ({size} bytes in all)"


def _labelled(text: str, labels: Mapping[str, str]) -> str:
    return text if not labels else f"{text}  {' '.join(f'{name}={value}' for name, value in labels.items())}"


_TABLE: Mapping[str, Callable[[Any], str]] = {
    "RunRequested": lambda e: _labelled(f"asks for {e.topic or e.workflow} with {e.input}", e.labels),
    "RunStarted": lambda e: _labelled(f"{e.topic or e.workflow} with {e.input}", e.labels),
    "RunRefused": lambda e: f"{e.code}: {e.reason}",
    "RunSucceeded": lambda e: e.output,
    "RunFailed": lambda e: f"{e.code}: {e.message}",
    "RunDenied": lambda e: f"{e.rule}: {e.reason}",
    "JobRequested": lambda e: f"{attempt(e.job.job_id)} of {e.job.topic}{f', after {e.after}' if e.after else ''}",
    "WritIssued": lambda e: f"{attempt(e.job.job_id)} may run in pool '{e.writ.pool}': {e.writ.rule}, {e.writ.writ_id}",
    "JobDenied": lambda e: f"{attempt(e.job_id)}: {e.rule}: {e.reason}",
    "JobQueued": lambda e: f"{attempt(e.job.job_id)} waits for a worker",
    "JobDispatched": lambda e: f"{attempt(e.job.job_id)} to {e.worker}, lease {e.lease} for {e.lease_ms} ms",
    "JobReleased": lambda e: f"{attempt(e.job_id)} by {e.worker}: {e.outcome}",
    "JobLost": lambda e: f"{attempt(e.job_id)}{f' with {e.worker}' if e.worker else ''}: {e.reason}",
    "JobSucceeded": lambda e: f"{attempt(e.job_id)} by {e.worker}: {e.output}",
    "JobFailed": lambda e: f"{attempt(e.job_id)} by {e.worker}: {e.code}: {e.message}",
    "JobReportIgnored": lambda e: f"{attempt(e.job_id)}, {e.reported} under lease {e.lease}: {e.reason}",
    "StepSucceeded": lambda e: f"{e.step} by {attempt(e.job_id)}",
    "StepFailed": lambda e: f"{e.step} by {attempt(e.job_id)}: {e.code}: {e.message}",
    "StepDenied": lambda e: f"{e.step} by {attempt(e.job_id)}: {e.rule}: {e.reason}",
    "CaseClosed": lambda e: e.status,
    "OwnerChanged": lambda e: f"epoch {e.epoch}: {e.owner}",
    "PositionsAdvanced": lambda _: "",
    "WorkerBeat": lambda e: f"{e.worker}, beat {e.beat}, holds {len(e.holding)} of {e.max_parallel}",
    "MessageQuarantined": lambda e: (
        f"{e.code} at {e.source_stream}-{e.source_partition} @{e.source_offset}, key {shown_bytes(e.source_key, 0)}:"
        f" {e.reason}"
    ),
}
