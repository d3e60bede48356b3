"""The tail of a log, as one process has it: what came last to the partitions it follows, fetched once for all readers.

The services, tables and read models of a process follow largely the same partitions, and most of what comes there the
process has appended itself. So those who have caught up read together: one follower of the driver fetches for all of
them, and what this process has appended it need not fetch, where it lies right behind what is here already. Who is
further behind than what is kept reads alone, by a follower of the driver of its own, until it has caught up; who is
slow falls out of the tail and reads alone again. Nobody waits for another, and what is kept is bounded.

Why each reader has each record once and in order, and none that may yet go: a line has all records of its partition
from `first` up to `end`, and only grows at `end`, between two awaits. What was fetched goes in from `end` on, and what
lies before is there already. What this process has appended goes in once the driver knows it to be durable, for then
others may read it too, and only where it begins at `end`: if something lies between, or of two appends the second is
answered first, it is fetched. The source is told to go on from `end` and from nowhere else, so it passes over nothing
that is not here; an answer still on its way from before that is cut at `end`. A reader goes by its own offset, here and
alone, so it may change between the two at any moment. Nothing is kept that is not on the log: a crash loses a copy.
"""

import asyncio
import contextlib
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar

from foldgate.eventlog.acceptance import encode_head
from foldgate.eventlog.log import BatchHead, Follower, Outgoing, Partition, Record

KEPT_BYTES = 4 * 1024 * 1024
_OVERHEAD = 100
"""So many bytes a record is counted for beside its own."""
_CLOSE = 500
"""So many offsets ahead of the tail may somebody join it, who then waits until it is there."""
_AT_ONCE = 1000
_offset = attrgetter("offset")


class TailSource(Follower, Protocol):
    """A driver's follower, which can be told that something came another way."""

    def passed(self, partition: Partition, offset: int, *, owned: bool) -> None:
        """Go on from there if you are not further: all before it is known. `owned`: its owner has appended it."""


class _Line:
    """The last records of one partition: all from `first` up to `end`."""

    def __init__(self, offset: int) -> None:
        self.first = self.end = offset
        self.records: list[Record] = []
        self.readers: set[TailReader] = set()

    def since(self, offset: int, limit: int) -> list[Record]:
        at = bisect_left(self.records, offset, key=_offset)
        return self.records[at : at + limit]

    def forget(self, count: int) -> None:
        self.first = self.records[count - 1].offset + 1
        del self.records[:count]


F = TypeVar("F", bound=TailSource)


class Tail(Generic[F]):
    """One of a driver's log in one process; `follow` makes its followers."""

    def __init__(self, follow: Callable[[Mapping[Partition, int]], F]) -> None:
        self._follow = follow
        self.source: F | None = None
        """Fetches for all who read together."""
        self._lines: dict[Partition, _Line] = {}
        self._kept: deque[tuple[_Line, int, int]] = deque()
        self._bytes = 0
        self._waiting: set[TailReader] = set()
        self._wanted = asyncio.Event()
        self._fetching: asyncio.Task[None] | None = None

    def reader(self, starts: Mapping[Partition, int]) -> "TailReader":
        """Somebody who begins to read at these offsets."""
        return TailReader(self, starts)

    def alone(self, starts: Mapping[Partition, int]) -> F:
        """A follower that has nothing to do with the others."""
        return self._follow(starts)

    def take(
        self, partition: Partition, first: int, records: Sequence[Outgoing], *, head: BatchHead | None = None
    ) -> bool:
        """What this process has appended, once it is durable; whether nobody here has to fetch it."""
        line = self._lines.get(partition)
        if line is None or line.end != first or self.source is None:
            return False
        encoded = None if head is None else encode_head(head)
        lying = [
            Record(partition, first + number, key, value, None if number else encoded)
            for number, (key, value) in enumerate(records)
        ]
        self._keep(line, partition, lying)
        self.source.passed(partition, line.end, owned=head is not None)
        return True

    async def close(self) -> None:
        """End fetching; readers are closed by whoever has them."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)
        if self.source is not None:
            await self.source.close()

    # For its readers

    def line(self, partition: Partition) -> _Line | None:
        return self._lines.get(partition)

    def adopt(self, source: F) -> bool:
        """The first who has caught up gives what it has read with."""
        if self.source is None:
            self.source = source
        return self.source is source

    def enter(self, partition: Partition, offset: int, reader: "TailReader") -> None:
        """Somebody reads this partition together with the others from now on."""
        assert self.source is not None, "whoever enters has given one, or another has before"
        if (line := self._lines.get(partition)) is None:
            line = self._lines[partition] = _Line(offset)
            self.source.seek(partition, offset)
        line.readers.add(reader)

    def leave(self, partition: Partition, reader: "TailReader") -> None:
        """And no longer. What nobody reads is not followed."""
        line = self._lines.get(partition)
        if line is None:
            return
        line.readers.discard(reader)
        if not line.readers and self.source is not None:
            del self._lines[partition]
            self.source.drop(partition)

    def wait(self, reader: "TailReader") -> None:
        """Somebody has read all that is here."""
        self._waiting.add(reader)
        self._wanted.set()
        if self._fetching is None and self.source is not None:
            self._fetching = asyncio.create_task(self._fetch())

    def wait_no_longer(self, reader: "TailReader") -> None:
        self._waiting.discard(reader)
        if not self._waiting:
            self._wanted.clear()

    async def _fetch(self) -> None:
        """Fetch for as long as somebody waits; those who do hear of a failure, and who waits next begins anew."""
        assert self.source is not None
        try:
            while True:
                await self._wanted.wait()
                self._put(await self.source.next(limit=_AT_ONCE))
        except Exception as error:  # noqa: BLE001 - it is for each of those who wait
            self._fetching = None
            for reader in list(self._waiting):
                reader.fail(error)

    def _put(self, records: Sequence[Record]) -> None:
        fresh: dict[Partition, list[Record]] = {}
        for record in records:
            line = self._lines.get(record.partition)
            if line is not None and record.offset >= line.end:  # not there already, another way
                fresh.setdefault(record.partition, []).append(record)
        for partition, some in fresh.items():
            self._keep(self._lines[partition], partition, some)

    def _keep(self, line: _Line, partition: Partition, records: Sequence[Record]) -> None:
        line.records += records
        line.end = records[-1].offset + 1
        size = sum(len(record.key) + len(record.value) + _OVERHEAD for record in records)
        self._kept.append((line, len(records), size))
        self._bytes += size
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            oldest, count, size = self._kept.popleft()
            oldest.forget(count)
            self._bytes -= size
        for reader in line.readers:
            reader.wake(partition)


class TailReader:
    """Follows partitions from offsets on, alone or together with others; see `Follower` in log.py."""

    def __init__(self, tail: Tail[Any], starts: Mapping[Partition, int]) -> None:
        self._tail = tail
        self._next = dict(starts)
        self._alone: TailSource | None = None
        self._together = False
        self._has_looked = False
        self._news, self._ready = asyncio.Event(), dict[Partition, None]()
        self._failed: Exception | None = None

    async def next(self, *, limit: int = 500, timeout_ms: int = 1000) -> list[Record]:
        now = asyncio.get_running_loop().time
        until = now() + timeout_ms / 1000
        while True:
            if not self._together and not await self._join():
                return await self._read_alone(limit, max(0, round((until - now()) * 1000)))
            if taken := self._take(limit):
                return taken
            if self._together:
                await self._wait(until)
                if now() >= until:
                    return self._take(limit)

    def seek(self, partition: Partition, offset: int) -> None:
        self._next[partition] = offset
        if not self._together:
            if self._alone is not None:
                self._alone.seek(partition, offset)
        elif self._tail.line(partition) is not None and self._is_here(partition):
            self._tail.enter(partition, offset, self)
            self.wake(partition)
        else:
            self._part()

    def drop(self, partition: Partition) -> None:
        self._next.pop(partition, None)
        self._ready.pop(partition, None)
        if self._together:
            self._tail.leave(partition, self)
        elif self._alone is not None:
            self._alone.drop(partition)

    async def close(self) -> None:
        if self._together:
            self._part()
        alone, self._alone = self._alone, None
        if alone is not None:
            await alone.close()

    # For the tail

    def wake(self, partition: Partition) -> None:
        """There may be something to read."""
        self._ready[partition] = None
        self._tail.wait_no_longer(self)
        self._news.set()

    def fail(self, error: Exception) -> None:
        """Fetching has failed while we waited for it."""
        self._failed = error
        self._tail.wait_no_longer(self)
        self._news.set()

    # Together

    async def _join(self) -> bool:
        """Read together from now on, if what comes next everywhere is here or will be soon."""
        if not all(map(self._is_here, self._next)):
            return False
        self._together, alone, self._alone = True, self._alone, None
        if alone is not None and self._tail.adopt(alone):
            alone = None
        for partition, offset in self._next.items():
            self._tail.enter(partition, offset, self)
            self._ready[partition] = None
        if alone is not None:
            await alone.close()
        return True

    def _is_here(self, partition: Partition) -> bool:
        line, offset = self._tail.line(partition), self._next[partition]
        if line is None:  # a partition that nobody follows yet joins when we know that we have read it up to now
            return self._has_looked
        return line.first <= offset <= line.end + _CLOSE

    def _part(self) -> None:
        """Read alone from now on."""
        self._together, self._has_looked = False, False
        for partition in self._next:
            self._tail.leave(partition, self)
        self._tail.wait_no_longer(self)
        self._ready.clear()
        self._news.set()

    def _take(self, limit: int) -> list[Record]:
        """What is here; nothing, and on our own, where the tail has forgotten what comes next."""
        taken: list[Record] = []
        while self._ready and len(taken) < limit:
            partition = next(iter(self._ready))
            line, offset = self._tail.line(partition), self._next[partition]
            assert line is not None
            if offset < line.first:
                self._part()
                break
            some = line.since(offset, limit - len(taken))
            taken += some
            if some:
                self._next[partition] = some[-1].offset + 1
            del self._ready[partition]
            if self._next[partition] < line.end:
                self._ready[partition] = None  # its turn comes again, after the others'
        return taken

    async def _wait(self, until: float) -> None:
        self._news.clear()
        self._failed = None
        self._tail.wait(self)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._news.wait()
        finally:
            self._tail.wait_no_longer(self)
        if self._failed is not None:
            raise self._failed

    # Alone

    async def _read_alone(self, limit: int, timeout_ms: int) -> list[Record]:
        if self._alone is None:
            self._alone = self._tail.alone(self._next)
        records = await self._alone.next(limit=limit, timeout_ms=timeout_ms)
        for record in records:
            self._next[record.partition] = record.offset + 1
        self._has_looked = self._has_looked or len(records) < limit
        return records
