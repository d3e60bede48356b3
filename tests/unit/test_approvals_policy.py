"""Questions of policy: what people are shown, what happens when they are asked again, and when none is left open."""

from typing import Any

import msgspec
import pytest

from foldgate.approval.approvals.decide import approvals
from foldgate.approval.approvals.state import Questions, settles
from foldgate.approval.approvals.voters import Voters
from foldgate.authority.requests import sign_request
from foldgate.authority.terms import Quorum, Terms
from foldgate.authority.writ import job_hash
from foldgate.contracts import ids
from foldgate.contracts.events import (
    ApprovalClosed,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalOpened,
    ApprovalRefused,
    ApprovalRequested,
    ApprovalRequired,
    ApprovalRevised,
    CaseClosed,
    Decision,
    Event,
    Job,
    JobDenied,
    QuestionsClosed,
    RunCancelled,
    StepCancelled,
    Vote,
    VoteCast,
    VoteRecorded,
    VoteRefused,
    WritRevoked,
)
from foldgate.decider.decider import IllegalTransition, Message, Tick
from tests.support.given import Given, meta
from tests.support.keys import ISSUER, TRUST

RUN = "run_1"
DECIDER = approvals(Voters(TRUST))
JOB = Job(
    job_id=f"{RUN}:apply@1",
    step="apply",
    attempt=1,
    kind="job",
    topic="job.apply",
    input='{"replicas":5}',
    labels={"env": "prod"},
    tenant="acme",
    principal="ada",
    workflow="deploy",
    digest="d1",
    risk_tags=("prod", "write"),
)
ASKED = f"{RUN}:apply#{job_hash(JOB).hex()}"


def required(terms: Terms, *, snapshot: str = "snapshot_1", job: Job = JOB, requester: str = "ada") -> ApprovalRequired:
    about = job_hash(job)
    return ApprovalRequired(
        approval_id=ASKED,
        step=job.step,
        job=job,
        job_hash=about,
        terms=terms.text(),
        requester=requester,
        binding=ids.digest(about.hex(), terms.text()).hex(),
        decision=Decision(
            decision="require_approval", policy_snapshot=snapshot, rule="b#two", reason="Two must agree."
        ),
    )


def binding_of(terms: Terms) -> str:
    return required(terms).binding


def run(*asked: ApprovalRequired | ApprovalRequested) -> Given[Questions]:
    subject: Given[Questions] = Given(DECIDER, key=RUN)
    for one in asked:
        subject.when(one, at=1000)
    return subject


def vote(subject: Given[Questions], by: str, approve: bool = True, *, at: int = 2000, **said: Any) -> list[Event]:
    cast = VoteCast(**{"approval_id": ASKED, "approve": approve, **said})
    about = {"principal": by, "request_id": f"{by}-{at}"}
    return subject.when(sign_request(ISSUER, meta(RUN, **about), cast), at=at, **about)


def code(events: list[Event]) -> str:
    [event] = events
    assert isinstance(event, VoteRefused)
    assert event.reason.startswith("Expected")
    return event.code


def kinds(events: list[Event]) -> list[type]:
    return [type(event) for event in events]


def test_people_are_shown_what_would_be_done_and_why_they_are_asked() -> None:
    terms = Terms(required=2, roles=("sre",), expires_in_ms=500)
    [opened] = run().when(required(terms), at=1000)
    assert isinstance(opened, ApprovalOpened)
    assert (opened.kind, opened.requester, opened.expires_at) == ("policy", "ada", 1500)
    assert (opened.job_hash, opened.policy_snapshot, opened.digest) == (job_hash(JOB), "snapshot_1", "d1")
    assert (opened.terms, opened.binding) == (terms.text(), binding_of(terms))
    assert msgspec.json.decode(opened.input) == {
        "rule": "b#two",
        "reason": "Two must agree.",
        "job": {
            "kind": "job",
            "topic": "job.apply",
            "input": {"replicas": 5},
            "labels": {"env": "prod"},
            "tenant": "acme",
            "principal": "ada",
            "workflow": "deploy",
            "risk_tags": ["prod", "write"],
        },
    }


def test_who_asked_for_the_job_is_who_the_question_is_from_where_it_does_not_say() -> None:
    [opened] = run().when(required(Terms(), requester=""))
    assert isinstance(opened, ApprovalOpened)
    assert opened.requester == "ada"


def test_only_the_roles_that_are_asked_for_count() -> None:
    subject = run(required(Terms(roles=("sre",), also=(Quorum(roles=("law",)),))))
    assert code(vote(subject, "bob", roles=("dev",))) == "not_allowed"
    assert kinds(vote(subject, "bob", roles=("sre",), at=2001)) == [VoteRecorded]
    recorded, granted = vote(subject, "eve", roles=("law", "dev"))
    assert isinstance(recorded, VoteRecorded)
    assert recorded.roles == ("law", "dev")
    assert granted == ApprovalGranted(
        approval_id=ASKED,
        step="apply",
        by=("bob", "eve"),
        votes=(Vote(voter="bob", roles=("sre",), at=2001), Vote(voter="eve", roles=("law", "dev"), at=2000)),
    )


def test_under_a_majority_one_no_does_not_end_it() -> None:
    subject = run(required(Terms(required=2, majority=True)))
    assert kinds(vote(subject, "bob", False)) == [VoteRecorded]
    assert kinds(vote(subject, "eve")) == [VoteRecorded]
    _, granted = vote(subject, "kim")
    assert isinstance(granted, ApprovalGranted)
    assert granted.by == ("eve", "kim")
    assert [(one.voter, one.approve) for one in granted.votes] == [("bob", False), ("eve", True), ("kim", True)]


def test_under_a_majority_as_many_noes_as_yeses_would_be_needed_end_it() -> None:
    subject = run(required(Terms(required=2, majority=True)))
    vote(subject, "bob", False)
    vote(subject, "eve")
    _, refused = vote(subject, "kim", False, reason="no")
    assert refused == ApprovalRefused(approval_id=ASKED, step="apply", by=("bob", "kim"), reason="no")


def test_another_snapshot_alone_changes_nothing() -> None:
    subject = run(required(Terms(required=2)))
    vote(subject, "bob")
    assert subject.when(required(Terms(required=2), snapshot="snapshot_2")) == []
    assert kinds(vote(subject, "eve", binding=binding_of(Terms(required=2)))) == [VoteRecorded, ApprovalGranted]


def test_a_vote_on_what_is_asked_no_longer_is_stale() -> None:
    old, new = Terms(required=2), Terms(required=3, expires_in_ms=700)
    subject = run(required(old))
    assert kinds(vote(subject, "bob", binding=binding_of(old))) == [VoteRecorded]
    [revised] = subject.when(required(new, snapshot="snapshot_2"), at=1500)
    assert revised == ApprovalRevised(
        approval_id=ASKED,
        step="apply",
        terms=new.text(),
        binding=binding_of(new),
        policy_snapshot="snapshot_2",
        expires_at=2200,
        reason="Two must agree.",
    )
    assert code(vote(subject, "eve", binding=binding_of(old))) == "approval_stale"
    assert kinds(vote(subject, "eve", binding=binding_of(new), at=2001)) == [VoteRecorded]
    assert code(vote(subject, "bob", binding=binding_of(new), at=2001)) == "already_voted", "and it still counts"
    assert kinds(vote(subject, "kim")) == [VoteRecorded, ApprovalGranted], "who names none votes on what is asked now"


def test_votes_that_do_not_count_on_the_new_terms_are_gone() -> None:
    subject = run(required(Terms(required=3)))
    for by, roles in (("ada", ("sre",)), ("bob", ("dev",))):
        vote(subject, by, roles=roles)
    assert kinds(subject.when(required(Terms(required=2, roles=("sre",), exclude_requester=True)))) == [ApprovalRevised]
    assert kinds(vote(subject, "bob", roles=("sre",), at=2001)) == [VoteRecorded], "as somebody who may"
    assert code(vote(subject, "ada", roles=("sre",), at=2001)) == "not_allowed"
    assert kinds(vote(subject, "eve", roles=("sre",))) == [VoteRecorded, ApprovalGranted]


def test_new_terms_may_be_satisfied_by_what_was_given() -> None:
    subject = run(required(Terms(required=3)))
    vote(subject, "bob")
    vote(subject, "eve")
    revised, granted = subject.when(required(Terms(required=2)))
    assert isinstance(revised, ApprovalRevised)
    assert isinstance(granted, ApprovalGranted)
    assert granted.by == ("bob", "eve")


def test_a_no_that_a_majority_bore_is_one_when_there_is_none_any_more() -> None:
    subject = run(required(Terms(required=2, majority=True)))
    vote(subject, "bob", False)
    _, refused = subject.when(required(Terms(required=2)))
    assert isinstance(refused, ApprovalRefused)
    assert refused.by == ("bob",)


def test_weaker_terms_do_not_satisfy_stricter_ones() -> None:
    """The kernel decides again after a yes, and asks for more: the question is open again, with the votes it had."""
    subject = run(required(Terms(required=1)))
    assert kinds(vote(subject, "bob")) == [VoteRecorded, ApprovalGranted]
    assert code(vote(subject, "eve")) == "not_open"
    assert kinds(subject.when(required(Terms(required=2)), at=3000)) == [ApprovalRevised]
    [waiting] = DECIDER.waits(subject.state or Questions())
    assert (waiting.reason, waiting.since) == ("1 of 2 votes", 3000)
    assert code(vote(subject, "bob", at=3001)) == "already_voted"
    assert kinds(vote(subject, "eve", at=3002)) == [VoteRecorded, ApprovalGranted]


def test_what_was_granted_is_granted_again_on_the_same_terms() -> None:
    subject = run(required(Terms()))
    [_, granted] = vote(subject, "bob")
    assert subject.when(required(Terms(), snapshot="snapshot_2")) == [granted]
    assert subject.when(required(Terms())) == [granted]


def test_of_another_job_under_the_same_name_no_vote_counts() -> None:
    subject = run(required(Terms(required=2)))
    vote(subject, "bob")
    other = msgspec.structs.replace(JOB, input='{"replicas":6}')
    [revised] = subject.when(required(Terms(required=2), job=other))
    assert isinstance(revised, ApprovalRevised)
    assert revised.job_hash == job_hash(other)
    assert '"replicas":6' in revised.input
    assert code(vote(subject, "eve", binding=binding_of(Terms(required=2)))) == "approval_stale"
    assert kinds(vote(subject, "bob", at=2001)) == [VoteRecorded]
    assert kinds(vote(subject, "eve", at=2001)) == [VoteRecorded, ApprovalGranted]


def test_a_step_that_asks_something_else_asks_anew() -> None:
    name = f"{RUN}:ask"
    first = ApprovalRequested(step="ask", approval_id=name, kind="input", input="1", terms="{}", binding="b1")
    other = msgspec.structs.replace(first, input="2", binding="b2", schema='{"type":"integer"}')
    subject = run(first)
    [revised] = subject.when(other)
    assert isinstance(revised, ApprovalRevised)
    assert (revised.input, revised.schema, revised.binding) == ("2", '{"type":"integer"}', "b2")
    assert code(vote(subject, "bob", approval_id=name, binding="b1", data="3")) == "approval_stale"
    assert code(vote(subject, "bob", approval_id=name, data='"x"', at=2001)) == "invalid_data"
    assert kinds(vote(subject, "bob", approval_id=name, data="3", at=2002)) == [VoteRecorded, ApprovalGranted]


@pytest.mark.parametrize("on_expire", ["denied", "timed_out"])
def test_what_is_refused_or_expired_stays_so(on_expire: Any) -> None:
    subject = run(required(Terms(expires_in_ms=500, on_expire=on_expire)))
    expired = ApprovalExpired(approval_id=ASKED, step="apply", on_expire=on_expire)
    assert subject.when(Tick(), at=1500) == [expired]
    [refused] = subject.when(required(Terms()))
    assert isinstance(refused, ApprovalRefused)
    assert code(vote(subject, "bob")) == "not_open"


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (WritRevoked(job_id=JOB.job_id, step="apply"), "cancelled"),
        (JobDenied(job_id=JOB.job_id, step="apply", policy_snapshot="s", rule="r", reason="r"), "denied"),
        (StepCancelled(step="apply", reason="r"), "cancelled"),
    ],
)
def test_no_question_outlives_what_it_was_asked_for(end: Event, reason: str) -> None:
    subject = run(required(Terms()))
    other = ApprovalRequested(step="other", approval_id=f"{RUN}:other", kind="approval", input="1", terms="{}")
    subject.when(other)
    assert subject.when(end) == [ApprovalClosed(approval_id=ASKED, step="apply", reason=reason)]
    assert subject.when(end) == []


def test_a_gate_is_not_closed_by_what_becomes_of_a_job() -> None:
    subject = run(ApprovalRequested(step="apply", approval_id=f"{RUN}:apply", kind="approval", input="1", terms="{}"))
    assert subject.when(WritRevoked(job_id=JOB.job_id, step="apply")) == []


def test_whichever_end_of_the_run_is_read_first_all_is_closed() -> None:
    subject = run(required(Terms()))
    closed = ApprovalClosed(approval_id=ASKED, step="apply", reason="run_ended")
    assert subject.when(CaseClosed(status="cancelled")) == [closed, QuestionsClosed(status="cancelled")]
    assert subject.ended
    late = run()
    assert late.when(RunCancelled(reason="r")) == [], "the run's end was read before what policy asked for it"
    late.when(required(Terms()))
    assert late.when(CaseClosed(status="cancelled"))[0] == closed


def test_a_question_of_policy_that_cannot_be_asked_is_refused() -> None:
    message = Message(key=RUN, at=1, event=required(Terms()), meta=meta(RUN))
    assert list(DECIDER.fail(None, message, "broken")) == [
        ApprovalRefused(approval_id=ASKED, step="apply", by=(), reason="broken")
    ]


def test_how_long_a_question_was_open_is_known() -> None:
    subject = run(required(Terms()))
    granted = ApprovalGranted(approval_id=ASKED, step="apply", by=("bob",))
    assert settles(subject.state, granted) == 1000
    assert settles(subject.state, VoteRecorded(approval_id=ASKED, step="apply", voter="bob", approve=True)) is None
    assert settles(None, granted) is None
    vote(subject, "bob")
    assert settles(subject.state, granted) is None, "a yes that is said again was measured"


def test_what_is_not_there_cannot_change() -> None:
    revised = ApprovalRevised(approval_id=ASKED, step="apply", terms="{}", binding="b")
    with pytest.raises(IllegalTransition):
        DECIDER.evolve(None, meta(RUN), revised)
