"""What rules ask of the facts, and how: names by patterns, tags and labels, calls of tools, and conditions.

What they ask of the subject of a job (its topic, tenant, tags) is the same for many jobs, so it need not be asked of
each of them; the rest is.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from foldgate.authority.bundle import MatchTerms, McpTerms
from foldgate.authority.facts import Facts, Mcp, Subject
from foldgate.authority.globs import glob
from foldgate.expr.faults import ExpressionFailed
from foldgate.expr.names import RULE_NAMES
from foldgate.expr.scope import ABSENT, value_at
from foldgate.expr.template import Template

_NAMES = {
    "topics": "topic",
    "tenants": "tenant",
    "capabilities": "capability",
    "pack_ids": "pack_id",
    "actor_ids": "actor_id",
    "actor_types": "actor_type",
}
_TAGS = ("risk_tags", "requires")


class Ask(NamedTuple):
    """One thing that a rule asks: its name, what is wanted, whether it holds, and what that was held against."""

    name: str
    wanted: Any
    holds: Callable[[Any], bool]
    seen: Callable[[Any], Any]


def condition(text: str) -> Template:
    """The condition that is written there. ExpressionInvalid says what is wrong with it."""
    return Template.of("${" + text + "}", place="when", names=RULE_NAMES)


def asked_of_subject(terms: MatchTerms) -> Iterator[Ask]:
    """Names match one of the patterns; tags are all there."""
    for key, field in _NAMES.items():
        if wanted := getattr(terms, key):
            yield _of_name(key, field, wanted)
    for key in _TAGS:
        if wanted := getattr(terms, key):
            yield _of_tags(key, wanted)


def asked_of_the_rest(terms: MatchTerms) -> Iterator[Ask]:
    """What differs from job to job."""
    if terms.labels:
        yield _of_labels(terms.labels)
    if terms.secrets_present is not None:
        yield _of_secrets(terms.secrets_present)
    for kind in Mcp._fields:
        yield from _of_calls(terms.mcp or McpTerms(), kind)


def of_condition(template: Template) -> Ask:
    """Whether the condition is true; ExpressionFailed if it has no such value."""

    def holds(facts: Facts) -> bool:
        value = template.evaluate(facts.scope, facts.allowance)
        if isinstance(value, bool):
            return value
        raise ExpressionFailed(f"Expected true or false of {template.source[:200]}, but got {str(value)[:80]}.")

    def seen(facts: Facts) -> dict[str, Any]:
        values = {".".join(map(str, path)): value_at(path, facts.scope) for path in sorted(template.paths, key=str)}
        return {name: None if value is ABSENT else value for name, value in values.items()}

    return Ask("when", template.source[2:-1], holds, seen)


def _of_name(key: str, field: str, wanted: list[str]) -> Ask:
    patterns = [glob(each) for each in wanted]
    at = Subject._fields.index(field)
    return Ask(key, wanted, lambda subject: any(fits(subject[at]) for fits in patterns), lambda subject: subject[at])


def _of_tags(key: str, wanted: list[str]) -> Ask:
    tags, at = frozenset(wanted), Subject._fields.index(key)
    return Ask(key, wanted, lambda subject: tags.issubset(subject[at]), lambda subject: subject[at])


def _of_labels(wanted: dict[str, str]) -> Ask:
    items = wanted.items()
    return Ask("labels", wanted, lambda facts: items <= facts.labels.items(), lambda facts: facts.labels)


def _of_secrets(wanted: bool) -> Ask:
    return Ask(
        "secrets_present",
        wanted,
        lambda facts: facts.secrets_present is wanted,
        lambda facts: facts.secrets_present,
    )


def _of_calls(terms: McpTerms, kind: str) -> Iterator[Ask]:
    """A job that calls nothing is on no list: not among those allowed, and not among those denied."""
    allowed = [glob(each) for each in getattr(terms, f"allow_{kind}s")]
    denied = [glob(each) for each in getattr(terms, f"deny_{kind}s")]

    def seen(facts: Facts) -> str:
        return str(getattr(facts.mcp, kind))

    def among(patterns: list[Callable[[str], bool]], name: str) -> bool:
        return name != "" and any(fits(name) for fits in patterns)

    if allowed:
        wanted = getattr(terms, f"allow_{kind}s")
        yield Ask(f"mcp.allow_{kind}s", wanted, lambda facts: among(allowed, seen(facts)), seen)
    if denied:
        wanted = getattr(terms, f"deny_{kind}s")
        yield Ask(f"mcp.deny_{kind}s", wanted, lambda facts: not among(denied, seen(facts)), seen)
