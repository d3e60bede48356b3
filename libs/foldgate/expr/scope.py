"""What an expression is given to read: of everything in scope, no more than it names."""

from collections.abc import Mapping
from itertools import takewhile
from typing import Any, Final

from foldgate.expr.faults import Path
from foldgate.expr.moments import moment
from foldgate.expr.names import LOOP

ABSENT: Final = object()


def value_at(path: Path, scope: Any) -> Any:
    """What is there, or ABSENT."""
    at: Any = scope
    for key in path:
        at = _member(at, key)
    return at


def _member(of: Any, key: str | int) -> Any:
    if isinstance(key, str):
        return of.get(key, ABSENT) if isinstance(of, Mapping) else ABSENT
    return of[key] if isinstance(of, list) and key < len(of) else ABSENT


def widest(paths: list[Path]) -> tuple[Path, ...]:
    """The paths that are enough to have all of these: up to the first index, none behind another."""
    named = {tuple(takewhile(lambda key: isinstance(key, str), path)) for path in paths}
    return tuple(sorted(path for path in named if not any(path[:end] in named for end in range(1, len(path)))))


def narrowed(paths: tuple[Path, ...], scope: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the scope that these paths lead to. All of it would be handed over, and copied, every time."""
    part: dict[str, Any] = {}
    for path in paths:
        _carry(path, scope, part)
    if "now" in part:
        part["now"] = moment(part["now"])
    if "loop" in part:
        part[LOOP] = part.pop("loop")
    return part


def named(path: Path, names: frozenset[str]) -> Path:
    """The part of a path that is one name with dots; empty where its first part is a name by itself."""
    parts = [path[:end] for end in range(2, len(path) + 1) if ".".join(map(str, path[:end])) in names]
    return parts[-1] if parts else ()


def flat(data: dict[str, Any], dotted: tuple[Path, ...]) -> dict[str, Any]:
    """The data of names with dots, as CEL's library takes them: each under its whole name."""
    values = {".".join(map(str, path)): value_at(path, data) for path in dotted}
    return {name: value for name, value in values.items() if value is not ABSENT}


def _carry(path: Path, at: Any, part: dict[Any, Any]) -> None:
    """Take over what lies on this path. Where it breaks off, so does the part: the error is the same."""
    for key in path[:-1]:
        if key not in at:
            return
        at = at[key]
        if not isinstance(at, dict):
            part[key] = at
            return
        part = part.setdefault(key, {})
    if path[-1] in at:
        part[path[-1]] = at[path[-1]]
