"""The questions of one run, and the votes that were cast on them.

(none) --ApprovalOpened--> open --VoteRecorded, ApprovalRevised--> open   (until the votes come to an answer)
                           open --ApprovalGranted---> over, or granted if policy asked
                           open --ApprovalRefused---> over
                           open --ApprovalExpired---> over   (nobody answered in time)
                           open --ApprovalClosed----> over   (its step or run has ended otherwise)
                        granted --ApprovalGranted---> granted   (asked again on the same terms)
                        granted --ApprovalRevised---> open      (asked again, on terms that the votes may not satisfy)

QuestionsClosed comes last, with the end of the run. What is over stays over: only policy asks again, and only what was
granted.
"""

from collections.abc import Iterator

import msgspec

from foldgate.authority.terms import Terms, missing, objection
from foldgate.contracts.events import (
    ApprovalClosed,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalOpened,
    ApprovalRefused,
    ApprovalRevised,
    Event,
    Meta,
    Vote,
)
from foldgate.decider.decider import Wait

POLICY = "policy"


class Request(msgspec.Struct, frozen=True, array_like=True):
    """A vote that was answered: who asked under which id. What nobody vouched for is remembered apart, so that whoever
    takes another's name takes no id from them."""

    principal: str
    request_id: str
    vouched: bool


class Cast(msgspec.Struct, frozen=True):
    """A vote that counts, and the data that came with it."""

    vote: Vote
    data: str


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked. `subject` is what it is about: of policy the job's hash, else the binding. `binding` names
    subject and terms as they are now; votes say on which one they were cast. `cast` has them in the order they came."""

    step: str
    kind: str
    terms: Terms
    schema: str
    requester: str
    tenant: str
    subject: str
    binding: str
    opened_at: int
    expires_at: int | None
    cast: tuple[Cast, ...] = ()

    @property
    def votes(self) -> tuple[Vote, ...]:
        """The votes alone."""
        return tuple(one.vote for one in self.cast)


class Questions(msgspec.Struct, frozen=True):
    """The questions of one run. `granted` are those of policy that may be asked again; `requests` are those that were
    answered last, so that a repeat is one."""

    open: dict[str, Question] = {}
    granted: dict[str, Question] = {}
    over: frozenset[str] = frozenset()
    requests: tuple[Request, ...] = ()
    closed: bool = False


def opened(event: ApprovalOpened, meta: Meta) -> Question:
    """The question as it begins."""
    return Question(
        step=event.step,
        kind=event.kind,
        terms=Terms.of(event.terms),
        schema=event.schema,
        requester=event.requester,
        tenant=meta.tenant,
        subject=event.job_hash.hex() or event.binding,
        binding=event.binding,
        opened_at=meta.at,
        expires_at=event.expires_at,
    )


def revised(question: Question, event: ApprovalRevised) -> Question:
    """The question as it is now. Where only its terms have changed, the votes stay that count under them."""
    terms = Terms.of(event.terms)
    changed = msgspec.structs.replace(
        question, terms=terms, binding=event.binding, expires_at=event.expires_at, cast=tuple(_kept(question, terms))
    )
    if not event.input:
        return changed
    subject = event.job_hash.hex() or event.binding
    return msgspec.structs.replace(changed, subject=subject, schema=event.schema, cast=())


def _kept(question: Question, terms: Terms) -> Iterator[Cast]:
    for one in question.cast:
        if objection(terms, one.vote.voter, one.vote.roles, requester=question.requester) is None:
            yield one


def due(questions: Questions) -> int | None:
    """When the next one expires."""
    return min((one.expires_at for one in questions.open.values() if one.expires_at is not None), default=None)


def ended(questions: Questions) -> bool:
    """Whether nothing more will be asked."""
    return questions.closed


def waits(questions: Questions) -> list[Wait]:
    """Each open question waits for people."""
    return [Wait(one.step, _lacks(one), one.opened_at, one.expires_at) for one in questions.open.values()]


def watches(questions: Questions) -> Iterator[tuple[str, int]]:
    """The same, in a word."""
    for one in questions.open.values():
        yield "people", one.opened_at


def _lacks(question: Question) -> str:
    return ", ".join(missing(question.terms, question.votes, requester=question.requester))


def settles(questions: Questions | None, event: Event) -> int | None:
    """Since when the question was open that this event answers or closes."""
    match event:
        case ApprovalGranted() | ApprovalRefused() | ApprovalExpired() | ApprovalClosed() if questions is not None:
            question = questions.open.get(event.approval_id)
            return None if question is None else question.opened_at
        case _:
            return None
