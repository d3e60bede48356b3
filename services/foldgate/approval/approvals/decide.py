"""Asks people, counts their votes, and says what they said.

One yes grants, unless the terms ask for more; of one person one vote counts; the first no refuses. `input` is answered
with data that fits its schema, and where several must answer they must agree. A question expires by the owner's clock.

A vote is answered wherever its run has a question, also when it does not count. A vote for a run that has none, or has
ended, concerns no aggregate: making one for every run id that anybody sends would never end. It is set aside, and
whoever waits finds it in quarantine by the place where it lay, as `unknown_approval` or `run_closed`. So people vote on
what they saw open on `approvals`, never ahead of it.

Not yet: roles, votes by majority, what a vote was bound to, and signatures: they come with policy. Until then whoever
may write to `intake` may vote under any name.
"""

from collections.abc import Iterator, Mapping
from itertools import islice

import msgspec

from foldgate.approval.approvals.evolve import evolve
from foldgate.approval.approvals.state import Question, Questions, Terms, due, ended, waits
from foldgate.authority.request import canonical
from foldgate.contracts.endings import RUN_ENDS
from foldgate.contracts.events import (
    ApprovalClosed,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalOpened,
    ApprovalRefused,
    ApprovalRequested,
    Event,
    Meta,
    QuestionsClosed,
    StepCancelled,
    StepDenied,
    StepFailed,
    StepTimedOut,
    VoteCast,
    VoteRecorded,
    VoteRefused,
)
from foldgate.decider.decider import Decider, Message, Said, SetAside, Tick
from foldgate.language.schema import Schema

Outcome = Iterator[Event | Said]
STEP_ENDS: Mapping[type, str] = {
    StepFailed: "failed",
    StepDenied: "denied",
    StepTimedOut: "timed_out",
    StepCancelled: "cancelled",
}
"""The events that end a step without the answer it asked for."""
MAX_OVER = 500
"""Questions that end in one decision; of those whose time is over, the others are due at once again."""
MAX_NAME, MAX_REASON, MAX_DATA_BYTES = 255, 2000, 256 * 1024


class VoteInvalid(Exception):
    """A vote does not count. `code` is stable, the text says what was expected."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def approvals() -> Decider[Questions]:
    """The decider of questions."""
    return Decider(
        state=Questions, decide=_decide, evolve=evolve, due=due, ended=ended, fail=_fail, waits=waits, edition=2
    )


def _decide(questions: Questions | None, message: Message) -> Outcome:
    match message.event:
        case ApprovalRequested() as asked:
            yield from _opened(questions or Questions(), asked, message)
        case VoteCast() as vote:
            yield from _cast(questions, vote, message)
        case event if questions is not None:
            yield from islice(_over(questions, event, message.at), MAX_OVER)
            if type(event) in RUN_ENDS:
                yield QuestionsClosed(status=RUN_ENDS[type(event)])
        case _:
            return


def _opened(questions: Questions, asked: ApprovalRequested, message: Message) -> Outcome:
    if asked.approval_id in questions.open or asked.approval_id in questions.over:
        return
    assert message.meta is not None
    terms, _ = msgspec.json.decode(asked.terms, type=Terms), _schema(asked.schema)
    patience = terms.expires_in if terms.expires_in_ms is None else terms.expires_in_ms
    yield ApprovalOpened(
        approval_id=asked.approval_id,
        step=asked.step,
        kind=asked.kind,
        input=asked.input,
        terms=asked.terms,
        schema=asked.schema,
        binding=asked.binding,
        requester=asked.requester or message.meta.principal,
        expires_at=None if patience is None else message.at + patience,
    )


def _cast(questions: Questions | None, vote: VoteCast, message: Message) -> Outcome:
    meta = message.meta
    assert meta is not None
    for what, name in (("principal", meta.principal), ("request id", meta.request_id)):
        if len(name) > MAX_NAME:
            raise SetAside("name_too_long", f"Expected a {what} of at most {MAX_NAME} characters, but got {len(name)}.")
    if questions is None:
        raise SetAside("unknown_approval", f"Expected a run that asks something, but {meta.run_id[:100]} does not.")
    if meta.request_id and (meta.principal, meta.request_id) in questions.requests:
        return
    try:
        yield from _counted(_question(questions, vote, message.at), vote, meta)
    except VoteInvalid as error:
        approval_id = vote.approval_id[:MAX_NAME]
        yield VoteRefused(approval_id=approval_id, voter=meta.principal, code=error.code, reason=str(error))


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


def _counted(question: Question, vote: VoteCast, meta: Meta) -> Outcome:
    _expect_allowed(question, meta)
    reason, terms, voter = vote.reason[:MAX_REASON], question.terms, meta.principal
    data = _data(question, vote.data) if vote.approve else "null"
    yield VoteRecorded(
        approval_id=vote.approval_id, step=question.step, voter=voter, approve=vote.approve, data=data, reason=reason
    )
    if not vote.approve:
        yield ApprovalRefused(approval_id=vote.approval_id, step=question.step, by=(voter,), reason=reason)
    elif len(question.votes) + 1 >= terms.required:
        by = (*question.votes, voter)
        yield ApprovalGranted(approval_id=vote.approval_id, step=question.step, by=by, data=data)


def _expect_allowed(question: Question, meta: Meta) -> None:
    if not meta.principal or meta.tenant != question.tenant:
        raise VoteInvalid("not_allowed", "Expected a vote of somebody named, of the run's tenant.")
    if question.terms.exclude_requester and meta.principal == question.requester:
        raise VoteInvalid("not_allowed", "Expected somebody else than who asked for the run.")
    if meta.principal in question.votes:
        raise VoteInvalid("already_voted", f"Expected one vote of each, but '{meta.principal}' has voted.")


def _data(question: Question, text: str) -> str:
    """What a yes comes with, as canonical JSON; of an input it is the answer."""
    try:
        data = canonical(text)
    except ValueError as error:
        raise VoteInvalid("invalid_data", f"Expected data that is JSON, but {error}.") from None
    if (size := len(data.encode())) > MAX_DATA_BYTES:
        raise VoteInvalid("invalid_data", f"Expected data of at most {MAX_DATA_BYTES} bytes, but it has {size}.")
    if question.kind != "input":
        return data
    if (problem := _problem(question, data)) is not None:
        raise VoteInvalid("invalid_data", problem[:MAX_REASON])
    if any(given != data for given in question.votes.values()):
        raise VoteInvalid("invalid_data", "Expected the data that others gave before, but it differs.")
    return data


def _problem(question: Question, data: str) -> str | None:
    schema = _schema(question.schema)
    return None if schema is None else schema.problem(msgspec.json.decode(data))


def _schema(text: str) -> Schema | None:
    return Schema.of(msgspec.json.decode(text), place="schema") if text else None


def _over(questions: Questions, event: object, at: int) -> Outcome:
    """Questions whose time is over, or whose step or run has ended, and with it what it asked."""
    for approval_id, one in questions.open.items():
        if isinstance(event, Tick) and _is_late(one, at):
            on_expire = "timed_out" if one.terms.on_expire == "timed_out" else "denied"
            yield ApprovalExpired(approval_id=approval_id, step=one.step, on_expire=on_expire)
        elif type(event) in RUN_ENDS:
            yield ApprovalClosed(approval_id=approval_id, step=one.step, reason="run_ended")
        elif type(event) in STEP_ENDS and getattr(event, "step", None) == one.step:
            yield ApprovalClosed(approval_id=approval_id, step=one.step, reason=STEP_ENDS[type(event)])


def _fail(_: Questions | None, message: Message, reason: str) -> Outcome:
    """After a fault of ours a question that cannot be asked is refused: its step would wait for ever."""
    if isinstance(message.event, ApprovalRequested):
        asked = message.event
        yield ApprovalRefused(approval_id=asked.approval_id, step=asked.step, by=(), reason=reason[:MAX_REASON])
