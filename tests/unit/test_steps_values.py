"""Steps that are one decision: condition, switch, transform, storage, notify."""

from typing import Any

import msgspec
import pytest

from foldgate.contracts.events import ContextChanged, NotificationRaised
from foldgate.engine.steps.storage import MAX_CONTEXT_BYTES
from foldgate.language.problems import WorkflowInvalid
from tests.support.obliging import play
from tests.support.runs import Life, begun, workflow, written


def only(step: str, given: Any = None) -> Life:
    """A run of one step `x`."""
    return begun(workflow(f"x: {{{step}}}"), given=given)


def ending(step: str, given: Any = None) -> str:
    return only(step, given).lines[-1]


# Conditions.


@pytest.mark.parametrize(("n", "said"), [(1, "true"), (0, "false")])
def test_a_condition_gives_the_truth(n: int, said: str) -> None:
    assert ending("type: condition, expression: 'input.n > 0'", {"n": n}) == f"RunSucceeded {said}"


@pytest.mark.parametrize("value", [1, "true", None, [True]])
def test_what_is_no_truth_fails_the_condition(value: Any) -> None:
    said = ending("type: condition, expression: '${input.n}'", {"n": value})
    assert said == "RunFailed x not_a_condition"


def test_an_expression_that_fails_fails_its_step_alone() -> None:
    life = begun(workflow("x: {type: condition, expression: '1 / input.n > 0'}\ny: {type: job}"), given={"n": 0})
    assert life.lines[1:] == ["StepFailed x expression_failed", "JobRequested y@1"]


# Switches.


SWITCH = """
s: {type: switch, expression: input.v, cases: [{match: 1, next: a}, {match: {k: '${input.k}'}, next: [b, c]}], %s}
a: {type: job}
b: {type: job}
c: {type: job}
d: {type: job}
"""


def switched(value: Any, default: str = "default: d") -> Life:
    return begun(workflow(SWITCH % default), given={"v": value, "k": "x"})


@pytest.mark.parametrize(
    ("value", "output", "taken"),
    [
        (1, {"case": 0, "next": ["a"]}, "a"),
        ({"k": "x"}, {"case": 1, "next": ["b", "c"]}, "bc"),
        ({"k": "y"}, {"case": "default", "next": ["d"]}, "d"),
        ("1", {"case": "default", "next": ["d"]}, "d"),
        (None, {"case": "default", "next": ["d"]}, "d"),
    ],
)
def test_the_first_case_that_matches_is_taken_and_the_others_are_skipped(value: Any, output: Any, taken: str) -> None:
    life = switched(value)
    assert life.output("s") == output
    assert {step for step, status in life.statuses.items() if status == "requested"} == set(taken)
    skipped = {step for step, status in life.statuses.items() if status == "branch_not_taken"}
    assert skipped == set("abcd") - set(taken)


def test_a_switch_without_a_match_and_without_a_default_fails() -> None:
    steps = "s: {type: switch, expression: input.v, cases: [{match: 1, next: a}]}\na: {type: job}"
    life = begun(workflow(steps), given={"v": 2})
    assert life.lines[1:] == [
        "StepFailed s no_matching_case",
        "StepSkipped a upstream_failed",
        "RunFailed s no_matching_case",
    ]
    steps = "s: {type: switch, cases: [{when: input.v > 2, next: a}]}\na: {type: job}"
    assert begun(workflow(steps), given={"v": 2}).lines[-1] == "RunFailed s no_matching_case"


def test_cases_are_tried_in_their_order() -> None:
    steps = """
    s: {type: switch, cases: [{when: input.v > 5, next: a}, {when: input.v > 2, next: b}, {when: 'true', next: c}]}
    a: {type: job}
    b: {type: job}
    c: {type: job}
    """
    for value, taken in ((9, "a"), (4, "b"), (0, "c")):
        assert begun(workflow(steps), given={"v": value}).statuses[taken] == "requested"


def test_a_case_that_is_no_truth_fails_the_switch() -> None:
    steps = "s: {type: switch, cases: [{when: '${input.v}', next: a}]}\na: {type: job}"
    assert begun(workflow(steps), given={"v": 2}).lines[-1] == "RunFailed s not_a_condition"


# Transforms.


def test_a_transform_gives_its_value() -> None:
    given = {"n": 2, "list": [1, 2]}
    step = "type: transform, output: {double: '${input.n * 2}', text: 'n is ${input.n}', all: '${input.list}', k: null}"
    said = written({"double": 4, "text": "n is 2", "all": [1, 2], "k": None})
    assert ending(step, given) == f"RunSucceeded {said}"
    assert ending("type: transform, transform: 1") == "RunSucceeded 1"
    assert ending("type: transform, input: {a: '${input.n}'}", given) == 'RunSucceeded {"a":2}'


def test_a_value_that_is_too_large_fails_the_transform() -> None:
    step = "type: transform, output: {a: '${input.v}', b: '${input.v}'}"
    assert ending(step, {"v": "x" * 200_000}) == "RunFailed x expression_too_large"
    with pytest.raises(WorkflowInvalid, match="262144 bytes"):
        only(f"type: transform, output: {'é' * 200_000}")


def test_an_output_schema_is_for_every_type() -> None:
    schema = "output_schema: {type: object, properties: {n: {type: integer}}}"
    life = only(f"type: transform, output: {{n: '${{input.n}}'}}, {schema}", {"n": "no"})
    assert life.lines[-1] == "RunFailed x output_invalid"
    failed = life.run.steps.get("x")
    assert failed is not None
    assert "/n" in failed.reason, "it names the place"
    assert ending(f"type: transform, output: {{n: 1}}, {schema}") == 'RunSucceeded {"n":1}'


def test_an_input_schema_is_for_every_type_with_an_input() -> None:
    step = "type: transform, input: {n: '${input.n}'}, output: 1, input_schema: {properties: {n: {type: integer}}}"
    assert ending(step, {"n": "no"}) == "RunFailed x input_invalid"
    assert ending(step, {"n": 1}) == "RunSucceeded 1"


# Storage.


def test_what_is_set_can_be_got_and_deleted() -> None:
    life = begun(
        workflow("""
        set: {type: storage, set: {a: '${input.n}', b: [1], c: null}}
        got: {type: storage, get: [a, c, nothing], depends_on: [set]}
        one: {type: storage, get: b, depends_on: [set]}
        seen: {type: transform, output: '${ctx.b}', depends_on: [set]}
        gone: {type: storage, delete: [a, nothing], depends_on: [got]}
        after: {type: storage, get: a, depends_on: [gone]}
        """),
        given={"n": 5},
    )
    assert life.ended
    assert [life.output(step) for step in ("set", "got", "one", "seen", "gone", "after")] == [
        {"a": 5, "b": [1], "c": None},
        {"a": 5, "c": None, "nothing": None},
        [1],
        [1],
        ["a"],
        None,
    ]
    assert life.run.ctx == {"b": "[1]", "c": "null"}
    assert [one.value for one in life.of(ContextChanged)] == ["5", "[1]", "null", None]


def test_deleting_one_name_says_which_were_there() -> None:
    life = begun(workflow("set: {type: storage, set: {a: 1}}\ngone: {type: storage, delete: a, depends_on: [set]}"))
    assert life.output("gone") == ["a"]


def test_what_is_set_may_depend_on_what_was() -> None:
    life = begun(
        workflow("""
        l: {type: loop, body: [count], while: 'loop.index < 3'}
        count: {type: storage, set: {n: "${has(ctx.n) ? ctx.n + 1 : 1}"}}
        """)
    )
    assert life.run.ctx == {"n": "3"}


def test_values_that_are_too_large_change_nothing() -> None:
    life = only("type: storage, set: {a: '${input.v}', b: '${input.v}'}", {"v": "x" * 200_000})
    play(life)
    assert life.lines[-1] == "RunFailed x value_too_large"
    assert not life.run.ctx


def test_ctx_has_a_limit_in_all() -> None:
    each = "s%d: {type: storage, set: {v%d: '${input.v}'}, depends_on: [%s]}"
    sets = "\n".join(each % (number, number, f"s{number - 1}" if number else "") for number in range(6))
    life = begun(workflow(sets), given={"v": "x" * 200_000})
    while not life.ended:
        life.due()
    assert life.statuses["s4"] == "succeeded"
    assert life.lines[-1] == "RunFailed s5 ctx_too_large"
    assert sum(map(len, life.run.ctx.values())) <= MAX_CONTEXT_BYTES


# Notifications.


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_a_notification_is_raised_and_the_step_has_succeeded(level: str) -> None:
    life = only(
        f"type: notify, channel: '#${{input.c}}', message: '${{input.m}}', level: {level}", {"c": "ops", "m": {"a": 1}}
    )
    [raised] = life.of(NotificationRaised)
    assert (raised.step, raised.channel, raised.message, raised.level) == ("x", "#ops", '{"a":1}', level)
    assert life.lines[-1] == "RunSucceeded null"


def test_a_notification_that_says_nothing_is_one_all_the_same() -> None:
    [raised] = only("type: notify").of(NotificationRaised)
    assert (raised.channel, raised.message, raised.level) == ("", "", "info")


def test_long_messages_are_cut_and_levels_are_of_three() -> None:
    step = "type: notify, channel: '${input.v}', message: '${input.v}', level: '${input.level}'"
    [raised] = only(step, {"v": "x" * 100_000, "level": "error"}).of(NotificationRaised)
    assert (len(raised.channel), len(raised.message)) == (255, 16_000)
    assert raised.message.endswith("…")
    life = only(step, {"v": "x", "level": "loud" * 100})
    assert life.lines[1:] == ["StepFailed x no_such_level", "RunFailed x no_such_level"]
    assert not life.of(NotificationRaised)


def test_nothing_of_them_can_be_called_back() -> None:
    life = begun(workflow("a: {type: job}\nx: {type: notify, depends_on: [a]}"))
    assert life.cancel() == ["RunHalted cancelled cancelled", "JobCancelRequested a cancelled"]
    assert life.succeed("a", 1) == ["StepSucceeded a 1", "StepSkipped x run_halted", "RunCancelled"]


def test_values_are_canonical() -> None:
    assert msgspec.json.decode(ending("type: transform, output: {b: 1, a: 'é'}").removeprefix("RunSucceeded ")) == {
        "a": "é",
        "b": 1,
    }
    assert ending("type: transform, output: {b: 1, a: 2}") == 'RunSucceeded {"a":2,"b":1}'
