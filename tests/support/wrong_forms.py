"""Documents that are wrong whatever the types of their steps."""

from tests.support.wrong import Wrong, steps

WRONG_FORMS = [
    Wrong(
        "a key of the document",
        """\
id: x
nmae: y
steps: {a: {type: job}}
""",
        [(2, 1, "unknown_key")],
    ),
    Wrong(
        "nothing but an id",
        """\
id: x
""",
        [(1, 1, "missing_key")],
    ),
    Wrong(
        "a list",
        """\
- id: x
""",
        [(1, 1, "wrong_type")],
    ),
    Wrong(
        "an id that is none",
        """\
id: ' x'
steps: {a: {type: job}}
""",
        [(1, 5, "name_invalid")],
    ),
    Wrong(
        "an id that is a number",
        """\
id: 5
steps: {a: {type: job}}
""",
        [(1, 5, "wrong_type")],
    ),
    Wrong("an id that is too long", "id: " + "x" * 201 + "\nsteps: {a: {type: job}}\n", [(1, 5, "name_invalid")]),
    Wrong(
        "the reserved id",
        """\
steps: {a: {type: job}}
id: job
""",
        [(2, 5, "reserved_id")],
    ),
    Wrong(
        "a version that is none",
        """\
id: x
version: a b
steps: {a: {type: job}}
""",
        [(2, 10, "name_invalid")],
    ),
    Wrong(
        "no steps",
        """\
id: x
steps: {}
""",
        [(2, 8, "out_of_range")],
    ),
    Wrong(
        "steps that are a list",
        """\
id: x
steps: [a]
""",
        [(2, 8, "wrong_type")],
    ),
    Wrong(
        "too many steps",
        "id: x\nsteps: {" + ", ".join(f"s{index}: {{type: job}}" for index in range(1001)) + "}\n",
        [(2, 8, "out_of_range")],
    ),
    Wrong(
        "labels",
        "id: x\nlabels: {a: 1, b c: d, e: " + "f" * 501 + "}\nsteps: {a: {type: job}}\n",
        [(2, 13, "wrong_type"), (2, 16, "name_invalid"), (2, 27, "out_of_range")],
    ),
    Wrong(
        "too many labels",
        "id: x\nlabels: {" + ", ".join(f"l{index}: x" for index in range(65)) + "}\nsteps: {a: {type: job}}\n",
        [(2, 9, "out_of_range")],
    ),
    Wrong(
        "a grave status that is none",
        """\
id: x
compensate_on: [failed, skipped]
steps: {a: {type: job}}
""",
        [(2, 25, "unknown_value")],
    ),
    Wrong(
        "compensation on one status twice",
        """\
id: x
compensate_on: [failed, failed]
steps: {a: {type: job}}
""",
        [(2, 16, "twice")],
    ),
    Wrong(
        "concurrency",
        """\
id: x
concurrency: {limit: 0, on_conflict: wait, keys: a}
steps: {a: {type: job}}
""",
        [(2, 1, "missing_key"), (2, 22, "out_of_range"), (2, 38, "unknown_value"), (2, 44, "unknown_key")],
    ),
    Wrong(
        "defaults",
        """\
id: x
defaults: {retry: {backoff: 5s, max_backoff: 1s}, time: 1}
steps: {a: {type: job}}
""",
        [(2, 51, "unknown_key")],
    ),
    Wrong(
        "a step id that is none",
        steps("""\
  a b: {type: job}
  0: {type: job}
"""),
        [(3, 3, "name_invalid"), (4, 3, "name_invalid")],
    ),
    Wrong(
        "no type",
        steps("""\
  a: {topic: b}
"""),
        [(3, 3, "missing_key")],
    ),
    Wrong(
        "an unknown type",
        steps("""\
  a: {type: swich}
"""),
        [(3, 13, "unknown_type")],
    ),
    Wrong(
        "a step that is no map",
        steps("""\
  a: job
"""),
        [(3, 6, "wrong_type")],
    ),
    Wrong(
        "a key that is almost right",
        steps("""\
  a: {type: job, retri: {max_attempts: 2}}
  b: {type: job, meta: {risktags: []}, route: {pol: x}}
"""),
        [(3, 18, "unknown_key"), (4, 25, "unknown_key"), (4, 48, "unknown_key")],
    ),
    Wrong(
        "a key that is nothing like any",
        steps("""\
  a: {type: job, zzzz: 1}
"""),
        [(3, 18, "unknown_key")],
    ),
    Wrong(
        "a key of another type",
        steps("""\
  a:
    type: job
    cases: []
    body: a
"""),
        [(5, 5, "unknown_key"), (6, 5, "unknown_key")],
    ),
    Wrong(
        "a topic that is none",
        "id: x\nsteps:\n  a: {type: job, topic: 'job.*'}\n  b: {type: job, topic: " + "t" * 401 + "}\n",
        [(3, 25, "name_invalid"), (4, 25, "name_invalid")],
    ),
    Wrong(
        "a pool that is none",
        steps("""\
  a: {type: job, route: {pool: a/b, worker: 'c d', labels: {e: 5}}}
"""),
        [(3, 32, "name_invalid"), (3, 45, "name_invalid"), (3, 64, "wrong_type")],
    ),
    Wrong(
        "priorities",
        steps("""\
  a: {type: job, priority: 10}
  b: {type: job, priority: -1}
  c: {type: job, priority: '5'}
  d: {type: job, priority: true}
  e: {type: job, priority: 5.0}
"""),
        [
            (3, 28, "out_of_range"),
            (4, 28, "out_of_range"),
            (5, 28, "wrong_type"),
            (6, 28, "wrong_type"),
            (7, 28, "wrong_type"),
        ],
    ),
    Wrong(
        "retry out of range",
        steps("""\
  a:
    type: job
    retry:
      max_attempts: 0
      multiplier: 0.5
      jitter: 1.5
      backoff: -1s
"""),
        [(6, 21, "out_of_range"), (7, 19, "out_of_range"), (8, 15, "out_of_range"), (9, 16, "duration_invalid")],
    ),
    Wrong(
        "a longest backoff below the first",
        steps("""\
  a: {type: job, retry: {backoff: 5s, max_backoff: 1s}}
"""),
        [(3, 52, "out_of_range")],
    ),
    Wrong(
        "a code both ways",
        steps("""\
  a: {type: job, retry: {retry_on: [x, y], non_retryable: [y]}}
"""),
        [(3, 59, "contradiction")],
    ),
    Wrong(
        "durations",
        steps("""\
  a: {type: job, timeout: 5}
  b: {type: job, timeout: soon}
  c: {type: job, timeout: 0s}
  d: {type: job, timeout: P1Y}
  e: {type: job, timeout: 1.5}
"""),
        [
            (3, 27, "duration_invalid"),
            (4, 27, "duration_invalid"),
            (5, 27, "out_of_range"),
            (6, 27, "duration_invalid"),
            (7, 27, "duration_invalid"),
        ],
    ),
]
