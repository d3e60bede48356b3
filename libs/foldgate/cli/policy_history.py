"""The policy of a suite: the stream of it folded, with every draft and every snapshot that was ever active."""

from typing import NamedTuple

from foldgate.authority.active import Policies
from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.reaching import Reached
from foldgate.cli.reading import Seen, StreamReader
from foldgate.cli.terminal import harmless
from foldgate.contracts.events import PolicyDrafted, PolicyPublished, PolicyVersion
from foldgate.contracts.topics import POLICIES

SNAPSHOT = "snapshot_"


class NoSuchPolicy(AskedWrongly):
    """No bundle of that name was ever put, or no such snapshot was ever active."""


class Drafted(NamedTuple):
    """One draft, and when it was put."""

    event: PolicyDrafted
    at: int


class Activated(NamedTuple):
    """One snapshot, and when it became active."""

    event: PolicyPublished
    at: int


class History:
    """`drafts` has every draft of each bundle, `activated` every snapshot, both in order; `table` is what the services
    know of it."""

    def __init__(self) -> None:
        self.table = Policies()
        self.drafts: dict[str, list[Drafted]] = {}
        self.activated: list[Activated] = []
        self._settled: dict[str, int] = {}

    def take(self, seen: Seen) -> None:
        """The next record."""
        if not seen.accepted or seen.meta is None or seen.event is None:
            return
        self.table.add(seen.meta, seen.event, seen.record.offset + 1)
        match seen.event:
            case PolicyDrafted() as event:
                self.drafts.setdefault(event.bundle, []).append(Drafted(event, seen.meta.at))
            case PolicyPublished() as event:
                self._settle(event)
                self.activated.append(Activated(event, seen.meta.at))
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

    def last(self, bundle: str) -> Drafted:
        """The last draft of a bundle."""
        if bundle not in self.drafts:
            near = self._near(bundle)
            raise NoSuchPolicy(f"Expected a bundle that was put, but there is no '{harmless(bundle, most=100)}'{near}.")
        return self.drafts[bundle][-1]

    def snapshot(self, named: str) -> Activated:
        """The snapshot of that name, or the one that begins so; without a name the last that differs from the active
        one."""
        if not named:
            return self._before()
        digits = named.removeprefix(SNAPSHOT)
        names = {one.event.policy_snapshot: one for one in self.activated}
        if len(digits) >= 8:
            near = [one for name, one in names.items() if name.startswith(SNAPSHOT + digits)]
            if len(near) == 1:
                return near[0]
        raise NoSuchPolicy(
            f"Expected a snapshot that was active, but there is no '{harmless(named, most=100)}': see `foldgate policy"
            " snapshots`."
        )

    def _before(self) -> Activated:
        earlier = [one for one in self.activated if one.event.policy_snapshot != self.table.active_name]
        if not earlier:
            raise NoSuchPolicy("Expected a snapshot before the active one, but there is none.")
        return earlier[-1]

    def _settle(self, event: PolicyPublished) -> None:
        if event.kind == "rollback":
            return
        before, after = ({one.bundle: one for one in bundles} for bundles in (self.active, event.bundles))
        changed = {bundle for bundle in {*before, *after} if before.get(bundle) != after.get(bundle)}
        self._settled |= {bundle: self.revision(bundle) for bundle in changed}

    def _near(self, bundle: str) -> str:
        import difflib

        near = difflib.get_close_matches(bundle, self.drafts, n=1, cutoff=0.5)
        return f": did you mean '{near[0]}'?" if near else "; see `foldgate policy show`"


async def history(suite: Reached) -> History:
    """The policy as of now."""
    found = History()
    reader = await StreamReader.at(suite.log, suite.codec, stream=POLICIES, starts={0: 0})
    async for seen in reader.there():
        found.take(seen)
    return found
