"""Decisions that were recorded once: the snapshot, what was asked, and what it said, for ever.

`python -m tests.support.recorded` records them where there are none. A decision that was made is a fact: when a test
says that one has changed, change the code and not the record.
"""

from pathlib import Path
from typing import Any, Literal

import msgspec

from foldgate.authority.deciding import Outcome, decide
from foldgate.authority.facts import Facts, RunFacts
from foldgate.authority.snapshot import Snapshot, snapshot_of
from foldgate.contracts.events import Job, PolicyVersion
from tests.support.policies import RUN, bundle, job, version

FILE = Path(__file__).parents[1] / "unit" / "decisions.json"


class Case(msgspec.Struct, frozen=True):
    """What was asked and said."""

    phase: Literal["submit", "dispatch"]
    run: RunFacts
    job: Job | None
    outcome: Outcome


class Record(msgspec.Struct, frozen=True):
    """A snapshot and its decisions."""

    name: str
    versions: tuple[PolicyVersion, ...]
    cases: tuple[Case, ...]


def read() -> Record:
    """What was recorded."""
    return msgspec.json.decode(FILE.read_bytes(), type=Record)


def decided(snapshot: Snapshot, run: RunFacts, asked: Job | None) -> Outcome:
    """What the snapshot says now."""
    return decide(snapshot, Facts(run, asked), phase="submit" if asked is None else "dispatch")


def _bundles() -> list[dict[str, Any]]:
    limits = {"max_runtime_ms": 60_000, "allowed_tools": ["read", "write"], "rate": {"key": "tenant", "per_minute": 3}}
    terms = {"required": 2, "roles": ["sre"], "exclude_requester": True, "expires_in": "1h"}
    asking = {"decision": "require_approval", "approval": terms}
    floor: list[dict[str, Any]] = [
        {"match": {"tenants": ["banned-*"]}, "phase": "submit", "reason": "No runs of these."},
        {"match": {"risk_tags": ["prod"]}, "when": "job.input.replicas > 3", **asking},
        {"match": {"mcp": {"deny_servers": ["files"]}, "labels": {"env": "prod"}}, "decision": "throttle"},
        {"match": {"secrets_present": True}, "decision": "allow_with_constraints", "constraints": limits},
    ]
    team: list[dict[str, Any]] = [
        {"match": {"topics": ["job.*.drop"]}, "remediations": [{"id": "archive", "title": "Archive it first"}]},
        {"when": "run.labels['env'] == 'prod' && job.labels.exists(name, name.startsWith('mcp'))", "decision": "allow"},
        {"match": {"risk_tags": ["prod"]}, "decision": "require_approval", "approval": {"roles": ["legal"]}},
        {"decision": "allow_with_constraints", "constraints": {"max_runtime_ms": 90_000, "allowed_tools": ["read"]}},
    ]
    return [bundle("secops/floor", *floor, default="allow"), bundle("team/web", *team)]


def _asked() -> list[tuple[RunFacts, Job | None]]:
    files = {"env": "prod", "mcp.server": "files"}
    jobs = [
        job({"replicas": 2}, labels={}),
        job({"replicas": 5}, risk_tags=("prod", "write")),
        job({"size": 5}, risk_tags=("prod",)),
        job({"key": "secret://vault/a"}, labels=files),
        job({}, labels=files),
        job({}, labels={"env": "prod", "mcp.server": "web"}),
        job({"replicas": 5}, topic="job.web.drop", labels={}),
        job([1, 2.5, None, "é"], labels={"env": "dev"}, risk_tags=("prod",)),
    ]
    banned = msgspec.structs.replace(RUN, tenant="banned-1")
    return [(RUN, None), (banned, None), *((RUN, one) for one in jobs)]


def record() -> None:
    """Write the file."""
    versions = tuple(map(version, _bundles()))
    snapshot = snapshot_of(versions)
    cases = (Case(_phase(one), run, one, decided(snapshot, run, one)) for run, one in _asked())
    text = msgspec.json.encode(Record(snapshot.name, versions, tuple(cases)), order="deterministic")
    FILE.write_bytes(msgspec.json.format(text, indent=1) + b"\n")


def _phase(asked: Job | None) -> Literal["submit", "dispatch"]:
    return "submit" if asked is None else "dispatch"


if __name__ == "__main__" and not FILE.exists():
    record()
