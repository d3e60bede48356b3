"""Documents whose expressions are wrong, or read what they cannot see."""

from tests.support.wrong import Wrong, steps

WRONG_EXPRESSIONS = [
    Wrong(
        "a key of concurrency before the run",
        """\
id: x
concurrency: {key: '${steps.a.output}-${ctx.b}'}
steps: {a: {type: job}}
""",
        [(2, 20, "not_in_scope"), (2, 20, "not_in_scope")],
    ),
    Wrong(
        "an output that reads what is inside",
        """\
id: x
output: {a: '${steps.b.output}', c: '${item}', d: '${steps.nope}'}
steps:
  l: {type: loop, body: b, until: true}
  b: {type: job}
""",
        [(2, 13, "inside_group"), (2, 37, "not_in_scope"), (2, 51, "unknown_step")],
    ),
    Wrong(
        "expressions that are none",
        steps("""\
  a: {type: job, when: 'input.x =='}
  b: {type: job, when: ''}
  c: {type: job, when: 5}
  d: {type: job, input: {x: [1, '${nope}']}}
  e: {type: job, input: '${input.x'}
  f: {type: condition}
"""),
        [
            (3, 24, "expression_invalid"),
            (4, 24, "expression_invalid"),
            (5, 24, "expression_invalid"),
            (6, 33, "expression_invalid"),
            (7, 25, "expression_invalid"),
            (8, 3, "missing_key"),
        ],
    ),
    Wrong(
        "expressions of the wrong type",
        steps("""\
  a: {type: job, when: '1 + 1'}
  b: {type: job, when: '${true} or not'}
  c: {type: condition, expression: "'text'"}
  d: {type: loop, body: e, while: '[1]'}
  e: {type: job}
  f: {type: switch, value: '${input.x}!', cases: [{when: '2', next: g}]}
  g: {type: job}
"""),
        [
            (3, 24, "wrong_expression_type"),
            (4, 24, "not_an_expression"),
            (5, 36, "wrong_expression_type"),
            (6, 35, "wrong_expression_type"),
            (8, 28, "not_an_expression"),
            (8, 58, "wrong_expression_type"),
        ],
    ),
    Wrong(
        "what is not in scope",
        steps("""\
  a: {type: job, when: item, input: '${item}'}
  b: {type: job, for_each: '${item}', when: index > 1, input: '${item + index}'}
  c: {type: job, input: '${loop.index}'}
  l: {type: loop, body: d, while: 'loop.index < 3'}
  d: {type: job, when: loop.index > 1, input: '${item}', on_error: h}
  h: {type: job, input: '${loop.index}${item}'}
  p: {type: parallel, steps: q, for_each: [1]}
  q: {type: job, when: item > 1, input: '${loop}'}
"""),
        [
            (3, 24, "not_in_scope"),
            (3, 37, "not_in_scope"),
            (4, 28, "not_in_scope"),
            (4, 45, "not_in_scope"),
            (5, 25, "not_in_scope"),
            (7, 47, "not_in_scope"),
            (8, 25, "not_in_scope"),
            (10, 41, "not_in_scope"),
        ],
    ),
    Wrong(
        "steps that are not upstream",
        steps("""\
  a: {type: job}
  b: {type: job, input: '${steps.a.output}'}
  c: {type: job, depends_on: b, input: '${steps.a.output}${steps.b.output}${steps.c.output}'}
  d: {type: job, depends_on: c, when: steps.e.output}
  e: {type: job, input: "${steps['zz'].output}"}
"""),
        [
            (4, 25, "not_upstream"),
            (5, 40, "not_upstream"),
            (5, 40, "not_upstream"),
            (6, 39, "not_upstream"),
            (7, 25, "unknown_step"),
        ],
    ),
    Wrong(
        "steps that are inside",
        steps("""\
  p: {type: parallel, steps: [a, b]}
  a: {type: job}
  b: {type: job, input: '${steps.a.output}'}
  c: {type: job, depends_on: p, input: '${steps.a.output}'}
  l: {type: loop, body: [d, e], until: steps.d.output}
  d: {type: job, input: '${steps.e.output}'}
  e: {type: job, input: '${steps.d.output}'}
  f: {type: job, depends_on: l, input: '${steps.d.output}'}
  g: {type: job, on_error: h}
  h: {type: job, input: '${steps.g.error}${steps.p.output}'}
  i: {type: job, depends_on: g, input: '${steps.h.output}'}
"""),
        [
            (5, 25, "not_upstream"),
            (8, 25, "not_upstream"),
            (10, 40, "not_upstream"),
            (12, 25, "not_upstream"),
            (13, 40, "not_upstream"),
        ],
    ),
]
