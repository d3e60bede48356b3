"""Bundles as people write them: what they mean, and every mistake in them at its place."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from foldgate.authority.bundle import MAX_RULES, Decided, MatchTerms, McpTerms
from foldgate.authority.bundles import MAX_BYTES, BundleInvalid, compiled, prepare
from foldgate.authority.cases import run_tests
from foldgate.cli.default_policy import default_policy
from foldgate.expr.names import RULE_NAMES
from tests.support.policies import problems

EXAMPLE = """\
bundle: secops/production
default_decision: deny
rules:
  - id: prod-writes-need-two
    match: {topics: ["job.*.apply"], tenants: [], capabilities: [], risk_tags: [prod, write], requires: [],
            pack_ids: [], actor_ids: [], actor_types: [], labels: {}, secrets_present: true,
            mcp: {allow_servers: [], deny_servers: [], allow_tools: [], deny_tools: [], allow_resources: [],
                  deny_resources: []}}
    when: "job.input.replicas > 3 && run.labels['env'] == 'prod'"
    phase: any
    decision: require_approval
    reason: "Production writes need two approvers"
    approval: {required: 2, roles: [sre], exclude_requester: true, expires_in: 1h, on_expire: deny}
    constraints: {max_runtime_ms: 600000, max_concurrent: {key: tenant, limit: 5}, rate: {key: tenant, per_minute: 30},
                  allowed_tools: [], allowed_commands: [], network_allowlist: [], redaction: low, max_cost_usd: 2.0}
    remediations: [{id: use-staging, title: Use staging, replacement_topic: job.staging.apply, add_labels: {}}]
tests:
  - name: five replicas in production
    job: {topic: job.web.apply, risk_tags: [prod, write], input: {replicas: 5, key: "secret://a"}, labels: {env: prod}}
    expect: {decision: require_approval, rule: prod-writes-need-two}
"""
HEAD = "bundle: a/b\nrules:\n"


def test_the_example_is_a_bundle_that_passes_its_own_tests() -> None:
    ready = prepare(EXAMPLE)
    assert (ready.bundle, len(ready.digest)) == ("secops/production", 64)
    assert [result.problem for result in run_tests(compiled(ready.canonical))] == [""]


def test_what_is_said_by_default_is_not_in_the_canonical_form() -> None:
    rule = msgspec.json.decode(prepare(EXAMPLE).canonical)["rules"][0]
    assert rule["match"] == {
        "topics": ["job.*.apply"],
        "risk_tags": ["prod", "write"],
        "secrets_present": True,
        "mcp": {},
    }
    assert rule["approval"]["expires_in"] == "3600000ms"
    assert "phase" not in rule


def test_the_canonical_form_means_the_same_bundle() -> None:
    ready = prepare(EXAMPLE)
    assert prepare(ready.canonical) == ready
    assert prepare(ready.canonical.encode()) == ready


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("when: job.input.x > 1", "when: ' ${job.input.x > 1} '"),
        ("match: {risk_tags: [a, b]}", "match: {risk_tags: [b, a]}"),
        ("phase: any", "match: {}"),
        ("reason: ''", "approval: null"),
    ],
)
def test_two_ways_to_say_a_thing_are_one(one: str, other: str) -> None:
    first, second = (prepare(f"{HEAD}  - id: r\n    decision: deny\n    {said}\n") for said in (one, other))
    assert first.digest == second.digest


def test_the_first_bundle_of_a_suite_passes_its_own_tests() -> None:
    results = run_tests(compiled(prepare(default_policy()).canonical))
    assert len(results) == 3
    assert [result.problem for result in results] == ["", "", ""]


PAGE = (Path(__file__).parents[2] / "docs" / "policies.md").read_text()


@pytest.mark.parametrize("source", re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
def test_the_bundles_of_the_page_pass_their_own_tests(source: str) -> None:
    results = run_tests(compiled(prepare(source).canonical))
    assert results
    assert [result.problem for result in results] == [""] * len(results)


def test_the_page_names_all_that_rules_may_ask_and_read() -> None:
    said = set(re.findall(r"`([\w.]+)`", PAGE))
    asked = {*MatchTerms.model_fields, *McpTerms.model_fields, *get_args(Decided)}
    read = {name.partition(".")[2] for name in RULE_NAMES} - {"topic", "id"}
    assert not (asked | read) - said
    assert f"{MAX_RULES} rules and {MAX_BYTES // 1024} KiB" in PAGE


MISTAKES = {
    "nothing": ("", [(1, 1, "empty")]),
    "a list": ("- a\n", [(1, 1, "wrong_type")]),
    "a rule without a decision": (f"{HEAD}  - {{id: r, match: {{topics: [a]}}}}\n", [(3, 5, "missing_key")]),
    "keys that nobody knows, wherever they are": (
        (
            "bundel: x\nbundle: a\nrules: [{id: r, decision: deny, match: {topcs: [], mcp: {tool: []}}}]\n"
            "tests:\n  - {name: t, job: {topc: a}, expect: {decision: deny}}\n"
        ),
        [(1, 1, "unknown_key"), (3, 41, "unknown_key"), (3, 58, "unknown_key"), (5, 21, "unknown_key")],
    ),
    "a condition beside a mistake": (
        f"{HEAD}  - {{id: r, decide: deny, when: job.topci == 'a'}}\n",
        [(3, 5, "missing_key"), (3, 13, "unknown_key"), (3, 33, "expression_invalid")],
    ),
    "a rule that is a text": (f"{HEAD}  - deny\n", [(3, 5, "wrong_type")]),
    "rules that are a map": ("bundle: a\nrules: {a: 1}\n", [(2, 8, "wrong_type")]),
    "ids that are none": (
        "bundle: a//b\nrules:\n  - {id: default_decision, decision: deny}\n  - {id: x y, decision: deny}\n",
        [(1, 9, "name_invalid"), (3, 10, "reserved_id"), (4, 10, "name_invalid")],
    ),
    "an id that comes twice": (
        f"{HEAD}  - {{id: r, decision: deny}}\n  - {{id: r, decision: deny}}\n",
        [(4, 10, "twice")],
    ),
    "a condition that is no text": (f"{HEAD}  - {{id: r, decision: deny, when: 5}}\n", [(3, 35, "expression_invalid")]),
    "a condition of the wrong type": (
        f"{HEAD}  - {{id: r, decision: deny, when: job.topic}}\n",
        [(3, 35, "wrong_expression_type")],
    ),
    "types that do not go together": (
        f"{HEAD}  - {{id: r, decision: deny, when: job.topic > 3}}\n",
        [(3, 35, "expression_invalid")],
    ),
    "what is of no use beside the decision": (
        f"{HEAD}  - {{id: r, decision: allow, approval: {{}}, constraints: {{}}, throttle: {{}}}}\n",
        [(3, 30, "does_not_belong"), (3, 44, "does_not_belong"), (3, 61, "does_not_belong")],
    ),
    "constraints that are missing": (
        f"{HEAD}  - {{id: r, decision: allow_with_constraints}}\n",
        [(3, 5, "missing_key")],
    ),
    "a question before there is a job": (
        f"{HEAD}  - {{id: r, phase: submit, decision: throttle, match: {{topics: [a], mcp: {{}}}}, when: job.input}}\n",
        [(3, 38, "not_at_submit"), (3, 56, "not_at_submit"), (3, 85, "not_at_submit")],
    ),
    "a question that times out": (
        f"{HEAD}  - {{id: r, decision: require_approval, approval: {{expires_in: 1h, on_expire: timed_out}}}}\n",
        [(3, 79, "not_supported")],
    ),
    "tests of nothing": (
        (
            f"{HEAD}  - {{id: r, decision: deny}}\ntests:\n  - {{name: t, expect: {{decision: deny, rule: q}}}}\n"
            "  - {name: t, run: {}, expect: {decision: deny}}\n"
        ),
        [(5, 5, "missing_key"), (5, 46, "unknown_rule"), (6, 12, "twice")],
    ),
    "numbers out of their range": (
        (
            f"{HEAD}  - {{id: r, decision: require_approval, approval: {{required: 0, on_expire: allow}}}}\n"
            "  - {id: c, decision: allow_with_constraints, constraints: {rate: {key: s, per_minute: 0}}}\n"
        ),
        [(3, 62, "out_of_range"), (3, 76, "unknown_value"), (4, 73, "unknown_value"), (4, 88, "out_of_range")],
    ),
}


@pytest.mark.parametrize(("source", "expected"), MISTAKES.values(), ids=MISTAKES.keys())
def test_every_mistake_is_told_at_its_place(source: str, expected: list[tuple[int, int, str]]) -> None:
    assert problems(source) == expected


def test_a_key_that_nobody_knows_is_told_with_the_nearest_one() -> None:
    with pytest.raises(BundleInvalid, match=r"rules\[0\]\.decison: .*did you mean 'decision'\?"):
        prepare(f"{HEAD}  - {{id: r, decison: deny}}\n")


def when(text: str) -> str:
    """A bundle whose one rule has this condition."""
    return msgspec.json.encode({"bundle": "a", "rules": [{"id": "r", "decision": "deny", "when": text}]}).decode()


def many(count: int, reason: str = "") -> str:
    """A bundle of so many rules."""
    rules = [{"id": f"r{at}", "decision": "deny", "reason": reason} for at in range(count)]
    return msgspec.json.encode({"bundle": "a", "rules": rules}).decode()


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (many(10_000), "out_of_range"),
        (many(999, "x" * 400), "too_large"),
        (HEAD + "".join(f"  - {{id: r{at}, decision: deny}}\n" for at in range(10_000)), "out_of_range"),
        ("bundle: &a a\nrules: []\n", "alias"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "alias"),
        (f"{HEAD}  - <<: {{decision: deny}}\n    id: r\n", "merge_key"),
        ("bundle: !!python/object/apply:os.system [ls]\n", "tag"),
        ("bundle: a\nbundle: b\n", "duplicate_key"),
        ("bundle: a\nrules: " + "{a: " * 60 + "1" + "}" * 60 + "\n", "too_deep"),
        ("[" * 500_000, "not_yaml"),
        ("bundle: a\0\n", "not_text"),
        (when("true && " * 600 + "true"), "expression_too_large"),
        (when("(" * 400 + "true" + ")" * 400), "expression_too_large"),
        (when("job.topic.matches('(a{999}){999}')"), "pattern_invalid"),
        (when("job.topic.matches('(?=a)')"), "pattern_invalid"),
        (when("job.topic.matches(job.kind)"), "expression_invalid"),
    ],
    ids=[
        *("rules", "bytes", "rules as YAML", "alias", "aliases of aliases", "merge", "object", "key twice", "nested"),
        *("brackets", "control sign"),
        *("long", "deep", "heavy pattern", "no pattern", "computed pattern"),
    ],
)
def test_what_would_cost_too_much_is_refused(source: str, code: str) -> None:
    assert {found for _, _, found in problems(source)} == {code}


def test_so_many_mistakes_are_told_and_no_more() -> None:
    keys = ", ".join(f"k{at}: []" for at in range(2_000))
    assert len(problems(f"{HEAD}  - {{id: r, decision: deny, match: {{{keys}}}}}\n")) == 100


def test_a_map_of_nothing_says_nothing() -> None:
    """A rule that is about no calls in particular is about runs as well."""
    rule = {"id": "r", "decision": "deny", "match": {"mcp": {"allow_tools": []}, "tenants": ["a"]}}
    source = msgspec.json.encode({"bundle": "a", "rules": [rule]}).decode()
    assert compiled(prepare(source).canonical).rules[0].phases == {"submit", "dispatch"}
