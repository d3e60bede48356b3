"""Bundles made up at random, and a second reading of what they say of a job, by the words of docs alone.

It knows only what made-up bundles hold. `judged` says what a snapshot of them comes to, `suffices` whether votes do.
"""

import random
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import msgspec
import yaml

from foldgate.contracts.events import Job

STRICT_FIRST = ("deny", "require_approval", "throttle", "allow_with_constraints", "allow")
TOPICS = ("job.read", "job.write", "job.pay")
ROLES = ("sre", "lead")
CONDITIONS: dict[str, Callable[[Job], bool]] = {
    "job.input.n > 2": lambda job: _input(job)["n"] > 2,
    "job.labels['env'] == 'prod'": lambda job: job.labels["env"] == "prod",
    "'write' in job.risk_tags || job.topic == 'job.pay'": lambda job: (
        "write" in job.risk_tags or job.topic == "job.pay"
    ),
}
"""CEL, and the same in Python. A name that is not there is a KeyError here, and a deny there."""
BUNDLES = ("floor/all", "team/a", "team/b")


class Said(NamedTuple):
    """What a snapshot says of a job: by which rules, and on which terms of approval, one entry a rule that asks."""

    decision: str
    terms: tuple[dict[str, Any], ...] = ()


def bundle(name: str, rng: random.Random) -> str:
    """A document."""
    rules = [_rule(f"r{number}", rng) for number in range(rng.randint(0, 4))]
    made: dict[str, Any] = {"bundle": name, "rules": rules}
    made["default_decision"] = rng.choice(["allow", "allow", "allow", "deny"])
    return yaml.safe_dump(made, sort_keys=False)


def _rule(name: str, rng: random.Random) -> dict[str, Any]:
    decision = rng.choice(["allow", "allow", "deny", *["require_approval"] * 3, "allow_with_constraints", "throttle"])
    if decision == "deny" and rng.random() < 0.2:
        return {"id": name, "match": {"labels": {"env": "prod"}}, "decision": decision, "phase": "submit"}
    made = {"id": name, "match": _match(rng), "decision": decision, "phase": rng.choice(["any", "dispatch"])}
    if rng.random() < 0.3:
        made["when"] = rng.choice(list(CONDITIONS))
    return made | _demands(decision, rng)


def _match(rng: random.Random) -> dict[str, Any]:
    match: dict[str, Any] = {}
    if rng.random() < 0.6:
        match["topics"] = rng.sample([*TOPICS, "job.*"], rng.randint(1, 2))
    if rng.random() < 0.3:
        match["risk_tags"] = rng.sample(["prod", "write"], rng.randint(1, 2))
    if rng.random() < 0.2:
        match["labels"] = {"env": rng.choice(["prod", "test"])}
    return match


def _demands(decision: str, rng: random.Random) -> dict[str, Any]:
    match decision:
        case "require_approval":
            return {"approval": _terms(rng)}
        case "throttle":
            return {"throttle": {"delay": f"{rng.randint(1, 20)}s", "max_times": rng.randint(1, 4)}}
        case "allow_with_constraints":
            return {"constraints": {"max_runtime_ms": rng.choice([60_000, 600_000])}}
        case _:
            return {}


def _terms(rng: random.Random) -> dict[str, Any]:
    terms: dict[str, Any] = {"required": rng.randint(1, 3)}
    if rng.random() < 0.5:
        terms["roles"] = rng.sample(ROLES, rng.randint(1, 2))
    if rng.random() < 0.4:
        terms["exclude_requester"] = True
    if rng.random() < 0.2:
        terms["majority"] = True
    if rng.random() < 0.2:
        terms |= {"expires_in": f"{rng.randint(5, 600)}s", "on_expire": "deny"}
    return terms


def judged(definitions: Iterable[str], job: Job, *, default: str) -> Said:
    """What these bundles, in their canonical form, say of dispatching this job."""
    bundles = [msgspec.json.decode(text) for text in definitions]
    found = [_of_bundle(one, job) for one in bundles] or [Said(default)]
    strictest = min(found, key=lambda said: STRICT_FIRST.index(said.decision))
    return Said(strictest.decision, tuple(terms for said in found for terms in said.terms))


def _of_bundle(made: dict[str, Any], job: Job) -> Said:
    for rule in made.get("rules", ()):
        if rule.get("phase", "any") == "submit" or not _matches(rule.get("match", {}), job):
            continue
        try:
            if "when" in rule and not CONDITIONS[rule["when"]](job):
                continue
        except (KeyError, TypeError):
            return Said("deny")
        asks = rule["decision"] == "require_approval"
        return Said(rule["decision"], (rule.get("approval", {}),) if asks else ())
    return Said(made.get("default_decision", "deny"))


def _matches(match: dict[str, Any], job: Job) -> bool:
    topics, labels = match.get("topics", ()), match.get("labels", {})
    return (
        (not topics or any(fnmatchcase(job.topic, topic) for topic in topics))
        and set(match.get("risk_tags", ())) <= set(job.risk_tags)
        and labels.items() <= job.labels.items()
    )


def suffices(terms: dict[str, Any], yes: dict[str, set[str]], *, requester: str) -> bool:
    """Whether these people, with their roles, have said what one rule asks for."""
    roles = set(terms.get("roles", ()))
    fit = [name for name, has in yes.items() if not roles or roles & has]
    if terms.get("exclude_requester"):
        fit = [name for name in fit if name != requester]
    return len(fit) >= int(terms.get("required", 1))


def _input(job: Job) -> dict[str, Any]:
    found = msgspec.json.decode(job.input)
    assert isinstance(found, dict)
    return found
