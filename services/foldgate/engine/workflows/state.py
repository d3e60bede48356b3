"""A workflow: its published versions, and whether it starts new runs.

    (none) --WorkflowPublished--> published --WorkflowPublished--> published, with one more version
    published --WorkflowRetired--> retired --WorkflowPublished--> published
    any    --WorkflowConfirmed, WorkflowRefused--> the same

A version is for ever: what it means never changes, and it is not taken away. Nothing here ever ends.
"""

import msgspec

ANSWERED_REMEMBERED = 64
"""Requests: one that comes again within so many is answered already."""


class Workflow(msgspec.Struct, frozen=True):
    """One workflow of one tenant; `versions` has the digest of each, `answered` the ids of the last requests."""

    versions: dict[str, str] = {}
    retired: bool = False
    answered: tuple[str, ...] = ()

    def has_answered(self, request_id: str) -> bool:
        """Whether this very request was answered; one without an id is judged by what it asks for alone."""
        return bool(request_id) and request_id in self.answered
