"""What an event says, in a few words for people. One that is not in the table of words is told by its fields."""

from collections.abc import Mapping
from typing import Any

import msgspec

from foldgate.cli.terminal import harmless
from foldgate.cli.words import TABLE
from foldgate.contracts.endings import RUN_ENDS
from foldgate.contracts.events import Event

MOST = 160

ENDS: Mapping[str, str] = {**{end.__name__: status for end, status in RUN_ENDS.items()}, "RunRefused": "refused"}
"""The events that end a run, or a request for one, and the status they give it."""

STYLES: Mapping[str, str] = {
    "succeeded": "green",
    "failed": "red",
    "denied": "red",
    "timed_out": "red",
    "refused": "red",
    "cancelled": "yellow",
    "running": "yellow",
    "waiting": "yellow",
    "paused": "yellow",
    "skipped": "dim",
}
"""How a status looks on a terminal."""


def told(event: Event, *, most: int = MOST) -> str:
    """The event in a few words."""
    tell = TABLE.get(type(event).__name__, fields_of)
    return harmless(tell(event), most=most)


def fields_of(event: Any) -> str:
    """All fields that say something."""
    pairs = ((name, getattr(event, name)) for name in event.__struct_fields__)
    return "  ".join(f"{name}={_short(value)}" for name, value in pairs if value not in ("", b"", (), {}))


def _short(value: Any) -> str:
    if isinstance(value, bytes):
        return f"{value[:8].hex()}…" if len(value) > 8 else value.hex()
    return str(value.job_id) if isinstance(value, msgspec.Struct) and hasattr(value, "job_id") else str(value)
