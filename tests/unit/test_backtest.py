"""Backtests: each decision is compared once, and after the first that would be another the rest is unknown."""

from typing import Any

import pytest

from foldgate.authority import backtest as module
from foldgate.authority.backtest import Backtest, Backtested
from foldgate.authority.bundles import prepare
from foldgate.authority.deciding import decide
from foldgate.authority.facts import facts_of_job, facts_of_run, run_facts
from foldgate.authority.snapshot import Snapshot, snapshot_of
from foldgate.authority.terms import Terms
from foldgate.contracts.events import (
    ApprovalRequired,
    CaseClosed,
    Decision,
    Event,
    Job,
    JobDenied,
    JobRequested,
    JobThrottled,
    PolicyVersion,
    RunAdmitted,
    RunRejected,
    RunStarted,
    Writ,
    WritIssued,
    WritRevoked,
)
from tests.support.given import meta

WAS = """
bundle: team/floor
rules:
  - {id: no-runs, phase: submit, when: "run.labels['env'] == 'gone'", decision: deny}
  - {id: ask, match: {topics: [job.ask]}, decision: require_approval, approval: {required: 1}}
  - {id: slow, match: {topics: [job.slow]}, decision: throttle}
  - {id: limited, match: {topics: [job.limited]}, decision: allow_with_constraints, constraints: {max_runtime_ms: 9}}
  - {id: never, match: {topics: [job.never]}, decision: deny}
  - {id: rest, decision: allow}
"""


def snapshot(source: str = WAS) -> Snapshot:
    made = prepare(source)
    version = PolicyVersion(bundle=made.bundle, version=1, digest=made.digest, definition=made.canonical)
    return snapshot_of([version])


def started(**labels: str) -> RunStarted:
    return RunStarted(workflow="w", input='{"a":1}', labels={"env": "", **labels}, request_hash=b"")


def job(topic: str, attempt: int = 1, *, run: str = "r1", step: str = "s") -> Job:
    return Job(
        job_id=f"{run}:{step}@{attempt}",
        step=step,
        attempt=attempt,
        kind="job",
        topic=topic,
        input="{}",
        tenant="acme",
        principal="ada",
        workflow="w",
    )


def answered(asked: Job, begun: RunStarted, *, under: Snapshot) -> Event:
    """What the kernel says of a job."""
    outcome = decide(under, facts_of_job(asked, run_facts(begun, meta("r1"))), phase="dispatch")
    said = outcome.as_decision(1)
    match said.decision:
        case "deny":
            return denied(asked, said)
        case "throttle":
            return JobThrottled(job_id=asked.job_id, step=asked.step, until=9, times=1, decision=said, job=asked)
        case "require_approval":
            assert outcome.terms is not None
            return question(asked, said, outcome.terms.text())
        case _:
            return WritIssued(job=asked, writ=writ(asked), decision=said)


def denied(asked: Job, said: Decision | None) -> JobDenied:
    return JobDenied(job_id=asked.job_id, step=asked.step, policy_snapshot="s", rule="r", reason="", decision=said)


def question(asked: Job, said: Decision, terms: str) -> ApprovalRequired:
    return ApprovalRequired(
        approval_id="r1:s#1",
        step=asked.step,
        job=asked,
        job_hash=b"",
        terms=terms,
        requester="ada",
        binding="",
        decision=said,
    )


def writ(asked: Job, approval_id: str = "") -> Writ:
    return Writ(
        writ_id="w",
        job_id=asked.job_id,
        job_hash=b"",
        pool="default",
        policy_snapshot="s",
        rule="r",
        issued_at=0,
        expires_at=1,
        approval_id=approval_id,
    )


def admission(begun: RunStarted, *, under: Snapshot) -> Event:
    said = decide(under, facts_of_run(begun, meta("r1")), phase="submit").as_decision(1)
    if said.decision == "allow":
        return RunAdmitted(decision=said, workflow=begun.workflow, labels=begun.labels, input=begun.input)
    return RunRejected(decision=said)


def recorded(*topics: str, **labels: str) -> list[Event]:
    """A run that asked for these, one after the other, and what was decided."""
    begun, under = started(**labels), snapshot()
    events: list[Event] = [begun, admission(begun, under=under)]
    for attempt, topic in enumerate(topics, start=1):
        asked = job(topic, attempt)
        events += [JobRequested(job=asked), answered(asked, begun, under=under)]
    return events


def rehearsed(events: list[Event], source: str = WAS, *, run: str = "r1", **about: Any) -> Backtested:
    subject = Backtest(snapshot(source))
    for event in events:
        subject.add(meta(run, **about), event)
    return subject.result()


def said_in(events: list[Event]) -> Decision:
    asked = events[-1]
    assert isinstance(asked, ApprovalRequired)
    return asked.decision


def counts(found: Backtested) -> tuple[int, int, int, int]:
    assert found.decisions == found.same + found.changed + found.unknown + found.aside
    return found.same, found.changed, found.unknown, found.aside


ALL = ("job.any", "job.ask", "job.slow", "job.limited", "job.never")


def test_the_same_rules_say_the_same() -> None:
    found = rehearsed(recorded(*ALL))
    assert counts(found) == (6, 0, 0, 0)
    assert (found.runs, found.runs_changed, found.changes) == (1, 0, ())
    assert found.policy_snapshot == snapshot().name


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("decision: deny}\n  - {id: rest", "decision: allow}\n  - {id: rest", ("deny", "never", "allow", "never")),
        ("max_runtime_ms: 9", "max_runtime_ms: 8", ("allow_with_constraints", "limited") * 2),
        ("required: 1", "required: 2", ("require_approval", "ask") * 2),
        ("decision: throttle", "decision: allow", ("throttle", "slow", "allow", "slow")),
        ("topics: [job.ask]", "topics: [job.nothing]", ("require_approval", "ask", "allow", "rest")),
    ],
)
def test_what_would_be_another_is_told_by_its_rules(before: str, after: str, kind: tuple[str, ...]) -> None:
    assert before in WAS
    runs = [[*recorded(topic)] for topic in ALL]
    subject = Backtest(snapshot(WAS.replace(before, after)))
    for number, events in enumerate(runs):
        for event in events:
            subject.add(meta(f"r{number}"), event)
    found = subject.result()
    assert counts(found) == (9, 1, 0, 0)
    [change] = found.changes
    said = (change.was, change.was_rule, change.would_be, change.rule)
    assert said == tuple(f"team/floor#{one}" if place % 2 else one for place, one in enumerate(kind))
    assert (change.times, len(change.examples)) == (1, 1)


def test_after_the_first_change_of_a_run_the_rest_is_unknown() -> None:
    source = WAS.replace("topics: [job.ask]", "topics: [job.nothing]")
    assert counts(rehearsed(recorded(*ALL), source)) == (2, 1, 3, 0)


def test_of_a_run_that_would_be_rejected_all_jobs_are_unknown() -> None:
    found = rehearsed(recorded("job.any", "job.any", env="here"), WAS.replace("'gone'", "'here'"))
    assert counts(found) == (0, 1, 2, 0)
    assert found.changes[0].examples == ["r1"]


def test_of_a_run_that_is_rejected_as_before_so_are_its_jobs() -> None:
    begun = started(env="gone")
    rejected = admission(begun, under=snapshot())
    assert isinstance(rejected, RunRejected)
    asked = job("job.any")
    events: list[Event] = [begun, JobRequested(job=asked), rejected, denied(asked, rejected.decision)]
    assert counts(rehearsed(events)) == (2, 0, 0, 0)
    assert counts(rehearsed(events, WAS.replace("'gone'", "'other'"))) == (0, 1, 1, 0)


def test_the_streams_may_be_heard_in_any_order() -> None:
    events = recorded(*ALL)
    facts: list[Event] = [event for event in events if isinstance(event, RunStarted | JobRequested)]
    decisions = [event for event in events if event not in facts]
    assert counts(rehearsed(facts + decisions)) == counts(rehearsed(decisions + facts)) == (6, 0, 0, 0)
    rejected = recorded(env="gone")
    assert counts(rehearsed(rejected[::-1])) == (1, 0, 0, 0)


def test_also_where_the_end_of_a_run_is_heard_before_its_beginning() -> None:
    """Clocks differ by a minute: by their times a case may be closed before its run has started."""
    events = recorded(*ALL)
    facts: list[Event] = [event for event in events if isinstance(event, RunStarted | JobRequested)]
    decisions = [*(event for event in events if event not in facts), CaseClosed(status="denied")]
    assert counts(rehearsed(decisions + facts)) == (6, 0, 0, 0)
    known = recorded("job.any")
    assert counts(rehearsed([known[1], known[3], CaseClosed(status="succeeded"), known[0], known[2]])) == (2, 0, 0, 0)


def test_of_each_attempt_the_first_decision_counts() -> None:
    events = recorded("job.ask")
    asked = job("job.ask")
    given = WritIssued(job=asked, writ=writ(asked, "r1:s#1"), decision=said_in(events))
    assert counts(rehearsed([*events, given, JobRequested(job=asked)])) == (2, 0, 0, 0)


def test_a_grant_serves_the_next_attempt_on_the_terms_it_was_given_on() -> None:
    asked = job("job.ask", 2)
    events = recorded("job.ask")
    decision = said_in(events)
    for approval_id in ("r1:s#1", "unknown"):
        again: list[Event] = [
            JobRequested(job=asked),
            WritIssued(job=asked, writ=writ(asked, approval_id), decision=decision),
        ]
        assert counts(rehearsed([*events, *again])) == (3, 0, 0, 0)
    alone: list[Event] = [started(), WritIssued(job=asked, writ=writ(asked, "r1:s#1"), decision=decision)]
    assert counts(rehearsed(alone, WAS.replace("required: 1", "required: 2"))) == (1, 0, 0, 0)


def test_votes_that_satisfied_the_terms_of_then_tell_nothing_of_those_terms() -> None:
    """People were asked under one snapshot, and their votes were enough under the next: its terms are not on record."""
    strict = WAS.replace("required: 1", "required: 2")
    again = job("job.ask", 2)
    said = decide(snapshot(strict), facts_of_job(again, run_facts(started(), meta("r1"))), phase="dispatch")
    given = WritIssued(job=again, writ=writ(again, "r1:s#1"), decision=said.as_decision(2))
    subject = Backtest(snapshot(strict), since=2000)
    for at, event in ((1000, started()), (1000, recorded("job.ask")[-1]), (2000, given)):
        subject.add(meta("r1", at=at), event)
    assert counts(subject.result()) == (1, 0, 0, 0)


def test_what_no_bundle_decided_is_left_aside() -> None:
    said = Decision(decision="deny", policy_snapshot="s", rule="internal_error")
    asked = job("job.any", 2)
    events = [*recorded("job.any"), JobRequested(job=asked), denied(asked, said)]
    assert counts(rehearsed(events)) == (2, 0, 0, 1)


def test_the_default_decision_is_compared() -> None:
    events = [started(), admission(started(), under=snapshot_of(()))]
    found = rehearsed(events)
    assert counts(found) == (0, 1, 0, 0)
    assert (found.changes[0].was_rule, found.changes[0].rule) == ("default_decision", "team/floor#rest")


def test_what_was_decided_on_something_that_is_gone_is_unknown() -> None:
    said = Decision(decision="deny", policy_snapshot="s", rule="team/floor#never")
    lost = denied(job("job.never"), said)
    assert counts(rehearsed([lost])) == (0, 0, 1, 0)
    assert counts(rehearsed([lost, CaseClosed(status="failed"), CaseClosed(status="failed")])) == (0, 0, 1, 0)
    assert counts(rehearsed([RunRejected(decision=said)])) == (0, 0, 1, 0)


def test_a_run_whose_beginning_is_gone_is_known_by_what_its_decisions_carry() -> None:
    _, *rest = recorded("job.any")
    assert counts(rehearsed(rest)) == (2, 0, 0, 0)
    assert counts(rehearsed(rest[1:])) == (1, 0, 0, 0)


def test_only_what_was_decided_since_then_counts() -> None:
    subject = Backtest(snapshot(WAS.replace("decision: allow}", "decision: deny}")), since=2000)
    for at, event in zip((1000, 1000, 2000, 2000), recorded("job.any"), strict=True):
        subject.add(meta("r1", at=at), event)
    assert counts(subject.result()) == (0, 1, 0, 0)
    early = Backtest(snapshot(), since=2000)
    early.add(meta("r1", at=1000), denied(job("job.never"), Decision(decision="deny", policy_snapshot="s")))
    assert counts(early.result()) == (0, 0, 0, 0)


def test_other_events_say_nothing() -> None:
    others: list[Event] = [WritRevoked(job_id="r1:s@1", step="s"), denied(job("job.any"), None)]
    others.append(WritIssued(job=job("job.any"), writ=writ(job("job.any"))))
    assert counts(rehearsed(others)) == (0, 0, 0, 0)


def test_changes_are_bounded_and_the_most_frequent_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_GROUPS", 2)
    subject = Backtest(snapshot("bundle: team/floor\nrules: [{id: all, phase: dispatch, decision: deny}]\n"))
    for number in range(40):
        rule = f"other#rule{number}" if number < 10 else "other#often"
        said = Decision(decision="allow", policy_snapshot="s", rule=rule)
        asked = job("job.any", run=f"r{number}")
        subject.add(meta(f"r{number}"), WritIssued(job=asked, writ=writ(asked), decision=said))
    found = subject.result()
    assert [change.times for change in found.changes] == [38, 1, 1]
    assert all(len(change.examples) <= module.MAX_EXAMPLES for change in found.changes)
    assert found.changed == sum(change.times for change in found.changes) == 40


def test_the_terms_are_spelt_as_the_kernel_spells_them() -> None:
    asked = recorded("job.ask")[-1]
    assert isinstance(asked, ApprovalRequired)
    assert asked.terms == Terms.of(asked.terms).text()
