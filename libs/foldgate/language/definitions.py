"""The workflows that are published: a table by digest, by version and by name, handed to what decides about runs."""

from typing import NamedTuple

from foldgate.contracts.events import WorkflowPublished
from foldgate.language.compile import compiled
from foldgate.language.definition import Definition


class _Name(NamedTuple):
    tenant: str
    workflow: str


class Definitions:
    """Every version of every workflow. Definitions are compiled when they are first asked for."""

    def __init__(self) -> None:
        self._forms: dict[str, str] = {}
        self._compiled: dict[str, Definition] = {}
        self._versions: dict[_Name, dict[str, str]] = {}
        self._latest: dict[_Name, str] = {}

    def add(self, tenant: str, event: WorkflowPublished) -> None:
        """A version is published, and is the latest from now on; what was retired is no more."""
        name = _Name(tenant, event.workflow)
        self._forms[event.digest] = event.definition
        self._versions.setdefault(name, {}).update({event.version: event.digest, event.digest: event.digest})
        self._latest[name] = event.digest

    def retire(self, tenant: str, workflow: str) -> None:
        """It has no latest version until it is published again."""
        self._latest.pop(_Name(tenant, workflow), None)

    def is_retired(self, tenant: str, workflow: str) -> bool:
        """Whether it was published once and is retired now."""
        name = _Name(tenant, workflow)
        return name in self._versions and name not in self._latest

    def by_digest(self, digest: str) -> Definition | None:
        """What runs are pinned to: retired or not."""
        if digest not in self._forms:
            return None
        if digest not in self._compiled:
            self._compiled[digest] = compiled(self._forms[digest], digest=digest)
        return self._compiled[digest]

    def latest(self, tenant: str, workflow: str) -> Definition | None:
        """The version that was published last; None also when the workflow is retired."""
        return self.by_digest(self._latest.get(_Name(tenant, workflow), ""))

    def version(self, tenant: str, workflow: str, version: str) -> Definition | None:
        """A version by its label or digest, retired or not."""
        return self.by_digest(self._versions.get(_Name(tenant, workflow), {}).get(version, ""))
