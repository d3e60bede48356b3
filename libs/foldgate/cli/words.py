"""What each kind of event says, in a few words: a table by the names of events.

The texts are as they lie on the log: whoever prints them makes them harmless first.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

SHOWN_BYTES = 256


def attempt(job_id: str) -> str:
    """A job within its run: its step and the number of the try."""
    return job_id.partition(":")[2] or job_id


def moment(at: int | None) -> str:
    """A time for people, in UTC, to the second. What strangers wrote may be no time at all."""
    if at is None:
        return "-"
    try:
        return f"{datetime.fromtimestamp(at / 1000, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):
        return "a time beyond all calendars"


def lasted(ms: int) -> str:
    """A span of time for people: its two largest units."""
    seconds = ms // 1000
    parts = [(seconds // 86_400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    first = next((at for at, (many, _) in enumerate(parts) if many), len(parts) - 1)
    shown = [f"{many} {unit}" for many, unit in parts[first : first + 2] if many]
    return " ".join(shown) or f"{ms} ms"


def shown_bytes(data: bytes, size: int) -> str:
    """Bytes that nobody could read: as text if they are, else in hexadecimal digits; known secrets as `*`."""
    from foldgate.authority.secrets import masked  # its expressions take time to make, and most commands show no bytes

    cut = masked(data)[:SHOWN_BYTES]
    text = cut.decode(errors="replace")
    shown = text if text.isprintable() and "\N{REPLACEMENT CHARACTER}" not in text else cut.hex(" ")
    return shown if size <= len(cut) else f"{shown} … ({size} bytes in all)"


def _labelled(text: str, labels: Mapping[str, str]) -> str:
    return text if not labels else f"{text}  {' '.join(f'{name}={value}' for name, value in labels.items())}"


def _what(event: Any) -> str:
    """What a run is of: the topic of its one step, or a workflow with its version."""
    return str(event.topic or (f"{event.workflow} {event.version}" if event.version else event.workflow))


def _asked(event: Any) -> str:
    return _labelled(f"asks for {_what(event)} with {event.input}{_again(event)}", event.labels)


def _openness(event: Any) -> str:
    """Whether a pool takes jobs, by the change that is number so-and-so."""
    return f"{'open' if event.is_open else f'closed: {event.reason}'}, by change {event.number}"


def _begun(event: Any) -> str:
    above = f", for {event.parent_step} of {event.ancestors[-1].run_id}" if event.ancestors else ""
    return _labelled(f"{_what(event)} with {event.input}{above}{_again(event)}", event.labels)


def _again(event: Any) -> str:
    return f", again from {event.rerun.from_step} of {event.rerun.run_id}" if event.rerun else ""


def _step_begun(event: Any) -> str:
    match event.kind:
        case "wait":
            what = f"waits for the signal '{event.signal}'"
        case "delay":
            what = f"waits until {moment(event.until)}"
        case "for_each":
            what = f"for each of {len(event.items)} items"
        case kind:
            what = kind
    return f"{event.step}: {what}"


def _settled(event: Any) -> str:
    """The step, and the attempt that settled it if there was one."""
    return f"{event.step} by {attempt(event.job_id)}" if event.job_id else str(event.step)


def _step_succeeded(event: Any) -> str:
    return _settled(event) if event.job_id else f"{event.step}: {event.output}"


def _stored(event: Any) -> str:
    return (
        f"{event.step}: {event.name} is gone" if event.value is None else f"{event.step}: {event.name} = {event.value}"
    )


def _halted(event: Any) -> str:
    ending = f"will be {event.status}: " if event.status else ""
    return f"{ending}{event.code}: {event.reason}"


def _compensated(text: str, event: Any) -> str:
    return text if event.compensation == "none" else f"{text} (compensation {event.compensation})"


def _held_by(event: Any) -> str:
    return f"'{event.slot}' is held by {', '.join(event.holders) or 'nobody'}"


def _child_ended(event: Any) -> str:
    why = f": {event.code}: {event.reason}" if event.code else f" with {event.output}" if event.output else ""
    return f"{event.step} of {event.parent_run}: {event.status}{why}"


def _wait_noted(event: Any) -> str:
    until = f", until {moment(event.until)}" if event.until is not None else ""
    return f"{event.step or 'the run'} waits since {moment(event.since)}{until}: {event.reason}"


def _refused_workflow(event: Any) -> str:
    more = f" ({len(event.problems)} problems)" if len(event.problems) > 1 else ""
    return f"{event.workflow}: {event.code}: {event.reason}{more}"


def _because(text: str, event: Any) -> str:
    return f"{text}: {event.reason}" if event.reason else text


def _decided(event: Any) -> str:
    """What was decided, by which rule and why."""
    said = event.decision
    reason = f": {said.reason}" if said.reason else ""
    return f"{said.decision} by {said.rule}{reason}"


def _throttled(event: Any) -> str:
    times = f", for the {event.times}. time" if event.times > 1 else ""
    return f"{attempt(event.job_id)} waits until {moment(event.until)}{times}: {event.decision.rule}"


def _shadowed(event: Any) -> str:
    what = "is evaluated beside what is active" if event.definition else "is evaluated no longer"
    return _because(f"{event.bundle}, revision {event.revision}, {what}", event)


def _published(event: Any) -> str:
    bundles = ", ".join(f"{one.bundle} {one.version}" for one in event.bundles) or "no bundle"
    return _because(f"{event.kind}: {event.policy_snapshot} of {bundles}, by {event.by or 'nobody known'}", event)


def _refused_policy(event: Any) -> str:
    about = f" of {event.bundle}" if event.bundle else ""
    more = f" ({len(event.problems)} problems)" if len(event.problems) > 1 else ""
    return f"{event.request}{about}: {event.code}: {event.reason}{more}"


TABLE: Mapping[str, Callable[[Any], str]] = {
    # workflows
    "WorkflowSubmitted": lambda e: f"{e.workflow}, {len(e.source)} characters",
    "WorkflowPublished": lambda e: f"{e.workflow} {e.version}, digest {e.digest}",
    "WorkflowConfirmed": lambda e: f"{e.workflow} {e.version} was there already, digest {e.digest}",
    "WorkflowRefused": _refused_workflow,
    "WorkflowRetireRequested": lambda e: f"{e.workflow}{f': {e.reason}' if e.reason else ''}",
    "WorkflowRetired": lambda e: f"{e.workflow}{f': {e.reason}' if e.reason else ''}",
    # runs, as wholes
    "RunRequested": _asked,
    "RunStarted": _begun,
    "RunRefused": lambda e: f"{e.code}: {e.reason}",
    "RunSucceeded": lambda e: e.output,
    "RunFailed": lambda e: _compensated(f"{e.code}: {e.message}", e),
    "RunDenied": lambda e: _compensated(f"{e.rule}: {e.reason}", e),
    "RunTimedOut": lambda e: _compensated(f"{e.code}: {e.reason}", e),
    "RunCancelled": lambda e: _compensated(e.reason, e),
    "RunCancelRequested": lambda e: e.reason or "no reason given",
    "RunPauseRequested": lambda e: e.reason or "no reason given",
    "RunResumeRequested": lambda e: e.reason or "no reason given",
    "RunPaused": lambda e: e.reason,
    "RunResumed": lambda e: e.reason,
    "RunHalted": _halted,
    "RunDeferred": lambda _: "more is ready than one append takes",
    "RunSizeWarned": lambda e: f"{e.events} events, of at most {e.limit}",
    "RequestRefused": lambda e: f"{e.request}: {e.code}: {e.reason}",
    "CompensationStarted": lambda e: f"undoes by {', '.join(e.steps)}, until {moment(e.deadline)}",
    "WaitNoted": _wait_noted,
    "RunCleared": lambda e: f"policy lets it begin: {e.rule}" if e.rule else "policy lets it begin",
    # signals, values, notes
    "SignalSent": lambda e: f"'{e.name}' with {e.payload}",
    "SignalReceived": lambda e: f"'{e.name}' with {e.payload}",
    "ContextChanged": _stored,
    "NotificationRaised": lambda e: f"{e.step}, {e.level}{f' to {e.channel}' if e.channel else ''}: {e.message}",
    # steps
    "StepStarted": _step_begun,
    "StepCancelRequested": lambda e: f"{e.step} will be {e.ending}: {e.reason}",
    "StepSucceeded": _step_succeeded,
    "StepFailed": lambda e: f"{_settled(e)}: {e.code}: {e.message}",
    "StepDenied": lambda e: f"{_settled(e)}: {e.rule}: {e.reason}",
    "StepTimedOut": lambda e: f"{_settled(e)}: {e.code}: {e.reason}",
    "StepCancelled": lambda e: f"{_settled(e)}: {e.reason}",
    "StepSkipped": lambda e: f"{e.step}: {e.reason}",
    # children
    "ChildRequested": lambda e: f"{e.step}: {e.workflow} {e.version} as {e.child_run}, with {e.input}",
    "ChildCancelRequested": lambda e: f"{e.step}: {e.child_run} will be {e.ending}: {e.reason}",
    "ChildEnded": _child_ended,
    # concurrency keys
    "SlotRequested": lambda e: f"'{e.slot}', of {e.limit}; if all are taken: {e.on_conflict}",
    "SlotTaken": lambda e: f"'{e.slot}'",
    "SlotReleased": lambda e: f"'{e.slot}'",
    "SlotGranted": lambda e: f"'{e.slot}'",
    "SlotQueued": _held_by,
    "SlotRefused": _held_by,
    "SlotRevoked": lambda e: f"'{e.slot}', for {e.by_run}",
    "SlotFreed": lambda e: f"'{e.slot}' of {e.run}",
    # approvals
    "ApprovalRequested": lambda e: f"{e.step} asks for {'data' if e.kind == 'input' else 'approval'}: {e.input}",
    "VoteCast": lambda e: (
        f"{'yes' if e.approve else 'no'} to {attempt(e.approval_id)}{f': {e.reason}' if e.reason else ''}"
    ),
    "ApprovalOpened": lambda e: f"{e.step} can be answered, until {moment(e.expires_at)}: {e.input}",
    "VoteRecorded": lambda e: f"{e.voter}: {'yes' if e.approve else 'no'}{f': {e.reason}' if e.reason else ''}",
    "VoteRefused": lambda e: f"{attempt(e.approval_id)} by {e.voter}: {e.code}: {e.reason}",
    "ApprovalGranted": lambda e: f"{e.step} by {', '.join(e.by)}{f': {e.data}' if e.data != 'null' else ''}",
    "ApprovalRefused": lambda e: f"{e.step} by {', '.join(e.by)}{f': {e.reason}' if e.reason else ''}",
    "ApprovalExpired": lambda e: f"{e.step}: nobody answered in time: {e.on_expire}",
    "ApprovalClosed": lambda e: f"{e.step}: {e.reason}",
    "QuestionsClosed": lambda e: e.status,
    "ApprovalRequired": lambda e: f"{attempt(e.job.job_id)} needs people: {_decided(e)}",
    "ApprovalRevised": lambda e: _because(f"{e.step} is another question now, until {moment(e.expires_at)}", e),
    "GrantRecorded": lambda e: f"{e.step} by {', '.join(vote.voter for vote in e.votes) or 'people'}",
    # policy
    "RunAdmitted": _decided,
    "RunRejected": _decided,
    "JobThrottled": _throttled,
    "ShadowDecided": lambda e: (
        f"{attempt(e.job_id) if e.job_id else 'the run'} under {e.bundle}, revision {e.revision}: {_decided(e)}"
    ),
    "PolicyPutRequested": lambda e: _because(f"{e.bundle}, {len(e.source)} characters", e),
    "PolicyPublishRequested": lambda e: _because(", ".join(e.bundles) or "all drafts", e),
    "PolicyRollbackRequested": lambda e: _because(f"to {e.policy_snapshot or 'the one before'}", e),
    "PolicyDeleteRequested": lambda e: _because(e.bundle, e),
    "PolicyShadowRequested": lambda e: _because(f"{e.bundle}, revision {e.revision}", e),
    "PolicyDrafted": lambda e: _because(f"{e.bundle}, revision {e.revision}, by {e.by or 'nobody known'}", e),
    "PolicyPublished": _published,
    "PolicyShadowed": _shadowed,
    "PolicyRefused": _refused_policy,
    "KeySubmitted": lambda e: f"a certificate of {len(e.certificate)} bytes",
    "KeyTrusted": lambda e: f"{e.key_id} as {e.purpose} {e.name}",
    "KeyRevokeRequested": lambda e: _because(e.key_id, e),
    "KeyRevoked": lambda e: _because(e.key_id, e),
    # jobs
    "JobRequested": lambda e: f"{attempt(e.job.job_id)} of {e.job.topic}{f', after {e.after}' if e.after else ''}",
    "JobCancelRequested": lambda e: f"{attempt(e.job_id)} will be {e.ending}: {e.reason}",
    "AttemptFailed": lambda e: f"{attempt(e.job_id)}: {e.code}: {e.message}; another at {moment(e.retry_at)}",
    "WritIssued": lambda e: f"{attempt(e.job.job_id)} may run in pool '{e.writ.pool}': {e.writ.rule}, {e.writ.writ_id}",
    "WritRevoked": lambda e: f"{attempt(e.job_id)}: {e.reason}",
    "JobDenied": lambda e: f"{attempt(e.job_id)}: {e.rule}: {e.reason}",
    "JobQueued": lambda e: f"{attempt(e.job.job_id)} waits for a worker",
    "JobDispatched": lambda e: f"{attempt(e.job.job_id)} to {e.worker}, lease {e.lease} for {e.lease_ms} ms",
    "JobCancelled": lambda e: f"{attempt(e.job_id)} by {e.worker} is to stop{f': {e.reason}' if e.reason else ''}",
    "JobReleased": lambda e: f"{attempt(e.job_id)} by {e.worker}: {e.outcome}",
    "JobLost": lambda e: f"{attempt(e.job_id)}{f' with {e.worker}' if e.worker else ''}: {e.reason}",
    "JobSucceeded": lambda e: f"{attempt(e.job_id)} by {e.worker}: {e.output}",
    "JobFailed": lambda e: f"{attempt(e.job_id)} by {e.worker}: {e.code}: {e.message}",
    "JobReportIgnored": lambda e: f"{attempt(e.job_id)}, {e.reported} under lease {e.lease}: {e.reason}",
    "JobRefused": lambda e: f"{attempt(e.job_id)}: {e.code}: {e.reason}",
    "JobStarted": lambda e: f"{attempt(e.job_id)} by {e.worker}, since {moment(e.began_at)}",
    "JobProgressed": lambda e: (
        f"{attempt(e.job_id)} by {e.worker}{f': {e.percent} %' if e.percent >= 0 else ''}"
        f"{f': {e.message}' if e.message else ''}"
    ),
    "ConstraintBreached": lambda e: f"{attempt(e.job_id)} by {e.worker}: {e.constraint}: {e.message}",
    "CheckpointNoted": lambda e: f"{attempt(e.job_id)} can go on from {e.checkpoint}",
    "JobAbandoned": lambda e: f"{attempt(e.job.job_id)} after {e.attempts} attempts: {e.code}: {e.message}",
    "DeadLetterOpened": lambda e: f"{attempt(e.job_id)} of {e.topic}: {e.code}",
    "DeadLetterRetryRequested": lambda e: _because(f"{e.step} as {e.new_run}", e),
    "DeadLetterRetried": lambda e: _because(f"{e.step} as {e.new_run}", e),
    "DeadLetterDiscardRequested": lambda e: _because(e.step, e),
    "DeadLetterDiscarded": lambda e: _because(e.step, e),
    "DeadLetterRefused": lambda e: f"{e.step}: {e.code}: {e.reason}",
    "CaseClosed": lambda e: e.status,
    # pools
    "PoolsPutRequested": lambda e: _because(f"{len(e.source)} characters, after revision {e.revision}", e),
    "PoolDrainRequested": lambda e: _because(f"{e.pool} {'is to drain' if e.draining else 'is to open'}", e),
    "PoolsPublished": lambda e: _because(f"revision {e.revision}", e),
    "PoolsRefused": lambda e: f"{e.request}: {e.code}: {e.reason}",
    "PoolChanged": lambda e: f"{e.pool} is {_openness(e)}{f': {e.words}' if e.words else ''}",
    "PoolTermsTaken": lambda e: f"it is {_openness(e)}",
    "PoolOverloaded": lambda e: f"{e.pool}, where {e.waiting} wait: {e.reason}",
    "PoolRelieved": lambda e: f"{e.pool}, where {e.waiting} wait",
    "PoolWaitNoted": lambda e: f"{e.waiting} of {e.topic} in {e.pool}: {e.reason or 'they wait no longer'}",
    # partitions and workers
    "OwnerChanged": lambda e: f"epoch {e.epoch}: {e.owner}",
    "PositionsAdvanced": lambda _: "",
    "WorkerBeat": lambda e: f"{e.worker}, beat {e.beat}, holds {len(e.holding)} of {e.max_parallel}",
    "MessageQuarantined": lambda e: (
        f"{e.code} at {e.source_stream}-{e.source_partition} @{e.source_offset}, key {shown_bytes(e.source_key, 0)}:"
        f" {e.reason}"
    ),
}
