"""What an event makes of a case."""

from msgspec.structs import replace

from foldgate.authority.facts import RunFacts
from foldgate.contracts.events import (
    ApprovalRequired,
    CaseClosed,
    Event,
    GrantRecorded,
    JobDenied,
    JobRefused,
    JobThrottled,
    Meta,
    RunAdmitted,
    RunRejected,
    ShadowDecided,
    WritIssued,
    WritRevoked,
)
from foldgate.decider.decider import IllegalTransition
from foldgate.policy_kernel.decisions.state import Asked, Case, Grant, Throttled, with_turn

OF_THE_RUN = (RunAdmitted, RunRejected, ShadowDecided, CaseClosed)


def evolve(case: Case | None, meta: Meta, event: Event) -> Case:
    """The case after this event."""
    case = case or Case()
    change = _of_the_run if isinstance(event, OF_THE_RUN) else _of_a_job
    changed = change(case, meta, event)
    if changed is None:
        raise IllegalTransition(f"{type(event).__name__} does not fit the case: {meta.event_id}")
    return changed


def _of_a_job(case: Case, meta: Meta, event: Event) -> Case | None:
    match event:
        case WritIssued(job=job, writ=writ) if job.job_id not in case.decided:
            return _decided(case, job.job_id, writ.pool)
        case JobDenied(job_id=job_id) | JobRefused(job_id=job_id) | WritRevoked(job_id=job_id):
            return _decided(case, job_id, "")
        case ApprovalRequired(job=job) if job.job_id not in case.decided:
            return _asked(case, meta, event)
        case JobThrottled(job_id=job_id) if job_id not in case.decided:
            return _throttled(case, meta, event)
        case GrantRecorded() if (question := case.question(event.approval_id)) is not None:
            grant = Grant(event.job_hash, question.terms, event.votes)
            return replace(case, grants={**case.grants, event.approval_id: grant})
        case _:
            return None


def _of_the_run(case: Case, meta: Meta, event: Event) -> Case | None:
    match event:
        case RunAdmitted() if case.run is None and case.rejected is None:
            return replace(case, run=_facts(meta, event))
        case RunRejected() if case.run is None and case.rejected is None:
            return replace(case, rejected=event.decision)
        case ShadowDecided():
            return case
        case CaseClosed():
            return replace(case, closed=True)
        case _:
            return None


def _facts(meta: Meta, event: RunAdmitted) -> RunFacts:
    return RunFacts(
        id=meta.run_id,
        workflow=event.workflow,
        labels=event.labels,
        input=event.input,
        tenant=meta.tenant,
        principal=meta.principal,
    )


def _decided(case: Case, job_id: str, pool: str) -> Case:
    case = _unasked(_unthrottled(case, job_id), job_id)
    return replace(case, decided={**case.decided, job_id: pool})


def _asked(case: Case, meta: Meta, event: ApprovalRequired) -> Case:
    job_id = event.job.job_id
    asked = Asked(event.job, event.approval_id, event.terms, event.decision.rule, meta.at)
    return replace(_unthrottled(case, job_id), asked={**case.asked, job_id: asked})


def _throttled(case: Case, meta: Meta, event: JobThrottled) -> Case:
    job_id, before = event.job_id, case.throttled.get(event.job_id)
    job = before.job if before is not None else event.job
    if job is None:
        raise IllegalTransition(f"JobThrottled names no job that the case has: {meta.event_id}")
    since = before.since if before is not None else meta.at
    one = Throttled(job, event.until, event.times, event.decision.rule, since)
    case = _unasked(_unthrottled(case, job_id), job_id)
    line = with_turn(case.line, (event.until, job_id))
    return replace(case, throttled={**case.throttled, job_id: one}, line=line)


def _unasked(case: Case, job_id: str) -> Case:
    if job_id not in case.asked:
        return case
    return replace(case, asked={other: one for other, one in case.asked.items() if other != job_id})


def _unthrottled(case: Case, job_id: str) -> Case:
    if job_id not in case.throttled:
        return case
    rest = {other: one for other, one in case.throttled.items() if other != job_id}
    return replace(case, throttled=rest, line=tuple(turn for turn in case.line if turn[1] != job_id))
