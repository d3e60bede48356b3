"""Counts a vote: whether it does, and what the votes come to with it."""

from collections.abc import Iterator

import msgspec

from foldgate.approval.approvals.asking import schema_of
from foldgate.approval.approvals.state import Cast, Question
from foldgate.approval.approvals.voters import VoteInvalid
from foldgate.authority.request import canonical
from foldgate.authority.terms import objection, outcome
from foldgate.contracts.events import ApprovalGranted, ApprovalRefused, Event, Meta, Vote, VoteCast, VoteRecorded

MAX_REASON, MAX_DATA_BYTES = 2000, 256 * 1024


def counted(question: Question, vote: VoteCast, meta: Meta, *, roles: tuple[str, ...], at: int) -> Iterator[Event]:
    """What a vote on an open question adds; raises VoteInvalid if it does not count. What it carries must be free of
    secrets by now."""
    _expect_allowed(question, vote, meta, roles=roles)
    data, reason = _data(question, vote.data) if vote.approve else "null", vote.reason[:MAX_REASON]
    yield VoteRecorded(
        approval_id=vote.approval_id,
        step=question.step,
        voter=meta.principal,
        approve=vote.approve,
        data=data,
        reason=reason,
        roles=roles,
    )
    given = Vote(voter=meta.principal, roles=roles, at=at, approve=vote.approve)
    after = msgspec.structs.replace(question, cast=(*question.cast, Cast(given, data)))
    yield from settled(after, vote.approval_id, reason)


def settled(question: Question, approval_id: str, reason: str) -> Iterator[Event]:
    """The answer, if the votes come to one."""
    votes, said = question.votes, outcome(question.terms, question.votes, requester=question.requester)
    if said == "granted":
        yield granted(question, approval_id)
    elif said == "refused":
        by = tuple(vote.voter for vote in votes if not vote.approve)
        yield ApprovalRefused(approval_id=approval_id, step=question.step, by=by, reason=reason)


def granted(question: Question, approval_id: str) -> ApprovalGranted:
    """The yes, with every vote that led to it; of several who gave data, all gave the same or it is the last one's."""
    yes = [one for one in question.cast if one.vote.approve]
    by = tuple(one.vote.voter for one in yes)
    return ApprovalGranted(approval_id=approval_id, step=question.step, by=by, data=yes[-1].data, votes=question.votes)


def _expect_allowed(question: Question, vote: VoteCast, meta: Meta, *, roles: tuple[str, ...]) -> None:
    voter = meta.principal
    if not voter or meta.tenant != question.tenant:
        raise VoteInvalid("not_allowed", "Expected a vote of somebody named, of the run's tenant.")
    if (reason := objection(question.terms, voter, roles, requester=question.requester)) is not None:
        raise VoteInvalid("not_allowed", reason[:MAX_REASON])
    if any(one.voter == voter for one in question.votes):
        raise VoteInvalid("already_voted", f"Expected one vote of each, but '{voter}' has voted.")
    if vote.binding not in ("", question.binding):
        raise VoteInvalid(
            "approval_stale",
            f"Expected a vote on what is asked now, {question.binding[:16]}…, but it was cast on"
            f" {vote.binding[:16]}…: look at the question again.",
        )


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
    if any(one.data != data for one in question.cast if one.vote.approve):
        raise VoteInvalid("invalid_data", "Expected the data that others gave before, but it differs.")
    return data


def _problem(question: Question, data: str) -> str | None:
    schema = schema_of(question.schema)
    return None if schema is None else schema.problem(msgspec.json.decode(data))
