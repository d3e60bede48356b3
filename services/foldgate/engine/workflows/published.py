"""What is published, as the decider of runs is given it: the definitions, folded from the engine's own `workflows`."""

from foldgate.contracts.events import ChildRequested, Event, Meta, RunRequested, WorkflowPublished, WorkflowRetired
from foldgate.contracts.topics import WORKFLOWS
from foldgate.language.definitions import Definitions

SINGLE = "job"
"""The workflow of a run of one step, which nobody publishes."""


class Published:
    """The table (see `foldgate.runtime.tables`)."""

    stream = WORKFLOWS

    def __init__(self) -> None:
        self.definitions = Definitions()

    def add(self, meta: Meta, event: Event, _reached: int = 0, /) -> None:
        """Take in the next event of the stream."""
        match event:
            case WorkflowPublished():
                self.definitions.add(meta.tenant, event)
            case WorkflowRetired():
                self.definitions.retire(meta.tenant, event.workflow)
            case _:
                return

    def lacks(self, meta: Meta, event: Event, *, reached: int) -> bool:
        """Whether a request names a place that is not reached, or what is not there; or a step above a digest."""
        match event:
            case RunRequested(workflow=workflow) if workflow != SINGLE:
                return event.workflows_offset > reached or not self._has(meta.tenant, workflow, event.version)
            case ChildRequested(digest=digest):
                return self.definitions.by_digest(digest) is None
            case _:
                return False

    def _has(self, tenant: str, workflow: str, version: str) -> bool:
        if version:
            return self.definitions.version(tenant, workflow, version) is not None
        return self.definitions.latest(tenant, workflow) is not None
