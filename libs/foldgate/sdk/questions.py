"""Questions that people are asked, folded from `approvals`: who is asked what, what it lacks, and what came of it."""

from collections.abc import MutableMapping
from typing import Any

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
    VoteRecorded,
)
from foldgate.runtime.clock import SystemClock

OPEN, POLICY = "open", "policy"
ENDS: dict[type, str] = {
    ApprovalGranted: "granted",
    ApprovalRefused: "refused",
    ApprovalExpired: "expired",
    ApprovalClosed: "closed",
}


class Question(msgspec.Struct, kw_only=True):
    """One question as it is asked now, and what is known of it. Should policy ask again what was granted, it is open
    anew, and since then; `votes` are those that count under the terms of now."""

    approval_id: str
    run_id: str
    step: str
    tenant: str
    kind: str
    status: str = OPEN
    opened_at: int
    expires_at: int | None
    settled_at: int | None = None
    revised_at: int | None = None
    revised_because: str = ""
    requester: str
    votes: list[VoteRecorded] = []
    input: Any
    terms: Any
    schema: Any
    binding: str
    job_hash: str
    policy_snapshot: str
    data: Any = None

    @property
    def asks(self) -> Terms:
        """The terms, to be counted by."""
        return msgspec.convert(self.terms, Terms)

    @property
    def missing(self) -> list[str]:
        """What is not there yet; nothing of what is over."""
        if self.status != OPEN:
            return []
        given = [Vote(voter=one.voter, roles=one.roles, at=0, approve=one.approve) for one in self.votes]
        return missing(self.asks, given, requester=self.requester)

    @property
    def open_ms(self) -> int:
        """For how long it was open, or has been until now."""
        until = SystemClock().now_ms() if self.settled_at is None else self.settled_at
        return max(0, until - self.opened_at)


def take(found: MutableMapping[str, Question], meta: Meta, event: Event) -> None:
    """What an event of `approvals` makes of the questions that are known."""
    match event:
        case ApprovalOpened():
            found[event.approval_id] = _opened(event, meta)
        case ApprovalRevised() if event.approval_id in found:
            _revise(found[event.approval_id], event, meta)
        case VoteRecorded() if event.approval_id in found:
            found[event.approval_id].votes.append(event)
        case ApprovalGranted() | ApprovalRefused() | ApprovalExpired() | ApprovalClosed() if event.approval_id in found:
            _settle(found[event.approval_id], event, meta)
        case _:
            return


def _settle(
    one: Question, event: ApprovalGranted | ApprovalRefused | ApprovalExpired | ApprovalClosed, meta: Meta
) -> None:
    if one.status != OPEN:  # a yes that is said again, to policy that asked again
        return
    one.status, one.settled_at = ENDS[type(event)], meta.at
    one.data = msgspec.json.decode(event.data) if isinstance(event, ApprovalGranted) else None


def _opened(event: ApprovalOpened, meta: Meta) -> Question:
    return Question(
        approval_id=event.approval_id,
        run_id=meta.run_id,
        step=event.step,
        tenant=meta.tenant,
        kind=event.kind,
        opened_at=meta.at,
        expires_at=event.expires_at,
        requester=event.requester,
        input=_decoded(event.input),
        terms=msgspec.json.decode(event.terms or "{}"),
        schema=_decoded(event.schema),
        binding=event.binding,
        job_hash=event.job_hash.hex(),
        policy_snapshot=event.policy_snapshot,
    )


def _revise(one: Question, event: ApprovalRevised, meta: Meta) -> None:
    if one.status != OPEN:
        one.status, one.opened_at, one.settled_at, one.data = OPEN, meta.at, None, None
    one.revised_at, one.revised_because = meta.at, event.reason
    one.terms, one.binding, one.expires_at = msgspec.json.decode(event.terms), event.binding, event.expires_at
    one.policy_snapshot = event.policy_snapshot or one.policy_snapshot
    if event.input:
        one.input, one.schema, one.job_hash = _decoded(event.input), _decoded(event.schema), event.job_hash.hex()
        one.votes = []
        return
    asks = one.asks
    one.votes = [vote for vote in one.votes if objection(asks, vote.voter, vote.roles, requester=one.requester) is None]


def _decoded(text: str) -> Any:
    return msgspec.json.decode(text or "null")
