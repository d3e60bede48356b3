"""The names that expressions may read, and what CEL knows of their types."""

from functools import lru_cache

from cel_expr_python import cel

_TYPES = {
    "input": cel.Type.DYN,
    "ctx": cel.Type.DYN,
    "steps": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    "item": cel.Type.DYN,
    "index": cel.Type.INT,
    "loop": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    "run": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    "now": cel.Type.TIMESTAMP,
}
ALL_NAMES = frozenset(_TYPES)


@lru_cache(maxsize=64)
def environment(names: frozenset[str]) -> cel.Env:
    """Where expressions are compiled that may read these."""
    return cel.NewEnv(variables={name: _TYPES[name] for name in sorted(names)})
