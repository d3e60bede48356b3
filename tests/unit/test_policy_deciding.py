"""What is decided: which rules match, what bundles come to together, and how that is explained."""

from typing import Any

import msgspec
import pytest

from foldgate.authority import constraints, deciding, planning
from foldgate.authority.bundles import compiled, prepare
from foldgate.authority.cases import run_tests
from foldgate.authority.constraints import Constraints, constraints_of, tightest
from foldgate.authority.deciding import decide
from foldgate.authority.explaining import explain
from foldgate.authority.facts import Facts, facts_of_job, facts_of_run, run_facts
from foldgate.authority.globs import glob
from foldgate.authority.snapshot import name_of, snapshot_of
from foldgate.contracts.codec import NO_CHAIN
from foldgate.contracts.events import Meta, RunStarted
from tests.support.policies import RUN, bundle, decided, facts, job, snapshot, version


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("job.a", "job.a", True),
        ("job.a", "job.ab", False),
        ("*", "", True),
        ("job.*.apply", "job.web.apply", True),
        ("job.*.apply", "job.a.b.apply", True),
        ("job.*.apply", "job.apply", False),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*b*c*", "abcd", True),
        ("*c*b*", "abcd", False),
        ("a*b*b", "ab", False),
        ("a*b*b", "axb.b", True),
        ("a.c", "abc", False),
    ],
)
def test_a_star_is_any_text_and_all_else_itself(pattern: str, text: str, matches: bool) -> None:
    assert glob(pattern)(text) is matches


def test_a_pattern_of_many_stars_takes_no_longer() -> None:
    assert not glob("*a" * 100 + "b")("a" * 100_000)


CALLS = {"mcp.server": "files", "mcp.tool": "write"}


@pytest.mark.parametrize(
    ("match", "given", "fields", "failed"),
    [
        ({}, None, {}, ""),
        ({"topics": ["job.*.apply", "x"]}, None, {}, ""),
        ({"topics": ["job.*.plan"]}, None, {}, "topics"),
        ({"tenants": ["acme"]}, None, {}, ""),
        ({"tenants": ["acm"]}, None, {}, "tenants"),
        ({"capabilities": ["k8s.*"]}, None, {"capability": "k8s.write"}, ""),
        ({"capabilities": ["k8s.*"]}, None, {}, "capabilities"),
        ({"risk_tags": ["prod", "write"]}, None, {"risk_tags": ("write", "prod", "x")}, ""),
        ({"risk_tags": ["prod", "write"]}, None, {"risk_tags": ("write",)}, "risk_tags"),
        ({"requires": ["gpu"]}, None, {"requires": ("gpu",)}, ""),
        ({"requires": ["gpu"]}, None, {}, "requires"),
        ({"pack_ids": ["a"]}, None, {"pack_id": "a"}, ""),
        ({"actor_ids": ["bot-*"]}, None, {"actor_id": "bot-1"}, ""),
        ({"actor_types": ["llm"]}, None, {"actor_type": "human"}, "actor_types"),
        ({"labels": {"env": "prod"}}, None, {"labels": {"env": "prod", "x": "y"}}, ""),
        ({"labels": {"env": "prod"}}, None, {"labels": {"env": "dev"}}, "labels"),
        ({"secrets_present": True}, {"key": "secret://a"}, {}, ""),
        ({"secrets_present": True}, {"key": "a"}, {}, "secrets_present"),
        ({"secrets_present": False}, {"key": "a"}, {}, ""),
        ({"mcp": {"allow_tools": ["wr*"]}}, None, {"labels": CALLS}, ""),
        ({"mcp": {"allow_tools": ["read"]}}, None, {"labels": CALLS}, "mcp.allow_tools"),
        ({"mcp": {"allow_tools": ["*"]}}, None, {}, "mcp.allow_tools"),
        ({"mcp": {"deny_servers": ["files"]}}, None, {"labels": CALLS}, "mcp.deny_servers"),
        ({"mcp": {"deny_servers": ["web"]}}, None, {"labels": CALLS}, ""),
        ({"mcp": {"deny_servers": ["*"]}}, None, {}, ""),
        ({"mcp": {"allow_servers": ["files"]}}, {"mcp": {"server": "files"}}, {}, ""),
        ({"mcp": {"allow_servers": ["files"]}}, r'{"m\u0063p": {"server": "files"}}', {}, ""),
        ({"mcp": {"deny_servers": ["files"]}}, r'{"\u006dcp": {"server": "files"}}', {}, "mcp.deny_servers"),
        ({"mcp": {"allow_servers": ["files"]}}, {"mcp": {"server": 5}}, {}, "mcp.allow_servers"),
        ({"mcp": {"allow_resources": ["*"]}}, {"mcp": "files"}, {}, "mcp.allow_resources"),
        ({"mcp": {"allow_resources": ["*"]}}, ["mcp"], {}, "mcp.allow_resources"),
    ],
)
def test_a_rule_matches_if_all_that_it_asks_holds(match: Any, given: Any, *, fields: Any, failed: str) -> None:
    under = snapshot({"match": match}, default="allow")
    assert decided(under, given, **fields).decision == ("allow" if failed else "deny")
    [rule] = explain(under, facts(given, **fields), phase="dispatch").bundles[0].rules
    assert (rule.failed, rule.matches) == (failed, not failed)


@pytest.mark.parametrize(
    ("when", "given", "decision"),
    [
        ("job.input.replicas > 3 && run.labels['env'] == 'prod'", {"replicas": 4}, "deny"),
        ("job.input.replicas > 3", {"replicas": 3}, "allow"),
        ("job.input.replicas > 3", {"replicas": 3.5}, "deny"),
        ("has(job.input.replicas) && job.input.replicas > 3", {}, "allow"),
        ("run.input.region == 'eu' && run.workflow == 'deploy' && run.id != ''", None, "deny"),
        ("job.kind == 'job' && job.tenant == 'acme' && job.principal == 'ada@example.com'", None, "deny"),
        ("job.secrets_present || job.mcp.server == 'x' || job.capability != ''", None, "allow"),
        ("'prod' in job.risk_tags || size(job.requires) > 0", None, "allow"),
        ("job.pack_id == '' && job.actor_id == '' && job.actor_type == ''", None, "deny"),
        ("job.labels.exists(name, name == 'env')", None, "deny"),
        ("job.topic.matches('^job[.]')", None, "deny"),
        ("job.input", True, "deny"),
    ],
)
def test_a_condition_reads_the_job_and_its_run(when: str, given: object, decision: str) -> None:
    assert decided(snapshot({"when": when}, default="allow"), given).decision == decision


@pytest.mark.parametrize(
    ("when", "given", "said"),
    [
        ("job.input.replicas > 3", {}, '"replicas"'),
        ("job.input", {"a": 1}, "Expected true or false of"),
        ("job.input.a > 3", "{", "an input that is JSON"),
        ("job.input.a.matches('(a|b)*c')", {"a": "ab" * 4_000_000}, "more work than is allowed"),
    ],
)
def test_what_cannot_be_evaluated_is_denied_and_says_so(when: str, given: object, said: str) -> None:
    under = snapshot({"id": "broken", "when": when, "decision": "allow"}, {"decision": "allow"}, default="allow")
    outcome = decided(under, given)
    assert (outcome.decision, outcome.rule, outcome.trace) == ("deny", "floor#broken", ("floor: !broken",))
    assert outcome.reason.startswith("Rule broken cannot be evaluated, so this is denied: ")
    assert said in outcome.reason
    bundles = explain(under, facts(given), phase="dispatch").bundles
    assert (bundles[0].decision, bundles[0].by, bundles[0].rules[0].decides) == ("deny", "broken", True)
    assert "cannot be evaluated" in str(bundles[0].rules[0])


def test_the_conditions_of_a_bundle_share_what_they_may_cost() -> None:
    rule = {"when": "job.input.a.matches('(a|b)*c')"}
    given = {"a": "ab" * 200_000}
    assert decided(snapshot(rule, default="allow"), given).decision == "allow"
    assert decided(snapshot(*[rule] * 100, default="allow"), given).decision == "deny"


def test_the_first_match_of_a_bundle_decides() -> None:
    under = snapshot({"match": {"topics": ["no"]}}, {"decision": "allow"}, {"decision": "deny"})
    outcome = decided(under)
    assert (outcome.decision, outcome.rule) == ("allow", "floor#r1")
    assert [rule.decides for rule in explain(under, facts(), phase="dispatch").bundles[0].rules] == [False, True, False]


def test_a_default_decides_where_no_rule_does() -> None:
    no = {"match": {"topics": ["no"]}}
    for default in ("deny", "allow"):
        outcome = decided(snapshot(no, default=default))
        assert (outcome.decision, outcome.rule) == (default, "floor#default_decision")
        explained = explain(snapshot(no, default=default), facts(), phase="dispatch").bundles[0]
        assert (explained.decision, explained.by) == (default, "default_decision")


@pytest.mark.parametrize("default", ["deny", "allow"])
def test_without_a_bundle_the_settings_decide(default: str) -> None:
    outcome = decided(snapshot_of((), default_decision=default))
    assert (outcome.decision, outcome.rule, outcome.snapshot) == (
        default,
        "default_decision",
        name_of((), default_decision=default),
    )


def test_of_several_bundles_the_strictest_wins() -> None:
    names = ["deny", "allow", "require_approval", "throttle", "allow_with_constraints"]
    rules: dict[str, dict[str, Any]] = {name: {"decision": name} for name in names}
    rules["allow_with_constraints"]["constraints"] = {"redaction": "low"}
    order = deciding.STRICTNESS
    for one in names:
        for other in names:
            both = snapshot_of([version(bundle("a", rules[one])), version(bundle("b", rules[other]))])
            strictest = max(one, other, key=order.index)
            outcome = decided(both)
            assert outcome.decision == strictest
            assert outcome.rule == ("a#r0" if strictest == one else "b#r0")


def test_a_rule_is_named_before_a_default() -> None:
    both = snapshot_of([version(bundle("a")), version(bundle("b", {}))])
    assert decided(both).rule == "b#r0"


def test_constraints_and_terms_combine_to_the_tightest() -> None:
    limits = {"max_runtime_ms": 10, "allowed_tools": ["a", "b"], "max_concurrent": {"key": "tenant", "limit": 5}}
    asking = {"required": 2, "roles": ["sre"], "expires_in": "1h"}
    both = snapshot_of(
        [
            version(bundle("a", {"decision": "require_approval", "approval": asking, "constraints": limits})),
            version(
                bundle(
                    "b",
                    {
                        "decision": "allow_with_constraints",
                        "constraints": {"max_runtime_ms": 20, "allowed_tools": ["b"], "redaction": "high"},
                    },
                )
            ),
            version(
                bundle("c", {"decision": "require_approval", "approval": {"roles": ["legal"], "expires_in": "5m"}})
            ),
        ]
    )
    outcome = decided(both)
    assert outcome.terms is not None
    assert outcome.terms.patience_ms == 300_000
    assert {(quorum.required, quorum.roles) for quorum in outcome.terms.quorums} == {(2, ("sre",)), (1, ("legal",))}
    assert constraints_of(outcome.constraints) == Constraints(
        max_runtime_ms=10, allowed_tools=("b",), max_concurrent={"tenant": 5}, redaction="high"
    )


def test_tools_that_no_two_bundles_allow_are_none() -> None:
    one, other = Constraints(allowed_tools=("a",)), Constraints(allowed_tools=("b",))
    assert tightest([one, other]).allowed_tools == ()
    assert constraints_of(constraints.canonical(tightest([one, other]))).allowed_tools == ()
    assert constraints.canonical(constraints_of("")) == ""


def test_throttling_waits_the_longest_and_gives_up_the_soonest() -> None:
    one = {"decision": "throttle", "throttle": {"delay": "1s", "max_times": 3}}
    both = snapshot_of([version(bundle("a", one)), version(bundle("b", {"decision": "throttle"}))])
    outcome = decided(both)
    assert (outcome.throttle_ms, outcome.throttle_times) == (5000, 3)


def test_what_could_be_done_instead_is_said() -> None:
    rule = {"remediations": [{"id": "x", "title": "Use staging", "add_labels": {"env": "staging"}}]}
    said = msgspec.json.decode(decided(snapshot(rule)).remediations)
    assert said == [{"id": "x", "title": "Use staging", "add_labels": {"env": "staging"}}]


def test_a_trace_says_what_spoke_against_each_rule() -> None:
    no = {"match": {"topics": ["no"]}}
    under = snapshot(no, no, {"when": "false"}, no, {"match": {"labels": {"x": "y"}}}, {"decision": "allow"}, no)
    times = "\u00d7"
    assert decided(under).trace == (f"floor: topics{times}2 when topics labels =r5",)
    assert decided(snapshot(no)).trace == ("floor: topics =default",)
    other = {"match": {"tenants": ["no"]}}
    assert decided(snapshot(*[no, other] * 30)).trace[0].endswith(f"…{times}20 =default")


def test_a_decision_is_what_events_carry() -> None:
    outcome = decided(snapshot({"reason": "because"}))
    decision = outcome.as_decision(7)
    assert (decision.decision, decision.rule, decision.policies_offset) == ("deny", "floor#r0", 7)
    assert (decision.reason, decision.policy_snapshot, decision.trace) == ("because", outcome.snapshot, outcome.trace)


STARTED = RunStarted(workflow="deploy", input='{"region":"eu"}', labels={"env": "prod"}, request_hash=b"")
META = Meta(
    chain=NO_CHAIN,
    event_id="runs/x/1",
    stream="runs",
    key="x",
    run_id=RUN.id,
    pool="",
    sequence=1,
    clock=1,
    at=1,
    causation="",
    correlation="",
    request_id="",
    tenant="acme",
    principal="ada@example.com",
    answers=b"",
)


def test_the_facts_of_a_run_are_those_of_its_start() -> None:
    assert run_facts(STARTED, META) == RUN
    begun = facts_of_run(STARTED, META)
    assert (begun.subject.tenant, begun.labels, begun.input, begun.job) == ("acme", RUN.labels, {"region": "eu"}, None)
    assert begun.scope["job"].get("tenant") == "acme"
    assert begun.scope["job"].get("topic") is None


@pytest.mark.parametrize(
    ("rules", "default", "decision"),
    [
        ([{"match": {"topics": ["*"]}}], "deny", "allow"),
        ([{"when": "job.topic == 'x'"}], "deny", "allow"),
        ([{"phase": "dispatch"}], "deny", "allow"),
        ([], "deny", "deny"),
        ([], "allow", "allow"),
        ([{"match": {"tenants": ["acme"]}}], "allow", "deny"),
        ([{"match": {"topics": ["*"]}}, {"match": {"tenants": ["acme"]}}], "allow", "deny"),
        ([{"match": {"tenants": ["other"]}}], "allow", "allow"),
        ([{"match": {"tenants": ["other"]}}], "deny", "deny"),
        ([{"phase": "submit", "when": "run.input.region == 'eu' && job.tenant == 'acme'"}], "allow", "deny"),
        ([{"phase": "submit", "match": {"labels": {"env": "prod"}}}], "allow", "deny"),
        ([{"decision": "require_approval"}], "deny", "allow"),
        ([{"decision": "throttle"}], "deny", "allow"),
    ],
)
def test_at_submit_only_rules_about_runs_count(rules: list[Any], default: str, decision: str) -> None:
    under = snapshot(*rules, default=default)
    outcome = decide(under, facts_of_run(STARTED, META), phase="submit")
    assert (outcome.decision, outcome.terms, outcome.throttle_ms) == (decision, None, 0)
    assert len(explain(under, facts_of_run(STARTED, META), phase="submit").bundles) == 1


def test_a_rule_of_another_phase_is_explained_as_such() -> None:
    explained = explain(snapshot({"phase": "dispatch"}), facts_of_run(STARTED, META), phase="submit").bundles[0]
    assert (explained.decision, explained.by, explained.rules[0].failed) == ("allow", "nothing", "phase")


def test_an_explanation_says_what_was_wanted_and_what_there_was() -> None:
    rules: list[dict[str, Any]] = [
        {"match": {"topics": ["no"]}},
        {"when": "job.input.size > 3 || run.labels['no'] == 'x' || 'x' in run.labels"},
        {"match": {"labels": {"text": "x" * 300}}},
        {"decision": "allow"},
        {"decision": "allow"},
    ]
    explained = explain(snapshot(*rules), facts({"size": 2}), phase="dispatch").bundles[0]
    topics, when, labels, allows, too = map(str, explained.rules)
    assert topics == 'r0: no, topics wants ["no"], but there is "job.web.apply"'
    assert "cannot be evaluated" in when
    assert labels.startswith('r2: no, labels wants {"text":"xxx')
    assert (allows, too) == ("r3: would match, too", "r4: would match, too")
    assert "when wants" in str(
        explain(snapshot({"when": "job.input.size > 3"}), facts({"size": 2}), phase="dispatch").bundles[0].rules[0]
    )
    only = explain(snapshot(rules[-1]), facts(), phase="dispatch").bundles[0].rules[0]
    assert str(only) == "r0: matches and decides allow"


def test_what_was_there_before_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "_MOST_KEPT", 2)
    monkeypatch.setattr(planning, "_MOST_KEPT", 2)
    under = snapshot(*({"match": {"topics": [f"t{at}"]}} for at in range(6)), default="allow")
    for at in (*range(6), *range(6)):
        assert decided(under, topic=f"t{at}").rule == f"floor#r{at}"
    assert len(under.answers) <= 2
    assert len(under.bundles[0].plans) <= 2


def test_a_test_that_fails_says_what_came_instead() -> None:
    source = bundle("a", {"match": {"tenants": ["acme"]}}, default="allow")
    source["tests"] = [
        {"name": "job", "job": {"tenant": "acme", "mcp": {"tool": "x"}}, "expect": {"decision": "deny", "rule": "r0"}},
        {"name": "run", "run": {"tenant": "acme"}, "expect": {"decision": "deny"}},
        {"name": "both", "job": {}, "run": {"input": 1}, "expect": {"decision": "deny", "rule": "r0"}},
        {"name": "rule", "job": {}, "expect": {"decision": "allow", "rule": "r0"}},
        {"name": "any", "job": {}, "expect": {"decision": "deny"}},
    ]
    results = run_tests(compiled(prepare(msgspec.json.encode(source).decode()).canonical))
    problems = [result.problem for result in results]
    assert problems[:2] == ["", ""]
    assert problems[2].startswith("Expected deny by r0, but got allow by default_decision: ")
    assert problems[3].startswith("Expected allow by r0, but got allow")
    assert problems[4].startswith("Expected deny, but got allow")


def test_facts_of_calls_are_found_once() -> None:
    one = Facts(RUN, job({"mcp": {"server": "files"}}))
    assert one.mcp is one.mcp
    assert facts_of_job(job({"mcp": {"server": "files"}}, labels=CALLS), RUN).mcp == ("files", "write", "")
