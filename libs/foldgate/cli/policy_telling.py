"""What policy says of a job or a run, for people and for programs."""

from typing import Any

import msgspec

from foldgate.authority.explaining import BundleExplained, Explained
from foldgate.cli.terminal import harmless, plain, say

STYLES = {"allow": "green", "allow_with_constraints": "green", "deny": "red"}


def as_object(found: Explained) -> dict[str, Any]:
    """A decision with every rule, as programs get it."""
    said: dict[str, Any] = plain(found)
    outcome = said["outcome"]
    for name in ("constraints", "remediations"):
        outcome[name] = msgspec.json.decode(outcome[name]) if outcome[name] else None
    return {**outcome, "bundles": said["bundles"]}


def print_explanation(found: Explained) -> None:
    """What is decided, by what, on which terms, and what every rule says."""
    outcome = found.outcome
    style = STYLES.get(outcome.decision, "yellow")
    say(f"{outcome.decision} by {harmless(outcome.rule)}: {harmless(outcome.reason, most=500)}", style=style)
    say(f"  under {outcome.snapshot}", style="dim")
    if outcome.terms is not None:
        say(f"  approval     {outcome.terms.text()}")
    if outcome.constraints:
        say(f"  constraints  {harmless(outcome.constraints)}")
    if outcome.throttle_ms:
        say(f"  waits        {outcome.throttle_ms} ms, at most {outcome.throttle_times} times")
    for one in msgspec.json.decode(outcome.remediations) if outcome.remediations else ():
        say(f"  instead      {harmless(one['id'])}: {harmless(one.get('title', ''), most=200)}")
    print_rules(found)


def print_rules(found: Explained) -> None:
    """What every rule of every bundle says."""
    for bundle in found.bundles:
        _print_bundle(bundle)


def _print_bundle(bundle: BundleExplained) -> None:
    say(f"  {harmless(bundle.bundle)}: {bundle.decision} by {harmless(bundle.by)}")
    for rule in bundle.rules:
        say(f"    {harmless(str(rule), most=600)}", style=None if rule.decides else "dim")
