"""A decision that takes but one piece of work at a time leads to the same end: what is deferred is found again."""

import pytest

from foldgate.engine.runs import turn
from tests.support import documents
from tests.support.meddling import Meddling
from tests.support.obliging import oblige, play
from tests.support.rows import ROWS, Row, every_step_ended_once, life_of, lived
from tests.support.runs import Life, begun, workflow

CHILD = workflow("a: {type: job}", name="child")
KNOWN = (90, 144, 163, 242, 518, 1913)
"""Seeds that once found losers that were not called back, groups that ended twice, and runs due for nothing."""


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for one piece of work."""
    monkeypatch.setattr(turn, "_MOST_BYTES", 1)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_step_of_any_type_comes_to_the_same_end(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    piecemeal = lived(row)
    every_step_ended_once(piecemeal)
    monkeypatch.undo()
    assert piecemeal.history[-1] == lived(row).history[-1]


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("how", ["cancel", "pause"])
def test_a_step_of_any_type_is_cancelled_and_paused_anywhere(row: Row, how: str) -> None:
    for count in range(1, len(lived(row).heard)):
        life = life_of(row)
        life.start({"n": 1})
        for _ in range(count):
            assert life.ended or oblige(life)
        if not life.ended:
            getattr(life, how)()
            play(life)
            if how == "pause":
                life.resume()
                play(life)
        every_step_ended_once(life)


@pytest.mark.parametrize("seed", range(20))
def test_a_made_up_workflow_comes_to_the_same_end(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    document = documents.written(documents.document(seed, size=40, steady=True))
    ends = []
    for most in (turn._MOST_BYTES, 1):
        monkeypatch.setattr(turn, "_MOST_BYTES", most)
        life = begun(document, CHILD, given=documents.INPUT)
        play(life)
        assert life.ended
        ends.append((life.history[-1], life.statuses))
    assert ends[0] == ends[1]


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("seed", [*KNOWN, *range(30)])
def test_whatever_happens_each_step_ends_once(seed: int) -> None:
    life = Life(documents.written(documents.document(seed, size=(5, 15, 40, 80)[seed % 4])), CHILD)
    life.start(documents.INPUT)
    Meddling(life, seed).play()
    every_step_ended_once(life)


def go_on(life: Life) -> None:
    """Whatever a decision was too full for."""
    while life.run.deferred:
        assert life.due()


def test_losers_that_do_not_fit_a_decision_are_called_back_by_the_next() -> None:
    names = [f"a{number}" for number in range(900)]
    steps = "\n".join(f"{name}: {{type: job}}" for name in names)
    life = begun(workflow(f"p: {{type: parallel, strategy: any, steps: [{', '.join(names)}]}}\n{steps}"))
    go_on(life)
    life.succeed("a7", 1)
    assert "its next append" in life.waiting
    go_on(life)
    assert list(life.statuses.values()).count("cancelling") == 899
    play(life)
    assert life.lines[-1].startswith("RunSucceeded")


@pytest.mark.usefixtures("tiny")
def test_a_group_and_its_part_whose_times_come_together() -> None:
    life = begun(workflow("a: {type: job, timeout: 5s}\nb: {type: job, timeout: 5s}"))
    go_on(life)
    life.after(5000)
    go_on(life)
    assert life.statuses == {"a": "cancelling", "b": "cancelling"}
