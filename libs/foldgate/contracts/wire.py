"""Avro encoders and decoders of today's schemas. GENERATED from schemas/ by `make schemas`: do not edit."""

from collections.abc import Callable
from typing import Any

from foldgate.contracts import events as e
from foldgate.contracts.varint import (
    BOOLEANS,
    LENGTHS,
    TABLE_SIZE,
    Malformed,
    Misfit,
    take_count,
    take_int,
    take_length,
    take_long,
    varint,
    varint32,
)

# fmt: off


def put_Ancestor(out: list[bytes], v: e.Ancestor) -> None:
    b = v.run_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.workflow.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_Ancestor(v: bytes, p: int) -> tuple[e.Ancestor, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_run_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_workflow = v[p : p + n].decode()
    p += n
    return e.Ancestor(run_id=f_run_id, workflow=f_workflow), p


def put_ApprovalClosed(out: list[bytes], v: e.ApprovalClosed) -> None:
    b = v.approval_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_ApprovalClosed(v: bytes, p: int) -> tuple[e.ApprovalClosed, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_approval_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.ApprovalClosed(approval_id=f_approval_id, step=f_step, reason=f_reason), p


def put_ApprovalExpired(out: list[bytes], v: e.ApprovalExpired) -> None:
    b = v.approval_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.on_expire.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_ApprovalExpired(v: bytes, p: int) -> tuple[e.ApprovalExpired, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_approval_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_on_expire = v[p : p + n].decode()
    p += n
    return e.ApprovalExpired(approval_id=f_approval_id, step=f_step, on_expire=f_on_expire), p


def put_ApprovalGranted(out: list[bytes], v: e.ApprovalGranted) -> None:
    b = v.approval_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.by)
    if n:
        out.append(varint(n))
        for i_by in v.by:
            b = i_by.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    b = v.data.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.votes)
    if n:
        out.append(varint(n))
        for i_votes in v.votes:
            put_Vote(out, i_votes)
    out.append(b"\x00")


def take_ApprovalGranted(v: bytes, p: int) -> tuple[e.ApprovalGranted, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_approval_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    l_f_by = []
    c_f_by, p = take_count(v, p)
    while c_f_by:
        for _ in range(c_f_by):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_by = v[p : p + n].decode()
            p += n
            l_f_by.append(i_f_by)
        c_f_by, p = take_count(v, p)
    f_by = tuple(l_f_by)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_data = v[p : p + n].decode()
    p += n
    l_f_votes = []
    c_f_votes, p = take_count(v, p)
    while c_f_votes:
        for _ in range(c_f_votes):
            i_f_votes, p = take_Vote(v, p)
            l_f_votes.append(i_f_votes)
        c_f_votes, p = take_count(v, p)
    f_votes = tuple(l_f_votes)
    return e.ApprovalGranted(approval_id=f_approval_id, step=f_step, by=f_by, data=f_data, votes=f_votes), p


def put_ApprovalOpened(out: list[bytes], v: e.ApprovalOpened) -> None:
    b = v.approval_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.kind.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.input.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.terms.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.schema.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.binding.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.requester.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.expires_at is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        out.append(varint(v.expires_at))
    b = v.job_hash
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.policy_snapshot.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.digest.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_ApprovalOpened(v: bytes, p: int) -> tuple[e.ApprovalOpened, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_approval_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_kind = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_input = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_terms = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_schema = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_binding = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_requester = v[p : p + n].decode()
    p += n
    f_expires_at = None
    b = v[p]
    p += 1
    if b == 2:
        f_expires_at = v[p]
        if f_expires_at < 128:
            f_expires_at = (f_expires_at >> 1) ^ -(f_expires_at & 1)
            p += 1
        else:
            f_expires_at, p = take_long(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_hash = v[p : p + n]
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_policy_snapshot = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_digest = v[p : p + n].decode()
    p += n
    return e.ApprovalOpened(approval_id=f_approval_id, step=f_step, kind=f_kind, input=f_input, terms=f_terms, schema=f_schema, binding=f_binding, requester=f_requester, expires_at=f_expires_at, job_hash=f_job_hash, policy_snapshot=f_policy_snapshot, digest=f_digest), p


def put_ApprovalRefused(out: list[bytes], v: e.ApprovalRefused) -> None:
    b = v.approval_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.by)
    if n:
        out.append(varint(n))
        for i_by in v.by:
            b = i_by.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_ApprovalRefused(v: bytes, p: int) -> tuple[e.ApprovalRefused, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_approval_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    l_f_by = []
    c_f_by, p = take_count(v, p)
    while c_f_by:
        for _ in range(c_f_by):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_by = v[p : p + n].decode()
            p += n
            l_f_by.append(i_f_by)
        c_f_by, p = take_count(v, p)
    f_by = tuple(l_f_by)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.ApprovalRefused(approval_id=f_approval_id, step=f_step, by=f_by, reason=f_reason), p


def put_ApprovalRequested(out: list[bytes], v: e.ApprovalRequested) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.approval_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.kind.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.input.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.terms.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.schema.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.binding.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.requester.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.parent.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.deadline is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        out.append(varint(v.deadline))


def take_ApprovalRequested(v: bytes, p: int) -> tuple[e.ApprovalRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_approval_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_kind = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_input = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_terms = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_schema = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_binding = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_requester = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_parent = v[p : p + n].decode()
    p += n
    f_deadline = None
    b = v[p]
    p += 1
    if b == 2:
        f_deadline = v[p]
        if f_deadline < 128:
            f_deadline = (f_deadline >> 1) ^ -(f_deadline & 1)
            p += 1
        else:
            f_deadline, p = take_long(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.ApprovalRequested(step=f_step, approval_id=f_approval_id, kind=f_kind, input=f_input, terms=f_terms, schema=f_schema, binding=f_binding, requester=f_requester, parent=f_parent, deadline=f_deadline), p


def put_ApprovalRequired(out: list[bytes], v: e.ApprovalRequired) -> None:
    b = v.approval_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    put_Job(out, v.job)
    b = v.job_hash
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.terms.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.requester.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.binding.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    put_Decision(out, v.decision)


def take_ApprovalRequired(v: bytes, p: int) -> tuple[e.ApprovalRequired, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_approval_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    f_job, p = take_Job(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_hash = v[p : p + n]
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_terms = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_requester = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_binding = v[p : p + n].decode()
    p += n
    f_decision, p = take_Decision(v, p)
    return e.ApprovalRequired(approval_id=f_approval_id, step=f_step, job=f_job, job_hash=f_job_hash, terms=f_terms, requester=f_requester, binding=f_binding, decision=f_decision), p


def put_ApprovalRevised(out: list[bytes], v: e.ApprovalRevised) -> None:
    b = v.approval_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.terms.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.binding.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.policy_snapshot.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.expires_at is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        out.append(varint(v.expires_at))
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.input.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.schema.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.job_hash
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_ApprovalRevised(v: bytes, p: int) -> tuple[e.ApprovalRevised, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_approval_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_terms = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_binding = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_policy_snapshot = v[p : p + n].decode()
    p += n
    f_expires_at = None
    b = v[p]
    p += 1
    if b == 2:
        f_expires_at = v[p]
        if f_expires_at < 128:
            f_expires_at = (f_expires_at >> 1) ^ -(f_expires_at & 1)
            p += 1
        else:
            f_expires_at, p = take_long(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_input = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_schema = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_hash = v[p : p + n]
    p += n
    return e.ApprovalRevised(approval_id=f_approval_id, step=f_step, terms=f_terms, binding=f_binding, policy_snapshot=f_policy_snapshot, expires_at=f_expires_at, reason=f_reason, input=f_input, schema=f_schema, job_hash=f_job_hash), p


def put_AttemptFailed(out: list[bytes], v: e.AttemptFailed) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.message.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.retry_at))
    out.append(varint(v.policies_offset))
    out.append(varint(v.pools_number))


def take_AttemptFailed(v: bytes, p: int) -> tuple[e.AttemptFailed, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_message = v[p : p + n].decode()
    p += n
    f_retry_at = v[p]
    if f_retry_at < 128:
        f_retry_at = (f_retry_at >> 1) ^ -(f_retry_at & 1)
        p += 1
    else:
        f_retry_at, p = take_long(v, p)
    f_policies_offset = v[p]
    if f_policies_offset < 128:
        f_policies_offset = (f_policies_offset >> 1) ^ -(f_policies_offset & 1)
        p += 1
    else:
        f_policies_offset, p = take_long(v, p)
    f_pools_number = v[p]
    if f_pools_number < 128:
        f_pools_number = (f_pools_number >> 1) ^ -(f_pools_number & 1)
        p += 1
    else:
        f_pools_number, p = take_long(v, p)
    return e.AttemptFailed(step=f_step, job_id=f_job_id, code=f_code, message=f_message, retry_at=f_retry_at, policies_offset=f_policies_offset, pools_number=f_pools_number), p


def put_CaseClosed(out: list[bytes], v: e.CaseClosed) -> None:
    b = v.status.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_CaseClosed(v: bytes, p: int) -> tuple[e.CaseClosed, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_status = v[p : p + n].decode()
    p += n
    return e.CaseClosed(status=f_status), p


def put_CheckpointNoted(out: list[bytes], v: e.CheckpointNoted) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.number))
    b = v.checkpoint.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_CheckpointNoted(v: bytes, p: int) -> tuple[e.CheckpointNoted, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    f_number = v[p]
    if f_number < 128:
        f_number = (f_number >> 1) ^ -(f_number & 1)
        p += 1
    else:
        f_number, p = take_int(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_checkpoint = v[p : p + n].decode()
    p += n
    return e.CheckpointNoted(step=f_step, job_id=f_job_id, number=f_number, checkpoint=f_checkpoint), p


def put_ChildCancelRequested(out: list[bytes], v: e.ChildCancelRequested) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.child_run.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.ending.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_ChildCancelRequested(v: bytes, p: int) -> tuple[e.ChildCancelRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_child_run = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_ending = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.ChildCancelRequested(step=f_step, child_run=f_child_run, ending=f_ending, reason=f_reason), p


def put_ChildEnded(out: list[bytes], v: e.ChildEnded) -> None:
    b = v.parent_run.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.status.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.output.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_ChildEnded(v: bytes, p: int) -> tuple[e.ChildEnded, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_parent_run = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_status = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_output = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.ChildEnded(parent_run=f_parent_run, step=f_step, status=f_status, output=f_output, code=f_code, reason=f_reason), p


def put_ChildRequested(out: list[bytes], v: e.ChildRequested) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.child_run.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.workflow.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.version.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.digest.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.input.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.labels)
    if n:
        out.append(varint(n))
        for k_labels, i_labels in v.labels.items():
            b = k_labels.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
            b = i_labels.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    n = len(v.ancestors)
    if n:
        out.append(varint(n))
        for i_ancestors in v.ancestors:
            put_Ancestor(out, i_ancestors)
    out.append(b"\x00")
    b = v.parent.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.deadline is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        out.append(varint(v.deadline))


def take_ChildRequested(v: bytes, p: int) -> tuple[e.ChildRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_child_run = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_workflow = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_version = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_digest = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_input = v[p : p + n].decode()
    p += n
    f_labels = {}
    c_f_labels, p = take_count(v, p)
    while c_f_labels:
        for _ in range(c_f_labels):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            k_f_labels = v[p : p + n].decode()
            p += n
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_labels = v[p : p + n].decode()
            p += n
            f_labels[k_f_labels] = i_f_labels
        c_f_labels, p = take_count(v, p)
    l_f_ancestors = []
    c_f_ancestors, p = take_count(v, p)
    while c_f_ancestors:
        for _ in range(c_f_ancestors):
            i_f_ancestors, p = take_Ancestor(v, p)
            l_f_ancestors.append(i_f_ancestors)
        c_f_ancestors, p = take_count(v, p)
    f_ancestors = tuple(l_f_ancestors)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_parent = v[p : p + n].decode()
    p += n
    f_deadline = None
    b = v[p]
    p += 1
    if b == 2:
        f_deadline = v[p]
        if f_deadline < 128:
            f_deadline = (f_deadline >> 1) ^ -(f_deadline & 1)
            p += 1
        else:
            f_deadline, p = take_long(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.ChildRequested(step=f_step, child_run=f_child_run, workflow=f_workflow, version=f_version, digest=f_digest, input=f_input, labels=f_labels, ancestors=f_ancestors, parent=f_parent, deadline=f_deadline), p


def put_CompensationStarted(out: list[bytes], v: e.CompensationStarted) -> None:
    n = len(v.steps)
    if n:
        out.append(varint(n))
        for i_steps in v.steps:
            b = i_steps.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    out.append(varint(v.deadline))


def take_CompensationStarted(v: bytes, p: int) -> tuple[e.CompensationStarted, int]:
    l_f_steps = []
    c_f_steps, p = take_count(v, p)
    while c_f_steps:
        for _ in range(c_f_steps):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_steps = v[p : p + n].decode()
            p += n
            l_f_steps.append(i_f_steps)
        c_f_steps, p = take_count(v, p)
    f_steps = tuple(l_f_steps)
    f_deadline = v[p]
    if f_deadline < 128:
        f_deadline = (f_deadline >> 1) ^ -(f_deadline & 1)
        p += 1
    else:
        f_deadline, p = take_long(v, p)
    return e.CompensationStarted(steps=f_steps, deadline=f_deadline), p


def put_ConstraintBreached(out: list[bytes], v: e.ConstraintBreached) -> None:
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.lease))
    b = v.worker.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.number))
    b = v.constraint.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.message.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(BOOLEANS[v.was_stopped])
    b = v.mac
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_ConstraintBreached(v: bytes, p: int) -> tuple[e.ConstraintBreached, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    f_lease = v[p]
    if f_lease < 128:
        f_lease = (f_lease >> 1) ^ -(f_lease & 1)
        p += 1
    else:
        f_lease, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_worker = v[p : p + n].decode()
    p += n
    f_number = v[p]
    if f_number < 128:
        f_number = (f_number >> 1) ^ -(f_number & 1)
        p += 1
    else:
        f_number, p = take_int(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_constraint = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_message = v[p : p + n].decode()
    p += n
    b = v[p]
    if b > 1:
        raise Malformed("a boolean of neither 0 nor 1")
    f_was_stopped = b == 1
    p += 1
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_mac = v[p : p + n]
    p += n
    return e.ConstraintBreached(job_id=f_job_id, lease=f_lease, worker=f_worker, number=f_number, constraint=f_constraint, message=f_message, was_stopped=f_was_stopped, mac=f_mac), p


def put_ContextChanged(out: list[bytes], v: e.ContextChanged) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.name.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.value is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        b = v.value.encode()
        n = len(b)
        out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_ContextChanged(v: bytes, p: int) -> tuple[e.ContextChanged, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_name = v[p : p + n].decode()
    p += n
    f_value = None
    b = v[p]
    p += 1
    if b == 2:
        n = v[p]
        if n & 0x81:
            n, p = take_length(v, p)
        else:
            n >>= 1
            p += 1
        f_value = v[p : p + n].decode()
        p += n
    elif b:
        raise Malformed("a union without such a branch")
    return e.ContextChanged(step=f_step, name=f_name, value=f_value), p


def put_DeadLetterDiscardRequested(out: list[bytes], v: e.DeadLetterDiscardRequested) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_DeadLetterDiscardRequested(v: bytes, p: int) -> tuple[e.DeadLetterDiscardRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.DeadLetterDiscardRequested(step=f_step, reason=f_reason, signature=f_signature), p


def put_DeadLetterDiscarded(out: list[bytes], v: e.DeadLetterDiscarded) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_DeadLetterDiscarded(v: bytes, p: int) -> tuple[e.DeadLetterDiscarded, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.DeadLetterDiscarded(step=f_step, reason=f_reason), p


def put_DeadLetterOpened(out: list[bytes], v: e.DeadLetterOpened) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.topic.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.workflow.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.from_step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.status.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.attempts))


def take_DeadLetterOpened(v: bytes, p: int) -> tuple[e.DeadLetterOpened, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_topic = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_workflow = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_from_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_status = v[p : p + n].decode()
    p += n
    f_attempts = v[p]
    if f_attempts < 128:
        f_attempts = (f_attempts >> 1) ^ -(f_attempts & 1)
        p += 1
    else:
        f_attempts, p = take_int(v, p)
    return e.DeadLetterOpened(step=f_step, job_id=f_job_id, topic=f_topic, code=f_code, workflow=f_workflow, from_step=f_from_step, status=f_status, attempts=f_attempts), p


def put_DeadLetterRefused(out: list[bytes], v: e.DeadLetterRefused) -> None:
    b = v.request.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_DeadLetterRefused(v: bytes, p: int) -> tuple[e.DeadLetterRefused, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_request = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.DeadLetterRefused(request=f_request, step=f_step, code=f_code, reason=f_reason), p


def put_DeadLetterRetried(out: list[bytes], v: e.DeadLetterRetried) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.new_run.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_DeadLetterRetried(v: bytes, p: int) -> tuple[e.DeadLetterRetried, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_new_run = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.DeadLetterRetried(step=f_step, new_run=f_new_run, reason=f_reason), p


def put_DeadLetterRetryRequested(out: list[bytes], v: e.DeadLetterRetryRequested) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.new_run.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_DeadLetterRetryRequested(v: bytes, p: int) -> tuple[e.DeadLetterRetryRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_new_run = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.DeadLetterRetryRequested(step=f_step, new_run=f_new_run, reason=f_reason, signature=f_signature), p


def put_Decision(out: list[bytes], v: e.Decision) -> None:
    b = v.decision.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.policy_snapshot.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.policies_offset))
    b = v.rule.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.constraints.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.remediations.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.trace)
    if n:
        out.append(varint(n))
        for i_trace in v.trace:
            b = i_trace.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")


def take_Decision(v: bytes, p: int) -> tuple[e.Decision, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_decision = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_policy_snapshot = v[p : p + n].decode()
    p += n
    f_policies_offset = v[p]
    if f_policies_offset < 128:
        f_policies_offset = (f_policies_offset >> 1) ^ -(f_policies_offset & 1)
        p += 1
    else:
        f_policies_offset, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_rule = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_constraints = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_remediations = v[p : p + n].decode()
    p += n
    l_f_trace = []
    c_f_trace, p = take_count(v, p)
    while c_f_trace:
        for _ in range(c_f_trace):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_trace = v[p : p + n].decode()
            p += n
            l_f_trace.append(i_f_trace)
        c_f_trace, p = take_count(v, p)
    f_trace = tuple(l_f_trace)
    return e.Decision(decision=f_decision, policy_snapshot=f_policy_snapshot, policies_offset=f_policies_offset, rule=f_rule, reason=f_reason, constraints=f_constraints, remediations=f_remediations, trace=f_trace), p


def put_GrantRecorded(out: list[bytes], v: e.GrantRecorded) -> None:
    b = v.approval_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.job_hash
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.votes)
    if n:
        out.append(varint(n))
        for i_votes in v.votes:
            put_Vote(out, i_votes)
    out.append(b"\x00")


def take_GrantRecorded(v: bytes, p: int) -> tuple[e.GrantRecorded, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_approval_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_hash = v[p : p + n]
    p += n
    l_f_votes = []
    c_f_votes, p = take_count(v, p)
    while c_f_votes:
        for _ in range(c_f_votes):
            i_f_votes, p = take_Vote(v, p)
            l_f_votes.append(i_f_votes)
        c_f_votes, p = take_count(v, p)
    f_votes = tuple(l_f_votes)
    return e.GrantRecorded(approval_id=f_approval_id, step=f_step, job_hash=f_job_hash, votes=f_votes), p


def put_Job(out: list[bytes], v: e.Job) -> None:
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.attempt))
    b = v.kind.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.topic.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.input.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.labels)
    if n:
        out.append(varint(n))
        for k_labels, i_labels in v.labels.items():
            b = k_labels.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
            b = i_labels.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    b = v.tenant.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.principal.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.workflow.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.digest.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.priority))
    b = v.pool.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.worker.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.placement)
    if n:
        out.append(varint(n))
        for k_placement, i_placement in v.placement.items():
            b = k_placement.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
            b = i_placement.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    b = v.capability.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.risk_tags)
    if n:
        out.append(varint(n))
        for i_risk_tags in v.risk_tags:
            b = i_risk_tags.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    n = len(v.requires)
    if n:
        out.append(varint(n))
        for i_requires in v.requires:
            b = i_requires.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    b = v.pack_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.actor_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.actor_type.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.queue_timeout_ms))
    out.append(varint(v.attempt_timeout_ms))
    out.append(varint32(v.retries))
    b = v.resume.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_Job(v: bytes, p: int) -> tuple[e.Job, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    f_attempt = v[p]
    if f_attempt < 128:
        f_attempt = (f_attempt >> 1) ^ -(f_attempt & 1)
        p += 1
    else:
        f_attempt, p = take_int(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_kind = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_topic = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_input = v[p : p + n].decode()
    p += n
    f_labels = {}
    c_f_labels, p = take_count(v, p)
    while c_f_labels:
        for _ in range(c_f_labels):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            k_f_labels = v[p : p + n].decode()
            p += n
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_labels = v[p : p + n].decode()
            p += n
            f_labels[k_f_labels] = i_f_labels
        c_f_labels, p = take_count(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_tenant = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_principal = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_workflow = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_digest = v[p : p + n].decode()
    p += n
    f_priority = v[p]
    if f_priority < 128:
        f_priority = (f_priority >> 1) ^ -(f_priority & 1)
        p += 1
    else:
        f_priority, p = take_int(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_pool = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_worker = v[p : p + n].decode()
    p += n
    f_placement = {}
    c_f_placement, p = take_count(v, p)
    while c_f_placement:
        for _ in range(c_f_placement):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            k_f_placement = v[p : p + n].decode()
            p += n
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_placement = v[p : p + n].decode()
            p += n
            f_placement[k_f_placement] = i_f_placement
        c_f_placement, p = take_count(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_capability = v[p : p + n].decode()
    p += n
    l_f_risk_tags = []
    c_f_risk_tags, p = take_count(v, p)
    while c_f_risk_tags:
        for _ in range(c_f_risk_tags):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_risk_tags = v[p : p + n].decode()
            p += n
            l_f_risk_tags.append(i_f_risk_tags)
        c_f_risk_tags, p = take_count(v, p)
    f_risk_tags = tuple(l_f_risk_tags)
    l_f_requires = []
    c_f_requires, p = take_count(v, p)
    while c_f_requires:
        for _ in range(c_f_requires):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_requires = v[p : p + n].decode()
            p += n
            l_f_requires.append(i_f_requires)
        c_f_requires, p = take_count(v, p)
    f_requires = tuple(l_f_requires)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_pack_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_actor_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_actor_type = v[p : p + n].decode()
    p += n
    f_queue_timeout_ms = v[p]
    if f_queue_timeout_ms < 128:
        f_queue_timeout_ms = (f_queue_timeout_ms >> 1) ^ -(f_queue_timeout_ms & 1)
        p += 1
    else:
        f_queue_timeout_ms, p = take_long(v, p)
    f_attempt_timeout_ms = v[p]
    if f_attempt_timeout_ms < 128:
        f_attempt_timeout_ms = (f_attempt_timeout_ms >> 1) ^ -(f_attempt_timeout_ms & 1)
        p += 1
    else:
        f_attempt_timeout_ms, p = take_long(v, p)
    f_retries = v[p]
    if f_retries < 128:
        f_retries = (f_retries >> 1) ^ -(f_retries & 1)
        p += 1
    else:
        f_retries, p = take_int(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_resume = v[p : p + n].decode()
    p += n
    return e.Job(job_id=f_job_id, step=f_step, attempt=f_attempt, kind=f_kind, topic=f_topic, input=f_input, labels=f_labels, tenant=f_tenant, principal=f_principal, workflow=f_workflow, digest=f_digest, priority=f_priority, pool=f_pool, worker=f_worker, placement=f_placement, capability=f_capability, risk_tags=f_risk_tags, requires=f_requires, pack_id=f_pack_id, actor_id=f_actor_id, actor_type=f_actor_type, queue_timeout_ms=f_queue_timeout_ms, attempt_timeout_ms=f_attempt_timeout_ms, retries=f_retries, resume=f_resume), p


def put_JobAbandoned(out: list[bytes], v: e.JobAbandoned) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    put_Job(out, v.job)
    b = v.status.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.message.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.attempts))
    b = v.rule.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.from_step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_JobAbandoned(v: bytes, p: int) -> tuple[e.JobAbandoned, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    f_job, p = take_Job(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_status = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_message = v[p : p + n].decode()
    p += n
    f_attempts = v[p]
    if f_attempts < 128:
        f_attempts = (f_attempts >> 1) ^ -(f_attempts & 1)
        p += 1
    else:
        f_attempts, p = take_int(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_rule = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_from_step = v[p : p + n].decode()
    p += n
    return e.JobAbandoned(step=f_step, job=f_job, status=f_status, code=f_code, message=f_message, attempts=f_attempts, rule=f_rule, from_step=f_from_step), p


def put_JobCancelRequested(out: list[bytes], v: e.JobCancelRequested) -> None:
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.ending.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.until))


def take_JobCancelRequested(v: bytes, p: int) -> tuple[e.JobCancelRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_ending = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_until = v[p]
    if f_until < 128:
        f_until = (f_until >> 1) ^ -(f_until & 1)
        p += 1
    else:
        f_until, p = take_long(v, p)
    return e.JobCancelRequested(job_id=f_job_id, step=f_step, ending=f_ending, reason=f_reason, until=f_until), p


def put_JobCancelled(out: list[bytes], v: e.JobCancelled) -> None:
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.lease))
    b = v.worker.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_JobCancelled(v: bytes, p: int) -> tuple[e.JobCancelled, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    f_lease = v[p]
    if f_lease < 128:
        f_lease = (f_lease >> 1) ^ -(f_lease & 1)
        p += 1
    else:
        f_lease, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_worker = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.JobCancelled(job_id=f_job_id, step=f_step, lease=f_lease, worker=f_worker, reason=f_reason, signature=f_signature), p


def put_JobDenied(out: list[bytes], v: e.JobDenied) -> None:
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.policy_snapshot.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.rule.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.decision is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Decision(out, v.decision)


def take_JobDenied(v: bytes, p: int) -> tuple[e.JobDenied, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_policy_snapshot = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_rule = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_decision = None
    b = v[p]
    p += 1
    if b == 2:
        f_decision, p = take_Decision(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.JobDenied(job_id=f_job_id, step=f_step, policy_snapshot=f_policy_snapshot, rule=f_rule, reason=f_reason, decision=f_decision), p


def put_JobDispatched(out: list[bytes], v: e.JobDispatched) -> None:
    put_Job(out, v.job)
    put_Writ(out, v.writ)
    b = v.worker.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.lease))
    out.append(varint(v.lease_ms))
    b = v.constraints.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.beat))
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)
    b = v.token
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_JobDispatched(v: bytes, p: int) -> tuple[e.JobDispatched, int]:
    f_job, p = take_Job(v, p)
    f_writ, p = take_Writ(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_worker = v[p : p + n].decode()
    p += n
    f_lease = v[p]
    if f_lease < 128:
        f_lease = (f_lease >> 1) ^ -(f_lease & 1)
        p += 1
    else:
        f_lease, p = take_long(v, p)
    f_lease_ms = v[p]
    if f_lease_ms < 128:
        f_lease_ms = (f_lease_ms >> 1) ^ -(f_lease_ms & 1)
        p += 1
    else:
        f_lease_ms, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_constraints = v[p : p + n].decode()
    p += n
    f_beat = v[p]
    if f_beat < 128:
        f_beat = (f_beat >> 1) ^ -(f_beat & 1)
        p += 1
    else:
        f_beat, p = take_long(v, p)
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_token = v[p : p + n]
    p += n
    return e.JobDispatched(job=f_job, writ=f_writ, worker=f_worker, lease=f_lease, lease_ms=f_lease_ms, constraints=f_constraints, beat=f_beat, signature=f_signature, token=f_token), p


def put_JobFailed(out: list[bytes], v: e.JobFailed) -> None:
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.lease))
    b = v.worker.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.message.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(BOOLEANS[v.retryable])
    b = v.mac
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.began_at))
    out.append(varint(v.retry_after_ms))


def take_JobFailed(v: bytes, p: int) -> tuple[e.JobFailed, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    f_lease = v[p]
    if f_lease < 128:
        f_lease = (f_lease >> 1) ^ -(f_lease & 1)
        p += 1
    else:
        f_lease, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_worker = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_message = v[p : p + n].decode()
    p += n
    b = v[p]
    if b > 1:
        raise Malformed("a boolean of neither 0 nor 1")
    f_retryable = b == 1
    p += 1
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_mac = v[p : p + n]
    p += n
    f_began_at = v[p]
    if f_began_at < 128:
        f_began_at = (f_began_at >> 1) ^ -(f_began_at & 1)
        p += 1
    else:
        f_began_at, p = take_long(v, p)
    f_retry_after_ms = v[p]
    if f_retry_after_ms < 128:
        f_retry_after_ms = (f_retry_after_ms >> 1) ^ -(f_retry_after_ms & 1)
        p += 1
    else:
        f_retry_after_ms, p = take_long(v, p)
    return e.JobFailed(job_id=f_job_id, lease=f_lease, worker=f_worker, code=f_code, message=f_message, retryable=f_retryable, mac=f_mac, began_at=f_began_at, retry_after_ms=f_retry_after_ms), p


def put_JobLost(out: list[bytes], v: e.JobLost) -> None:
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.lease))
    b = v.worker.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.policies_offset))
    out.append(varint(v.pools_number))


def take_JobLost(v: bytes, p: int) -> tuple[e.JobLost, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    f_lease = v[p]
    if f_lease < 128:
        f_lease = (f_lease >> 1) ^ -(f_lease & 1)
        p += 1
    else:
        f_lease, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_worker = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_policies_offset = v[p]
    if f_policies_offset < 128:
        f_policies_offset = (f_policies_offset >> 1) ^ -(f_policies_offset & 1)
        p += 1
    else:
        f_policies_offset, p = take_long(v, p)
    f_pools_number = v[p]
    if f_pools_number < 128:
        f_pools_number = (f_pools_number >> 1) ^ -(f_pools_number & 1)
        p += 1
    else:
        f_pools_number, p = take_long(v, p)
    return e.JobLost(job_id=f_job_id, step=f_step, lease=f_lease, worker=f_worker, reason=f_reason, policies_offset=f_policies_offset, pools_number=f_pools_number), p


def put_JobProgressed(out: list[bytes], v: e.JobProgressed) -> None:
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.lease))
    b = v.worker.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.number))
    out.append(varint32(v.percent))
    b = v.message.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.checkpoint.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.mac
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_JobProgressed(v: bytes, p: int) -> tuple[e.JobProgressed, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    f_lease = v[p]
    if f_lease < 128:
        f_lease = (f_lease >> 1) ^ -(f_lease & 1)
        p += 1
    else:
        f_lease, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_worker = v[p : p + n].decode()
    p += n
    f_number = v[p]
    if f_number < 128:
        f_number = (f_number >> 1) ^ -(f_number & 1)
        p += 1
    else:
        f_number, p = take_int(v, p)
    f_percent = v[p]
    if f_percent < 128:
        f_percent = (f_percent >> 1) ^ -(f_percent & 1)
        p += 1
    else:
        f_percent, p = take_int(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_message = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_checkpoint = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_mac = v[p : p + n]
    p += n
    return e.JobProgressed(job_id=f_job_id, lease=f_lease, worker=f_worker, number=f_number, percent=f_percent, message=f_message, checkpoint=f_checkpoint, mac=f_mac), p


def put_JobQueued(out: list[bytes], v: e.JobQueued) -> None:
    put_Job(out, v.job)
    put_Writ(out, v.writ)
    b = v.constraints.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_JobQueued(v: bytes, p: int) -> tuple[e.JobQueued, int]:
    f_job, p = take_Job(v, p)
    f_writ, p = take_Writ(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_constraints = v[p : p + n].decode()
    p += n
    return e.JobQueued(job=f_job, writ=f_writ, constraints=f_constraints), p


def put_JobRefused(out: list[bytes], v: e.JobRefused) -> None:
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.pools_number))


def take_JobRefused(v: bytes, p: int) -> tuple[e.JobRefused, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_pools_number = v[p]
    if f_pools_number < 128:
        f_pools_number = (f_pools_number >> 1) ^ -(f_pools_number & 1)
        p += 1
    else:
        f_pools_number, p = take_long(v, p)
    return e.JobRefused(job_id=f_job_id, step=f_step, code=f_code, reason=f_reason, pools_number=f_pools_number), p


def put_JobReleased(out: list[bytes], v: e.JobReleased) -> None:
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.lease))
    b = v.worker.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.outcome.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_JobReleased(v: bytes, p: int) -> tuple[e.JobReleased, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    f_lease = v[p]
    if f_lease < 128:
        f_lease = (f_lease >> 1) ^ -(f_lease & 1)
        p += 1
    else:
        f_lease, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_worker = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_outcome = v[p : p + n].decode()
    p += n
    return e.JobReleased(job_id=f_job_id, lease=f_lease, worker=f_worker, outcome=f_outcome), p


def put_JobReportIgnored(out: list[bytes], v: e.JobReportIgnored) -> None:
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.lease))
    b = v.reported.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_JobReportIgnored(v: bytes, p: int) -> tuple[e.JobReportIgnored, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    f_lease = v[p]
    if f_lease < 128:
        f_lease = (f_lease >> 1) ^ -(f_lease & 1)
        p += 1
    else:
        f_lease, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reported = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.JobReportIgnored(job_id=f_job_id, lease=f_lease, reported=f_reported, reason=f_reason), p


def put_JobRequested(out: list[bytes], v: e.JobRequested) -> None:
    put_Job(out, v.job)
    b = v.after.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.parent.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.deadline is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        out.append(varint(v.deadline))
    out.append(varint(v.policies_offset))
    out.append(varint(v.pools_number))


def take_JobRequested(v: bytes, p: int) -> tuple[e.JobRequested, int]:
    f_job, p = take_Job(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_after = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_parent = v[p : p + n].decode()
    p += n
    f_deadline = None
    b = v[p]
    p += 1
    if b == 2:
        f_deadline = v[p]
        if f_deadline < 128:
            f_deadline = (f_deadline >> 1) ^ -(f_deadline & 1)
            p += 1
        else:
            f_deadline, p = take_long(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    f_policies_offset = v[p]
    if f_policies_offset < 128:
        f_policies_offset = (f_policies_offset >> 1) ^ -(f_policies_offset & 1)
        p += 1
    else:
        f_policies_offset, p = take_long(v, p)
    f_pools_number = v[p]
    if f_pools_number < 128:
        f_pools_number = (f_pools_number >> 1) ^ -(f_pools_number & 1)
        p += 1
    else:
        f_pools_number, p = take_long(v, p)
    return e.JobRequested(job=f_job, after=f_after, parent=f_parent, deadline=f_deadline, policies_offset=f_policies_offset, pools_number=f_pools_number), p


def put_JobStarted(out: list[bytes], v: e.JobStarted) -> None:
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.lease))
    b = v.worker.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.began_at))
    b = v.mac
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_JobStarted(v: bytes, p: int) -> tuple[e.JobStarted, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    f_lease = v[p]
    if f_lease < 128:
        f_lease = (f_lease >> 1) ^ -(f_lease & 1)
        p += 1
    else:
        f_lease, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_worker = v[p : p + n].decode()
    p += n
    f_began_at = v[p]
    if f_began_at < 128:
        f_began_at = (f_began_at >> 1) ^ -(f_began_at & 1)
        p += 1
    else:
        f_began_at, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_mac = v[p : p + n]
    p += n
    return e.JobStarted(job_id=f_job_id, lease=f_lease, worker=f_worker, began_at=f_began_at, mac=f_mac), p


def put_JobSucceeded(out: list[bytes], v: e.JobSucceeded) -> None:
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.lease))
    b = v.worker.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.output.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.mac
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.began_at))


def take_JobSucceeded(v: bytes, p: int) -> tuple[e.JobSucceeded, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    f_lease = v[p]
    if f_lease < 128:
        f_lease = (f_lease >> 1) ^ -(f_lease & 1)
        p += 1
    else:
        f_lease, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_worker = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_output = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_mac = v[p : p + n]
    p += n
    f_began_at = v[p]
    if f_began_at < 128:
        f_began_at = (f_began_at >> 1) ^ -(f_began_at & 1)
        p += 1
    else:
        f_began_at, p = take_long(v, p)
    return e.JobSucceeded(job_id=f_job_id, lease=f_lease, worker=f_worker, output=f_output, mac=f_mac, began_at=f_began_at), p


def put_JobThrottled(out: list[bytes], v: e.JobThrottled) -> None:
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.until))
    out.append(varint32(v.times))
    put_Decision(out, v.decision)
    if v.job is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Job(out, v.job)


def take_JobThrottled(v: bytes, p: int) -> tuple[e.JobThrottled, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    f_until = v[p]
    if f_until < 128:
        f_until = (f_until >> 1) ^ -(f_until & 1)
        p += 1
    else:
        f_until, p = take_long(v, p)
    f_times = v[p]
    if f_times < 128:
        f_times = (f_times >> 1) ^ -(f_times & 1)
        p += 1
    else:
        f_times, p = take_int(v, p)
    f_decision, p = take_Decision(v, p)
    f_job = None
    b = v[p]
    p += 1
    if b == 2:
        f_job, p = take_Job(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.JobThrottled(job_id=f_job_id, step=f_step, until=f_until, times=f_times, decision=f_decision, job=f_job), p


def put_KeyRevokeRequested(out: list[bytes], v: e.KeyRevokeRequested) -> None:
    b = v.key_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_KeyRevokeRequested(v: bytes, p: int) -> tuple[e.KeyRevokeRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_key_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.KeyRevokeRequested(key_id=f_key_id, reason=f_reason, signature=f_signature), p


def put_KeyRevoked(out: list[bytes], v: e.KeyRevoked) -> None:
    b = v.key_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.by.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_KeyRevoked(v: bytes, p: int) -> tuple[e.KeyRevoked, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_key_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_by = v[p : p + n].decode()
    p += n
    return e.KeyRevoked(key_id=f_key_id, reason=f_reason, by=f_by), p


def put_KeySubmitted(out: list[bytes], v: e.KeySubmitted) -> None:
    b = v.certificate
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_KeySubmitted(v: bytes, p: int) -> tuple[e.KeySubmitted, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_certificate = v[p : p + n]
    p += n
    return e.KeySubmitted(certificate=f_certificate), p


def put_KeyTrusted(out: list[bytes], v: e.KeyTrusted) -> None:
    b = v.key_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.purpose.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.name.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.certificate
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.by.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_KeyTrusted(v: bytes, p: int) -> tuple[e.KeyTrusted, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_key_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_purpose = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_name = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_certificate = v[p : p + n]
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_by = v[p : p + n].decode()
    p += n
    return e.KeyTrusted(key_id=f_key_id, purpose=f_purpose, name=f_name, certificate=f_certificate, by=f_by), p


def put_MessageQuarantined(out: list[bytes], v: e.MessageQuarantined) -> None:
    b = v.source_stream.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.source_partition))
    out.append(varint(v.source_offset))
    b = v.source_key
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.original
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.original_size))
    b = v.original_sha256
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_MessageQuarantined(v: bytes, p: int) -> tuple[e.MessageQuarantined, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_source_stream = v[p : p + n].decode()
    p += n
    f_source_partition = v[p]
    if f_source_partition < 128:
        f_source_partition = (f_source_partition >> 1) ^ -(f_source_partition & 1)
        p += 1
    else:
        f_source_partition, p = take_int(v, p)
    f_source_offset = v[p]
    if f_source_offset < 128:
        f_source_offset = (f_source_offset >> 1) ^ -(f_source_offset & 1)
        p += 1
    else:
        f_source_offset, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_source_key = v[p : p + n]
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_original = v[p : p + n]
    p += n
    f_original_size = v[p]
    if f_original_size < 128:
        f_original_size = (f_original_size >> 1) ^ -(f_original_size & 1)
        p += 1
    else:
        f_original_size, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_original_sha256 = v[p : p + n]
    p += n
    return e.MessageQuarantined(source_stream=f_source_stream, source_partition=f_source_partition, source_offset=f_source_offset, source_key=f_source_key, code=f_code, reason=f_reason, original=f_original, original_size=f_original_size, original_sha256=f_original_sha256), p


def put_Meta(out: list[bytes], v: e.Meta) -> None:
    if len(v.chain) != 32:
        raise Misfit(f"Expected 32 bytes in 'chain', but got {len(v.chain)}.")
    out.append(v.chain)
    b = v.event_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.stream.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.key.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.run_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.pool.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.sequence))
    out.append(varint(v.clock))
    out.append(varint(v.at))
    b = v.causation.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.correlation.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.request_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.tenant.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.principal.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.answers
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_Meta(v: bytes, p: int) -> tuple[e.Meta, int]:
    f_chain = v[p : p + 32]
    p += 32
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_event_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_stream = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_key = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_run_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_pool = v[p : p + n].decode()
    p += n
    f_sequence = v[p]
    if f_sequence < 128:
        f_sequence = (f_sequence >> 1) ^ -(f_sequence & 1)
        p += 1
    else:
        f_sequence, p = take_long(v, p)
    f_clock = v[p]
    if f_clock < 128:
        f_clock = (f_clock >> 1) ^ -(f_clock & 1)
        p += 1
    else:
        f_clock, p = take_long(v, p)
    f_at = v[p]
    if f_at < 128:
        f_at = (f_at >> 1) ^ -(f_at & 1)
        p += 1
    else:
        f_at, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_causation = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_correlation = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_request_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_tenant = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_principal = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_answers = v[p : p + n]
    p += n
    return e.Meta(chain=f_chain, event_id=f_event_id, stream=f_stream, key=f_key, run_id=f_run_id, pool=f_pool, sequence=f_sequence, clock=f_clock, at=f_at, causation=f_causation, correlation=f_correlation, request_id=f_request_id, tenant=f_tenant, principal=f_principal, answers=f_answers), p


def put_NotificationRaised(out: list[bytes], v: e.NotificationRaised) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.channel.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.message.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.level.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_NotificationRaised(v: bytes, p: int) -> tuple[e.NotificationRaised, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_channel = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_message = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_level = v[p : p + n].decode()
    p += n
    return e.NotificationRaised(step=f_step, channel=f_channel, message=f_message, level=f_level), p


def put_OwnerChanged(out: list[bytes], v: e.OwnerChanged) -> None:
    out.append(varint(v.epoch))
    b = v.owner.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_OwnerChanged(v: bytes, p: int) -> tuple[e.OwnerChanged, int]:
    f_epoch = v[p]
    if f_epoch < 128:
        f_epoch = (f_epoch >> 1) ^ -(f_epoch & 1)
        p += 1
    else:
        f_epoch, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_owner = v[p : p + n].decode()
    p += n
    return e.OwnerChanged(epoch=f_epoch, owner=f_owner), p


def put_PolicyDeleteRequested(out: list[bytes], v: e.PolicyDeleteRequested) -> None:
    b = v.bundle.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_PolicyDeleteRequested(v: bytes, p: int) -> tuple[e.PolicyDeleteRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_bundle = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.PolicyDeleteRequested(bundle=f_bundle, reason=f_reason, signature=f_signature), p


def put_PolicyDrafted(out: list[bytes], v: e.PolicyDrafted) -> None:
    b = v.bundle.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.revision))
    b = v.digest.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.definition.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.source.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.by.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.author.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_PolicyDrafted(v: bytes, p: int) -> tuple[e.PolicyDrafted, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_bundle = v[p : p + n].decode()
    p += n
    f_revision = v[p]
    if f_revision < 128:
        f_revision = (f_revision >> 1) ^ -(f_revision & 1)
        p += 1
    else:
        f_revision, p = take_int(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_digest = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_definition = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_source = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_by = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_author = v[p : p + n].decode()
    p += n
    return e.PolicyDrafted(bundle=f_bundle, revision=f_revision, digest=f_digest, definition=f_definition, source=f_source, reason=f_reason, by=f_by, author=f_author), p


def put_PolicyPublishRequested(out: list[bytes], v: e.PolicyPublishRequested) -> None:
    n = len(v.bundles)
    if n:
        out.append(varint(n))
        for i_bundles in v.bundles:
            b = i_bundles.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_PolicyPublishRequested(v: bytes, p: int) -> tuple[e.PolicyPublishRequested, int]:
    l_f_bundles = []
    c_f_bundles, p = take_count(v, p)
    while c_f_bundles:
        for _ in range(c_f_bundles):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_bundles = v[p : p + n].decode()
            p += n
            l_f_bundles.append(i_f_bundles)
        c_f_bundles, p = take_count(v, p)
    f_bundles = tuple(l_f_bundles)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.PolicyPublishRequested(bundles=f_bundles, reason=f_reason, signature=f_signature), p


def put_PolicyPublished(out: list[bytes], v: e.PolicyPublished) -> None:
    b = v.policy_snapshot.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.bundles)
    if n:
        out.append(varint(n))
        for i_bundles in v.bundles:
            put_PolicyVersion(out, i_bundles)
    out.append(b"\x00")
    b = v.kind.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.replaces.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.by.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_PolicyPublished(v: bytes, p: int) -> tuple[e.PolicyPublished, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_policy_snapshot = v[p : p + n].decode()
    p += n
    l_f_bundles = []
    c_f_bundles, p = take_count(v, p)
    while c_f_bundles:
        for _ in range(c_f_bundles):
            i_f_bundles, p = take_PolicyVersion(v, p)
            l_f_bundles.append(i_f_bundles)
        c_f_bundles, p = take_count(v, p)
    f_bundles = tuple(l_f_bundles)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_kind = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_replaces = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_by = v[p : p + n].decode()
    p += n
    return e.PolicyPublished(policy_snapshot=f_policy_snapshot, bundles=f_bundles, kind=f_kind, replaces=f_replaces, reason=f_reason, by=f_by), p


def put_PolicyPutRequested(out: list[bytes], v: e.PolicyPutRequested) -> None:
    b = v.bundle.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.source.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.revision))
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.bundle_signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.bundle_signature)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_PolicyPutRequested(v: bytes, p: int) -> tuple[e.PolicyPutRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_bundle = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_source = v[p : p + n].decode()
    p += n
    f_revision = v[p]
    if f_revision < 128:
        f_revision = (f_revision >> 1) ^ -(f_revision & 1)
        p += 1
    else:
        f_revision, p = take_int(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_bundle_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_bundle_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.PolicyPutRequested(bundle=f_bundle, source=f_source, revision=f_revision, reason=f_reason, bundle_signature=f_bundle_signature, signature=f_signature), p


def put_PolicyRefused(out: list[bytes], v: e.PolicyRefused) -> None:
    b = v.request.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.bundle.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.problems)
    if n:
        out.append(varint(n))
        for i_problems in v.problems:
            b = i_problems.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")


def take_PolicyRefused(v: bytes, p: int) -> tuple[e.PolicyRefused, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_request = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_bundle = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    l_f_problems = []
    c_f_problems, p = take_count(v, p)
    while c_f_problems:
        for _ in range(c_f_problems):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_problems = v[p : p + n].decode()
            p += n
            l_f_problems.append(i_f_problems)
        c_f_problems, p = take_count(v, p)
    f_problems = tuple(l_f_problems)
    return e.PolicyRefused(request=f_request, bundle=f_bundle, code=f_code, reason=f_reason, problems=f_problems), p


def put_PolicyRollbackRequested(out: list[bytes], v: e.PolicyRollbackRequested) -> None:
    b = v.policy_snapshot.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_PolicyRollbackRequested(v: bytes, p: int) -> tuple[e.PolicyRollbackRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_policy_snapshot = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.PolicyRollbackRequested(policy_snapshot=f_policy_snapshot, reason=f_reason, signature=f_signature), p


def put_PolicyShadowRequested(out: list[bytes], v: e.PolicyShadowRequested) -> None:
    b = v.bundle.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.revision))
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_PolicyShadowRequested(v: bytes, p: int) -> tuple[e.PolicyShadowRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_bundle = v[p : p + n].decode()
    p += n
    f_revision = v[p]
    if f_revision < 128:
        f_revision = (f_revision >> 1) ^ -(f_revision & 1)
        p += 1
    else:
        f_revision, p = take_int(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.PolicyShadowRequested(bundle=f_bundle, revision=f_revision, reason=f_reason, signature=f_signature), p


def put_PolicyShadowed(out: list[bytes], v: e.PolicyShadowed) -> None:
    b = v.bundle.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.revision))
    b = v.digest.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.definition.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.by.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_PolicyShadowed(v: bytes, p: int) -> tuple[e.PolicyShadowed, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_bundle = v[p : p + n].decode()
    p += n
    f_revision = v[p]
    if f_revision < 128:
        f_revision = (f_revision >> 1) ^ -(f_revision & 1)
        p += 1
    else:
        f_revision, p = take_int(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_digest = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_definition = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_by = v[p : p + n].decode()
    p += n
    return e.PolicyShadowed(bundle=f_bundle, revision=f_revision, digest=f_digest, definition=f_definition, reason=f_reason, by=f_by), p


def put_PolicyVersion(out: list[bytes], v: e.PolicyVersion) -> None:
    b = v.bundle.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.version))
    b = v.digest.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.definition.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_PolicyVersion(v: bytes, p: int) -> tuple[e.PolicyVersion, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_bundle = v[p : p + n].decode()
    p += n
    f_version = v[p]
    if f_version < 128:
        f_version = (f_version >> 1) ^ -(f_version & 1)
        p += 1
    else:
        f_version, p = take_int(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_digest = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_definition = v[p : p + n].decode()
    p += n
    return e.PolicyVersion(bundle=f_bundle, version=f_version, digest=f_digest, definition=f_definition), p


def put_PoolChanged(out: list[bytes], v: e.PoolChanged) -> None:
    b = v.pool.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.terms.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(BOOLEANS[v.is_open])
    out.append(varint(v.number))
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.words.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_PoolChanged(v: bytes, p: int) -> tuple[e.PoolChanged, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_pool = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_terms = v[p : p + n].decode()
    p += n
    b = v[p]
    if b > 1:
        raise Malformed("a boolean of neither 0 nor 1")
    f_is_open = b == 1
    p += 1
    f_number = v[p]
    if f_number < 128:
        f_number = (f_number >> 1) ^ -(f_number & 1)
        p += 1
    else:
        f_number, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_words = v[p : p + n].decode()
    p += n
    return e.PoolChanged(pool=f_pool, terms=f_terms, is_open=f_is_open, number=f_number, reason=f_reason, words=f_words), p


def put_PoolDrainRequested(out: list[bytes], v: e.PoolDrainRequested) -> None:
    b = v.pool.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(BOOLEANS[v.draining])
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_PoolDrainRequested(v: bytes, p: int) -> tuple[e.PoolDrainRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_pool = v[p : p + n].decode()
    p += n
    b = v[p]
    if b > 1:
        raise Malformed("a boolean of neither 0 nor 1")
    f_draining = b == 1
    p += 1
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.PoolDrainRequested(pool=f_pool, draining=f_draining, reason=f_reason, signature=f_signature), p


def put_PoolOverloaded(out: list[bytes], v: e.PoolOverloaded) -> None:
    b = v.pool.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.waiting))
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_PoolOverloaded(v: bytes, p: int) -> tuple[e.PoolOverloaded, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_pool = v[p : p + n].decode()
    p += n
    f_waiting = v[p]
    if f_waiting < 128:
        f_waiting = (f_waiting >> 1) ^ -(f_waiting & 1)
        p += 1
    else:
        f_waiting, p = take_int(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.PoolOverloaded(pool=f_pool, waiting=f_waiting, reason=f_reason), p


def put_PoolRelieved(out: list[bytes], v: e.PoolRelieved) -> None:
    b = v.pool.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.waiting))


def take_PoolRelieved(v: bytes, p: int) -> tuple[e.PoolRelieved, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_pool = v[p : p + n].decode()
    p += n
    f_waiting = v[p]
    if f_waiting < 128:
        f_waiting = (f_waiting >> 1) ^ -(f_waiting & 1)
        p += 1
    else:
        f_waiting, p = take_int(v, p)
    return e.PoolRelieved(pool=f_pool, waiting=f_waiting), p


def put_PoolTermsTaken(out: list[bytes], v: e.PoolTermsTaken) -> None:
    b = v.terms.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(BOOLEANS[v.is_open])
    out.append(varint(v.number))
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_PoolTermsTaken(v: bytes, p: int) -> tuple[e.PoolTermsTaken, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_terms = v[p : p + n].decode()
    p += n
    b = v[p]
    if b > 1:
        raise Malformed("a boolean of neither 0 nor 1")
    f_is_open = b == 1
    p += 1
    f_number = v[p]
    if f_number < 128:
        f_number = (f_number >> 1) ^ -(f_number & 1)
        p += 1
    else:
        f_number, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.PoolTermsTaken(terms=f_terms, is_open=f_is_open, number=f_number, reason=f_reason), p


def put_PoolWaitNoted(out: list[bytes], v: e.PoolWaitNoted) -> None:
    b = v.pool.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.topic.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.waiting))
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.since))


def take_PoolWaitNoted(v: bytes, p: int) -> tuple[e.PoolWaitNoted, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_pool = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_topic = v[p : p + n].decode()
    p += n
    f_waiting = v[p]
    if f_waiting < 128:
        f_waiting = (f_waiting >> 1) ^ -(f_waiting & 1)
        p += 1
    else:
        f_waiting, p = take_int(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_since = v[p]
    if f_since < 128:
        f_since = (f_since >> 1) ^ -(f_since & 1)
        p += 1
    else:
        f_since, p = take_long(v, p)
    return e.PoolWaitNoted(pool=f_pool, topic=f_topic, waiting=f_waiting, reason=f_reason, since=f_since), p


def put_PoolsPublished(out: list[bytes], v: e.PoolsPublished) -> None:
    b = v.document.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.digest
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.revision))
    out.append(varint(v.number))
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_PoolsPublished(v: bytes, p: int) -> tuple[e.PoolsPublished, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_document = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_digest = v[p : p + n]
    p += n
    f_revision = v[p]
    if f_revision < 128:
        f_revision = (f_revision >> 1) ^ -(f_revision & 1)
        p += 1
    else:
        f_revision, p = take_int(v, p)
    f_number = v[p]
    if f_number < 128:
        f_number = (f_number >> 1) ^ -(f_number & 1)
        p += 1
    else:
        f_number, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.PoolsPublished(document=f_document, digest=f_digest, revision=f_revision, number=f_number, reason=f_reason), p


def put_PoolsPutRequested(out: list[bytes], v: e.PoolsPutRequested) -> None:
    b = v.source.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.revision))
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_PoolsPutRequested(v: bytes, p: int) -> tuple[e.PoolsPutRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_source = v[p : p + n].decode()
    p += n
    f_revision = v[p]
    if f_revision < 128:
        f_revision = (f_revision >> 1) ^ -(f_revision & 1)
        p += 1
    else:
        f_revision, p = take_int(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.PoolsPutRequested(source=f_source, revision=f_revision, reason=f_reason, signature=f_signature), p


def put_PoolsRefused(out: list[bytes], v: e.PoolsRefused) -> None:
    b = v.request.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.problems)
    if n:
        out.append(varint(n))
        for i_problems in v.problems:
            b = i_problems.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")


def take_PoolsRefused(v: bytes, p: int) -> tuple[e.PoolsRefused, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_request = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    l_f_problems = []
    c_f_problems, p = take_count(v, p)
    while c_f_problems:
        for _ in range(c_f_problems):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_problems = v[p : p + n].decode()
            p += n
            l_f_problems.append(i_f_problems)
        c_f_problems, p = take_count(v, p)
    f_problems = tuple(l_f_problems)
    return e.PoolsRefused(request=f_request, code=f_code, reason=f_reason, problems=f_problems), p


def put_PositionsAdvanced(out: list[bytes], v: e.PositionsAdvanced) -> None:
    pass


def take_PositionsAdvanced(v: bytes, p: int) -> tuple[e.PositionsAdvanced, int]:
    return e.PositionsAdvanced(), p


def put_QuestionsClosed(out: list[bytes], v: e.QuestionsClosed) -> None:
    b = v.status.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_QuestionsClosed(v: bytes, p: int) -> tuple[e.QuestionsClosed, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_status = v[p : p + n].decode()
    p += n
    return e.QuestionsClosed(status=f_status), p


def put_RequestRefused(out: list[bytes], v: e.RequestRefused) -> None:
    b = v.request.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_RequestRefused(v: bytes, p: int) -> tuple[e.RequestRefused, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_request = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.RequestRefused(request=f_request, code=f_code, reason=f_reason), p


def put_Rerun(out: list[bytes], v: e.Rerun) -> None:
    b = v.run_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.from_step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.ctx)
    if n:
        out.append(varint(n))
        for k_ctx, i_ctx in v.ctx.items():
            b = k_ctx.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
            b = i_ctx.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    n = len(v.outputs)
    if n:
        out.append(varint(n))
        for k_outputs, i_outputs in v.outputs.items():
            b = k_outputs.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
            b = i_outputs.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")


def take_Rerun(v: bytes, p: int) -> tuple[e.Rerun, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_run_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_from_step = v[p : p + n].decode()
    p += n
    f_ctx = {}
    c_f_ctx, p = take_count(v, p)
    while c_f_ctx:
        for _ in range(c_f_ctx):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            k_f_ctx = v[p : p + n].decode()
            p += n
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_ctx = v[p : p + n].decode()
            p += n
            f_ctx[k_f_ctx] = i_f_ctx
        c_f_ctx, p = take_count(v, p)
    f_outputs = {}
    c_f_outputs, p = take_count(v, p)
    while c_f_outputs:
        for _ in range(c_f_outputs):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            k_f_outputs = v[p : p + n].decode()
            p += n
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_outputs = v[p : p + n].decode()
            p += n
            f_outputs[k_f_outputs] = i_f_outputs
        c_f_outputs, p = take_count(v, p)
    return e.Rerun(run_id=f_run_id, from_step=f_from_step, ctx=f_ctx, outputs=f_outputs), p


def put_RunAdmitted(out: list[bytes], v: e.RunAdmitted) -> None:
    put_Decision(out, v.decision)
    b = v.workflow.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.labels)
    if n:
        out.append(varint(n))
        for k_labels, i_labels in v.labels.items():
            b = k_labels.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
            b = i_labels.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    b = v.input.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_RunAdmitted(v: bytes, p: int) -> tuple[e.RunAdmitted, int]:
    f_decision, p = take_Decision(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_workflow = v[p : p + n].decode()
    p += n
    f_labels = {}
    c_f_labels, p = take_count(v, p)
    while c_f_labels:
        for _ in range(c_f_labels):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            k_f_labels = v[p : p + n].decode()
            p += n
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_labels = v[p : p + n].decode()
            p += n
            f_labels[k_f_labels] = i_f_labels
        c_f_labels, p = take_count(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_input = v[p : p + n].decode()
    p += n
    return e.RunAdmitted(decision=f_decision, workflow=f_workflow, labels=f_labels, input=f_input), p


def put_RunCancelRequested(out: list[bytes], v: e.RunCancelRequested) -> None:
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_RunCancelRequested(v: bytes, p: int) -> tuple[e.RunCancelRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.RunCancelRequested(reason=f_reason, signature=f_signature), p


def put_RunCancelled(out: list[bytes], v: e.RunCancelled) -> None:
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.compensation.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_RunCancelled(v: bytes, p: int) -> tuple[e.RunCancelled, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_compensation = v[p : p + n].decode()
    p += n
    return e.RunCancelled(reason=f_reason, step=f_step, compensation=f_compensation), p


def put_RunCleared(out: list[bytes], v: e.RunCleared) -> None:
    b = v.policy_snapshot.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.rule.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_RunCleared(v: bytes, p: int) -> tuple[e.RunCleared, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_policy_snapshot = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_rule = v[p : p + n].decode()
    p += n
    return e.RunCleared(policy_snapshot=f_policy_snapshot, rule=f_rule), p


def put_RunDeferred(out: list[bytes], v: e.RunDeferred) -> None:
    pass


def take_RunDeferred(v: bytes, p: int) -> tuple[e.RunDeferred, int]:
    return e.RunDeferred(), p


def put_RunDenied(out: list[bytes], v: e.RunDenied) -> None:
    b = v.rule.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.compensation.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_RunDenied(v: bytes, p: int) -> tuple[e.RunDenied, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_rule = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_compensation = v[p : p + n].decode()
    p += n
    return e.RunDenied(rule=f_rule, reason=f_reason, step=f_step, compensation=f_compensation), p


def put_RunFailed(out: list[bytes], v: e.RunFailed) -> None:
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.message.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.compensation.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_RunFailed(v: bytes, p: int) -> tuple[e.RunFailed, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_message = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_compensation = v[p : p + n].decode()
    p += n
    return e.RunFailed(code=f_code, message=f_message, step=f_step, compensation=f_compensation), p


def put_RunHalted(out: list[bytes], v: e.RunHalted) -> None:
    b = v.status.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_RunHalted(v: bytes, p: int) -> tuple[e.RunHalted, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_status = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.RunHalted(status=f_status, code=f_code, reason=f_reason), p


def put_RunPauseRequested(out: list[bytes], v: e.RunPauseRequested) -> None:
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_RunPauseRequested(v: bytes, p: int) -> tuple[e.RunPauseRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.RunPauseRequested(reason=f_reason, signature=f_signature), p


def put_RunPaused(out: list[bytes], v: e.RunPaused) -> None:
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_RunPaused(v: bytes, p: int) -> tuple[e.RunPaused, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.RunPaused(reason=f_reason), p


def put_RunRefused(out: list[bytes], v: e.RunRefused) -> None:
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_RunRefused(v: bytes, p: int) -> tuple[e.RunRefused, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.RunRefused(code=f_code, reason=f_reason), p


def put_RunRejected(out: list[bytes], v: e.RunRejected) -> None:
    put_Decision(out, v.decision)


def take_RunRejected(v: bytes, p: int) -> tuple[e.RunRejected, int]:
    f_decision, p = take_Decision(v, p)
    return e.RunRejected(decision=f_decision), p


def put_RunRequested(out: list[bytes], v: e.RunRequested) -> None:
    b = v.workflow.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.version.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.kind.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.topic.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.input.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.labels)
    if n:
        out.append(varint(n))
        for k_labels, i_labels in v.labels.items():
            b = k_labels.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
            b = i_labels.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    b = v.idempotency_key.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.workflows_offset))
    if v.rerun is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Rerun(out, v.rerun)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_RunRequested(v: bytes, p: int) -> tuple[e.RunRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_workflow = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_version = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_kind = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_topic = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_input = v[p : p + n].decode()
    p += n
    f_labels = {}
    c_f_labels, p = take_count(v, p)
    while c_f_labels:
        for _ in range(c_f_labels):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            k_f_labels = v[p : p + n].decode()
            p += n
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_labels = v[p : p + n].decode()
            p += n
            f_labels[k_f_labels] = i_f_labels
        c_f_labels, p = take_count(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_idempotency_key = v[p : p + n].decode()
    p += n
    f_workflows_offset = v[p]
    if f_workflows_offset < 128:
        f_workflows_offset = (f_workflows_offset >> 1) ^ -(f_workflows_offset & 1)
        p += 1
    else:
        f_workflows_offset, p = take_long(v, p)
    f_rerun = None
    b = v[p]
    p += 1
    if b == 2:
        f_rerun, p = take_Rerun(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.RunRequested(workflow=f_workflow, version=f_version, kind=f_kind, topic=f_topic, input=f_input, labels=f_labels, idempotency_key=f_idempotency_key, workflows_offset=f_workflows_offset, rerun=f_rerun, signature=f_signature), p


def put_RunResumeRequested(out: list[bytes], v: e.RunResumeRequested) -> None:
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_RunResumeRequested(v: bytes, p: int) -> tuple[e.RunResumeRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.RunResumeRequested(reason=f_reason, signature=f_signature), p


def put_RunResumed(out: list[bytes], v: e.RunResumed) -> None:
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_RunResumed(v: bytes, p: int) -> tuple[e.RunResumed, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.RunResumed(reason=f_reason), p


def put_RunSizeWarned(out: list[bytes], v: e.RunSizeWarned) -> None:
    out.append(varint(v.events))
    out.append(varint(v.limit))


def take_RunSizeWarned(v: bytes, p: int) -> tuple[e.RunSizeWarned, int]:
    f_events = v[p]
    if f_events < 128:
        f_events = (f_events >> 1) ^ -(f_events & 1)
        p += 1
    else:
        f_events, p = take_long(v, p)
    f_limit = v[p]
    if f_limit < 128:
        f_limit = (f_limit >> 1) ^ -(f_limit & 1)
        p += 1
    else:
        f_limit, p = take_long(v, p)
    return e.RunSizeWarned(events=f_events, limit=f_limit), p


def put_RunStarted(out: list[bytes], v: e.RunStarted) -> None:
    b = v.workflow.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.version.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.kind.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.topic.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.input.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.labels)
    if n:
        out.append(varint(n))
        for k_labels, i_labels in v.labels.items():
            b = k_labels.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
            b = i_labels.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    b = v.idempotency_key.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.request_hash
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.digest.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.deadline is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        out.append(varint(v.deadline))
    n = len(v.ancestors)
    if n:
        out.append(varint(n))
        for i_ancestors in v.ancestors:
            put_Ancestor(out, i_ancestors)
    out.append(b"\x00")
    b = v.parent_step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.rerun is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Rerun(out, v.rerun)
    out.append(BOOLEANS[v.awaits_admission])


def take_RunStarted(v: bytes, p: int) -> tuple[e.RunStarted, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_workflow = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_version = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_kind = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_topic = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_input = v[p : p + n].decode()
    p += n
    f_labels = {}
    c_f_labels, p = take_count(v, p)
    while c_f_labels:
        for _ in range(c_f_labels):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            k_f_labels = v[p : p + n].decode()
            p += n
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_labels = v[p : p + n].decode()
            p += n
            f_labels[k_f_labels] = i_f_labels
        c_f_labels, p = take_count(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_idempotency_key = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_request_hash = v[p : p + n]
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_digest = v[p : p + n].decode()
    p += n
    f_deadline = None
    b = v[p]
    p += 1
    if b == 2:
        f_deadline = v[p]
        if f_deadline < 128:
            f_deadline = (f_deadline >> 1) ^ -(f_deadline & 1)
            p += 1
        else:
            f_deadline, p = take_long(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    l_f_ancestors = []
    c_f_ancestors, p = take_count(v, p)
    while c_f_ancestors:
        for _ in range(c_f_ancestors):
            i_f_ancestors, p = take_Ancestor(v, p)
            l_f_ancestors.append(i_f_ancestors)
        c_f_ancestors, p = take_count(v, p)
    f_ancestors = tuple(l_f_ancestors)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_parent_step = v[p : p + n].decode()
    p += n
    f_rerun = None
    b = v[p]
    p += 1
    if b == 2:
        f_rerun, p = take_Rerun(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    b = v[p]
    if b > 1:
        raise Malformed("a boolean of neither 0 nor 1")
    f_awaits_admission = b == 1
    p += 1
    return e.RunStarted(workflow=f_workflow, version=f_version, kind=f_kind, topic=f_topic, input=f_input, labels=f_labels, idempotency_key=f_idempotency_key, request_hash=f_request_hash, digest=f_digest, deadline=f_deadline, ancestors=f_ancestors, parent_step=f_parent_step, rerun=f_rerun, awaits_admission=f_awaits_admission), p


def put_RunSucceeded(out: list[bytes], v: e.RunSucceeded) -> None:
    b = v.output.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_RunSucceeded(v: bytes, p: int) -> tuple[e.RunSucceeded, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_output = v[p : p + n].decode()
    p += n
    return e.RunSucceeded(output=f_output), p


def put_RunTimedOut(out: list[bytes], v: e.RunTimedOut) -> None:
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.compensation.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_RunTimedOut(v: bytes, p: int) -> tuple[e.RunTimedOut, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_compensation = v[p : p + n].decode()
    p += n
    return e.RunTimedOut(code=f_code, reason=f_reason, step=f_step, compensation=f_compensation), p


def put_ShadowDecided(out: list[bytes], v: e.ShadowDecided) -> None:
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.bundle.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.revision))
    put_Decision(out, v.decision)


def take_ShadowDecided(v: bytes, p: int) -> tuple[e.ShadowDecided, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_bundle = v[p : p + n].decode()
    p += n
    f_revision = v[p]
    if f_revision < 128:
        f_revision = (f_revision >> 1) ^ -(f_revision & 1)
        p += 1
    else:
        f_revision, p = take_int(v, p)
    f_decision, p = take_Decision(v, p)
    return e.ShadowDecided(job_id=f_job_id, step=f_step, bundle=f_bundle, revision=f_revision, decision=f_decision), p


def put_SignalReceived(out: list[bytes], v: e.SignalReceived) -> None:
    b = v.signal_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.name.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.payload.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_SignalReceived(v: bytes, p: int) -> tuple[e.SignalReceived, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_signal_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_name = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_payload = v[p : p + n].decode()
    p += n
    return e.SignalReceived(signal_id=f_signal_id, name=f_name, payload=f_payload), p


def put_SignalSent(out: list[bytes], v: e.SignalSent) -> None:
    b = v.name.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.payload.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_SignalSent(v: bytes, p: int) -> tuple[e.SignalSent, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_name = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_payload = v[p : p + n].decode()
    p += n
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.SignalSent(name=f_name, payload=f_payload, signature=f_signature), p


def put_Signature(out: list[bytes], v: e.Signature) -> None:
    b = v.key_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.certificate
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.value
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_Signature(v: bytes, p: int) -> tuple[e.Signature, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_key_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_certificate = v[p : p + n]
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_value = v[p : p + n]
    p += n
    return e.Signature(key_id=f_key_id, certificate=f_certificate, value=f_value), p


def put_SlotFreed(out: list[bytes], v: e.SlotFreed) -> None:
    b = v.slot.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.run.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_SlotFreed(v: bytes, p: int) -> tuple[e.SlotFreed, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_slot = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_run = v[p : p + n].decode()
    p += n
    return e.SlotFreed(slot=f_slot, run=f_run), p


def put_SlotGranted(out: list[bytes], v: e.SlotGranted) -> None:
    b = v.slot.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.limit))


def take_SlotGranted(v: bytes, p: int) -> tuple[e.SlotGranted, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_slot = v[p : p + n].decode()
    p += n
    f_limit = v[p]
    if f_limit < 128:
        f_limit = (f_limit >> 1) ^ -(f_limit & 1)
        p += 1
    else:
        f_limit, p = take_int(v, p)
    return e.SlotGranted(slot=f_slot, limit=f_limit), p


def put_SlotQueued(out: list[bytes], v: e.SlotQueued) -> None:
    b = v.slot.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.holders)
    if n:
        out.append(varint(n))
        for i_holders in v.holders:
            b = i_holders.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    out.append(varint32(v.limit))


def take_SlotQueued(v: bytes, p: int) -> tuple[e.SlotQueued, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_slot = v[p : p + n].decode()
    p += n
    l_f_holders = []
    c_f_holders, p = take_count(v, p)
    while c_f_holders:
        for _ in range(c_f_holders):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_holders = v[p : p + n].decode()
            p += n
            l_f_holders.append(i_f_holders)
        c_f_holders, p = take_count(v, p)
    f_holders = tuple(l_f_holders)
    f_limit = v[p]
    if f_limit < 128:
        f_limit = (f_limit >> 1) ^ -(f_limit & 1)
        p += 1
    else:
        f_limit, p = take_int(v, p)
    return e.SlotQueued(slot=f_slot, holders=f_holders, limit=f_limit), p


def put_SlotRefused(out: list[bytes], v: e.SlotRefused) -> None:
    b = v.slot.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.holders)
    if n:
        out.append(varint(n))
        for i_holders in v.holders:
            b = i_holders.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    out.append(varint32(v.limit))


def take_SlotRefused(v: bytes, p: int) -> tuple[e.SlotRefused, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_slot = v[p : p + n].decode()
    p += n
    l_f_holders = []
    c_f_holders, p = take_count(v, p)
    while c_f_holders:
        for _ in range(c_f_holders):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_holders = v[p : p + n].decode()
            p += n
            l_f_holders.append(i_f_holders)
        c_f_holders, p = take_count(v, p)
    f_holders = tuple(l_f_holders)
    f_limit = v[p]
    if f_limit < 128:
        f_limit = (f_limit >> 1) ^ -(f_limit & 1)
        p += 1
    else:
        f_limit, p = take_int(v, p)
    return e.SlotRefused(slot=f_slot, holders=f_holders, limit=f_limit), p


def put_SlotReleased(out: list[bytes], v: e.SlotReleased) -> None:
    b = v.slot.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_SlotReleased(v: bytes, p: int) -> tuple[e.SlotReleased, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_slot = v[p : p + n].decode()
    p += n
    return e.SlotReleased(slot=f_slot), p


def put_SlotRequested(out: list[bytes], v: e.SlotRequested) -> None:
    b = v.slot.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.limit))
    b = v.on_conflict.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_SlotRequested(v: bytes, p: int) -> tuple[e.SlotRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_slot = v[p : p + n].decode()
    p += n
    f_limit = v[p]
    if f_limit < 128:
        f_limit = (f_limit >> 1) ^ -(f_limit & 1)
        p += 1
    else:
        f_limit, p = take_int(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_on_conflict = v[p : p + n].decode()
    p += n
    return e.SlotRequested(slot=f_slot, limit=f_limit, on_conflict=f_on_conflict), p


def put_SlotRevoked(out: list[bytes], v: e.SlotRevoked) -> None:
    b = v.slot.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.by_run.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_SlotRevoked(v: bytes, p: int) -> tuple[e.SlotRevoked, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_slot = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_by_run = v[p : p + n].decode()
    p += n
    return e.SlotRevoked(slot=f_slot, by_run=f_by_run), p


def put_SlotTaken(out: list[bytes], v: e.SlotTaken) -> None:
    b = v.slot.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_SlotTaken(v: bytes, p: int) -> tuple[e.SlotTaken, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_slot = v[p : p + n].decode()
    p += n
    return e.SlotTaken(slot=f_slot), p


def put_StepCancelRequested(out: list[bytes], v: e.StepCancelRequested) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.ending.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_StepCancelRequested(v: bytes, p: int) -> tuple[e.StepCancelRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_ending = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.StepCancelRequested(step=f_step, ending=f_ending, code=f_code, reason=f_reason), p


def put_StepCancelled(out: list[bytes], v: e.StepCancelled) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.parent.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_StepCancelled(v: bytes, p: int) -> tuple[e.StepCancelled, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_parent = v[p : p + n].decode()
    p += n
    return e.StepCancelled(step=f_step, job_id=f_job_id, reason=f_reason, parent=f_parent), p


def put_StepDenied(out: list[bytes], v: e.StepDenied) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.rule.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.parent.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_StepDenied(v: bytes, p: int) -> tuple[e.StepDenied, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_rule = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_parent = v[p : p + n].decode()
    p += n
    return e.StepDenied(step=f_step, job_id=f_job_id, rule=f_rule, reason=f_reason, parent=f_parent), p


def put_StepFailed(out: list[bytes], v: e.StepFailed) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.message.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.parent.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_StepFailed(v: bytes, p: int) -> tuple[e.StepFailed, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_message = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_parent = v[p : p + n].decode()
    p += n
    return e.StepFailed(step=f_step, job_id=f_job_id, code=f_code, message=f_message, parent=f_parent), p


def put_StepSkipped(out: list[bytes], v: e.StepSkipped) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.parent.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_StepSkipped(v: bytes, p: int) -> tuple[e.StepSkipped, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_parent = v[p : p + n].decode()
    p += n
    return e.StepSkipped(step=f_step, reason=f_reason, parent=f_parent), p


def put_StepStarted(out: list[bytes], v: e.StepStarted) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.kind.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.parent.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.deadline is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        out.append(varint(v.deadline))
    if v.until is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        out.append(varint(v.until))
    b = v.signal.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.input.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.items)
    if n:
        out.append(varint(n))
        for i_items in v.items:
            b = i_items.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")


def take_StepStarted(v: bytes, p: int) -> tuple[e.StepStarted, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_kind = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_parent = v[p : p + n].decode()
    p += n
    f_deadline = None
    b = v[p]
    p += 1
    if b == 2:
        f_deadline = v[p]
        if f_deadline < 128:
            f_deadline = (f_deadline >> 1) ^ -(f_deadline & 1)
            p += 1
        else:
            f_deadline, p = take_long(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    f_until = None
    b = v[p]
    p += 1
    if b == 2:
        f_until = v[p]
        if f_until < 128:
            f_until = (f_until >> 1) ^ -(f_until & 1)
            p += 1
        else:
            f_until, p = take_long(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_signal = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_input = v[p : p + n].decode()
    p += n
    l_f_items = []
    c_f_items, p = take_count(v, p)
    while c_f_items:
        for _ in range(c_f_items):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_items = v[p : p + n].decode()
            p += n
            l_f_items.append(i_f_items)
        c_f_items, p = take_count(v, p)
    f_items = tuple(l_f_items)
    return e.StepStarted(step=f_step, kind=f_kind, parent=f_parent, deadline=f_deadline, until=f_until, signal=f_signal, input=f_input, items=f_items), p


def put_StepSucceeded(out: list[bytes], v: e.StepSucceeded) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.output.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.parent.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.signal.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_StepSucceeded(v: bytes, p: int) -> tuple[e.StepSucceeded, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_output = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_parent = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_signal = v[p : p + n].decode()
    p += n
    return e.StepSucceeded(step=f_step, job_id=f_job_id, output=f_output, parent=f_parent, signal=f_signal), p


def put_StepTimedOut(out: list[bytes], v: e.StepTimedOut) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.parent.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_StepTimedOut(v: bytes, p: int) -> tuple[e.StepTimedOut, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_parent = v[p : p + n].decode()
    p += n
    return e.StepTimedOut(step=f_step, job_id=f_job_id, code=f_code, reason=f_reason, parent=f_parent), p


def put_Vote(out: list[bytes], v: e.Vote) -> None:
    b = v.voter.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.roles)
    if n:
        out.append(varint(n))
        for i_roles in v.roles:
            b = i_roles.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    out.append(varint(v.at))
    out.append(BOOLEANS[v.approve])


def take_Vote(v: bytes, p: int) -> tuple[e.Vote, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_voter = v[p : p + n].decode()
    p += n
    l_f_roles = []
    c_f_roles, p = take_count(v, p)
    while c_f_roles:
        for _ in range(c_f_roles):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_roles = v[p : p + n].decode()
            p += n
            l_f_roles.append(i_f_roles)
        c_f_roles, p = take_count(v, p)
    f_roles = tuple(l_f_roles)
    f_at = v[p]
    if f_at < 128:
        f_at = (f_at >> 1) ^ -(f_at & 1)
        p += 1
    else:
        f_at, p = take_long(v, p)
    b = v[p]
    if b > 1:
        raise Malformed("a boolean of neither 0 nor 1")
    f_approve = b == 1
    p += 1
    return e.Vote(voter=f_voter, roles=f_roles, at=f_at, approve=f_approve), p


def put_VoteCast(out: list[bytes], v: e.VoteCast) -> None:
    b = v.approval_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(BOOLEANS[v.approve])
    b = v.data.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.binding.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.roles)
    if n:
        out.append(varint(n))
        for i_roles in v.roles:
            b = i_roles.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_VoteCast(v: bytes, p: int) -> tuple[e.VoteCast, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_approval_id = v[p : p + n].decode()
    p += n
    b = v[p]
    if b > 1:
        raise Malformed("a boolean of neither 0 nor 1")
    f_approve = b == 1
    p += 1
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_data = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_binding = v[p : p + n].decode()
    p += n
    l_f_roles = []
    c_f_roles, p = take_count(v, p)
    while c_f_roles:
        for _ in range(c_f_roles):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_roles = v[p : p + n].decode()
            p += n
            l_f_roles.append(i_f_roles)
        c_f_roles, p = take_count(v, p)
    f_roles = tuple(l_f_roles)
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.VoteCast(approval_id=f_approval_id, approve=f_approve, data=f_data, reason=f_reason, binding=f_binding, roles=f_roles, signature=f_signature), p


def put_VoteRecorded(out: list[bytes], v: e.VoteRecorded) -> None:
    b = v.approval_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.voter.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(BOOLEANS[v.approve])
    b = v.data.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.roles)
    if n:
        out.append(varint(n))
        for i_roles in v.roles:
            b = i_roles.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")


def take_VoteRecorded(v: bytes, p: int) -> tuple[e.VoteRecorded, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_approval_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_voter = v[p : p + n].decode()
    p += n
    b = v[p]
    if b > 1:
        raise Malformed("a boolean of neither 0 nor 1")
    f_approve = b == 1
    p += 1
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_data = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    l_f_roles = []
    c_f_roles, p = take_count(v, p)
    while c_f_roles:
        for _ in range(c_f_roles):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_roles = v[p : p + n].decode()
            p += n
            l_f_roles.append(i_f_roles)
        c_f_roles, p = take_count(v, p)
    f_roles = tuple(l_f_roles)
    return e.VoteRecorded(approval_id=f_approval_id, step=f_step, voter=f_voter, approve=f_approve, data=f_data, reason=f_reason, roles=f_roles), p


def put_VoteRefused(out: list[bytes], v: e.VoteRefused) -> None:
    b = v.approval_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.voter.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_VoteRefused(v: bytes, p: int) -> tuple[e.VoteRefused, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_approval_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_voter = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.VoteRefused(approval_id=f_approval_id, voter=f_voter, code=f_code, reason=f_reason), p


def put_WaitNoted(out: list[bytes], v: e.WaitNoted) -> None:
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.since))
    if v.until is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        out.append(varint(v.until))


def take_WaitNoted(v: bytes, p: int) -> tuple[e.WaitNoted, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_since = v[p]
    if f_since < 128:
        f_since = (f_since >> 1) ^ -(f_since & 1)
        p += 1
    else:
        f_since, p = take_long(v, p)
    f_until = None
    b = v[p]
    p += 1
    if b == 2:
        f_until = v[p]
        if f_until < 128:
            f_until = (f_until >> 1) ^ -(f_until & 1)
            p += 1
        else:
            f_until, p = take_long(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.WaitNoted(step=f_step, reason=f_reason, since=f_since, until=f_until), p


def put_WorkerBeat(out: list[bytes], v: e.WorkerBeat) -> None:
    b = v.worker.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.name.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.max_parallel))
    out.append(varint(v.beat))
    n = len(v.holding)
    if n:
        out.append(varint(n))
        for i_holding in v.holding:
            out.append(varint(i_holding))
    out.append(b"\x00")
    out.append(BOOLEANS[v.leaving])
    n = len(v.topics)
    if n:
        out.append(varint(n))
        for i_topics in v.topics:
            b = i_topics.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    n = len(v.capabilities)
    if n:
        out.append(varint(n))
        for i_capabilities in v.capabilities:
            b = i_capabilities.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    n = len(v.labels)
    if n:
        out.append(varint(n))
        for k_labels, i_labels in v.labels.items():
            b = k_labels.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
            b = i_labels.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    out.append(varint32(v.cpu_percent))
    out.append(varint32(v.gpu_percent))


def take_WorkerBeat(v: bytes, p: int) -> tuple[e.WorkerBeat, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_worker = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_name = v[p : p + n].decode()
    p += n
    f_max_parallel = v[p]
    if f_max_parallel < 128:
        f_max_parallel = (f_max_parallel >> 1) ^ -(f_max_parallel & 1)
        p += 1
    else:
        f_max_parallel, p = take_int(v, p)
    f_beat = v[p]
    if f_beat < 128:
        f_beat = (f_beat >> 1) ^ -(f_beat & 1)
        p += 1
    else:
        f_beat, p = take_long(v, p)
    l_f_holding = []
    c_f_holding, p = take_count(v, p)
    while c_f_holding:
        for _ in range(c_f_holding):
            i_f_holding = v[p]
            if i_f_holding < 128:
                i_f_holding = (i_f_holding >> 1) ^ -(i_f_holding & 1)
                p += 1
            else:
                i_f_holding, p = take_long(v, p)
            l_f_holding.append(i_f_holding)
        c_f_holding, p = take_count(v, p)
    f_holding = tuple(l_f_holding)
    b = v[p]
    if b > 1:
        raise Malformed("a boolean of neither 0 nor 1")
    f_leaving = b == 1
    p += 1
    l_f_topics = []
    c_f_topics, p = take_count(v, p)
    while c_f_topics:
        for _ in range(c_f_topics):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_topics = v[p : p + n].decode()
            p += n
            l_f_topics.append(i_f_topics)
        c_f_topics, p = take_count(v, p)
    f_topics = tuple(l_f_topics)
    l_f_capabilities = []
    c_f_capabilities, p = take_count(v, p)
    while c_f_capabilities:
        for _ in range(c_f_capabilities):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_capabilities = v[p : p + n].decode()
            p += n
            l_f_capabilities.append(i_f_capabilities)
        c_f_capabilities, p = take_count(v, p)
    f_capabilities = tuple(l_f_capabilities)
    f_labels = {}
    c_f_labels, p = take_count(v, p)
    while c_f_labels:
        for _ in range(c_f_labels):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            k_f_labels = v[p : p + n].decode()
            p += n
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_labels = v[p : p + n].decode()
            p += n
            f_labels[k_f_labels] = i_f_labels
        c_f_labels, p = take_count(v, p)
    f_cpu_percent = v[p]
    if f_cpu_percent < 128:
        f_cpu_percent = (f_cpu_percent >> 1) ^ -(f_cpu_percent & 1)
        p += 1
    else:
        f_cpu_percent, p = take_int(v, p)
    f_gpu_percent = v[p]
    if f_gpu_percent < 128:
        f_gpu_percent = (f_gpu_percent >> 1) ^ -(f_gpu_percent & 1)
        p += 1
    else:
        f_gpu_percent, p = take_int(v, p)
    return e.WorkerBeat(worker=f_worker, name=f_name, max_parallel=f_max_parallel, beat=f_beat, holding=f_holding, leaving=f_leaving, topics=f_topics, capabilities=f_capabilities, labels=f_labels, cpu_percent=f_cpu_percent, gpu_percent=f_gpu_percent), p


def put_WorkerJoined(out: list[bytes], v: e.WorkerJoined) -> None:
    b = v.worker.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.name.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.max_parallel))
    out.append(varint(v.expires_at))
    out.append(varint(v.beat))
    n = len(v.topics)
    if n:
        out.append(varint(n))
        for i_topics in v.topics:
            b = i_topics.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    n = len(v.capabilities)
    if n:
        out.append(varint(n))
        for i_capabilities in v.capabilities:
            b = i_capabilities.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    n = len(v.labels)
    if n:
        out.append(varint(n))
        for k_labels, i_labels in v.labels.items():
            b = k_labels.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
            b = i_labels.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")
    out.append(varint32(v.cpu_percent))
    out.append(varint32(v.gpu_percent))


def take_WorkerJoined(v: bytes, p: int) -> tuple[e.WorkerJoined, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_worker = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_name = v[p : p + n].decode()
    p += n
    f_max_parallel = v[p]
    if f_max_parallel < 128:
        f_max_parallel = (f_max_parallel >> 1) ^ -(f_max_parallel & 1)
        p += 1
    else:
        f_max_parallel, p = take_int(v, p)
    f_expires_at = v[p]
    if f_expires_at < 128:
        f_expires_at = (f_expires_at >> 1) ^ -(f_expires_at & 1)
        p += 1
    else:
        f_expires_at, p = take_long(v, p)
    f_beat = v[p]
    if f_beat < 128:
        f_beat = (f_beat >> 1) ^ -(f_beat & 1)
        p += 1
    else:
        f_beat, p = take_long(v, p)
    l_f_topics = []
    c_f_topics, p = take_count(v, p)
    while c_f_topics:
        for _ in range(c_f_topics):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_topics = v[p : p + n].decode()
            p += n
            l_f_topics.append(i_f_topics)
        c_f_topics, p = take_count(v, p)
    f_topics = tuple(l_f_topics)
    l_f_capabilities = []
    c_f_capabilities, p = take_count(v, p)
    while c_f_capabilities:
        for _ in range(c_f_capabilities):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_capabilities = v[p : p + n].decode()
            p += n
            l_f_capabilities.append(i_f_capabilities)
        c_f_capabilities, p = take_count(v, p)
    f_capabilities = tuple(l_f_capabilities)
    f_labels = {}
    c_f_labels, p = take_count(v, p)
    while c_f_labels:
        for _ in range(c_f_labels):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            k_f_labels = v[p : p + n].decode()
            p += n
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_labels = v[p : p + n].decode()
            p += n
            f_labels[k_f_labels] = i_f_labels
        c_f_labels, p = take_count(v, p)
    f_cpu_percent = v[p]
    if f_cpu_percent < 128:
        f_cpu_percent = (f_cpu_percent >> 1) ^ -(f_cpu_percent & 1)
        p += 1
    else:
        f_cpu_percent, p = take_int(v, p)
    f_gpu_percent = v[p]
    if f_gpu_percent < 128:
        f_gpu_percent = (f_gpu_percent >> 1) ^ -(f_gpu_percent & 1)
        p += 1
    else:
        f_gpu_percent, p = take_int(v, p)
    return e.WorkerJoined(worker=f_worker, name=f_name, max_parallel=f_max_parallel, expires_at=f_expires_at, beat=f_beat, topics=f_topics, capabilities=f_capabilities, labels=f_labels, cpu_percent=f_cpu_percent, gpu_percent=f_gpu_percent), p


def put_WorkerLost(out: list[bytes], v: e.WorkerLost) -> None:
    b = v.worker.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_WorkerLost(v: bytes, p: int) -> tuple[e.WorkerLost, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_worker = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.WorkerLost(worker=f_worker, reason=f_reason), p


def put_WorkerRenewed(out: list[bytes], v: e.WorkerRenewed) -> None:
    b = v.worker.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.max_parallel))
    out.append(varint(v.expires_at))
    out.append(varint(v.beat))
    out.append(varint32(v.cpu_percent))
    out.append(varint32(v.gpu_percent))
    n = len(v.taken)
    if n:
        out.append(varint(n))
        for i_taken in v.taken:
            out.append(varint(i_taken))
    out.append(b"\x00")
    out.append(BOOLEANS[v.late])


def take_WorkerRenewed(v: bytes, p: int) -> tuple[e.WorkerRenewed, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_worker = v[p : p + n].decode()
    p += n
    f_max_parallel = v[p]
    if f_max_parallel < 128:
        f_max_parallel = (f_max_parallel >> 1) ^ -(f_max_parallel & 1)
        p += 1
    else:
        f_max_parallel, p = take_int(v, p)
    f_expires_at = v[p]
    if f_expires_at < 128:
        f_expires_at = (f_expires_at >> 1) ^ -(f_expires_at & 1)
        p += 1
    else:
        f_expires_at, p = take_long(v, p)
    f_beat = v[p]
    if f_beat < 128:
        f_beat = (f_beat >> 1) ^ -(f_beat & 1)
        p += 1
    else:
        f_beat, p = take_long(v, p)
    f_cpu_percent = v[p]
    if f_cpu_percent < 128:
        f_cpu_percent = (f_cpu_percent >> 1) ^ -(f_cpu_percent & 1)
        p += 1
    else:
        f_cpu_percent, p = take_int(v, p)
    f_gpu_percent = v[p]
    if f_gpu_percent < 128:
        f_gpu_percent = (f_gpu_percent >> 1) ^ -(f_gpu_percent & 1)
        p += 1
    else:
        f_gpu_percent, p = take_int(v, p)
    l_f_taken = []
    c_f_taken, p = take_count(v, p)
    while c_f_taken:
        for _ in range(c_f_taken):
            i_f_taken = v[p]
            if i_f_taken < 128:
                i_f_taken = (i_f_taken >> 1) ^ -(i_f_taken & 1)
                p += 1
            else:
                i_f_taken, p = take_long(v, p)
            l_f_taken.append(i_f_taken)
        c_f_taken, p = take_count(v, p)
    f_taken = tuple(l_f_taken)
    b = v[p]
    if b > 1:
        raise Malformed("a boolean of neither 0 nor 1")
    f_late = b == 1
    p += 1
    return e.WorkerRenewed(worker=f_worker, max_parallel=f_max_parallel, expires_at=f_expires_at, beat=f_beat, cpu_percent=f_cpu_percent, gpu_percent=f_gpu_percent, taken=f_taken, late=f_late), p


def put_WorkflowConfirmed(out: list[bytes], v: e.WorkflowConfirmed) -> None:
    b = v.workflow.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.version.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.digest.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_WorkflowConfirmed(v: bytes, p: int) -> tuple[e.WorkflowConfirmed, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_workflow = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_version = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_digest = v[p : p + n].decode()
    p += n
    return e.WorkflowConfirmed(workflow=f_workflow, version=f_version, digest=f_digest), p


def put_WorkflowPublished(out: list[bytes], v: e.WorkflowPublished) -> None:
    b = v.workflow.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.version.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.digest.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.definition.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.source.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_WorkflowPublished(v: bytes, p: int) -> tuple[e.WorkflowPublished, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_workflow = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_version = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_digest = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_definition = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_source = v[p : p + n].decode()
    p += n
    return e.WorkflowPublished(workflow=f_workflow, version=f_version, digest=f_digest, definition=f_definition, source=f_source), p


def put_WorkflowRefused(out: list[bytes], v: e.WorkflowRefused) -> None:
    b = v.workflow.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    n = len(v.problems)
    if n:
        out.append(varint(n))
        for i_problems in v.problems:
            b = i_problems.encode()
            n = len(b)
            out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(b"\x00")


def take_WorkflowRefused(v: bytes, p: int) -> tuple[e.WorkflowRefused, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_workflow = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_code = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    l_f_problems = []
    c_f_problems, p = take_count(v, p)
    while c_f_problems:
        for _ in range(c_f_problems):
            n = v[p]
            if n & 0x81:
                n, p = take_length(v, p)
            else:
                n >>= 1
                p += 1
            i_f_problems = v[p : p + n].decode()
            p += n
            l_f_problems.append(i_f_problems)
        c_f_problems, p = take_count(v, p)
    f_problems = tuple(l_f_problems)
    return e.WorkflowRefused(workflow=f_workflow, code=f_code, reason=f_reason, problems=f_problems), p


def put_WorkflowRetireRequested(out: list[bytes], v: e.WorkflowRetireRequested) -> None:
    b = v.workflow.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_WorkflowRetireRequested(v: bytes, p: int) -> tuple[e.WorkflowRetireRequested, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_workflow = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.WorkflowRetireRequested(workflow=f_workflow, reason=f_reason, signature=f_signature), p


def put_WorkflowRetired(out: list[bytes], v: e.WorkflowRetired) -> None:
    b = v.workflow.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_WorkflowRetired(v: bytes, p: int) -> tuple[e.WorkflowRetired, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_workflow = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.WorkflowRetired(workflow=f_workflow, reason=f_reason), p


def put_WorkflowSubmitted(out: list[bytes], v: e.WorkflowSubmitted) -> None:
    b = v.workflow.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.source.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)


def take_WorkflowSubmitted(v: bytes, p: int) -> tuple[e.WorkflowSubmitted, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_workflow = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_source = v[p : p + n].decode()
    p += n
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.WorkflowSubmitted(workflow=f_workflow, source=f_source, signature=f_signature), p


def put_Writ(out: list[bytes], v: e.Writ) -> None:
    b = v.writ_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.job_hash
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.pool.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.policy_snapshot.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.rule.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.issued_at))
    out.append(varint(v.expires_at))
    b = v.tenant.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.policies_offset))
    b = v.approval_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.constraints_hash
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    if v.signature is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Signature(out, v.signature)
    out.append(varint(v.pools_number))
    b = v.resume_hash
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_Writ(v: bytes, p: int) -> tuple[e.Writ, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_writ_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_hash = v[p : p + n]
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_pool = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_policy_snapshot = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_rule = v[p : p + n].decode()
    p += n
    f_issued_at = v[p]
    if f_issued_at < 128:
        f_issued_at = (f_issued_at >> 1) ^ -(f_issued_at & 1)
        p += 1
    else:
        f_issued_at, p = take_long(v, p)
    f_expires_at = v[p]
    if f_expires_at < 128:
        f_expires_at = (f_expires_at >> 1) ^ -(f_expires_at & 1)
        p += 1
    else:
        f_expires_at, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_tenant = v[p : p + n].decode()
    p += n
    f_policies_offset = v[p]
    if f_policies_offset < 128:
        f_policies_offset = (f_policies_offset >> 1) ^ -(f_policies_offset & 1)
        p += 1
    else:
        f_policies_offset, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_approval_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_constraints_hash = v[p : p + n]
    p += n
    f_signature = None
    b = v[p]
    p += 1
    if b == 2:
        f_signature, p = take_Signature(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    f_pools_number = v[p]
    if f_pools_number < 128:
        f_pools_number = (f_pools_number >> 1) ^ -(f_pools_number & 1)
        p += 1
    else:
        f_pools_number, p = take_long(v, p)
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_resume_hash = v[p : p + n]
    p += n
    return e.Writ(writ_id=f_writ_id, job_id=f_job_id, job_hash=f_job_hash, pool=f_pool, policy_snapshot=f_policy_snapshot, rule=f_rule, issued_at=f_issued_at, expires_at=f_expires_at, tenant=f_tenant, policies_offset=f_policies_offset, approval_id=f_approval_id, constraints_hash=f_constraints_hash, signature=f_signature, pools_number=f_pools_number, resume_hash=f_resume_hash), p


def put_WritIssued(out: list[bytes], v: e.WritIssued) -> None:
    put_Job(out, v.job)
    put_Writ(out, v.writ)
    if v.decision is None:
        out.append(b"\x00")
    else:
        out.append(b"\x02")
        put_Decision(out, v.decision)


def take_WritIssued(v: bytes, p: int) -> tuple[e.WritIssued, int]:
    f_job, p = take_Job(v, p)
    f_writ, p = take_Writ(v, p)
    f_decision = None
    b = v[p]
    p += 1
    if b == 2:
        f_decision, p = take_Decision(v, p)
    elif b:
        raise Malformed("a union without such a branch")
    return e.WritIssued(job=f_job, writ=f_writ, decision=f_decision), p


def put_WritRevoked(out: list[bytes], v: e.WritRevoked) -> None:
    b = v.job_id.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.step.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.pool.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)


def take_WritRevoked(v: bytes, p: int) -> tuple[e.WritRevoked, int]:
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_job_id = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_step = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_pool = v[p : p + n].decode()
    p += n
    n = v[p]
    if n & 0x81:
        n, p = take_length(v, p)
    else:
        n >>= 1
        p += 1
    f_reason = v[p : p + n].decode()
    p += n
    return e.WritRevoked(job_id=f_job_id, step=f_step, pool=f_pool, reason=f_reason), p


PUT: dict[str, Callable[[list[bytes], Any], None]] = {
    "ApprovalClosed": put_ApprovalClosed,
    "ApprovalExpired": put_ApprovalExpired,
    "ApprovalGranted": put_ApprovalGranted,
    "ApprovalOpened": put_ApprovalOpened,
    "ApprovalRefused": put_ApprovalRefused,
    "ApprovalRequested": put_ApprovalRequested,
    "ApprovalRequired": put_ApprovalRequired,
    "ApprovalRevised": put_ApprovalRevised,
    "AttemptFailed": put_AttemptFailed,
    "CaseClosed": put_CaseClosed,
    "CheckpointNoted": put_CheckpointNoted,
    "ChildCancelRequested": put_ChildCancelRequested,
    "ChildEnded": put_ChildEnded,
    "ChildRequested": put_ChildRequested,
    "CompensationStarted": put_CompensationStarted,
    "ConstraintBreached": put_ConstraintBreached,
    "ContextChanged": put_ContextChanged,
    "DeadLetterDiscardRequested": put_DeadLetterDiscardRequested,
    "DeadLetterDiscarded": put_DeadLetterDiscarded,
    "DeadLetterOpened": put_DeadLetterOpened,
    "DeadLetterRefused": put_DeadLetterRefused,
    "DeadLetterRetried": put_DeadLetterRetried,
    "DeadLetterRetryRequested": put_DeadLetterRetryRequested,
    "GrantRecorded": put_GrantRecorded,
    "JobAbandoned": put_JobAbandoned,
    "JobCancelRequested": put_JobCancelRequested,
    "JobCancelled": put_JobCancelled,
    "JobDenied": put_JobDenied,
    "JobDispatched": put_JobDispatched,
    "JobFailed": put_JobFailed,
    "JobLost": put_JobLost,
    "JobProgressed": put_JobProgressed,
    "JobQueued": put_JobQueued,
    "JobRefused": put_JobRefused,
    "JobReleased": put_JobReleased,
    "JobReportIgnored": put_JobReportIgnored,
    "JobRequested": put_JobRequested,
    "JobStarted": put_JobStarted,
    "JobSucceeded": put_JobSucceeded,
    "JobThrottled": put_JobThrottled,
    "KeyRevokeRequested": put_KeyRevokeRequested,
    "KeyRevoked": put_KeyRevoked,
    "KeySubmitted": put_KeySubmitted,
    "KeyTrusted": put_KeyTrusted,
    "MessageQuarantined": put_MessageQuarantined,
    "NotificationRaised": put_NotificationRaised,
    "OwnerChanged": put_OwnerChanged,
    "PolicyDeleteRequested": put_PolicyDeleteRequested,
    "PolicyDrafted": put_PolicyDrafted,
    "PolicyPublishRequested": put_PolicyPublishRequested,
    "PolicyPublished": put_PolicyPublished,
    "PolicyPutRequested": put_PolicyPutRequested,
    "PolicyRefused": put_PolicyRefused,
    "PolicyRollbackRequested": put_PolicyRollbackRequested,
    "PolicyShadowRequested": put_PolicyShadowRequested,
    "PolicyShadowed": put_PolicyShadowed,
    "PoolChanged": put_PoolChanged,
    "PoolDrainRequested": put_PoolDrainRequested,
    "PoolOverloaded": put_PoolOverloaded,
    "PoolRelieved": put_PoolRelieved,
    "PoolTermsTaken": put_PoolTermsTaken,
    "PoolWaitNoted": put_PoolWaitNoted,
    "PoolsPublished": put_PoolsPublished,
    "PoolsPutRequested": put_PoolsPutRequested,
    "PoolsRefused": put_PoolsRefused,
    "PositionsAdvanced": put_PositionsAdvanced,
    "QuestionsClosed": put_QuestionsClosed,
    "RequestRefused": put_RequestRefused,
    "RunAdmitted": put_RunAdmitted,
    "RunCancelRequested": put_RunCancelRequested,
    "RunCancelled": put_RunCancelled,
    "RunCleared": put_RunCleared,
    "RunDeferred": put_RunDeferred,
    "RunDenied": put_RunDenied,
    "RunFailed": put_RunFailed,
    "RunHalted": put_RunHalted,
    "RunPauseRequested": put_RunPauseRequested,
    "RunPaused": put_RunPaused,
    "RunRefused": put_RunRefused,
    "RunRejected": put_RunRejected,
    "RunRequested": put_RunRequested,
    "RunResumeRequested": put_RunResumeRequested,
    "RunResumed": put_RunResumed,
    "RunSizeWarned": put_RunSizeWarned,
    "RunStarted": put_RunStarted,
    "RunSucceeded": put_RunSucceeded,
    "RunTimedOut": put_RunTimedOut,
    "ShadowDecided": put_ShadowDecided,
    "SignalReceived": put_SignalReceived,
    "SignalSent": put_SignalSent,
    "SlotFreed": put_SlotFreed,
    "SlotGranted": put_SlotGranted,
    "SlotQueued": put_SlotQueued,
    "SlotRefused": put_SlotRefused,
    "SlotReleased": put_SlotReleased,
    "SlotRequested": put_SlotRequested,
    "SlotRevoked": put_SlotRevoked,
    "SlotTaken": put_SlotTaken,
    "StepCancelRequested": put_StepCancelRequested,
    "StepCancelled": put_StepCancelled,
    "StepDenied": put_StepDenied,
    "StepFailed": put_StepFailed,
    "StepSkipped": put_StepSkipped,
    "StepStarted": put_StepStarted,
    "StepSucceeded": put_StepSucceeded,
    "StepTimedOut": put_StepTimedOut,
    "VoteCast": put_VoteCast,
    "VoteRecorded": put_VoteRecorded,
    "VoteRefused": put_VoteRefused,
    "WaitNoted": put_WaitNoted,
    "WorkerBeat": put_WorkerBeat,
    "WorkerJoined": put_WorkerJoined,
    "WorkerLost": put_WorkerLost,
    "WorkerRenewed": put_WorkerRenewed,
    "WorkflowConfirmed": put_WorkflowConfirmed,
    "WorkflowPublished": put_WorkflowPublished,
    "WorkflowRefused": put_WorkflowRefused,
    "WorkflowRetireRequested": put_WorkflowRetireRequested,
    "WorkflowRetired": put_WorkflowRetired,
    "WorkflowSubmitted": put_WorkflowSubmitted,
    "WritIssued": put_WritIssued,
    "WritRevoked": put_WritRevoked,
}
"""Appends the fields of an event (without its Meta)."""

TAKE: dict[str, Callable[[bytes, int], tuple[e.Event, int]]] = {
    "ApprovalClosed": take_ApprovalClosed,
    "ApprovalExpired": take_ApprovalExpired,
    "ApprovalGranted": take_ApprovalGranted,
    "ApprovalOpened": take_ApprovalOpened,
    "ApprovalRefused": take_ApprovalRefused,
    "ApprovalRequested": take_ApprovalRequested,
    "ApprovalRequired": take_ApprovalRequired,
    "ApprovalRevised": take_ApprovalRevised,
    "AttemptFailed": take_AttemptFailed,
    "CaseClosed": take_CaseClosed,
    "CheckpointNoted": take_CheckpointNoted,
    "ChildCancelRequested": take_ChildCancelRequested,
    "ChildEnded": take_ChildEnded,
    "ChildRequested": take_ChildRequested,
    "CompensationStarted": take_CompensationStarted,
    "ConstraintBreached": take_ConstraintBreached,
    "ContextChanged": take_ContextChanged,
    "DeadLetterDiscardRequested": take_DeadLetterDiscardRequested,
    "DeadLetterDiscarded": take_DeadLetterDiscarded,
    "DeadLetterOpened": take_DeadLetterOpened,
    "DeadLetterRefused": take_DeadLetterRefused,
    "DeadLetterRetried": take_DeadLetterRetried,
    "DeadLetterRetryRequested": take_DeadLetterRetryRequested,
    "GrantRecorded": take_GrantRecorded,
    "JobAbandoned": take_JobAbandoned,
    "JobCancelRequested": take_JobCancelRequested,
    "JobCancelled": take_JobCancelled,
    "JobDenied": take_JobDenied,
    "JobDispatched": take_JobDispatched,
    "JobFailed": take_JobFailed,
    "JobLost": take_JobLost,
    "JobProgressed": take_JobProgressed,
    "JobQueued": take_JobQueued,
    "JobRefused": take_JobRefused,
    "JobReleased": take_JobReleased,
    "JobReportIgnored": take_JobReportIgnored,
    "JobRequested": take_JobRequested,
    "JobStarted": take_JobStarted,
    "JobSucceeded": take_JobSucceeded,
    "JobThrottled": take_JobThrottled,
    "KeyRevokeRequested": take_KeyRevokeRequested,
    "KeyRevoked": take_KeyRevoked,
    "KeySubmitted": take_KeySubmitted,
    "KeyTrusted": take_KeyTrusted,
    "MessageQuarantined": take_MessageQuarantined,
    "NotificationRaised": take_NotificationRaised,
    "OwnerChanged": take_OwnerChanged,
    "PolicyDeleteRequested": take_PolicyDeleteRequested,
    "PolicyDrafted": take_PolicyDrafted,
    "PolicyPublishRequested": take_PolicyPublishRequested,
    "PolicyPublished": take_PolicyPublished,
    "PolicyPutRequested": take_PolicyPutRequested,
    "PolicyRefused": take_PolicyRefused,
    "PolicyRollbackRequested": take_PolicyRollbackRequested,
    "PolicyShadowRequested": take_PolicyShadowRequested,
    "PolicyShadowed": take_PolicyShadowed,
    "PoolChanged": take_PoolChanged,
    "PoolDrainRequested": take_PoolDrainRequested,
    "PoolOverloaded": take_PoolOverloaded,
    "PoolRelieved": take_PoolRelieved,
    "PoolTermsTaken": take_PoolTermsTaken,
    "PoolWaitNoted": take_PoolWaitNoted,
    "PoolsPublished": take_PoolsPublished,
    "PoolsPutRequested": take_PoolsPutRequested,
    "PoolsRefused": take_PoolsRefused,
    "PositionsAdvanced": take_PositionsAdvanced,
    "QuestionsClosed": take_QuestionsClosed,
    "RequestRefused": take_RequestRefused,
    "RunAdmitted": take_RunAdmitted,
    "RunCancelRequested": take_RunCancelRequested,
    "RunCancelled": take_RunCancelled,
    "RunCleared": take_RunCleared,
    "RunDeferred": take_RunDeferred,
    "RunDenied": take_RunDenied,
    "RunFailed": take_RunFailed,
    "RunHalted": take_RunHalted,
    "RunPauseRequested": take_RunPauseRequested,
    "RunPaused": take_RunPaused,
    "RunRefused": take_RunRefused,
    "RunRejected": take_RunRejected,
    "RunRequested": take_RunRequested,
    "RunResumeRequested": take_RunResumeRequested,
    "RunResumed": take_RunResumed,
    "RunSizeWarned": take_RunSizeWarned,
    "RunStarted": take_RunStarted,
    "RunSucceeded": take_RunSucceeded,
    "RunTimedOut": take_RunTimedOut,
    "ShadowDecided": take_ShadowDecided,
    "SignalReceived": take_SignalReceived,
    "SignalSent": take_SignalSent,
    "SlotFreed": take_SlotFreed,
    "SlotGranted": take_SlotGranted,
    "SlotQueued": take_SlotQueued,
    "SlotRefused": take_SlotRefused,
    "SlotReleased": take_SlotReleased,
    "SlotRequested": take_SlotRequested,
    "SlotRevoked": take_SlotRevoked,
    "SlotTaken": take_SlotTaken,
    "StepCancelRequested": take_StepCancelRequested,
    "StepCancelled": take_StepCancelled,
    "StepDenied": take_StepDenied,
    "StepFailed": take_StepFailed,
    "StepSkipped": take_StepSkipped,
    "StepStarted": take_StepStarted,
    "StepSucceeded": take_StepSucceeded,
    "StepTimedOut": take_StepTimedOut,
    "VoteCast": take_VoteCast,
    "VoteRecorded": take_VoteRecorded,
    "VoteRefused": take_VoteRefused,
    "WaitNoted": take_WaitNoted,
    "WorkerBeat": take_WorkerBeat,
    "WorkerJoined": take_WorkerJoined,
    "WorkerLost": take_WorkerLost,
    "WorkerRenewed": take_WorkerRenewed,
    "WorkflowConfirmed": take_WorkflowConfirmed,
    "WorkflowPublished": take_WorkflowPublished,
    "WorkflowRefused": take_WorkflowRefused,
    "WorkflowRetireRequested": take_WorkflowRetireRequested,
    "WorkflowRetired": take_WorkflowRetired,
    "WorkflowSubmitted": take_WorkflowSubmitted,
    "WritIssued": take_WritIssued,
    "WritRevoked": take_WritRevoked,
}
"""Reads the fields of an event (without its Meta), and says where they end."""
