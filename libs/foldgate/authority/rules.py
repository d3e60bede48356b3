"""Rules as they decide: what each asks of the facts, and what it says where all of that holds."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from foldgate.authority import constraints
from foldgate.authority.bundle import ApprovalRule, BundleDocument, CaseTerms, ConstraintTerms, RuleTerms, ThrottleTerms
from foldgate.authority.constraints import Constraints
from foldgate.authority.matching import Ask, asked_of_subject, asked_of_the_rest, condition, of_condition
from foldgate.authority.seats import Seat, seats
from foldgate.authority.terms import Terms
from foldgate.expr.template import Template
from foldgate.language.models import Model

AT_SUBMIT = frozenset(("allow", "deny"))
OF_JOBS = frozenset(("topics", "capabilities", "risk_tags", "requires", "pack_ids", "actor_ids", "actor_types", "mcp"))
"""What only jobs have."""
_OF_RUNS_TOO = frozenset((("job", "tenant"), ("job", "principal")))


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule says."""

    decision: str
    rule: str
    reason: str
    constraints: Constraints = constraints.NONE
    terms: Terms | None = None
    throttle_ms: int = 0
    throttle_times: int = 0
    remediations: tuple[dict[str, Any], ...] = ()
    by_rule: bool = True
    has_failed: bool = False


class Rule(NamedTuple):
    """A rule. `asks` are about the subject, `guards` about all else, and `further` are these and the condition."""

    id: str
    phases: frozenset[str]
    asks: tuple[Ask, ...]
    guards: tuple[Ask, ...]
    further: tuple[Ask, ...]
    effect: Effect
    seat: Seat | None


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle, ready to decide."""

    id: str
    digest: str
    rules: tuple[Rule, ...]
    default: Effect
    speaks_of_runs: bool
    cases: tuple[CaseTerms, ...] = ()
    plans: dict[Any, Any] = msgspec.field(default_factory=dict)
    """What is left of the rules for the subjects that were there before."""


def of_jobs(read: Iterable[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """What of all that a condition reads is there only once there is a job."""
    return {path for path in read if path[0] == "job" and path not in _OF_RUNS_TOO}


def says(terms: Model, key: str) -> bool:
    """Whether something is said there: neither nothing, nor an empty list, nor a map of such."""
    value = getattr(terms, key)
    return any(says(value, part) for part in value.model_fields_set) if isinstance(value, Model) else bool(value)


def read_by(template: Template | None) -> set[tuple[str, ...]]:
    """The names that a condition reads, as far as CEL knows them."""
    return set() if template is None else {tuple(map(str, path[:2])) for path in template.paths}


def bundle_of(document: BundleDocument, digest: str) -> Bundle:
    """The bundle that a document means."""
    conditions = [None if rule.when is None else condition(rule.when) for rule in document.rules]
    rules = tuple(
        _rule(document.bundle, rule, template=template, seat=seat)
        for rule, template, seat in zip(document.rules, conditions, seats(conditions), strict=True)
    )
    said = "allow it" if document.default_decision == "allow" else "deny"
    default = Effect(
        decision=document.default_decision,
        rule=f"{document.bundle}#default_decision",
        reason=f"No rule of {document.bundle} matches, and its default decision is to {said}.",
        by_rule=False,
    )
    return Bundle(
        id=document.bundle,
        digest=digest,
        rules=rules,
        default=default,
        speaks_of_runs=not rules or any("submit" in rule.phases for rule in rules),
        cases=tuple(document.tests),
    )


def _rule(bundle: str, rule: RuleTerms, *, template: Template | None, seat: Seat | None) -> Rule:
    guards = tuple(asked_of_the_rest(rule.match))
    return Rule(
        id=rule.id,
        phases=_phases(rule, template),
        asks=tuple(asked_of_subject(rule.match)),
        guards=guards,
        further=guards if template is None else (*guards, of_condition(template)),
        effect=_effect(bundle, rule),
        seat=seat,
    )


def _phases(rule: RuleTerms, template: Template | None) -> frozenset[str]:
    """A rule about jobs says nothing of a run that has none yet."""
    if rule.phase != "any":
        return frozenset((rule.phase,))
    about_jobs = any(says(rule.match, key) for key in OF_JOBS) or of_jobs(read_by(template))
    return frozenset(("dispatch",) if about_jobs else ("submit", "dispatch"))


def _effect(bundle: str, rule: RuleTerms) -> Effect:
    throttle = rule.throttle or ThrottleTerms()
    return Effect(
        decision=rule.decision,
        rule=f"{bundle}#{rule.id}",
        reason=rule.reason or f"Rule {rule.id} of {bundle} matches.",
        constraints=_constraints(rule.constraints or ConstraintTerms()),
        terms=_terms(rule.approval or ApprovalRule()) if rule.decision == "require_approval" else None,
        throttle_ms=throttle.delay if rule.decision == "throttle" else 0,
        throttle_times=throttle.max_times if rule.decision == "throttle" else 0,
        remediations=tuple(each.model_dump(exclude_defaults=True) for each in rule.remediations),
    )


def _constraints(said: ConstraintTerms) -> Constraints:
    """A list that is empty, as it is where nothing is said, limits nothing."""
    concurrent, rate = said.max_concurrent, said.rate
    return Constraints(
        max_runtime_ms=said.max_runtime_ms,
        max_concurrent={} if concurrent is None else {concurrent.key: concurrent.limit},
        rate={} if rate is None else {rate.key: rate.per_minute},
        allowed_tools=tuple(said.allowed_tools) or None,
        allowed_commands=tuple(said.allowed_commands) or None,
        network_allowlist=tuple(said.network_allowlist) or None,
        redaction=said.redaction,
        max_cost_usd=said.max_cost_usd,
    )


def _terms(said: ApprovalRule) -> Terms:
    return Terms(
        required=said.required,
        roles=tuple(said.roles),
        exclude_requester=said.exclude_requester,
        majority=said.majority,
        expires_in_ms=said.expires_in,
        on_expire=said.on_expire,
    )
