"""Explaining a decision: rule by rule, what first spoke against each, and what was there instead.

Asks each rule everything, one after the other, without what deciding knows from before: slow, and a check on it.
"""

from typing import Any

import msgspec

from foldgate.authority.deciding import Outcome, decide
from foldgate.authority.facts import Facts
from foldgate.authority.matching import Ask
from foldgate.authority.planning import Phase
from foldgate.authority.rules import Bundle, Rule
from foldgate.authority.snapshot import Snapshot
from foldgate.expr.cost import Allowance
from foldgate.expr.faults import ExpressionFailed

_MOST_SHOWN = 200


class RuleExplained(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. `failed` is the first thing that it asks and that does not hold, empty if all holds; `wanted` is what
    it asks there, `seen` what was there, both as JSON. `problem` says why it cannot be evaluated."""

    rule: str
    decision: str
    failed: str = ""
    wanted: str = ""
    seen: str = ""
    problem: str = ""
    decides: bool = False

    @property
    def matches(self) -> bool:
        return not self.failed and not self.problem

    def __str__(self) -> str:
        if self.problem:
            return f"{self.rule}: cannot be evaluated, so it denies. {self.problem}"
        if self.failed:
            return f"{self.rule}: no, {self.failed} wants {self.wanted}, but there is {self.seen}"
        return f"{self.rule}: matches and decides {self.decision}" if self.decides else f"{self.rule}: would match, too"


class BundleExplained(msgspec.Struct, frozen=True, kw_only=True):
    """One bundle, and what it says by itself."""

    bundle: str
    decision: str
    by: str
    rules: tuple[RuleExplained, ...]


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided, and what led to it."""

    outcome: Outcome
    bundles: tuple[BundleExplained, ...]


def explain(snapshot: Snapshot, facts: Facts, *, phase: Phase) -> Explained:
    """What all bundles together say, and every rule of them."""
    bundles = tuple(_bundle(bundle, facts, phase) for bundle in snapshot.bundles)
    return Explained(outcome=decide(snapshot, facts, phase=phase), bundles=bundles)


def _bundle(bundle: Bundle, facts: Facts, phase: Phase) -> BundleExplained:
    facts.allowance = Allowance()
    rules = [_rule(rule, facts, phase) for rule in bundle.rules]
    first = next((at for at, one in enumerate(rules) if not one.failed), None)
    if first is None:
        is_silent = phase == "submit" and not bundle.speaks_of_runs
        decision = "allow" if is_silent else bundle.default.decision
        by = "nothing" if is_silent else "default_decision"
        return BundleExplained(bundle=bundle.id, decision=decision, by=by, rules=tuple(rules))
    one = rules[first] = msgspec.structs.replace(rules[first], decides=True)
    decision = "deny" if one.problem else one.decision
    return BundleExplained(bundle=bundle.id, decision=decision, by=one.rule, rules=tuple(rules))


def _rule(rule: Rule, facts: Facts, phase: Phase) -> RuleExplained:
    if phase not in rule.phases:
        return _failed(rule, Ask("phase", sorted(rule.phases), bool, lambda _: phase), None)
    try:
        return _asked(rule, facts)
    except ExpressionFailed as error:
        return RuleExplained(rule=rule.id, decision=rule.effect.decision, problem=str(error))


def _asked(rule: Rule, facts: Facts) -> RuleExplained:
    for asks, asked in ((rule.asks, facts.subject), (rule.further, facts)):
        for ask in asks:
            if not ask.holds(asked):
                return _failed(rule, ask, asked)
    return RuleExplained(rule=rule.id, decision=rule.effect.decision)


def _failed(rule: Rule, ask: Ask, asked: Any) -> RuleExplained:
    wanted, seen = _shown(ask.wanted), _shown(ask.seen(asked))
    return RuleExplained(rule=rule.id, decision=rule.effect.decision, failed=ask.name, wanted=wanted, seen=seen)


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value, order="sorted").decode()
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
