"""Policy snapshots: all bundles that are active together, under a name that says exactly which."""

from collections.abc import Iterable
from typing import Any

import msgspec

from foldgate.authority.bundles import compiled
from foldgate.authority.rules import Bundle
from foldgate.contracts import ids
from foldgate.contracts.events import PolicyVersion

MAX_BYTES = 640 * 1024
"""Of the canonical forms of all bundles."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Bundles in the order of their ids. Without any, `default_decision` is what is decided."""

    name: str
    bundles: tuple[Bundle, ...] = ()
    default_decision: str = "deny"
    answers: dict[Any, Any] = msgspec.field(default_factory=dict)
    """What the same rules came to before."""


def snapshot_of(versions: Iterable[PolicyVersion], *, default_decision: str = "deny") -> Snapshot:
    """The snapshot of these; of none, that of the default decision alone."""
    ordered = sorted(versions, key=lambda version: version.bundle)
    return Snapshot(
        name=name_of(((each.bundle, each.digest) for each in ordered), default_decision=default_decision),
        bundles=tuple(compiled(each.definition) for each in ordered),
        default_decision=default_decision,
    )


def name_of(digests: Iterable[tuple[str, str]], *, default_decision: str = "deny") -> str:
    """The name of the snapshot of bundles with these ids and digests, without looking into them."""
    parts = [part for pair in sorted(digests) for part in pair]
    said = ids.digest("bundles", *parts) if parts else ids.digest("snapshot", default_decision)
    return f"snapshot_{said.hex()[:24]}"
