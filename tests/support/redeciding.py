"""Every decision of a log, made again from nothing but that log: what was asked, and the snapshot that it names.

What people, time and faults of ours decided says so in its own words and has no trace; all else comes to the same.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from foldgate.authority.active import Policies
from foldgate.authority.bundle import BY_DEFAULT
from foldgate.authority.deciding import decide
from foldgate.authority.facts import Facts, RunFacts, run_facts
from foldgate.authority.snapshot import Snapshot, snapshot_of
from foldgate.contracts.events import (
    Decision,
    Event,
    Job,
    JobRequested,
    Meta,
    PolicyPublished,
    RunRejected,
    RunStarted,
)
from foldgate.language.canonical import digest_of

TOO_LONG = "but it is throttled for too long."


class Said(Protocol):
    """An event that was accepted."""

    @property
    def meta(self) -> Meta: ...

    @property
    def event(self) -> Event: ...


def decided_again(history: Iterable[Said], *, default: str) -> int:
    """Make each decision again, and hold it against the one that was made; how many there were."""
    facts = list(history)
    table, runs, jobs = _known(facts)
    rejected = {one.meta.run_id: one.event.decision for one in facts if isinstance(one.event, RunRejected)}
    count = 0
    for one in facts:
        was, job_id = getattr(one.event, "decision", None), job_id_of(one.event)
        if one.meta.stream != "decisions" or not isinstance(was, Decision) or not _is_of_policy(was):
            continue
        if job_id and was == rejected.get(one.meta.run_id):  # the jobs of a run that was rejected are denied with it
            job_id = ""
        _compare(was, _snapshot(table, was, default), Facts(runs[one.meta.run_id], jobs[job_id] if job_id else None))
        count += 1
    return count


def _is_of_policy(was: Decision) -> bool:
    return bool(was.trace) or was.rule == BY_DEFAULT


def _known(facts: list[Said]) -> tuple[Policies, dict[str, RunFacts], dict[str, Job]]:
    table, runs, jobs = Policies(), dict[str, RunFacts](), dict[str, Job]()
    for one in facts:
        if one.meta.stream == "policies":
            table.add(one.meta, one.event, one.meta.sequence)
            _check_names(one.event)
        elif isinstance(one.event, RunStarted):
            runs[one.meta.run_id] = run_facts(one.event, one.meta)
        elif isinstance(one.event, JobRequested):
            jobs[one.event.job.job_id] = one.event.job
    return table, runs, jobs


def _check_names(event: Event) -> None:
    """A snapshot is named by what is in it, and so is each bundle."""
    if isinstance(event, PolicyPublished):
        assert event.policy_snapshot == snapshot_of(event.bundles).name
        assert [one.digest for one in event.bundles] == [digest_of(one.definition) for one in event.bundles]


def _snapshot(table: Policies, was: Decision, default: str) -> Snapshot:
    found = table.by_name(was.policy_snapshot) or snapshot_of((), default_decision=default)
    assert found.name == was.policy_snapshot, "a snapshot that was decided under is kept"
    return found


def _compare(was: Decision, snapshot: Snapshot, facts: Facts) -> None:
    outcome = decide(snapshot, facts, phase="submit" if facts.job is None else "dispatch")
    now = outcome.as_decision(was.policies_offset)
    if was.reason.endswith(TOO_LONG):
        assert now.decision == "throttle", now
        assert (was.rule, was.trace) == (now.rule, now.trace)
    else:
        assert was == now


def job_id_of(event: Any) -> str:
    """The job that a decision is on; empty if it is on its run."""
    job = getattr(event, "job", None)
    return str(job.job_id if job is not None else getattr(event, "job_id", ""))
