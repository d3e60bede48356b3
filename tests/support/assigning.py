"""Says which instance has which partitions, as a test wants it: a log whose memberships obey."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

from foldgate.eventlog.log import Log, Partition


class Assigner:
    """The shares of all instances. An instance that has no share yet waits for one."""

    def __init__(self) -> None:
        self._shares: dict[str, frozenset[Partition]] = {}
        self._changed = asyncio.Event()

    def assign(self, instance: str, partitions: Iterable[Partition]) -> None:
        """From now on these, and no others, are this instance's. Two may have the same: the log decides."""
        self._shares[instance] = frozenset(partitions)
        self._changed.set()
        self._changed = asyncio.Event()

    def through(
        self, connect: Callable[[], "contextlib.AbstractAsyncContextManager[Log]"]
    ) -> Callable[[], "contextlib.AbstractAsyncContextManager[Log]"]:
        """Connections whose memberships are told here."""

        @contextlib.asynccontextmanager
        async def connected() -> AsyncIterator[Log]:
            async with connect() as log:
                yield _Assigned(log, self)

        return connected

    async def after(self, told: frozenset[Partition] | None, instance: str) -> frozenset[Partition]:
        """The share of that instance, once it is another than it was told."""
        while (share := self._shares.get(instance)) is None or share == told:
            await self._changed.wait()
        return share


class _Assigned:
    """Any log, but for its memberships."""

    def __init__(self, log: Log, assigner: Assigner) -> None:
        self._log, self._assigner = log, assigner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def membership(self, _group: str, instance: str, _partitions: Sequence[Partition]) -> "_Share":
        return _Share(self._assigner, instance)


class _Share:
    def __init__(self, assigner: Assigner, instance: str) -> None:
        self._assigner, self._instance = assigner, instance
        self._told: frozenset[Partition] | None = None

    async def changed(self) -> frozenset[Partition]:
        self._told = await self._assigner.after(self._told, self._instance)
        return self._told

    async def close(self) -> None:
        """Nobody is told: a share is taken away by the test."""
