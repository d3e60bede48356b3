"""A workflow: its published versions, and whether it starts new runs.

    (none) --WorkflowPublished--> published --WorkflowPublished--> published, with one more version
    published --WorkflowRetired--> retired --WorkflowPublished--> published
    any    --WorkflowConfirmed, WorkflowRefused--> the same

A version is for ever: what it means never changes, and it is not taken away. Nothing here ever ends.
"""

import msgspec

from foldgate.contracts.events import Meta

DISMISSED_REMEMBERED = 64
"""What strangers ask: one that comes again within so many is answered already."""


class Workflow(msgspec.Struct, frozen=True):
    """One workflow of one tenant; `versions` has the digest of each, `answered` the ids of all requests that somebody
    vouched for: whoever reads one on the log and sends it again changes nothing. `dismissed` has the last of strangers,
    which stand in no other request's way."""

    versions: dict[str, str] = {}
    retired: bool = False
    answered: frozenset[str] = frozenset()
    dismissed: tuple[str, ...] = ()

    def has_answered(self, meta: Meta, *, vouched: bool) -> bool:
        """Whether this very request was answered; one without an id is judged by what it asks for alone."""
        if vouched:
            return bool(meta.request_id) and meta.request_id in self.answered
        return identity(meta) in self.dismissed


def identity(meta: Meta) -> str:
    """Which request of a stranger it is: its id, of whoever asks."""
    return f"{meta.principal}/{meta.request_id}"
