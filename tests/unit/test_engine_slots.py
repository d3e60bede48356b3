"""Who may go on under a concurrency key."""

import random
from collections.abc import Sequence
from typing import Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foldgate.contracts.events import (
    Event,
    RunStarted,
    SlotFreed,
    SlotGranted,
    SlotQueued,
    SlotRefused,
    SlotReleased,
    SlotRequested,
    SlotRevoked,
)
from foldgate.decider.decider import IllegalTransition, Message, Said, Tick
from foldgate.engine.slots import decide as deciding
from foldgate.engine.slots.decide import MAX_TOLD, slots
from foldgate.engine.slots.state import GONE_REMEMBERED, Place, Slot
from tests.support.given import Given, meta

KEY = "acme/deploy/eu"
DECIDER = slots()
OnConflict = Literal["queue", "reject", "cancel_oldest"]


class Answer(NamedTuple):
    """An answer in short: what, and to whom."""

    what: str
    to: str


class Slots(Given[Slot]):
    """A slot, and what runs ask of it."""

    def __init__(self) -> None:
        super().__init__(DECIDER, key=KEY)

    def asks(self, run: str, *, limit: int = 1, on_conflict: OnConflict = "queue") -> list[Answer]:
        asked = SlotRequested(slot=KEY, limit=limit, on_conflict=on_conflict)
        return told(self.said(asked, run_id=run, correlation=f"c-{run}"))

    def leaves(self, run: str) -> list[Answer]:
        return told(self.said(SlotReleased(slot=KEY), run_id=run))

    def ticks(self) -> list[Answer]:
        return told(self.said(Tick()))

    @property
    def slot(self) -> Slot:
        assert self.state is not None
        return self.state


def told(said: Sequence[Said]) -> list[Answer]:
    return [Answer(type(one.event).__name__, one.run_id or "") for one in said]


def test_a_place_is_given_and_given_on_in_order() -> None:
    subject = Slots()
    assert subject.asks("a") == [("SlotGranted", "a")]
    assert subject.asks("b") == [("SlotQueued", "b")]
    assert subject.asks("c") == [("SlotQueued", "c")]
    assert subject.leaves("a") == [("SlotFreed", "a"), ("SlotGranted", "b")]
    assert subject.leaves("b") == [("SlotFreed", "b"), ("SlotGranted", "c")]
    assert subject.leaves("c") == [("SlotFreed", "c")]
    assert subject.slot == Slot(limit=1, gone=("a", "b", "c"))


def test_answers_say_to_whom_and_what() -> None:
    subject = Slots()
    asked = SlotRequested(slot=KEY, limit=1, on_conflict="queue")
    [granted] = subject.said(asked, run_id="a", correlation="c-a")
    assert granted == Said(SlotGranted(slot=KEY, limit=1), run_id="a", principal="engine", correlation="c-a")
    [queued] = subject.said(asked, run_id="b", correlation="c-b")
    assert queued == Said(
        SlotQueued(slot=KEY, holders=("a",), limit=1), run_id="b", principal="engine", correlation="c-b"
    )
    freed, given_on = subject.said(SlotReleased(slot=KEY), run_id="a", correlation="c-a")
    assert freed.event == SlotFreed(slot=KEY, run="a")
    assert (given_on.run_id, given_on.correlation) == ("b", "c-b"), "what came of b's request, not of a's end"


def test_who_only_waits_may_leave() -> None:
    subject = Slots()
    subject.asks("a")
    subject.asks("b")
    subject.asks("c")
    assert subject.leaves("b") == [("SlotFreed", "b")]
    assert subject.leaves("a") == [("SlotFreed", "a"), ("SlotGranted", "c")]


def test_rejecting_waits_for_nothing() -> None:
    subject = Slots()
    assert subject.asks("a", on_conflict="reject") == [("SlotGranted", "a")]
    [refused] = subject.said(SlotRequested(slot=KEY, limit=1, on_conflict="reject"), run_id="b")
    assert refused.event == SlotRefused(slot=KEY, holders=("a",), limit=1)
    assert subject.leaves("b") == []
    assert subject.leaves("a") == [("SlotFreed", "a")]
    assert subject.asks("c", on_conflict="reject") == [("SlotGranted", "c")]


def test_the_oldest_gives_way_and_the_newer_gets_its_place() -> None:
    subject = Slots()
    subject.asks("a", limit=2)
    subject.asks("b", limit=2)
    queued, revoked = subject.said(SlotRequested(slot=KEY, limit=2, on_conflict="cancel_oldest"), run_id="c")
    assert isinstance(queued.event, SlotQueued)
    assert (revoked.event, revoked.run_id) == (SlotRevoked(slot=KEY, by_run="c"), "a")
    assert len(subject.slot.holders) == 2, "a keeps its place until it has let go"
    assert subject.leaves("a") == [("SlotFreed", "a"), ("SlotGranted", "c")]


def test_who_waits_gives_way_too_and_then_gets_nothing() -> None:
    subject = Slots()
    subject.asks("a", on_conflict="cancel_oldest")
    assert subject.asks("b", on_conflict="cancel_oldest") == [("SlotQueued", "b"), ("SlotRevoked", "a")]
    assert subject.asks("c", on_conflict="cancel_oldest") == [("SlotQueued", "c"), ("SlotRevoked", "b")]
    assert subject.leaves("a") == [("SlotFreed", "a"), ("SlotGranted", "c")]
    assert subject.leaves("b") == [("SlotFreed", "b")]


def test_where_somebody_gives_way_already_nobody_else_does() -> None:
    subject = Slots()
    subject.asks("a", limit=2)
    subject.asks("b", limit=2)
    subject.asks("c", limit=2, on_conflict="cancel_oldest")
    subject.leaves("c")
    assert subject.asks("d", limit=2, on_conflict="cancel_oldest") == [("SlotQueued", "d")]


def test_the_newest_request_says_how_many_there_are() -> None:
    subject = Slots()
    subject.asks("a", limit=1)
    subject.asks("b", limit=1)
    assert subject.asks("c", limit=3) == [("SlotGranted", "b"), ("SlotGranted", "c")]
    assert subject.asks("d", limit=2) == [("SlotQueued", "d")]
    assert subject.leaves("a") == [("SlotFreed", "a")], "two hold it, and no more may"
    assert subject.leaves("b") == [("SlotFreed", "b"), ("SlotGranted", "d")]


def test_fewer_places_make_all_the_oldest_give_way() -> None:
    subject = Slots()
    for run in "abc":
        subject.asks(run, limit=3)
    said = subject.asks("d", limit=1, on_conflict="cancel_oldest")
    assert said == [("SlotQueued", "d"), *(("SlotRevoked", run) for run in "abc")]


@pytest.mark.parametrize("limit", [0, -1])
def test_there_is_one_place_at_least(limit: int) -> None:
    assert Slots().asks("a", limit=limit) == [("SlotGranted", "a")]


def test_the_same_again_adds_nothing() -> None:
    subject = Slots()
    for on_conflict in ("queue", "reject", "cancel_oldest"):
        subject.asks("a")
        subject.asks("b")
        before = subject.slot
        assert subject.asks("a", limit=5, on_conflict=on_conflict) == []
        assert subject.asks("b", limit=5, on_conflict=on_conflict) == []
        assert subject.slot == before
    subject.asks("r", on_conflict="reject")
    assert subject.asks("r", on_conflict="reject") == [], "refused is refused"
    subject.leaves("a")
    assert subject.leaves("a") == []
    assert subject.asks("a") == [], "a run asks once in its life"


def test_only_the_last_that_left_are_remembered() -> None:
    subject = Slots()
    for number in range(GONE_REMEMBERED + 5):
        subject.asks(f"r{number}")
        subject.leaves(f"r{number}")
    assert subject.slot.gone == tuple(f"r{number}" for number in range(5, GONE_REMEMBERED + 5))


def test_of_many_holders_some_are_named() -> None:
    subject = Slots()
    for number in range(MAX_TOLD + 10):
        subject.asks(f"r{number}", limit=MAX_TOLD + 10)
    [queued] = subject.said(SlotRequested(slot=KEY, limit=MAX_TOLD + 10, on_conflict="queue"), run_id="late")
    assert isinstance(queued.event, SlotQueued)
    assert queued.event.holders == tuple(f"r{number}" for number in range(MAX_TOLD))


def test_what_a_decision_does_not_take_comes_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "_GRANTED_BYTES", 3 * 2048 + 3 * 5 * len(KEY))
    subject = Slots()
    subject.asks("first")
    for number in range(8):
        subject.asks(f"r{number}")
    assert DECIDER.due(subject.slot) is None
    assert subject.asks("last", limit=100) == [*(("SlotGranted", f"r{n}") for n in range(3)), ("SlotGranted", "last")]
    assert DECIDER.due(subject.slot) == 0
    assert subject.ticks() == [("SlotGranted", f"r{n}") for n in range(3, 6)]
    assert subject.ticks() == [("SlotGranted", f"r{n}") for n in range(6, 8)]
    assert DECIDER.due(subject.slot) is None
    assert subject.asks("rude", limit=1, on_conflict="cancel_oldest")[1:] == [
        ("SlotRevoked", run) for run in ("first", "r0", "r1")
    ]


def test_a_long_name_still_gets_an_answer() -> None:
    assert deciding._most("x" * 200_000) == 1


def test_what_is_no_message_of_a_slot_changes_nothing() -> None:
    subject = Slots()
    subject.asks("a")
    assert subject.when(RunStarted(input="{}", request_hash=b"", workflow="w", topic="")) == []


def test_after_a_fault_of_ours_the_run_that_asked_is_refused() -> None:
    asked = Message(key=KEY, at=1, event=SlotRequested(slot=KEY, limit=1, on_conflict="queue"), meta=meta(KEY))
    [said] = DECIDER.fail(None, asked, "broken")
    assert said == Said(SlotRefused(slot=KEY, holders=(), limit=1), run_id=KEY, principal="engine", correlation="c")
    assert list(DECIDER.fail(Slot(holders={KEY: Place()}), asked, "broken")) == []
    assert list(DECIDER.fail(None, Message(key=KEY, at=1, event=Tick()), "broken")) == []


@pytest.mark.parametrize(
    "event",
    [
        SlotGranted(slot=KEY),
        SlotQueued(slot=KEY, holders=()),
        SlotRefused(slot=KEY, holders=()),
        SlotFreed(slot=KEY, run="nobody"),
        SlotReleased(slot=KEY),
    ],
)
def test_what_does_not_fit_is_a_fault_of_ours(event: Event) -> None:
    holding = Slot(limit=1, holders={"a": Place(revoked=True)})
    with pytest.raises(IllegalTransition):
        DECIDER.evolve(holding, meta(KEY, run_id="a"), event)
    with pytest.raises(IllegalTransition):
        DECIDER.evolve(holding, meta(KEY, run_id="a"), SlotRevoked(slot=KEY, by_run="b"))
    with pytest.raises(IllegalTransition):
        DECIDER.evolve(holding, meta(KEY, run_id="b"), SlotGranted(slot=KEY, limit=1))


MODES: list[OnConflict] = ["queue", "reject", "cancel_oldest"]


@given(st.randoms(use_true_random=False), st.integers(1, 12), st.lists(st.sampled_from(MODES), min_size=1, max_size=3))
def test_however_runs_come_and_go_the_limit_holds_and_everybody_gets_a_turn(
    chance: random.Random, count: int, modes: list[OnConflict]
) -> None:
    """Runs ask, and leave when they have had their turn or were told to give up, in any interleaving; some leave
    while they wait, and messages come again."""
    subject = Slots()
    coming, here, granted, over = [f"r{n}" for n in range(count)], set[str](), list[str](), set[str]()
    asked, limits = list[str](), dict[str, int]()
    while coming or here:
        before = subject.state or Slot()
        run = chance.choice([*coming[:1], *sorted(here)])
        if run in here:
            holds = run in subject.slot.holders
            gives_up = subject.slot.holders.get(run, subject.slot.waiting.get(run, Place())).revoked
            if not (holds or gives_up or chance.random() < 0.2):
                continue
            said = subject.leaves(run)
            here.discard(run)
            over.add(run)
            assert subject.leaves(run) == []
        else:
            limits[run] = chance.randint(1, 3)
            said = subject.asks(run, limit=limits[run], on_conflict=chance.choice(modes))
            coming.remove(run)
            asked.append(run)
            here.add(run)
            here -= {one.to for one in said if one.what == "SlotRefused"}
            assert subject.asks(run) == []
        limit = subject.slot.limit
        assert len(subject.slot.holders) <= max(limit, len(before.holders)), "more than the limit"
        for answer in said:
            if answer.what == "SlotGranted":
                granted.append(answer.to)
        ahead = [one for one, place in subject.slot.waiting.items() if not place.revoked]
        assert not ahead or len(subject.slot.holders) >= limit, "a place is free, and somebody waits"
    assert granted == [run for run in asked if run in granted], "in the order in which they asked"
    assert len(granted) == len(set(granted))
    assert not subject.slot.holders
    assert not subject.slot.waiting


@given(st.randoms(use_true_random=False), st.integers(1, 15), st.integers(1, 4))
def test_with_a_queue_everybody_who_stays_gets_a_place_in_order(chance: random.Random, count: int, limit: int) -> None:
    subject = Slots()
    coming, granted = [f"r{n}" for n in range(count)], list[str]()
    while coming or (subject.state and subject.slot.holders):
        holders = sorted(subject.state.holders) if subject.state else []
        run = chance.choice([*coming[:1], *holders])
        said = subject.leaves(run) if run in holders else subject.asks(coming.pop(0), limit=limit)
        granted += [answer.to for answer in said if answer.what == "SlotGranted"]
        assert len(subject.slot.holders) <= limit
    assert granted == [f"r{n}" for n in range(count)]
