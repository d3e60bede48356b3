"""Artifacts: what is too large for an event lies beside the log, under the digest of what it is.

A worker that is given a store puts there whatever outputs are over `OUTPUT_BYTES`, and reports a reference in their
place; where an input holds such a reference, at any depth, the handler finds the value. Without a store an output that
large is a failure, `output_too_large`. Known secrets are taken out before anything is put there.
"""

from collections.abc import Iterator
from typing import Any, Protocol, TypeGuard

OUTPUT_BYTES = 256 * 1024
"""How large an output may be, as JSON, to be part of an event."""
REFERENCE, SIZE = "$artifact", "bytes"


class ArtifactMissing(Exception):
    """The store has nothing under this reference, for this tenant."""


class ArtifactsUnreachable(Exception):
    """The store does not answer just now."""


class Artifacts(Protocol):
    """A store of artifacts. Used by the event loop of the worker's transport, by several tasks of it at once; whoever
    makes it opens and closes it. What lies there is never changed: a reference is derived from the bytes."""

    async def put(self, data: bytes, *, tenant: str) -> str:
        """Keep these bytes, and say under which reference. Raises ArtifactsUnreachable."""

    async def get(self, reference: str, *, tenant: str) -> bytes:
        """The bytes, which were compared with their reference. Raises ArtifactMissing, ArtifactsUnreachable."""


def stands_for(reference: str, size: int) -> dict[str, Any]:
    """What is in the place of a value that is an artifact."""
    return {REFERENCE: reference, SIZE: size}


def is_artifact(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether the value stands for one."""
    return isinstance(value, dict) and value.keys() == {REFERENCE, SIZE} and isinstance(value[REFERENCE], str)


def references_in(value: Any) -> Iterator[str]:
    """The references at any depth of a JSON-like value."""
    if is_artifact(value):
        yield value[REFERENCE]
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from references_in(one)
