"""The names that expressions may read, what CEL knows of their types, and where they are compiled."""

from functools import lru_cache
from typing import Any

from cel_expr_python import cel

_ANY = cel.Type.DYN
_MAP = cel.Type.Map(cel.Type.STRING, _ANY)
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
MAX_RANGES = 16


def range_name(number: int) -> str:
    """The name of a range that is put in order before an evaluation; expressions cannot read it."""
    return f"range_{number}_"


def _variables(names: frozenset[str]) -> dict[str, Any]:
    return {LOOP if name == "loop" else name: _TYPES[name] for name in sorted(names)}


@lru_cache(maxsize=64)
def environment(names: frozenset[str]) -> cel.Env:
    """Where expressions are checked that may read these."""
    return cel.NewEnv(variables=_variables(names))


@lru_cache(maxsize=64)
def ordering(names: frozenset[str]) -> cel.Env:
    """The same, with ranges in order."""
    ranges = {range_name(number): _ANY for number in range(MAX_RANGES)}
    return cel.NewEnv(variables={**_variables(names), **ranges})
