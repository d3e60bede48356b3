"""What is too large for events, on its way to a store of artifacts and back, for the jobs of one worker."""

import asyncio
from typing import Any

import msgspec

from foldgate.authority.secrets import redacted_json
from foldgate.sdk.artifacts import (
    OUTPUT_BYTES,
    REFERENCE,
    ArtifactMissing,
    Artifacts,
    ArtifactsUnreachable,
    ArtifactTooLarge,
    references_in,
    stands_for,
)
from foldgate.sdk.held import Done, Failed, Held, Outcome

MOST_TRIES = 5
AGAIN_AFTER_S = 0.5
PART_BYTES = 64 * 1024
"""From where on a part of a large output becomes an artifact by itself."""


class Parcels:
    """Without a store nothing is fetched, and what is too large is a failure."""

    def __init__(self, store: Artifacts | None, *, logger: Any) -> None:
        self._store, self._logger = store, logger

    def are_in(self, held: Held) -> bool:
        """Whether its input refers to artifacts."""
        return self._store is not None and REFERENCE in held.asked.input

    async def fetch(self, held: Held) -> Failed | None:
        """Fetch the values of the artifacts in its input; says why where that cannot be."""
        assert self._store is not None
        try:
            for reference in set(references_in(msgspec.json.decode(held.asked.input))):
                data = await self._store.get(reference, tenant=held.asked.tenant)
                held.artifacts[reference] = msgspec.json.decode(data)
        except (ArtifactMissing, msgspec.DecodeError) as error:
            return Failed("artifact_missing", str(error)[:2000], retryable=False)
        except ArtifactsUnreachable as error:
            return Failed("artifacts_unreachable", str(error)[:2000], retryable=True)
        return None

    def are_needed(self, done: Done) -> bool:
        """Whether this output is too large for an event."""
        return len(done.output) * 4 > OUTPUT_BYTES and len(done.output.encode()) > OUTPUT_BYTES

    async def packed(self, held: Held, done: Done) -> Outcome:
        """What is reported in the place of a large output."""
        if done.in_parts:
            return await self._packed_parts(held, msgspec.json.decode(done.output))
        data = redacted_json(done.output, held.redaction).encode()
        if self._store is None:
            what = (
                f"Expected an output of at most {OUTPUT_BYTES} bytes, or a store of artifacts, but it has {len(data)}."
            )
            return Failed("output_too_large", what, retryable=False)
        for _ in range(MOST_TRIES):
            try:
                reference = await self._store.put(data, tenant=held.asked.tenant)
            except ArtifactTooLarge as error:
                return Failed(error.code, str(error), retryable=False)
            except ArtifactsUnreachable as error:
                self._logger.warning("artifact delayed", job_id=held.asked.job_id, reason=str(error))
                await asyncio.sleep(AGAIN_AFTER_S)
            else:
                return Done(msgspec.json.encode(stands_for(reference, len(data))).decode())
        return Failed(
            "artifacts_unreachable", "Expected the store of artifacts to answer, but it did not.", retryable=True
        )

    async def _packed_parts(self, held: Held, output: dict[str, Any]) -> Outcome:
        """Each large value by itself; all of it together if that is not enough."""
        for name, value in output.items():
            text = msgspec.json.encode(value).decode()
            if len(text) > PART_BYTES:
                packed = await self.packed(held, Done(text))
                if not isinstance(packed, Done):
                    return packed
                output[name] = msgspec.Raw(packed.output.encode())
        whole = Done(msgspec.json.encode(output).decode())
        return await self.packed(held, whole) if self.are_needed(whole) else whole
