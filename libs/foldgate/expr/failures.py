"""Why an expression has no value, told with what it saw."""

from collections.abc import Mapping
from typing import Any

from foldgate.expr.expression import Expression
from foldgate.expr.faults import ExpressionFailed, Path
from foldgate.expr.results import NoValue, canonical
from foldgate.expr.scope import ABSENT, value_at

_MAX_SHOWN = 80
_MAX_TEXT = 120


def failure(expression: Expression, scope: Mapping[str, Any], *, place: str, reason: NoValue) -> ExpressionFailed:
    """The reason, the expression, its place, and the values that it saw: in 500 characters at most."""
    message = (
        f"Expected a value of ${{{_short(expression.text, _MAX_TEXT)}}} at {_short(place, _MAX_TEXT)}, but got {reason}"
    )
    saw = "; ".join(_shown(path, scope) for path in expression.paths[:4])
    return ExpressionFailed(f"{message}. It saw {saw}" if saw else f"{message}.", code=reason.code)


def _shown(path: Path, scope: Mapping[str, Any]) -> str:
    """The value of the longest part of the path that has one."""
    for end in range(len(path), 0, -1):
        value = value_at(path[:end], scope)
        if value is not ABSENT:
            return f"{_spelled(path[:end])} = {_short(_json(value), _MAX_SHOWN)}"
    return f"no {path[0]}"


def _json(value: Any) -> str:
    try:
        return canonical(value)
    except NoValue as reason:
        return str(reason)


def _spelled(path: Path) -> str:
    return "".join(
        str(key) if not at else f".{key}" if isinstance(key, str) else f"[{key}]" for at, key in enumerate(path)
    )


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
