"""Loops: a body in order, again and again, while or until something holds."""

import pytest

from tests.support.runs import Life, begun, workflow


def looped(terms: str, *steps: str, given: object = None) -> Life:
    """A run of a loop `l` over jobs, or over these steps."""
    named = [step if ":" in step else f"{step}: {{type: job}}" for step in steps]
    ids = ", ".join(step.partition(":")[0] for step in named)
    return begun(workflow("\n".join([f"l: {{type: loop, body: [{ids}], {terms}}}", *named])), given=given)


def test_while_is_tested_before_each_iteration() -> None:
    life = looped("while: 'loop.index < 2'", "a")
    assert life.lines[1:] == ["StepStarted l", "JobRequested a[0]@1"]
    assert life.succeed("a[0]", "x") == ['StepSucceeded a[0] "x"', "JobRequested a[1]@1"]
    assert life.succeed("a[1]", "y") == ['StepSucceeded a[1] "y"', 'StepSucceeded l "y"', 'RunSucceeded "y"']


def test_a_while_that_never_holds_runs_nothing() -> None:
    life = looped("while: 'false'", "a")
    assert life.lines[1:] == ["StepStarted l", "StepSucceeded l null", "RunSucceeded null"]


def test_until_is_tested_after_each_iteration() -> None:
    life = looped("until: 'loop.index >= 0'", "a")
    assert life.succeed("a[0]", 1)[1:] == ["StepSucceeded l 1", "RunSucceeded 1"]


def test_conditions_see_the_iteration_that_is_over() -> None:
    life = looped("until: steps.b.output.done", "a", "b")
    life.succeed("a[0]")
    assert life.succeed("b[0]", {"done": False})[-1] == "JobRequested a[1]@1"
    life.succeed("a[1]")
    assert life.succeed("b[1]", {"done": True})[-1] == 'RunSucceeded {"done":true}'


def test_a_while_sees_the_output_of_the_iteration_before() -> None:
    life = looped("while: 'loop.previous_output == null || loop.previous_output < 3'", "a")
    life.succeed("a[0]", 1)
    life.succeed("a[1]", 2)
    assert life.succeed("a[2]", 3)[-1] == "RunSucceeded 3"


def test_the_body_sees_its_iteration_and_what_the_one_before_gave() -> None:
    each = "a: {type: transform, output: {i: '${loop.index}', before: '${loop.previous_output}'}}"
    life = looped("while: 'loop.index < 2'", each)
    assert life.output("l") == {"i": 1, "before": {"i": 0, "before": None}}


def test_steps_of_the_body_see_earlier_ones_of_the_same_iteration() -> None:
    life = looped("while: 'loop.index < 2'", "a", "b: {type: transform, output: '${steps.a.output + 1}'}")
    life.succeed("a[0]", 10)
    assert life.succeed("a[1]", 20)[-1] == "RunSucceeded 21"


@pytest.mark.parametrize(("most", "left"), [(1, 0), (3, 2)])
def test_as_many_iterations_as_allowed_with_the_condition_unmet_fail_it(most: int, left: int) -> None:
    life = looped(f"until: 'false', max_iterations: {most}", "a")
    for index in range(left):
        assert life.succeed(f"a[{index}]")[-1] == f"JobRequested a[{index + 1}]@1"
    assert life.succeed(f"a[{left}]")[1:] == ["StepFailed l max_iterations", "RunFailed l max_iterations"]


def test_the_last_iteration_may_still_meet_the_condition() -> None:
    assert (
        looped("until: 'loop.index == 2', max_iterations: 3", "a: {type: transform, output: 1}").lines[-1]
        == "RunSucceeded 1"
    )
    assert (
        looped("while: 'loop.index < 3', max_iterations: 3", "a: {type: transform, output: 1}").lines[-1]
        == "RunSucceeded 1"
    )


@pytest.mark.parametrize(("end", "said"), [("fail", "StepFailed l broken"), ("deny", "StepDenied l rule")])
def test_a_step_that_fails_ends_the_loop_so(end: str, said: str) -> None:
    life = looped("while: 'true'", "a", "b")
    assert getattr(life, end)("a[0]")[2] == said
    assert "b[0]" not in life.statuses
    assert life.ended


def test_a_handled_failure_goes_on_with_the_output_of_its_handler() -> None:
    life = begun(
        workflow("""
        l: {type: loop, body: [a, b], while: 'loop.index < 1'}
        a: {type: job, on_error: h}
        h: {type: transform, output: "mended ${steps.a.error.code} in ${loop.index}"}
        b: {type: transform, output: '${steps.a.output}'}
        """)
    )
    assert life.fail("a[0]")[-1] == 'RunSucceeded "mended broken in 0"'
    assert life.statuses["h[0]"] == "succeeded"


def test_a_step_of_the_body_may_be_skipped_by_its_own_condition() -> None:
    life = looped(
        "while: 'loop.index < 2'", "a: {type: job, when: 'loop.index > 0'}", "b: {type: transform, output: 1}"
    )
    assert life.lines[2:5] == ["StepSkipped a[0] when_false", "StepSucceeded b[0] 1", "JobRequested a[1]@1"]


def test_a_switch_in_the_body_leads_to_later_steps_of_the_same_iteration() -> None:
    life = looped(
        "while: 'loop.index < 2'",
        "s: {type: switch, cases: [{when: 'loop.index == 0', next: [a, c]}], default: b}",
        "a: {type: transform, output: a}",
        "b: {type: transform, output: b}",
        "c: {type: transform, output: c}",
    )
    assert life.statuses == {
        "l": "succeeded",
        "s[0]": "succeeded",
        "a[0]": "succeeded",
        "b[0]": "branch_not_taken",
        "c[0]": "succeeded",
        "s[1]": "succeeded",
        "a[1]": "branch_not_taken",
        "b[1]": "succeeded",
        "c[1]": "branch_not_taken",
    }
    assert life.output("l") is None, "its last step was skipped"


def test_a_branch_of_a_branch_that_was_not_taken_is_not_taken() -> None:
    life = looped(
        "while: 'loop.index < 1'",
        "s: {type: switch, cases: [{when: 'false', next: t}], default: z}",
        "t: {type: switch, cases: [{when: 'true', next: y}]}",
        "y: {type: job}",
        "z: {type: transform, output: 1}",
    )
    assert life.lines[-1] == "RunSucceeded 1"
    assert life.statuses["t[0]"] == life.statuses["y[0]"] == "branch_not_taken"


@pytest.mark.parametrize("terms", ["while: '1 / input.n > 0'", "until: '1 / input.n > 0'"])
def test_a_condition_that_fails_fails_the_loop(terms: str) -> None:
    life = looped(terms, "a: {type: transform, output: 1}", given={"n": 0})
    assert life.lines[-1] == "RunFailed l expression_failed"
    life = looped("while: '${input.n}'", "a", given={"n": 3})
    assert life.lines[-1] == "RunFailed l not_a_condition"


def test_loops_in_loops() -> None:
    life = begun(
        workflow("""
        l: {type: loop, body: [m], while: 'loop.index < 2'}
        m: {type: loop, body: [a], while: 'loop.index < 2'}
        a: {type: transform, output: ['${loop.index}', '${loop.previous_output}']}
        """)
    )
    assert life.statuses["a[1][1]"] == "succeeded"
    assert life.output("m[0]") == life.output("l") == [1, [0, None]]


def test_out_of_time_its_body_is_called_back() -> None:
    life = looped("while: 'true', timeout: 5s", "a")
    assert life.after(5000)[1:] == ["JobCancelRequested a[0] cancelled"]
    assert life.succeed("a[0]") == ["StepSucceeded a[0] null", "StepTimedOut l timeout", "RunTimedOut l timeout"]


def test_paused_between_two_iterations_it_goes_on_with_the_next() -> None:
    life = looped("while: 'loop.index < 2'", "a")
    life.pause()
    assert life.succeed("a[0]") == ["StepSucceeded a[0] null"]
    assert life.waiting == ["somebody who resumes it", "l: its next part"]
    assert life.resume() == ["RunResumed", "JobRequested a[1]@1"]


def test_a_thousand_iterations_cost_no_recursion() -> None:
    life = looped("while: 'loop.index < 1000', max_iterations: 1000", "a: {type: transform, output: '${loop.index}'}")
    while not life.ended:
        life.due()
    assert life.lines[-1] == "RunSucceeded 999"


def test_a_condition_may_ask_for_a_step_that_has_not_begun_yet() -> None:
    life = looped("while: \"steps.a.status != 'succeeded'\"", "a: {type: transform, output: 1}")
    assert life.lines[-1] == "RunSucceeded 1"
