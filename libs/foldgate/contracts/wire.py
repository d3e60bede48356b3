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
    return e.Job(job_id=f_job_id, step=f_step, attempt=f_attempt, kind=f_kind, topic=f_topic, input=f_input, labels=f_labels, tenant=f_tenant, principal=f_principal, workflow=f_workflow), p


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
    return e.JobDenied(job_id=f_job_id, step=f_step, policy_snapshot=f_policy_snapshot, rule=f_rule, reason=f_reason), p


def put_JobDispatched(out: list[bytes], v: e.JobDispatched) -> None:
    put_Job(out, v.job)
    put_Writ(out, v.writ)
    b = v.worker.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint(v.lease))
    out.append(varint(v.lease_ms))


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
    return e.JobDispatched(job=f_job, writ=f_writ, worker=f_worker, lease=f_lease, lease_ms=f_lease_ms), p


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
    return e.JobFailed(job_id=f_job_id, lease=f_lease, worker=f_worker, code=f_code, message=f_message, retryable=f_retryable), p


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
    return e.JobLost(job_id=f_job_id, step=f_step, lease=f_lease, worker=f_worker, reason=f_reason), p


def put_JobQueued(out: list[bytes], v: e.JobQueued) -> None:
    put_Job(out, v.job)
    put_Writ(out, v.writ)


def take_JobQueued(v: bytes, p: int) -> tuple[e.JobQueued, int]:
    f_job, p = take_Job(v, p)
    f_writ, p = take_Writ(v, p)
    return e.JobQueued(job=f_job, writ=f_writ), p


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
    return e.JobRequested(job=f_job, after=f_after), p


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
    return e.JobSucceeded(job_id=f_job_id, lease=f_lease, worker=f_worker, output=f_output), p


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
    return e.MessageQuarantined(source_stream=f_source_stream, source_partition=f_source_partition, source_offset=f_source_offset, source_key=f_source_key, code=f_code, reason=f_reason, original=f_original, original_size=f_original_size), p


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


def put_PositionsAdvanced(out: list[bytes], v: e.PositionsAdvanced) -> None:
    pass


def take_PositionsAdvanced(v: bytes, p: int) -> tuple[e.PositionsAdvanced, int]:
    return e.PositionsAdvanced(), p


def put_RunDenied(out: list[bytes], v: e.RunDenied) -> None:
    b = v.rule.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.reason.encode()
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
    return e.RunDenied(rule=f_rule, reason=f_reason), p


def put_RunFailed(out: list[bytes], v: e.RunFailed) -> None:
    b = v.code.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.message.encode()
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
    return e.RunFailed(code=f_code, message=f_message), p


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
    return e.RunRequested(workflow=f_workflow, version=f_version, kind=f_kind, topic=f_topic, input=f_input, labels=f_labels, idempotency_key=f_idempotency_key), p


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
    return e.RunStarted(workflow=f_workflow, version=f_version, kind=f_kind, topic=f_topic, input=f_input, labels=f_labels, idempotency_key=f_idempotency_key, request_hash=f_request_hash), p


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
    return e.StepDenied(step=f_step, job_id=f_job_id, rule=f_rule, reason=f_reason), p


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
    return e.StepFailed(step=f_step, job_id=f_job_id, code=f_code, message=f_message), p


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
    return e.StepSucceeded(step=f_step, job_id=f_job_id, output=f_output), p


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
    return e.WorkerBeat(worker=f_worker, name=f_name, max_parallel=f_max_parallel, beat=f_beat, holding=f_holding, leaving=f_leaving), p


def put_WorkerJoined(out: list[bytes], v: e.WorkerJoined) -> None:
    b = v.worker.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    b = v.name.encode()
    n = len(b)
    out += (LENGTHS[n] if n < TABLE_SIZE else varint(n), b)
    out.append(varint32(v.max_parallel))
    out.append(varint(v.expires_at))


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
    return e.WorkerJoined(worker=f_worker, name=f_name, max_parallel=f_max_parallel, expires_at=f_expires_at), p


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
    return e.WorkerRenewed(worker=f_worker, max_parallel=f_max_parallel, expires_at=f_expires_at), p


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
    return e.Writ(writ_id=f_writ_id, job_id=f_job_id, job_hash=f_job_hash, pool=f_pool, policy_snapshot=f_policy_snapshot, rule=f_rule, issued_at=f_issued_at, expires_at=f_expires_at), p


def put_WritIssued(out: list[bytes], v: e.WritIssued) -> None:
    put_Job(out, v.job)
    put_Writ(out, v.writ)


def take_WritIssued(v: bytes, p: int) -> tuple[e.WritIssued, int]:
    f_job, p = take_Job(v, p)
    f_writ, p = take_Writ(v, p)
    return e.WritIssued(job=f_job, writ=f_writ), p


PUT: dict[str, Callable[[list[bytes], Any], None]] = {
    "CaseClosed": put_CaseClosed,
    "JobDenied": put_JobDenied,
    "JobDispatched": put_JobDispatched,
    "JobFailed": put_JobFailed,
    "JobLost": put_JobLost,
    "JobQueued": put_JobQueued,
    "JobReleased": put_JobReleased,
    "JobReportIgnored": put_JobReportIgnored,
    "JobRequested": put_JobRequested,
    "JobSucceeded": put_JobSucceeded,
    "MessageQuarantined": put_MessageQuarantined,
    "OwnerChanged": put_OwnerChanged,
    "PositionsAdvanced": put_PositionsAdvanced,
    "RunDenied": put_RunDenied,
    "RunFailed": put_RunFailed,
    "RunRefused": put_RunRefused,
    "RunRequested": put_RunRequested,
    "RunStarted": put_RunStarted,
    "RunSucceeded": put_RunSucceeded,
    "StepDenied": put_StepDenied,
    "StepFailed": put_StepFailed,
    "StepSucceeded": put_StepSucceeded,
    "WorkerBeat": put_WorkerBeat,
    "WorkerJoined": put_WorkerJoined,
    "WorkerLost": put_WorkerLost,
    "WorkerRenewed": put_WorkerRenewed,
    "WritIssued": put_WritIssued,
}
"""Appends the fields of an event (without its Meta)."""

TAKE: dict[str, Callable[[bytes, int], tuple[e.Event, int]]] = {
    "CaseClosed": take_CaseClosed,
    "JobDenied": take_JobDenied,
    "JobDispatched": take_JobDispatched,
    "JobFailed": take_JobFailed,
    "JobLost": take_JobLost,
    "JobQueued": take_JobQueued,
    "JobReleased": take_JobReleased,
    "JobReportIgnored": take_JobReportIgnored,
    "JobRequested": take_JobRequested,
    "JobSucceeded": take_JobSucceeded,
    "MessageQuarantined": take_MessageQuarantined,
    "OwnerChanged": take_OwnerChanged,
    "PositionsAdvanced": take_PositionsAdvanced,
    "RunDenied": take_RunDenied,
    "RunFailed": take_RunFailed,
    "RunRefused": take_RunRefused,
    "RunRequested": take_RunRequested,
    "RunStarted": take_RunStarted,
    "RunSucceeded": take_RunSucceeded,
    "StepDenied": take_StepDenied,
    "StepFailed": take_StepFailed,
    "StepSucceeded": take_StepSucceeded,
    "WorkerBeat": take_WorkerBeat,
    "WorkerJoined": take_WorkerJoined,
    "WorkerLost": take_WorkerLost,
    "WorkerRenewed": take_WorkerRenewed,
    "WritIssued": take_WritIssued,
}
"""Reads the fields of an event (without its Meta), and says where they end."""
