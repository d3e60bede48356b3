"""The workflows of a suite: the stream of them folded, as the engine does it."""

from typing import NamedTuple

from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.reaching import Reached
from foldgate.cli.reading import StreamReader
from foldgate.cli.terminal import harmless
from foldgate.contracts.events import Event, Meta, WorkflowPublished, WorkflowRetired
from foldgate.contracts.topics import WORKFLOWS
from foldgate.language.definition import Definition
from foldgate.language.definitions import Definitions


class NoSuchWorkflow(AskedWrongly):
    """No workflow of that name, or no such version of it, was ever published."""


class Version(NamedTuple):
    """One published version, when it was published, and by whom."""

    event: WorkflowPublished
    at: int
    by: str


class Published:
    """Every version of every workflow of one tenant. `offset` is the end of what was read of the stream."""

    def __init__(self, tenant: str) -> None:
        self.tenant, self.offset = tenant, 0
        self.definitions = Definitions()
        self.versions: dict[str, list[Version]] = {}

    def is_retired(self, workflow: str) -> bool:
        """Whether it starts no new runs."""
        return self.definitions.is_retired(self.tenant, workflow)

    def version(self, workflow: str, version: str = "") -> Version:
        """That version, or the latest."""
        known = self.versions.get(workflow)
        if not known:
            raise NoSuchWorkflow(f"Expected a published workflow, but there is no '{workflow}'{self._near(workflow)}.")
        for one in reversed(known):
            if version in ("", one.event.version) or (len(version) >= 8 and one.event.digest.startswith(version)):
                return one
        labels = ", ".join(harmless(one.event.version, most=20) for one in known[-5:])
        raise NoSuchWorkflow(f"Expected a version of '{workflow}' ({labels}), but there is no '{version}'.")

    def definition(self, version: Version) -> Definition:
        """What it means."""
        found = self.definitions.by_digest(version.event.digest)
        assert found is not None
        return found

    def _near(self, workflow: str) -> str:
        import difflib

        near = difflib.get_close_matches(workflow, self.versions, n=1, cutoff=0.5)
        return f": did you mean '{near[0]}'?" if near else "; see `foldgate workflow list`"


async def published(suite: Reached, *, tenant: str) -> Published:
    """What is published as of now."""
    found = Published(tenant)
    reader = await StreamReader.at(suite.log, suite.codec, stream=WORKFLOWS, starts={0: 0})
    async for seen in reader.there():
        found.offset = seen.record.offset + 1
        if seen.accepted and seen.meta is not None and seen.meta.tenant == tenant:
            _take(found, seen.meta, seen.event)
    return found


def _take(found: Published, meta: Meta, event: Event | None) -> None:
    if isinstance(event, WorkflowPublished):
        found.definitions.add(found.tenant, event)
        found.versions.setdefault(event.workflow, []).append(Version(event, meta.at, meta.principal))
    elif isinstance(event, WorkflowRetired):
        found.definitions.retire(found.tenant, event.workflow)
