"""Conditions that a bundle asks together: what is decided, and the trace of it, are those of one by one."""

from typing import Any

import pytest

from tests.support.policies import decided, snapshot

TOGETHER: list[dict[str, Any]] = [
    {"when": "job.labels['n'] == '9'"},
    {"match": {"topics": ["job.web.*"]}, "when": "job.labels['n'] == '8'"},
    {"match": {"labels": {"env": "test"}}, "when": "job.input.missing"},
    {"match": {"secrets_present": False}, "when": "job.labels['n'] == '7'"},
    {"match": {"labels": {"n": "6"}}},
    {"when": "job.labels['n'] == '5' && job.input.missing"},
    {"when": "job.labels['n'] == '4'"},
]


@pytest.mark.parametrize(
    ("n", "fields", "rule", "trace"),
    [
        ("1", {}, "default_decision", "when*2 labels when labels when*2 =default"),
        ("1", {"topic": "job.db"}, "default_decision", "when topics labels when labels when*2 =default"),
        ("4", {}, "r6", "when*2 labels when labels when =r6"),
        ("5", {}, "r5", "when*2 labels when labels !r5"),
        ("6", {}, "r4", "when*2 labels when =r4"),
        ("7", {}, "r3", "when*2 labels =r3"),
        ("1", {"given": "{"}, "r3", "when*2 labels !r3"),
        ("1", {"labels": {"n": "1", "env": "test"}}, "r2", "when*2 !r2"),
    ],
)
def test_conditions_that_are_asked_together(n: str, fields: dict[str, Any], *, rule: str, trace: str) -> None:
    outcome = decided(snapshot(*TOGETHER, default="allow"), **{"given": {}, "labels": {"n": n}, **fields})
    assert (outcome.rule, *outcome.trace) == (f"floor#{rule}", "floor: " + trace.replace("*", "\u00d7"))


def test_so_many_conditions_that_they_are_asked_in_parts() -> None:
    under = snapshot(*({"when": f"job.input.n == {at}"} for at in range(100)), default="allow")
    for at in range(100):
        outcome = decided(under, {"n": at})
        passed = f"when\u00d7{at} " if at > 1 else "when " * at
        assert (outcome.rule, *outcome.trace) == (f"floor#r{at}", f"floor: {passed}=r{at}")
    [plan] = under.bundles[0].plans.values()
    assert len(plan.traces) <= 8
