"""Checkpoints on every driver: recovery from one is recovery from the whole log, whatever happened to it (INV-13)."""

import asyncio
import contextlib
import dataclasses
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

import msgspec
import pytest

from foldgate.contracts.events import RunRefused
from foldgate.contracts.places import START, Partition
from foldgate.decider.decider import Decider
from foldgate.eventlog.checkpoints import Saved
from foldgate.eventlog.log import Batch, Fenced, Log, Record
from foldgate.runtime.clock import SystemClock
from foldgate.runtime.owned import OwnedPartition
from foldgate.runtime.recovery import become_owner
from foldgate.runtime.saving import Head
from tests.support.crashing import Crashed, CrashingLog, Incarnation
from tests.support.history import history_of
from tests.support.lives import Stage
from tests.support.logs import Opened
from tests.support.recovering import State, check_recovery, state_of
from tests.support.tallying import DECIDER, TALLYING, Tally, incoming, request
from tests.support.waiting import tick, until

OWN, SOURCE = Partition("runs", 0), Partition("intake", 0)
NEVER = 10**12
CLOCK = SystemClock()


class Owner:
    """One owner of a partition, fed by hand: nothing is saved but when told."""

    def __init__(self, log: Log, owned: OwnedPartition) -> None:
        self.log, self.owned = log, owned

    @classmethod
    async def of(cls, log: Log, *, checkpoint_every_ms: int = NEVER) -> "Owner":
        stage = Stage(lambda: contextlib.nullcontext(log), changes={"checkpoint_every_ms": checkpoint_every_ms})
        return cls(log, await become_owner(stage.context("engine", log, instance="test"), OWN, DECIDER))

    @property
    def next_offset(self) -> int:
        return self.owned.processor.inputs.get(SOURCE, START).offset

    def take(self, offset: int, words: str, *, key: str = "run_1") -> None:
        submission = request(key, words, name=str(offset))
        now = CLOCK.now_ms()
        self.owned.processor.take(incoming(SOURCE, offset, submission), key=key, now=now)
        self.owned.processor.tick(now)

    async def appended(self) -> None:
        self.owned.pump()
        if "append" in self.owned._tasks:
            await self.owned._tasks["append"]
        assert not self.owned.processor.pending
        assert not self.owned.lost.done()

    async def save(self) -> None:
        await self.owned._save()


@contextlib.asynccontextmanager
async def checked(opened: Opened) -> AsyncIterator[Log]:
    """A log that recovers alike from its checkpoints and from its beginning when the test is over."""
    async with opened() as log:
        yield log
        await check_recovery(log, Stage(opened), [TALLYING])


async def recovered(log: Log, decider: Decider[Tally] = DECIDER) -> State:
    context = Stage(lambda: contextlib.nullcontext(log)).context("engine", log, instance="test")
    return await state_of(context, OWN, decider)


async def test_any_life_recovers_alike_with_its_checkpoints_and_without(opened: Opened) -> None:
    chance = random.Random(13)
    async with checked(opened) as log:
        owner = await Owner.of(log)
        for _ in range(60):
            words = chance.choice(["note", "note", "keep 300", "chunks 7", "nothing", "end", "open and end", "fail"])
            owner.take(owner.next_offset, words, key=f"run_{chance.randrange(12)}")
            if chance.random() < 0.5:
                await owner.appended()
            if chance.random() < 0.3:
                await owner.save()
            if chance.random() < 0.1:
                await (owner.owned.leave() if chance.random() < 0.5 else owner.owned.abandon())
                await check_recovery(log, Stage(opened), [TALLYING])
                owner = await Owner.of(log)
        await owner.owned.leave()
        assert await check_recovery(log, Stage(opened), [TALLYING]) == 1


class _Gated:
    """A log on which reading stops at a gate."""

    def __init__(self, log: Log) -> None:
        self._log, self.gate, self.waiting = log, asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def read(self, partition: Partition, start: int, stop: int | None = None) -> AsyncIterator[Sequence[Record]]:
        self.waiting.set()
        await self.gate.wait()
        async for chunk in self._log.read(partition, start, stop):
            yield chunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


async def test_a_checkpoint_never_knows_more_than_the_log(opened: Opened) -> None:
    """What is decided while a save reads back is not on the log yet, and is lost with its owner."""
    async with checked(opened) as real:
        log = _Gated(real)
        owner = await Owner.of(log)
        owner.take(0, "note", key="run_1")
        await owner.appended()
        log.gate.clear()
        log.waiting.clear()
        saving = asyncio.ensure_future(owner.save())
        await log.waiting.wait()
        owner.take(1, "end", key="run_1")
        owner.take(2, "open and end", key="run_2")
        log.gate.set()
        await saving
        await owner.owned.abandon()  # as a crash would: decided, and never appended
        state = await recovered(real)
        assert set(state.live) == {"run_1"}
        assert not state.closed
        again = await Owner.of(real)
        again.take(2, "open and end", key="run_2")
        await again.appended()
        assert [fact.meta.key for fact in (await history_of(real)).of(RunRefused)] == ["run_2"]
        await again.owned.leave()


class _NeverIdle:
    """A pen to which something more is always decided before an append is over."""

    def __init__(self, owner: Owner) -> None:
        self._owner, self._writer, self.stopped = owner, owner.owned._writer, False

    async def append(self, batch: Batch) -> int:
        if not self.stopped:
            self._owner.take(self._owner.next_offset, "note")
        await tick()
        return await self._writer.append(batch)

    async def close(self) -> None:
        await self._writer.close()


async def test_saving_does_not_wait_for_a_pause_between_appends(opened: Opened) -> None:
    async with checked(opened) as log:
        owner = await Owner.of(log, checkpoint_every_ms=1)
        owner.owned._writer = pen = _NeverIdle(owner)
        owner.take(0, "note")

        async def is_saved() -> bool:
            owner.owned.pump()
            return await log.checkpoints().load(OWN) is not None

        await until(is_saved, what="a checkpoint under a load that never ends")
        pen.stopped = True
        await owner.owned.leave()
        assert not owner.owned.lost.exception()


async def test_an_owner_that_was_replaced_saves_nothing_more(opened: Opened) -> None:
    async with opened() as one, checked(opened) as two:
        old = await Owner.of(one)
        old.take(0, "note", key="run_1")
        await old.appended()
        await old.save()
        old.take(1, "keep 10", key="run_1")
        await old.appended()
        new = await Owner.of(two)
        with pytest.raises(Fenced, match="another owner has taken over"):
            await old.save()
        assert (await two.checkpoints().load(OWN)).epoch == 1  # type: ignore[union-attr]
        new.take(2, "end", key="run_1")
        new.take(3, "note", key="run_2")
        await new.appended()
        await new.save()
        # Even one that does not look before it saves, as an owner does that was paused just there.
        late = old.owned._saving.snapshot(old.owned._position, old.owned._acknowledged)
        await old.owned._saving.save(late)
        assert set((await recovered(two)).live) == {"run_2"}
        assert (await recovered(two)).folded == 0
        await old.owned.abandon()
        await new.owned.leave()


@pytest.mark.parametrize("place", range(1, 4))
async def test_a_crash_within_a_save_leaves_a_checkpoint_that_serves(opened: Opened, place: int) -> None:
    """Place 1 is before the head and after half of the entries or all of them, which stores differ in."""
    async with checked(opened) as log:
        first = await Owner.of(log)
        for offset, key in enumerate(["run_1", "run_2", "run_3"]):
            first.take(offset, "note", key=key)
        await first.appended()
        await first.save()
        first.take(3, "end", key="run_1")
        first.take(4, "open and end", key="run_4")
        first.take(5, "note", key="run_2")
        await first.appended()
        life = Incarnation(place)
        first.owned._saving._store = CrashingLog(log, life).checkpoints()
        with pytest.raises(Crashed):
            await first.save()
        await first.owned.abandon()
        assert set((await recovered(log)).live) == {"run_2", "run_3"}
        second = await Owner.of(log)
        second.take(6, "note", key="run_4")
        second.take(7, "note", key="run_2")
        await second.appended()
        assert second.owned.processor.live["run_2"].sequence == 3
        await second.owned.leave()


async def test_a_save_cut_off_anywhere_leaves_a_checkpoint_that_serves(
    opened: Opened, record_property: Callable[[str, object], None]
) -> None:
    """Cancelled after a few turns of the loop, after some more, … until one ends: what a kill leaves of the driver's
    own work."""
    async with checked(opened) as log:
        number, turns, ended, longest_s = 0, 0, False, 0.0
        while not ended:
            owner = await Owner.of(log)
            for words in ("keep 400000", "note", "open and end", "end", "note"):
                owner.take(owner.next_offset, words, key=f"run_{number - (words == 'end')}")
            await owner.appended()
            ended = not await _cut_off(owner.save(), turns)
            cut_off_at = time.monotonic()
            await owner.owned.abandon()
            next_owner = await Owner.of(log)
            longest_s = max(longest_s, time.monotonic() - cut_off_at)
            await next_owner.owned.abandon()
            await check_recovery(log, Stage(opened), [TALLYING])
            number, turns = number + 1, turns + 1 + turns // 3
        assert number > 1
        record_property(f"one of {number} saves was cut off: the next owner knows all, at most", longest_s)


async def _cut_off(work: Coroutine[Any, Any, None], turns: int) -> bool:
    """Begin it, and cancel it after so many turns; returns whether it had not ended by itself."""
    task = asyncio.ensure_future(work)
    for _ in range(turns):
        await asyncio.wait([task], timeout=0)
    task.cancel()
    [outcome] = await asyncio.gather(task, return_exceptions=True)
    if isinstance(outcome, Exception):
        raise outcome
    return isinstance(outcome, asyncio.CancelledError)


async def test_a_state_larger_than_any_record_is_saved_in_parts_and_shrinks_again(opened: Opened) -> None:
    async with checked(opened) as log:
        owner = await Owner.of(log)
        for offset in range(4):
            owner.take(offset, "keep 600000")
            await owner.appended()
        await owner.save()
        state = await recovered(log)
        assert len(state.live["run_1"].state.kept) == 2_400_000
        assert state.folded == 0
        saved = await _loaded(log)
        assert max(map(len, saved.entries.values())) < 900_000
        assert len(saved.entries) > 3
        owner.take(4, "end")
        owner.take(5, "note", key="run_2")
        await owner.appended()
        await owner.save()
        assert sorted(name.split("/")[0] for name in (await _loaded(log)).entries) == ["a", "c"]
        await owner.owned.leave()


async def test_parts_of_two_saves_are_no_checkpoint(opened: Opened) -> None:
    async with checked(opened) as log:
        owner = await Owner.of(log)
        for offset in range(2):
            owner.take(offset, "keep 600000")
        await owner.appended()
        await owner.save()
        saved = await _loaded(log)
        part = next(name for name in saved.entries if name.startswith("part/1/"))
        await log.checkpoints().save(OWN, epoch=1, head=saved.head, changed={part: b"of another save"})
        state = await recovered(log)
        assert state.folded == state.position.sequence > 1
        assert len(state.live["run_1"].state.kept) == 1_200_000
        await owner.owned.abandon()


async def test_a_checkpoint_of_another_edition_is_passed_over(opened: Opened) -> None:
    async with checked(opened) as log:
        owner = await Owner.of(log)
        owner.take(0, "note")
        await owner.appended()
        await owner.owned.leave()
        assert (await recovered(log)).folded == 0
        newer = await recovered(log, dataclasses.replace(DECIDER, edition=2))
        assert newer.folded > 0
        assert newer._replace(folded=0) == (await recovered(log))._replace(folded=0)


async def test_a_checkpoint_past_the_end_of_the_log_is_passed_over(opened: Opened) -> None:
    """As after the log was restored from a backup that is older than its checkpoints."""
    async with checked(opened) as log:
        owner = await Owner.of(log)
        owner.take(0, "note")
        await owner.appended()
        await owner.save()
        head = msgspec.msgpack.decode((await _loaded(log)).head, type=Head)
        ahead = msgspec.structs.replace(head.position, offset=head.position.offset + 1000)
        beyond = msgspec.msgpack.encode(msgspec.structs.replace(head, position=ahead))
        await log.checkpoints().save(OWN, epoch=1, head=beyond, changed={})
        state = await recovered(log)
        assert (set(state.live), state.position.offset) == ({"run_1"}, head.position.offset)
        assert state.folded > 0
        await owner.owned.abandon()


async def test_a_checkpoint_that_cannot_be_read_is_none(opened: Opened) -> None:
    async with checked(opened) as log:
        owner = await Owner.of(log)
        owner.take(0, "note")
        await owner.appended()
        await owner.save()
        saved = await _loaded(log)
        await log.checkpoints().save(OWN, epoch=1, head=saved.head, changed={"a/run_1": b"wnot msgpack at all"})
        assert set((await recovered(log)).live) == {"run_1"}
        await log.checkpoints().save(OWN, epoch=1, head=b"nor is this", changed={})
        assert set((await recovered(log)).live) == {"run_1"}
        await owner.owned.abandon()


async def test_nothing_is_saved_where_nothing_has_changed(opened: Opened) -> None:
    async with checked(opened) as log:
        owner = await Owner.of(log)
        await owner.save()
        store = log.checkpoints()
        await store.save(OWN, epoch=1, head=(await _loaded(log)).head, changed={"part/9/mark": b"x"})
        await owner.save()
        assert "part/9/mark" in (await _loaded(log)).entries
        await owner.owned.leave()


async def _loaded(log: Log) -> Saved:
    saved = await log.checkpoints().load(OWN)
    assert saved is not None
    return saved
