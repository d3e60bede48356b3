"""What an event makes of a workflow."""

import msgspec

from foldgate.authority.requests import UNVOUCHED
from foldgate.contracts.events import (
    Event,
    Meta,
    WorkflowConfirmed,
    WorkflowPublished,
    WorkflowRefused,
    WorkflowRetired,
)
from foldgate.decider.decider import IllegalTransition
from foldgate.engine.workflows.state import DISMISSED_REMEMBERED, Workflow, identity


def evolve(workflow: Workflow | None, meta: Meta, event: Event) -> Workflow:
    """The workflow after this event."""
    workflow = _answered(workflow or Workflow(), meta, event)
    match event:
        case WorkflowPublished() if workflow.versions.get(event.version, event.digest) == event.digest:
            versions = {**workflow.versions, event.version: event.digest}
            return msgspec.structs.replace(workflow, versions=versions, retired=False)
        case WorkflowRetired() if workflow.versions:
            return msgspec.structs.replace(workflow, retired=True)
        case WorkflowConfirmed() if workflow.versions.get(event.version) == event.digest:
            return workflow
        case WorkflowRefused():
            return workflow
        case _:
            raise IllegalTransition(f"{type(event).__name__} does not fit what is published: {meta.event_id}")


def _answered(workflow: Workflow, meta: Meta, event: Event) -> Workflow:
    if isinstance(event, WorkflowRefused) and event.code in UNVOUCHED:
        dismissed = (*workflow.dismissed, identity(meta))[-DISMISSED_REMEMBERED:]
        return msgspec.structs.replace(workflow, dismissed=dismissed)
    if not meta.request_id:
        return workflow
    return msgspec.structs.replace(workflow, answered=workflow.answered | {meta.request_id})
