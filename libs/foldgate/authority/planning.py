"""What is left of a bundle's rules for jobs that have their subject in common, found once, and asked of each of them.

Small conditions that follow one another are asked together whether all are false, which most are of most jobs. Where
they are not, they are asked one by one: what is found is the same.
"""

from itertools import groupby
from typing import Literal, NamedTuple

from foldgate.authority.facts import Facts, Subject
from foldgate.authority.matching import Ask
from foldgate.authority.rules import Bundle, Rule
from foldgate.expr.faults import ExpressionFailed
from foldgate.expr.together import Together

Phase = Literal["submit", "dispatch"]
_MOST_KEPT = 200_000
"""Plans times rules that are kept: some ten megabytes."""
_MOST_TRACES = 8
_MOST_RUNS = 40
_TIMES = "\u00d7"
_FEWEST = 2
"""Fewer conditions are not worth asking together."""


class Several(NamedTuple):
    """Conditions that are asked together: which of them are left, and what else the rules of some of these ask."""

    together: Together
    left: list[bool]
    guarded: tuple[tuple[int, tuple[Ask, ...]], ...]

    def are_false(self, facts: Facts) -> bool:
        """Whether all whose rules ask nothing else that fails are false for certain."""
        try:
            asked = self._asked(facts)
            return sum(asked) >= _FEWEST and self.together.all_false(facts.scope, asked, facts.allowance)
        except ExpressionFailed:
            return False

    def _asked(self, facts: Facts) -> list[bool]:
        if not self.guarded:
            return self.left
        asked = self.left.copy()
        for at, asks in self.guarded:
            asked[at] = all(ask.holds(facts) for ask in asks)
        return asked


class Candidate(NamedTuple):
    """A rule that is left for a subject, the first ask of each rule between it and the one before that failed, and what
    its condition is asked together with."""

    passed: tuple[str, ...]
    rule: Rule
    several: Several | None


class Plan(NamedTuple):
    """All rules that are left for a subject, and what failed of those after the last. `traces` are those that there
    were before, by what failed of these rules."""

    candidates: tuple[Candidate, ...]
    rest: tuple[str, ...]
    traces: dict[tuple[str, ...], str]


class Found(NamedTuple):
    """What comes of a plan: the rule that decides, if any, why it cannot be evaluated, if so, and the trace."""

    rule: Rule | None
    error: ExpressionFailed | None
    trace: str


def plan_of(bundle: Bundle, subject: Subject, phase: Phase) -> Plan:
    """The rules that are left for such a subject, found once."""
    plan = bundle.plans.get((phase, subject))
    if plan is None:
        if len(bundle.plans) * len(bundle.rules) >= _MOST_KEPT:
            bundle.plans.clear()
        plan = bundle.plans[phase, subject] = _planned(bundle, subject, phase)
    found: Plan = plan
    return found


def follow(bundle: Bundle, plan: Plan, facts: Facts) -> Found:
    """Ask of each candidate in turn what is not known of its subject."""
    passed: list[str] = []
    asked, are_false = None, False
    for _, rule, several in plan.candidates:
        if several is not None and several is not asked:
            asked, are_false = several, several.are_false(facts)
        is_false = several is not None and are_false
        try:
            failed = _first_failed(rule.guards if is_false else rule.further, facts)
        except ExpressionFailed as error:
            return Found(rule, error, _trace(bundle, plan, passed, end=f"!{rule.id}"))
        if not failed and not is_false:
            return Found(rule, None, _trace(bundle, plan, passed, end=f"={rule.id}"))
        passed.append(failed or "when")
    return Found(None, None, _trace(bundle, plan, passed, end="=default"))


def _first_failed(asks: tuple[Ask, ...], facts: Facts) -> str:
    for ask in asks:
        if not ask.holds(facts):
            return ask.name
    return ""


def _planned(bundle: Bundle, subject: Subject, phase: Phase) -> Plan:
    """What comes after a rule that asks nothing further is never looked at."""
    found: list[tuple[tuple[str, ...], Rule]] = []
    passed: list[str] = []
    for rule in bundle.rules:
        if failed := _failed_of_subject(rule, subject, phase):
            passed.append(failed)
            continue
        found.append((tuple(passed), rule))
        passed.clear()
        if not rule.further:
            break
    several = _several([rule for _, rule in found])
    candidates = tuple(Candidate(before, rule, several.get(rule.seat and rule.seat.together)) for before, rule in found)
    return Plan(candidates, tuple(passed), {})


def _failed_of_subject(rule: Rule, subject: Subject, phase: Phase) -> str:
    """The first ask of a subject that fails; empty if all hold."""
    if phase not in rule.phases:
        return "phase"
    return next((ask.name for ask in rule.asks if not ask.holds(subject)), "")


def _several(rules: list[Rule]) -> dict[Together | None, Several]:
    """What is left to be asked together, where that is enough."""
    left: dict[Together, dict[int, Rule]] = {}
    for rule in rules:
        if rule.seat is not None:
            left.setdefault(rule.seat.together, {})[rule.seat.at] = rule
    return {
        together: Several(
            together,
            [at in by_place for at in range(len(together))],
            tuple((at, rule.guards) for at, rule in by_place.items() if rule.guards),
        )
        for together, by_place in left.items()
        if len(by_place) >= _FEWEST
    }


def _trace(bundle: Bundle, plan: Plan, failed: list[str], *, end: str) -> str:
    key = (end, *failed)
    trace = plan.traces.get(key)
    if trace is None:
        if len(plan.traces) >= _MOST_TRACES:
            plan.traces.clear()
        trace = plan.traces[key] = _line(bundle.id, _passed(plan, failed), end)
    return trace


def _passed(plan: Plan, failed: list[str]) -> list[str]:
    """The first ask that failed of each rule up to the one that decides."""
    passed = [
        name for candidate, own in zip(plan.candidates, failed, strict=False) for name in (*candidate.passed, own)
    ]
    behind = plan.candidates[len(failed)].passed if len(failed) < len(plan.candidates) else plan.rest
    return [*passed, *behind]


def _line(bundle: str, passed: list[str], end: str) -> str:
    """The rules in their order, by what failed first; the last is marked: = it decides, ! it cannot be evaluated."""
    runs = [(name, len(list(several))) for name, several in groupby(passed)]
    parts = [name if count == 1 else f"{name}{_TIMES}{count}" for name, count in runs[:_MOST_RUNS]]
    if len(runs) > _MOST_RUNS:
        parts.append(f"…{_TIMES}{sum(count for _, count in runs[_MOST_RUNS:])}")
    return " ".join((f"{bundle}:", *parts, end))
