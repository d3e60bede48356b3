"""Events that say whose they are: own streams and slots are followed exactly once, and then there is silence."""

import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import pytest

from foldgate.contracts.events import (
    ChildCancelRequested,
    ChildEnded,
    ChildRequested,
    MessageQuarantined,
    RunCancelled,
    RunRequested,
    RunStarted,
    RunSucceeded,
    SlotFreed,
    SlotGranted,
    SlotQueued,
    SlotRefused,
    SlotReleased,
    SlotRequested,
)
from foldgate.contracts.topics import INTAKE, RUNS
from foldgate.eventlog.log import Log, Partition
from foldgate.eventlog.memory import MemoryLog
from foldgate.runtime.service import Aggregate, Follow, Relay, Service
from tests.support.assigning import Assigner
from tests.support.checker import by_aggregate, check_streams
from tests.support.family import FAMILY, request, size_of
from tests.support.history import Fact, History, history_of
from tests.support.leaping import LoopClock, leaping, time_passes
from tests.support.lives import Kept, Stage, kept
from tests.support.logs import USED, Opened
from tests.support.recovering import check_recovery
from tests.support.tallying import DECIDER
from tests.support.turns import TURNS
from tests.support.waiting import until

DEPTH = 3
MODES = ("queue", "reject", "cancel_oldest")
Ask = Callable[[Log, int], Awaitable[None]]


async def ask_tree(log: Log, number: int) -> None:
    await log.submit("intake", [request(f"tree{number}", str(number % (DEPTH + 1)))])


async def ask_turn(log: Log, number: int) -> None:
    """Three slots: one that is queued for, one of two places, one where the newer wins or nobody waits."""
    slot = number % 3
    terms = ("free 1 queue", "double 2 queue", f"rude 1 {MODES[1 + number % 2]}")[slot]
    await log.submit("intake", [request(f"turn{number}", terms)])


async def over(log: Log, count: int) -> History:
    """Wait until so many runs that were asked for have ended, and have their slots no more."""

    async def they_are() -> bool:
        history = await history_of(log)
        ended = [fact for fact in history.of(RunSucceeded, RunCancelled) if "." not in fact.meta.key]
        free = len(history.of(SlotRequested)) == len(history.of(SlotFreed, SlotRefused))
        return free and len(ended) == count

    await until(they_are, what=f"{count} runs to end", within_s=90)
    return await history_of(log)


def check_trees(history: History, count: int) -> None:
    check_streams(history)
    assert not history.asked(MessageQuarantined)
    begun = Counter(fact.meta.key for fact in history.of(RunStarted))
    assert set(begun.values()) == {1}
    sizes = [size_of(number % (DEPTH + 1)) for number in range(count)]
    ends = {fact.meta.key: fact.event for fact in history.of(RunSucceeded)}
    assert [ends[f"tree{number}"] for number in range(count)] == [RunSucceeded(output=str(size)) for size in sizes]
    assert len(begun) == sum(sizes)
    for fact in history.of(RunStarted):
        assert fact.meta.run_id == fact.meta.key


def check_turns(history: History, count: int) -> None:
    check_streams(history)
    assert not history.asked(MessageQuarantined)
    assert len(history.of(RunSucceeded, RunCancelled)) == count
    assert len(history.of(SlotRequested)) == len(history.of(SlotReleased)) == count
    slots = [fact for fact in history.facts if fact.partition.stream == "slots"]
    assert {key for _, key in by_aggregate(slots)} == {"free", "double", "rude"}
    for (_, slot), facts in by_aggregate(slots).items():
        _check_slot(slot, facts)


def _check_slot(slot: str, facts: list[Fact]) -> None:
    """Never more than the limit, nobody twice, in the order in which they asked; in the end nobody holds it."""
    holders, granted, answered = set[str](), list[str](), list[str]()
    for fact in facts:
        run = fact.meta.run_id
        if isinstance(fact.event, SlotGranted):
            holders.add(run)
            granted.append(run)
            answered += [run] if run not in answered else []
        elif isinstance(fact.event, SlotQueued):
            answered.append(run)
        elif isinstance(fact.event, SlotFreed):
            holders.discard(run)
        assert len(holders) <= {"free": 1, "double": 2, "rude": 1}[slot]
    assert granted == [run for run in answered if run in granted]
    assert slot == "rude" or granted == answered, "everybody who queues gets a turn"
    assert not holders


def crashes(chance: random.Random, longest: int) -> Iterator[int]:
    while True:
        yield chance.randrange(1, longest)


async def shuffle(log: Log, stage: Stage, assigner: Assigner, *, service: Service, ask: Ask, seed: int) -> list[Kept]:
    """Two instances whose shares change while they crash; two may be told the same for a while."""
    chance = random.Random(seed)
    everything = [Partition(a.stream.name, n) for a in service.aggregates for n in range(a.stream.partitions)]
    async with contextlib.AsyncExitStack() as stack:
        lives = [
            await stack.enter_async_context(kept(stage, service, instance=name, plan=crashes(chance, 150)))
            for name in ("one", "two")
        ]
        for number in range(6):
            first = {p for p in everything if chance.random() < 0.5}
            assigner.assign("one", first)
            assigner.assign("two", {p for p in everything if p not in first or chance.random() < 0.1})
            for asked in range(number * 4, number * 4 + 4):
                await ask(log, asked)
            await some_progress(log, everything)
            if chance.random() < 0.3:
                chance.choice(lives).kill()
        half = len(everything) // 2
        assigner.assign("one", everything[:half])
        assigner.assign("two", everything[half:])
        await over(log, 24)
        return lives


async def some_progress(log: Log, partitions: list[Partition]) -> None:
    """Until somebody has appended something."""
    before = [await log.end(partition) for partition in partitions]

    async def moved() -> bool:
        return [await log.end(partition) for partition in partitions] != before

    await until(moved, what="an append")


@pytest.mark.parametrize(
    ("service", "ask", "check"),
    [(FAMILY, ask_tree, check_trees), (TURNS, ask_turn, check_turns)],
    ids=["trees", "turns"],
)
async def test_each_event_is_taken_once_while_shares_change_and_owners_crash(
    opened: Opened, *, service: Service, ask: Ask, check: Callable[[History, int], None]
) -> None:
    assigner = Assigner()
    stage = Stage(assigner.through(opened))
    async with opened() as log:
        lives = await shuffle(log, stage, assigner, service=service, ask=ask, seed=5)
        assert sum(kept.crashes for kept in lives) > 3
        check(await history_of(log), 24)
        await check_recovery(log, stage, [service])


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    ("service", "ask", "check"),
    [(FAMILY, ask_tree, check_trees), (TURNS, ask_turn, check_turns)],
    ids=["trees", "turns"],
)
def test_each_event_is_taken_once_at_many_speeds(
    seed: int, *, service: Service, ask: Ask, check: Callable[[History, int], None]
) -> None:
    """On the memory log, where operations take some time and then another."""

    async def play() -> None:
        log, assigner, chance = MemoryLog(), Assigner(), random.Random(seed)
        await log.prepare(USED)
        connect = assigner.through(lambda: contextlib.nullcontext(log))
        stage = Stage(connect, LoopClock(), lambda: chance.choice((0.0, 0.001, 0.005, 0.03)))
        await shuffle(log, stage, assigner, service=service, ask=ask, seed=seed)
        check(await history_of(log), 24)
        await check_recovery(log, stage, [service])

    leaping(play())


@pytest.mark.parametrize(("service", "ask"), [(FAMILY, ask_tree), (TURNS, ask_turn)], ids=["trees", "turns"])
def test_who_has_nothing_to_do_is_silent(service: Service, ask: Ask) -> None:
    """Each reads what all say, itself included, and notes how far: noting that they noted would never end."""

    async def play() -> None:
        log = MemoryLog()
        await log.prepare(USED)
        everything = [Partition(a.stream.name, n) for a in service.aggregates for n in range(a.stream.partitions)]
        stage = Stage(lambda: contextlib.nullcontext(log), LoopClock())
        async with kept(stage, service):
            for number in range(8):
                await ask(log, number)
            await over(log, 8)
            await time_passes(60)
            before = [await log.end(partition) for partition in everything]
            await time_passes(3600)
            assert [await log.end(partition) for partition in everything] == before

    leaping(play())


def an_aggregate(*follows: Follow, relay: Relay | None = None) -> Aggregate:
    return Aggregate(stream=RUNS, decider=lambda *_: DECIDER, follows=follows, relay=relay)


def by_child(event: ChildRequested) -> str:
    return event.child_run


def test_what_cannot_be_followed_so_is_refused() -> None:
    own = Follow(stream=RUNS, events=(ChildEnded,), key=by_child)
    with pytest.raises(ValueError, match="expected each event in one follow, but ChildEnded is in several"):
        an_aggregate(own, Follow(stream=RUNS, events=(ChildCancelRequested, ChildEnded)))
    with pytest.raises(ValueError, match="expected a guard to read by the key of records"):
        an_aggregate(Follow(stream=INTAKE, events=(RunRequested,), guard=True, key=by_child))
    with pytest.raises(ValueError, match="expected either a relay or itself"):
        an_aggregate(own, relay=Relay(events=(), target=lambda _: "", key=lambda _: b""))
