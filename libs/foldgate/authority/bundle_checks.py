"""What can be wrong with a bundle beyond the form of its parts: conditions, and what does not go together."""

from collections.abc import Collection, Iterable
from typing import Any

from foldgate.authority.bundle import BY_DEFAULT, MAX_RULES, BundleDocument, CaseTerms, RuleTerms
from foldgate.authority.matching import condition
from foldgate.authority.rules import AT_SUBMIT, OF_JOBS, of_jobs, read_by, says
from foldgate.authority.unknown_keys import unknown_in
from foldgate.expr.faults import ExpressionInvalid
from foldgate.expr.patterns import objection
from foldgate.language.findings import Findings, Path

_BELONGS = {
    "approval": ("require_approval",),
    "constraints": ("allow_with_constraints", "require_approval"),
    "throttle": ("throttle",),
    "remediations": ("deny", "require_approval", "throttle", "allow_with_constraints"),
}
"""The decisions that each of these says more about."""
unknown_key = unknown_in(BundleDocument)
"""What to say of a key that nobody knows."""


def check(document: BundleDocument, found: Findings) -> None:
    """Look at a document whose parts have the right form."""
    for at, rule in enumerate(document.rules):
        _check_rule(rule, ("rules", at), found)
    names = [rule.id for rule in document.rules]
    _check_once(names, found, part="rules", key="id")
    _check_once((case.name for case in document.tests), found, part="tests", key="name")
    for at, case in enumerate(document.tests):
        _check_case(case, ("tests", at), found, names={*names, BY_DEFAULT})


def check_rest(value: Any, wrong: Collection[Path], found: Findings) -> None:
    """Look at the conditions in a document whose form is wrong elsewhere."""
    rules = value.get("rules") if isinstance(value, dict) else None
    for at, rule in enumerate(rules[:MAX_RULES] if isinstance(rules, list) else ()):
        path = ("rules", at, "when")
        if isinstance(rule, dict) and isinstance(rule.get("when"), str) and path not in wrong:
            _check_text(rule["when"], path, found)


def _check_once(names: Iterable[str], found: Findings, *, part: str, key: str) -> None:
    seen: set[str] = set()
    for at, name in enumerate(names):
        if name in seen:
            found.add((part, at, key), "twice", f"Expected each {key} only once, but '{name[:80]}' comes twice.")
        seen.add(name)


def _check_rule(rule: RuleTerms, path: Path, found: Findings) -> None:
    for key, decisions in _BELONGS.items():
        if getattr(rule, key) and rule.decision not in decisions:
            said = f"Expected decision {' or '.join(decisions)} beside '{key}', but it is {rule.decision}."
            found.add((*path, key), "does_not_belong", said, on_key=True)
    if rule.decision == "allow_with_constraints" and not says(rule, "constraints"):
        found.add(path, "missing_key", "Expected 'constraints', since the decision is allow_with_constraints.")
    if rule.approval is not None and rule.approval.on_expire == "timed_out":
        said = "Expected deny, for a job that nobody allows in time is denied: only a gate of a workflow can time out."
        found.add((*path, "approval", "on_expire"), "not_supported", said)
    if rule.phase == "submit":
        _check_submit(rule, path, found)
    if rule.when is not None:
        _check_condition(rule, (*path, "when"), found)


def _check_submit(rule: RuleTerms, path: Path, found: Findings) -> None:
    """Before a run begins there is no job, and nobody to ask about one."""
    if rule.decision not in AT_SUBMIT:
        said = f"Expected decision allow or deny at phase submit, but it is {rule.decision}: only a job is asked about."
        found.add((*path, "decision"), "not_at_submit", said)
    for key in sorted(OF_JOBS & rule.match.model_fields_set):
        if says(rule.match, key):
            said = f"Expected what a run has at phase submit, but only jobs have {key}."
            found.add((*path, "match", key), "not_at_submit", said, on_key=True)


def _check_condition(rule: RuleTerms, path: Path, found: Findings) -> None:
    read = _check_text(rule.when or "", path, found)
    if rule.phase == "submit" and (later := sorted(of_jobs(read))):
        said = f"Expected what a run has at phase submit, but there is no {'.'.join(later[0])} before there is a job."
        found.add(path, "not_at_submit", said)


def _check_text(text: str, path: Path, found: Findings) -> Collection[tuple[str, ...]]:
    """What the condition reads, if it is one."""
    try:
        template = condition(text)
    except ExpressionInvalid as mistake:
        said = mistake.message.rstrip(".")
        where = f"line {mistake.line}, column {mistake.column} of the expression"
        found.add(path, mistake.code, f"{said} ({where}).")
        return ()
    for pattern in sorted(template.patterns):
        if wrong := objection(pattern):
            said = f"Expected a regular expression of RE2, but in '{pattern[:80]}' {wrong}."
            found.add(path, "pattern_invalid", said)
    if template.result not in {"BOOL", "DYN"}:
        said = f"Expected an expression that gives true or false, but it gives {template.result}."
        found.add(path, "wrong_expression_type", said)
    return read_by(template)


def _check_case(case: CaseTerms, path: Path, found: Findings, *, names: Collection[str]) -> None:
    if case.job is None and case.run is None:
        found.add(path, "missing_key", "Expected a 'job' that is decided on, or a 'run'.")
    if case.expect.rule is not None and case.expect.rule not in names:
        said = f"Expected a rule of this bundle, but there is no '{case.expect.rule[:80]}'"
        found.add((*path, "expect", "rule"), "unknown_rule", said + found.guess(case.expect.rule, names))
