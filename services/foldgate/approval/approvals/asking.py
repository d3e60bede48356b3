"""What is asked, whoever asks it: a step of a run (a gate), or policy before an attempt."""

from typing import Any

import msgspec

from foldgate.approval.approvals.state import POLICY, Question
from foldgate.authority.terms import Terms
from foldgate.contracts.events import (
    ApprovalOpened,
    ApprovalRequested,
    ApprovalRequired,
    ApprovalRevised,
    Job,
    Meta,
)
from foldgate.language.schema import Schema

_NOT_SHOWN = frozenset(("job_id", "attempt", "step", "priority", "queue_timeout_ms", "attempt_timeout_ms", "digest"))
"""Of a job what says which try it is, and how soon and how long: nothing that anybody is asked about."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question of either kind. `subject` is what it is about; see `Question`."""

    approval_id: str
    step: str
    kind: str
    input: str
    terms: Terms
    schema: str
    requester: str
    subject: str
    binding: str
    reason: str = ""
    job_hash: bytes = b""
    policy_snapshot: str = ""
    digest: str = ""


def of_step(asked: ApprovalRequested, meta: Meta) -> Asked:
    """What a step asks."""
    schema_of(asked.schema)
    return Asked(
        approval_id=asked.approval_id,
        step=asked.step,
        kind=asked.kind,
        input=asked.input,
        terms=Terms.of(asked.terms),
        schema=asked.schema,
        requester=asked.requester or meta.principal,
        subject=asked.binding,
        binding=asked.binding,
    )


def of_policy(asked: ApprovalRequired) -> Asked:
    """What policy asks: whether exactly this job may be done."""
    decision = asked.decision
    return Asked(
        approval_id=asked.approval_id,
        step=asked.step,
        kind=POLICY,
        input=_shown(asked.job, decision.rule, decision.reason),
        terms=Terms.of(asked.terms),
        schema="",
        requester=asked.requester or asked.job.principal,
        subject=asked.job_hash.hex(),
        binding=asked.binding,
        reason=decision.reason,
        job_hash=asked.job_hash,
        policy_snapshot=decision.policy_snapshot,
        digest=asked.job.digest,
    )


def opening(asked: Asked, at: int) -> ApprovalOpened:
    """The question begins."""
    return ApprovalOpened(
        approval_id=asked.approval_id,
        step=asked.step,
        kind=asked.kind,
        input=asked.input,
        terms=asked.terms.text(),
        schema=asked.schema,
        binding=asked.binding,
        requester=asked.requester,
        expires_at=_expires_at(asked, at),
        job_hash=asked.job_hash,
        policy_snapshot=asked.policy_snapshot,
        digest=asked.digest,
    )


def revision(question: Question, asked: Asked, at: int) -> ApprovalRevised | None:
    """What has changed about a question that is asked again; None if nothing has. Another snapshot of policies alone is
    no change: what it asks is. The binding is over subject and terms, so that votes under way are stale."""
    same_subject = question.subject == asked.subject
    if same_subject and question.terms == asked.terms:
        return None
    return ApprovalRevised(
        approval_id=asked.approval_id,
        step=asked.step,
        terms=asked.terms.text(),
        binding=asked.binding,
        policy_snapshot=asked.policy_snapshot,
        expires_at=_expires_at(asked, at),
        reason=asked.reason,
        input="" if same_subject else asked.input,
        schema="" if same_subject else asked.schema,
        job_hash=b"" if same_subject else asked.job_hash,
    )


def schema_of(text: str) -> Schema | None:
    """What data must fit; None if anything does."""
    return Schema.of(msgspec.json.decode(text), place="schema") if text else None


def _expires_at(asked: Asked, at: int) -> int | None:
    return None if asked.terms.patience_ms is None else at + asked.terms.patience_ms


def _shown(job: Job, rule: str, reason: str) -> str:
    values: dict[str, Any] = {
        name: value
        for name in job.__struct_fields__
        if name not in _NOT_SHOWN and name != "input" and (value := getattr(job, name))
    }
    values["input"] = msgspec.Raw(job.input.encode())
    return msgspec.json.encode({"job": values, "reason": reason, "rule": rule}, order="sorted").decode()
