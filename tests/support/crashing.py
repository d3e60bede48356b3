"""A process that dies at the n-th thing it does with the log, as a log around the real one.

Each operation of a service on its log is a place to die: before it took effect, after it, and for a save in the middle.
Reads are one place each. At the n-th place the incarnation is dead: that call and every later one raise `Crashed`,
what is on its way is not told, and nothing of its memory is used again. So one life for each n = 1, 2, 3 … is every
crash there is; `Incarnation.places` says how many there were.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from foldgate.contracts.topics import Stream
from foldgate.eventlog.checkpoints import Checkpoints, Saved
from foldgate.eventlog.log import (
    Batch,
    Copies,
    CopyingWriter,
    Follower,
    Log,
    Membership,
    Outgoing,
    Partition,
    Record,
    Submitted,
    Writer,
)

T = TypeVar("T")
Latency = Callable[[], float] | None
"""How many seconds an operation takes on its way there, and how many on its way back."""


class Crashed(BaseException):
    """The process is dead. Not an Exception: nobody in a dead process handles anything."""


class Nth(NamedTuple):
    """The n-th place of this name."""

    number: int
    name: str


Place = int | Nth | None
"""Where to die: at the n-th place of all, at the n-th of a name, or nowhere."""


class Incarnation:
    """One life of one process; it dies at place `at`, or not at all."""

    def __init__(self, at: Place = None, *, latency: Latency = None) -> None:
        self.at = at
        self._latency = latency
        self.places = 0
        self.died_in = ""
        self.dead = asyncio.Event()
        self.opened: list[Any] = []

    async def look(self, name: str, operation: Awaitable[T]) -> T:
        """An operation that changes nothing: one place to die."""
        self._living(operation)
        result = await operation
        await self._take_time()
        self._pass(name)
        return result

    async def change(self, name: str, operation: Awaitable[T]) -> T:
        """An operation with an effect: a place to die before it, and one after."""
        self._living(operation)
        try:
            await self._take_time()
            self._pass(f"before {name}")
        except BaseException:
            _drop(operation)
            raise
        result = await operation
        await self._take_time()
        self._pass(f"after {name}")
        return result

    def kill(self, name: str = "killed") -> None:
        """Dead from here on."""
        self.died_in = self.died_in or name
        self.dead.set()

    async def _take_time(self) -> None:
        if self._latency is not None:
            await asyncio.sleep(self._latency())

    def _pass(self, name: str) -> None:
        self.dies_now(name)
        self._living()

    def _living(self, operation: object = None) -> None:
        if self.dead.is_set():
            _drop(operation)
            raise Crashed(self.died_in)

    def dies_now(self, name: str) -> bool:
        """One more place, where the caller itself does what is left half done."""
        self._living()
        number, wanted = self.at if isinstance(self.at, Nth) else (self.at, name)
        self.places += name == wanted
        if self.places == number and name == wanted:
            self.kill(name)
        return self.dead.is_set()

    async def bury(self) -> None:
        """Let go of connections as the kernel would: nobody says good-bye."""
        for one in self.opened:
            for task in ("_beating", "_staying"):
                if (running := getattr(one, task, None)) is not None:
                    running.cancel()
                    await asyncio.gather(running, return_exceptions=True)
            if not hasattr(one, "_beating"):
                with contextlib.suppress(Exception):
                    await one.close()


def _drop(operation: object) -> None:
    if asyncio.iscoroutine(operation):
        operation.close()


class CrashingLog:
    """The log of one incarnation. Unless `copies_go_along`, its pens are such as know nothing of copies."""

    copies_go_along = True

    def __init__(self, log: Log, life: Incarnation) -> None:
        self._log, self._life = log, life
        self._checkpoints = CrashingCheckpoints(log.checkpoints(), life)

    async def prepare(self, streams: Sequence[Stream]) -> None:
        await self._life.look("prepare", self._log.prepare(streams))

    async def writer(self, partition: Partition) -> Writer:
        writer = await self._life.change(f"writer {partition}", self._open(partition))
        if self.copies_go_along and isinstance(writer, CopyingWriter):
            return _CopyingWriter(writer, self._life, partition)
        return _Writer(writer, self._life, partition)

    async def _open(self, partition: Partition) -> Writer:
        self._life.opened.append(writer := await self._log.writer(partition))
        return writer

    async def end(self, partition: Partition) -> int:
        return await self._life.look(f"end {partition}", self._log.end(partition))

    async def read(self, partition: Partition, start: int, stop: int | None = None) -> AsyncIterator[Sequence[Record]]:
        async with contextlib.aclosing(self._log.read(partition, start, stop)) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                yield await self._life.look(f"read {partition}", _done(chunk))

    def follow(self, starts: Mapping[Partition, int]) -> Follower:
        follower = self._log.follow(starts)
        self._life.opened.append(follower)
        return _Follower(follower, self._life)

    async def submit(self, stream: str, submissions: Sequence[Outgoing]) -> Sequence[Submitted]:
        return await self._life.change(f"submit {stream}", self._log.submit(stream, submissions))

    def membership(self, group: str, instance: str, partitions: Sequence[Partition]) -> Membership:
        membership = self._log.membership(group, instance, partitions)
        self._life.opened.append(membership)
        return _Membership(membership, self._life)

    def checkpoints(self) -> Checkpoints:
        return self._checkpoints

    async def close(self) -> None:
        """The connection belongs to the test."""


class _Writer:
    def __init__(self, writer: Writer, life: Incarnation, partition: Partition) -> None:
        self._writer, self._life, self._partition = writer, life, partition

    async def append(self, batch: Batch) -> int:
        kind = "claim" if batch.head.claimant else "append"
        return await self._life.change(f"{kind} {self._partition}", self._writer.append(batch))

    async def close(self) -> None:
        if not self._life.dead.is_set():
            self._life.opened.remove(self._writer)
            await self._writer.close()


class _CopyingWriter(_Writer):
    _writer: CopyingWriter

    async def append_with(self, batch: Batch, copies: Copies) -> int:
        return await self._life.change(f"append {self._partition}", self._writer.append_with(batch, copies))


class _Follower:
    def __init__(self, follower: Follower, life: Incarnation) -> None:
        self._follower, self._life = follower, life

    async def next(self, *, limit: int = 500, timeout_ms: int = 1000) -> list[Record]:
        if self._life.dead.is_set():
            raise Crashed(self._life.died_in)
        records = await self._follower.next(limit=limit, timeout_ms=timeout_ms)
        # Waiting in vain is no place to die: there would be no end of them.
        return await self._life.look("next", _done(records)) if records else records

    def seek(self, partition: Partition, offset: int) -> None:
        self._follower.seek(partition, offset)

    def drop(self, partition: Partition) -> None:
        self._follower.drop(partition)

    async def close(self) -> None:
        if not self._life.dead.is_set():
            self._life.opened.remove(self._follower)
            await self._follower.close()


class _Membership:
    def __init__(self, membership: Membership, life: Incarnation) -> None:
        self._membership, self._life = membership, life

    async def changed(self) -> frozenset[Partition]:
        return await self._life.look("changed", self._membership.changed())

    async def close(self) -> None:
        if not self._life.dead.is_set():
            self._life.opened.remove(self._membership)
            await self._membership.close()


class CrashingCheckpoints:
    """Dies in the middle of a save, too: entries stored and the head not, as a store without transactions leaves it."""

    def __init__(self, store: Checkpoints, life: Incarnation) -> None:
        self._store, self._life = store, life

    async def save(
        self,
        partition: Partition,
        *,
        epoch: int,
        head: bytes,
        changed: Mapping[str, bytes | None],
        after: bytes | None = None,
    ) -> None:
        if self._life.dies_now(f"within save {partition}"):
            last = await self._store.load(partition)
            if last is not None and last.epoch == epoch:
                await self._store.save(partition, epoch=epoch, head=last.head, changed=changed, after=after)
            raise Crashed(self._life.died_in)
        saving = self._store.save(partition, epoch=epoch, head=head, changed=changed, after=after)
        await self._life.change(f"save {partition}", saving)

    async def load(self, partition: Partition) -> Saved | None:
        return await self._life.look(f"load {partition}", self._store.load(partition))

    async def close(self) -> None:
        """The store belongs to the log."""


async def _done(value: T) -> T:
    return value
