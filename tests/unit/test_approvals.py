"""Approval asks nobody yet: it says nothing, and no event is its own."""

import pytest

from foldgate.approval.approvals.decide import approvals
from foldgate.contracts.events import RunSucceeded
from foldgate.decider.decider import IllegalTransition
from tests.support.given import Given, meta


def test_nothing_is_asked() -> None:
    assert Given(approvals(), key="run_1").when(RunSucceeded(output="1")) == []


def test_a_foreign_event_is_a_fault() -> None:
    with pytest.raises(IllegalTransition):
        approvals().evolve(None, meta("run_1"), RunSucceeded(output="1"))
