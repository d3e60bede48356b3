"""Explains what was decided on a run and its jobs: each decision of the log, rule by rule under its own snapshot."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

from foldgate.authority.explaining import Explained, explain
from foldgate.authority.facts import Facts, RunFacts, facts_of_job, run_facts
from foldgate.authority.snapshot import Snapshot, snapshot_of
from foldgate.cli.policy_history import History, history
from foldgate.cli.policy_telling import STYLES, as_object, print_rules
from foldgate.cli.reaching import Reached, opened
from foldgate.cli.reading import Seen, StreamReader
from foldgate.cli.run_history import unknown
from foldgate.cli.telling import told
from foldgate.cli.terminal import harmless, plain, say, say_json
from foldgate.cli.words import moment
from foldgate.contracts.events import Decision, Event, Job, JobRequested, RunStarted
from foldgate.contracts.topics import DECISIONS, RUNS, Stream, partition_of

DECIDED = frozenset(("RunAdmitted", "RunRejected", "WritIssued", "JobDenied", "ApprovalRequired", "JobThrottled"))
"""The events that say what was decided."""


class Recorded(NamedTuple):
    """A decision on the log, and what every rule said; None where no bundle said it."""

    seen: Seen
    explained: Explained | None

    @property
    def decision(self) -> Decision | None:
        """What was decided, where policy did."""
        found: Decision | None = getattr(self.seen.event, "decision", None)
        return found


async def print_explained(run_id: str, *, step: str, data: Path | None, as_json: bool) -> None:
    """Every decision on a run, or on the jobs of one step of it."""
    async with opened(data) as suite:
        found = await _recorded(suite, run_id)
    shown = [one for one in found if step in ("", _step(one.seen.event))]
    if as_json:
        say_json([_as_object(one) for one in shown])
        return
    for one in shown:
        _print(one)
    if not shown:
        say("Nothing was decided yet: `foldgate why` says what is waited for.", style="yellow")


async def _recorded(suite: Reached, run_id: str) -> list[Recorded]:
    policies = await history(suite)
    run, jobs = await _begun(suite, run_id)
    bare = snapshot_of((), default_decision=suite.settings.default_decision)

    def explained(event: Event | None) -> Explained | None:
        return _explained(event, policies, bare, facts=_facts(event, run, jobs))

    said = [seen async for seen in _said(suite, DECISIONS, run_id) if type(seen.event).__name__ in DECIDED]
    return [Recorded(seen, explained(seen.event)) for seen in said]


async def _begun(suite: Reached, run_id: str) -> tuple[RunFacts, dict[str, Job]]:
    run: RunFacts | None = None
    jobs: dict[str, Job] = {}
    async for seen in _said(suite, RUNS, run_id):
        if isinstance(seen.event, RunStarted) and seen.meta is not None:
            run, jobs = run_facts(seen.event, seen.meta), {}
        elif isinstance(seen.event, JobRequested):
            jobs[seen.event.job.job_id] = seen.event.job
    if run is None:
        raise unknown(run_id)
    return run, jobs


async def _said(suite: Reached, stream: Stream, run_id: str) -> AsyncIterator[Seen]:
    """What counts under the key of that run."""
    key = run_id.encode()
    starts = {partition_of(key, stream.partitions): 0}
    reader = await StreamReader.at(suite.log, suite.codec, stream=stream, starts=starts, key=key)
    async for seen in reader.there():
        if seen.accepted and seen.event is not None:
            yield seen


def _facts(event: Event | None, run: RunFacts, jobs: dict[str, Job]) -> Facts | None:
    job_id = _job_id(event)
    if not job_id:
        return Facts(run, None)
    return facts_of_job(jobs[job_id], run) if job_id in jobs else None


def _explained(event: Event | None, policies: History, bare: Snapshot, *, facts: Facts | None) -> Explained | None:
    decision: Decision | None = getattr(event, "decision", None)
    if decision is None or facts is None:
        return None
    snapshot = policies.table.by_name(decision.policy_snapshot)
    if snapshot is None or not snapshot.bundles:
        snapshot = bare
    return explain(snapshot, facts, phase="submit" if facts.job is None else "dispatch")


def _job_id(event: Any) -> str:
    job = getattr(event, "job", None)
    return str(getattr(event, "job_id", "") if job is None else job.job_id)


def _step(event: Any) -> str:
    job = getattr(event, "job", None)
    return str(getattr(event, "step", "") if job is None else job.step)


def _as_object(one: Recorded) -> dict[str, Any]:
    event = one.seen.event
    return {
        "event": type(event).__name__,
        "at": moment(one.seen.at),
        "job_id": _job_id(event),
        "decision": plain(one.decision),
        "explained": None if one.explained is None else as_object(one.explained),
    }


def _print(one: Recorded) -> None:
    assert one.seen.event is not None
    said = one.decision
    style = STYLES.get(said.decision, "yellow") if said is not None else None
    say(f"{moment(one.seen.at)}  {type(one.seen.event).__name__}  {told(one.seen.event, most=400)}", style=style)
    if said is not None:
        say(f"  {said.decision} by {harmless(said.rule)}, under {said.policy_snapshot}", style="dim")
    if one.explained is not None:
        print_rules(one.explained)
