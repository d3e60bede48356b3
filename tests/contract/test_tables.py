"""Tables that deciders are given: what a message or a history names is in them, on every driver and after crashes."""

import contextlib
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from foldgate.contracts.codec import NO_CHAIN
from foldgate.contracts.events import Event, MessageQuarantined, Meta, RunRefused, RunStarted, RunSucceeded
from foldgate.contracts.topics import RUNS, WORKFLOWS, partition_of
from foldgate.eventlog.log import Batch, BatchHead, Follower, Log, Outgoing, Partition, Writer
from foldgate.eventlog.memory import MemoryLog
from foldgate.eventlog.owner import OwnStream, claim
from foldgate.runtime.host import Host
from foldgate.runtime.recovery import LogUnreadable
from foldgate.runtime.tables import TableReader
from tests.support.assigning import Assigner
from tests.support.checker import check_streams
from tests.support.family import CODEC, request
from tests.support.history import History, history_of
from tests.support.leaping import LoopClock, leaping
from tests.support.lives import Stage, kept
from tests.support.logs import USED, Opened
from tests.support.pinned import PINNED, Published, Publisher
from tests.support.suite import context, running
from tests.support.waiting import tick, until

PARTITIONS = [Partition(RUNS.name, number) for number in range(RUNS.partitions)]
BEYOND = 10**12


async def answer(log: Log, run: str, *of: type[Event]) -> Event:
    """What was said of that run."""
    found: list[Event] = []

    async def said() -> bool:
        found[:] = [fact.event for fact in (await history_of(log)).of(*of) if fact.meta.key == run]
        return bool(found)

    await until(said, what=f"an answer to {run}")
    [event] = found
    return event


def check_pinned(history: History) -> None:
    ours = [fact for fact in history.facts if fact.partition.stream == RUNS.name]  # the rest was written by hand
    check_streams(history._replace(facts=ours))
    assert not history.asked(MessageQuarantined)
    pinned = {fact.meta.key: fact.event.digest for fact in history.facts if isinstance(fact.event, RunStarted)}
    for fact in history.of(RunSucceeded):
        assert fact.event == RunSucceeded(output=f"means {pinned[fact.meta.key]}")


async def test_who_publishes_and_asks_with_the_place_gets_what_was_published(opened: Opened) -> None:
    async with opened() as log, Publisher.claimed(log, "first") as publisher:
        async with running(log, services=[PINNED]):
            for number in range(12):
                reached = await publisher.publish("w", f"d{number}")
                await log.submit("intake", [request(f"run{number}", "", workflow="w", workflows_offset=reached)])
                started = await answer(log, f"run{number}", RunStarted, RunRefused)
                assert isinstance(started, RunStarted)
                assert started.digest == f"d{number}"
            assert await answer(log, "run11", RunSucceeded) == RunSucceeded(output="means d11")
        check_pinned(await history_of(log))


async def test_a_workflow_that_is_unknown_is_looked_for_once_more(opened: Opened) -> None:
    """Also where the request says nothing of a place: it may come of a program that knows nothing of ours."""
    async with opened() as log, Publisher.claimed(log, "first") as publisher, running(log, services=[PINNED]):
        for number in range(12):
            await publisher.publish(f"w{number}", f"d{number}")
            await log.submit("intake", [request(f"run{number}", "", workflow=f"w{number}")])
            assert isinstance(await answer(log, f"run{number}", RunStarted, RunRefused), RunStarted)


async def test_nobody_waits_for_what_is_not_there(opened: Opened) -> None:
    async with opened() as log, Publisher.claimed(log, "first") as publisher, running(log, services=[PINNED]):
        await log.submit("intake", [request("lost", "", workflow="nothing", workflows_offset=BEYOND)])
        assert isinstance(await answer(log, "lost", RunStarted, RunRefused), RunRefused)
        await publisher.publish("w", "d")
        await log.submit("intake", [request("found", "", workflow="w", workflows_offset=BEYOND)])
        assert isinstance(await answer(log, "found", RunStarted, RunRefused), RunStarted)


async def test_what_is_published_is_followed_without_being_asked_for(opened: Opened) -> None:
    async with opened() as log, Publisher.claimed(log, "first") as first:
        await first.publish("w", "old")
        async with running(log, services=[PINNED]) as [host], Publisher.claimed(log, "second") as second:
            await second.publish("w", "new")
            with contextlib.suppress(Exception):
                await first.publish("w", "forged")  # by who was replaced: it counts nowhere
            [table] = host._tables.of(PINNED.aggregates[0])
            assert isinstance(table.table, Published)
            await until(lambda: table.table.latest == {"w": "new"}, what="the new version")
            assert "forged" not in table.table.definitions


async def test_a_run_finds_what_it_is_pinned_to_after_a_restart(opened: Opened) -> None:
    async with opened() as log, Publisher.claimed(log, "first") as publisher:
        await publisher.publish("w", "old")
        stage = Stage(opened)
        async with kept(stage, PINNED, lives=1) as first:
            await log.submit("intake", [request(f"run{n}", "", workflow="w") for n in range(20)])
            for number in range(20):
                await answer(log, f"run{number}", RunStarted)
            first.kill()
        await publisher.publish("w", "new")
        async with kept(stage, PINNED):
            for number in range(20):
                assert await answer(log, f"run{number}", RunSucceeded) == RunSucceeded(output="means old")
        check_pinned(await history_of(log))


def crashes(chance: random.Random) -> Iterator[int]:
    while True:
        yield chance.randrange(1, 100)


async def published_amid_crashes(log: Log, stage: Stage, assigner: Assigner, *, seed: int) -> None:
    """Versions are published and asked for, while shares change and owners crash: each run gets what it names."""
    chance = random.Random(seed)
    async with contextlib.AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(Publisher.claimed(log, "owner0"))
        for name in ("one", "two"):
            await stack.enter_async_context(kept(stage, PINNED, instance=name, plan=crashes(chance)))
        expected: dict[str, str] = {}
        for number in range(20):
            share = {p for p in PARTITIONS if chance.random() < 0.5}
            assigner.assign("one", share)
            assigner.assign("two", set(PARTITIONS) - share)
            if chance.random() < 0.2:
                publisher = await stack.enter_async_context(Publisher.claimed(log, f"owner{number + 1}"))
            reached = await publisher.publish(f"w{number % 3}", f"d{number}")
            asked = request(f"run{number}", "", workflow=f"w{number % 3}", workflows_offset=reached)
            await log.submit("intake", [asked])
            expected[f"run{number}"] = f"d{number}"
            await (tick() if chance.random() < 0.6 else answer(log, f"run{number}", RunStarted))
        assigner.assign("one", PARTITIONS[:2])
        assigner.assign("two", PARTITIONS[2:])
        await until(lambda: all_over(log, len(expected)), what="all runs to end", within_s=90)
    history = await history_of(log)
    check_pinned(history)
    names = list(expected)
    pinned = {fact.meta.key: fact.event.digest for fact in history.facts if isinstance(fact.event, RunStarted)}
    for number, run in enumerate(names):
        later = {expected[other] for other in names[number:] if names.index(other) % 3 == number % 3}
        assert pinned[run] in later, "what it names, or what was published since"


async def all_over(log: Log, count: int) -> bool:
    return len((await history_of(log)).of(RunSucceeded)) == count


async def test_what_a_run_names_is_there_while_shares_change_and_owners_crash(opened: Opened) -> None:
    assigner = Assigner()
    async with opened() as log:
        await published_amid_crashes(log, Stage(assigner.through(opened)), assigner, seed=1)


@pytest.mark.parametrize("seed", range(12))
def test_what_a_run_names_is_there_at_many_speeds(seed: int) -> None:
    async def play() -> None:
        log, assigner, chance = MemoryLog(), Assigner(), random.Random(seed)
        await log.prepare(USED)
        connect = assigner.through(lambda: contextlib.nullcontext(log))
        stage = Stage(connect, LoopClock(), lambda: chance.choice((0.0, 0.001, 0.005, 0.03)))
        await published_amid_crashes(log, stage, assigner, seed=seed)

    leaping(play())


class _Late:
    """The log as a new owner of `runs-0` meets it: at the last moment, after it has read all that there is, and before
    its claim, somebody publishes, and the old owner begins a run of that. What follows `workflows` hears nothing."""

    def __init__(self, log: Log, publisher: Publisher) -> None:
        self._log, self._publisher = log, publisher
        self._done = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def follow(self, starts: Mapping[Partition, int]) -> Follower:
        return self._log.follow({place: at for place, at in starts.items() if place.stream != "workflows"})

    async def writer(self, partition: Partition) -> Writer:
        if partition == PARTITIONS[0] and not self._done:
            self._done = True
            await tick()
            await self._publisher.publish("w", "late")
            await begun_by_hand(self._log, "run_of_before", digest="late")
        return await self._log.writer(partition)


async def begun_by_hand(log: Log, run: str, *, digest: str) -> None:
    own = OwnStream(Partition("runs", partition_of(run.encode(), RUNS.partitions)))
    writer = await claim(log, CODEC, own, fold=lambda _: None, owner="before", at=0)
    meta = Meta(
        chain=NO_CHAIN,
        event_id=f"runs/{run}/1",
        stream="runs",
        key=run,
        run_id=run,
        sequence=1,
        clock=1,
        at=1,
        principal="test",
    )
    value = CODEC.encode(meta, RunStarted(workflow="w", input="", request_hash=b"", digest=digest))
    at = own.acceptance.position
    await writer.append(Batch(BatchHead(at.epoch, at.sequence, 1), [Outgoing(run.encode(), value)]))
    await writer.close()


async def test_what_the_owner_before_saw_last_is_there_before_anything_is_decided(opened: Opened) -> None:
    assert partition_of(b"run_of_before", RUNS.partitions) == 0
    async with opened() as log, Publisher.claimed(log, "first") as publisher:
        late = _Late(log, publisher)
        async with running(late, services=[PINNED]):
            assert await answer(log, "run_of_before", RunSucceeded) == RunSucceeded(output="means late")


async def test_hosts_of_one_process_have_tables_of_their_own(opened: Opened) -> None:
    async with opened() as log:
        hosts = [Host(PINNED, context("engine", log)) for _ in range(2)]
        tables = [host._tables.of(PINNED.aggregates[0]) for host in hosts]
        assert tables[0][0].table is not tables[1][0].table


async def test_what_counts_and_cannot_be_folded_stops_the_reader(opened: Opened) -> None:
    async with opened() as log:
        own = OwnStream(Partition("workflows", 0))
        writer = await claim(log, CODEC, own, fold=lambda _: None, owner="broken", at=0)
        at = own.acceptance.position
        await writer.append(Batch(BatchHead(at.epoch, at.sequence, 1), [Outgoing(b"w", b"\xff\xfe anything")]))
        await writer.close()
        with pytest.raises(LogUnreadable, match="workflows-0 at offset 1"):
            async with running(log, services=[PINNED]):
                pass


async def test_a_table_is_of_one_owned_partition() -> None:
    class OfRuns(Published):
        stream = RUNS

    with pytest.raises(ValueError, match="Expected a table of an owned stream of one partition, but got 'runs'"):
        TableReader(context("engine", MemoryLog()), OfRuns())
    assert WORKFLOWS.partitions == 1
