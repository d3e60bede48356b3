"""Jobs that people are asked about: the question, and what becomes of their answers when policy has moved meanwhile."""

from typing import Any

import pytest

from foldgate.contracts.events import (
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRequired,
    Event,
    GrantRecorded,
    JobCancelRequested,
    JobDenied,
    JobThrottled,
    WritIssued,
    WritRevoked,
)
from foldgate.decider.decider import IllegalTransition, Message
from tests.support.given import meta
from tests.support.kernel import RUN, Kernel, job


def asks(required: int = 1, **terms: Any) -> dict[str, Any]:
    return {"decision": "require_approval", "phase": "dispatch", "approval": {"required": required, **terms}}


def names(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def asked(kernel: Kernel, attempt: int = 1, **changes: Any) -> ApprovalRequired:
    [required] = kernel.ask(attempt, **changes)
    assert isinstance(required, ApprovalRequired)
    return required


def test_people_are_asked_about_exactly_that_job() -> None:
    kernel = Kernel(asks(2, roles=["sre"]))
    kernel.start()
    required = asked(kernel)
    assert required.job == job()
    assert required.approval_id.startswith(f"{RUN}:job#")
    assert required.requester == "ada"
    assert required.decision.rule == "floor#r0"
    assert kernel.ask() == [], "once"
    [wait] = kernel.decider.waits(kernel.state)  # type: ignore[arg-type]
    assert wait.step == "job"
    assert "floor#r0" in wait.reason
    other = asked(Kernel(asks(2, roles=["sre"])), input='{"other":1}')
    assert other.approval_id != required.approval_id
    assert other.binding != required.binding
    assert asked(Kernel(asks(1))).binding != required.binding, "on other terms it is another question"


def test_what_people_allow_gets_its_writ_by_a_decision_of_its_own() -> None:
    kernel = Kernel(asks())
    required = asked(kernel)
    recorded, issued = kernel.grant(required, "bob")
    assert isinstance(recorded, GrantRecorded)
    assert [vote.voter for vote in recorded.votes] == ["bob"]
    assert isinstance(issued, WritIssued)
    assert issued.writ.approval_id == required.approval_id
    assert issued.decision is not None
    assert issued.decision.decision == "require_approval"
    assert kernel.grant(required, "bob") == [], "once"


def test_a_grant_holds_for_the_next_attempts_and_for_nothing_else() -> None:
    kernel = Kernel(asks())
    kernel.grant(asked(kernel), "bob")
    assert names(kernel.ask(2)) == ["WritIssued"]
    assert names(kernel.ask(3, input="[1]")) == ["ApprovalRequired"]
    assert names(kernel.ask(1, step="other")) == ["ApprovalRequired"]


def test_policy_that_allows_meanwhile_lets_the_job_go() -> None:
    kernel = Kernel(asks(2))
    required = asked(kernel)
    kernel.publish({"decision": "allow"})
    _, issued = kernel.grant(required, "bob", "eve")
    assert isinstance(issued, WritIssued)
    assert issued.writ.policies_offset == 2
    assert issued.writ.policy_snapshot == kernel.policies.active_name


def test_policy_that_denies_meanwhile_denies_with_both_decisions_told() -> None:
    kernel = Kernel(asks())
    required = asked(kernel)
    kernel.publish({"decision": "deny", "phase": "dispatch"})
    recorded, denied = kernel.grant(required, "bob")
    assert isinstance(recorded, GrantRecorded)
    assert isinstance(denied, JobDenied)
    assert denied.decision is not None
    assert denied.decision.policy_snapshot != required.decision.policy_snapshot


def test_votes_that_satisfy_the_terms_asked_now_are_enough() -> None:
    kernel = Kernel(asks(2))
    required = asked(kernel)
    kernel.publish(asks(2, exclude_requester=True))
    assert names(kernel.grant(required, "bob", "eve")) == ["GrantRecorded", "WritIssued"]


def test_votes_that_do_not_leave_the_question_open_under_the_new_terms() -> None:
    kernel = Kernel(asks(1))
    required = asked(kernel)
    kernel.publish(asks(2, roles=["sre"]))
    recorded, again = kernel.grant(required, "bob")
    assert isinstance(recorded, GrantRecorded)
    assert isinstance(again, ApprovalRequired)
    assert again.approval_id == required.approval_id
    assert again.terms != required.terms
    assert again.binding != required.binding
    assert names(kernel.grant(again, "bob", "eve", roles=("sre",))) == ["GrantRecorded", "WritIssued"]


def test_a_grant_on_weaker_terms_is_none_for_a_later_attempt() -> None:
    kernel = Kernel(asks(1))
    kernel.grant(asked(kernel), "bob")
    kernel.publish(asks(2))
    assert names(kernel.ask(2)) == ["ApprovalRequired"]
    kernel.publish(asks(1, roles=["sre"]))
    assert names(kernel.ask(3)) == ["ApprovalRequired"]
    kernel.publish(asks(1))
    assert names(kernel.ask(4)) == ["WritIssued"], "these were granted"


def test_the_same_terms_under_another_snapshot_ask_nobody_again() -> None:
    kernel = Kernel(asks(2))
    required = asked(kernel)
    kernel.publish(asks(2), {"decision": "deny", "match": {"topics": ["job.other"]}})
    granted = ApprovalGranted(approval_id=required.approval_id, step="job", by=("bob", "eve"))
    recorded, issued = kernel.when(granted)
    assert isinstance(recorded, GrantRecorded)
    assert [vote.voter for vote in recorded.votes] == ["bob", "eve"], "where only names are told"
    assert isinstance(issued, WritIssued)


def test_a_grant_may_be_throttled_and_is_kept() -> None:
    kernel = Kernel(asks())
    required = asked(kernel)
    kernel.publish({"decision": "throttle", "phase": "dispatch"})
    recorded, throttled = kernel.grant(required, "bob")
    assert isinstance(recorded, GrantRecorded)
    assert isinstance(throttled, JobThrottled)
    assert kernel.state is not None
    assert not kernel.state.asked
    kernel.publish(asks())
    assert names(kernel.ask(2)) == ["WritIssued"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda name: ApprovalRefused(approval_id=name, step="job", by=("eve",), reason="no"), "Refused by eve: no"),
        (lambda name: ApprovalRefused(approval_id=name, step="job", by=()), "Refused by somebody."),
        (lambda name: ApprovalExpired(approval_id=name, step="job"), "Nobody answered in time."),
    ],
)
def test_a_no_and_no_answer_deny_by_the_rule_that_asked(answer: Any, reason: str) -> None:
    kernel = Kernel(asks())
    required = asked(kernel)
    [denied] = kernel.when(answer(required.approval_id))
    assert isinstance(denied, JobDenied)
    assert (denied.rule, denied.reason) == ("floor#r0", reason)
    assert kernel.when(answer(required.approval_id)) == []


def test_answers_to_other_questions_are_none_of_its_business() -> None:
    kernel = Kernel(asks())
    asked(kernel)
    assert kernel.when(ApprovalGranted(approval_id=f"{RUN}:gate", step="gate", by=("bob",))) == []


def test_a_job_that_is_called_back_while_people_are_asked_never_gets_a_writ() -> None:
    kernel = Kernel(asks())
    required = asked(kernel)
    back = JobCancelRequested(job_id=job().job_id, step="job", ending="cancelled", reason="why", until=1)
    assert kernel.when(back) == [WritRevoked(job_id=job().job_id, step="job", pool="", reason="why")]
    assert kernel.grant(required, "bob") == []


def test_after_a_fault_of_ours_an_answer_denies() -> None:
    kernel = Kernel(asks())
    required = asked(kernel)
    granted = ApprovalGranted(approval_id=required.approval_id, step="job", by=("bob",))
    [denied] = kernel.decider.fail(kernel.state, Message(key=RUN, at=1, event=granted, meta=meta(RUN)), "broken")
    assert isinstance(denied, JobDenied)
    assert denied.rule == "internal_error"
    assert list(kernel.decider.fail(None, Message(key=RUN, at=1, event=granted, meta=meta(RUN)), "broken")) == []


def test_a_grant_for_no_question_is_a_fault() -> None:
    with pytest.raises(IllegalTransition):
        Kernel().decider.evolve(None, meta(RUN), GrantRecorded(approval_id="x", step="s", job_hash=b""))
