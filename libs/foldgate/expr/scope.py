"""What an expression is given to read: of everything in scope, no more than it names."""

from collections.abc import Mapping
from itertools import takewhile
from typing import Any, Final, NamedTuple

from foldgate.expr.faults import Path
from foldgate.expr.moments import moment
from foldgate.expr.names import LOOP

ABSENT: Final = object()
_MAPS = (dict, Mapping)
"""Nearly all of them are the first, and whether something is the second takes long to find out."""


def value_at(path: Path, scope: Any) -> Any:
    """What is there, or ABSENT."""
    at: Any = scope
    for key in path:
        at = _member(at, key)
    return at


def _member(of: Any, key: str | int) -> Any:
    if isinstance(key, str):
        return of.get(key, ABSENT) if isinstance(of, _MAPS) else ABSENT
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


class Dotted(NamedTuple):
    """A name with dots in it, where its value is, and what of that value is read."""

    name: str
    path: Path
    members: tuple[Path, ...]


def dotted(paths: tuple[Path, ...], names: frozenset[str]) -> tuple[Dotted, ...]:
    """The names with dots that begin these paths; none where their first parts are names by themselves."""
    members: dict[Path, list[Path]] = {}
    for path in paths:
        for end in range(2, len(path) + 1):
            if ".".join(map(str, path[:end])) in names:
                members.setdefault(path[:end], []).append(path[end:])
    return tuple(Dotted(".".join(map(str, path)), path, tuple(several)) for path, several in members.items())


def flat(reads: tuple[Dotted, ...], scope: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the scope that these lead to, as CEL's library takes it: each under its whole name."""
    data: dict[str, Any] = {}
    for name, path, members in reads:
        value = value_at(path, scope)
        if value is not ABSENT:
            data[name] = _part(value, members)
    return data


def _part(value: Any, members: tuple[Path, ...]) -> Any:
    if () in members or not isinstance(value, dict):
        return value
    part: dict[str, Any] = {}
    for path in members:
        _carry(path, value, part)
    return part


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
