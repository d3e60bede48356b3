"""What becomes ready when: dependencies, dead paths, joins, conditions and handlers."""

from tests.support.runs import Life, begun, workflow


def run(steps: str, given: object = None) -> Life:
    return begun(workflow(steps), given=given)


def test_a_step_begins_when_all_it_depends_on_is_over() -> None:
    life = run("a: {type: job}\nb: {type: job}\nc: {type: job, depends_on: [a, b]}")
    assert life.lines[1:] == ["JobRequested a@1", "JobRequested b@1"]
    assert life.succeed("b") == ["StepSucceeded b null"]
    assert life.succeed("a") == ["StepSucceeded a null", "JobRequested c@1"]


def test_a_failure_blocks_what_depends_on_it_and_nothing_else() -> None:
    life = run("a: {type: job}\nb: {type: job, depends_on: [a]}\nc: {type: job, depends_on: [b]}\nd: {type: job}")
    assert life.fail("a") == [
        "StepFailed a broken",
        "StepSkipped b upstream_failed",
        "StepSkipped c upstream_failed",
    ]
    assert life.succeed("d") == ["StepSucceeded d null", "RunFailed a broken"]


def test_a_step_that_waits_for_several_is_skipped_when_the_last_is_over() -> None:
    life = run("a: {type: job}\nb: {type: job}\nc: {type: job, depends_on: [a, b]}")
    assert life.fail("a") == ["StepFailed a broken"]
    assert life.succeed("b")[1] == "StepSkipped c upstream_failed"


def test_a_step_that_its_own_condition_skips_blocks_nothing_and_gives_null() -> None:
    life = run(
        """
        a: {type: job, when: input.go}
        b: {type: transform, depends_on: [a], output: ['${steps.a.output}', '${steps.a.status}']}
        """,
        {"go": False},
    )
    assert life.lines[1:] == [
        "StepSkipped a when_false",
        'StepSucceeded b [null,"skipped"]',
        'RunSucceeded [null,"skipped"]',
    ]


def test_a_condition_sees_what_is_upstream() -> None:
    steps = "a: {type: job}\nb: {type: job, depends_on: [a], condition: '${steps.a.output.ok}'}"
    life = run(steps)
    assert life.succeed("a", {"ok": True})[1] == "JobRequested b@1"
    assert run(steps).succeed("a", {"ok": False})[1] == "StepSkipped b when_false"
    assert run(steps).succeed("a", {"ok": "yes"})[1] == "StepFailed b not_a_condition"
    assert run(steps).succeed("a", {})[1] == "StepFailed b expression_failed"


# Switches: dead paths and joins.

DIAMOND = """
s: {type: switch, cases: [{when: input.left, next: l}], default: r}
l: {type: job}
r: {type: job}
r2: {type: job, depends_on: [r]}
join: {type: job, depends_on: [l, r2]}
"""


def test_a_branch_that_was_not_taken_is_dead_and_a_join_behind_it_runs() -> None:
    life = run(DIAMOND, {"left": True})
    assert life.statuses == {"s": "succeeded", "l": "requested", "r": "branch_not_taken", "r2": "branch_not_taken"}
    assert life.succeed("l") == ["StepSucceeded l null", "JobRequested join@1"]
    life = run(DIAMOND, {"left": False})
    life.succeed("r")
    assert life.succeed("r2")[-1] == "JobRequested join@1"


def test_a_join_behind_a_branch_that_failed_is_blocked() -> None:
    life = run(DIAMOND, {"left": True})
    assert life.fail("l") == ["StepFailed l broken", "StepSkipped join upstream_failed", "RunFailed l broken"]


def test_a_step_whose_every_dependency_is_dead_is_dead() -> None:
    life = run(
        """
        s: {type: switch, cases: [{when: 'false', next: [a, b]}], default: c}
        a: {type: job}
        b: {type: job}
        c: {type: transform, output: 1}
        both: {type: job, depends_on: [a, b]}
        after: {type: job, depends_on: [both]}
        """
    )
    assert life.statuses["both"] == life.statuses["after"] == "branch_not_taken"
    assert life.lines[-1].startswith("RunSucceeded")


def test_where_one_dependency_is_dead_and_another_failed_failed_wins() -> None:
    life = run(
        """
        s: {type: switch, cases: [{when: 'true', next: a}], default: b}
        a: {type: job}
        b: {type: job}
        c: {type: job, depends_on: [a, b]}
        """
    )
    life.fail("a")
    assert life.statuses["b"] == "branch_not_taken"
    assert life.statuses["c"] == "upstream_failed"


def test_a_target_that_is_chosen_waits_for_its_other_dependencies() -> None:
    life = run("s: {type: switch, cases: [{when: 'true', next: t}]}\na: {type: job}\nt: {type: job, depends_on: [a]}")
    assert "t" not in life.statuses
    assert life.succeed("a")[-1] == "JobRequested t@1"
    life = run("s: {type: switch, cases: [{when: 'true', next: t}]}\na: {type: job}\nt: {type: job, depends_on: [a]}")
    assert life.fail("a")[1] == "StepSkipped t upstream_failed"


def test_a_target_of_several_switches_runs_if_one_of_them_chose_it() -> None:
    steps = """
    s: {type: switch, cases: [{when: input.s, next: t}], default: x}
    r: {type: switch, cases: [{when: input.r, next: t}], default: x}
    t: {type: transform, output: t}
    x: {type: transform, output: x}
    """
    assert run(steps, {"s": True, "r": False}).output("t") == "t"
    assert run(steps, {"s": True, "r": False}).output("x") == "x"
    assert run(steps, {"s": False, "r": False}).statuses["t"] == "branch_not_taken"
    assert run(steps, {"s": True, "r": True}).statuses["x"] == "branch_not_taken"


def test_the_targets_of_a_switch_that_failed_or_was_skipped_do_not_run() -> None:
    life = run("s: {type: switch, cases: [{when: '1 / input.n > 0', next: t}]}\nt: {type: job}", {"n": 0})
    assert life.statuses == {"s": "failed", "t": "upstream_failed"}
    life = run("s: {type: switch, when: 'false', cases: [{when: 'true', next: t}]}\nt: {type: job}")
    assert life.statuses == {"s": "when_false", "t": "branch_not_taken"}
    assert life.lines[-1].startswith("RunSucceeded")


def test_what_depends_on_a_switch_without_being_a_target_runs() -> None:
    life = run(
        "s: {type: switch, cases: [{when: 'true', next: t}]}\nt: {type: job}\nu: {type: job, depends_on: [s]}",
    )
    assert life.statuses == {"s": "succeeded", "t": "requested", "u": "requested"}


# Handlers.

HANDLED = """
a: {type: job, on_error: h, retry: {max_attempts: 2}}
h: {type: job, input: {code: '${steps.a.error.code}', status: '${steps.a.error.status}'}}
b: {type: transform, depends_on: [a], output: ['${steps.a.output}', '${steps.a.status}']}
"""


def test_a_handler_begins_when_its_step_has_failed_for_good_and_lends_it_its_output() -> None:
    life = run(HANDLED)
    assert life.fail("a", retryable=True)[-1] == "JobRequested a@2 failed"
    assert life.fail("a") == ["StepFailed a broken", "JobRequested h@1"]
    assert life.job("h").input == '{"code":"broken","status":"failed"}'
    assert life.waiting == [f"h: report of {life.run_id}:h@1"]
    assert life.succeed("h", 7) == [
        "StepSucceeded h 7",
        'StepSucceeded b [7,"failed"]',
        'RunSucceeded [7,"failed"]',
    ]


def test_a_handler_that_is_not_needed_never_begins_and_has_no_event() -> None:
    life = run(HANDLED)
    life.succeed("a", 1)
    assert life.lines[-1] == 'RunSucceeded [1,"succeeded"]'
    assert "h" not in life.statuses


def test_denied_and_timed_out_steps_are_handled_and_cancelled_ones_are_not() -> None:
    life = run(HANDLED)
    assert life.deny("a")[-1] == "JobRequested h@1"
    life = run(HANDLED)
    assert life.lose("a", "queue_timeout")[-1] == "JobRequested h@1"
    life = run(HANDLED)
    life.cancel()
    assert life.fail("a") == ["StepCancelled a", "StepSkipped b run_halted", "RunCancelled"]


def test_a_failed_handler_leaves_its_step_unhandled() -> None:
    life = run(HANDLED)
    life.fail("a")
    assert life.deny("h") == ["StepDenied h rule", "StepSkipped b upstream_failed", "RunFailed a broken"]


def test_a_handler_that_skips_itself_handles_nothing() -> None:
    life = run("a: {type: job, on_error: h}\nh: {type: job, when: \"steps.a.error.code != 'broken'\"}")
    assert life.fail("a") == ["StepFailed a broken", "StepSkipped h when_false", "RunFailed a broken"]


def test_a_handler_may_be_handled() -> None:
    steps = """
    a: {type: job, on_error: h}
    h: {type: job, on_error: hh}
    hh: {type: job}
    b: {type: transform, depends_on: [a], output: '${steps.a.output}'}
    """
    life = run(steps)
    life.fail("a")
    assert life.fail("h") == ["StepFailed h broken", "JobRequested hh@1"]
    assert life.succeed("hh", 9)[-1] == "RunSucceeded 9"
    life = run(steps)
    life.fail("a")
    life.fail("h", "again")
    assert life.fail("hh", "once more") == [
        "StepFailed hh once more",
        "StepSkipped b upstream_failed",
        "RunFailed a broken",
    ]


def test_a_handler_may_be_a_group_or_repeated() -> None:
    life = run(
        "a: {type: job, on_error: p}\np: {type: parallel, steps: [x]}\nx: {type: job}\nb: {type: job, depends_on: [a]}"
    )
    life.fail("a")
    assert life.succeed("x")[1:] == ['StepSucceeded p {"x":null}', "JobRequested b@1"]
    life = run("a: {type: job, on_error: e}\ne: {type: job, for_each: [1, 2]}\nb: {type: job, depends_on: [a]}")
    life.fail("a")
    life.succeed("e[0]")
    assert life.succeed("e[1]")[-1] == "JobRequested b@1"


def test_handlers_of_every_kind_of_failure_at_once() -> None:
    life = run(
        """
        a: {type: condition, expression: '1 / 0 > 0', on_error: h}
        h: {type: transform, output: '${steps.a.error.code}'}
        """
    )
    assert life.lines[1:] == [
        "StepFailed a expression_failed",
        'StepSucceeded h "expression_failed"',
        'RunSucceeded "expression_failed"',
    ]


def test_a_handler_that_could_not_begin_in_a_pause_begins_afterwards() -> None:
    life = run(HANDLED)
    life.pause()
    assert life.fail("a") == ["StepFailed a broken"]
    assert life.resume() == ["RunResumed", "JobRequested h@1"]


def test_expressions_see_the_run_and_its_time() -> None:
    life = run("a: {type: transform, output: ['${run.id}', '${run.workflow}', '${run.tenant}', '${int(now)}']}")
    assert life.output("a") == [life.run_id, "w", "acme", 1]
