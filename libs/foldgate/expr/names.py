"""The names that expressions may read, what CEL knows of their types, and where they are compiled."""

from functools import lru_cache
from typing import Any

from cel_expr_python import cel

_ANY = cel.Type.DYN
_MAP = cel.Type.Map(cel.Type.STRING, _ANY)
_LIST = cel.Type.List(_ANY)
_TYPES = {
    "input": _ANY,
    "ctx": _ANY,
    "steps": _MAP,
    "item": _ANY,
    "index": cel.Type.INT,
    "loop": _MAP,
    "run": _MAP,
    "now": cel.Type.TIMESTAMP,
}
ALL_NAMES = frozenset(_TYPES)
LOOP = "Loop"
"""What the library calls `loop`."""
ORDERED = "ordered_"
"""The function that gives the elements of a list, or the keys of a map in order; expressions cannot call it."""


def _order(keys: dict[Any, Any]) -> list[Any]:
    return sorted(keys)


def _itself(items: list[Any]) -> list[Any]:
    return items


def _overload(name: str, taken: cel.Type, made: Any) -> cel.Overload:
    return cel.Overload(name, return_type=_LIST, parameters=[taken], is_member=True, impl=made)


_ORDERING = cel.FunctionDecl(
    ORDERED,
    [_overload("ordered_map", cel.Type.Map(_ANY, _ANY), _order), _overload("ordered_list", _LIST, _itself)],
)


def _variables(names: frozenset[str]) -> dict[str, Any]:
    return {LOOP if name == "loop" else name: _TYPES[name] for name in sorted(names)}


@lru_cache(maxsize=64)
def environment(names: frozenset[str]) -> cel.Env:
    """Where expressions are checked that may read these."""
    return cel.NewEnv(variables=_variables(names))


@lru_cache(maxsize=64)
def ordering(names: frozenset[str]) -> cel.Env:
    """The same, with a function more."""
    return cel.NewEnv(variables=_variables(names), functions=[_ORDERING])
