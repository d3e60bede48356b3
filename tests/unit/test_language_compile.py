"""The canonical form and what it becomes: the same for ever for the same document."""

from pathlib import Path

import msgspec
import pytest

from foldgate.contracts.events import WorkflowPublished
from foldgate.expr.template import Template
from foldgate.language.compile import compiled, single_job
from foldgate.language.definition import (
    ApprovalSpec,
    Case,
    Concurrency,
    ConditionSpec,
    Definition,
    DelaySpec,
    ForEach,
    InputSpec,
    JobSpec,
    LoopSpec,
    NotifySpec,
    ParallelSpec,
    Retry,
    Route,
    Spec,
    StepMeta,
    StorageSpec,
    SubworkflowSpec,
    SwitchSpec,
    TransformSpec,
    WaitSpec,
)
from foldgate.language.definitions import Definitions
from foldgate.language.models import AnyStep
from foldgate.language.publish import WorkflowInvalid, prepare
from foldgate.language.schema import Schema
from foldgate.language.specs import spec_of
from tests.support.wrong import steps

EXAMPLES = Path(__file__).parents[2] / "examples"
AB = "  a: {type: job}\n  b: {type: job}\n"


def definition(text: str) -> Definition:
    return compiled(prepare(text).canonical)


def spec(step: str) -> Spec:
    return definition(steps(f"{AB}  s: {step}\n")).steps["s"].spec


def template(source: object) -> Template:
    return Template.of(source, place="here")


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("incident-remediation", "5dfd2c5f711d21547d398ae3a2c34e8200d1d1e0355d2f93642884000515a35d"),
        ("incident_triage_parallel", "cc27c8c3a1a4ef6e79857dd79a1c20b18096494c78da4fbabcacddc024b7819e"),
    ],
)
def test_the_digest_of_a_document_never_changes(name: str, digest: str) -> None:
    """Runs are pinned to it. If this fails, the canonical form has changed: give what is new a default instead."""
    assert prepare((EXAMPLES / f"{name}.yaml").read_text()).digest == digest


def test_the_canonical_form_does_not_depend_on_the_order_of_keys_or_on_the_notation() -> None:
    one = "id: x\nname: y\nsteps:\n  a: {type: job, topic: t}\n  b: {depends_on: [a], type: job}\n"
    other = '{"steps":{"b":{"type":"job","depends_on":["a"]},"a":{"topic":"t","type":"job"}},"name":"y","id":"x"}'
    assert prepare(one) == prepare(other)
    assert prepare(one).canonical == (
        '{"id":"x","name":"y","steps":{"a":{"topic":"t","type":"job"},'
        '"b":{"depends_on":["a"],"topic":"job.x.b","type":"job"}}}'
    )


def test_the_canonical_form_is_a_document_that_means_the_same() -> None:
    prepared = prepare((EXAMPLES / "incident_triage_parallel.yaml").read_text())
    assert prepare(prepared.canonical) == prepared


def test_a_canonical_form_that_is_too_large_is_refused() -> None:
    labels = ", ".join(f"l{index}: {'x' * 400}" for index in range(60))
    many = "".join(f"  s{index}: {{type: job}}\n" for index in range(60))
    with pytest.raises(WorkflowInvalid, match="once its defaults are in every step"):
        prepare(f"id: x\ndefaults: {{meta: {{labels: {{{labels}}}}}}}\nsteps:\n{many}")


def test_a_canonical_form_that_is_too_deep_is_refused() -> None:
    fits, deep = ("[" * levels + "]" * levels for levels in (46, 47))
    assert prepare(steps(f"  a: {{type: job, for_each: {fits}}}\n")).workflow == "x"
    with pytest.raises(WorkflowInvalid, match="the canonical form has more"):
        prepare(steps(f"  a: {{type: job, for_each: {deep}}}\n"))


def test_a_definition_has_what_the_document_says() -> None:
    source = """\
id: order
version: 1.10
name: Order
description: Takes an order.
labels: {team: shop}
input_schema: {type: object}
output: {total: '${steps.pay.output}'}
timeout: 1d
fail_fast: true
compensate_on: [failed]
compensation_timeout: 5m
concurrency: {key: '${input.id}', limit: 2, on_conflict: reject}
steps:
  pay:
    type: http
    name: Pay
    topic: job.pay
    when: input.total > 0
    input: {id: '${input.id}'}
    input_schema: {type: object}
    output_schema: {type: number}
    retry:
      {max_attempts: 3, backoff: 1s, max_backoff: 1m, multiplier: 2, jitter: 0.5, retry_on: [x], non_retryable: [y]}
    timeout: 1h
    attempt_timeout: 1m
    queue_timeout: 2m
    on_error: tell
    compensate: refund
    priority: 9
    route: {pool: p, worker: w, labels: {zone: z}}
    meta: {capability: c, risk_tags: [r], requires: [q], pack_id: k, actor_id: i, actor_type: t, labels: {a: b}}
    for_each: {items: '${input.parts}', max_parallel: 2, max_items: 3, on_item_failure: collect, min_success: 1}
  tell: {type: notify}
  refund: {type: llm}
"""
    prepared = prepare(source)
    found = compiled(prepared.canonical, digest=prepared.digest)
    assert found == compiled(prepared.canonical)
    assert (found.workflow, found.version, found.digest, found.name) == ("order", "1.10", prepared.digest, "Order")
    assert (found.labels, found.timeout_ms, found.fail_fast) == ({"team": "shop"}, 86_400_000, True)
    assert found.input_schema == Schema.of({"type": "object"}, place="here")
    assert found.output == template({"total": "${steps.pay.output}"})
    assert (found.compensate_on, found.compensation_timeout_ms) == (frozenset({"failed"}), 300_000)
    assert found.concurrency == Concurrency(key=template("${input.id}"), limit=2, on_conflict="reject")
    pay = found.steps["pay"]
    assert (pay.id, pay.type, pay.name, pay.spec) == ("pay", "job", "Pay", JobSpec(kind="http", topic="job.pay"))
    assert pay.when == template("${input.total > 0}")
    assert pay.input == template({"id": "${input.id}"})
    assert pay.input_schema == Schema.of({"type": "object"}, place="here")
    assert pay.output_schema == Schema.of({"type": "number"}, place="here")
    assert pay.retry == Retry(
        max_attempts=3,
        backoff_ms=1000,
        max_backoff_ms=60_000,
        multiplier=2.0,
        jitter=0.5,
        retry_on=("x",),
        non_retryable=("y",),
    )
    assert (pay.timeout_ms, pay.attempt_timeout_ms, pay.queue_timeout_ms) == (3_600_000, 60_000, 120_000)
    assert (pay.on_error, pay.compensate, pay.priority) == ("tell", "refund", 9)
    assert pay.route == Route(pool="p", worker="w", labels={"zone": "z"})
    assert pay.meta == StepMeta(
        capability="c",
        risk_tags=("r",),
        requires=("q",),
        pack_id="k",
        actor_id="i",
        actor_type="t",
        labels={"a": "b"},
    )
    assert pay.for_each == ForEach(
        items=template("${input.parts}"), max_parallel=2, max_items=3, on_item_failure="collect", min_success=1
    )
    assert (found.steps["tell"].handles, found.steps["refund"].undoes) == ("pay", "pay")
    assert found.steps["refund"].spec == JobSpec(kind="llm", topic="job.order.refund")
    assert found.roots == ("pay",)


def test_what_is_not_said_is_the_default() -> None:
    found = definition(steps("  a: {type: job}\n"))
    assert found.version == found.digest
    assert (found.name, found.labels, found.output, found.timeout_ms, found.fail_fast) == ("", {}, None, None, False)
    assert found.compensate_on == {"failed", "denied", "timed_out", "cancelled"}
    assert (found.compensation_timeout_ms, found.concurrency) == (3_600_000, None)
    step = found.steps["a"]
    assert (step.retry, step.route, step.meta, step.priority) == (Retry(), Route(), StepMeta(), 5)
    assert (step.timeout_ms, step.attempt_timeout_ms, step.queue_timeout_ms) == (None, None, 86_400_000)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("{type: worker}", JobSpec(topic="job.x.s")),
        ("{type: script, topic: t}", JobSpec(kind="script", topic="t")),
        ("{type: approval}", ApprovalSpec()),
        (
            "{type: approval, approval: {required: 2, roles: [b, a], expires_in: 1h, on_expire: timed_out}}",
            ApprovalSpec(
                terms='{"expires_in_ms":3600000,"on_expire":"timed_out","required":2,"roles":["a","b"]}',
                on_expire="timed_out",
            ),
        ),
        ("{type: input}", InputSpec()),
        (
            "{type: input, schema: {type: string}, approval: {exclude_requester: true, majority: true}}",
            InputSpec(
                schema=Schema.of({"type": "string"}, place="here"), terms='{"exclude_requester":true,"majority":true}'
            ),
        ),
        ("{type: wait}", WaitSpec(signal="s")),
        ("{type: wait, signal: paid, match: {id: 1}}", WaitSpec(signal="paid", match=template({"id": 1}))),
        ("{type: delay, delay: 5s}", DelaySpec(delay=template(5000))),
        ("{type: delay, delay: '${input.x}'}", DelaySpec(delay=template("${input.x}"))),
        ("{type: delay, until: '2026-01-01T00:00:00Z'}", DelaySpec(until=template("2026-01-01T00:00:00Z"))),
        ("{type: condition, expression: input.x}", ConditionSpec(expression=template("${input.x}"))),
        (
            "{type: switch, value: input.x, cases: [{match: null, next: a}, {when: input.y, next: [b, a]}]}",
            SwitchSpec(
                subject=template("${input.x}"),
                cases=(
                    Case(match=template(None), next=("a",)),
                    Case(when=template("${input.y}"), next=("b", "a")),
                ),
            ),
        ),
        (
            "{type: switch, cases: [{when: true, next: a}], default: b}",
            SwitchSpec(cases=(Case(when=template("${true}"), next=("a",)),), default=("b",)),
        ),
        ("{type: parallel, steps: [b, a]}", ParallelSpec(steps=("b", "a"), required=2)),
        (
            "{type: parallel, steps: [b, a], strategy: any, max_parallel: 1}",
            ParallelSpec(steps=("b", "a"), strategy="any", required=1, max_parallel=1),
        ),
        (
            "{type: parallel, steps: [b, a], strategy: n_of_m, required: 2}",
            ParallelSpec(steps=("b", "a"), strategy="n_of_m", required=2),
        ),
        ("{type: loop, body: [b, a], while: input.x}", LoopSpec(body=("b", "a"), while_=template("${input.x}"))),
        (
            "{type: loop, body: a, until: input.x, max_iterations: 3}",
            LoopSpec(body=("a",), until=template("${input.x}"), max_iterations=3),
        ),
        ("{type: transform, output: [1]}", TransformSpec(output=template([1]))),
        ("{type: transform, input: [1]}", TransformSpec(output=template([1]))),
        ("{type: storage, set: {x: null}}", StorageSpec(set={"x": template(None)})),
        ("{type: storage, get: x}", StorageSpec(get=("x",), single=True)),
        ("{type: storage, get: [y, x]}", StorageSpec(get=("y", "x"))),
        ("{type: storage, delete: x}", StorageSpec(delete=("x",), single=True)),
        ("{type: storage, delete: [x]}", StorageSpec(delete=("x",))),
        ("{type: notify}", NotifySpec()),
        (
            "{type: notify, channel: c, message: 'm ${input.x}', level: info}",
            NotifySpec(channel=template("c"), message=template("m ${input.x}"), level=template("info")),
        ),
        ("{type: subworkflow, workflow: y}", SubworkflowSpec(workflow="y")),
        ("{type: subworkflow, workflow: y, version: 1.0}", SubworkflowSpec(workflow="y", version="1.0")),
    ],
)
def test_each_type_of_step_becomes_what_the_engine_knows(step: str, expected: Spec) -> None:
    assert spec(step) == expected


def test_every_type_of_step_has_a_form() -> None:
    with pytest.raises(TypeError, match="Expected a step, but got a AnyStep at here"):
        spec_of(AnyStep(), "here")


def test_the_graph_is_known_without_running() -> None:
    found = definition(
        steps("""\
  a: {type: switch, cases: [{when: true, next: [b]}], default: c}
  b: {type: job, depends_on: [z]}
  c: {type: loop, body: [d, e, g], until: true, for_each: [1]}
  d: {type: parallel, steps: [f], for_each: [1], on_error: h}
  e: {type: switch, cases: [{when: true, next: g}]}
  f: {type: job, compensate: u}
  g: {type: job}
  h: {type: parallel, steps: [i]}
  i: {type: job}
  j: {type: job, depends_on: [a, b, c]}
  u: {type: job}
  z: {type: job}
""")
    )
    assert found.roots == ("a", "z")
    assert found.order == ("a", "c", "d", "f", "h", "i", "e", "g", "u", "z", "b", "j")
    shape = {
        name: (step.depends_on, step.dependents, step.switches, step.parent, step.handles, step.undoes, step.depth)
        for name, step in found.steps.items()
    }
    assert shape == {
        "a": ((), ("b", "c", "j"), (), "", "", "", 0),
        "b": (("z", "a"), ("j",), ("a",), "", "", "", 0),
        "c": (("a",), ("j",), ("a",), "", "", "", 0),
        "d": ((), (), (), "c", "", "", 2),
        "e": ((), ("g",), (), "c", "", "", 2),
        "f": ((), (), (), "d", "", "", 3),
        "g": (("e",), (), ("e",), "c", "", "", 2),
        "h": ((), (), (), "", "d", "", 2),
        "i": ((), (), (), "h", "", "", 2),
        "j": (("a", "b", "c"), (), (), "", "", "", 0),
        "u": ((), (), (), "", "", "f", 3),
        "z": ((), ("b",), (), "", "", "", 0),
    }


def test_a_single_job_is_a_run_of_one_step() -> None:
    found = single_job("script", "job.echo")
    assert found is single_job("script", "job.echo")
    assert (found.workflow, found.order, found.roots, list(found.steps)) == ("job", ("job",), ("job",), ["job"])
    step = found.steps["job"]
    assert (step.spec, step.input, step.queue_timeout_ms) == (
        JobSpec(kind="script", topic="job.echo"),
        None,
        86_400_000,
    )
    assert found.digest != single_job("job", "job.echo").digest


def published(source: str) -> WorkflowPublished:
    prepared = prepare(source)
    return WorkflowPublished(
        workflow=prepared.workflow,
        version=prepared.version,
        digest=prepared.digest,
        definition=prepared.canonical,
    )


def test_definitions_are_found_by_digest_by_version_and_by_name() -> None:
    table = Definitions()
    assert table.latest("t", "x") is None
    one = published("id: x\nversion: 1\nsteps: {a: {type: job}}\n")
    two = published("id: x\nsteps: {b: {type: job}}\n")
    table.add("t", one)
    table.add("t", two)
    latest = table.latest("t", "x")
    assert latest is not None
    assert latest.digest == two.digest
    assert latest is table.by_digest(two.digest) is table.version("t", "x", two.digest)
    first = table.version("t", "x", "1")
    assert first is not None
    assert first is table.version("t", "x", one.digest)
    assert list(first.steps) == ["a"]
    assert table.by_digest("none") is table.version("t", "x", "2") is table.version("u", "x", "1") is None
    assert table.latest("u", "x") is None


def test_a_retired_workflow_has_no_latest_version_until_it_is_published_again() -> None:
    table = Definitions()
    event = published("id: x\nversion: 1\nsteps: {a: {type: job}}\n")
    assert not table.is_retired("t", "x")
    table.add("t", event)
    assert not table.is_retired("t", "x")
    table.retire("t", "x")
    assert table.is_retired("t", "x")
    assert not table.is_retired("u", "x")
    assert table.latest("t", "x") is None
    assert table.by_digest(event.digest) is table.version("t", "x", "1") is not None
    table.add("t", event)
    assert not table.is_retired("t", "x")
    assert table.latest("t", "x") is table.by_digest(event.digest)


def test_a_definition_can_be_compared_and_repeated() -> None:
    text = (EXAMPLES / "incident_triage_parallel.yaml").read_text()
    assert definition(text) == definition(text)
    assert msgspec.structs.asdict(definition(text)).keys() >= {"steps", "order", "roots"}
