"""Steps with for_each: one child an item."""

from typing import Any

import pytest

from foldgate.contracts.events import JobRequested
from tests.support.obliging import play
from tests.support.runs import Life, begun, workflow


def each(terms: str = "", items: Any = (1, 2, 3), *, steps: str = "") -> Life:
    """A run of a job `e` for each item of its input."""
    document = workflow(f"e: {{type: job, for_each: '${{input.items}}', {terms}}}\n{steps}")
    return begun(document, given={"items": items})


def asked(life: Life) -> list[str]:
    return [one.job.step for one in life.of(JobRequested)]


def test_one_child_an_item_and_the_outputs_in_the_order_of_the_items() -> None:
    life = each()
    assert life.lines[1:] == ["StepStarted e", "JobRequested e[0]@1", "JobRequested e[1]@1", "JobRequested e[2]@1"]
    life.succeed("e[2]", "c")
    life.succeed("e[0]", "a")
    assert life.succeed("e[1]", "b")[1:] == ['StepSucceeded e ["a","b","c"]', 'RunSucceeded ["a","b","c"]']


def test_each_is_given_its_item_or_what_is_written_of_it() -> None:
    assert [one.job.input for one in each(items=[{"n": 1}, "x"]).of(JobRequested)] == ['{"n":1}', '"x"']
    life = each("input: {item: '${item}', index: '${index}', all: '${size(input.items)}'}", ["x", "y"])
    assert [one.job.input for one in life.of(JobRequested)] == [
        '{"all":2,"index":0,"item":"x"}',
        '{"all":2,"index":1,"item":"y"}',
    ]


def test_zero_items_succeed_at_once() -> None:
    assert each(items=[]).lines[1:] == ["StepSucceeded e []", "RunSucceeded []"]


@pytest.mark.parametrize("items", [None, "abc", 3, {"a": 1}])
def test_what_is_no_list_fails_it(items: Any) -> None:
    assert each(items=items).lines[1:] == ["StepFailed e not_a_list", "RunFailed e not_a_list"]


def test_more_items_than_allowed_fail_it_before_any_begins() -> None:
    assert asked(each("max_items: 3", [0] * 3)) == ["e[0]", "e[1]", "e[2]"]
    assert each("max_items: 3", [0] * 4).lines[1:] == ["StepFailed e too_many_items", "RunFailed e too_many_items"]
    assert each(items=[0] * 1001).lines[-1] == "RunFailed e too_many_items", "a thousand, where nothing is said"


def test_at_most_so_many_go_on_at_once() -> None:
    life = each("max_parallel: 2", [0] * 4)
    assert asked(life) == ["e[0]", "e[1]"]
    assert life.succeed("e[1]")[-1] == "JobRequested e[2]@1"
    assert life.succeed("e[0]")[-1] == "JobRequested e[3]@1"
    assert life.succeed("e[3]") == ["StepSucceeded e[3] null"]
    assert life.succeed("e[2]")[-1] == "RunSucceeded [null,null,null,null]"


@pytest.mark.parametrize(("end", "said"), [("fail", "StepFailed e broken"), ("deny", "StepDenied e rule")])
def test_the_first_that_fails_calls_the_others_back_and_it_ends_so(end: str, said: str) -> None:
    life = each("max_parallel: 2")
    assert getattr(life, end)("e[1]")[2:] == ["JobCancelRequested e[0] cancelled"]
    assert life.succeed("e[0]")[1] == said
    assert asked(life) == ["e[0]", "e[1]"], "the third was not needed"
    assert "e[2]" not in life.statuses
    assert life.ended


def test_an_item_that_fails_at_once_stops_those_after_it() -> None:
    life = each("input: '${10 / item}'", [1, 0, 2])
    assert life.statuses["e[1]"] == "failed"
    assert "e[2]" not in life.statuses


def test_collected_failures_are_told_in_the_output() -> None:
    life = each("on_item_failure: collect, max_parallel: 1")
    life.fail("e[0]")
    life.succeed("e[1]", 1)
    assert life.deny("e[2]")[-2].startswith("StepSucceeded e ")
    assert life.output("e") == [
        {"error": {"status": "failed", "code": "broken", "message": "It broke."}},
        1,
        {"error": {"status": "denied", "code": "rule", "message": "It may not be."}},
    ]


@pytest.mark.parametrize(
    ("least", "said"),
    [(2, "RunSucceeded"), (3, "RunFailed e too_few_succeeded")],
)
def test_so_many_must_succeed_of_those_that_are_collected(least: int, said: str) -> None:
    life = each(f"on_item_failure: collect, min_success: {least}")
    life.succeed("e[0]")
    life.succeed("e[1]")
    assert life.fail("e[2]")[-1].startswith(said)


def test_too_few_items_cannot_succeed_often_enough() -> None:
    assert each("on_item_failure: collect, min_success: 2", [1]).succeed("e[0]")[-1] == "RunFailed e too_few_succeeded"


def test_zero_items_are_enough_whatever_must_succeed() -> None:
    assert each("on_item_failure: collect, min_success: 1", []).lines[-1] == "RunSucceeded []"


def test_an_item_is_retried_by_itself() -> None:
    life = each("retry: {max_attempts: 2}", [1, 2])
    assert life.fail("e[1]", retryable=True)[-1] == "JobRequested e[1]@2 failed"
    life.succeed("e[1]", 2)
    assert life.succeed("e[0]", 1)[-1] == "RunSucceeded [1,2]"


def test_its_condition_is_asked_once() -> None:
    life = each("when: size(input.items) > 2")
    assert len(asked(life)) == 3
    assert each("when: size(input.items) > 2", [1]).lines[1] == "StepSkipped e when_false"


def test_its_handler_handles_the_whole() -> None:
    life = each("on_error: h", steps="h: {type: transform, output: '${steps.e.error.code}'}")
    life.fail("e[0]")
    life.succeed("e[1]")
    assert life.succeed("e[2]")[-1] == 'RunSucceeded "broken"'
    assert [step for step in life.statuses if step.startswith("h")] == ["h"]


def test_an_output_schema_is_for_each_item() -> None:
    life = each("output_schema: {type: integer}, on_item_failure: collect", [1, 2])
    life.succeed("e[0]", 1)
    life.succeed("e[1]", "x")
    assert life.output("e")[1]["error"]["code"] == "output_invalid"


def test_outputs_that_are_too_large_together_fail_it() -> None:
    life = each(items=[1, 2])
    life.succeed("e[0]", "x" * 200_000)
    life.succeed("e[1]", "x" * 200_000)
    while not life.ended:
        life.due()
    assert life.lines[-1] == "RunFailed e output_too_large"


def test_its_time_is_that_of_the_whole() -> None:
    life = each("timeout: 5s", [1, 2])
    assert [one.deadline for one in life.of(JobRequested)] == [None, None]
    life.succeed("e[0]")
    assert life.after(5000)[1:] == ["JobCancelRequested e[1] cancelled"]
    assert life.fail("e[1]", "cancelled")[-1] == "RunTimedOut e timeout"


@pytest.mark.parametrize(
    ("step", "first"),
    [
        ("{type: transform, output: '${item * 2}'", [2, 4]),
        ("{type: condition, expression: 'item > 1'", [False, True]),
        ("{type: storage, set: {last: '${item}'}", [{"last": 1}, {"last": 2}]),
        ("{type: notify, message: '${item}'", [None, None]),
        ("{type: delay, delay: '${item}'", [None, None]),
        ("{type: approval", [{"approved": True, "by": ["ada"]}] * 2),
        ("{type: input", [{}, {}]),
        ("{type: wait, signal: s", [None, None]),
        ("{type: subworkflow, workflow: child", [1, 1]),
        ("{type: parallel, steps: [a]", [{"a": 1}, {"a": 1}]),
        ("{type: loop, body: [a], while: 'loop.index < 2'", [1, 1]),
    ],
)
def test_items_of_every_type(step: str, first: list[Any]) -> None:
    part = "a: {type: job}" if "[a]" in step else ""
    life = Life(workflow(f"e: {step}, for_each: [1, 2]}}\n{part}"), workflow("c: {type: job}", name="child"))
    life.start()
    play(life)
    assert life.output("e") == first


def test_items_of_loops_in_loops_know_where_they_are() -> None:
    life = begun(
        workflow("""
        l: {type: loop, body: [e], while: 'loop.index < 2'}
        e: {type: transform, for_each: ['x', 'y'], output: '${item} ${index} ${loop.index}'}
        """)
    )
    assert life.output("e[0]") == ["x 0 0", "y 1 0"]
    assert life.output("l") == ["x 0 1", "y 1 1"]
    assert life.statuses["e[1][1]"] == "succeeded"


def test_the_parts_of_a_group_that_is_repeated_know_the_item() -> None:
    life = begun(
        workflow("""
        p: {type: parallel, for_each: '${input.all}', steps: [a, l]}
        a: {type: job}
        l: {type: loop, body: [b], while: 'loop.index < 1'}
        b: {type: transform, output: '${item}:${index}:${loop.index}'}
        """),
        given={"all": ["x", "y"]},
    )
    assert [life.output(f"b[{index}][0]") for index in range(2)] == ["x:0:0", "y:1:0"]
    assert [one.job.input for one in life.of(JobRequested)] == ['"x"', '"y"'], "the item, where nothing is written"


def test_a_step_that_depends_on_it_sees_the_list() -> None:
    life = each(
        items=[1, 2],
        steps="sum: {type: transform, depends_on: [e], output: '${steps.e.output[0] + steps.e.output[1]}'}",
    )
    life.succeed("e[0]", 3)
    assert life.succeed("e[1]", 4)[-1] == "RunSucceeded 7"


def test_paused_no_further_item_begins() -> None:
    life = each("max_parallel: 1", [1, 2])
    life.pause()
    assert life.succeed("e[0]") == ["StepSucceeded e[0] null"]
    assert life.waiting == ["somebody who resumes it", "e: its next part"]
    assert life.resume() == ["RunResumed", "JobRequested e[1]@1"]
