"""Asks people, counts their votes, and says what they said.

Two kinds of questions stand in one queue: `gate`s, which steps of a run ask, and those of `policy`, which the kernel
asks before an attempt. What the votes come to is by the terms (`foldgate.authority.terms`); of one person one vote
counts. `input` is answered with data that fits its schema, and where several must answer they must agree.

Policy may ask the same again: when it decides anew after a yes, or has changed. On the same terms the votes that were
given are the answer. On other terms the question is revised, and open: votes that still count stay, and may do at once.
So terms that ask for less never pass for those that ask for more.

What a vote carries is signed as it was sent. Known secrets are taken out of it once that has been checked, and before
it is counted: so what counts is what is recorded.

All times are the owner's own: when a vote says it was cast is not looked at. A vote is answered wherever its run has a
question, also when it does not count. A vote for a run that has none, or has ended, concerns no aggregate: making one
for every run id that anybody sends would never end. It is set aside, and whoever waits finds it in quarantine by the
place where it lay, as `unknown_approval` or `run_closed`. So people vote on what they saw open on `approvals`.

A gate and the end of its step lie on one stream, `runs`; a question of policy, the end of what it asked for and the end
of its case on another, `decisions`. So whichever is read first, no question outlives what it was asked for.
"""

from collections.abc import Iterator, Mapping
from itertools import islice

from foldgate.approval.approvals.asking import Asked, of_policy, of_step, opening, revision
from foldgate.approval.approvals.counting import MAX_REASON, counted, granted, settled
from foldgate.approval.approvals.evolve import evolve
from foldgate.approval.approvals.state import (
    POLICY,
    Question,
    Questions,
    Request,
    due,
    ended,
    revised,
    settles,
    waits,
    watches,
)
from foldgate.approval.approvals.voters import MAX_NAME, VoteInvalid, Voters
from foldgate.authority.redaction import redacted_event
from foldgate.authority.secrets import Level
from foldgate.contracts.endings import RUN_ENDS
from foldgate.contracts.events import (
    ApprovalClosed,
    ApprovalExpired,
    ApprovalRefused,
    ApprovalRequested,
    ApprovalRequired,
    CaseClosed,
    Event,
    JobDenied,
    Meta,
    QuestionsClosed,
    StepCancelled,
    StepDenied,
    StepFailed,
    StepTimedOut,
    VoteCast,
    VoteRefused,
    WritRevoked,
)
from foldgate.decider.decider import Decider, Message, Said, SetAside, Tick

Outcome = Iterator[Event | Said]
STEP_ENDS: Mapping[type, str] = {
    StepFailed: "failed",
    StepDenied: "denied",
    StepTimedOut: "timed_out",
    StepCancelled: "cancelled",
}
"""The events that end a step without the answer it asked for."""
JOB_ENDS: Mapping[type, str] = {JobDenied: "denied", WritRevoked: "cancelled"}
"""The events after which policy needs no answer for a job of that step."""
MAX_OVER = 500
"""Questions that end in one decision; of those whose time is over, the others are due at once again."""


def approvals(voters: Voters, *, redaction: Level = "low") -> Decider[Questions]:
    """The decider of questions."""
    booth = _Booth(voters, redaction)
    return Decider(
        state=Questions,
        decide=booth.decide,
        evolve=evolve,
        due=due,
        ended=ended,
        fail=_fail,
        waits=waits,
        watches=watches,
        settles=settles,
        edition=4,
    )


class _Booth:
    """Where people vote, under the keys that are trusted."""

    def __init__(self, voters: Voters, redaction: Level) -> None:
        self._voters, self._redaction = voters, redaction

    def decide(self, questions: Questions | None, message: Message) -> Outcome:
        match message.event:
            case ApprovalRequested() as asked:
                assert message.meta is not None
                yield from _asked(questions or Questions(), of_step(asked, message.meta), message.at)
            case ApprovalRequired() as asked:
                yield from _asked(questions or Questions(), of_policy(asked), message.at)
            case VoteCast() as vote:
                yield from self._cast(questions, vote, message)
            case event if questions is not None:
                yield from _ended(questions, event, message.at)
            case _:
                return

    def _cast(self, questions: Questions | None, vote: VoteCast, message: Message) -> Outcome:
        assert message.meta is not None
        meta = message.meta
        _expect_short_names(meta)
        if questions is None:
            raise SetAside("unknown_approval", f"Expected a run that asks something, but {meta.run_id[:100]} does not.")
        roles, forged = self._vouched(vote, message)
        if meta.request_id and Request(meta.principal, meta.request_id, forged is None) in questions.requests:
            return
        try:
            if forged is not None:
                raise forged
            shown = redacted_event(vote, self._redaction)
            yield from counted(_question(questions, vote, message.at), shown, meta, roles=roles, at=message.at)
        except VoteInvalid as error:
            approval_id = vote.approval_id[:MAX_NAME]
            yield VoteRefused(approval_id=approval_id, voter=meta.principal, code=error.code, reason=str(error))

    def _vouched(self, vote: VoteCast, message: Message) -> tuple[tuple[str, ...], VoteInvalid | None]:
        assert message.meta is not None
        try:
            return self._voters.roles(message.meta, vote, at=message.at), None
        except VoteInvalid as error:
            return (), error


def _asked(questions: Questions, asked: Asked, at: int) -> Outcome:
    name = asked.approval_id
    known = questions.open.get(name) or questions.granted.get(name)
    if known is not None:
        yield from _asked_again(known, asked, at, is_granted=name in questions.granted)
    elif name not in questions.over:
        yield opening(asked, at)
    elif asked.kind == POLICY:  # whoever asks waits for an answer, and what is over has no other
        reason = "Expected a question that is open or was granted, but it is over."
        yield ApprovalRefused(approval_id=name, step=asked.step, by=(), reason=reason)


def _asked_again(known: Question, asked: Asked, at: int, *, is_granted: bool) -> Outcome:
    change = revision(known, asked, at)
    if change is not None:
        yield change
        yield from settled(revised(known, change), asked.approval_id, "A vote that was given is a no on these terms.")
    elif is_granted:
        yield granted(known, asked.approval_id)


def _expect_short_names(meta: Meta) -> None:
    for what, name in (("principal", meta.principal), ("request id", meta.request_id)):
        if len(name) > MAX_NAME:
            raise SetAside("name_too_long", f"Expected a {what} of at most {MAX_NAME} characters, but got {len(name)}.")


def _question(questions: Questions, vote: VoteCast, at: int) -> Question:
    """The open question that a vote is for."""
    name, question = vote.approval_id[:MAX_NAME], questions.open.get(vote.approval_id)
    if vote.approval_id in questions.over or (question is not None and _is_late(question, at)):
        raise VoteInvalid("not_open", f"Expected an open question, but '{name}' is over.")
    if question is None:
        raise VoteInvalid("unknown_approval", f"Expected a question of this run, but '{name}' is none.")
    return question


def _is_late(question: Question, at: int) -> bool:
    return question.expires_at is not None and question.expires_at <= at


def _ended(questions: Questions, event: object, at: int) -> Outcome:
    yield from islice(_over(questions, event, at), MAX_OVER)
    if isinstance(event, CaseClosed):
        yield QuestionsClosed(status=event.status)
    elif type(event) in RUN_ENDS:
        yield QuestionsClosed(status=RUN_ENDS[type(event)])


def _over(questions: Questions, event: object, at: int) -> Outcome:
    """Questions whose time is over, or that were asked for what has ended."""
    for approval_id, one in questions.open.items():
        if isinstance(event, Tick):
            if _is_late(one, at):
                on_expire = "timed_out" if one.terms.times_out else "denied"
                yield ApprovalExpired(approval_id=approval_id, step=one.step, on_expire=on_expire)
        elif (reason := _reason(one, event)) is not None:
            yield ApprovalClosed(approval_id=approval_id, step=one.step, reason=reason)


def _reason(question: Question, event: object) -> str | None:
    """What has ended, if that was what the question was asked for."""
    if isinstance(event, CaseClosed) or type(event) in RUN_ENDS:
        return "run_ended"
    if getattr(event, "step", None) != question.step:
        return None
    return STEP_ENDS.get(type(event)) or (JOB_ENDS.get(type(event)) if question.kind == POLICY else None)


def _fail(_: Questions | None, message: Message, reason: str) -> Outcome:
    """After a fault of ours a question that cannot be asked is refused: its step would wait for ever."""
    if isinstance(message.event, ApprovalRequested | ApprovalRequired):
        asked = message.event
        yield ApprovalRefused(approval_id=asked.approval_id, step=asked.step, by=(), reason=reason[:MAX_REASON])
