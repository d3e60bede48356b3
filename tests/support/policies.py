"""Bundles and jobs for tests of policy, each said in as few words as it differs from the others."""

from typing import Any

import msgspec

from foldgate.authority.bundles import BundleInvalid, prepare
from foldgate.authority.deciding import Outcome, decide
from foldgate.authority.facts import Facts, RunFacts, facts_of_job
from foldgate.authority.snapshot import Snapshot, snapshot_of
from foldgate.contracts import ids
from foldgate.contracts.events import Job, PolicyVersion

RUN = RunFacts(
    id=ids.run_id("acme", "deploy", "1"),
    workflow="deploy",
    labels={"env": "prod"},
    input='{"region":"eu"}',
    tenant="acme",
    principal="ada@example.com",
)


def version(source: str | dict[str, Any], number: int = 1) -> PolicyVersion:
    """A bundle as it is published, from its source or its content."""
    text = source if isinstance(source, str) else msgspec.json.encode(source).decode()
    ready = prepare(text)
    return PolicyVersion(bundle=ready.bundle, version=number, digest=ready.digest, definition=ready.canonical)


def snapshot(*rules: dict[str, Any], default: str = "deny") -> Snapshot:
    """The snapshot of one bundle, `floor`, with these rules."""
    return snapshot_of([version(bundle("floor", *rules, default=default))])


def bundle(name: str, *rules: dict[str, Any], default: str = "deny") -> dict[str, Any]:
    """A bundle whose rules are named r0, r1 … and deny, where they say nothing else."""
    listed = [{"id": f"r{at}", "decision": "deny", **rule} for at, rule in enumerate(rules)]
    return {"bundle": name, "default_decision": default, "rules": listed}


def job(given: object = None, **fields: Any) -> Job:
    """A job that differs from others in these fields."""
    usual: dict[str, Any] = {"topic": "job.web.apply", "tenant": "acme", "labels": {"env": "prod"}}
    return Job(
        job_id=ids.job_id(RUN.id, "apply", 1),
        step="apply",
        attempt=1,
        kind="job",
        principal="ada@example.com",
        workflow="deploy",
        input=given if isinstance(given, str) else msgspec.json.encode(given).decode(),
        **{**usual, **fields},
    )


def facts(given: object = None, **fields: Any) -> Facts:
    """The facts of such a job."""
    return facts_of_job(job(given, **fields), RUN)


def decided(under: Snapshot, given: object = None, **fields: Any) -> Outcome:
    """What is decided on such a job."""
    return decide(under, facts(given, **fields), phase="dispatch")


def problems(source: str) -> list[tuple[int, int, str]]:
    """Line, column and code of every mistake."""
    try:
        prepare(source)
    except BundleInvalid as mistakes:
        return [(each.line, each.column, each.code) for each in mistakes.problems]
    return []
