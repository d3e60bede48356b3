"""What an event makes of the questions of a run."""

import msgspec

from foldgate.approval.approvals.state import Question, Questions, Terms
from foldgate.contracts.events import (
    ApprovalClosed,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalOpened,
    ApprovalRefused,
    Event,
    Meta,
    QuestionsClosed,
    VoteRecorded,
    VoteRefused,
)
from foldgate.decider.decider import IllegalTransition

REQUESTS_REMEMBERED = 1000


def evolve(questions: Questions | None, meta: Meta, event: Event) -> Questions:
    """The questions after this event."""
    questions = questions or Questions()
    match event:
        case ApprovalOpened():
            return msgspec.structs.replace(questions, open={**questions.open, event.approval_id: _asked(event, meta)})
        case VoteRecorded():
            return _voted(_noted(questions, meta), event, meta)
        case VoteRefused():
            return _noted(questions, meta)
        case ApprovalGranted() | ApprovalRefused() | ApprovalExpired() | ApprovalClosed():
            return _over(questions, event.approval_id)
        case QuestionsClosed():
            return msgspec.structs.replace(questions, closed=True)
        case _:
            raise IllegalTransition(f"{type(event).__name__} is no event of a question: {meta.event_id}")


def _asked(event: ApprovalOpened, meta: Meta) -> Question:
    return Question(
        step=event.step,
        kind=event.kind,
        terms=msgspec.json.decode(event.terms, type=Terms),
        schema=event.schema,
        requester=event.requester,
        tenant=meta.tenant,
        opened_at=meta.at,
        expires_at=event.expires_at,
    )


def _noted(questions: Questions, meta: Meta) -> Questions:
    requests = (*questions.requests, (meta.principal, meta.request_id))[-REQUESTS_REMEMBERED:]
    return msgspec.structs.replace(questions, requests=requests)


def _voted(questions: Questions, event: VoteRecorded, meta: Meta) -> Questions:
    question = questions.open.get(event.approval_id)
    if question is None or event.voter in question.votes:
        raise IllegalTransition(f"A vote that does not fit: {meta.event_id}")
    if not event.approve:
        return questions
    voted = msgspec.structs.replace(question, votes={**question.votes, event.voter: event.data})
    return msgspec.structs.replace(questions, open={**questions.open, event.approval_id: voted})


def _over(questions: Questions, approval_id: str) -> Questions:
    left = {name: question for name, question in questions.open.items() if name != approval_id}
    return msgspec.structs.replace(questions, open=left, over=questions.over | {approval_id})
