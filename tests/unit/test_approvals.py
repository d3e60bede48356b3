"""Questions to people: when one is asked, when it is answered, which votes count."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foldgate.approval.approvals.counting import MAX_DATA_BYTES, MAX_REASON
from foldgate.approval.approvals.decide import MAX_OVER, approvals
from foldgate.approval.approvals.evolve import REQUESTS_REMEMBERED
from foldgate.approval.approvals.state import Questions
from foldgate.approval.approvals.voters import Voters
from foldgate.authority.requests import sign_request
from foldgate.contracts.events import (
    ApprovalClosed,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalOpened,
    ApprovalRefused,
    ApprovalRequested,
    Event,
    QuestionsClosed,
    RunCancelled,
    RunDenied,
    RunFailed,
    RunSucceeded,
    RunTimedOut,
    StepCancelled,
    StepDenied,
    StepFailed,
    StepTimedOut,
    Vote,
    VoteCast,
    VoteRecorded,
    VoteRefused,
)
from foldgate.decider.decider import IllegalTransition, Message, SetAside, Tick, Wait
from tests.support.given import Given, meta
from tests.support.keys import ISSUER, TRUST

RUN = "run_1"
DECIDER = approvals(Voters(TRUST))
ASKED = f"{RUN}:ask"
NUMBERS = itertools.count(1)


def asked(step: str = "ask", *, kind: str = "approval", schema: Any = None, **terms: Any) -> ApprovalRequested:
    return ApprovalRequested(
        step=step,
        approval_id=f"{RUN}:{step}",
        kind=kind,
        input='{"shown":1}',
        terms=msgspec.json.encode(terms).decode(),
        schema=msgspec.json.encode(schema).decode() if schema is not None else "",
        binding="b",
        requester="ada",
    )


def run(*questions: ApprovalRequested) -> Given[Questions]:
    """A run that asks this since 1000."""
    subject: Given[Questions] = Given(DECIDER, key=RUN)
    for question in questions:
        subject.when(question, at=1000)
    return subject


def vote(
    subject: Given[Questions],
    approve: bool = True,
    *,
    by: str = "bob",
    at: int = 2000,
    question: str = ASKED,
    **said: Any,
) -> list[Event]:
    cast = VoteCast(approval_id=question, approve=approve, **said)
    return send(subject, cast, at=at, principal=by, request_id=f"r{next(NUMBERS)}")


def send(subject: Given[Questions], cast: VoteCast, *, at: int = 2000, **about: Any) -> list[Event]:
    """The vote as an issuer has vouched for it."""
    return subject.when(sign_request(ISSUER, meta(RUN, **about), cast), at=at, **about)


def given_by(voter: str, *, at: int = 2000) -> Vote:
    return Vote(voter=voter, at=at)


def refused_with(events: list[Event]) -> str:
    [event] = events
    assert isinstance(event, VoteRefused)
    assert event.reason.startswith("Expected")
    return event.code


def due(subject: Given[Questions]) -> int | None:
    assert subject.state is not None
    return DECIDER.due(subject.state)


def test_what_a_step_asks_can_be_answered_from_then_on() -> None:
    subject = run()
    [opened] = subject.when(asked(expires_in_ms=500), at=1000)
    assert opened == ApprovalOpened(
        approval_id=ASKED,
        step="ask",
        kind="approval",
        input='{"shown":1}',
        terms='{"expires_in_ms":500}',
        binding="b",
        requester="ada",
        expires_at=1500,
    )
    assert subject.when(asked(expires_in_ms=500)) == [], "it asks once"
    vote(subject, at=1100)
    assert subject.when(asked(expires_in_ms=500)) == [], "also when it is over"


def test_who_asked_for_the_run_is_who_the_question_is_from_where_it_does_not_say() -> None:
    [opened] = run().when(msgspec.structs.replace(asked(), requester=""), principal="eve")
    assert isinstance(opened, ApprovalOpened)
    assert opened.requester == "eve"


def test_one_yes_grants_by_default() -> None:
    recorded, granted = vote(run(asked()), data=' {"b":1, "a":2}', reason="fine")
    data = '{"a":2,"b":1}'
    assert recorded == VoteRecorded(approval_id=ASKED, step="ask", voter="bob", approve=True, data=data, reason="fine")
    assert granted == ApprovalGranted(approval_id=ASKED, step="ask", by=("bob",), data=data, votes=(given_by("bob"),))


def test_so_many_say_yes_as_must_and_each_once() -> None:
    subject = run(asked(required=2))
    assert len(vote(subject)) == 1
    assert refused_with(vote(subject, at=2001)) == "already_voted"
    _, granted = vote(subject, by="eve")
    votes = (given_by("bob"), given_by("eve"))
    assert granted == ApprovalGranted(approval_id=ASKED, step="ask", by=("bob", "eve"), votes=votes)


def test_the_first_no_ends_it() -> None:
    subject = run(asked(required=3))
    vote(subject, by="eve")
    recorded, refused = vote(subject, False, reason="not on a Friday", data="no JSON, and nobody asks for any")
    assert isinstance(recorded, VoteRecorded)
    assert refused == ApprovalRefused(approval_id=ASKED, step="ask", by=("bob",), reason="not on a Friday")
    assert refused_with(vote(subject, by="kim")) == "not_open"


def test_who_asked_for_the_run_may_be_kept_out() -> None:
    assert len(vote(run(asked()), by="ada")) == 2, "but is not unless the terms say so"
    subject = run(asked(exclude_requester=True))
    assert refused_with(vote(subject, by="ada")) == "not_allowed"
    assert len(vote(subject, by="bob")) == 2


def test_nobody_votes_without_a_name_or_from_elsewhere() -> None:
    subject = run(asked())
    assert refused_with(vote(subject, by="")) == "not_allowed"
    cast = VoteCast(approval_id=ASKED, approve=True)
    assert refused_with(send(subject, cast, tenant="others", principal="bob", request_id="x")) == "not_allowed"


def test_the_same_request_twice_adds_nothing() -> None:
    subject, cast = run(asked(required=2)), VoteCast(approval_id=ASKED, approve=True)
    assert len(send(subject, cast, principal="bob", request_id="x")) == 1
    assert send(subject, cast, principal="bob", request_id="x") == []
    assert len(send(subject, cast, principal="eve", request_id="x")) == 2, "another's request has its own ids"
    assert send(subject, cast, principal="bob", request_id="x") == []


def test_a_refused_vote_is_refused_once() -> None:
    subject, cast = run(asked()), VoteCast(approval_id="other", approve=True)
    assert refused_with(send(subject, cast, principal="bob", request_id="x")) == "unknown_approval"
    assert send(subject, cast, principal="bob", request_id="x") == []


def test_so_many_requests_are_remembered() -> None:
    subject = run(asked(required=2 * REQUESTS_REMEMBERED))
    for number in range(REQUESTS_REMEMBERED + 1):
        vote(subject, by=f"voter {number}")
    assert subject.state is not None
    assert len(subject.state.requests) == REQUESTS_REMEMBERED
    assert refused_with(vote(subject, by="voter 0")) == "already_voted", "who has voted is known for good"


NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@pytest.mark.parametrize("data", ['{"n":"x"}', "{}", "null", "no JSON", '"' + "x" * MAX_DATA_BYTES + '"'])
def test_data_that_is_asked_for_must_fit(data: str) -> None:
    subject = run(asked(kind="input", schema=NUMBER))
    assert refused_with(vote(subject, data=data)) == "invalid_data"
    _, granted = vote(subject, data='{"n":1}')
    assert isinstance(granted, ApprovalGranted)
    assert granted.data == '{"n":1}'


def test_without_a_schema_any_data_fits() -> None:
    _, granted = vote(run(asked(kind="input")), data="[1, 2]")
    assert isinstance(granted, ApprovalGranted)
    assert granted.data == "[1,2]"


def test_where_several_must_give_data_they_must_agree() -> None:
    subject = run(asked(kind="input", required=2))
    vote(subject, data="[1, 2]")
    assert refused_with(vote(subject, by="eve", data="[2,1]")) == "invalid_data"
    _, granted = vote(subject, by="eve", data="[1,2]")
    assert isinstance(granted, ApprovalGranted)
    assert granted.data == "[1,2]"


def test_reasons_and_names_are_bounded() -> None:
    recorded, refused = vote(run(asked()), False, reason="x" * 10_000)
    assert isinstance(recorded, VoteRecorded)
    assert isinstance(refused, ApprovalRefused)
    assert len(recorded.reason) == len(refused.reason) == MAX_REASON
    [event] = vote(run(asked()), question="x" * 10_000)
    assert isinstance(event, VoteRefused)
    assert len(event.approval_id) + len(event.reason) < 1000
    cast = VoteCast(approval_id=ASKED, approve=True)
    for principal, request_id in (("x" * 256, "r"), ("bob", "x" * 256)):
        with pytest.raises(SetAside, match="at most 255") as caught:
            send(run(asked()), cast, principal=principal, request_id=request_id)
        assert caught.value.code == "name_too_long"


def test_a_vote_for_a_run_that_asks_nothing_is_set_aside() -> None:
    with pytest.raises(SetAside, match="Expected a run that asks something") as caught:
        vote(run())
    assert caught.value.code == "unknown_approval"


@pytest.mark.parametrize(
    "terms", [{"expires_in": 500}, {"expires_in_ms": 500}, {"expires_in": 9, "expires_in_ms": 500}]
)
@pytest.mark.parametrize(
    ("on_expire", "ending"), [("denied", "denied"), ("deny", "denied"), ("timed_out", "timed_out")]
)
def test_a_question_expires(terms: dict[str, Any], on_expire: str, ending: str) -> None:
    subject = run(asked(on_expire=on_expire, **terms), asked("later", expires_in_ms=900), asked("never"))
    assert due(subject) == 1500
    assert refused_with(vote(subject, at=1500)) == "not_open", "its time is over, though nobody has said so yet"
    assert subject.when(Tick(), at=1500) == [ApprovalExpired(approval_id=ASKED, step="ask", on_expire=ending)]
    assert due(subject) == 1900
    assert refused_with(vote(subject, by="eve")) == "not_open"


def test_many_that_expire_together_do_so_in_several_decisions() -> None:
    subject = run(*(asked(f"ask[{number}]", expires_in_ms=500) for number in range(MAX_OVER + 1)))
    assert len(subject.when(Tick(), at=1500)) == MAX_OVER
    assert due(subject) == 1500
    assert len(subject.when(Tick(), at=1500)) == 1
    assert due(subject) is None


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (StepCancelled(step="ask", reason="r"), "cancelled"),
        (StepTimedOut(step="ask", code="timeout", reason="r"), "timed_out"),
        (StepFailed(step="ask", code="c", message="m"), "failed"),
        (StepDenied(step="ask", rule="r", reason="r"), "denied"),
    ],
)
def test_what_a_step_asked_is_closed_with_it(end: Event, reason: str) -> None:
    subject = run(asked(), asked("other"))
    assert subject.when(end) == [ApprovalClosed(approval_id=ASKED, step="ask", reason=reason)]
    assert subject.when(end) == [], "what is over is over"
    assert refused_with(vote(subject)) == "not_open"
    assert len(vote(subject, question=f"{RUN}:other")) == 2


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (RunSucceeded(output="1"), "succeeded"),
        (RunFailed(code="c", message="m"), "failed"),
        (RunDenied(rule="r", reason="r"), "denied"),
        (RunTimedOut(code="c", reason="r"), "timed_out"),
        (RunCancelled(reason="r"), "cancelled"),
    ],
)
def test_all_is_closed_with_the_run(end: Event, status: str) -> None:
    assert run().when(end) == [], "of a run that asked nothing there is nothing to close"
    subject = run(asked(), asked("other"))
    vote(subject)
    assert subject.when(end) == [
        ApprovalClosed(approval_id=f"{RUN}:other", step="other", reason="run_ended"),
        QuestionsClosed(status=status),
    ]
    assert subject.ended


def test_people_are_told_what_is_waited_for() -> None:
    subject = run(asked(required=3, expires_in_ms=900))
    vote(subject, at=1500)
    assert subject.state is not None
    assert list(DECIDER.waits(subject.state)) == [Wait("ask", "2 of 3 votes", 1000, 1900)]
    assert list(DECIDER.watches(subject.state)) == [("people", 1000)]


def test_other_messages_say_nothing() -> None:
    assert run().when(Tick()) == []
    assert run(asked()).when(VoteRecorded(approval_id=ASKED, step="ask", voter="bob", approve=True)) == []


@pytest.mark.parametrize(
    "question",
    [
        msgspec.structs.replace(asked(), terms='{"required":"many"}'),
        msgspec.structs.replace(asked(), terms="no JSON"),
        asked(kind="input", schema={"type": "no type"}),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_and_its_step_goes_on(question: ApprovalRequested) -> None:
    subject, message = run(), Message(key=RUN, at=1, event=question, meta=meta(RUN))
    with pytest.raises(Exception, match=r"Expected|JSON"):
        subject.when(question)
    [refused] = DECIDER.fail(None, message, "broken")
    assert refused == ApprovalRefused(approval_id=ASKED, step="ask", by=(), reason="broken")
    assert isinstance(refused, ApprovalRefused)
    assert DECIDER.evolve(None, meta(RUN), refused).over == {ASKED}
    assert list(DECIDER.fail(None, Message(key=RUN, at=1, event=Tick()), "broken")) == []


@pytest.mark.parametrize(
    "event",
    [
        RunSucceeded(output="1"),
        VoteRecorded(approval_id=ASKED, step="ask", voter="bob", approve=True),
        VoteRecorded(approval_id="other", step="ask", voter="eve", approve=True),
    ],
)
def test_an_event_that_does_not_fit_is_a_fault(event: Event) -> None:
    subject = run(asked(required=2))
    vote(subject)
    with pytest.raises(IllegalTransition):
        DECIDER.evolve(subject.state, meta(RUN), event)


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from(["ada", "bob", "eve", "kim"]), st.booleans()), max_size=12),
)
def test_whatever_the_order_a_question_is_settled_once_and_by_enough(
    required: int, votes: list[tuple[str, bool]]
) -> None:
    subject = run(asked(required=required, exclude_requester=True))
    said = [event for n, (by, yes) in enumerate(votes) for event in vote(subject, yes, by=by, at=2000 + n)]
    ends = [event for event in said if isinstance(event, ApprovalGranted | ApprovalRefused)]
    assert len(ends) <= 1
    first = {by: yes for by, yes in reversed(votes) if by != "ada"}
    for end in ends:
        if isinstance(end, ApprovalGranted):
            assert len(set(end.by)) == len(end.by) == required
            assert "ada" not in end.by
        else:
            assert first[end.by[0]] is False
    if not ends:
        assert all(first.values())
        assert len(first) < required
