"""What the kernel says of runs, and of their jobs under the bundles that are active."""

import hashlib

import pytest

from foldgate.contracts.events import (
    Event,
    JobCancelRequested,
    JobDenied,
    JobRequested,
    JobThrottled,
    RunAdmitted,
    RunRejected,
    ShadowDecided,
    WritIssued,
    WritRevoked,
)
from foldgate.decider.decider import IllegalTransition, Message, Tick
from tests.support.given import meta
from tests.support.kernel import RUN, Kernel, job, started

STOP = {"decision": "throttle", "throttle": {"delay": "5s", "max_times": 2}, "match": {"topics": ["job.echo"]}}
NO_RUN = {"decision": "deny", "phase": "submit", "match": {"labels": {"team": "sre"}}, "reason": "Not this team."}


def names(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_run_is_admitted_with_what_policy_may_look_at_later() -> None:
    kernel = Kernel({"decision": "allow"})
    [admitted] = kernel.start()
    assert isinstance(admitted, RunAdmitted)
    assert (admitted.workflow, admitted.labels, admitted.input) == ("w", {"team": "sre"}, '{"n":3}')
    assert admitted.decision.policy_snapshot == kernel.policies.active_name
    assert admitted.decision.policies_offset == 1
    assert admitted.decision.trace
    assert kernel.start() == [], "once"


def test_a_job_is_judged_by_its_run_as_well() -> None:
    rule = {"decision": "deny", "when": "run.input.n == 3 && run.labels['team'] == 'sre' && run.workflow == 'w'"}
    kernel = Kernel(rule | {"phase": "dispatch"})
    assert names(kernel.start()) == ["RunAdmitted"]
    [denied] = kernel.ask()
    assert isinstance(denied, JobDenied)
    assert (denied.rule, denied.decision and denied.decision.rule) == ("floor#r0", "floor#r0")
    assert denied.decision is not None
    assert denied.decision.trace == ("floor: =r0",)


def test_of_a_run_that_began_before_runs_were_decided_on_the_job_tells() -> None:
    kernel = Kernel({"decision": "allow", "when": "run.workflow == 'w' && run.labels['l'] == '1'"}, default="deny")
    assert names(kernel.ask(labels={"l": "1"})) == ["WritIssued"]


def test_a_rejected_run_runs_none_of_its_jobs() -> None:
    kernel = Kernel(NO_RUN)
    [rejected] = kernel.start()
    assert isinstance(rejected, RunRejected)
    assert (rejected.decision.rule, rejected.decision.reason) == ("floor#r0", "Not this team.")
    assert kernel.start() == []
    kernel.publish({"decision": "allow"})
    [denied] = kernel.ask()
    assert isinstance(denied, JobDenied)
    assert (denied.rule, denied.reason) == ("floor#r0", "Not this team."), "whatever is active by now"


def test_without_a_bundle_the_default_decision_admits_or_rejects() -> None:
    assert names(Kernel(default_decision="allow").start()) == ["RunAdmitted"]
    [rejected] = Kernel().start()
    assert isinstance(rejected, RunRejected)
    assert rejected.decision.rule == "default_decision"


def test_a_writ_names_its_snapshot_and_place_and_what_must_hold() -> None:
    kernel = Kernel({"decision": "allow_with_constraints", "constraints": {"max_runtime_ms": 1000}})
    kernel.start()
    [issued] = kernel.ask()
    assert isinstance(issued, WritIssued)
    assert issued.decision is not None
    assert issued.decision.constraints == '{"max_runtime_ms":1000}'
    assert issued.writ.constraints_hash == hashlib.sha256(b'{"max_runtime_ms":1000}').digest()
    assert (issued.writ.policy_snapshot, issued.writ.policies_offset) == (kernel.policies.active_name, 1)
    assert (issued.writ.rule, issued.writ.approval_id, issued.writ.tenant) == ("floor#r0", "", "acme")


# Throttling.


def test_what_is_throttled_is_decided_on_again_at_its_time_and_not_for_ever() -> None:
    kernel = Kernel(STOP)
    [first] = kernel.ask(at=2000)
    assert isinstance(first, JobThrottled)
    assert (first.until, first.times, first.job) == (7000, 1, job())
    assert kernel.ask(at=2100) == [], "it was decided on"
    assert kernel.state is not None
    assert kernel.decider.due(kernel.state) == 7000
    [wait] = kernel.decider.waits(kernel.state)
    assert (wait.step, wait.since, wait.until) == ("job", 2000, 7000)
    assert "floor#r0" in wait.reason
    [second] = kernel.when(Tick(), at=7000)
    assert isinstance(second, JobThrottled)
    assert (second.until, second.times, second.job) == (12_000, 2, None), "the case has the job"
    [denied] = kernel.when(Tick(), at=12_000)
    assert isinstance(denied, JobDenied)
    assert denied.rule == "floor#r0"
    assert "throttled for too long" in denied.reason
    assert denied.decision is not None
    assert denied.decision.decision == "deny"
    assert kernel.decider.due(kernel.state) is None


def test_what_waits_and_what_was_said_is_told_in_a_word() -> None:
    kernel = Kernel(STOP)
    [throttled] = kernel.ask(at=2000)
    kernel.publish({"decision": "require_approval", "phase": "dispatch"})
    [required] = kernel.ask(step="other", at=3000)
    assert kernel.state is not None
    assert list(kernel.decider.watches(kernel.state)) == [("people", 3000), ("throttle", 2000)]
    kernel.publish({"decision": "deny", "phase": "dispatch"})
    [denied] = kernel.ask(step="third")
    kernel.publish({"decision": "allow"})
    [issued] = kernel.ask(step="fourth")
    said = [throttled, required, denied, issued]
    assert [kernel.decider.counts(one) for one in said] == ["throttled", "approval_required", "denied", "authorised"]
    assert kernel.decider.counts(started()) == ""


def test_each_that_is_throttled_has_its_own_time() -> None:
    kernel = Kernel(STOP)
    for number in (2, 1):
        kernel.ask(step=f"s{number}", at=1000 * (5 - number))
    kernel.publish({"decision": "allow"})
    first = kernel.when(Tick(), at=8500)
    assert [one.job.step for one in first if isinstance(one, WritIssued)] == ["s2"]
    assert kernel.decider.due(kernel.state) == 9000  # type: ignore[arg-type]


def test_what_is_throttled_gets_its_writ_when_policy_lets_it() -> None:
    kernel = Kernel(STOP)
    kernel.ask(at=2000)
    kernel.publish({"decision": "allow"})
    [issued] = kernel.when(Tick(), at=7000)
    assert isinstance(issued, WritIssued)
    assert issued.job == job()
    assert kernel.decider.due(kernel.state) is None  # type: ignore[arg-type]


def test_what_is_throttled_and_called_back_never_gets_a_writ() -> None:
    kernel = Kernel(STOP)
    kernel.ask()
    back = JobCancelRequested(job_id=job().job_id, step="job", ending="cancelled", reason="why", until=1)
    assert kernel.when(back) == [WritRevoked(job_id=job().job_id, step="job", pool="", reason="why")]
    assert kernel.when(Tick(), at=9000) == []
    assert kernel.when(back) == []


def test_of_many_that_are_throttled_as_many_are_decided_on_as_fit() -> None:
    kernel = Kernel(STOP)
    for number in range(5):
        kernel.ask(step=f"s{number}", input=f'"{"x" * 250_000}"', at=2000 + number)
    kernel.publish({"decision": "allow"})
    counts = []
    while (due := kernel.decider.due(kernel.state)) is not None and due <= 7004:  # type: ignore[arg-type]
        counts.append(len(kernel.when(Tick(), at=7004)))
    assert counts == [2, 2, 1]


# Shadows.


def test_a_shadow_is_recorded_beside_and_enforces_nothing() -> None:
    kernel = Kernel({"decision": "allow"})
    kernel.shadow({"decision": "require_approval", "match": {"topics": ["job.echo"]}})
    assert names(kernel.start()) == ["RunAdmitted", "ShadowDecided"]
    issued, shadowed = kernel.ask()
    assert isinstance(issued, WritIssued)
    assert isinstance(shadowed, ShadowDecided)
    assert (shadowed.job_id, shadowed.step, shadowed.bundle, shadowed.revision) == (job().job_id, "job", "draft", 3)
    assert shadowed.decision.decision == "require_approval"
    assert shadowed.decision.policy_snapshot != issued.writ.policy_snapshot
    assert kernel.state is not None
    assert not kernel.state.asked


# Faults of ours.


def test_after_a_fault_of_ours_nothing_is_allowed() -> None:
    kernel = Kernel(STOP)
    [rejected] = kernel.decider.fail(None, Message(key=RUN, at=1, event=started(), meta=meta(RUN)), "broken")
    assert isinstance(rejected, RunRejected)
    assert (rejected.decision.rule, rejected.decision.reason) == ("internal_error", "broken")
    kernel.ask(at=2000)
    [denied] = kernel.decider.fail(kernel.state, Message(key=RUN, at=7000, event=Tick()), "broken")
    assert isinstance(denied, JobDenied)
    assert (denied.job_id, denied.rule) == (job().job_id, "internal_error")
    again = Message(key=RUN, at=1, event=JobRequested(job=job()), meta=meta(RUN))
    assert list(kernel.decider.fail(kernel.state, again, "broken")) == [], "something was said of it"


def test_an_event_that_does_not_fit_the_case_is_a_fault() -> None:
    kernel = Kernel(STOP)
    [admitted] = Kernel({"decision": "allow"}).start()
    [throttled] = kernel.ask()
    assert isinstance(throttled, JobThrottled)
    unknown = JobThrottled(job_id="run_1:x@1", step="x", until=1, times=2, decision=throttled.decision)
    kernel.when(JobCancelRequested(job_id=job().job_id, step="job", ending="cancelled", reason="", until=1))
    for event in (unknown, throttled):
        with pytest.raises(IllegalTransition):
            kernel.decider.evolve(kernel.state, meta(RUN), event)
    begun = kernel.decider.evolve(None, meta(RUN), admitted)
    with pytest.raises(IllegalTransition):
        kernel.decider.evolve(begun, meta(RUN), admitted)
