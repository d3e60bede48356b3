"""The events of the suite. GENERATED from schemas/ by `make schemas`: do not edit."""

import msgspec

# fmt: off


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt asks the outside world to do."""

    job_id: str
    """run_id:step_id@attempt."""
    step: str
    """The step of the run that asks for it."""
    attempt: int
    """The try this is, from 1."""
    kind: str
    """The step type that asks: job, llm, http, container or script."""
    topic: str
    """What kind of work it is; pools take topics."""
    input: str
    """Canonical JSON."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    """Labels of the run."""
    tenant: str
    """Whose run it is."""
    principal: str
    """Who asked for the run."""
    workflow: str
    """What the run is pinned to."""


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """What every event says of itself: who, when, where, why, and its link in the chain."""

    chain: bytes
    """SHA-256 over the chain hash of the event before it (same stream and key) and this event's bytes after this field; zeros where there is no chain. First, so that it can be set in the encoded bytes."""
    event_id: str
    """Derived: stream/key/sequence on owned streams, writer/request on open ones. A repeat has the same id."""
    stream: str
    """The stream it was written to."""
    key: str
    """The key it was written under; empty for partition-level records."""
    run_id: str = ""
    """The run it is about; empty if none. Readers filter by it."""
    pool: str = ""
    """The pool it is about; empty if none. Readers filter by it."""
    sequence: int = 0
    """Place in its stream and key, from 1; 0 on open streams."""
    clock: int = 0
    """Lamport clock: one more than the largest its writer had seen for this key; 0 on open streams."""
    at: int
    """When its owner took the message it answers: milliseconds since 1970, never below the one before it."""
    causation: str = ""
    """The id of the event it answers; empty where nothing but time caused it."""
    correlation: str = ""
    """The id that ties together everything that came of one request."""
    request_id: str = ""
    """The request it answers, for whoever waits for the verdict; empty if nobody asked."""
    tenant: str = ""
    """Whose it is."""
    principal: str = ""
    """Who acted: a person, a program, a worker or a service."""
    answers: bytes = b''
    """SHA-256 of the submitted bytes it answers; empty where no submission was answered."""


class Writ(msgspec.Struct, frozen=True, kw_only=True):
    """A single-use authorisation to dispatch one attempt, bound to exactly what was decided on."""

    writ_id: str
    """Derived from the job and the decision."""
    job_id: str
    """The one attempt it serves."""
    job_hash: bytes
    """SHA-256 over the canonical form of everything the job would do."""
    pool: str
    """Where it may be dispatched."""
    policy_snapshot: str
    """The snapshot it was decided under."""
    rule: str
    """The rule that decided."""
    issued_at: int
    """Milliseconds since 1970."""
    expires_at: int
    """Milliseconds since 1970; not dispatched after it."""


class CaseClosed(msgspec.Struct, frozen=True, kw_only=True):
    """The run has ended: nothing more is decided for it."""

    status: str
    """How the run ended."""


class JobDenied(msgspec.Struct, frozen=True, kw_only=True):
    """Policy denies one attempt."""

    job_id: str
    """The attempt."""
    step: str
    """The step that asked."""
    policy_snapshot: str
    """The snapshot it was decided under."""
    rule: str
    """The rule that denied."""
    reason: str
    """Why, as a sentence."""


class JobDispatched(msgspec.Struct, frozen=True, kw_only=True):
    """A job is given to one worker, under a lease."""

    job: Job
    """The job."""
    writ: Writ
    """Its authorisation."""
    worker: str
    """The endpoint it is addressed to."""
    lease: int
    """Number of this lease in its pool."""
    lease_ms: int
    """How long a beat keeps it."""


class JobFailed(msgspec.Struct, frozen=True, kw_only=True):
    """A worker reports failure."""

    job_id: str
    """The job."""
    lease: int
    """The lease it holds."""
    worker: str
    """Its endpoint."""
    code: str
    """Why, as a stable code."""
    message: str
    """Why, as a sentence."""
    retryable: bool = True
    """Another attempt may succeed."""


class JobLost(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt ended with its worker or its writ, and nobody knows what it did."""

    job_id: str
    """The job."""
    step: str
    """The step that asked."""
    lease: int
    """The lease that ended; 0 if it never had one."""
    worker: str
    """Who held it."""
    reason: str
    """worker_lost, writ_expired, or internal_error."""


class JobQueued(msgspec.Struct, frozen=True, kw_only=True):
    """An authorised job waits for a worker."""

    job: Job
    """The job."""
    writ: Writ
    """Its authorisation."""


class JobReleased(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's hold on a job has ended by its report; its capacity is free."""

    job_id: str
    """The job."""
    lease: int
    """The lease that ended."""
    worker: str
    """Who held it."""
    outcome: str
    """The report that ended it."""


class JobReportIgnored(msgspec.Struct, frozen=True, kw_only=True):
    """A report that settles nothing: late, repeated, or of an attempt this run does not know."""

    job_id: str
    """The job it spoke of."""
    lease: int
    """The lease it spoke of."""
    reported: str
    """The event it was."""
    reason: str
    """Why it settles nothing."""


class JobRequested(msgspec.Struct, frozen=True, kw_only=True):
    """The run asks for a job; nothing happens until a writ is issued."""

    job: Job
    """The job."""
    after: str = ""
    """Why there is another attempt: worker_lost or writ_expired; empty for the first."""


class JobSucceeded(msgspec.Struct, frozen=True, kw_only=True):
    """A worker reports success."""

    job_id: str
    """The job."""
    lease: int
    """The lease it holds."""
    worker: str
    """Its endpoint."""
    output: str
    """JSON."""


class MessageQuarantined(msgspec.Struct, frozen=True, kw_only=True):
    """A message that nobody could decode or accept, set aside so that its partition goes on."""

    source_stream: str
    """Where it lay."""
    source_partition: int
    """Where it lay."""
    source_offset: int
    """Where it lay."""
    source_key: bytes
    """The key it had."""
    code: str
    """Why, as a stable code: undecodable, unknown_schema, too_large, key_mismatch, not_for_this_stream, run_closed, internal_error."""
    reason: str
    """Why, as a sentence: what was expected, what was found."""
    original: bytes
    """The bytes as they were; cut where they were over the limit."""
    original_size: int
    """Their full length."""


class OwnerChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A claim: from here on this owner's batches count, if the claim itself counts."""

    epoch: int
    """One more than the epoch it ends."""
    owner: str
    """A random id made at the claim."""


class PositionsAdvanced(msgspec.Struct, frozen=True, kw_only=True):
    """Carries nothing but the positions in its batch head: inputs were read that asked for no event."""


class RunDenied(msgspec.Struct, frozen=True, kw_only=True):
    """The run reached its end because policy said no."""

    rule: str
    """The rule that denied."""
    reason: str
    """Why, as a sentence."""


class RunFailed(msgspec.Struct, frozen=True, kw_only=True):
    """The run reached its end by failing."""

    code: str
    """Why, as a stable code."""
    message: str
    """Why, as a sentence."""


class RunRefused(msgspec.Struct, frozen=True, kw_only=True):
    """A request for a run that starts nothing."""

    code: str
    """Why, as a stable code."""
    reason: str
    """Why, as a sentence: Expected ..., but ..."""


class RunRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks for a run."""

    workflow: str
    """The workflow to run; 'job' asks for a run of one step, described by topic and kind."""
    version: str = ""
    """The version asked for; empty for the latest."""
    kind: str = "job"
    """Of a run of one step: its step type."""
    topic: str = ""
    """Of a run of one step: its topic."""
    input: str = "{}"
    """JSON."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    """Labels of the run."""
    idempotency_key: str = ""
    """Same key and body: the same run. Empty: the request id serves."""


class RunStarted(msgspec.Struct, frozen=True, kw_only=True):
    """The run exists and begins."""

    workflow: str
    """The workflow it runs."""
    version: str = ""
    """The version it is pinned to."""
    kind: str = "job"
    """Of a run of one step: its step type."""
    topic: str = ""
    """Of a run of one step: its topic."""
    input: str
    """Canonical JSON."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    """Labels of the run."""
    idempotency_key: str = ""
    """The key it was asked for with."""
    request_hash: bytes
    """SHA-256 over what was asked for, to tell a repeat from a conflict."""


class RunSucceeded(msgspec.Struct, frozen=True, kw_only=True):
    """The run reached its end, with its output."""

    output: str
    """Canonical JSON."""


class StepDenied(msgspec.Struct, frozen=True, kw_only=True):
    """A step reached its end because policy said no."""

    step: str
    """The step."""
    job_id: str
    """The attempt that was denied."""
    rule: str
    """The rule that denied."""
    reason: str
    """Why, as a sentence."""


class StepFailed(msgspec.Struct, frozen=True, kw_only=True):
    """A step reached its end by failing."""

    step: str
    """The step."""
    job_id: str
    """The attempt that settled it."""
    code: str
    """Why, as a stable code."""
    message: str
    """Why, as a sentence."""


class StepSucceeded(msgspec.Struct, frozen=True, kw_only=True):
    """A step reached its end, with its output."""

    step: str
    """The step."""
    job_id: str
    """The attempt that settled it."""
    output: str
    """Canonical JSON."""


class WorkerBeat(msgspec.Struct, frozen=True, kw_only=True):
    """A worker is alive and has room."""

    worker: str
    """Its endpoint: name and instance, unique to this process."""
    name: str
    """Its name."""
    max_parallel: int
    """How many jobs it takes at once."""
    beat: int
    """Number of this beat, rising."""
    holding: tuple[int, ...] = ()
    """The leases it holds."""
    leaving: bool = False
    """It takes no more jobs and leaves when done."""


class WorkerJoined(msgspec.Struct, frozen=True, kw_only=True):
    """A worker is known to its pool."""

    worker: str
    """Its endpoint."""
    name: str
    """Its name."""
    max_parallel: int
    """How many jobs it takes at once."""
    expires_at: int
    """When its lease ends unless renewed: the scheduler's clock."""


class WorkerLost(msgspec.Struct, frozen=True, kw_only=True):
    """A worker is gone: it left, or its lease has ended."""

    worker: str
    """Its endpoint."""
    reason: str
    """left, or lease_ended."""


class WorkerRenewed(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's lease goes on."""

    worker: str
    """Its endpoint."""
    max_parallel: int
    """How many jobs it takes at once."""
    expires_at: int
    """When its lease ends unless renewed: the scheduler's clock."""


class WritIssued(msgspec.Struct, frozen=True, kw_only=True):
    """Policy allows one attempt: the writ, and the job exactly as decided on."""

    job: Job
    """The job."""
    writ: Writ
    """The authorisation."""


Event = (
    CaseClosed
    | JobDenied
    | JobDispatched
    | JobFailed
    | JobLost
    | JobQueued
    | JobReleased
    | JobReportIgnored
    | JobRequested
    | JobSucceeded
    | MessageQuarantined
    | OwnerChanged
    | PositionsAdvanced
    | RunDenied
    | RunFailed
    | RunRefused
    | RunRequested
    | RunStarted
    | RunSucceeded
    | StepDenied
    | StepFailed
    | StepSucceeded
    | WorkerBeat
    | WorkerJoined
    | WorkerLost
    | WorkerRenewed
    | WritIssued
)
"""Every event there is."""

EVENT_TYPES: dict[str, type[Event]] = {
    "CaseClosed": CaseClosed,
    "JobDenied": JobDenied,
    "JobDispatched": JobDispatched,
    "JobFailed": JobFailed,
    "JobLost": JobLost,
    "JobQueued": JobQueued,
    "JobReleased": JobReleased,
    "JobReportIgnored": JobReportIgnored,
    "JobRequested": JobRequested,
    "JobSucceeded": JobSucceeded,
    "MessageQuarantined": MessageQuarantined,
    "OwnerChanged": OwnerChanged,
    "PositionsAdvanced": PositionsAdvanced,
    "RunDenied": RunDenied,
    "RunFailed": RunFailed,
    "RunRefused": RunRefused,
    "RunRequested": RunRequested,
    "RunStarted": RunStarted,
    "RunSucceeded": RunSucceeded,
    "StepDenied": StepDenied,
    "StepFailed": StepFailed,
    "StepSucceeded": StepSucceeded,
    "WorkerBeat": WorkerBeat,
    "WorkerJoined": WorkerJoined,
    "WorkerLost": WorkerLost,
    "WorkerRenewed": WorkerRenewed,
    "WritIssued": WritIssued,
}
"""The class of each event name."""
