"""The policy of a suite, folded from its stream: every draft, and every snapshot that was ever active."""

from collections.abc import Iterable
from typing import NamedTuple

from foldgate.authority.active import Policies
from foldgate.authority.snapshot import Snapshot, snapshot_of
from foldgate.contracts.events import Event, Meta, PolicyDrafted, PolicyPublished, PolicyVersion

SNAPSHOT = "snapshot_"
_DIGITS = 8
"""So many of a snapshot's name are enough, where no other begins with them."""


class Drafted(NamedTuple):
    """One draft, and when it was put."""

    event: PolicyDrafted
    at: int


class Activated(NamedTuple):
    """One snapshot, and when it became active."""

    event: PolicyPublished
    at: int


class PolicyHistory:
    """`drafts` has every draft of each bundle, `activated` every snapshot, both in order; `table` is what the services
    know of it."""

    def __init__(self) -> None:
        self.table = Policies()
        self.drafts: dict[str, list[Drafted]] = {}
        self.activated: list[Activated] = []
        self._settled: dict[str, int] = {}

    def add(self, meta: Meta, event: Event, reached: int) -> None:
        """Take in the next event of the stream, behind which that place is."""
        self.table.add(meta, event, reached)
        match event:
            case PolicyDrafted():
                self.drafts.setdefault(event.bundle, []).append(Drafted(event, meta.at))
            case PolicyPublished():
                self._settle(event)
                self.activated.append(Activated(event, meta.at))
            case _:
                pass  # keys, shadows and refusals: the table knows what there is to know of them

    @property
    def active(self) -> tuple[PolicyVersion, ...]:
        """The bundles that hold."""
        return self.activated[-1].event.bundles if self.activated else ()

    @property
    def waiting(self) -> list[PolicyDrafted]:
        """The drafts that wait to be published."""
        last = [drafts[-1].event for _, drafts in sorted(self.drafts.items())]
        return [draft for draft in last if draft.revision > self._settled.get(draft.bundle, 0)]

    def revision(self, bundle: str) -> int:
        """The last revision of a bundle; 0 if there is none."""
        return self.drafts[bundle][-1].event.revision if bundle in self.drafts else 0

    def version(self, bundle: str) -> PolicyVersion | None:
        """The version of a bundle that is active."""
        return next((one for one in self.active if one.bundle == bundle), None)

    def named(self, name: str) -> Activated | None:
        """The snapshot of that name, or the one that begins so: as it became active last."""
        digits = name.removeprefix(SNAPSHOT)
        names = {one.event.policy_snapshot: one for one in self.activated}
        near = [one for full, one in names.items() if full.startswith(SNAPSHOT + digits)]
        return near[0] if len(near) == 1 and len(digits) >= _DIGITS else None

    def before(self) -> Activated | None:
        """The last snapshot that differs from the active one."""
        earlier = (one for one in reversed(self.activated) if one.event.policy_snapshot != self.table.active_name)
        return next(earlier, None)

    def with_(self, given: Iterable[PolicyVersion], *, default_decision: str) -> Snapshot:
        """What is active, with these in the place of what is active of their bundles; the default decision is of a
        suite that has no bundle."""
        held = {one.bundle: one for one in self.active} | {one.bundle: one for one in given}
        return snapshot_of(held.values(), default_decision="deny" if held else default_decision)

    def _settle(self, event: PolicyPublished) -> None:
        if event.kind == "rollback":
            return
        before, after = ({one.bundle: one for one in bundles} for bundles in (self.active, event.bundles))
        changed = {bundle for bundle in {*before, *after} if before.get(bundle) != after.get(bundle)}
        self._settled |= {bundle: self.revision(bundle) for bundle in changed}


def as_version(draft: PolicyDrafted) -> PolicyVersion:
    """A draft as it would be published."""
    return PolicyVersion(bundle=draft.bundle, version=draft.revision, digest=draft.digest, definition=draft.definition)
