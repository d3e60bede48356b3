"""Shows policy: what is active and what waits, one bundle with its rules, and every snapshot that ever held."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from foldgate.authority.bundles import compiled
from foldgate.authority.policy_history import SNAPSHOT, Activated
from foldgate.authority.rules import Bundle, Rule
from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.policy_history import History, history
from foldgate.cli.reaching import opened
from foldgate.cli.terminal import console, harmless, say, say_json, table
from foldgate.cli.words import moment
from foldgate.contracts.events import PolicyVersion


async def print_snapshots(*, data: Path | None, as_json: bool) -> None:
    """Each time that a snapshot became active, in order."""
    async with opened(data) as suite:
        found = await history(suite)
    if as_json:
        say_json([_as_object(one, found) for one in found.activated])
        return
    shown = table("snapshot", "active since", "kind", "by", "bundles", "reason")
    for place, one in enumerate(found.activated):
        style = "bold" if place == len(found.activated) - 1 else None
        shown.add_row(*_row(one), style=style)
    console().print(shown)


def _row(one: Activated) -> tuple[str, ...]:
    event = one.event
    by, reason = harmless(event.by, most=30), harmless(event.reason, most=60)
    return event.policy_snapshot, moment(one.at), event.kind, by, _named(event.bundles), reason


def _named(bundles: Iterable[PolicyVersion]) -> str:
    return ", ".join(f"{harmless(one.bundle, most=60)} {one.version}" for one in bundles) or "none"


def _as_object(one: Activated, found: History) -> dict[str, Any]:
    event = one.event
    return {
        "policy_snapshot": event.policy_snapshot,
        "active": one is found.activated[-1],
        "kind": event.kind,
        "at": moment(one.at),
        "by": event.by,
        "reason": event.reason,
        "replaces": event.replaces,
        "bundles": [_version(version) for version in event.bundles],
    }


def _version(version: PolicyVersion) -> dict[str, Any]:
    return {"bundle": version.bundle, "version": version.version, "digest": version.digest}


async def print_policy(named: str, *, data: Path | None, as_json: bool) -> None:
    """What is active; or what is named."""
    async with opened(data) as suite:
        found, default = await history(suite), suite.settings.default_decision
    if named.startswith(SNAPSHOT):
        _print_snapshot(found.snapshot(named), found, as_json=as_json)
    elif named:
        _print_bundle(found, named, as_json=as_json)
    elif as_json:
        say_json(_overview(found))
    else:
        _print_overview(found, default)


def _overview(found: History) -> dict[str, Any]:
    return {
        "policy_snapshot": found.table.active_name if found.activated else "",
        "bundles": [_version(one) for one in found.active],
        "waiting": [{"bundle": one.bundle, "revision": one.revision, "digest": one.digest} for one in found.waiting],
        "shadows": [{"bundle": one.bundle, "revision": one.revision} for one in found.table.shadows],
    }


def _print_overview(found: History, default: str) -> None:
    if found.active:
        say(f"{found.table.active_name} is active, since {moment(found.activated[-1].at)}.", style="bold magenta")
    else:
        say(f"No bundle is active: the default decision of the settings is to {default}.", style="yellow")
    for one in found.active:
        say(f"  {harmless(one.bundle)} version {one.version}, {_count(compiled(one.definition))}")
    for draft in found.waiting:
        say(f"  {harmless(draft.bundle)} revision {draft.revision} waits to be published", style="yellow")
    for shadow in found.table.shadows:
        say(f"  {harmless(shadow.bundle)} revision {shadow.revision} is evaluated beside them", style="dim")


def _count(bundle: Bundle) -> str:
    rules = "1 rule" if len(bundle.rules) == 1 else f"{len(bundle.rules)} rules"
    return f"{rules}, else {bundle.default.decision}"


def _print_snapshot(one: Activated, found: History, *, as_json: bool) -> None:
    if as_json:
        say_json(_as_object(one, found))
        return
    say(f"{one.event.policy_snapshot}  {one.event.kind}, {moment(one.at)}", style="bold magenta")
    for version in one.event.bundles:
        _print_rules(compiled(version.definition), f"version {version.version}")


def _print_bundle(found: History, named: str, *, as_json: bool) -> None:
    draft, at = found.last(named)
    active = found.version(named)
    bundle = compiled(draft.definition if active is None else active.definition)
    if as_json:
        say_json(_bundle(found, named, bundle, active))
        return
    state = "is not active" if active is None else f"version {active.version} is active"
    _print_rules(bundle, state)
    say(f"  last draft: revision {draft.revision}, {moment(at)} by {harmless(draft.by, most=60)}", style="dim")
    if any(one.bundle == named for one in found.waiting):
        say("  it waits to be published", style="yellow")


def _bundle(found: History, named: str, bundle: Bundle, active: PolicyVersion | None) -> dict[str, Any]:
    return {
        "bundle": named,
        "active": None if active is None else _version(active),
        "default_decision": bundle.default.decision,
        "rules": [_rule(rule) for rule in bundle.rules],
        "drafts": [
            {
                "revision": one.event.revision,
                "digest": one.event.digest,
                "at": moment(one.at),
                "by": one.event.by,
                "author": one.event.author,
                "reason": one.event.reason,
            }
            for one in found.drafts[named]
        ],
        "waits": any(one.bundle == named for one in found.waiting),
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "decision": rule.effect.decision,
        "phases": sorted(rule.phases),
        "asks": [ask.name for ask in (*rule.asks, *rule.further)],
        "reason": rule.effect.reason,
    }


def _print_rules(bundle: Bundle, state: str) -> None:
    say(f"{harmless(bundle.id)} {state}", style="bold")
    shown = table("rule", "decision", "when", "asks", "reason")
    for rule in bundle.rules:
        asks = ", ".join(ask.name for ask in (*rule.asks, *rule.further)) or "nothing"
        reason = harmless(rule.effect.reason, most=80)
        shown.add_row(rule.id, rule.effect.decision, "+".join(sorted(rule.phases)), asks, reason)
    shown.add_row("(else)", bundle.default.decision, "", "", "")
    console().print(shown)


async def print_bundle_source(named: str, *, data: Path | None) -> None:
    """The last draft, as it was put."""
    if not named or named.startswith(SNAPSHOT):
        raise AskedWrongly("Expected a bundle whose source is to be printed, such as foldgate/default.")
    async with opened(data) as suite:
        draft = (await history(suite)).last(named).event
    for line in (draft.source or draft.definition).splitlines():
        say(harmless(line.expandtabs()))
