"""Every way to say a thing is the same thing: names, units and shapes of the language."""

import pytest

from foldgate.language.models import DefaultTerms, RetryTerms, SwitchCase, WorkflowDocument
from foldgate.language.publish import WorkflowInvalid, prepare
from foldgate.language.sentences import STEP_MODELS, known

HEAD = "id: x\nsteps:\n  a: {type: job}\n  b: {type: job}\n"


def digest(step: str, head: str = "id: x") -> str:
    return prepare(f"{head}\nsteps:\n  a: {{type: job}}\n  b: {{type: job}}\n  s: {step}\n").digest


def codes(source: str) -> list[str]:
    with pytest.raises(WorkflowInvalid) as caught:
        prepare(source)
    return [found.code for found in caught.value.problems]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{type: worker}", "{type: job}"),
        ("{type: job, condition: input.x}", "{type: job, when: input.x}"),
        ("{type: job, when: input.x}", "{type: job, when: '${input.x}'}"),
        ("{type: job, when: ' ${input.x} '}", "{type: job, when: '${input.x}'}"),
        ("{type: job, when: true}", "{type: job, when: '${true}'}"),
        ("{type: job, when: false}", "{type: job, when: 'false'}"),
        ("{type: job, when: null}", "{type: job}"),
        ("{type: job, retries: {max_attempts: 3}}", "{type: job, retry: {max_attempts: 3}}"),
        ("{type: job, retry: {max_retries: 2}}", "{type: job, retry: {max_attempts: 3}}"),
        ("{type: job, retry: {max_retries: 0}}", "{type: job}"),
        ("{type: job, retry: {initial_backoff_sec: 2}}", "{type: job, retries: {backoff_ms: 2000}}"),
        ("{type: job, retry: {initial_backoff: 2s}}", "{type: job, retries: {backoff: PT2S}}"),
        ("{type: job, retry: {max_backoff_sec: 2}}", "{type: job, retry: {max_backoff: 2000ms}}"),
        ("{type: job, retry: {multiplier: 2}}", "{type: job, retry: {multiplier: 2.0}}"),
        ("{type: job, retry: {retry_on: [a, b]}}", "{type: job, retry: {retry_on: [b, a]}}"),
        ("{type: job, retry: {}}", "{type: job, retry: {max_attempts: 1, backoff: 0s, jitter: 0}}"),
        ("{type: job, timeout_sec: 5}", "{type: job, timeout: 5s}"),
        ("{type: job, timeout_ms: 5000}", "{type: job, timeout: PT5S}"),
        ("{type: job, timeout_ms: null}", "{type: job}"),
        ("{type: job, attempt_timeout_sec: 60}", "{type: job, attempt_timeout: 1m}"),
        ("{type: job, queue_timeout_sec: 60}", "{type: job, queue_timeout: 1m}"),
        ("{type: job, depends_on: a}", "{type: job, depends_on: [a]}"),
        ("{type: job, depends_on: [a, b]}", "{type: job, depends_on: [b, a]}"),
        ("{type: job, topic: job.x.s}", "{type: job}"),
        ("{type: job, priority: 5}", "{type: job}"),
        ("{type: job, route: {}}", "{type: job}"),
        ("{type: job, meta: {risk_tags: []}}", "{type: job}"),
        ("{type: job, meta: {requires: [x, y]}}", "{type: job, meta: {requires: [y, x]}}"),
        ("{type: job, for_each: input.xs}", "{type: job, for_each: {items: '${input.xs}'}}"),
        ("{type: job, for_each: [1, 2]}", "{type: job, for_each: {items: [1, 2], max_items: 1000}}"),
        ("{type: job, for_each: null}", "{type: job}"),
        ("{type: job, for_each: [1], max_parallel: 3}", "{type: job, for_each: {items: [1], max_parallel: 3}}"),
        (
            "{type: job, for_each: [1], max_items: 3, on_item_failure: collect, min_success: 1}",
            "{type: job, for_each: {items: [1], max_items: 3, on_item_failure: collect, min_success: 1}}",
        ),
        ("{type: approval, on_expire: timed_out}", "{type: approval, approval: {on_expire: timed_out}}"),
        (
            "{type: approval, on_expire: timed_out, approval: null}",
            "{type: approval, approval: {on_expire: timed_out}}",
        ),
        ("{type: approval, on_expire: deny}", "{type: approval, approval: {on_expire: denied}}"),
        ("{type: approval, approval: {}}", "{type: approval}"),
        ("{type: approval, approval: {roles: [x, y]}}", "{type: approval, approval: {roles: [y, x]}}"),
        ("{type: input, approval: {expires_in_sec: 60}}", "{type: input, approval: {expires_in: 1m}}"),
        ("{type: wait}", "{type: wait, signal: s}"),
        ("{type: wait, name: paid in full}", "{type: wait, name: paid in full, signal: paid in full}"),
        ("{type: delay, delay_sec: 60}", "{type: delay, delay: 1m}"),
        ("{type: delay, delay_ms: 0}", "{type: delay, delay: PT0S}"),
        ("{type: condition, expression: input.x}", "{type: condition, expression: '${input.x}'}"),
        (
            "{type: switch, value: input.x, cases: [{match: 1, next: a}], default: b}",
            "{type: switch, expression: '${input.x}', cases: [{match: 1, next: [a]}], default: [b]}",
        ),
        ("{type: parallel, steps: a, strategy: all}", "{type: parallel, steps: [a]}"),
        ("{type: loop, body: a, while: input.x}", "{type: loop, body: [a], while: '${input.x}', max_iterations: 100}"),
        ("{type: transform, transform: {a: 1}}", "{type: transform, output: {a: 1}}"),
    ],
)
def test_two_spellings_are_one_workflow(one: str, other: str) -> None:
    assert digest(one) == digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{type: job}", "{type: llm}"),
        ("{type: job, input: 1}", "{type: job, input: 1.0}"),
        ("{type: job, input: {}}", "{type: job}"),
        ("{type: job, input: '${input.x}'}", "{type: job, input: 'x ${input.x}'}"),
        ("{type: job, name: a}", "{type: job, name: b}"),
        ("{type: parallel, steps: [a, b]}", "{type: parallel, steps: [b, a]}"),
        (
            "{type: switch, value: input.x, cases: [{match: null, next: a}]}",
            "{type: switch, value: input.x, cases: [{match: 0, next: a}]}",
        ),
        ("{type: storage, get: x}", "{type: storage, get: [x]}"),
        ("{type: transform, output: 1}", "{type: transform, input: 1}"),
    ],
)
def test_what_means_something_else_is_another_workflow(one: str, other: str) -> None:
    assert digest(one) != digest(other)


def test_defaults_are_said_of_every_step_that_says_nothing_itself() -> None:
    defaults = (
        "id: x\ndefaults: {retries: {max_retries: 1}, timeout_sec: 9, pool: p, meta: {capability: c, pack_id: k}}"
    )
    both = "retry: {max_attempts: 2}, timeout: 9s, route: {pool: p}, meta: {capability: c, pack_id: k}"
    said = f"""
id: x
steps:
  a: {{type: job, {both}}}
  b: {{type: job, {both}}}
  s: {{type: job, {both.replace("capability: c", "capability: own").replace("pool: p", "pool: q")}}}
  t: {{type: wait, timeout: 9s, meta: {{capability: c, pack_id: k}}}}
  l: {{type: loop, body: u, until: true, meta: {{capability: c, pack_id: k}}}}
  u: {{type: job, {both.replace("max_attempts: 2", "max_attempts: 1")}}}
"""
    short = f"""
{defaults}
steps:
  a: {{type: job}}
  b: {{type: job, retry: null, route: {{}}, meta: {{}}}}
  s: {{type: job, meta: {{capability: own}}, route: {{pool: q}}}}
  t: {{type: wait}}
  l: {{type: loop, body: u, until: true}}
  u: {{type: job, retry: {{max_attempts: 1}}}}
"""
    assert prepare(short).canonical == prepare(said).canonical


def test_a_version_is_its_text() -> None:
    assert [prepare(f"{HEAD}version: {text}").version for text in ("1.0", "1.10", "'1.0'", "2026-01-01", "0x1F")] == [
        "1.0",
        "1.10",
        "1.0",
        "2026-01-01",
        "0x1F",
    ]
    assert '"version":"1.0"' in prepare(HEAD + "  s: {type: subworkflow, workflow: y, version: 1.0}").canonical


@pytest.mark.parametrize("version", ["", "null", "~"])
def test_without_a_version_the_digest_is_the_version(version: str) -> None:
    prepared = prepare(f"{HEAD}version: {version}")
    assert prepared.version == prepared.digest == prepare(HEAD).digest
    assert len(prepared.digest) == 64


def test_a_group_that_runs_once_an_item_has_a_max_parallel_of_its_own() -> None:
    source = "id: x\nsteps:\n  a: {type: job}\n  p: {type: parallel, steps: a, for_each: [1], max_parallel: 3}\n"
    assert '"max_parallel":3,"steps":["a"]' in prepare(source).canonical


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("{type: job, when: input.x, condition: input.y}", ["given_twice"]),
        ("{type: job, retry: {max_attempts: 1}, retries: {max_attempts: 1}}", ["given_twice"]),
        ("{type: job, retry: {backoff_ms: 1, backoff: 1s}}", ["given_twice"]),
        ("{type: job, retry: {backoff_ms: 1, initial_backoff_sec: 1}}", ["given_twice"]),
        ("{type: job, timeout: 1s, timeout_sec: 1}", ["given_twice"]),
        ("{type: job, timeout_ms: 1, timeout_sec: 1}", ["given_twice"]),
        ("{type: job, for_each: {items: [], max_items: 1}, max_items: 2}", ["given_twice"]),
        ("{type: approval, approval: {on_expire: deny}, on_expire: deny}", ["given_twice"]),
        ("{type: approval, approval: 5, on_expire: deny}", ["wrong_type"]),
        ("{type: transform, output: 1, transform: 2}", ["given_twice"]),
        ("{type: job, retry: {max_retries: -1}}", ["out_of_range"]),
        ("{type: job, retry: {max_retries: true}}", ["out_of_range"]),
        ("{type: job, retry: {max_retries: 100}}", ["out_of_range"]),
        ("{type: job, timeout_sec: 1.5}", ["duration_invalid"]),
        ("{type: job, timeout_sec: true}", ["duration_invalid"]),
        ("{type: job, timeout_sec: '5'}", ["duration_invalid"]),
        ("{type: job, timeout_sec: -5}", ["duration_invalid"]),
        ("{type: job, timeout_sec: 9999999999}", ["duration_invalid"]),
        ("{type: job, timeout_sec: 0}", ["out_of_range"]),
        ("{type: job, max_items: 5}", ["without_for_each"]),
        ("{type: 5}", ["unknown_type"]),
        ("{type: [job]}", ["unknown_type"]),
        ("{type: null}", ["unknown_type"]),
        ("[type, job]", ["wrong_type"]),
        ("{type: parallel, steps: [t], strategy: n_of_m, required: null}", ["missing_key", "unknown_step"]),
        ("{type: delay, delay: null}", ["missing_key"]),
        ("{type: wait, signal: 'paid-${input.id}'}", ["name_invalid"]),
        ("{type: wait, name: 'paid-${input.id}'}", ["name_invalid"]),
        ("{type: job, meta: {capability: '${input.x}', labels: {a: '${input.y}'}}}", ["name_invalid", "name_invalid"]),
        ("null", ["wrong_type"]),
    ],
)
def test_what_is_said_twice_or_in_vain_is_refused(step: str, expected: list[str]) -> None:
    assert codes(f"id: x\nsteps:\n  s: {step}\n") == expected


@pytest.mark.parametrize("source", ["[]", "5", "a text", "null", "steps: []", "id: x", "{id: x, steps: {}}"])
def test_what_is_no_workflow_at_all_is_refused(source: str) -> None:
    assert codes(source)


def test_every_name_of_a_key_is_known_where_it_may_stand() -> None:
    assert {"retry", "retries", "timeout_sec", "when", "condition", "max_items"} <= known(STEP_MODELS["job"], "job")
    assert {"value", "expression"} <= known(STEP_MODELS["switch"], "switch")
    assert "value" not in known(STEP_MODELS["job"], "job")
    assert {"delay_ms", "delay_sec"} <= known(STEP_MODELS["delay"], "delay")
    assert "on_expire" in known(STEP_MODELS["approval"], "approval")
    assert {"timeout_ms", "compensation_timeout_sec"} <= known(WorkflowDocument)
    assert "condition" not in known(WorkflowDocument)
    assert {"retries", "timeout_ms"} <= known(DefaultTerms)
    assert {"max_retries", "initial_backoff_sec", "backoff_ms"} <= known(RetryTerms)
    assert "condition" not in known(SwitchCase)
