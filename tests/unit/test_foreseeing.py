"""What would become of a run: what is decided on each step, where it goes, and what cannot be known yet."""

from typing import Any

import pytest

from foldgate.authority.foreseeing import UNKNOWN, Foreseen, Foresight, Plan, Planned
from foldgate.authority.pools import Pools
from foldgate.authority.pools_reading import prepare
from foldgate.contracts.events import PoolsPublished
from foldgate.language.compile import compiled
from foldgate.language.publish import prepare as prepared
from tests.support.given import meta
from tests.support.policies import snapshot

FLOW = """
id: flow
labels: {env: prod}
steps:
  look: {type: job, topic: job.look, input: {host: "${input.host}", at: "${now}", of: "${run.workflow}"}}
  fix: {type: job, topic: job.fix, depends_on: [look], input: {said: "${steps.look.output}"}}
  each: {type: job, topic: job.each, for_each: {items: "${input.hosts}"}}
  plain: {type: job, topic: job.plain, meta: {capability: web, risk_tags: [write]}}
  wrong: {type: job, topic: job.wrong, input: "${input.nothing.there}"}
  ask: {type: approval, depends_on: [fix]}
"""
GIVEN = '{"host":"db-1","hosts":["a"]}'


def foreseen(*rules: dict[str, Any], pools: Pools | None = None, default: str = "allow") -> Plan:
    definition = compiled(prepared(FLOW).canonical, digest="d")
    run = Planned.of(definition, tenant="acme", principal="ada", labels={"team": "sre"}, given=GIVEN, key="k")
    return Foresight(snapshot(*rules, default=default), pools or Pools(), 1000).plan(definition, run)


def step(plan: Plan, name: str) -> Foreseen:
    return next(one for one in plan.steps if one.id == name)


def test_what_is_known_now_is_decided_on_and_goes_somewhere() -> None:
    plan = foreseen({"match": {"topics": ["job.plain"]}, "reason": "no"})
    assert (plan.decision, step(plan, "plain").decision, step(plan, "plain").rule) == ("allow", "deny", "floor#r0")
    assert {one.decision for one in plan.steps if one.type == "job" and one.id != "plain"} == {"allow"}
    assert [one.pool for one in plan.steps if one.type == "job"] == ["default"] * 5
    ask = step(plan, "ask")
    assert (ask.decision, ask.pool, ask.waits_for) == ("", "", ("fix",)), "only jobs are decided on"


def test_a_run_that_may_not_begin() -> None:
    plan = foreseen({"match": {"tenants": ["acme"]}, "phase": "submit", "reason": "suspended"})
    assert (plan.decision, plan.rule, plan.reason) == ("deny", "floor#r0", "suspended")


@pytest.mark.parametrize(
    "rule",
    [
        {"when": "job.input.host == 'db-1'"},
        {"match": {"secrets_present": True}},
        {"match": {"mcp": {"deny_tools": ["x"]}}},
    ],
)
def test_what_asks_for_what_comes_of_earlier_steps_is_not_known(rule: dict[str, Any]) -> None:
    plan = foreseen(rule)
    unknown = {one.id for one in plan.steps if one.decision == UNKNOWN}
    assert unknown == {"fix", "each", "wrong"}
    assert "steps before it" in step(plan, "fix").reason


def test_what_is_given_at_the_start_is_looked_at() -> None:
    plan = foreseen({"when": "job.input.host == 'db-1'", "reason": "not there"})
    assert (step(plan, "look").decision, step(plan, "look").reason) == ("deny", "not there")


def test_whose_approval_is_needed_and_where_nobody_would_do_it() -> None:
    table = Pools()
    document = prepare("pools: [{name: own}]\nroutes: [{topics: [job.look], pools: [own]}]").canonical
    table.add(meta("pools"), PoolsPublished(document=document, digest=b"", revision=1, number=1), 1)
    ask = {"decision": "require_approval", "approval": {"required": 1, "roles": ["sre"]}}
    plan = foreseen({"match": {"topics": ["job.look"]}, **ask}, pools=table)
    look, fix = step(plan, "look"), step(plan, "fix")
    assert (look.decision, look.pool) == ("require_approval", "own")
    assert "sre" in look.approval
    assert (fix.pool, fix.pool_reason) == ("", "Expected a route for the topic 'job.fix', but no pool takes it.")
