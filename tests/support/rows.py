"""A step of every type, in a run: what is tested of all of them is tested of each. A new type is one more row."""

from collections import Counter
from typing import Any, NamedTuple, get_args

import msgspec

from foldgate.contracts.events import StepCancelled, StepDenied, StepFailed, StepSkipped, StepSucceeded, StepTimedOut
from foldgate.language.definition import JobKind
from tests.support.obliging import play
from tests.support.runs import Life, workflow

TERMINAL = (StepSucceeded, StepFailed, StepDenied, StepTimedOut, StepCancelled, StepSkipped)
Steps = dict[str, dict[str, Any]]


class Row(NamedTuple):
    """A step `x` with its parts, and the workflows that it runs. An obliging world makes it succeed."""

    steps: Steps
    children: tuple[str, ...] = ()
    instant: bool = False
    """It is over in the decision that begins it."""


def job(kind: str = "job") -> Row:
    return Row({"x": {"type": kind}})


def instant(**x: Any) -> Row:
    return Row({"x": x}, instant=True)


CHILD = workflow("a: {type: job}", name="child")
A, B = {"a": {"type": "job"}}, {"b": {"type": "approval"}}
C: Steps = {"c": {"type": "wait", "signal": "c"}}
ROWS: dict[str, Row] = {
    **{kind: job(kind) for kind in get_args(JobKind)},
    "approval": Row({"x": {"type": "approval"}}),
    "input": Row({"x": {"type": "input", "schema": {"type": "object"}}}),
    "wait": Row({"x": {"type": "wait", "signal": "go", "match": {"n": "${input.n}"}}}),
    "delay": Row({"x": {"type": "delay", "delay": "1m"}}),
    "condition": instant(type="condition", expression="input.n > 0"),
    "switch": Row({"x": {"type": "switch", "cases": [{"when": "input.n > 0", "next": "a"}]}, **A}, instant=True),
    "parallel": Row({"x": {"type": "parallel", "steps": ["a", "b", "c"], "max_parallel": 2}, **A, **B, **C}),
    "parallel: any": Row({"x": {"type": "parallel", "steps": ["a", "b", "c"], "strategy": "any"}, **A, **B, **C}),
    "loop": Row({"x": {"type": "loop", "body": ["a", "b"], "until": "loop.index > 0"}, **A, **B}),
    "loop: while": Row({"x": {"type": "loop", "body": "a", "while": "loop.index < 2"}, **A}),
    "for_each": Row({"x": {"type": "job", "for_each": [1, 2, 3, 4], "max_parallel": 2}}),
    "for_each: groups": Row({"x": {"type": "parallel", "steps": ["a", "b"], "for_each": [1, 2]}, **A, **B}),
    "transform": instant(type="transform", output={"n": "${input.n}"}),
    "storage": instant(type="storage", set={"n": "${input.n}"}),
    "notify": instant(type="notify", channel="ops", message="n is ${input.n}"),
    "subworkflow": Row({"x": {"type": "subworkflow", "workflow": "child"}}, (CHILD,)),
}


def life_of(row: Row, *, timeout: str | None = None, step_timeout: str | None = None) -> Life:
    """A run with `x` between a job and a wait, not yet started."""
    x = row.steps["x"] | {"depends_on": ["before"]} | ({"timeout": step_timeout} if step_timeout else {})
    after = {"type": "wait", "signal": "after", "depends_on": ["x"]}
    document = {"id": "w", "steps": {"before": {"type": "job"}, **row.steps, "x": x, "after": after}}
    document |= {"timeout": timeout} if timeout else {}
    return Life(msgspec.json.encode(document).decode(), *row.children)


def lived(row: Row) -> Life:
    """A run to its end."""
    life = life_of(row)
    life.start({"n": 1})
    play(life)
    return life


def ends(life: Life) -> Counter[str]:
    """How often each step has ended."""
    return Counter(one.step for one in life.history if isinstance(one, TERMINAL))


def every_step_ended_once(life: Life) -> None:
    assert life.ended, life.waiting
    assert set(ends(life)) == set(life.statuses), "all that began has ended"
    assert set(ends(life).values()) == {1}
