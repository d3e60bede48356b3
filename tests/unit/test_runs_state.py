"""The state of a run: what may happen to it, how it is shown, and the tables it is kept in."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foldgate.contracts.events import (
    AttemptFailed,
    Event,
    JobSucceeded,
    RunFailed,
    RunHalted,
    RunPaused,
    RunStarted,
    RunSucceeded,
    SignalSent,
    SlotTaken,
    StepCancelRequested,
    StepDenied,
    StepSkipped,
    StepSucceeded,
)
from foldgate.decider.decider import IllegalTransition, Message, Said
from foldgate.decider.invariant import InvariantBroken
from foldgate.engine.runs import decide
from foldgate.engine.runs.evolve import evolve
from foldgate.engine.runs.scope import scope_of
from foldgate.engine.runs.step import Step
from foldgate.engine.runs.tables import Steps, due_timers, first_timer, with_timer, without_timer
from foldgate.expr.template import Template
from tests.support.given import Given, meta
from tests.support.runs import Life, begun, deciding, workflow

TWO = workflow("a: {type: job, input: {n: 1}}\nb: {type: job, depends_on: [a]}")


@pytest.mark.parametrize(
    "event",
    [
        RunStarted(workflow="w", input="{}", request_hash=b""),
        RunSucceeded(output="1"),
        RunFailed(code="c", message="m"),
        SlotTaken(slot="s"),
        StepDenied(step="b", rule="r", reason="not begun"),
        StepSkipped(step="a", reason="begun already"),
        StepCancelRequested(step="a", ending="cancelled", reason="no group"),
        AttemptFailed(step="b", job_id="j", code="c", message="m", retry_at=1),
        AttemptFailed(step="x", job_id="j", code="c", message="m", retry_at=1),
    ],
    ids=lambda one: f"{type(one).__name__} {getattr(one, 'step', '')}",
)
def test_what_does_not_fit_is_a_fault_of_ours(event: Event) -> None:
    life = begun(TWO)
    with pytest.raises(IllegalTransition):
        evolve(life.run, meta(life.key), event)


def test_nothing_leads_on_from_the_end_of_a_step_or_a_run() -> None:
    life = begun(TWO)
    life.succeed("a", 1)
    with pytest.raises(IllegalTransition, match="step 'a', which is succeeded"):
        evolve(life.run, meta(life.key), StepSucceeded(step="a", output="2"))
    life.succeed("b", 1)
    for event in (RunHalted(status="", code="c", reason="r"), StepSucceeded(step="c", output="2")):
        with pytest.raises(IllegalTransition, match="a run that is succeeded"):
            evolve(life.run, meta(life.key), event)


def test_our_own_fault_may_end_a_run_wherever_it_is() -> None:
    life = begun(TWO)
    assert evolve(life.run, meta(life.key), RunFailed(code="internal_error", message="m")).phase == "failed"


def test_it_is_shown_to_people_with_its_steps() -> None:
    life = begun(
        workflow(
            """
        a: {type: job, input: {n: 1}}
        b: {type: job, when: 'false'}
        c: {type: storage, set: {k: 1}}
        d: {type: approval}
        """,
            "labels: {l: x}",
        ),
        given={"i": 1},
    )
    life.fail("a")
    shown = dict(life.decider.describe(life.run))
    steps = shown.pop("steps")
    assert steps["a"] == {
        "status": "failed",
        "since": 1000,
        "attempt": 1,
        "error": {"status": "failed", "code": "broken", "message": "It broke."},
    }
    assert steps["b"] == {"status": "skipped", "since": 1000, "reason": "when_false"}
    assert steps["c"] == {"status": "succeeded", "since": 1000, "output": {"k": 1}}
    assert steps["d"] == {"status": "waiting", "since": 1000}
    assert shown["status"] == "waiting", "for people alone"
    assert (shown["input"], shown["labels"], shown["ctx"]) == ({"i": 1}, {"l": "x"}, {"k": 1})
    assert shown["events"] == len(life.history)
    life.grant("d")
    assert life.decider.describe(life.run)["status"] == "failed"
    assert not life.waiting


def test_it_waits_where_nothing_of_it_runs() -> None:
    life = begun(workflow("p: {type: parallel, steps: [a, w]}\na: {type: job}\nw: {type: wait}"))
    assert life.decider.describe(life.run)["status"] == "running"
    life.succeed("a")
    assert life.decider.describe(life.run)["status"] == "waiting"


def test_the_first_of_its_time_and_that_of_a_step_is_when_it_acts() -> None:
    for timeout, at in (("5s", 6000), ("20s", 11_000)):
        life = begun(workflow("d: {type: delay, delay: 10s}", f"timeout: {timeout}"))
        assert life.decider.due(life.run) == at


def test_one_that_waits_for_nothing_is_found_out() -> None:
    life = begun(TWO)
    lost = msgspec.structs.replace(life.run, steps=Steps(), live=0, timers=())
    life.state = life.folded = lost
    with pytest.raises(InvariantBroken, match="INV-11"):
        life.hear(SignalSent(name="s"))


def test_a_decision_that_leaves_it_without_a_wake_up_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "has_wake_up", lambda _: False)
    with pytest.raises(InvariantBroken, match="INV-11"):
        Given(deciding(Life(TWO).definitions), key=Life(TWO).key).when(Life(TWO).request({}))


def test_what_was_folded_while_deciding_is_for_that_run_alone() -> None:
    one, other = begun(TWO), begun(TWO)
    decider = deciding(one.definitions)
    report = JobSucceeded(job_id=one.job("a").job_id, lease=1, worker="w", output="1")
    said = list(decider.decide(one.run, Message(key=one.key, at=2000, event=report, meta=meta(one.key))))
    paused = RunPaused(reason="another's event is folded first")
    about = meta(one.key, at=2000)
    assert decider.evolve(other.run, about, paused) == evolve(other.run, about, paused)
    state = expected = one.run
    for event in said:
        told = event.event if isinstance(event, Said) else event
        state, expected = decider.evolve(state, about, told), evolve(expected, about, told)
        assert state == expected


def test_seen_from_the_run_as_a_whole_there_is_no_item_and_no_loop() -> None:
    life = begun(TWO)
    pinned = life.definitions.latest("acme", "w")
    assert pinned is not None
    template = Template.of(["${item}", "${index}", "${loop.index}"], place="here")
    scope = scope_of(pinned, life.run, None, template=template, at=1)
    assert scope == {"item": None, "index": 0, "loop": {"index": 0, "previous_output": None}}


# The tables.

STEP_IDS = st.builds(
    lambda base, path: base + "".join(f"[{index}]" for index in path),
    st.sampled_from("ab"),
    st.lists(st.integers(0, 200), max_size=3),
)


@given(st.lists(STEP_IDS, max_size=60))
def test_steps_are_found_by_their_ids(step_ids: list[str]) -> None:
    table, expected = Steps(), dict[str, Any]()
    for order, step_id in enumerate(step_ids):
        before = table
        table = table.with_(step_id, Step("waiting", "wait", order))
        assert before.get(step_id) == expected.get(step_id), "the one before is as it was"
        expected[step_id] = Step("waiting", "wait", order)
    assert dict(table.items()) == expected
    assert sorted(step.since for step in table.values()) == sorted(step.since for step in expected.values())
    assert table.get("nobody") is None


TIMERS = st.lists(st.tuples(st.integers(0, 50), st.text("ab", min_size=1, max_size=8)), max_size=400, unique=True)


@given(TIMERS, st.integers(0, 50), st.randoms(use_true_random=False))
def test_timers_are_kept_in_their_order(timers: list[tuple[int, str]], now: int, chance: Any) -> None:
    table: Any = ()
    for timer in timers:
        table = with_timer(table, timer)
    gone = chance.sample(timers, len(timers) // 2)
    for timer in gone:
        table = without_timer(table, timer)
    left = sorted(set(timers) - set(gone))
    assert [timer for chunk in table for timer in chunk] == left
    assert first_timer(table) == (left[0][0] if left else None)
    assert list(due_timers(table, now)) == [step for at, step in left if at <= now]
