"""Backtests: what the decisions of the past would have been under other bundles.

What was decided on is on one stream and the decisions are on another; both are heard in any order, as long as each
stream is in its own. Of each attempt the first decision counts: what came later was people's doing, or time's.

Once one decision of a run is another, nobody knows what the run would have done next: the rest of it is unknown, and is
said to be. What no bundle decides, such as what followed a fault, is left aside.
"""

from collections import deque
from typing import NamedTuple

import msgspec

from foldgate.authority.bundle import BY_DEFAULT
from foldgate.authority.deciding import Outcome, decide
from foldgate.authority.facts import Facts, RunFacts, facts_of_job, run_facts
from foldgate.authority.snapshot import Snapshot
from foldgate.contracts.events import (
    ApprovalRequired,
    CaseClosed,
    Decision,
    Event,
    Job,
    JobDenied,
    JobRequested,
    JobThrottled,
    Meta,
    RunAdmitted,
    RunRejected,
    RunStarted,
    WritIssued,
)

EVENTS = (RunStarted, JobRequested, RunAdmitted, RunRejected, WritIssued, JobDenied, JobThrottled, ApprovalRequired)
"""What a backtest hears, beside the ends of cases."""
MAX_GROUPS, MAX_EXAMPLES = 1000, 5


class Change(msgspec.Struct, kw_only=True):
    """Decisions that would be others, all in the same way. `examples` are jobs, or runs that want to begin."""

    was: str
    was_rule: str
    would_be: str
    rule: str
    reason: str
    times: int = 0
    examples: list[str] = []


class Backtested(msgspec.Struct, frozen=True, kw_only=True):
    """What a backtest came to. Of `decisions` each is one of `same`, `changed`, `unknown` and `aside`; `runs` is how
    many they are of, and `runs_changed` of how many one is another."""

    policy_snapshot: str
    decisions: int
    same: int
    changed: int
    unknown: int
    aside: int
    runs: int
    runs_changed: int
    changes: tuple[Change, ...]


class _Recorded(NamedTuple):
    """A decision as it was made. Without a job it is on the run; `terms` are None where they are not known."""

    decision: Decision
    job_id: str
    job: Job | None
    terms: str | None
    counts: bool


class _Run:
    """A run, as far as it was heard of."""

    __slots__ = ("closed", "decided", "facts", "id", "jobs", "rejected", "state", "terms", "waiting")

    def __init__(self, run_id: str) -> None:
        self.id = run_id
        self.facts: RunFacts | None = None
        self.jobs: dict[str, Job] = {}
        self.decided: set[str] = set()
        self.terms: dict[tuple[str, str], str] = {}  # of each question, by who asked: the snapshot
        self.waiting: deque[_Recorded] = deque()
        self.rejected: Outcome | None = None
        self.state = "new"
        self.closed = False


class Backtest:
    """Compares decisions made at `since` or later with what `snapshot` says."""

    def __init__(self, snapshot: Snapshot, *, since: int = 0) -> None:
        self._snapshot, self._since = snapshot, since
        self._runs: dict[str, _Run] = {}
        self._over: set[str] = set()
        self._counts = dict.fromkeys(("same", "changed", "unknown", "aside", "runs", "runs_changed"), 0)
        self._changes: dict[tuple[str, str, str, str], Change] = {}

    def add(self, meta: Meta, event: Event) -> None:
        """The next event of either stream."""
        match event:
            case RunStarted() | JobRequested() if meta.run_id in self._over:
                return
            case RunStarted():
                run = self._run(meta)
                run.facts = run_facts(event, meta)
                self._go_on(run)
            case JobRequested(job=job):
                run = self._run(meta)
                if run.waiting or job.job_id not in run.decided:
                    run.jobs[job.job_id] = job
                    self._go_on(run)
            case CaseClosed() if (known := self._runs.get(meta.run_id)) is not None:
                known.closed = True
                self._go_on(known)
            case _:
                self._hear(meta, event)

    def result(self) -> Backtested:
        """What it came to; of what was decided on something that was never heard of nothing is known."""
        for run in self._runs.values():
            self._counts["unknown"] += sum(recorded.counts for recorded in run.waiting)
            run.waiting.clear()
        counts = self._counts
        return Backtested(
            policy_snapshot=self._snapshot.name,
            decisions=sum(counts[name] for name in ("same", "changed", "unknown", "aside")),
            changes=tuple(sorted(self._changes.values(), key=lambda change: -change.times)),
            **counts,
        )

    def _run(self, meta: Meta) -> _Run:
        self._over.discard(meta.run_id)
        return self._runs.setdefault(meta.run_id, _Run(meta.run_id))

    def _hear(self, meta: Meta, event: Event) -> None:
        counts = meta.at >= self._since
        match event:
            case RunAdmitted(decision=decision):
                run = self._run(meta)
                run.facts = run.facts or _facts(meta, event)
                recorded = _Recorded(decision, "", None, None, counts)
            case RunRejected(decision=decision):
                run, recorded = self._run(meta), _Recorded(decision, "", None, None, counts)
            case WritIssued(decision=Decision() as decision, job=job, writ=writ):
                run = self._run(meta)
                asked = (writ.approval_id, decision.policy_snapshot)
                recorded = _Recorded(decision, job.job_id, job, run.terms.get(asked), counts)
            case ApprovalRequired(decision=decision, job=job, terms=terms):
                run = self._run(meta)
                run.terms[event.approval_id, decision.policy_snapshot] = terms
                recorded = _Recorded(decision, job.job_id, job, terms, counts)
            case JobThrottled(decision=decision, job_id=job_id, job=job):
                run, recorded = self._run(meta), _Recorded(decision, job_id, job, None, counts)
            case JobDenied(decision=Decision() as decision, job_id=job_id):
                run, recorded = self._run(meta), _Recorded(decision, job_id, None, None, counts)
            case _:
                return
        if recorded.job_id not in run.decided:
            run.decided.add(recorded.job_id)
            run.waiting.append(recorded)
            self._go_on(run)

    def _go_on(self, run: _Run) -> None:
        """Compare what waits, in its order, as far as it is known what was decided on."""
        while run.waiting:
            recorded = run.waiting[0]
            job = recorded.job or run.jobs.get(recorded.job_id)
            if (job if recorded.job_id else run.facts) is None:
                return
            run.waiting.popleft()
            run.jobs.pop(recorded.job_id, None)
            if recorded.counts:
                self._compare(run, recorded, job)
        if run.closed:  # what it asked for may be heard of later, and nobody waits for it
            self._runs.pop(run.id, None)
            self._over.add(run.id)

    def _compare(self, run: _Run, recorded: _Recorded, job: Job | None) -> None:
        if run.state == "new":
            run.state = "counted"
            self._counts["runs"] += 1
        if run.state == "changed":
            self._counts["unknown"] += 1
        elif "#" not in recorded.decision.rule and recorded.decision.rule != BY_DEFAULT:
            self._counts["aside"] += 1
        else:
            self._judge(run, recorded, job)

    def _judge(self, run: _Run, recorded: _Recorded, job: Job | None) -> None:
        facts = run.facts or _facts_around(run.id, job)
        if run.rejected is not None:  # by both: so are its jobs
            outcome = run.rejected
        elif job is None:
            outcome = decide(self._snapshot, Facts(facts, None), phase="submit")
            run.rejected = outcome if outcome.decision != "allow" else None
        else:
            outcome = decide(self._snapshot, facts_of_job(job, facts), phase="dispatch")
        if _is_same(recorded, outcome):
            self._counts["same"] += 1
            return
        run.state = "changed"
        self._counts["changed"] += 1
        self._counts["runs_changed"] += 1
        self._note(recorded.decision, outcome, recorded.job_id or run.id)

    def _note(self, was: Decision, outcome: Outcome, example: str) -> None:
        kind = (was.decision, was.rule, outcome.decision, outcome.rule)
        if kind not in self._changes and len(self._changes) >= MAX_GROUPS:
            kind = ("", "", "", "")
            outcome = msgspec.structs.replace(outcome, reason="In so many ways that not each can be told.")
        change = self._changes.get(kind)
        if change is None:
            was_decision, was_rule, would_be, rule = kind
            change = self._changes[kind] = Change(
                was=was_decision, was_rule=was_rule, would_be=would_be, rule=rule, reason=outcome.reason
            )
        change.times += 1
        if len(change.examples) < MAX_EXAMPLES:
            change.examples.append(example)


def _is_same(recorded: _Recorded, outcome: Outcome) -> bool:
    """Whether it comes to the same, whichever rule says it."""
    was = recorded.decision
    if (was.decision, was.constraints) != (outcome.decision, outcome.constraints):
        return False
    return recorded.terms is None or outcome.terms is None or recorded.terms == outcome.terms.text()


def _facts(meta: Meta, admitted: RunAdmitted) -> RunFacts:
    return RunFacts(
        id=meta.run_id,
        workflow=admitted.workflow,
        labels=admitted.labels,
        input=admitted.input,
        tenant=meta.tenant,
        principal=meta.principal,
    )


def _facts_around(run_id: str, job: Job | None) -> RunFacts:
    """Of a run whose beginning is on no log any more: what its job says."""
    assert job is not None
    return RunFacts(id=run_id, workflow=job.workflow, labels=job.labels, tenant=job.tenant, principal=job.principal)
