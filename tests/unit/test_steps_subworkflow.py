"""Subworkflows: a run below a run. Its end comes up, a cancellation goes down."""

import pytest

from foldgate.contracts import ids
from foldgate.contracts.events import (
    Ancestor,
    ChildCancelRequested,
    ChildEnded,
    ChildRequested,
    RunCancelRequested,
    RunStarted,
)
from foldgate.engine.steps.subworkflow import MAX_DEPTH
from foldgate.language.publish import prepare
from tests.support.runs import Life, begun, workflow

CHILD = workflow("a: {type: job}", "input_schema: {required: [n]}\nversion: one\nlabels: {team: ops}", name="child")
PARENT = workflow("s: {type: subworkflow, workflow: child, input: {n: '${input.n}'}}")


def parent(**changes: object) -> Life:
    return begun(PARENT, CHILD, given={"n": 1}, **changes)


def below(life: Life, *documents: str) -> Life:
    """The run that was asked for, on its own partition."""
    asked = life.of(ChildRequested)[-1]
    child = Life(*documents)
    child.run_id = child.key = asked.child_run
    child.hear(asked, run_id=life.run_id)
    child.admit()
    return child


def test_it_asks_for_one_child_that_is_pinned_to_what_was_found() -> None:
    life = parent(labels={"l": "1"})
    [asked] = life.of(ChildRequested)
    assert asked.child_run == ids.child_run_id(life.run_id, "s")
    assert (asked.workflow, asked.version, asked.input) == ("child", "one", '{"n":1}')
    assert asked.digest == prepare(CHILD).digest
    assert asked.labels == {"l": "1"}
    assert asked.ancestors == (Ancestor(run_id=life.run_id, workflow="w"),)
    assert life.waiting == [f"s: child run {asked.child_run}"]


def test_nobody_can_start_a_run_in_the_place_of_the_child() -> None:
    life = parent()
    taken = {life.of(ChildRequested)[0].child_run}
    assert ids.run_id("acme", "child", f"{life.run_id}:s") not in taken
    assert ids.run_id("child", life.run_id, "s") not in taken


def test_the_child_begins_with_all_that_it_was_asked_with() -> None:
    life = parent(labels={"l": "1"})
    child = below(life, CHILD)
    assert child.lines == ["RunStarted", "JobRequested a@1"]
    [started] = child.of(RunStarted)
    assert (started.parent_step, started.ancestors) == ("s", life.of(ChildRequested)[0].ancestors)
    assert started.labels == {"team": "ops", "l": "1"}
    assert child.hear(life.of(ChildRequested)[0], run_id=life.run_id) == [], "asked for again, it is there"


def test_the_child_tells_how_it_ended_and_so_the_step_ends() -> None:
    life = parent()
    child = below(life, CHILD)
    assert child.succeed("a", 5) == ["StepSucceeded a 5", "ChildEnded succeeded 5", "RunSucceeded 5"]
    [ended] = child.of(ChildEnded)
    assert (ended.parent_run, ended.step) == (life.run_id, "s")
    assert life.hear(ended, run_id=child.run_id) == ["StepSucceeded s 5", "RunSucceeded 5"]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("failed", "StepFailed s why"),
        ("denied", "StepDenied s why"),
        ("timed_out", "StepTimedOut s why"),
        ("cancelled", "StepCancelled s"),
    ],
)
def test_the_status_of_the_child_is_that_of_the_step(status: str, said: str) -> None:
    life = parent()
    assert life.child("s", status, code="why")[0] == said
    step = life.run.steps.get("s")
    assert step is not None
    assert step.reason == f"Its run {life.of(ChildRequested)[0].child_run}: It ended."


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("{type: subworkflow, workflow: nobody}", "unknown_workflow"),
        ("{type: subworkflow, workflow: child, version: two, input: {n: 1}}", "unknown_workflow"),
        ("{type: subworkflow, workflow: child, input: {m: 1}}", "input_invalid"),
    ],
)
def test_a_child_that_cannot_be_fails_the_step(step: str, code: str) -> None:
    life = begun(workflow(f"s: {step}"), CHILD)
    assert life.lines[1:] == [f"StepFailed s {code}", f"RunFailed s {code}"]


def test_a_version_may_be_named_also_where_the_workflow_is_retired() -> None:
    life = Life(workflow("s: {type: subworkflow, workflow: child, version: one, input: {n: 1}}"), CHILD)
    life.definitions.retire("acme", "child")
    assert life.start() == ["RunStarted", "ChildRequested s"]
    life = Life(workflow("s: {type: subworkflow, workflow: child, input: {n: 1}}"), CHILD)
    life.definitions.retire("acme", "child")
    assert life.start()[1] == "StepFailed s unknown_workflow"


def test_the_latest_version_is_that_of_the_time_when_it_begins() -> None:
    life = Life(workflow("a: {type: job}\ns: {type: subworkflow, workflow: child, input: {n: 1}, depends_on: [a]}"))
    life.start()
    newer = begun(PARENT, CHILD.replace("version: one", "version: two"), given={"n": 1}).definitions
    definition = newer.latest("acme", "child")
    assert definition is not None
    assert life.succeed("a")[1] == "StepFailed s unknown_workflow", "it was not published by then"


def test_a_workflow_that_reaches_itself_is_refused_by_its_ancestry() -> None:
    one = workflow("s: {type: subworkflow, workflow: two}", name="one")
    two = workflow("s: {type: subworkflow, workflow: one}", name="two")
    life = begun(one, two)
    child = below(life, two, one)
    assert child.lines[1] == "StepFailed s recursive"
    assert child.lines[-2:] == ["ChildEnded failed recursive", "RunFailed s recursive"]


def test_runs_go_down_so_deep_and_no_deeper() -> None:
    documents = [
        workflow(f"s: {{type: subworkflow, workflow: w{depth + 1}}}", name=f"w{depth}")
        for depth in range(MAX_DEPTH + 2)
    ]
    life = begun(*documents)
    for depth in range(1, MAX_DEPTH + 1):
        assert life.lines[1] == "ChildRequested s", depth
        life = below(life, *documents[depth:])
    assert life.lines[1] == "StepFailed s too_deep"
    assert len(life.run.ancestors) == MAX_DEPTH


def test_a_cancellation_goes_down_and_the_step_ends_when_the_child_has() -> None:
    life = parent()
    child = below(life, CHILD)
    assert life.cancel() == ["RunHalted cancelled cancelled", "ChildCancelRequested s cancelled"]
    [back] = life.of(ChildCancelRequested)
    assert back.child_run == child.run_id
    assert life.waiting == [f"s: end of {child.run_id}, which was called back"]
    assert child.hear(back, run_id=life.run_id) == ["RunHalted cancelled cancelled", "JobCancelRequested a cancelled"]
    assert child.hear(back, run_id=life.run_id) == [], "called back already"
    child.fail("a", "cancelled")
    assert life.hear(child.of(ChildEnded)[0], run_id=child.run_id) == ["StepCancelled s", "RunCancelled"]


def test_a_child_that_succeeds_meanwhile_has_succeeded() -> None:
    life = parent()
    life.cancel()
    assert life.child("s", output=1) == ["StepSucceeded s 1", "RunCancelled"]


def test_out_of_time_it_times_out_when_the_child_has_ended() -> None:
    life = begun(PARENT.replace("input:", "timeout: 1h, input:"), CHILD, given={"n": 1})
    assert life.of(ChildRequested)[0].deadline == life.now + 3_600_000
    assert life.after(3_600_000) == ["ChildCancelRequested s timed_out"]
    assert life.child("s", "cancelled") == ["StepTimedOut s timeout", "RunTimedOut s timeout"]


def test_only_the_child_that_is_waited_for_ends_it() -> None:
    life = parent()
    ended = ChildEnded(parent_run=life.run_id, step="s", status="succeeded", output="1")
    assert life.hear(ended, run_id="run_of_somebody") == []
    assert life.hear(ended, run_id=life.run_id) == []
    life = begun(workflow("s: {type: job}"))
    assert life.hear(ended, run_id="run_of_somebody") == [], "no subworkflow"
    assert life.hear(ChildEnded(parent_run=life.run_id, step="x", status="failed"), run_id="r") == []


def test_a_child_may_be_cancelled_by_itself() -> None:
    child = below(parent(), CHILD)
    child.hear(RunCancelRequested(reason="Enough."))
    assert child.fail("a", "cancelled") == ["StepCancelled a", "ChildEnded cancelled cancelled", "RunCancelled"]
