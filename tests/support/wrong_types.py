"""Documents whose steps are not as their types want them."""

from tests.support.wrong import Wrong, steps

WRONG_TYPES = [
    Wrong(
        "cases",
        steps("""\
  s: {type: switch, cases: [{when: true}, {when: true, next: []}, {next: 5}]}
  a: {type: job}
"""),
        [(3, 29, "missing_key"), (3, 62, "out_of_range"), (3, 74, "wrong_type")],
    ),
    Wrong(
        "cases that say too little",
        steps("""\
  s: {type: switch, cases: [{next: a}, {when: true, match: 1, next: a}, {match: 1, next: a}]}
  a: {type: job}
  t: {type: switch, cases: []}
"""),
        [
            (3, 29, "missing_key"),
            (3, 60, "given_twice"),
            (3, 60, "missing_key"),
            (3, 81, "missing_key"),
            (5, 28, "out_of_range"),
        ],
    ),
    Wrong(
        "a subject that is wrong, and is not said to be missing",
        steps("""\
  s: {type: switch, value: 5, cases: [{match: 1, next: a}]}
  a: {type: job}
"""),
        [(3, 28, "expression_invalid")],
    ),
    Wrong(
        "for_each",
        steps("""\
  a: {type: job, for_each: [1, 2, 3], max_items: 2}
  b: {type: job, for_each: '${input.x}', min_success: 2}
  c: {type: job, for_each: '${input.x}', on_item_failure: collect, min_success: 5, max_items: 4}
  d: {type: job, for_each: {max_items: 3}}
  e: {type: job, for_each: 5}
  f: {type: job, for_each: '${1}'}
  g: {type: job, for_each: 'a ${input.x}'}
  h: {type: job, for_each: [1], max_parallel: 0}
"""),
        [
            (3, 28, "too_many_items"),
            (4, 55, "contradiction"),
            (5, 81, "out_of_range"),
            (6, 18, "missing_key"),
            (7, 28, "expression_invalid"),
            (8, 28, "wrong_expression_type"),
            (9, 28, "not_an_expression"),
            (10, 47, "out_of_range"),
        ],
    ),
    Wrong(
        "delay",
        steps("""\
  a: {type: delay}
  b: {type: delay, delay: 5s, until: '2026-01-01T00:00:00Z'}
  c: {type: delay, delay: 5}
  d: {type: delay, until: tomorrow}
  e: {type: delay, until: 5}
  f: {type: delay, delay: '${[1]}'}
  g: {type: delay, until: '${true}'}
  h: {type: delay, delay: soon}
"""),
        [
            (3, 6, "missing_key"),
            (4, 38, "given_twice"),
            (5, 27, "duration_invalid"),
            (6, 27, "time_invalid"),
            (7, 27, "time_invalid"),
            (8, 27, "wrong_expression_type"),
            (9, 27, "wrong_expression_type"),
            (10, 27, "duration_invalid"),
        ],
    ),
    Wrong(
        "loop",
        steps("""\
  a: {type: loop, body: b}
  b: {type: job}
  c: {type: loop, body: d, while: input.x, until: input.y, max_iterations: 0}
  d: {type: job}
  e: {type: loop, body: [], until: true}
"""),
        [(3, 6, "missing_key"), (5, 51, "given_twice"), (5, 76, "out_of_range"), (7, 25, "out_of_range")],
    ),
    Wrong(
        "parallel",
        steps("""\
  p: {type: parallel, steps: [a], strategy: n_of_m}
  q: {type: parallel, steps: [b], required: 1}
  r: {type: parallel, steps: [c], strategy: n_of_m, required: 2}
  s: {type: parallel, steps: [d], strategy: most}
  t: {type: parallel, steps: [e], strategy: n_of_m, required: 0}
  a: {type: job}
  b: {type: job}
  c: {type: job}
  d: {type: job}
  e: {type: job}
"""),
        [
            (3, 6, "missing_key"),
            (4, 45, "contradiction"),
            (5, 63, "out_of_range"),
            (6, 45, "unknown_value"),
            (7, 63, "out_of_range"),
        ],
    ),
    Wrong(
        "storage",
        steps("""\
  a: {type: storage}
  b: {type: storage, set: {x: 1}, get: y, delete: z}
  c: {type: storage, set: {}}
  d: {type: storage, get: [x, 'a b']}
  e: {type: storage, get: 'a b'}
  f: {type: storage, set: {a b: 1}}
  g: {type: storage, get: 5}
  h: {type: storage, delete: [x, x]}
"""),
        [
            (3, 6, "missing_key"),
            (4, 40, "given_twice"),
            (4, 51, "given_twice"),
            (5, 27, "out_of_range"),
            (6, 31, "name_invalid"),
            (7, 22, "name_invalid"),
            (8, 28, "name_invalid"),
            (9, 27, "wrong_type"),
            (10, 30, "twice"),
        ],
    ),
    Wrong(
        "transform",
        steps("""\
  a: {type: transform}
  b: {type: transform, output: null}
"""),
        [(3, 6, "missing_key"), (4, 6, "missing_key")],
    ),
    Wrong(
        "notify",
        steps("""\
  a: {type: notify, level: loud, channel: 5}
  b: {type: notify, level: 5}
"""),
        [(3, 28, "unknown_value"), (3, 43, "wrong_type"), (4, 28, "unknown_value")],
    ),
    Wrong(
        "subworkflow",
        steps("""\
  a: {type: subworkflow}
  b: {type: subworkflow, workflow: x}
  c: {type: subworkflow, workflow: y, version: [1]}
"""),
        [(3, 3, "missing_key"), (4, 36, "workflow_in_itself"), (5, 48, "wrong_type")],
    ),
    Wrong(
        "approval",
        steps("""\
  a: {type: approval, approval: {required: 0, roles: sre, on_expire: never, expires_in: 5}}
  b: {type: approval, approval: {qorum: 2}}
"""),
        [
            (3, 44, "out_of_range"),
            (3, 54, "wrong_type"),
            (3, 70, "unknown_value"),
            (3, 89, "duration_invalid"),
            (4, 34, "unknown_key"),
        ],
    ),
    Wrong(
        "wait",
        steps("""\
  a: {type: wait, match: 5, signal: ''}
"""),
        [(3, 26, "wrong_type"), (3, 37, "out_of_range")],
    ),
    Wrong(
        "schemas",
        steps("""\
  a: {type: input, schema: {type: strin}, input_schema: 5}
  b: {type: job, output_schema: {pattern: '('}, input_schema: {minimum: x}}
"""),
        [(3, 28, "schema_invalid"), (3, 57, "schema_invalid"), (4, 33, "schema_invalid"), (4, 63, "schema_invalid")],
    ),
    Wrong(
        "both kinds of mistakes",
        steps("""\
  a: {type: job, timeout: 5, depends_on: [zz], when: '1'}
  b: {type: job, priority: 10, input: '${steps.a.output}${item}', on_error: yy}
  c: {type: condition, expression: ''}
"""),
        [
            (3, 27, "duration_invalid"),
            (3, 43, "unknown_step"),
            (3, 54, "wrong_expression_type"),
            (4, 28, "out_of_range"),
            (4, 77, "unknown_step"),
            (5, 36, "expression_invalid"),
        ],
    ),
]
