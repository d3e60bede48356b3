"""The contract of the log: one suite that every driver passes."""

import asyncio
from collections.abc import Sequence

import pytest

from foldgate.contracts.codec import Codec
from foldgate.contracts.topics import Stream, partition_of
from foldgate.eventlog import tail
from foldgate.eventlog.acceptance import Acceptance, decode_head
from foldgate.eventlog.checkpoints import BaseGone, Saved
from foldgate.eventlog.log import (
    MAX_BATCH_BYTES,
    START,
    Batch,
    BatchHead,
    Fenced,
    Log,
    Outgoing,
    Partition,
    Position,
    Record,
    RecordTooLarge,
    TopologyMismatch,
    Writer,
)
from foldgate.eventlog.owner import OwnStream, claim
from tests.support.logs import Opened

OWNED = Partition("runs", 0)
CODEC = Codec()


async def become_owner(log: Log, owner: str, partition: Partition = OWNED) -> tuple[Writer, OwnStream, list[Record]]:
    folded: list[Record] = []
    own = OwnStream(partition)
    writer = await claim(log, CODEC, own, fold=folded.append, owner=owner, at=0)
    return writer, own, folded


def batch(own: OwnStream, *values: str, skip: int = 0, positions: tuple[tuple[str, int, Position], ...] = ()) -> Batch:
    at = own.acceptance.position
    head = BatchHead(epoch=at.epoch, sequence=at.sequence + skip, count=len(values), positions=positions)
    return Batch(head, [Outgoing(b"k", value.encode()) for value in values])


async def raw(log: Log, partition: Partition = OWNED, start: int = 0) -> list[Record]:
    return [record async for chunk in log.read(partition, start) for record in chunk]


async def accepted(log: Log, partition: Partition = OWNED) -> list[str]:
    rule = Acceptance(START)
    records = [record for record in await raw(log, partition) if rule.accepts(record)]
    return [record.value.decode() for record in records if record.key]


async def drain(follower: object, count: int) -> list[Record]:
    found: list[Record] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            found += await follower.next(limit=count - len(found), timeout_ms=1000)  # type: ignore[attr-defined]
    return found


async def test_an_append_is_in_order_and_whole(opened: Opened) -> None:
    async with opened() as log:
        writer, own, _ = await become_owner(log, "a")
        await writer.append(batch(own, "1", "2", "3"))
        await own.catch_up(log, lambda _: None)
        await writer.append(batch(own, "4"))
        assert await accepted(log) == ["1", "2", "3", "4"]
        heads = [decode_head(record.head) for record in await raw(log) if record.head is not None]
        assert [(head.sequence, head.count) for head in heads if head] == [(0, 1), (1, 3), (2, 1)]
        await writer.close()


async def test_reads_repeat_from_any_offset(opened: Opened) -> None:
    async with opened() as log:
        writer, own, _ = await become_owner(log, "a")
        await writer.append(batch(own, *(str(n) for n in range(700))))
        everything = await raw(log)
        assert [record.offset for record in everything] == sorted({record.offset for record in everything})
        for start in (0, 1, 350, 699):
            assert await raw(log, OWNED, everything[start].offset) == everything[start:]
        assert await log.end(OWNED) > everything[-1].offset
        await writer.close()


async def test_a_read_stops_where_it_is_told(opened: Opened) -> None:
    async with opened() as log:
        places = await log.submit("intake", [Outgoing(b"k", str(n).encode()) for n in range(20)])
        partition = places[0].partition
        found = [r async for chunk in log.read(partition, places[3].offset, places[9].offset) for r in chunk]
        assert [record.value for record in found] == [str(n).encode() for n in range(3, 9)]


async def test_input_positions_come_with_the_append_that_answers_them(opened: Opened) -> None:
    source = ("intake", 2, Position(41))
    async with opened() as log:
        writer, own, _ = await become_owner(log, "a")
        await writer.append(batch(own, "x", positions=(source,)))
        await writer.close()
    async with opened() as log:
        writer, own, folded = await become_owner(log, "b")
        assert own.inputs == {Partition("intake", 2): Position(41)}
        assert [record.value for record in folded if record.key] == [b"x"]
        await writer.close()


async def test_the_old_owner_cannot_append(opened: Opened) -> None:
    async with opened() as old_log, opened() as new_log:
        old, old_own, _ = await become_owner(old_log, "old")
        await old.append(batch(old_own, "before"))
        await old_own.catch_up(old_log, lambda _: None)
        new, new_own, folded = await become_owner(new_log, "new")
        assert [record.value for record in folded if record.key] == [b"before"]
        with pytest.raises(Fenced):
            await old.append(batch(old_own, "zombie"))
        await new.append(batch(new_own, "after"))
        assert await accepted(new_log) == ["before", "after"]
        await old.close()
        await new.close()


async def test_of_claims_that_race_one_counts(opened: Opened) -> None:
    async with opened() as one, opened() as two:
        first, second = OwnStream(OWNED), OwnStream(OWNED)
        outcomes = await asyncio.gather(
            claim(one, CODEC, first, fold=lambda _: None, owner="one", at=0),
            claim(two, CODEC, second, fold=lambda _: None, owner="two", at=0),
            return_exceptions=True,
        )
        rule = Acceptance(START)
        claims = [r for r in await raw(one) if rule.accepts(r)]
        assert rule.position.epoch == len(claims) >= 1
        winner, own = (outcomes[0], first) if rule.claimant == "one" else (outcomes[1], second)
        assert not isinstance(winner, BaseException)
        loser = outcomes[1] if rule.claimant == "one" else outcomes[0]
        await own.catch_up(one, lambda _: None)
        await winner.append(batch(own, "won"))
        assert await accepted(one) == ["won"]
        for writer in (winner, loser):
            if not isinstance(writer, BaseException):
                await writer.close()


async def test_a_batch_out_of_sequence_is_accepted_by_no_reader(opened: Opened) -> None:
    async with opened() as log:
        writer, own, _ = await become_owner(log, "a")
        try:
            await writer.append(batch(own, "after a gap", skip=1))
        except Fenced:
            writer, own, _ = await become_owner(log, "a again")
        await writer.append(batch(own, "in order"))
        assert await accepted(log) == ["in order"]
        await writer.close()


async def test_too_large_a_batch_is_refused_whole(opened: Opened) -> None:
    async with opened() as log:
        writer, own, _ = await become_owner(log, "a")
        before = await log.end(OWNED)
        with pytest.raises(RecordTooLarge):
            await writer.append(batch(own, "small", "x" * MAX_BATCH_BYTES))
        assert await log.end(OWNED) == before
        await writer.append(batch(own, "x" * (MAX_BATCH_BYTES - 1000)))
        assert len(await accepted(log)) == 1
        await writer.close()


async def test_submissions_go_to_the_partition_of_their_key_in_order(opened: Opened) -> None:
    async with opened() as log:
        submissions = [Outgoing(f"key-{n % 7}".encode(), str(n).encode()) for n in range(100)]
        places = await log.submit("intake", submissions)
        assert [place.partition.number for place in places] == [partition_of(s.key, 4) for s in submissions]
        found = [record for number in range(4) for record in await raw(log, Partition("intake", number))]
        for n in range(7):
            mine = [int(record.value) for record in found if record.key == f"key-{n}".encode()]
            assert mine == sorted(mine)
        assert len(found) == 100
        assert {(r.partition, r.offset) for r in found} == {(p.partition, p.offset) for p in places}


async def test_too_large_a_submission_is_refused(opened: Opened) -> None:
    async with opened() as log:
        with pytest.raises(RecordTooLarge):
            await log.submit("intake", [Outgoing(b"k", b"x" * (1024 * 1024))])
        assert [await log.end(Partition("intake", n)) for n in range(4)] == [0] * 4


async def test_a_follower_sees_every_record_once_and_waits_for_more(opened: Opened) -> None:
    async with opened() as log, opened() as other:
        await log.submit("reports", [Outgoing(str(n).encode(), b"old") for n in range(50)])
        follower = log.follow({Partition("reports", n): 0 for n in range(4)})
        found = await drain(follower, 50)
        waiting = asyncio.ensure_future(drain(follower, 10))
        await other.submit("reports", [Outgoing(str(n).encode(), b"new") for n in range(10)])
        found += await waiting
        places = [(record.partition, record.offset) for record in found]
        assert len(set(places)) == len(places) == 60
        assert await follower.next(timeout_ms=0) == []
        await follower.close()


async def test_a_follower_seeks_and_drops(opened: Opened) -> None:
    async with opened() as log:
        await log.submit("reports", [Outgoing(str(n).encode(), str(n).encode()) for n in range(40)])
        zero, one = Partition("reports", 0), Partition("reports", 1)
        follower = log.follow({zero: 0})
        all_zero = await raw(log, zero)
        assert await drain(follower, len(all_zero)) == all_zero
        follower.seek(zero, all_zero[2].offset)
        assert await drain(follower, len(all_zero) - 2) == all_zero[2:]
        follower.seek(one, 0)
        all_one = await raw(log, one)
        assert await drain(follower, len(all_one)) == all_one
        follower.drop(zero)
        await log.submit("reports", [Outgoing(all_zero[0].key, b"unseen"), Outgoing(all_one[0].key, b"seen")])
        assert [record.value for record in await drain(follower, 1)] == [b"seen"]
        await follower.close()


PACES = ((500, 0), (500, 20), (7, 30), (1, 0), (1, 40))
FOLLOWED = [OWNED, *(Partition("reports", n) for n in range(4))]


async def followed(log: Log, count: int, *, limit: int, again: int) -> dict[Partition, list[Record]]:
    """So many records, so many at once; of who has had so many of a partition by then, half of them once more."""
    found: dict[Partition, list[Record]] = {partition: [] for partition in FOLLOWED}
    follower = log.follow(dict.fromkeys(FOLLOWED, 0))
    async with asyncio.timeout(60):
        while sum(map(len, found.values())) < count:
            for record in await follower.next(limit=limit):
                found[record.partition].append(record)
            longest = max(found, key=lambda partition: len(found[partition]))
            if again and len(found[longest]) >= again:
                del found[longest][again // 2 :]
                follower.seek(longest, found[longest][-1].offset + 1)
                again = 0
    await follower.close()
    return found


async def test_readers_of_every_pace_see_the_same(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """They read together where they have caught up, and alone where they are behind; here most are, now and then."""
    monkeypatch.setattr(tail, "KEPT_BYTES", 4_000)
    async with opened() as log, opened() as other:
        writer, own, _ = await become_owner(log, "a")

        async def append() -> None:
            for number in range(40):
                await writer.append(batch(own, *(f"{number} {part}" for part in "abc")))
                await own.catch_up(log, lambda _: None)

        async def submit(through: Log) -> None:
            for number in range(40):
                await through.submit("reports", [Outgoing(f"{number}-{n}".encode(), b"x" * n) for n in range(5)])

        async def append_and_be_followed() -> None:
            """By another owner, elsewhere."""
            await append()
            new, his, _ = await become_owner(other, "b")
            await new.append(batch(his, "new"))
            await new.close()

        paces = [followed(log, 123 + 400, limit=limit, again=again) for limit, again in PACES]
        *found, _, _, _ = await asyncio.gather(*paces, append_and_be_followed(), submit(log), submit(other))
        found.append(await followed(log, 123 + 400, limit=500, again=0))
        assert found == [{partition: await raw(log, partition) for partition in FOLLOWED}] * len(found)
        await writer.close()


async def test_a_slow_reader_gets_no_more_than_it_asks_for(opened: Opened) -> None:
    async with opened() as log:
        big = b"x" * 100_000
        for _ in range(5):
            await log.submit("reports", [Outgoing(b"k", big) for _ in range(8)])
        follower = log.follow({Partition("reports", partition_of(b"k", 4)): 0})
        taken: list[Record] = []
        async with asyncio.timeout(30):
            while len(taken) < 40:
                chunk = await follower.next(limit=3)
                assert len(chunk) <= 3
                taken += chunk
        assert [record.offset for record in taken] == sorted(record.offset for record in taken)
        await follower.close()


async def test_checkpoints_are_replaced_by_epoch(opened: Opened) -> None:
    async with opened() as log:
        store = log.checkpoints()
        assert await store.load(OWNED) is None
        first, own, _ = await become_owner(log, "first")
        await store.save(OWNED, epoch=1, head=b"h1", changed={"a": b"1", "b": b"1"})
        await store.save(OWNED, epoch=1, head=b"h2", changed={"a": b"2", "b": None, "c": b"2"})
        saved = await store.load(OWNED)
        assert saved is not None
        assert (saved.epoch, saved.head, saved.entries) == (1, b"h2", {"a": b"2", "c": b"2"})
        await first.close()
    async with opened() as log:
        store = log.checkpoints()
        second, own, _ = await become_owner(log, "second")
        assert own.acceptance.position.epoch == 2
        await store.save(OWNED, epoch=2, head=b"h3", changed={"d": b"3"})
        await store.save(OWNED, epoch=1, head=b"late", changed={"a": b"late"})
        saved = await store.load(OWNED)
        assert saved is not None
        assert (saved.epoch, saved.head, saved.entries) == (2, b"h3", {"d": b"3"})
        assert await store.load(Partition("runs", 1)) is None
        await second.close()


@pytest.mark.parametrize("opened", ["memory", "postgres"], indirect=True)
async def test_a_checkpoint_adds_to_the_one_before_it_or_is_refused(opened: Opened) -> None:
    """Who removes one, or puts another there, does not make the next one wrong. Kafka knows it by where things lie
    (`test_kafka_foreign.py`)."""
    async with opened() as log:
        store = log.checkpoints()
        writer, _, _ = await become_owner(log, "first")
        with pytest.raises(BaseGone):
            await store.save(OWNED, epoch=1, head=b"h2", changed={"b": b"2"}, after=b"h1")
        await store.save(OWNED, epoch=1, head=b"h1", changed={"a": b"1"})
        await store.save(OWNED, epoch=1, head=b"h2", changed={"b": b"2"}, after=b"h1")
        with pytest.raises(BaseGone, match="runs-0"):
            await store.save(OWNED, epoch=1, head=b"h3", changed={"c": b"3"}, after=b"h1")
        assert await store.load(OWNED) == Saved(1, b"h2", {"a": b"1", "b": b"2"})
        await writer.close()


async def test_a_checkpoint_holds_large_and_many_entries(opened: Opened) -> None:
    async with opened() as log:
        store = log.checkpoints()
        writer, _, _ = await become_owner(log, "a")
        entries: dict[str, bytes | None] = {f"run_{n}": b"s" * 1500 for n in range(2000)}
        entries["big"] = b"x" * 700_000
        await store.save(OWNED, epoch=1, head=b"h", changed=entries)
        saved = await store.load(OWNED)
        assert saved is not None
        assert saved.entries == entries
        await writer.close()


async def assigned(memberships: Sequence[object], count: int) -> list[frozenset[Partition]]:
    """The assignments once they share all partitions without overlap."""
    latest: list[frozenset[Partition]] = [frozenset()] * len(memberships)

    async def watch(index: int, membership: object) -> None:
        while True:
            latest[index] = await membership.changed()  # type: ignore[attr-defined]
            settled.set()

    settled = asyncio.Event()
    watchers = [asyncio.ensure_future(watch(i, m)) for i, m in enumerate(memberships)]
    try:
        async with asyncio.timeout(60):
            while sum(map(len, latest)) != count or len(frozenset().union(*latest)) != count or not all(latest):
                await settled.wait()
                settled.clear()
    finally:
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
    return latest


async def test_partitions_are_shared_among_live_instances(opened: Opened) -> None:
    if opened.driver == "memory":
        pytest.skip("one process has everything in memory")
    partitions = [Partition("runs", n) for n in range(4)]
    async with opened() as one, opened() as two:
        first = one.membership("engine", "instance-1", partitions)
        assert (await assigned([first], 4))[0] == frozenset(partitions)
        second = two.membership("engine", "instance-2", partitions)
        shares = await assigned([first, second], 4)
        assert [len(share) for share in shares] == [2, 2]
        await first.close()
        assert (await assigned([second], 4))[0] == frozenset(partitions)
        await second.close()


async def test_other_partition_counts_are_named(opened: Opened) -> None:
    async with opened() as log:
        other = Stream(name="runs", kind="owned", key="run", partitions=7, owner="engine", events=(), doc="-")
        with pytest.raises(TopologyMismatch, match=r"runs.*7|7.*runs"):
            await log.prepare([other])
