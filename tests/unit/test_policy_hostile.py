"""Bundles that are well written and mean harm: what they cost is bounded, what they break is denied, nothing stays."""

from typing import Any

import msgspec
import pytest

from foldgate.authority.facts import MAX_NAME
from foldgate.contracts.events import JobDenied, RunAdmitted, WritIssued
from tests.support.kernel import Kernel
from tests.support.policies import decided, snapshot

MANY = list(range(500))
BLOWS_UP = {
    "all pairs": ("job.input.l.all(a, job.input.l.all(b, a + b >= 0))", {"l": MANY}),
    "all triples": ("job.input.l.exists(a, job.input.l.exists(b, job.input.l.exists(c, a + b + c < 0)))", {"l": MANY}),
    "copies of copies": ("size(job.input.l.map(a, job.input.l.map(b, job.input.l))) > 0", {"l": MANY}),
    "texts that double": ("size(job.input.l.map(a, job.input.s + job.input.s)) > 0", {"l": MANY, "s": "x" * 100_000}),
    "each in each": ("job.input.l.exists(a, !(a in job.input.l))", {"l": [str(one) for one in range(20_000)]}),
    "depth": ("job.input == job.input", "[" * 5_000 + "]" * 5_000),
    "pattern on pattern": (" || ".join(["job.input.s.matches('(a|aa)+b')"] * 100), {"s": "a" * 200_000}),
}


@pytest.mark.parametrize("case", BLOWS_UP)
def test_a_condition_that_blows_up_denies_and_says_why(case: str) -> None:
    when, given = BLOWS_UP[case]
    rule = {"decision": "allow", "when": when}
    outcome = decided(snapshot(rule, default="allow"), given)
    assert (outcome.decision, outcome.rule, outcome.trace) == ("deny", "floor#r0", ("floor: !r0",))
    assert outcome.reason.startswith("Rule r0 cannot be evaluated, so this is denied: Expected ")
    assert len(outcome.reason) < 1000


@pytest.mark.parametrize("match", [{"allow_tools": ["*"]}, {"deny_servers": ["files"]}])
def test_names_that_are_too_long_for_patterns_are_denied(match: Any) -> None:
    under = snapshot({"decision": "allow", "match": {"mcp": match}}, default="allow")
    assert decided(under, labels={"mcp.tool": "x" * MAX_NAME}).decision == "allow"
    for given, labels in (({"mcp": {"tool": "x" * (MAX_NAME + 1)}}, {}), (None, {"mcp.resource": "x" * 100_000})):
        outcome = decided(under, given, labels=labels)
        assert (outcome.decision, outcome.rule) == ("deny", "floor#r0")
        assert "whose names have at most 2048 signs" in outcome.reason


def test_a_thousand_of_them_cost_no_more_than_one() -> None:
    when = "job.input.l.all(a, a >= 0) && false"
    outcome = decided(
        snapshot(*[{"decision": "allow", "when": when}] * 1000, default="allow"), {"l": list(range(5000))}
    )
    assert outcome.decision == "deny"
    assert "more work than is allowed" in outcome.reason
    assert len(outcome.trace[0]) < 100


@pytest.mark.parametrize("pattern", ["(x+x+)+y", "^(a|a?)+$", "(.*)*=.*"])
def test_patterns_that_take_others_for_ever_are_searched_for_all_the_same(pattern: str) -> None:
    rule: dict[str, Any] = {"when": f"job.input.s.matches('{pattern}')"}
    assert decided(snapshot(rule, default="allow"), {"s": "xxaa" * 10_000 + "!"}).decision == "allow"


def test_the_kernel_goes_on_and_is_as_before_when_the_bundle_is_gone() -> None:
    when, given = BLOWS_UP["all pairs"]
    kernel = Kernel({"decision": "allow", "phase": "dispatch", "when": when})
    assert isinstance(kernel.start()[0], RunAdmitted)
    [denied] = kernel.ask(input=msgspec.json.encode(given).decode())
    assert isinstance(denied, JobDenied)
    assert (denied.rule, "cannot be evaluated" in denied.reason) == ("floor#r0", True)
    assert isinstance(kernel.ask(1, step="small", input='{"l":[1]}')[0], WritIssued), "one job is one job"
    kernel.publish({"decision": "allow"})
    assert isinstance(kernel.ask(2, input=msgspec.json.encode(given).decode())[0], WritIssued)
