"""Parallels: all, one, or n of their steps must succeed; losers are called back."""

import pytest

from tests.support.runs import Life, begun, workflow


def grouped(terms: str, *steps: str, given: object = None) -> Life:
    """A run of a parallel `p` with jobs, or with these steps, called a, b, c …"""
    named = [step if ":" in step else f"{step}: {{type: job}}" for step in steps]
    ids = ", ".join(step.partition(":")[0] for step in named)
    return begun(workflow("\n".join([f"p: {{type: parallel, steps: [{ids}], {terms}}}", *named])), given=given)


ALL, ANY, TWO = "strategy: all", "strategy: any", "strategy: n_of_m, required: 2"


def test_all_must_succeed_and_each_gives_its_output() -> None:
    life = grouped(ALL, "a", "b")
    assert life.lines[1:] == ["StepStarted p", "JobRequested a@1", "JobRequested b@1"]
    assert life.succeed("b", 2) == ["StepSucceeded b 2"]
    assert life.succeed("a", 1) == [
        "StepSucceeded a 1",
        'StepSucceeded p {"a":1,"b":2}',
        'RunSucceeded {"a":1,"b":2}',
    ]


def test_at_most_so_many_go_on_at_once_in_the_order_of_the_list() -> None:
    life = grouped("max_parallel: 2", "c", "a", "b", "d")
    assert life.lines[2:] == ["JobRequested c@1", "JobRequested a@1"]
    assert life.succeed("a") == ["StepSucceeded a null", "JobRequested b@1"]
    assert life.succeed("c") == ["StepSucceeded c null", "JobRequested d@1"]


@pytest.mark.parametrize(
    ("end", "status"),
    [("fail", "StepFailed p broken"), ("deny", "StepDenied p rule"), ("lose", "StepTimedOut p queue_timeout")],
)
def test_of_all_the_first_that_fails_calls_the_others_back_and_the_group_ends_so(end: str, status: str) -> None:
    life = grouped(f"max_parallel: 2, {ALL}", "a", "b", "c")
    said = life.lose("a", "queue_timeout") if end == "lose" else getattr(life, end)("a")
    assert said[1].startswith("StepCancelRequested p")
    assert said[2:] == ["JobCancelRequested b cancelled"]
    assert life.fail("b", "cancelled")[:3] == ["StepCancelled b", status, "StepSkipped c not_needed"]
    assert life.ended


def test_a_success_that_comes_before_its_cancellation_counts_for_the_step_and_not_for_the_group() -> None:
    life = grouped(ALL, "a", "b")
    life.fail("a")
    assert life.succeed("b", 1) == ["StepSucceeded b 1", "StepFailed p broken", "RunFailed p broken"]


def test_of_any_the_first_success_is_enough_and_the_run_waits_for_the_losers() -> None:
    life = grouped(f"{ANY}, max_parallel: 2", "a", "b", "c")
    assert life.succeed("b", 1) == [
        "StepSucceeded b 1",
        'StepSucceeded p {"a":null,"b":1,"c":null}',
        "StepSkipped c not_needed",
        "JobCancelRequested a cancelled",
    ]
    assert not life.ended
    assert life.succeed("a", 2) == ["StepSucceeded a 2", 'RunSucceeded {"a":null,"b":1,"c":null}'], "late, and unused"


def test_what_follows_does_not_wait_for_the_losers() -> None:
    life = begun(
        workflow("""
        p: {type: parallel, strategy: any, steps: [a, b]}
        a: {type: job}
        b: {type: job}
        after: {type: job, depends_on: [p]}
        """)
    )
    assert life.succeed("a")[-1] == "JobRequested after@1"
    assert life.succeed("after", 3) == ["StepSucceeded after 3"]
    assert life.after(30_000) == ["StepCancelled b", "RunSucceeded 3"], "nobody answers for the loser"


def test_of_any_a_failure_is_no_loss_while_others_may_succeed() -> None:
    life = grouped(ANY, "a", "b")
    assert life.fail("a") == ["StepFailed a broken"]
    assert life.succeed("b", 1)[-1] == 'RunSucceeded {"a":null,"b":1}'


def test_of_any_when_the_last_has_failed_the_group_fails_as_the_first_did() -> None:
    life = grouped(ANY, "a", "b")
    life.deny("b")
    assert life.fail("a")[1:] == ["StepCancelRequested p denied", "StepDenied p rule", "RunDenied p rule"]
    assert life.lines[-1] == "RunDenied p rule"


def test_n_of_m_succeeds_as_soon_as_so_many_have() -> None:
    life = grouped(TWO, "a", "b", "c")
    assert life.succeed("a") == ["StepSucceeded a null"]
    assert life.succeed("c")[1:] == ['StepSucceeded p {"a":null,"b":null,"c":null}', "JobCancelRequested b cancelled"]


def test_n_of_m_out_of_reach_fails_at_once() -> None:
    life = grouped(f"{TWO}, max_parallel: 2", "a", "b", "c")
    assert life.fail("a", "first") == ["StepFailed a first", "JobRequested c@1"]
    said = life.fail("b", "second")
    assert said[1].startswith("StepCancelRequested p failed")
    assert said[2:] == ["JobCancelRequested c cancelled"]
    assert life.fail("c", "cancelled")[1:] == ["StepFailed p first", "RunFailed p first"]


def test_a_step_that_its_own_condition_skips_counts_as_a_success() -> None:
    life = grouped(ALL, "a: {type: job, when: input.go}", "b", given={"go": False})
    assert life.succeed("b", 1)[-1] == 'RunSucceeded {"a":null,"b":1}'
    life = grouped(ANY, "a: {type: job, when: input.go}", "b", given={"go": False})
    assert life.lines[2:] == [
        "StepSkipped a when_false",
        'StepSucceeded p {"a":null,"b":null}',
        "StepSkipped b not_needed",
        'RunSucceeded {"a":null,"b":null}',
    ]


def test_steps_that_are_over_at_once_count_before_the_next_begins() -> None:
    life = grouped(ALL, "a: {type: condition, expression: '1 / input.n > 0'}", "b", given={"n": 0})
    assert "JobRequested b@1" not in life.lines
    assert life.statuses["b"] == "not_needed"
    assert life.lines[-1] == "RunFailed p expression_failed"


def test_a_handled_failure_of_a_part_is_no_failure_of_the_group() -> None:
    life = begun(
        workflow("""
        p: {type: parallel, steps: [a, b]}
        a: {type: job, on_error: h}
        b: {type: job}
        h: {type: job}
        """)
    )
    assert life.fail("a") == ["StepFailed a broken", "JobRequested h@1"]
    assert life.succeed("b", 2) == ["StepSucceeded b 2"]
    assert life.succeed("h", 1) == ["StepSucceeded h 1", 'StepSucceeded p {"a":1,"b":2}', 'RunSucceeded {"a":1,"b":2}']


def test_a_group_that_is_called_back_calls_back_what_handles_its_parts() -> None:
    life = begun(
        workflow("""
        p: {type: parallel, steps: [a, b]}
        a: {type: job, on_error: h}
        b: {type: job}
        h: {type: job, on_error: hh}
        hh: {type: job}
        """)
    )
    life.fail("a")
    life.fail("h")
    assert life.cancel()[2:] == ["JobCancelRequested hh cancelled", "JobCancelRequested b cancelled"]
    assert {life.statuses[step] for step in ("b", "hh")} == {"cancelling"}
    life.fail("b", "cancelled")
    life.fail("hh", "cancelled")
    assert life.lines[-1] == "RunCancelled"


def test_others_may_depend_on_a_part() -> None:
    steps = """
    p: {type: parallel, strategy: any, steps: [a, b, c], max_parallel: 2}
    a: {type: job}
    b: {type: job}
    c: {type: job}
    %s: {type: job, depends_on: [%s]}
    """
    life = begun(workflow(steps % ("after", "a")))
    assert "JobRequested after@1" in life.succeed("a")
    life = begun(workflow(steps % ("after", "c")))
    assert life.succeed("a")[-2:] == ["JobCancelRequested b cancelled", "StepSkipped after upstream_failed"]


def test_parts_of_a_group_that_never_began_are_skipped_with_it() -> None:
    steps = """
    first: {type: job}
    p: {type: parallel, steps: [a, q], depends_on: [first], when: input.go}
    a: {type: job}
    q: {type: parallel, steps: [b]}
    b: {type: job}
    after: {type: job, depends_on: [b]}
    """
    life = begun(workflow(steps.replace("after: {type: job, depends_on: [b]}", "")), given={"go": False})
    life.succeed("first")
    assert life.statuses == {
        "first": "succeeded",
        "p": "when_false",
        "a": "when_false",
        "q": "when_false",
        "b": "when_false",
    }
    life = begun(workflow(steps.replace("after: {type: job, depends_on: [b]}", "")), given={"go": True})
    life.fail("first")
    assert set(life.statuses.values()) == {"failed", "upstream_failed"}
    life = begun(workflow(steps.replace("after: {type: job, depends_on: [b]}", "")), given={})
    life.succeed("first")
    assert life.statuses["p"] == "failed"
    assert life.statuses["b"] == "upstream_failed", "its condition could not be evaluated"


def test_out_of_time_its_steps_are_called_back_and_it_times_out() -> None:
    life = grouped("timeout: 5s", "a", "b")
    life.succeed("a")
    assert life.after(5000)[1:] == ["JobCancelRequested b cancelled"]
    assert life.fail("b", "cancelled") == ["StepCancelled b", "StepTimedOut p timeout", "RunTimedOut p timeout"]


def test_a_group_whose_parts_wait_is_called_back_at_once() -> None:
    life = grouped(ALL, "a: {type: approval}", "b: {type: delay, delay: 1h}")
    assert life.cancel() == [
        "RunHalted cancelled cancelled",
        "StepCancelRequested p cancelled",
        "StepCancelled a",
        "StepCancelled b",
        "StepCancelled p",
        "RunCancelled",
    ]
    assert life.statuses == {"p": "cancelled", "a": "cancelled", "b": "cancelled"}


def test_an_output_that_is_too_large_together_fails_the_group() -> None:
    life = grouped(ALL, "a", "b")
    life.succeed("a", "x" * 200_000)
    life.succeed("b", "x" * 200_000)
    while not life.ended:
        life.due()
    assert life.lines[-1] == "RunFailed p output_too_large"


def test_groups_in_a_loop_run_again_each_time() -> None:
    life = begun(
        workflow("""
        l: {type: loop, body: [p], while: 'loop.index < 2'}
        p: {type: parallel, steps: [a, b]}
        a: {type: job}
        b: {type: job}
        """)
    )
    for index in range(2):
        life.succeed(f"a[{index}]", index)
        life.succeed(f"b[{index}]", index)
    assert life.lines[-2:] == ['StepSucceeded l {"a":1,"b":1}', 'RunSucceeded {"a":1,"b":1}']


def test_a_group_and_its_parts_out_of_time_at_once() -> None:
    life = begun(workflow("p: {type: parallel, steps: [q], timeout: 5s}\nq: {type: job, timeout: 5s}"))
    assert life.after(5000) == ["StepCancelRequested p timed_out", "JobCancelRequested q cancelled"]
    assert life.succeed("q")[-1] == "RunTimedOut p timeout"


def test_a_loser_that_fails_is_not_handled() -> None:
    life = begun(
        workflow("""
        p: {type: parallel, strategy: any, steps: [a, b]}
        a: {type: job}
        b: {type: job, output_schema: {type: integer}, on_error: h}
        h: {type: job}
        """)
    )
    life.succeed("a")
    assert life.succeed("b", "x") == ["StepFailed b output_invalid", 'RunSucceeded {"a":null,"b":null}']
