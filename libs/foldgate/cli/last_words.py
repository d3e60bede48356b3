"""The last that a process said before it ended, as lines for people: no stack frames, and JSON told as text."""

import signal
from pathlib import Path
from typing import Any

import msgspec

from foldgate.cli.terminal import harmless

_READ_BYTES = 64 * 1024
_ASIDE = {"event", "level", "timestamp", "exception", "exc_info"}


def ending(status: int) -> str:
    """How a process ended."""
    if status >= 0:
        return f"exit code {status}"
    try:
        return f"exit code {status}: killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"exit code {status}: killed by signal {-status}"


def last_words(log: Path, *, lines: int = 8) -> str:
    """The end of a log, or that there is nothing in it."""
    said = [told for line in _tail(log).splitlines() if (told := _told(line))][-lines:]
    if not said:
        return f"Its log {log} is empty."
    return f"The last lines of {log}:\n" + "\n".join(f"  {harmless(line, most=400)}" for line in said)


def _tail(log: Path) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _READ_BYTES))
        return file.read().decode(errors="replace")


def _told(line: str) -> str:
    """One line of a log for people; empty if it is a part of a stack trace."""
    if line[:1].isspace() or line.startswith("Traceback (most recent call last)"):
        return ""
    try:
        entry = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.MsgspecError:
        return line
    rest = [f"{name}={value}" for name, value in entry.items() if name not in _ASIDE]
    why = str(entry.get("exception", "")).rstrip().rpartition("\n")[2]
    return " ".join(filter(None, [f"{entry.get('level', '')}: {entry.get('event', '')}", *rest, why]))
