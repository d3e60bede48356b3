"""A world outside that does whatever a run waits for, and does it well, one answer at a time."""

import msgspec

from foldgate.contracts.events import SlotGranted
from foldgate.engine.runs.step import Step
from tests.support.runs import Life

MOST = 5000
"""Answers, after which a run of a test goes round in circles."""


def oblige(life: Life) -> bool:
    """Answer the first thing that the run waits for. Whether there was one that can be answered now."""
    run = life.run
    if run.phase == "pending":
        life.hear(SlotGranted(slot=run.slot))
        return True
    if run.deferred:
        life.due()
        return True
    return any(_answer(life, step_id, step) for step_id, step in list(run.steps.items()) if step.live)


def play(life: Life) -> None:
    """Answer until the run is over, or until it is somebody else's turn."""
    for _ in range(MOST):
        if life.ended or not oblige(life):
            return
    raise AssertionError(f"it does not end: {life.lines[-20:]}")


def _answer(life: Life, step_id: str, step: Step) -> bool:
    if step.parts is not None:
        return False
    if step.status == "cancelling":
        _call_back(life, step_id, step)
    elif step.status == "requested":
        life.succeed(step_id, 1)
    elif step.status == "retrying" or step.kind == "delay":
        return _let_pass(life, step)
    elif step.kind == "wait":
        life.signal(step.awaits, msgspec.json.decode(step.input) if step.input else None)
    elif step.kind == "subworkflow":
        life.child(step_id, output=1)
    else:
        life.grant(step_id, {})
    return True


def _call_back(life: Life, step_id: str, step: Step) -> None:
    if step.kind == "subworkflow":
        life.child(step_id, step.ending)
    else:
        life.fail(step_id, "cancelled")


def _let_pass(life: Life, step: Step) -> bool:
    """Time moves a run, unless it is paused."""
    if life.run.paused:
        return False
    assert step.until is not None
    life.after(max(0, step.until - life.now))
    return True
