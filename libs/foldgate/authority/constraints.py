"""What must hold while a job is done: said by rules, combined to the tightest, enforced by scheduler and worker."""

from collections.abc import Callable, Iterable
from functools import reduce
from typing import TypeVar

import msgspec

Names = tuple[str, ...]
REDACTION = ("none", "low", "high")
"""How much is taken out of what is kept, from little to much."""
T = TypeVar("T")


class Constraints(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """None, and no entry in a map, is no limit; an empty list of what is allowed allows nothing."""

    max_runtime_ms: int | None = None
    max_concurrent: dict[str, int] = msgspec.field(default_factory=dict)
    """For each key, how many jobs of one value may run at once."""
    rate: dict[str, int] = msgspec.field(default_factory=dict)
    """For each key, how many jobs of one value may begin in a minute."""
    allowed_tools: Names | None = None
    allowed_commands: Names | None = None
    network_allowlist: Names | None = None
    redaction: str = REDACTION[0]
    max_cost_usd: float | None = None


NONE = Constraints()
_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(Constraints).decode


def canonical(constraints: Constraints) -> str:
    """Their one spelling; empty if there are none."""
    return "" if constraints == NONE else _encode(constraints).decode()


def constraints_of(text: str) -> Constraints:
    """What a decision carries."""
    return _decode(text) if text else NONE


def tightest(several: Iterable[Constraints]) -> Constraints:
    """What holds where all of these must."""
    return reduce(_both, several, NONE)


def _both(one: Constraints, other: Constraints) -> Constraints:
    return Constraints(
        max_runtime_ms=_either(one.max_runtime_ms, other.max_runtime_ms, min),
        max_concurrent=_lower(one.max_concurrent, other.max_concurrent),
        rate=_lower(one.rate, other.rate),
        allowed_tools=_either(one.allowed_tools, other.allowed_tools, _shared),
        allowed_commands=_either(one.allowed_commands, other.allowed_commands, _shared),
        network_allowlist=_either(one.network_allowlist, other.network_allowlist, _shared),
        redaction=max(one.redaction, other.redaction, key=REDACTION.index),
        max_cost_usd=_either(one.max_cost_usd, other.max_cost_usd, min),
    )


def _either(one: T | None, other: T | None, both: Callable[[T, T], T]) -> T | None:
    """The limit that there is; where there are two, what both allow."""
    if one is None or other is None:
        return other if one is None else one
    return both(one, other)


def _lower(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {key: min(limits[key] for limits in (one, other) if key in limits) for key in sorted({*one, *other})}


def _shared(one: Names, other: Names) -> Names:
    return tuple(sorted({*one} & {*other}))
