"""Feeds a projection from the log, and builds it anew while the build that is live goes on serving.

All that is kept is in the database (`postgres.py`, `builds.py`), so this may stop anywhere and begin again: it reads on
from the stored positions. Stretches in which nothing is of interest are held back and joined to the next one, or the
positions of idle partitions would be written for ever; a crash loses them, and they are read again.

What comes first is shown at once; what follows is gathered, so that under load a transaction shows what came in a tenth
of a second. Whoever waits to see something is not kept waiting by that.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from foldgate.contracts.places import START, Partition
from foldgate.contracts.topics import stream_of
from foldgate.readmodel.builds import Build, Positions
from foldgate.readmodel.postgres import Behind, BuildRetired, ReadModels
from foldgate.readmodel.projection import Projection, Stretch

Progress = Callable[[int, int], None]
"""Told how many records of how many a new build has read."""
Told = Callable[[Sequence[Stretch] | None], None]
"""Told what readers see from now on; None where that may be anything."""
_HOLD_BACK = 5000
_GATHER_S, _MUCH = 0.1, 500


class Feed(Protocol):
    """An endless read of a projection's partitions."""

    async def next(self) -> Sequence[Stretch]:
        """What has come; after a while without anything, nothing."""

    async def close(self) -> None: ...


class Source(Protocol):
    """The log, as a projection needs it. Both reads begin at the given positions, or at the beginning."""

    def follow(self, projection: Projection, positions: Positions) -> Feed: ...

    def up_to_now(self, projection: Projection, positions: Positions) -> AsyncIterator[Stretch]:
        """Everything that is there when it is asked for, partition by partition."""

    async def ends(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        """The offsets after the last records."""


class Projector:
    """One projection in one process. Several processes may each have one for the same projection."""

    def __init__(self, models: ReadModels, source: Source, projection: Projection) -> None:
        self._models, self.source, self._projection = models, source, projection
        self._reached: dict[Partition, int] = {}
        self.shown_at = 0
        """When the newest event was taken by its owner that readers see the effect of; 0 if none is known."""
        self._visible = False
        self._moved = asyncio.Condition()
        self._waiting, self._hurry = 0, asyncio.Event()
        self._told: list[Told] = []

    @property
    def reads(self) -> frozenset[str]:
        """The streams it is fed from."""
        return frozenset(self._projection.streams)

    @property
    def is_visible(self) -> bool:
        """Whether it is known how far readers see the log."""
        return self._visible

    def tell(self, told: Told) -> None:
        """Tell somebody whenever readers see more."""
        self._told.append(told)

    @property
    def offsets(self) -> dict[Partition, int]:
        """How far readers see the log, as far as this process knows."""
        return dict(self._reached)

    async def run(self) -> None:
        """Keep the live build up to date, for ever; where it is of another edition, replace it first."""
        while True:
            build = await self._models.begin(self._projection)
            if build.state == "building":
                await self._replace_live(build, None)
            else:
                await self._keep_up(build)

    async def rebuild(self, progress: Progress | None = None) -> None:
        """Build it anew from the beginning of the log, and let readers see that."""
        await self._replace_live(await self._models.begin(self._projection, anew=True), progress)

    async def reached(self, partition: Partition, offset: int) -> None:
        """Return when readers see what the record at this offset did."""
        self._waiting += 1
        self._hurry.set()
        try:
            async with self._moved:
                await self._moved.wait_for(lambda: self._visible and self._reached.get(partition, 0) > offset)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._hurry.clear()

    async def caught_up(self) -> None:
        """Return when readers see what was on the log when this was asked."""
        for partition, end in (await self.source.ends(self._projection.partitions)).items():
            await self.reached(partition, end - 1)

    @property
    def partitions(self) -> Sequence[Partition]:
        """What it reads."""
        return self._projection.partitions

    def behind(self, ends: Mapping[Partition, int]) -> int:
        """How many records before these offsets readers do not see the effect of yet."""
        return sum(max(0, ends[partition] - self._reached.get(partition, 0)) for partition in self.partitions)

    def age_ms(self, now_ms: int, *, behind: int) -> int:
        """How old what readers see is, where they do not see all."""
        return max(0, now_ms - self.shown_at) if behind and self.shown_at else 0

    async def _keep_up(self, build: Build) -> None:
        try:
            while True:
                await self._follow(build)
        except BuildRetired:
            return

    async def _follow(self, build: Build) -> None:
        """Apply what comes; return where the database is not where we think it is."""
        positions = await self._models.positions(build)
        await self._note({partition: position.offset for partition, position in positions.items()}, None)
        feed, held = self.source.follow(self._projection, positions), _HeldBack()
        try:
            while True:
                stretches = await feed.next()
                await self._models.apply(self._projection, build, held.add(stretches))
                self.shown_at = max([self.shown_at, *_times(stretches)])
                await self._note({stretch.partition: stretch.end.offset for stretch in stretches}, stretches)
                await self._gather(sum(stretch.end.offset - stretch.start.offset for stretch in stretches))
        except Behind:
            return
        finally:
            await feed.close()

    async def _gather(self, came: int) -> None:
        """Let more come for the next transaction, unless it is much anyway, or somebody waits to see it."""
        if 0 < came < _MUCH:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GATHER_S):
                    await self._hurry.wait()

    async def _note(self, offsets: Mapping[Partition, int], seen: Sequence[Stretch] | None) -> None:
        async with self._moved:
            self._visible = True
            self._reached.update(offsets)
            self._moved.notify_all()
        for told in self._told:
            told(seen)

    async def _replace_live(self, build: Build, progress: Progress | None) -> None:
        """Read everything, then what came meanwhile, and the last of it while the live build is held."""
        try:
            await self._read_through(build, progress)
            await self._read_through(build, None)
            await self._models.make_live(build, lambda: self._read_through(build, None))
        except BuildRetired:
            return  # somebody else finished it, and it was even replaced again

    async def _read_through(self, build: Build, progress: Progress | None) -> None:
        positions = await self._models.positions(build)
        done = {partition: positions.get(partition, START).offset for partition in self._projection.partitions}
        total = sum((await self.source.ends(self._projection.partitions)).values())
        async for stretch in self.source.up_to_now(self._projection, positions):
            await self._models.apply(self._projection, build, [stretch])
            done[stretch.partition] = stretch.end.offset
            if progress is not None:
                progress(sum(done.values()), total)


async def behind_of(projectors: Mapping[str, Projector]) -> dict[str, int]:
    """How many records each of these, which read one log, does not show yet; no end is asked for twice."""
    read = {partition for projector in projectors.values() for partition in projector.partitions}
    ends = await next(iter(projectors.values())).source.ends(read) if read else {}
    return {name: projector.behind(ends) for name, projector in projectors.items()}


def _times(stretches: Iterable[Stretch]) -> Iterator[int]:
    """When owners took what is in these; what strangers say of time is nothing to go by."""
    for stretch in stretches:
        if stretch.seen and stream_of(stretch.partition.stream).kind == "owned":
            yield stretch.seen[-1].meta.at


class _HeldBack:
    """Stretches that need not be written yet."""

    def __init__(self) -> None:
        self._stretches: dict[Partition, Stretch] = {}

    def add(self, stretches: Iterable[Stretch]) -> list[Stretch]:
        """Take these in too; what is worth writing comes out."""
        for stretch in stretches:
            held = self._stretches.get(stretch.partition)
            self._stretches[stretch.partition] = stretch if held is None else stretch._replace(start=held.start)
        ripe = [stretch for stretch in self._stretches.values() if _ripe(stretch)]
        for stretch in ripe:
            del self._stretches[stretch.partition]
        return ripe


def _ripe(stretch: Stretch) -> bool:
    return bool(stretch.seen) or stretch.end.offset - stretch.start.offset > _HOLD_BACK
