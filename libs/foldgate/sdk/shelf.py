"""The artifacts of one job, as its handler puts and fetches them: from a coroutine, or from a function in its thread.

The store belongs to the event loop of the transport, which no handler runs in where it could hold it up. So whatever is
asked for is done there, and waited for here.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from foldgate.sdk.artifacts import (
    REFERENCE,
    ArtifactMissing,
    Artifacts,
    ArtifactsUnreachable,
    stands_for,
)
from foldgate.sdk.errors import Fatal, Retryable

T = TypeVar("T")
Which = str | Mapping[str, Any]
"""A reference, or what stands for an artifact in an input."""
What = bytes | Path
"""What is put: these bytes, or those of a file."""


class Shelf:
    """Of one job. `hide` takes its secrets out of what is put."""

    def __init__(
        self,
        store: Artifacts | None,
        loop: asyncio.AbstractEventLoop,
        *,
        tenant: str,
        hide: Callable[[bytes], bytes],
    ) -> None:
        self._store, self._loop, self._tenant, self._hide = store, loop, tenant, hide

    async def get(self, which: Which) -> bytes:
        """The bytes under a reference."""
        return await self._awaited(self._got(which))

    def get_sync(self, which: Which) -> bytes:
        """As `get`, in a function."""
        return self._waited_for(self._got(which))

    async def put(self, what: What, content_type: str) -> dict[str, Any]:
        """Keep these bytes; what stands for them in an output."""
        return await self._awaited(self._put(what, content_type))

    def put_sync(self, what: What, content_type: str) -> dict[str, Any]:
        """As `put`, in a function."""
        return self._waited_for(self._put(what, content_type))

    async def _got(self, which: Which) -> bytes:
        reference = which if isinstance(which, str) else str(which.get(REFERENCE, ""))
        try:
            return await self._there.get(reference, tenant=self._tenant)
        except ArtifactMissing as error:
            raise Fatal("artifact_missing", str(error)) from error
        except ArtifactsUnreachable as error:
            raise Retryable("artifacts_unreachable", str(error)) from error

    async def _put(self, what: What, content_type: str) -> dict[str, Any]:
        stands_for("", 0, content_type=content_type)  # what is no content type is said before anything is kept
        data = self._hide(what if isinstance(what, bytes) else await asyncio.to_thread(what.read_bytes))
        try:
            reference = await self._there.put(data, tenant=self._tenant)
        except ArtifactsUnreachable as error:
            raise Retryable("artifacts_unreachable", str(error)) from error
        return stands_for(reference, len(data), content_type=content_type)

    @property
    def _there(self) -> Artifacts:
        if self._store is None:
            raise Fatal(
                "no_artifacts", "Expected a store of artifacts, but this worker has none: set FOLDGATE_ARTIFACTS."
            )
        return self._store

    async def _awaited(self, work: Coroutine[Any, Any, T]) -> T:
        if asyncio.get_running_loop() is self._loop:
            return await work
        return await asyncio.wrap_future(self._handed_over(work))

    def _waited_for(self, work: Coroutine[Any, Any, T]) -> T:
        if _running_loop() is not None:
            work.close()
            raise RuntimeError(
                "Expected a function in a thread, but this is a coroutine: `await` the method without _sync."
            )
        return self._handed_over(work).result()

    def _handed_over(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
