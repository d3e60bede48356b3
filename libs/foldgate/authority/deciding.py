"""Deciding: what a snapshot says of a job, or of a run that wants to begin.

Within a bundle the first rule that matches decides, and its default decision where none does. Across bundles the
strictest wins, and what they demand is combined to the tightest: no bundle loosens what another says. A rule that
cannot be evaluated denies. The same snapshot and facts come to the same for ever.
"""

import msgspec

from foldgate.authority import constraints
from foldgate.authority.bundle import BY_DEFAULT
from foldgate.authority.constraints import tightest
from foldgate.authority.facts import Facts
from foldgate.authority.planning import Phase, follow, plan_of
from foldgate.authority.rules import AT_SUBMIT, Bundle, Effect, Rule
from foldgate.authority.snapshot import Snapshot
from foldgate.authority.terms import Terms, combined
from foldgate.contracts.events import Decision
from foldgate.expr.cost import Allowance
from foldgate.expr.faults import ExpressionFailed

STRICTNESS = ("allow", "allow_with_constraints", "throttle", "require_approval", "deny")
"""From loose to strict."""
_MOST_KEPT = 200_000
"""Outcomes times bundles that are kept: some ten megabytes."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided. `terms` are those of the approval that is required; `trace` has a line for each bundle."""

    decision: str
    snapshot: str
    rule: str
    reason: str
    constraints: str = ""
    terms: Terms | None = None
    throttle_ms: int = 0
    throttle_times: int = 0
    remediations: str = ""
    trace: tuple[str, ...] = ()

    def as_decision(self, policies_offset: int) -> Decision:
        """As events carry it; the offset is the place of the snapshot on the stream of policies."""
        return Decision(
            decision=self.decision,
            policy_snapshot=self.snapshot,
            policies_offset=policies_offset,
            rule=self.rule,
            reason=self.reason,
            constraints=self.constraints,
            remediations=self.remediations,
            trace=self.trace,
        )


def decide(snapshot: Snapshot, facts: Facts, *, phase: Phase) -> Outcome:
    """What all bundles together say."""
    if not snapshot.bundles:
        return _without_bundles(snapshot)
    found = [_said(bundle, facts, phase) for bundle in snapshot.bundles]
    outcome = _known(snapshot, [effect for effect, _ in found], phase)
    return msgspec.structs.replace(outcome, trace=tuple(trace for _, trace in found))


def _without_bundles(snapshot: Snapshot) -> Outcome:
    said = "allow" if snapshot.default_decision == "allow" else "deny"
    reason = f"No bundle is published, and the default decision is to {said}."
    return Outcome(decision=said, snapshot=snapshot.name, rule=BY_DEFAULT, reason=reason)


def _said(bundle: Bundle, facts: Facts, phase: Phase) -> tuple[Effect, str]:
    """What one bundle says, and how it came to that."""
    if phase == "submit" and not bundle.speaks_of_runs:
        return _SILENT, f"{bundle.id}: says nothing of runs"
    facts.allowance = Allowance()
    found = follow(bundle, plan_of(bundle, facts.subject, phase), facts)
    if found.rule is None:
        return bundle.default, found.trace
    return (found.rule.effect if found.error is None else _failed(found.rule, found.error)), found.trace


def _failed(rule: Rule, error: ExpressionFailed) -> Effect:
    reason = f"Rule {rule.id} cannot be evaluated, so this is denied: {error}"
    return Effect(decision="deny", rule=rule.effect.rule, reason=reason, has_failed=True)


def _known(snapshot: Snapshot, effects: list[Effect], phase: Phase) -> Outcome:
    """The same effects come to the same."""
    if any(effect.has_failed for effect in effects):
        return _combined(snapshot, effects, phase)
    rules = (phase, *(effect.rule for effect in effects))
    outcome = snapshot.answers.get(rules)
    if outcome is None:
        if len(snapshot.answers) * len(snapshot.bundles) >= _MOST_KEPT:
            snapshot.answers.clear()
        outcome = snapshot.answers[rules] = _combined(snapshot, effects, phase)
    found: Outcome = outcome
    return found


def _combined(snapshot: Snapshot, effects: list[Effect], phase: Phase) -> Outcome:
    """The strictest, and of what is as strict the first that a rule says."""
    if phase == "submit":
        effects = [effect if effect.decision in AT_SUBMIT else _begun(effect) for effect in effects]
    first = max(effects, key=lambda effect: (STRICTNESS.index(effect.decision), effect.by_rule))
    agreeing = [effect for effect in effects if effect.decision == first.decision]
    outcome = Outcome(
        decision=first.decision,
        snapshot=snapshot.name,
        rule=first.rule,
        reason=first.reason,
        remediations=_remediations(agreeing),
    )
    return outcome if first.decision in AT_SUBMIT else _demanding(outcome, effects, agreeing)


def _demanding(outcome: Outcome, effects: list[Effect], agreeing: list[Effect]) -> Outcome:
    """With what all bundles demand, for what is neither allowed as it is nor denied."""
    asking = [effect.terms for effect in effects if effect.terms is not None]
    return msgspec.structs.replace(
        outcome,
        constraints=constraints.canonical(tightest(effect.constraints for effect in effects)),
        terms=combined(asking) if asking else None,
        throttle_ms=max(effect.throttle_ms for effect in agreeing),
        throttle_times=min(effect.throttle_times for effect in agreeing),
    )


def _begun(effect: Effect) -> Effect:
    """A run may begin whose jobs are asked about, limited or throttled each by itself."""
    return Effect(decision="allow", rule=effect.rule, reason=effect.reason)


def _remediations(effects: list[Effect]) -> str:
    found = [each for effect in effects for each in effect.remediations]
    return msgspec.json.encode(found, order="sorted").decode() if found else ""


_SILENT = Effect(decision="allow", rule=BY_DEFAULT, reason="No rule speaks of runs, only of their jobs.", by_rule=False)
