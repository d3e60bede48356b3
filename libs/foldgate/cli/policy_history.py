"""The policy of a suite, read from its log; and what somebody means who names a bundle or a snapshot."""

from foldgate.authority.policy_history import Activated, Drafted, PolicyHistory
from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.reaching import Reached
from foldgate.cli.reading import StreamReader
from foldgate.cli.terminal import harmless
from foldgate.contracts.topics import POLICIES


class NoSuchPolicy(AskedWrongly):
    """No bundle of that name was ever put, or no such snapshot was ever active."""


class History(PolicyHistory):
    """The history, for people who name things."""

    def last(self, bundle: str) -> Drafted:
        """The last draft of a bundle."""
        if bundle not in self.drafts:
            near = self._near(bundle)
            raise NoSuchPolicy(f"Expected a bundle that was put, but there is no '{harmless(bundle, most=100)}'{near}.")
        return self.drafts[bundle][-1]

    def snapshot(self, named: str) -> Activated:
        """The snapshot of that name, or the one that begins so; without a name the last that differs from the active
        one."""
        found = self.named(named) if named else self.before()
        if found is None and not named:
            raise NoSuchPolicy("Expected a snapshot before the active one, but there is none.")
        if found is None:
            what = f"Expected a snapshot that was active, but there is no '{harmless(named, most=100)}'"
            raise NoSuchPolicy(f"{what}: see `foldgate policy snapshots`.")
        return found

    def _near(self, bundle: str) -> str:
        import difflib

        near = difflib.get_close_matches(bundle, self.drafts, n=1, cutoff=0.5)
        return f": did you mean '{near[0]}'?" if near else "; see `foldgate policy show`"


async def history(suite: Reached) -> History:
    """The policy as of now."""
    found = History()
    reader = await StreamReader.at(suite.log, suite.codec, stream=POLICIES, starts={0: 0})
    async for seen in reader.there():
        if seen.accepted and seen.meta is not None and seen.event is not None:
            found.add(seen.meta, seen.event, seen.record.offset + 1)
    return found
