"""The names that expressions may read, what CEL knows of their types, and where they are compiled.

A name may have dots in it: of a rule's `job` CEL knows every member and its type, so that a wrong one is found when the
rule is written, not when it is to decide.
"""

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
"""What workflows may read."""
_TEXTS = cel.Type.Map(cel.Type.STRING, cel.Type.STRING)
_LIST_OF_TEXTS = cel.Type.List(cel.Type.STRING)
_RULE_TYPES = {
    "job.topic": cel.Type.STRING,
    "job.kind": cel.Type.STRING,
    "job.input": _ANY,
    "job.labels": _TEXTS,
    "job.tenant": cel.Type.STRING,
    "job.principal": cel.Type.STRING,
    "job.capability": cel.Type.STRING,
    "job.risk_tags": _LIST_OF_TEXTS,
    "job.requires": _LIST_OF_TEXTS,
    "job.pack_id": cel.Type.STRING,
    "job.actor_id": cel.Type.STRING,
    "job.actor_type": cel.Type.STRING,
    "job.secrets_present": cel.Type.BOOL,
    "job.mcp.server": cel.Type.STRING,
    "job.mcp.tool": cel.Type.STRING,
    "job.mcp.resource": cel.Type.STRING,
    "run.id": cel.Type.STRING,
    "run.workflow": cel.Type.STRING,
    "run.labels": _TEXTS,
    "run.input": _ANY,
}
RULE_NAMES = frozenset(_RULE_TYPES)
"""What rules may read: of the job, and of its run."""
ROOTS = ALL_NAMES | {name.partition(".")[0] for name in RULE_NAMES}
"""What a path may begin with."""
LOOP = "Loop"
"""What the library calls `loop`."""
MAX_RANGES = 16
ASKED = "asked_"
"""Which of several expressions are asked; they cannot read it."""


def range_name(number: int) -> str:
    """The name of a range that is put in order before an evaluation; expressions cannot read it."""
    return f"range_{number}_"


def _variables(names: frozenset[str]) -> dict[str, Any]:
    types = {**_TYPES, **_RULE_TYPES}
    return {LOOP if name == "loop" else name: types[name] for name in sorted(names)}


@lru_cache(maxsize=64)
def environment(names: frozenset[str]) -> cel.Env:
    """Where expressions are checked that may read these."""
    return cel.NewEnv(variables=_variables(names))


@lru_cache(maxsize=64)
def ordering(names: frozenset[str]) -> cel.Env:
    """The same, with ranges in order."""
    ranges = {range_name(number): _ANY for number in range(MAX_RANGES)}
    return cel.NewEnv(variables={**_variables(names), **ranges})


@lru_cache(maxsize=64)
def asking(names: frozenset[str]) -> cel.Env:
    """The same, with which are asked of several."""
    return cel.NewEnv(variables={**_variables(names), ASKED: cel.Type.List(cel.Type.BOOL)})
