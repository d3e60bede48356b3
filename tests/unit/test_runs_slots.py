"""Runs under a concurrency key: they wait for a place, are refused one, or give it up."""

import pytest

from foldgate.contracts.events import SlotGranted, SlotRefused, SlotRequested, SlotRevoked
from tests.support.runs import Life, begun, workflow


def keyed(terms: str = "key: '${input.host}', limit: 2", given: object = None) -> Life:
    return begun(workflow("a: {type: job}", f"timeout: 1h\nconcurrency: {{{terms}}}"), given=given or {"host": "h1"})


def test_it_asks_for_a_place_and_waits() -> None:
    life = keyed()
    assert life.lines == ["RunStarted", "SlotRequested"]
    [asked] = life.of(SlotRequested)
    assert (asked.slot, asked.limit, asked.on_conflict) == ('acme/w/"h1"', 2, "queue")
    assert life.waiting == ['slot acme/w/"h1"']
    assert life.decider.describe(life.run)["status"] == "waiting"


def test_with_its_place_it_begins_and_gives_it_back_at_the_end() -> None:
    life = keyed()
    slot = life.run.slot
    assert life.hear(SlotGranted(slot="another")) == []
    assert life.hear(SlotGranted(slot=slot)) == ["SlotTaken", "JobRequested a@1"]
    assert life.hear(SlotGranted(slot=slot)) == [], "granted again"
    assert life.succeed("a", 1) == ["StepSucceeded a 1", "SlotReleased", "RunSucceeded 1"]


def test_refused_it_fails_and_names_who_holds_it() -> None:
    life = keyed()
    assert life.hear(SlotRefused(slot=life.run.slot, holders=("run_1", "run_2"))) == [
        "RunHalted failed concurrency_conflict",
        "StepSkipped a run_halted",
        "SlotReleased",
        "RunFailed concurrency_conflict",
    ]
    assert life.run.halt is not None
    assert "run_1, run_2" in life.run.halt.reason


@pytest.mark.parametrize("running", [False, True])
def test_revoked_it_is_cancelled(*, running: bool) -> None:
    life = keyed()
    slot = life.run.slot
    if running:
        life.hear(SlotGranted(slot=slot))
    assert life.hear(SlotRevoked(slot=slot, by_run="run_9"))[0] == "RunHalted cancelled superseded"
    assert life.hear(SlotRevoked(slot=slot, by_run="run_9")) == [] if running else life.ended
    if running:
        life.fail("a", "cancelled")
    assert life.lines[-1] == "RunCancelled"


def test_refused_too_late_it_goes_on() -> None:
    life = keyed()
    life.hear(SlotGranted(slot=life.run.slot))
    assert life.hear(SlotRefused(slot=life.run.slot, holders=())) == []


def test_while_it_waits_it_may_be_cancelled_paused_and_run_out_of_time() -> None:
    life = keyed()
    assert life.cancel()[-2:] == ["SlotReleased", "RunCancelled"]
    life = keyed()
    life.pause()
    assert life.hear(SlotGranted(slot=life.run.slot)) == ["SlotTaken"]
    assert life.resume() == ["RunResumed", "JobRequested a@1"]
    life = keyed()
    life.pause()
    assert life.resume() == ["RunResumed"]
    assert life.after(3_600_000)[0] == "RunHalted timed_out timeout"
    assert life.lines[-1] == "RunTimedOut timeout"


@pytest.mark.parametrize(
    ("terms", "given", "code"),
    [
        ("key: '${1 / input.n}'", {"n": 0}, "expression_failed"),
        ("key: '${input.n}'", {"n": "x" * 300}, "name_too_long"),
    ],
)
def test_a_key_that_cannot_be_fails_the_run(terms: str, given: object, code: str) -> None:
    life = keyed(terms, given)
    assert life.lines == [
        "RunStarted",
        f"RunHalted failed {code}",
        "StepSkipped a run_halted",
        f"RunFailed {code}",
    ]
