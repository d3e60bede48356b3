"""An owner of `runs` that does what the labels of a request say: for tests of what the other services answer.

A run asks for one job, or asks people; it ends with the first answer. Labels set the terms of the job by the names of
its fields. RunCancelRequested calls back what is under way, and nothing else: the run ends with what comes of that.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from foldgate.authority.request import request_hash
from foldgate.contracts import ids
from foldgate.contracts.events import (
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRequested,
    Event,
    Job,
    JobCancelRequested,
    JobDenied,
    JobFailed,
    JobLost,
    JobRefused,
    JobRequested,
    JobSucceeded,
    Meta,
    RunCancelled,
    RunCancelRequested,
    RunDenied,
    RunFailed,
    RunRequested,
    RunStarted,
    RunSucceeded,
    StepCancelled,
)
from foldgate.contracts.topics import APPROVALS, DECISIONS, INTAKE, JOBS, REPORTS, RUNS
from foldgate.decider.decider import Decider, IllegalTransition, Message
from foldgate.runtime.service import Aggregate, Follow, Service

STEP = "step"
TERMS = {"priority": int, "queue_timeout_ms": int, "attempt_timeout_ms": int, "pool": str}
ANSWERS = (ApprovalGranted, ApprovalRefused, ApprovalExpired)


class Script(msgspec.Struct, frozen=True):
    """A run: what it waits for, and whether it is over."""

    job_id: str = ""
    over: bool = False


def _decide(script: Script | None, message: Message) -> Iterator[Event]:
    match message.event:
        case RunRequested() as request if script is None:
            yield from _begun(request, message)
        case RunCancelRequested(reason=reason) if script is not None and script.job_id:
            yield JobCancelRequested(
                job_id=script.job_id, step=STEP, ending="cancelled", reason=reason, until=message.at + 60_000
            )
        case RunCancelRequested(reason=reason) if script is not None:
            yield StepCancelled(step=STEP, reason=reason)
            yield RunCancelled(reason=reason)
        case answer if script is not None:
            yield from _ended(answer)
        case _:
            return


def _begun(request: RunRequested, message: Message) -> Iterator[Event]:
    assert message.meta is not None
    yield RunStarted(workflow="job", input=request.input, labels=request.labels, request_hash=request_hash(request))
    if request.kind in ("approval", "input"):
        yield _question(request, message.meta)
        return
    terms: dict[str, Any] = {name: TERMS[name](text) for name, text in request.labels.items()}
    job = Job(
        job_id=ids.job_id(message.key, STEP, 1),
        step=STEP,
        attempt=1,
        kind="job",
        topic=request.topic,
        input=request.input,
        tenant=message.meta.tenant,
        principal=message.meta.principal,
        workflow="job",
        **terms,
    )
    yield JobRequested(job=job)


def _question(request: RunRequested, meta: Meta) -> ApprovalRequested:
    labels = request.labels
    return ApprovalRequested(
        step=STEP,
        approval_id=f"{meta.run_id}:{STEP}",
        kind=request.kind,
        input=request.input,
        terms=labels.get("terms", "{}"),
        schema=labels.get("schema", ""),
    )


def _ended(event: object) -> Iterator[Event]:
    match event:
        case JobSucceeded(output=output) | ApprovalGranted(data=output):
            yield RunSucceeded(output=output)
        case JobFailed(code=code, message=text, retryable=retryable):
            yield RunFailed(code=code, message=f"{text} retryable={retryable}")
        case JobLost(reason=code):
            yield RunFailed(code=code, message="lost")
        case JobRefused(code=code, reason=reason):
            yield RunFailed(code=code, message=reason)
        case JobDenied(rule=rule, reason=reason):
            yield RunDenied(rule=rule, reason=reason)
        case ApprovalRefused(by=by, reason=reason):
            yield RunDenied(rule=",".join(by), reason=reason)
        case ApprovalExpired(on_expire=on_expire):
            yield RunFailed(code="expired", message=on_expire)
        case _:
            return


def _evolve(script: Script | None, meta: Meta, event: Event) -> Script:
    match event:
        case RunStarted() if script is None:
            return Script()
        case JobRequested(job=job) if script is not None:
            return Script(job_id=job.job_id)
        case RunSucceeded() | RunFailed() | RunDenied() | RunCancelled() if script is not None:
            return msgspec.structs.replace(script, over=True)
        case ApprovalRequested() | JobCancelRequested() | StepCancelled() if script is not None:
            return script
        case _:
            raise IllegalTransition(f"{type(event).__name__} is not in the script: {meta.event_id}")


def _is_over(script: Script) -> bool:
    return script.over


SCRIPTED = Service(
    name="engine",
    aggregates=(
        Aggregate(
            stream=RUNS,
            decider=lambda *_: Decider(
                state=Script, decide=_decide, evolve=_evolve, ended=_is_over, openings=(RunRequested,)
            ),
            follows=(
                Follow(stream=INTAKE, events=(RunRequested, RunCancelRequested), guard=True),
                Follow(stream=DECISIONS, events=(JobDenied, JobRefused)),
                Follow(stream=REPORTS, events=(JobSucceeded, JobFailed), guard=True),
                Follow(stream=JOBS, events=(JobLost,)),
                Follow(stream=APPROVALS, events=ANSWERS),
            ),
        ),
    ),
)
