"""Which policy is active: the snapshots that ever were, and which of them is, as a table (`foldgate.runtime.tables`).

Kernel, scheduler and approval service each fold it for themselves from `policies`. Snapshots are ordered by where they
became active. So who decides under an earlier one than somebody else knows of is told the place, and reads on to it:
neither ever waits for what is not on the log.
"""

from collections.abc import Iterable
from typing import NamedTuple

from foldgate.authority.snapshot import Snapshot, snapshot_of
from foldgate.contracts.events import (
    ApprovalRequired,
    Event,
    JobRequested,
    KeyRevoked,
    Meta,
    PolicyPublished,
    PolicyShadowed,
    PolicyVersion,
    WritIssued,
)
from foldgate.contracts.topics import POLICIES


class Shadow(NamedTuple):
    """A draft that is evaluated beside what is active: `snapshot` is what would be active with it."""

    bundle: str
    revision: int
    snapshot: Snapshot


class Policies:
    """The table. `active_name` is the active snapshot's, and `offset` the place behind the event that made it so: both
    change together. `revoked` holds the keys that are trusted no longer, and grows."""

    stream = POLICIES

    def __init__(self) -> None:
        empty = snapshot_of(())
        self.active_name, self.offset = empty.name, 0
        self.revoked: set[str] = set()
        self._versions: dict[PolicyVersion, PolicyVersion] = {}
        self._contents: dict[str, tuple[PolicyVersion, ...]] = {empty.name: ()}
        self._snapshots = {empty.name: empty}
        self._drafts: dict[str, PolicyShadowed] = {}
        self._shadows: tuple[Shadow, ...] | None = ()

    def add(self, _: Meta, event: Event, reached: int, /) -> None:
        """Take in the next event of the stream."""
        match event:
            case PolicyPublished(policy_snapshot=name, bundles=bundles):
                self._contents[name] = tuple(self._versions.setdefault(one, one) for one in bundles)
                self.active_name, self.offset = name, reached
                self._drafts = {one: draft for one, draft in self._drafts.items() if not _is_among(draft, bundles)}
                self._shadows = None
            case PolicyShadowed(bundle=bundle):
                self._drafts.pop(bundle, None)
                self._drafts |= {bundle: event} if event.definition else {}
                self._shadows = None
            case KeyRevoked(key_id=key_id):
                self.revoked.add(key_id)
            case _:
                return

    def lacks(self, _: Meta, event: Event, *, reached: int) -> bool:
        """Whether this message was said by somebody who has read further."""
        match event:
            case JobRequested(policies_offset=offset):
                return offset > reached
            case WritIssued(writ=writ):
                return writ.policies_offset > reached
            case ApprovalRequired(decision=decision):  # whose key was revoked before something was asked cannot answer
                return decision.policies_offset > reached
            case _:
                return False

    def is_active(self, name: str, offset: int) -> bool:
        """Whether what was decided under that snapshot, which was active from that place on, is decided under this one:
        what is taken back to is what it was, and no bundles are the default decision that the kernel has."""
        return name == self.active_name or offset == self.offset

    @property
    def active(self) -> Snapshot:
        """What holds now; the empty snapshot while nothing was published."""
        snapshot = self.by_name(self.active_name)
        assert snapshot is not None
        return snapshot

    def by_name(self, name: str) -> Snapshot | None:
        """A snapshot that was active once."""
        if name not in self._snapshots and name in self._contents:
            self._snapshots[name] = snapshot_of(self._contents[name])
        return self._snapshots.get(name)

    @property
    def shadows(self) -> tuple[Shadow, ...]:
        """What is evaluated and enforces nothing, by bundle."""
        if self._shadows is None:
            self._shadows = tuple(self._shadow(draft) for _, draft in sorted(self._drafts.items()))
        return self._shadows

    def _shadow(self, draft: PolicyShadowed) -> Shadow:
        others = [one for one in self._contents[self.active_name] if one.bundle != draft.bundle]
        as_version = PolicyVersion(
            bundle=draft.bundle, version=draft.revision, digest=draft.digest, definition=draft.definition
        )
        return Shadow(draft.bundle, draft.revision, snapshot_of([*others, as_version]))


def _is_among(draft: PolicyShadowed, bundles: Iterable[PolicyVersion]) -> bool:
    return any((one.bundle, one.digest) == (draft.bundle, draft.digest) for one in bundles)
