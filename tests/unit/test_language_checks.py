"""Every mistake in a document is told, with its place and a stable code: a table of documents that are wrong."""

from pathlib import Path

import pytest

from foldgate.language.publish import Problem, WorkflowInvalid, prepare
from tests.support.wrong import Wrong, steps
from tests.support.wrong_expressions import WRONG_EXPRESSIONS
from tests.support.wrong_forms import WRONG_FORMS
from tests.support.wrong_relations import WRONG_RELATIONS
from tests.support.wrong_types import WRONG_TYPES

EXAMPLES = Path(__file__).parents[2] / "examples"
ALL = [*WRONG_FORMS, *WRONG_TYPES, *WRONG_RELATIONS, *WRONG_EXPRESSIONS]


def problems(source: str) -> tuple[Problem, ...]:
    with pytest.raises(WorkflowInvalid) as caught:
        prepare(source)
    return caught.value.problems


def said(source: str) -> list[str]:
    return [str(found) for found in problems(source)]


@pytest.mark.parametrize("wrong", ALL, ids=lambda wrong: wrong.name)
def test_every_mistake_is_told_with_its_place(wrong: Wrong) -> None:
    found = problems(wrong.source)
    assert [(each.line, each.column, each.code) for each in found] == wrong.expected


@pytest.mark.parametrize("wrong", ALL, ids=lambda wrong: wrong.name)
def test_every_mistake_is_a_sentence_that_says_what_was_expected(wrong: Wrong) -> None:
    for each in problems(wrong.source):
        assert each.message.startswith("Expected ")
        assert each.message[-1] in ".?)"
        assert str(each).startswith(f"line {each.line}, column {each.column}: ")


def test_places_are_where_the_word_is() -> None:
    for wrong in ALL:
        lines = wrong.source.split("\n")
        for each in problems(wrong.source):
            last = each.path.rpartition(".")[2].partition("[")[0]
            rest = lines[each.line - 1][each.column - 1 :]
            assert rest.strip(), wrong.name
            if each.code == "unknown_key":
                assert rest.startswith(last), wrong.name


@pytest.mark.parametrize("name", ["incident-remediation", "incident_triage_parallel"])
def test_the_examples_are_workflows(name: str) -> None:
    assert prepare((EXAMPLES / f"{name}.yaml").read_bytes()).workflow == name


def test_a_mistake_names_the_key_its_place_and_the_nearest_known_key() -> None:
    assert said(steps("  x:\n    type: job\n    retri: {}\n")) == [
        "line 5, column 5: steps.x.retri: Expected a known key, but got 'retri'; did you mean 'retries'?"
    ]
    assert said(steps("  x: {type: job, cases: []}\n")) == [
        "line 3, column 18: steps.x.cases: Expected a key of a step of type job, but 'cases' belongs to type switch."
    ]


def test_a_value_of_the_wrong_type_is_shown_in_brief() -> None:
    found = said(steps("  a: {type: job, topic: {a: b}, name: [1, 2], priority: null, retry: {max_retry: 1}}\n"))
    assert [each.partition(": Expected ")[2] for each in found] == [
        "a text, but got a map.",
        "a text, but got a list of 2.",
        "a whole number, but got null.",
        "a known key, but got 'max_retry'; did you mean 'max_retries'?",
    ]


def test_a_cycle_names_its_path() -> None:
    source = steps(
        "  a: {type: job, depends_on: b}\n  b: {type: job, depends_on: c}\n  c: {type: job, depends_on: a}\n"
    )
    assert said(source) == [
        "line 3, column 30: steps.a.depends_on: Expected no cycle, but each of these waits for the next: a → b → c → a."
    ]


def test_a_long_cycle_is_shortened_and_many_are_not_looked_for_without_end() -> None:
    ring = "".join(f"  s{index}: {{type: job, depends_on: s{(index + 1) % 200}}}\n" for index in range(200))
    (only,) = said(steps(ring))
    assert only.endswith("s19 → … → s0.")
    rings = "".join(f"  s{index}: {{type: job, depends_on: s{index ^ 1}}}\n" for index in range(900))
    assert [each.code for each in problems(steps(rings))].count("cycle") <= 20


def test_expressions_are_bounded_in_number() -> None:
    many = ", ".join(["'${1}${2}'"] * 2501)
    (only,) = problems(steps(f"  a: {{type: transform, output: [{many}]}}\n"))
    assert only.code == "too_many_expressions"
    assert only.path == "steps.a.output"


def test_a_value_is_bounded() -> None:
    (only,) = problems(steps(f"  a: {{type: job, input: {{x: {'y' * 300_000}}}}}\n"))
    assert (only.path, only.line, only.column) == ("steps.a.input", 3, 25)
    assert only.message.startswith("Expected at most 262144 bytes")


def test_so_many_mistakes_that_nobody_looks_for_more() -> None:
    many = ", ".join(f"none{index}" for index in range(999))
    found = problems(steps("".join(f"  a{index}: {{type: job, depends_on: [{many}]}}\n" for index in range(5))))
    assert len(found) == 100
    assert {each.code for each in found} == {"unknown_step"}


def test_nothing_is_said_that_a_missing_part_might_make_right() -> None:
    """Who is in which group is not known where a group is wrong."""
    source = steps("""\
  p: {type: loop, body: [a, b], until: true, max_iterations: none}
  a: {type: job}
  b: {type: job, input: '${steps.a.output}${loop.index}${item}'}
  c: {type: parallel, steps: [d], colour: red}
  d: {type: job, input: '${steps.b}'}
""")
    assert [each.code for each in problems(source)] == ["wrong_type", "unknown_key"]


@pytest.mark.parametrize(
    "text",
    [
        # A join behind a switch, a handler, and what undoes.
        """\
  s: {type: switch, value: input.kind, cases: [{match: a, next: [x]}, {when: input.b, next: y}], default: z}
  x: {type: job, on_error: h, compensate: u}
  h: {type: job, input: '${steps.x.error.code}${steps.s.status}'}
  u: {type: job, input: '${steps.x.output}'}
  y: {type: job}
  z: {type: notify, level: '${input.level}', message: 'from ${steps.s.output}', channel: c}
  join: {type: transform, depends_on: [x, y, z], output: {x: '${steps.x.output}', s: '${steps.s.output}'}}
""",
        # Conditions of a loop see the iteration that is over; a switch inside leads to later steps.
        """\
  l: {type: loop, body: [a, s, b, p], until: 'steps.b.output.done || loop.index > 3', max_iterations: 5}
  a: {type: job, input: '${loop.previous_output}'}
  s: {type: switch, cases: [{when: steps.a.output.ok, next: p}], default: b}
  b: {type: job, input: '${steps.a.output}'}
  p: {type: parallel, steps: [q, r], strategy: n_of_m, required: 1, max_parallel: 1}
  q: {type: job, input: '${steps.b.output}', on_error: h}
  r: {type: wait, match: {id: '${loop.index}'}}
  h: {type: job, input: '${loop.index}${steps.q.error.code}'}
""",
        # Parts of a parallel at the top may be depended on, and lead out.
        """\
  p: {type: parallel, steps: [q, s]}
  q: {type: parallel, steps: [r]}
  r: {type: job}
  s: {type: switch, cases: [{when: true, next: [t]}]}
  t: {type: job}
  u: {type: job, depends_on: [q], input: '${steps.r.output}'}
  v: {type: job, depends_on: [p], input: '${steps.r.output}${steps.s.output}'}
""",
        # Items, items of items, and undoing one item.
        """\
  e: {type: parallel, steps: [f], for_each: '${input.xs}', compensate: u}
  f: {type: job, for_each: '${item.ys}', input: '${item}${index}', on_error: g}
  g: {type: job, input: '${item}'}
  u: {type: job, input: '${item}${steps.e.output}'}
""",
        """\
  d: {type: delay, delay: '${input.seconds}s'}
  e: {type: delay, delay: '${input.length}', depends_on: d}
  f: {type: delay, until: '${now + duration("1h")}'}
  g: {type: delay, until: '${input.at}', when: 'now > timestamp("2026-01-01T00:00:00Z")'}
  h: {type: input, schema: {type: object}, approval: {roles: [x], required: 2}, input_schema: true}
  i: {type: storage, set: {a: '${input.a}', b: null}}
  j: {type: storage, get: [a, b]}
  k: {type: storage, delete: a}
  l: {type: subworkflow, workflow: other, version: 2, input: {a: 1}}
  m: {type: condition, expression: 'input.a == ctx.b'}
  n: {type: approval, on_expire: timed_out}
""",
    ],
)
def test_what_is_right_is_accepted(text: str) -> None:
    source = steps(text) + "output: {a: '${input}'}\nconcurrency: {key: '${input.a}-${run.tenant}'}\n"
    assert prepare(source).workflow == "x"


def test_the_output_of_the_run_sees_what_is_there_once() -> None:
    source = """\
id: x
output: ['${steps.p.output}', '${steps.q.output}', '${steps.l.output}', '${steps.h.output}']
steps:
  p: {type: parallel, steps: [q]}
  q: {type: job, on_error: h}
  h: {type: job, compensate: u}
  u: {type: job}
  l: {type: loop, body: m, while: true}
  m: {type: job}
"""
    assert prepare(source).workflow == "x"
    assert [each.path for each in problems(source.replace("steps.p", "steps.u").replace("steps.l", "steps.m"))] == [
        "output[0]",
        "output[2]",
    ]
