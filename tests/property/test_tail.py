"""The tail of a log: whoever reads together with others reads what it would have read alone.

Owners here and elsewhere append to a few partitions, with holes between. What lies there is stable later, and known to
be to whom it was appended later still, or never. Readers of every pace come, go back, leave out partitions and fall
behind, while fetching takes its time and fails. A failure shows its seed.
"""

import asyncio
import contextlib
import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice
from operator import attrgetter

import pytest

from foldgate.eventlog import tail as tails
from foldgate.eventlog.acceptance import encode_head
from foldgate.eventlog.log import BatchHead, LogUnavailable, Outgoing, Partition, Record
from foldgate.eventlog.tail import Tail, TailReader
from tests.support.leaping import leaping, time_passes
from tests.support.thorough import daily

SEEDS = range(daily(100, thorough=20_000))
PLACES = [Partition("runs", number) for number in range(3)]
SECONDS, READERS, KEPT, MOST = 10, 5, 3_000, 9


class Land:
    """The log itself."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.arrived = chance, asyncio.Event()
        self.records: dict[Partition, list[Record]] = {place: [] for place in PLACES}
        self.ends = dict.fromkeys(PLACES, 0)
        self.stable: dict[Partition, int] = defaultdict(int)
        self.failing = False
        self.sources = 0

    def add(self, place: Partition, some: list[Outgoing], head: BatchHead | None) -> int:
        first = self.ends[place] + self.chance.choice([0, 0, 0, 1, 3])  # a hole, now and then
        encoded = [encode_head(head) if head is not None else None, *([None] * len(some))]
        self.records[place] += [Record(place, first + n, *one, encoded[n]) for n, one in enumerate(some)]
        self.ends[place] = first + len(some)
        return first

    async def settle(self, place: Partition, end: int) -> None:
        """All up to there is stable from some moment on."""
        await time_passes(self.chance.choice([0, 0, 0.01, 0.1]))
        self.stable[place] = max(self.stable[place], end)
        self.arrived.set()
        self.arrived = asyncio.Event()

    def since(self, place: Partition, offset: int) -> Iterator[Record]:
        records, stable = self.records[place], self.stable[place]
        for at in range(bisect_left(records, offset, key=attrgetter("offset")), len(records)):
            if records[at].offset >= stable:
                return
            yield records[at]


class Source:
    """A driver's follower, as both are: it fetches ahead, and what it asked for comes back late."""

    def __init__(self, land: Land, starts: Mapping[Partition, int]) -> None:
        self._land, self._next, self._held = land, dict(starts), list[Record]()
        self._fetching: asyncio.Task[None] | None = None
        land.sources += 1

    async def next(self, *, limit: int = 500, timeout_ms: int = 1000) -> list[Record]:
        until = asyncio.get_running_loop().time() + timeout_ms / 1000
        while not self._held:
            arrived = self._land.arrived
            await asyncio.shield(self._begin())
            if self._held or asyncio.get_running_loop().time() >= until:
                break
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await arrived.wait()
        taken, self._held = self._held[:limit], self._held[limit:]
        if taken and self._land.chance.random() < 0.5:
            self._begin()
        return taken

    def _begin(self) -> asyncio.Task[None]:
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        asked, chance = dict(self._next), self._land.chance
        await time_passes(chance.choice([0, 0.005, 0.05]))
        if self._land.failing and chance.random() < 0.2:
            raise LogUnavailable("The log is away.")
        since, most = self._land.since, chance.randint(1, MOST)
        found = [one for place, at in asked.items() for one in islice(since(place, at), most)]
        await time_passes(chance.choice([0, 0.005, 0.05]))
        for record in found:
            wanted = self._next.get(record.partition)
            if wanted is not None and asked[record.partition] <= wanted <= record.offset:
                self._held.append(record)
                self._next[record.partition] = record.offset + 1

    def passed(self, partition: Partition, offset: int, *, owned: bool) -> None:
        del owned
        if self._next.get(partition, offset) < offset:
            self._next[partition] = offset

    def seek(self, partition: Partition, offset: int) -> None:
        self.drop(partition)
        self._next[partition] = offset

    def drop(self, partition: Partition) -> None:
        self._next.pop(partition, None)
        self._held = [record for record in self._held if record.partition != partition]

    async def close(self) -> None:
        self._land.sources -= 1
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)


class Reading:
    """One reader, and where it must go on."""

    def __init__(self, land: Land, tail: Tail[Source]) -> None:
        self._land, self._chance = land, land.chance
        self.next = {place: self._somewhere(place) for place in PLACES if self._chance.random() < 0.8}
        self.reader: TailReader = tail.reader(self.next)
        self._pace = self._chance.choice([0, 0, 0.02, 2])

    async def go_on(self) -> None:
        while True:
            await self.read()
            await time_passes(self._pace * self._chance.random())
            if self._chance.random() < 0.05:
                self._turn()

    async def read(self) -> None:
        limit = self._chance.choice([1, 3, 1000])
        try:
            found = await self.reader.next(limit=limit, timeout_ms=self._chance.choice([0, 10, 1000]))
        except LogUnavailable:
            return
        assert len(found) <= limit
        for record in found:
            assert record == next(self._land.since(record.partition, self.next[record.partition]))
            self.next[record.partition] = record.offset + 1

    def has_all(self) -> bool:
        return all(next(self._land.since(place, offset), None) is None for place, offset in self.next.items())

    def _turn(self) -> None:
        place = self._chance.choice(PLACES)
        if place in self.next and self._chance.random() < 0.3:
            del self.next[place]
            self.reader.drop(place)
        else:
            self.next[place] = self._somewhere(place)
            self.reader.seek(place, self.next[place])

    def _somewhere(self, place: Partition) -> int:
        stable = self._land.stable[place]
        return self._chance.choice([0, stable, self._chance.randint(0, stable)])


async def own(land: Land, tail: Tail[Source]) -> None:
    """Append from here, and from elsewhere, for ever."""
    chance = land.chance
    async with asyncio.TaskGroup() as group:
        for number in range(10**9):
            await time_passes(chance.choice([0, 0.01, 0.3]))
            group.create_task(append(land, tail, number))


async def append(land: Land, tail: Tail[Source], number: int) -> None:
    place, count, ours = land.chance.choice(PLACES), land.chance.randint(1, 4), land.chance.random() < 0.7
    head = BatchHead(1, number, count) if land.chance.random() < 0.5 else None
    some = [Outgoing(b"k", f"{number} {n}".encode()) for n in range(count)]
    first = land.add(place, some, head)
    await land.settle(place, first + count)
    await time_passes(land.chance.choice([0, 0, 0.05]))
    if ours:  # else it was another process, or the answer was lost
        tail.take(place, first, some, head=head)


async def play(seed: int) -> int:
    """How many records were read."""
    land = Land(random.Random(seed))
    tail = Tail(lambda starts: Source(land, starts))
    land.failing = land.chance.random() < 0.3
    appending = asyncio.create_task(own(land, tail))
    readings, going = list[Reading](), list[asyncio.Task[None]]()
    for _ in range(READERS):
        await time_passes(land.chance.choice([0, SECONDS / READERS]))
        readings.append(Reading(land, tail))
        going.append(asyncio.create_task(readings[-1].go_on()))
    await time_passes(SECONDS)
    appending.cancel()
    await asyncio.gather(appending, return_exceptions=True)
    for task in going:
        assert not task.done() or task.result()
        task.cancel()
    await asyncio.gather(*going, return_exceptions=True)
    land.failing = False
    for place, end in land.ends.items():
        await land.settle(place, end)
    await catch_up(readings)
    assert sum(count for _, count, _ in tail._kept) <= KEPT // tails._OVERHEAD + MOST, "what is kept is bounded"
    for reading in readings:
        await reading.reader.close()
    await tail.close()
    assert land.sources == 0, "nobody is left that fetches"
    return sum(len(records) for records in land.records.values())


async def catch_up(readings: list[Reading]) -> None:
    """Liveness: when nothing fails any more, each has all in the end."""
    for reading in readings:
        for _ in range(5_000):
            if reading.has_all():
                break
            await reading.read()
        assert reading.has_all()


@pytest.mark.parametrize("first", range(0, len(SEEDS), 20))
def test_together_each_reads_what_it_would_alone(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails, "KEPT_BYTES", KEPT)
    monkeypatch.setattr(tails, "_CLOSE", 3)
    for seed in SEEDS[first : first + 20]:
        try:
            assert leaping(play(seed)) > 0
        except BaseException as error:
            error.add_note(f"The seed was {seed}.")
            raise


async def _own_alone() -> None:
    land = Land(random.Random(0))
    tail = Tail(lambda starts: Source(land, starts))
    readers = [tail.reader(dict.fromkeys(PLACES, 0)) for _ in range(READERS)]
    for reader in readers:
        assert await reader.next(timeout_ms=0) == await reader.next(timeout_ms=0) == []
    assert land.sources == 1, "those who have caught up fetch together"
    for number in range(3):
        assert tail.take(PLACES[0], number, [Outgoing(b"k", b"own")])
    assert not tail.take(PLACES[0], 4, [Outgoing(b"k", b"behind a hole")])
    assert not tail.take(Partition("jobs", 0), 0, [Outgoing(b"k", b"of nobody here")])
    for reader in readers:
        assert [(record.offset, record.value) for record in await reader.next()] == [(n, b"own") for n in range(3)]
        await reader.close()
    await tail.close()
    assert land.sources == 0


def test_what_was_appended_here_is_not_fetched() -> None:
    leaping(_own_alone())
