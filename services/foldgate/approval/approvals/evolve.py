"""What an event makes of the questions of a run."""

import msgspec

from foldgate.approval.approvals.state import POLICY, Cast, Question, Questions, Request, opened, revised
from foldgate.contracts.events import (
    ApprovalClosed,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalOpened,
    ApprovalRefused,
    ApprovalRevised,
    Event,
    Meta,
    QuestionsClosed,
    Vote,
    VoteRecorded,
    VoteRefused,
)
from foldgate.decider.decider import IllegalTransition

REQUESTS_REMEMBERED = 1000
"""Of those that somebody vouched for, and as many of the others: whoever sends noise makes nobody's vote forgotten, so
one that did not count cannot be sent again when it would.
"""
VOUCHED_CODES = frozenset(
    {"unknown_approval", "not_open", "not_allowed", "already_voted", "approval_stale", "invalid_data"}
)
"""Why a vote does not count that somebody vouched for; every other code says that nobody did."""


def evolve(questions: Questions | None, meta: Meta, event: Event) -> Questions:
    """The questions after this event."""
    questions = questions or Questions()
    match event:
        case ApprovalOpened(approval_id=approval_id):
            return _open(questions, approval_id, opened(event, meta))
        case ApprovalRevised():
            return _revised(questions, event, meta)
        case VoteRecorded() | VoteRefused():
            return _answered(questions, event, meta)
        case ApprovalGranted() | ApprovalRefused() | ApprovalExpired() | ApprovalClosed():
            return _over(questions, event)
        case QuestionsClosed():
            return msgspec.structs.replace(questions, closed=True)
        case _:
            raise IllegalTransition(f"{type(event).__name__} is no event of a question: {meta.event_id}")


def _open(questions: Questions, approval_id: str, question: Question) -> Questions:
    return msgspec.structs.replace(
        questions,
        open={**questions.open, approval_id: question},
        granted=_without(questions.granted, approval_id),
        over=questions.over - {approval_id},
    )


def _revised(questions: Questions, event: ApprovalRevised, meta: Meta) -> Questions:
    asked = questions.open.get(event.approval_id)
    if asked is not None:
        return _open(questions, event.approval_id, revised(asked, event))
    again = questions.granted.get(event.approval_id)
    if again is None:
        raise IllegalTransition(f"A question that is not there cannot change: {meta.event_id}")
    since = msgspec.structs.replace(again, opened_at=meta.at)
    return _open(questions, event.approval_id, revised(since, event))


def _answered(questions: Questions, event: VoteRecorded | VoteRefused, meta: Meta) -> Questions:
    if isinstance(event, VoteRecorded):
        return _voted(_noted(questions, meta, vouched=True), event, meta)
    return _noted(questions, meta, vouched=event.code in VOUCHED_CODES)


def _noted(questions: Questions, meta: Meta, *, vouched: bool) -> Questions:
    before, noted = questions.requests, Request(meta.principal, meta.request_id, vouched)
    alike = [at for at, one in enumerate(before) if one.vouched == vouched]
    if len(alike) >= REQUESTS_REMEMBERED:
        before = (*before[: alike[0]], *before[alike[0] + 1 :])
    return msgspec.structs.replace(questions, requests=(*before, noted))


def _voted(questions: Questions, event: VoteRecorded, meta: Meta) -> Questions:
    question = questions.open.get(event.approval_id)
    if question is None or any(one.voter == event.voter for one in question.votes):
        raise IllegalTransition(f"A vote that does not fit: {meta.event_id}")
    vote = Vote(voter=event.voter, roles=event.roles, at=meta.at, approve=event.approve)
    voted = msgspec.structs.replace(question, cast=(*question.cast, Cast(vote, event.data)))
    return msgspec.structs.replace(questions, open={**questions.open, event.approval_id: voted})


def _over(
    questions: Questions, event: ApprovalGranted | ApprovalRefused | ApprovalExpired | ApprovalClosed
) -> Questions:
    """A question of policy that was granted is kept with its votes: should it be asked again, they are judged anew."""
    approval_id = event.approval_id
    question, left = questions.open.get(approval_id), _without(questions.open, approval_id)
    over = msgspec.structs.replace(questions, open=left, over=questions.over | {approval_id})
    if question is None or question.kind != POLICY or not isinstance(event, ApprovalGranted):
        return over
    return msgspec.structs.replace(over, granted={**questions.granted, approval_id: question})


def _without(questions: dict[str, Question], approval_id: str) -> dict[str, Question]:
    return {name: question for name, question in questions.items() if name != approval_id}
