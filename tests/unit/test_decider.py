"""The decider as a value, its fold, and the invariants it is held to."""

import pytest

from foldgate.contracts.events import Event, JobRequested, Meta, RunFailed, RunSucceeded, StepSucceeded
from foldgate.decider.decider import Decider, IllegalTransition, Message, Said, SetAside, Tick, fold
from foldgate.decider.invariant import INVARIANTS, InvariantBroken, broken
from tests.support.avro import sample

META = sample("RunSucceeded")[0]


def evolve(state: tuple[str, ...] | None, _meta: Meta, event: Event) -> tuple[str, ...]:
    if isinstance(event, RunFailed):
        raise IllegalTransition("never")
    return (*(state or ()), type(event).__name__)


NAMING: Decider[tuple[str, ...]] = Decider(state=tuple, decide=lambda *_: [], evolve=evolve)
STEP, RUN = sample("StepSucceeded")[1], sample("RunSucceeded")[1]


def test_a_fold_takes_the_events_in_their_order() -> None:
    assert fold(NAMING, [(META, STEP), (META, RUN)]) == ("StepSucceeded", "RunSucceeded")
    assert isinstance(STEP, StepSucceeded)
    assert isinstance(RUN, RunSucceeded)


def test_a_fold_goes_on_from_a_state() -> None:
    half = fold(NAMING, [(META, STEP)])
    assert fold(NAMING, [(META, RUN)], half) == fold(NAMING, [(META, STEP), (META, RUN)])


def test_a_fold_of_nothing_is_what_it_began_with() -> None:
    assert fold(NAMING, []) is None
    assert fold(NAMING, [], ("begun",)) == ("begun",)


def test_an_event_that_cannot_be_stops_the_fold() -> None:
    with pytest.raises(IllegalTransition):
        fold(NAMING, [(META, STEP), (META, sample("RunFailed")[1])])


def test_a_decider_that_says_no_more_never_ends_never_wakes_and_adds_nothing_to_a_fault() -> None:
    message = Message(key="k", at=1, event=Tick())
    assert NAMING.due(("x",)) is None
    assert not NAMING.ended(("x",))
    assert list(NAMING.fail(("x",), message, "why")) == []
    assert NAMING.openings == ()
    assert NAMING.edition == 1
    assert list(NAMING.decide(None, message)) == []


def test_what_is_said_is_addressed_as_the_aggregate_unless_it_says_so() -> None:
    said = Said(sample("JobRequested")[1])
    assert isinstance(said.event, JobRequested)
    assert (said.run_id, said.pool, said.tenant, said.principal, said.correlation) == (None,) * 5


def test_what_is_set_aside_has_a_code_and_a_sentence() -> None:
    refusal = SetAside("no_such_run", "Expected a run.")
    assert (refusal.code, str(refusal)) == ("no_such_run", "Expected a run.")


def test_every_invariant_is_a_numbered_sentence() -> None:
    assert list(INVARIANTS) == [f"INV-{number:02}" for number in range(1, len(INVARIANTS) + 1)]
    assert all(text[0].isupper() and text.endswith(".") for text in INVARIANTS.values())


@pytest.mark.parametrize("invariant", INVARIANTS)
def test_a_broken_invariant_is_named_with_what_was_seen(invariant: str) -> None:
    breach = broken(invariant, "seven after five")
    assert isinstance(breach, InvariantBroken)
    assert str(breach) == f"{invariant}: {INVARIANTS[invariant]} Seen: seven after five"


def test_an_invariant_that_nobody_defined_cannot_be_broken() -> None:
    with pytest.raises(KeyError):
        broken(f"INV-{len(INVARIANTS) + 1:02}", "anything")
