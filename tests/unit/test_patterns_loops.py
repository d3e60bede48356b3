"""Repetition: loops, what ends them, and the recursion that there is not."""

import pytest

from foldgate.language.publish import WorkflowInvalid, prepare
from tests.support.patterns import plays


def test_structured_loop_tested_before() -> None:
    plays(
        """
        id: pages
        steps:
          fetch: {type: loop, body: page, while: "loop.index == 0 || loop.previous_output.more"}
          page: {type: job, input: {number: "${loop.index}"}}
        """,
        """
        RunStarted
        StepStarted fetch loop
        JobRequested page[0]@1
        > page[0] done {"more": true}
        StepSucceeded page[0]
        JobRequested page[1]@1
        > page[1] done {"more": false}
        StepSucceeded page[1]
        StepSucceeded fetch
        RunSucceeded {"more":false}
        """,
    )


def test_structured_loop_tested_after() -> None:
    plays(
        """
        id: polling
        steps:
          poll: {type: loop, body: [pause, look], until: "loop.previous_output == 'ready'"}
          pause: {type: delay, delay: 1m, when: loop.index > 0}
          look: {type: job}
        """,
        """
        RunStarted
        StepStarted poll loop
        StepSkipped pause[0] when_false
        JobRequested look[0]@1
        > look[0] done "busy"
        StepSucceeded look[0]
        StepStarted pause[1] delay
        > 1m
        StepSucceeded pause[1]
        JobRequested look[1]@1
        > look[1] done "ready"
        StepSucceeded look[1]
        StepSucceeded poll
        RunSucceeded "ready"
        """,
    )


def test_a_loop_that_its_condition_does_not_end() -> None:
    plays(
        """
        id: endless
        steps:
          again: {type: loop, body: work, while: "true", max_iterations: 2}
          work: {type: job}
        """,
        """
        RunStarted
        StepStarted again loop
        JobRequested work[0]@1
        > work[0] done
        StepSucceeded work[0]
        JobRequested work[1]@1
        > work[1] done
        StepSucceeded work[1]
        StepFailed again max_iterations
        RunFailed max_iterations
        """,
    )


def test_cycle_with_more_than_one_way_through_it() -> None:
    """Draft, review, and back: a switch in the body leads to later steps of the same iteration."""
    plays(
        """
        id: review
        steps:
          until_good: {type: loop, body: [draft, judge, fix, praise, was_good], until: loop.previous_output}
          draft: {type: job, input: "${loop.index}"}
          judge: {type: switch, cases: [{when: "steps.draft.output > 5", next: praise}], default: fix}
          fix: {type: job}
          praise: {type: job}
          was_good: {type: condition, expression: "steps.judge.output.case == 0"}
        """,
        """
        RunStarted
        StepStarted until_good loop
        JobRequested draft[0]@1
        > draft[0] done 3
        StepSucceeded draft[0]
        StepSucceeded judge[0]
        JobRequested fix[0]@1
        > fix[0] done
        StepSucceeded fix[0]
        StepSkipped praise[0] branch_not_taken
        StepSucceeded was_good[0]
        JobRequested draft[1]@1
        > draft[1] done 7
        StepSucceeded draft[1]
        StepSucceeded judge[1]
        StepSkipped fix[1] branch_not_taken
        JobRequested praise[1]@1
        > praise[1] done
        StepSucceeded praise[1]
        StepSucceeded was_good[1]
        StepSucceeded until_good
        RunSucceeded true
        """,
    )


def test_a_failed_step_ends_its_loop() -> None:
    plays(
        """
        id: fragile
        steps:
          again: {type: loop, body: [work, save], while: "true"}
          work: {type: job}
          save: {type: job}
          after: {type: job, depends_on: [again]}
        """,
        """
        RunStarted
        StepStarted again loop
        JobRequested work[0]@1
        > work[0] done
        StepSucceeded work[0]
        JobRequested save[0]@1
        > save[0] fails disk_full
        StepFailed save[0] disk_full
        StepCancelRequested again failed
        StepFailed again disk_full
        StepSkipped after upstream_failed
        RunFailed disk_full
        """,
    )


def test_recursion_is_refused_where_it_is_written() -> None:
    with pytest.raises(WorkflowInvalid) as caught:
        prepare("{id: tower, steps: {again: {type: subworkflow, workflow: tower}}}")
    assert [problem.code for problem in caught.value.problems] == ["workflow_in_itself"]


def test_recursion_by_way_of_another_workflow_fails_where_it_begins() -> None:
    plays(
        """
        id: hen
        steps:
          lays: {type: subworkflow, workflow: egg}
        """,
        """
        RunStarted
        ChildRequested lays egg
        lays/RunStarted
        lays/StepFailed becomes recursive
        lays/ChildEnded failed recursive
        lays/RunFailed recursive
        StepFailed lays recursive
        RunFailed recursive
        """,
        """
        id: egg
        steps:
          becomes: {type: subworkflow, workflow: hen}
        """,
    )


def test_a_loop_that_never_begins() -> None:
    plays(
        """
        id: none
        steps:
          again: {type: loop, body: work, while: loop.index < input.times}
          work: {type: job}
          after: {type: transform, depends_on: [again], output: "${steps.again.output == null}"}
        """,
        """
        RunStarted
        StepStarted again loop
        StepSucceeded again
        StepSucceeded after
        RunSucceeded true
        """,
        given={"times": 0},
    )
