"""Documents whose steps do not fit together."""

from tests.support.wrong import Wrong, steps

WRONG_RELATIONS = [
    Wrong(
        "an unknown dependency",
        steps("""\
  build: {type: job}
  a: {type: job, depends_on: [build, bild]}
  b: {type: job, depends_on: nothing_like_it}
"""),
        [(4, 38, "unknown_step"), (5, 30, "unknown_step")],
    ),
    Wrong(
        "a dependency twice",
        steps("""\
  a: {type: job}
  b: {type: job, depends_on: [a, a]}
"""),
        [(4, 30, "twice")],
    ),
    Wrong(
        "a cycle",
        steps("""\
  c: {type: job, depends_on: [b]}
  a: {type: job, depends_on: [c]}
  b: {type: job, depends_on: [a]}
"""),
        [(3, 30, "cycle")],
    ),
    Wrong(
        "a step that waits for itself",
        steps("""\
  a: {type: job, depends_on: [a]}
"""),
        [(3, 30, "cycle")],
    ),
    Wrong(
        "two cycles and what waits for one",
        steps("""\
  a: {type: job, depends_on: [b]}
  b: {type: job, depends_on: [a]}
  c: {type: job, depends_on: [d]}
  d: {type: job, depends_on: [c]}
  e: {type: job, depends_on: [a]}
  f: {type: job, depends_on: [e]}
  g: {type: job}
"""),
        [(3, 30, "cycle"), (5, 30, "cycle"), (7, 6, "unreachable"), (8, 6, "unreachable")],
    ),
    Wrong(
        "a cycle through a switch",
        steps("""\
  a: {type: switch, depends_on: [b], cases: [{when: true, next: b}]}
  b: {type: job}
"""),
        [(3, 33, "cycle")],
    ),
    Wrong(
        "a cycle through a group",
        steps("""\
  p: {type: parallel, steps: [q], depends_on: [r]}
  q: {type: job}
  r: {type: job, depends_on: [q]}
"""),
        [(3, 47, "cycle")],
    ),
    Wrong(
        "a group in itself",
        steps("""\
  p: {type: parallel, steps: [p, q]}
  q: {type: job}
"""),
        [(3, 31, "group_in_itself")],
    ),
    Wrong(
        "groups in one another",
        steps("""\
  p: {type: parallel, steps: [l]}
  l: {type: loop, body: [p], until: true}
"""),
        [(3, 30, "group_in_itself")],
    ),
    Wrong(
        "groups of three in one another",
        steps("""\
  l: {type: loop, body: [p], until: true}
  p: {type: parallel, steps: [q]}
  q: {type: parallel, steps: [l]}
"""),
        [(3, 25, "group_in_itself")],
    ),
    Wrong(
        "a part of two groups",
        steps("""\
  p: {type: parallel, steps: [a, b]}
  q: {type: parallel, steps: [b]}
  a: {type: job}
  b: {type: job}
"""),
        [(4, 31, "two_groups")],
    ),
    Wrong(
        "a part twice in a group",
        steps("""\
  p: {type: parallel, steps: [a, a]}
  a: {type: job}
"""),
        [(3, 30, "twice")],
    ),
    Wrong(
        "an unknown part",
        steps("""\
  p: {type: parallel, steps: [aa]}
  l: {type: loop, body: zz, until: true}
  a: {type: job}
"""),
        [(3, 31, "unknown_step"), (4, 19, "unknown_step")],
    ),
    Wrong(
        "a part with dependencies",
        steps("""\
  p: {type: parallel, steps: [a]}
  a: {type: job, depends_on: [b]}
  b: {type: job}
"""),
        [(4, 30, "part_depends")],
    ),
    Wrong(
        "a dependency on the inside of a loop",
        steps("""\
  l: {type: loop, body: [a], until: true}
  a: {type: job}
  b: {type: job, depends_on: [a]}
"""),
        [(5, 31, "inside_group")],
    ),
    Wrong(
        "a dependency on the inside of a repeated parallel",
        steps("""\
  p: {type: parallel, steps: [a], for_each: [1]}
  a: {type: job}
  b: {type: job, depends_on: [a]}
"""),
        [(5, 31, "inside_group")],
    ),
    Wrong(
        "a dependency on a part of a part",
        steps("""\
  p: {type: parallel, steps: [q]}
  q: {type: parallel, steps: [a]}
  a: {type: job}
  b: {type: job, depends_on: [a]}
"""),
        [(6, 31, "inside_group")],
    ),
    Wrong(
        "a handler of itself",
        steps("""\
  a: {type: job, on_error: a}
  b: {type: job, compensate: b}
"""),
        [(3, 28, "handler_of_itself"), (4, 30, "handler_of_itself")],
    ),
    Wrong(
        "handlers of one another",
        steps("""\
  a: {type: job, on_error: b}
  b: {type: job, on_error: a}
"""),
        [(3, 28, "handler_of_itself")],
    ),
    Wrong(
        "undoing one another",
        steps("""\
  a: {type: job, compensate: b}
  b: {type: job, compensate: a}
"""),
        [(3, 30, "handler_of_itself")],
    ),
    Wrong(
        "an unknown handler",
        steps("""\
  abc: {type: job, on_error: abd, compensate: zzz}
"""),
        [(3, 30, "unknown_step"), (3, 47, "unknown_step")],
    ),
    Wrong(
        "a shared handler",
        steps("""\
  a: {type: job, on_error: h}
  b: {type: job, on_error: h}
  c: {type: job, compensate: h}
  h: {type: job}
"""),
        [(4, 28, "handler_shared"), (5, 30, "handler_shared")],
    ),
    Wrong(
        "one handler for both",
        steps("""\
  a: {type: job, on_error: h, compensate: h}
  h: {type: job}
"""),
        [(3, 43, "handler_shared")],
    ),
    Wrong(
        "a handler with dependencies",
        steps("""\
  a: {type: job, on_error: h}
  h: {type: job, depends_on: [a]}
"""),
        [(4, 30, "handler_depends")],
    ),
    Wrong(
        "a handler that others depend on",
        steps("""\
  a: {type: job, on_error: h}
  h: {type: job}
  b: {type: job, depends_on: [a, h]}
"""),
        [(5, 34, "depends_on_handler")],
    ),
    Wrong(
        "a handler in a group",
        steps("""\
  a: {type: job, on_error: h}
  h: {type: job}
  p: {type: parallel, steps: [h]}
"""),
        [(5, 31, "handler_in_group")],
    ),
    Wrong(
        "a switch as a handler",
        steps("""\
  a: {type: job, on_error: h}
  h: {type: switch, cases: [{when: true, next: b}]}
  b: {type: job}
"""),
        [(3, 28, "handler_switch")],
    ),
    Wrong(
        "a handler around the step it handles",
        steps("""\
  a: {type: job, on_error: p}
  p: {type: parallel, steps: [a]}
"""),
        [(3, 3, "cycle")],
    ),
    Wrong(
        "unknown targets",
        steps("""\
  s: {type: switch, cases: [{when: true, next: [aa, a]}], default: nowhere}
  a: {type: job}
"""),
        [(3, 49, "unknown_step"), (3, 68, "unknown_step")],
    ),
    Wrong(
        "a target that is a handler",
        steps("""\
  s: {type: switch, cases: [{when: true, next: h}]}
  a: {type: job, on_error: h}
  h: {type: job}
"""),
        [(3, 48, "target_is_handler")],
    ),
    Wrong(
        "a target inside a group",
        steps("""\
  s: {type: switch, cases: [{when: true, next: a}]}
  p: {type: parallel, steps: [a]}
  a: {type: job}
"""),
        [(3, 48, "target_in_group")],
    ),
    Wrong(
        "a switch in a loop that leads out",
        steps("""\
  l: {type: loop, body: [a, s, b], until: true}
  s: {type: switch, cases: [{when: true, next: c}, {when: true, next: a}, {when: true, next: b}], default: s}
  a: {type: job}
  b: {type: job}
  c: {type: job}
"""),
        [
            (4, 3, "cycle"),
            (4, 48, "target_outside"),
            (4, 71, "target_outside"),
            (4, 108, "target_outside"),
            (6, 6, "unreachable"),
            (7, 6, "unreachable"),
        ],
    ),
    Wrong(
        "a switch in a repeated parallel",
        steps("""\
  p: {type: parallel, steps: [s], for_each: [1]}
  s: {type: switch, cases: [{when: true, next: c}]}
  c: {type: job}
"""),
        [(4, 48, "target_outside")],
    ),
    Wrong(
        "a switch for each",
        steps("""\
  s: {type: switch, for_each: [1], cases: [{when: true, next: c}]}
  c: {type: job}
"""),
        [(3, 31, "switch_repeated")],
    ),
]
