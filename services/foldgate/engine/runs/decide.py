"""What happens next in a run.

A run of one step so far: the job is requested, and its report, its denial or its loss settles the step and the run.
The engine alone judges an attempt: the first of a report and a loss, in its own order, counts; the other is recorded.
"""

from collections.abc import Iterator

from foldgate.authority.request import canonical, request_hash
from foldgate.contracts import ids
from foldgate.contracts.events import (
    Event,
    Job,
    JobDenied,
    JobFailed,
    JobLost,
    JobReportIgnored,
    JobRequested,
    JobSucceeded,
    Meta,
    RunDenied,
    RunFailed,
    RunRefused,
    RunRequested,
    RunStarted,
    RunSucceeded,
    StepDenied,
    StepFailed,
    StepSucceeded,
)
from foldgate.decider.decider import Decider, Message, Said, SetAside
from foldgate.engine.runs.evolve import evolve
from foldgate.engine.runs.state import STEP, Run, ended

Report = JobSucceeded | JobFailed
Outcome = Iterator[Event | Said]

MAX_NAME = 255
"""Characters of a name: what fits an index and a line."""
MAX_CARRIED_BYTES = 256 * 1024
"""What a request or an output may have. Two events of one decision each carry it, and an append takes 900 KiB."""


def runs(*, max_lost: int) -> Decider[Run]:
    """The decider of runs; `max_lost` is how often a job may be lost with its worker."""

    def decide(run: Run | None, message: Message) -> Outcome:
        match message.event:
            case RunRequested() as request if message.meta is not None:
                yield from _requested(run, request, message.meta)
            case JobDenied(rule="internal_error") as broken if _is_current(run, broken.job_id):
                yield from _failed(broken.job_id, "internal_error", broken.reason)
            case JobDenied() as denied if _is_current(run, denied.job_id):
                yield StepDenied(step=denied.step, job_id=denied.job_id, rule=denied.rule, reason=denied.reason)
                yield RunDenied(rule=denied.rule, reason=denied.reason)
            case JobSucceeded() | JobFailed() as report:
                yield from _reported(run, report)
            case JobLost() as lost if run is not None and _is_current(run, lost.job_id):
                yield from _lost(run, lost, max_lost)

    return Decider(state=Run, decide=decide, evolve=evolve, ended=ended, fail=_fail, openings=(RunRequested,))


def _requested(run: Run | None, request: RunRequested, meta: Meta) -> Outcome:
    for what, name in (("tenant", meta.tenant), ("principal", meta.principal), ("request id", meta.request_id)):
        if len(name) > MAX_NAME:
            raise SetAside("name_too_long", f"Expected a {what} of at most {MAX_NAME} characters, but got {len(name)}.")
    expected = ids.run_id(meta.tenant, request.workflow, request.idempotency_key or meta.request_id)
    if meta.run_id != expected:
        raise SetAside("run_id_mismatch", f"Expected run id {expected} for this tenant, workflow and key.")
    if (refusal := _refusal(request)) is not None:
        yield refusal
    elif run is None:
        yield from _start(request, meta)
    elif run.request_hash != request_hash(request):
        yield RunRefused(
            code="idempotency_conflict",
            reason=f"Expected the body that started {run.run_id} with this key, but it differs: use another key.",
        )


def _refusal(request: RunRequested) -> RunRefused | None:
    if request.workflow != "job":
        return RunRefused(
            code="unknown_workflow",
            reason=f"Expected the workflow 'job' (a run of one step), but got '{request.workflow[:200]}'.",
        )
    if (too_long := _too_long(request)) is not None:
        return too_long
    if not request.topic:
        return RunRefused(code="no_topic", reason="Expected a topic such as 'job.echo', but it is empty.")
    try:
        size = _size(canonical(request.input), *_others(request))
    except ValueError as error:
        return RunRefused(code="invalid_input", reason=f"Expected input that is JSON, but {error}.")
    if size > MAX_CARRIED_BYTES:
        reason = f"Expected a request of at most {MAX_CARRIED_BYTES} bytes of input and labels, but it has {size}."
        return RunRefused(code="too_large", reason=reason)
    return None


def _too_long(request: RunRequested) -> RunRefused | None:
    names = {
        "version": request.version,
        "kind": request.kind,
        "topic": request.topic,
        "idempotency key": request.idempotency_key,
    }
    for what, name in names.items():
        if len(name) > MAX_NAME:
            reason = f"Expected a {what} of at most {MAX_NAME} characters, but got {len(name)}."
            return RunRefused(code="name_too_long", reason=reason)
    return None


def _others(request: RunRequested) -> Iterator[str]:
    """All that a run takes over from its request, but the input."""
    yield from (request.workflow, request.version, request.kind, request.topic, request.idempotency_key)
    yield from request.labels
    yield from request.labels.values()


def _size(*texts: str) -> int:
    return sum(len(text.encode()) for text in texts)


def _start(request: RunRequested, meta: Meta) -> Outcome:
    text = canonical(request.input)
    yield RunStarted(
        workflow=request.workflow,
        version=request.version,
        kind=request.kind,
        topic=request.topic,
        input=text,
        labels=request.labels,
        idempotency_key=request.idempotency_key,
        request_hash=request_hash(request),
    )
    job = Job(
        job_id=ids.job_id(meta.run_id, STEP, 1),
        step=STEP,
        attempt=1,
        kind=request.kind,
        topic=request.topic,
        input=text,
        labels=request.labels,
        tenant=meta.tenant,
        principal=meta.principal,
        workflow=request.workflow,
    )
    yield JobRequested(job=job)


def _reported(run: Run | None, report: Report) -> Outcome:
    if run is None:
        raise SetAside("run_unknown", f"Expected a run for {report.job_id[:200]}, but there is none.")
    if not _is_current(run, report.job_id):
        yield from _ignored(run, report)
    elif isinstance(report, JobSucceeded):
        yield from _succeeded(report)
    else:
        yield from _failed(report.job_id, report.code, report.message)


def _succeeded(report: JobSucceeded) -> Outcome:
    try:
        output = canonical(report.output)
    except ValueError as error:
        yield from _failed(report.job_id, "invalid_output", f"Expected output that is JSON, but {error}.")
        return
    if (size := _size(output)) > MAX_CARRIED_BYTES:
        reason = f"Expected output of at most {MAX_CARRIED_BYTES} bytes, but it has {size}."
        yield from _failed(report.job_id, "output_too_large", reason)
        return
    yield StepSucceeded(step=STEP, job_id=report.job_id, output=output)
    yield RunSucceeded(output=output)


def _ignored(run: Run, report: Report) -> Outcome:
    name = type(report).__name__
    if (report.job_id, report.lease, name) in run.ignored:
        return
    reason = f"Expected a report of {run.job_id}, which is under way, but it is of another attempt."
    yield JobReportIgnored(job_id=report.job_id, lease=report.lease, reported=name, reason=reason)


def _lost(run: Run, lost: JobLost, max_lost: int) -> Outcome:
    if lost.reason == "internal_error":
        yield from _failed(lost.job_id, "internal_error", "The scheduler broke on it: quarantine has the reason.")
        return
    if lost.reason == "worker_lost" and run.lost >= max_lost:
        yield from _failed(lost.job_id, "attempts_lost", f"Lost {run.lost + 1} times, the last time: {lost.reason}.")
        return
    attempt = run.attempt + 1
    job = Job(
        job_id=ids.job_id(run.run_id, STEP, attempt),
        step=STEP,
        attempt=attempt,
        kind=run.kind,
        topic=run.topic,
        input=run.input,
        labels=run.labels,
        tenant=run.tenant,
        principal=run.principal,
        workflow=run.workflow,
    )
    yield Said(JobRequested(job=job, after=lost.reason), principal=run.principal)


def _failed(job_id: str, code: str, message: str) -> Outcome:
    yield StepFailed(step=STEP, job_id=job_id, code=code, message=message)
    yield RunFailed(code=code, message=message)


def _fail(run: Run | None, _message: Message, reason: str) -> Outcome:
    """After a fault of ours the run ends, loudly; a request that never became a run is only set aside."""
    if run is not None:
        yield RunFailed(code="internal_error", message=reason)


def _is_current(run: Run | None, job_id: str) -> bool:
    return run is not None and run.status == "running" and run.job_id == job_id
