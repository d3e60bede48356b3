"""Artifacts: what is too large for an event lies beside the log, under the digest of what it is.

A worker that has a store puts there whatever outputs are over `OUTPUT_BYTES`, and reports a reference in their place:
`{"$artifact": "sha256:…", "size": 1048576, "content_type": "application/json"}`. Where an input holds such a reference
to JSON, at any depth, the handler finds the value; what is not JSON it fetches when it needs it, and what it makes
itself it may put there (`job.py`). Without a store an output that large is a failure, `output_too_large`. Known secrets
are taken out before anything is put there.

Which stores there are: `artifact_stores.py`.
"""

import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any, Literal, NamedTuple, Protocol, TypeGuard

from foldgate.sdk.errors import Fatal

OUTPUT_BYTES = 256 * 1024
"""How large an output may be, as JSON, to be part of an event."""
MAX_BYTES = 64 * 1024 * 1024
"""How large an artifact may be, where nothing else is said."""
JSON, OCTETS = "application/json", "application/octet-stream"
REFERENCE, SIZE, CONTENT_TYPE = "$artifact", "size", "content_type"
_FORM = re.compile(r"sha256:[0-9a-f]{64}")
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}(; ?[\w.+-]{1,50}=[\w.+-]{1,50}){0,4}")


class Parts(dict[str, Any]):
    """An output of which what is large becomes an artifact by itself: the rest stays where expressions see it."""


class ArtifactMissing(Exception):
    """The store has nothing under this reference, for this tenant."""


class ArtifactsUnreachable(Exception):
    """The store does not answer just now."""


class ArtifactTooLarge(Fatal):
    """No store is to take this much at once."""

    def __init__(self, size: int, most: int) -> None:
        super().__init__("artifact_too_large", f"Expected an artifact of at most {most} bytes, but it has {size}.")


class Artifacts(Protocol):
    """A store of artifacts. Used by the event loop of the worker's transport, by several tasks of it at once; whoever
    makes it opens and closes it. What lies there is never changed: a reference is derived from the bytes."""

    async def put(self, data: bytes, *, tenant: str) -> str:
        """Keep these bytes, and say under which reference. Raises ArtifactTooLarge, ArtifactsUnreachable."""

    async def get(self, reference: str, *, tenant: str) -> bytes:
        """The bytes, which were compared with their reference. Raises ArtifactMissing, ArtifactsUnreachable."""


class Reading(NamedTuple):
    """An artifact that is read part by part."""

    size: int
    parts: AsyncGenerator[bytes, None]


class Idle(NamedTuple):
    """An artifact that nobody has put or fetched for long."""

    tenant: str
    reference: str


Settled = Literal["kept", "condemned", "removed"]
"""What became of an idle one."""


def reference_of(data: bytes) -> str:
    """Under which reference these bytes are kept."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def digest_of(reference: str) -> str:
    """The digest in a reference, hexadecimal."""
    if not _FORM.fullmatch(reference):
        raise ArtifactMissing(
            f"Expected a reference such as sha256:0f3c…, with 64 digits, but got '{reference[:80]}': see `$artifact` in"
            " an input or an output."
        )
    return reference.removeprefix("sha256:")


def missing(reference: str) -> ArtifactMissing:
    """There is none."""
    return ArtifactMissing(f"Expected an artifact {reference} of this tenant, but there is none.")


def checked(reference: str, data: bytes | None) -> bytes:
    """What a store has under a reference, compared with it."""
    if data is None:
        raise missing(reference)
    if (found := reference_of(data)) != reference:
        raise ArtifactMissing(_changed(reference, found))
    return data


def _changed(reference: str, found: str) -> str:
    return f"Expected the bytes of {reference}, but the store has others there, {found}: it was changed."


async def whole(reference: str, parts: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The parts of an artifact, as they come. The last of them is held back until all were compared with the reference:
    whoever takes parts on has not taken everything before that is so."""
    digest, held = hashlib.sha256(), b""
    async for part in parts:
        digest.update(part)
        if held:
            yield held
        held = part
    found = f"sha256:{digest.hexdigest()}"
    if found != reference:
        raise ArtifactMissing(_changed(reference, found))
    yield held


def fitting(data: bytes, most: int) -> bytes:
    """The bytes, if they are not too many."""
    fitting_size(len(data), most)
    return data


def fitting_size(size: int, most: int) -> None:
    """Raise ArtifactTooLarge if it is."""
    if size > most:
        raise ArtifactTooLarge(size, most)


def stands_for(reference: str, size: int, *, content_type: str = JSON) -> dict[str, Any]:
    """What is in the place of a value that is an artifact."""
    if not _MEDIA_TYPE.fullmatch(content_type):
        raise ValueError(f"Expected a content type such as text/plain, but got {content_type[:100]!r}.")
    return {REFERENCE: reference, SIZE: size, CONTENT_TYPE: content_type}


def is_artifact(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether the value stands for one that handlers find as a value: for JSON."""
    named = isinstance(value, dict) and value.keys() == {REFERENCE, SIZE, CONTENT_TYPE}
    return named and value[CONTENT_TYPE] == JSON and _is_reference(value)


def _is_reference(value: dict[str, Any]) -> bool:
    return isinstance(value[REFERENCE], str) and _FORM.fullmatch(value[REFERENCE]) is not None


def references_in(value: Any) -> Iterator[str]:
    """The references at any depth of a JSON-like value whose values a handler is to find."""
    if is_artifact(value):
        yield value[REFERENCE]
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from references_in(one)
