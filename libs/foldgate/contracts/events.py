"""The events of the suite. GENERATED from schemas/ by `make schemas`: do not edit."""

import msgspec

# fmt: off


class Ancestor(msgspec.Struct, frozen=True, kw_only=True):
    """A run above a child run."""

    run_id: str
    """The run."""
    workflow: str
    """Its workflow."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy kernel said, by what, and why."""

    decision: str
    """allow, deny, require_approval, allow_with_constraints or throttle."""
    policy_snapshot: str
    """The snapshot it was made under."""
    policies_offset: int = 0
    """The place of that snapshot on the stream of policies."""
    rule: str = ""
    """The rule that decided, as bundle#rule; default_decision where none did."""
    reason: str = ""
    """Why, as a sentence."""
    constraints: str = ""
    """What must hold while it is done, as canonical JSON; empty if nothing."""
    remediations: str = ""
    """What could be done instead, as canonical JSON; empty if nothing is known."""
    trace: tuple[str, ...] = ()
    """For each bundle the rules that were looked at, and why each did or did not match."""


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
    """Labels of the run and of the step."""
    tenant: str
    """Whose run it is."""
    principal: str
    """Who asked for the run."""
    workflow: str
    """The workflow of the run."""
    digest: str = ""
    """What the run is pinned to: the digest of its workflow."""
    priority: int = 5
    """From 0 to 9; higher goes first."""
    pool: str = ""
    """The pool it asks for; empty: any that takes the topic."""
    worker: str = ""
    """The worker it prefers; empty if none."""
    placement: dict[str, str] = msgspec.field(default_factory=dict)
    """Labels that a worker must have."""
    capability: str = ""
    """What it makes use of, for policy."""
    risk_tags: tuple[str, ...] = ()
    """What is risky about it, for policy."""
    requires: tuple[str, ...] = ()
    """Capabilities that a worker must have."""
    pack_id: str = ""
    """The package its worker comes from, for policy."""
    actor_id: str = ""
    """The agent that acts, for policy."""
    actor_type: str = ""
    """What kind of agent that is, for policy."""
    queue_timeout_ms: int = 0
    """How long it may wait for a worker once it was authorised; 0: for ever."""
    attempt_timeout_ms: int = 0
    """How long one attempt may take once it was dispatched; 0: for ever."""
    retries: int = 0
    """How many attempts before it have failed; those that were lost do not count."""
    resume: str = ""
    """The checkpoint that an attempt before it left, as JSON; empty if none."""


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


class PolicyVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One bundle as it is active in a snapshot."""

    bundle: str
    """Its id."""
    version: int
    """Its version: how often it was published."""
    digest: str
    """SHA-256 of its canonical form."""
    definition: str
    """Its canonical form, as JSON."""


class Rerun(msgspec.Struct, frozen=True, kw_only=True):
    """What a run takes over from an earlier one."""

    run_id: str
    """The earlier run."""
    from_step: str
    """The step that it begins again with; all after it is run anew."""
    ctx: dict[str, str] = msgspec.field(default_factory=dict)
    """The values that the earlier run kept, as JSON."""
    outputs: dict[str, str] = msgspec.field(default_factory=dict)
    """What steps upstream of it had succeeded with, as JSON."""


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """Who vouches for something, and the proof."""

    key_id: str = ""
    """The key: the first 32 hexadecimal digits of the SHA-256 of its public half."""
    certificate: bytes = b''
    """The key's certificate, signed by a root key."""
    value: bytes = b''
    """Ed25519 over the canonical bytes of what is vouched for."""


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of one person."""

    voter: str
    """Whose it is."""
    roles: tuple[str, ...] = ()
    """The roles that its issuer vouches for."""
    at: int
    """When it was recorded."""
    approve: bool = True
    """Yes, or no."""


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
    tenant: str = ""
    """Whose job it is."""
    policies_offset: int = 0
    """The place of the snapshot on the stream of policies."""
    approval_id: str = ""
    """The approval it rests on; empty if it needed none."""
    constraints_hash: bytes = b''
    """SHA-256 of the constraints; empty if there are none."""
    signature: Signature | None = None
    """The policy kernel's, over all of the above."""
    pools_number: int = 0
    """The change of pools that was the last one known."""
    resume_hash: bytes = b''
    """SHA-256 of the checkpoint it goes on from; empty if there is none."""


class ApprovalClosed(msgspec.Struct, frozen=True, kw_only=True):
    """A question that needs no answer any more: its step or its run has ended."""

    approval_id: str
    """The question."""
    step: str
    """The step that asked."""
    reason: str
    """What ended: failed, denied, timed_out or cancelled, of the step; run_ended."""


class ApprovalExpired(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody answered in time."""

    approval_id: str
    """The question."""
    step: str
    """The step that asked."""
    on_expire: str = "denied"
    """How the step ends: denied or timed_out."""


class ApprovalGranted(msgspec.Struct, frozen=True, kw_only=True):
    """People said yes, or gave the data."""

    approval_id: str
    """The question."""
    step: str
    """The step that asked."""
    by: tuple[str, ...]
    """Who."""
    data: str = "null"
    """What they gave, as canonical JSON."""
    votes: tuple[Vote, ...] = ()
    """All votes that counted, a no under a majority too."""


class ApprovalOpened(msgspec.Struct, frozen=True, kw_only=True):
    """A question can be answered from now on."""

    approval_id: str
    """The question."""
    step: str
    """The step that asked."""
    kind: str
    """approval: yes or no; input: data is asked for; policy: a job may be done, yes or no."""
    input: str
    """What people are shown, as canonical JSON."""
    terms: str = "{}"
    """Who may answer and how many must, as canonical JSON."""
    schema: str = ""
    """What the data must fit, as JSON Schema; empty if anything does."""
    binding: str = ""
    """Digest of what they are shown, and of the workflow; a vote names what it was cast on."""
    requester: str = ""
    """Who asked for the run."""
    expires_at: int | None = None
    """When it is too late to answer, if it ever is."""
    job_hash: bytes = b''
    """Of a question of policy: what would be done."""
    policy_snapshot: str = ""
    """Of a question of policy: the snapshot that asked."""
    digest: str = ""
    """What the run is pinned to."""


class ApprovalRefused(msgspec.Struct, frozen=True, kw_only=True):
    """People said no."""

    approval_id: str
    """The question."""
    step: str
    """The step that asked."""
    by: tuple[str, ...]
    """Who."""
    reason: str = ""
    """Why, in their words."""


class ApprovalRequested(msgspec.Struct, frozen=True, kw_only=True):
    """A step asks people."""

    step: str
    """The step."""
    approval_id: str
    """The question: run_id:step."""
    kind: str
    """approval: yes or no; input: data is asked for."""
    input: str
    """What they are shown, as canonical JSON."""
    terms: str = "{}"
    """Who may answer and how many must, as canonical JSON."""
    schema: str = ""
    """What the data must fit, as JSON Schema; empty if anything does."""
    binding: str = ""
    """Digest of what they are shown, and of the workflow."""
    requester: str = ""
    """Who asked for the run."""
    parent: str = ""
    """The group, loop or for_each that it is a part of; empty if none."""
    deadline: int | None = None
    """When the step times out."""


class ApprovalRequired(msgspec.Struct, frozen=True, kw_only=True):
    """Policy asks people before an attempt may happen."""

    approval_id: str
    """The question: run_id:step#job hash."""
    step: str
    """The step."""
    job: Job
    """The job exactly as it would be done."""
    job_hash: bytes
    """SHA-256 over all it would do."""
    terms: str
    """Who may answer and how many must, as canonical JSON."""
    requester: str
    """Who asked for the run."""
    binding: str
    """Digest of what is asked: job hash, workflow digest and input."""
    decision: Decision
    """The decision."""


class ApprovalRevised(msgspec.Struct, frozen=True, kw_only=True):
    """The question is another now: votes on what it was before are stale."""

    approval_id: str
    """The question."""
    step: str
    """The step."""
    terms: str
    """Who may answer and how many must, as canonical JSON."""
    binding: str
    """What is asked now."""
    policy_snapshot: str = ""
    """The snapshot that asks."""
    expires_at: int | None = None
    """When it is too late to answer, if it ever is."""
    reason: str = ""
    """Why."""
    input: str = ""
    """What people are shown now, as canonical JSON; empty: as before, and the votes stay that count under the terms."""
    schema: str = ""
    """What the data must fit now, where what is shown has changed."""
    job_hash: bytes = b''
    """Of a question of policy: what would be done."""


class AttemptFailed(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt failed, and another will be made."""

    step: str
    """The step."""
    job_id: str
    """The attempt."""
    code: str
    """Why, as a stable code."""
    message: str
    """Why, as a sentence."""
    retry_at: int
    """When the next is asked for."""
    policies_offset: int = 0
    """With writ_stale: how far the kernel must have read for a writ that is not."""
    pools_number: int = 0
    """With pool_closed: the change of pools that the kernel must know."""


class CaseClosed(msgspec.Struct, frozen=True, kw_only=True):
    """The run has ended: nothing more is decided for it."""

    status: str
    """How the run ended."""


class CheckpointNoted(msgspec.Struct, frozen=True, kw_only=True):
    """What a later attempt of the step may go on from."""

    step: str
    """The step."""
    job_id: str
    """The attempt that left it."""
    number: int
    """The number of its report."""
    checkpoint: str
    """JSON."""


class ChildCancelRequested(msgspec.Struct, frozen=True, kw_only=True):
    """A step calls its child run back."""

    step: str
    """The step."""
    child_run: str
    """The run id of the child."""
    ending: str
    """How the step will end: cancelled or timed_out."""
    reason: str
    """Why."""


class ChildEnded(msgspec.Struct, frozen=True, kw_only=True):
    """A child run tells the step that waits for it how it ended."""

    parent_run: str
    """The run that waits."""
    step: str
    """The step."""
    status: str
    """How the child ended."""
    output: str = ""
    """Canonical JSON; empty unless it succeeded."""
    code: str = ""
    """Why, as a stable code."""
    reason: str = ""
    """Why, as a sentence."""


class ChildRequested(msgspec.Struct, frozen=True, kw_only=True):
    """A step asks for a child run."""

    step: str
    """The step."""
    child_run: str
    """The run id of the child."""
    workflow: str
    """Its workflow."""
    version: str
    """Its version."""
    digest: str
    """What it will be pinned to."""
    input: str
    """Canonical JSON."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    """Labels of the run."""
    ancestors: tuple[Ancestor, ...] = ()
    """The runs above the child, the first one first."""
    parent: str = ""
    """The group, loop or for_each that it is a part of; empty if none."""
    deadline: int | None = None
    """When the step times out."""


class CompensationStarted(msgspec.Struct, frozen=True, kw_only=True):
    """What has succeeded is undone, last first."""

    steps: tuple[str, ...]
    """The handlers to run, in this order."""
    deadline: int
    """When no more time is given."""


class ConstraintBreached(msgspec.Struct, frozen=True, kw_only=True):
    """A handler tried, or did, what the constraints of its writ do not allow."""

    job_id: str
    """The job."""
    lease: int
    """The lease it holds."""
    worker: str
    """Its endpoint."""
    number: int
    """Its number among those of this lease, from 1."""
    constraint: str
    """Which: max_runtime_ms, allowed_tools, allowed_commands, network_allowlist or max_cost_usd."""
    message: str
    """What was allowed and what was tried: Expected ..., but ..."""
    was_stopped: bool
    """Whether it was kept from happening."""
    mac: bytes = b''
    """HMAC-SHA-256 over the report with the lease's secret."""


class ContextChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A step has set or deleted a name in the run's ctx."""

    step: str
    """The step."""
    name: str
    """The name."""
    value: str | None = None
    """Canonical JSON; null: it is gone."""


class DeadLetterDiscardRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks that nobody tries a dead letter again."""

    step: str
    """The step that asked."""
    reason: str = ""
    """Why, in their words."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class DeadLetterDiscarded(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter is done with: nobody tries it again."""

    step: str
    """The step that asked."""
    reason: str = ""
    """Why, in their words."""


class DeadLetterOpened(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter waits for somebody to look at it."""

    step: str
    """The step that asked."""
    job_id: str
    """The last attempt."""
    topic: str
    """What kind of work it is."""
    code: str
    """Why nobody tries it again, as a stable code."""
    workflow: str = ""
    """The workflow of the run."""
    from_step: str = ""
    """The step at the top that a rerun begins with."""
    status: str = ""
    """How its step ends: failed, denied or timed_out."""
    attempts: int = 0
    """How many attempts were made."""


class DeadLetterRefused(msgspec.Struct, frozen=True, kw_only=True):
    """Something asked of a dead letter that changes nothing."""

    request: str
    """The name of the request."""
    step: str
    """The step it named."""
    code: str
    """Why, as a stable code."""
    reason: str
    """Why, as a sentence: Expected ..., but ..."""


class DeadLetterRetried(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter is done with: another run tries it again."""

    step: str
    """The step that asked."""
    new_run: str
    """The run that begins with that step."""
    reason: str = ""
    """Why, in their words."""


class DeadLetterRetryRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody has begun another run for a dead letter."""

    step: str
    """The step that asked."""
    new_run: str
    """The run that begins with that step."""
    reason: str = ""
    """Why, in their words."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class GrantRecorded(msgspec.Struct, frozen=True, kw_only=True):
    """People have allowed what a step would do; that holds for all its attempts."""

    approval_id: str
    """The question."""
    step: str
    """The step."""
    job_hash: bytes
    """SHA-256 over all it would do."""
    votes: tuple[Vote, ...] = ()
    """The votes that grant it."""


class JobAbandoned(msgspec.Struct, frozen=True, kw_only=True):
    """A job that nobody will try again by itself: it is a dead letter."""

    step: str
    """The step that asked."""
    job: Job
    """Its last attempt, with all it would do."""
    status: str
    """How its step ends: failed, denied or timed_out."""
    code: str
    """Why, as a stable code."""
    message: str
    """Why, as a sentence."""
    attempts: int
    """How many attempts were made."""
    rule: str = ""
    """The rule that decided last; empty if the run does not know."""
    from_step: str = ""
    """The step at the top that it is part of: a rerun that tries it again begins there."""


class JobCancelRequested(msgspec.Struct, frozen=True, kw_only=True):
    """The run calls a job back."""

    job_id: str
    """The job."""
    step: str
    """The step."""
    ending: str
    """How the step will end: cancelled or timed_out."""
    reason: str
    """Why."""
    until: int
    """When the run waits for it no longer."""


class JobCancelled(msgspec.Struct, frozen=True, kw_only=True):
    """A worker is told to stop a job."""

    job_id: str
    """The job."""
    step: str
    """The step that asked."""
    lease: int
    """The lease it has."""
    worker: str
    """Who holds it."""
    reason: str = ""
    """cancelled: the run called it back; attempt_timeout: its time is over; not_taken: its worker never named it, and another gets it."""
    signature: Signature | None = None
    """The scheduler's, over job, lease, worker and reason."""


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
    decision: Decision | None = None
    """The decision it follows from."""


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
    constraints: str = ""
    """What must hold while it is done, as canonical JSON; empty if nothing."""
    beat: int = 0
    """The last beat of the worker that the scheduler had seen."""
    signature: Signature | None = None
    """The scheduler's, over writ, lease, worker and beat."""
    token: bytes = b''
    """The lease's secret: reports under it are signed with it."""


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
    mac: bytes = b''
    """HMAC-SHA-256 over the report with the lease's secret."""
    began_at: int = 0
    """When its handler began, by the worker's clock; 0 if it did not."""
    retry_after_ms: int = 0
    """How long another attempt is to wait at least, as far as its worker knows; 0 if it does not say."""


class JobLost(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt ended without a report: with its worker, its writ, its time or its run. What it did is not known."""

    job_id: str
    """The job."""
    step: str
    """The step that asked."""
    lease: int
    """The lease that ended; 0 if it never had one."""
    worker: str
    """Who held it."""
    reason: str
    """worker_lost, not_taken, writ_expired, writ_stale, pool_closed, queue_timeout, attempt_timeout, cancelled, or internal_error."""
    policies_offset: int = 0
    """With writ_stale: how far the kernel must have read for a writ that is not."""
    pools_number: int = 0
    """With pool_closed: the change of pools that the kernel must know."""


class JobProgressed(msgspec.Struct, frozen=True, kw_only=True):
    """A worker says how far it is."""

    job_id: str
    """The job."""
    lease: int
    """The lease it holds."""
    worker: str
    """Its endpoint."""
    number: int
    """Its number among those of this lease, from 1."""
    percent: int = -1
    """How far it is; -1 if it does not say."""
    message: str = ""
    """What it is at."""
    checkpoint: str = ""
    """What another attempt may go on from, as JSON; empty if nothing."""
    mac: bytes = b''
    """HMAC-SHA-256 over the report with the lease's secret."""


class JobQueued(msgspec.Struct, frozen=True, kw_only=True):
    """An authorised job waits for a worker."""

    job: Job
    """The job."""
    writ: Writ
    """Its authorisation."""
    constraints: str = ""
    """What must hold while it is done, as canonical JSON; empty if nothing."""


class JobRefused(msgspec.Struct, frozen=True, kw_only=True):
    """No pool can take this attempt."""

    job_id: str
    """The attempt."""
    step: str
    """The step that asked."""
    code: str
    """Why, as a stable code: no_pool."""
    reason: str
    """Why, as a sentence: Expected ..., but ..."""
    pools_number: int = 0
    """The change of pools that was the last one known."""


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
    """Why there is another attempt: failed, worker_lost, writ_expired ...; empty for the first."""
    parent: str = ""
    """The group, loop or for_each that it is a part of; empty if none."""
    deadline: int | None = None
    """When the step times out."""
    policies_offset: int = 0
    """How far the kernel must have read before it decides."""
    pools_number: int = 0
    """The change of pools that the kernel must know before it decides."""


class JobStarted(msgspec.Struct, frozen=True, kw_only=True):
    """A worker has begun a job that takes it a while."""

    job_id: str
    """The job."""
    lease: int
    """The lease it holds."""
    worker: str
    """Its endpoint."""
    began_at: int = 0
    """When its handler began, by the worker's clock."""
    mac: bytes = b''
    """HMAC-SHA-256 over the report with the lease's secret."""


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
    mac: bytes = b''
    """HMAC-SHA-256 over the report with the lease's secret."""
    began_at: int = 0
    """When its handler began, by the worker's clock; 0 if it did not."""


class JobThrottled(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt must wait, and is then decided on again."""

    job_id: str
    """The attempt."""
    step: str
    """The step."""
    until: int
    """When it is decided on again."""
    times: int
    """How often it waited."""
    decision: Decision
    """The decision."""
    job: Job | None = None
    """The job, the first time that it waits."""


class KeyRevokeRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks that a key is trusted no longer."""

    key_id: str
    """The key."""
    reason: str = ""
    """Why, in their words."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class KeyRevoked(msgspec.Struct, frozen=True, kw_only=True):
    """A key is trusted no longer."""

    key_id: str
    """The key."""
    reason: str = ""
    """Why."""
    by: str = ""
    """Who asked."""


class KeySubmitted(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody submits the certificate of a key."""

    certificate: bytes
    """Signed by a root key."""


class KeyTrusted(msgspec.Struct, frozen=True, kw_only=True):
    """A key is known."""

    key_id: str
    """The key."""
    purpose: str
    """kernel, scheduler or issuer."""
    name: str
    """Whose it is."""
    certificate: bytes
    """Signed by a root key."""
    by: str = ""
    """Who asked."""


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
    """The bytes as they were, but with * in place of known secrets; cut where they were over the limit."""
    original_size: int
    """Their full length."""
    original_sha256: bytes = b''
    """SHA-256 of all of the bytes as they were."""


class NotificationRaised(msgspec.Struct, frozen=True, kw_only=True):
    """A step tells whoever subscribes."""

    step: str
    """The step."""
    channel: str = ""
    """Where it is for."""
    message: str = ""
    """What it says."""
    level: str = "info"
    """info, warning or error."""


class OwnerChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A claim: from here on this owner's batches count, if the claim itself counts."""

    epoch: int
    """One more than the epoch it ends."""
    owner: str
    """A random id made at the claim."""


class PolicyDeleteRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks that a bundle is active no longer."""

    bundle: str
    """Its id."""
    reason: str = ""
    """Why, in their words."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class PolicyDrafted(msgspec.Struct, frozen=True, kw_only=True):
    """A draft of a bundle is there."""

    bundle: str
    """Its id."""
    revision: int
    """Its number among the drafts of the bundle."""
    digest: str
    """SHA-256 of the canonical form."""
    definition: str
    """The canonical form, as JSON."""
    source: str = ""
    """The document as it was submitted."""
    reason: str = ""
    """Why."""
    by: str = ""
    """Who asked."""
    author: str = ""
    """Whose signature the document bears; empty if none."""


class PolicyPublishRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks that drafts become active."""

    bundles: tuple[str, ...] = ()
    """The bundles whose last drafts are meant; empty: all that have one."""
    reason: str = ""
    """Why, in their words."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class PolicyPublished(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot is active from now on: all of these bundles, and no others."""

    policy_snapshot: str
    """Its name: derived from what it holds."""
    bundles: tuple[PolicyVersion, ...]
    """Every active bundle, whole."""
    kind: str
    """publish, rollback or delete."""
    replaces: str = ""
    """The snapshot before; empty for the first."""
    reason: str = ""
    """Why."""
    by: str = ""
    """Who asked."""


class PolicyPutRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody submits a draft of a bundle."""

    bundle: str
    """Its id."""
    source: str
    """The document, as YAML."""
    revision: int
    """The revision it changes; 0 for a new bundle."""
    reason: str = ""
    """Why, in their words."""
    bundle_signature: Signature | None = None
    """Its author's, over the document; some suites require it."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class PolicyRefused(msgspec.Struct, frozen=True, kw_only=True):
    """A change of policy that changes nothing."""

    request: str
    """The name of the request."""
    bundle: str = ""
    """The bundle it was about; empty if none."""
    code: str
    """Why, as a stable code."""
    reason: str
    """Why, as a sentence: Expected ..., but ..."""
    problems: tuple[str, ...] = ()
    """Each mistake on a line."""


class PolicyRollbackRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks that an earlier snapshot becomes active again."""

    policy_snapshot: str
    """The snapshot."""
    reason: str = ""
    """Why, in their words."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class PolicyShadowRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks that a draft is evaluated beside the active bundles, and enforces nothing."""

    bundle: str
    """Its id."""
    revision: int
    """The revision; 0 ends it."""
    reason: str = ""
    """Why, in their words."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class PolicyShadowed(msgspec.Struct, frozen=True, kw_only=True):
    """A draft is evaluated beside the active bundles from now on; without a definition no longer."""

    bundle: str
    """Its id."""
    revision: int
    """The revision."""
    digest: str = ""
    """SHA-256 of the canonical form."""
    definition: str = ""
    """The canonical form, as JSON."""
    reason: str = ""
    """Why."""
    by: str = ""
    """Who asked."""


class PoolChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A pool's terms, or whether it takes jobs, are others from now on."""

    pool: str
    """The pool."""
    terms: str
    """Its terms, as canonical JSON; empty if it is no longer in the document."""
    is_open: bool
    """Whether it takes jobs."""
    number: int
    """The number of this change among all changes of pools."""
    reason: str = ""
    """Why it takes none: draining, overloaded or removed; empty if it does."""
    words: str = ""
    """Why, in the words of whoever drained or opened it."""


class PoolDrainRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks that a pool takes no more jobs, or takes them again."""

    pool: str
    """The pool."""
    draining: bool
    """Whether it is to take no more."""
    reason: str = ""
    """Why, in their words."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class PoolOverloaded(msgspec.Struct, frozen=True, kw_only=True):
    """More waits in a pool, or its workers are busier, than its terms allow."""

    pool: str
    """The pool."""
    waiting: int
    """How many jobs wait."""
    reason: str
    """Which threshold was passed, as a sentence."""


class PoolRelieved(msgspec.Struct, frozen=True, kw_only=True):
    """A pool that was overloaded is so no longer."""

    pool: str
    """The pool."""
    waiting: int
    """How many jobs wait."""


class PoolTermsTaken(msgspec.Struct, frozen=True, kw_only=True):
    """The scheduler goes by these terms of a pool from now on."""

    terms: str
    """Canonical JSON; empty for those of a pool that no document names."""
    is_open: bool
    """Whether it takes jobs."""
    number: int
    """The number of that change among all changes of pools."""
    reason: str = ""
    """Why it takes none."""


class PoolWaitNoted(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs of one kind have waited in a pool for longer than a bound."""

    pool: str
    """The pool."""
    topic: str
    """What kind of work it is."""
    waiting: int
    """How many of it wait."""
    reason: str
    """What they wait for; empty once they wait no longer."""
    since: int
    """Since when the first of them has waited."""


class PoolsPublished(msgspec.Struct, frozen=True, kw_only=True):
    """Which pools there are from now on, and which topics go to them."""

    document: str
    """Canonical JSON."""
    digest: bytes
    """SHA-256 of it."""
    revision: int
    """One more than that of the document before."""
    number: int
    """The number of this change among all changes of pools."""
    reason: str = ""
    """Why, in their words."""


class PoolsPutRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody submits which pools there are, and which topics go to them."""

    source: str
    """The document, as YAML."""
    revision: int
    """The revision it changes; 0 if none was ever put."""
    reason: str = ""
    """Why, in their words."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class PoolsRefused(msgspec.Struct, frozen=True, kw_only=True):
    """A change of pools that changes nothing."""

    request: str
    """The name of the request."""
    code: str
    """Why, as a stable code."""
    reason: str
    """Why, as a sentence: Expected ..., but ..."""
    problems: tuple[str, ...] = ()
    """Each mistake on a line."""


class PositionsAdvanced(msgspec.Struct, frozen=True, kw_only=True):
    """Carries nothing but the positions in its batch head: inputs were read that asked for no event."""


class QuestionsClosed(msgspec.Struct, frozen=True, kw_only=True):
    """The run has ended: nothing more is asked for it."""

    status: str
    """How the run ended."""


class RequestRefused(msgspec.Struct, frozen=True, kw_only=True):
    """Something asked of a live run that changes nothing."""

    request: str
    """The name of the request."""
    code: str
    """Why, as a stable code."""
    reason: str
    """Why, as a sentence: Expected ..., but ..."""


class RunAdmitted(msgspec.Struct, frozen=True, kw_only=True):
    """Policy lets a run begin."""

    decision: Decision
    """The decision."""
    workflow: str = ""
    """Its workflow, as policy sees it from now on."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    """Labels of the run."""
    input: str = "null"
    """What the run was given, as canonical JSON."""


class RunCancelRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks for the end of a run."""

    reason: str = ""
    """Why, in their words."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class RunCancelled(msgspec.Struct, frozen=True, kw_only=True):
    """The run reached its end because it was called back."""

    reason: str
    """Why."""
    step: str = ""
    """The step that decided it; empty if none."""
    compensation: str = "none"
    """none, done or partial."""


class RunCleared(msgspec.Struct, frozen=True, kw_only=True):
    """Policy has let the run begin: what waited for that goes on."""

    policy_snapshot: str = ""
    """The snapshot under which it may."""
    rule: str = ""
    """The rule that let it."""


class RunDeferred(msgspec.Struct, frozen=True, kw_only=True):
    """More is ready than one append takes; it is begun at once, in the next."""


class RunDenied(msgspec.Struct, frozen=True, kw_only=True):
    """The run reached its end because something in it may not happen."""

    rule: str
    """The rule or the answer that denied it."""
    reason: str
    """Why, as a sentence."""
    step: str = ""
    """The step that decided it; empty if none."""
    compensation: str = "none"
    """none, done or partial."""


class RunFailed(msgspec.Struct, frozen=True, kw_only=True):
    """The run reached its end by failing."""

    code: str
    """Why, as a stable code."""
    message: str
    """Why, as a sentence."""
    step: str = ""
    """The step that decided it; empty if none."""
    compensation: str = "none"
    """none, done or partial."""


class RunHalted(msgspec.Struct, frozen=True, kw_only=True):
    """The run begins nothing new, and calls back what is under way."""

    status: str
    """How the run will end: cancelled, timed_out or failed; empty: as its steps say."""
    code: str
    """Why, as a stable code."""
    reason: str
    """Why, as a sentence."""


class RunPauseRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks that a run begins nothing new for now."""

    reason: str = ""
    """Why, in their words."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class RunPaused(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing new is begun until the run goes on; what is under way goes on."""

    reason: str = ""
    """Why."""


class RunRefused(msgspec.Struct, frozen=True, kw_only=True):
    """A request for a run that starts nothing."""

    code: str
    """Why, as a stable code."""
    reason: str
    """Why, as a sentence: Expected ..., but ..."""


class RunRejected(msgspec.Struct, frozen=True, kw_only=True):
    """Policy does not let a run begin: none of its jobs will be done."""

    decision: Decision
    """The decision."""


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
    workflows_offset: int = 0
    """How far the asker had seen the stream of workflows: the engine reads at least as far first."""
    rerun: Rerun | None = None
    """What is taken over from an earlier run."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class RunResumeRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks that a paused run goes on."""

    reason: str = ""
    """Why, in their words."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class RunResumed(msgspec.Struct, frozen=True, kw_only=True):
    """The run goes on."""

    reason: str = ""
    """Why."""


class RunSizeWarned(msgspec.Struct, frozen=True, kw_only=True):
    """A run comes near the number of events it may have."""

    events: int
    """How many it has."""
    limit: int
    """With how many it is stopped."""


class RunStarted(msgspec.Struct, frozen=True, kw_only=True):
    """A run exists from now on; it is pinned to its workflow's digest for life."""

    workflow: str
    """Its workflow."""
    version: str = ""
    """The version it runs."""
    kind: str = ""
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
    """What a repeat of its request must equal."""
    digest: str = ""
    """What it is pinned to; empty for a run of one step."""
    deadline: int | None = None
    """When it times out."""
    ancestors: tuple[Ancestor, ...] = ()
    """The runs above it, the first one first."""
    parent_step: str = ""
    """Of a child run: the step that waits for it."""
    rerun: Rerun | None = None
    """What it took over from an earlier run."""
    awaits_admission: bool = False
    """Whether steps of it, or its end, wait until policy has let it begin; where jobs come first, their writs say so."""


class RunSucceeded(msgspec.Struct, frozen=True, kw_only=True):
    """The run reached its end, with its output."""

    output: str
    """Canonical JSON."""


class RunTimedOut(msgspec.Struct, frozen=True, kw_only=True):
    """The run reached its end because time was over."""

    code: str
    """Which limit."""
    reason: str
    """Why, as a sentence."""
    step: str = ""
    """The step that decided it; empty if none."""
    compensation: str = "none"
    """none, done or partial."""


class ShadowDecided(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle that enforces nothing would have said."""

    job_id: str
    """The attempt; empty for a run."""
    step: str
    """The step."""
    bundle: str
    """The bundle."""
    revision: int
    """Its revision."""
    decision: Decision
    """What the active bundles and it would have decided."""


class SignalReceived(msgspec.Struct, frozen=True, kw_only=True):
    """A signal waits for the step that wants it."""

    signal_id: str
    """The request that sent it."""
    name: str
    """The name that a step waits for."""
    payload: str
    """Canonical JSON."""


class SignalSent(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody sends a signal to a run."""

    name: str
    """The name that a step waits for."""
    payload: str = "null"
    """JSON; the output of the step that takes it."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class SlotFreed(msgspec.Struct, frozen=True, kw_only=True):
    """A place is free."""

    slot: str
    """The concurrency key."""
    run: str
    """The run that held it, or waited for it."""


class SlotGranted(msgspec.Struct, frozen=True, kw_only=True):
    """A run has a place."""

    slot: str
    """The concurrency key."""
    limit: int = 1
    """How many runs may hold it, as the newest request said."""


class SlotQueued(msgspec.Struct, frozen=True, kw_only=True):
    """All places are taken: the run waits for one."""

    slot: str
    """The concurrency key."""
    holders: tuple[str, ...]
    """The runs that hold it."""
    limit: int = 1
    """How many runs may hold it, as the newest request said."""


class SlotRefused(msgspec.Struct, frozen=True, kw_only=True):
    """All places are taken, and the run does not wait."""

    slot: str
    """The concurrency key."""
    holders: tuple[str, ...]
    """The runs that hold it."""
    limit: int = 1
    """How many runs may hold it, as the newest request said."""


class SlotReleased(msgspec.Struct, frozen=True, kw_only=True):
    """A run needs its place no longer."""

    slot: str
    """The concurrency key."""


class SlotRequested(msgspec.Struct, frozen=True, kw_only=True):
    """A run asks for one of the places of a concurrency key, and waits for it."""

    slot: str
    """The concurrency key, with its tenant and workflow."""
    limit: int
    """How many runs may hold it."""
    on_conflict: str
    """If all are taken: queue, reject or cancel_oldest."""


class SlotRevoked(msgspec.Struct, frozen=True, kw_only=True):
    """A run must give its place up: a newer one wants it."""

    slot: str
    """The concurrency key."""
    by_run: str
    """The newer run."""


class SlotTaken(msgspec.Struct, frozen=True, kw_only=True):
    """The run has its place, and begins."""

    slot: str
    """The concurrency key."""


class StepCancelRequested(msgspec.Struct, frozen=True, kw_only=True):
    """The run calls back all that a group is made of."""

    step: str
    """The step."""
    ending: str
    """How the step will end: cancelled, timed_out, or failed, denied where a part was."""
    code: str = ""
    """Why, as a stable code."""
    reason: str
    """Why, as a sentence."""


class StepCancelled(msgspec.Struct, frozen=True, kw_only=True):
    """A step reached its end because it was called back."""

    step: str
    """The step."""
    job_id: str = ""
    """The attempt that settled it; empty if it asked for no job."""
    reason: str
    """Why."""
    parent: str = ""
    """The group, loop or for_each that it is a part of; empty if none."""


class StepDenied(msgspec.Struct, frozen=True, kw_only=True):
    """A step reached its end because it may not happen."""

    step: str
    """The step."""
    job_id: str = ""
    """The attempt that settled it; empty if it asked for no job."""
    rule: str
    """The rule or the answer that denied it."""
    reason: str
    """Why, as a sentence."""
    parent: str = ""
    """The group, loop or for_each that it is a part of; empty if none."""


class StepFailed(msgspec.Struct, frozen=True, kw_only=True):
    """A step reached its end by failing."""

    step: str
    """The step."""
    job_id: str = ""
    """The attempt that settled it; empty if it asked for no job."""
    code: str
    """Why, as a stable code."""
    message: str
    """Why, as a sentence."""
    parent: str = ""
    """The group, loop or for_each that it is a part of; empty if none."""


class StepSkipped(msgspec.Struct, frozen=True, kw_only=True):
    """A step reached its end without being begun."""

    step: str
    """The step."""
    reason: str
    """when_false, branch_not_taken, upstream_failed, run_halted, or not_needed."""
    parent: str = ""
    """The group, loop or for_each that it is a part of; empty if none."""


class StepStarted(msgspec.Struct, frozen=True, kw_only=True):
    """A step has begun that waits, or is made of other steps."""

    step: str
    """The step."""
    kind: str
    """What it is: wait, delay, parallel, loop or for_each."""
    parent: str = ""
    """The group, loop or for_each that it is a part of; empty if none."""
    deadline: int | None = None
    """When it times out."""
    until: int | None = None
    """When it is over by itself."""
    signal: str = ""
    """The signal it waits for."""
    input: str = ""
    """What it was given, as canonical JSON; empty if nothing."""
    items: tuple[str, ...] = ()
    """Of a for_each: its items, each as canonical JSON."""


class StepSucceeded(msgspec.Struct, frozen=True, kw_only=True):
    """A step reached its end, with its output."""

    step: str
    """The step."""
    job_id: str = ""
    """The attempt that settled it; empty if it asked for no job."""
    output: str
    """Canonical JSON."""
    parent: str = ""
    """The group, loop or for_each that it is a part of; empty if none."""
    signal: str = ""
    """The signal that it took."""


class StepTimedOut(msgspec.Struct, frozen=True, kw_only=True):
    """A step reached its end because its time was over."""

    step: str
    """The step."""
    job_id: str = ""
    """The attempt that settled it; empty if it asked for no job."""
    code: str
    """Which limit: timeout, queue_timeout, expired."""
    reason: str
    """Why, as a sentence."""
    parent: str = ""
    """The group, loop or for_each that it is a part of; empty if none."""


class VoteCast(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody answers a question."""

    approval_id: str
    """The question: run_id:step."""
    approve: bool
    """Yes, or no."""
    data: str = "null"
    """What was asked for, as JSON."""
    reason: str = ""
    """Why, in their words."""
    binding: str = ""
    """What the voter saw; empty: whatever is asked now."""
    roles: tuple[str, ...] = ()
    """The roles of the voter, as the issuer vouches."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class VoteRecorded(msgspec.Struct, frozen=True, kw_only=True):
    """A vote counts."""

    approval_id: str
    """The question."""
    step: str
    """The step that asked."""
    voter: str
    """Whose it is."""
    approve: bool
    """Yes, or no."""
    data: str = "null"
    """What they gave, as canonical JSON."""
    reason: str = ""
    """Why, in their words."""
    roles: tuple[str, ...] = ()
    """The roles of the voter."""


class VoteRefused(msgspec.Struct, frozen=True, kw_only=True):
    """A vote that does not count."""

    approval_id: str
    """The question it was for."""
    voter: str
    """Whose it was."""
    code: str
    """Why, as a stable code: unknown_approval, not_open, not_allowed, already_voted, approval_stale, invalid_data, or what is wrong with its signature."""
    reason: str
    """Why, as a sentence: Expected ..., but ..."""


class WaitNoted(msgspec.Struct, frozen=True, kw_only=True):
    """A run has waited for one thing for long; nothing is wrong with it, but somebody should know."""

    step: str
    """The step that waits; empty if the run does."""
    reason: str
    """What it waits for."""
    since: int
    """Since when."""
    until: int | None = None
    """When it goes on by itself, if it does."""


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
    topics: tuple[str, ...] = ()
    """What it does; one that ends in * stands for all that begin so. Empty: it does not say."""
    capabilities: tuple[str, ...] = ()
    """What it is able to, for jobs that require it."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    """Where and what it is, for placement."""
    cpu_percent: int = -1
    """How busy its processors are; -1 if it does not say."""
    gpu_percent: int = -1
    """How busy its graphics processors are; -1 if it does not say."""


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
    beat: int = 0
    """The last beat that was seen by then."""
    topics: tuple[str, ...] = ()
    """What it does; empty: it does not say."""
    capabilities: tuple[str, ...] = ()
    """What it is able to."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    """Where and what it is."""
    cpu_percent: int = -1
    """How busy its processors are; -1 if it does not say."""
    gpu_percent: int = -1
    """How busy its graphics processors are; -1 if it does not say."""


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
    beat: int = 0
    """The last beat that was seen by then."""
    cpu_percent: int = -1
    """How busy its processors are; -1 if it does not say."""
    gpu_percent: int = -1
    """How busy its graphics processors are; -1 if it does not say."""
    taken: tuple[int, ...] = ()
    """The leases that its beats had not named before as held."""
    late: bool = False
    """Its owner had not read all that lay there: later beats of it may have lain there too."""


class WorkflowConfirmed(msgspec.Struct, frozen=True, kw_only=True):
    """A document was submitted that is a published version already: nothing changes."""

    workflow: str
    """Its id."""
    version: str
    """The version that it is."""
    digest: str
    """Its digest."""


class WorkflowPublished(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a workflow exists from now on, for ever."""

    workflow: str
    """Its id."""
    version: str
    """Its label; the digest where the document has none."""
    digest: str
    """SHA-256 of the canonical form: what runs are pinned to."""
    definition: str
    """The canonical form, as JSON."""
    source: str = ""
    """The document as it was submitted."""


class WorkflowRefused(msgspec.Struct, frozen=True, kw_only=True):
    """A document that is no workflow, or may not be one under this name."""

    workflow: str
    """The id it was submitted under."""
    code: str
    """Why, as a stable code."""
    reason: str
    """Why, as a sentence: Expected ..., but ..."""
    problems: tuple[str, ...] = ()
    """Each mistake on a line: place, what was expected, what to do."""


class WorkflowRetireRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks that a workflow starts no new runs."""

    workflow: str
    """Its id."""
    reason: str = ""
    """Why, in their words."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class WorkflowRetired(msgspec.Struct, frozen=True, kw_only=True):
    """No new run of the workflow starts; what runs goes on. Publishing it again ends that."""

    workflow: str
    """Its id."""
    reason: str = ""
    """Why."""


class WorkflowSubmitted(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks for a workflow to be published."""

    workflow: str
    """The id in the document."""
    source: str
    """The document, as YAML or JSON."""
    signature: Signature | None = None
    """The issuer's, over the canonical bytes of the request."""


class WritIssued(msgspec.Struct, frozen=True, kw_only=True):
    """Policy allows one attempt: the writ, and the job exactly as decided on."""

    job: Job
    """The job."""
    writ: Writ
    """The authorisation."""
    decision: Decision | None = None
    """The decision it follows from."""


class WritRevoked(msgspec.Struct, frozen=True, kw_only=True):
    """A job was called back: no writ of it is good from now on, and there will be none."""

    job_id: str
    """The job."""
    step: str
    """The step that asked."""
    pool: str = ""
    """The pool of the writ; empty if there was none."""
    reason: str = ""
    """Why."""


Event = (
    ApprovalClosed
    | ApprovalExpired
    | ApprovalGranted
    | ApprovalOpened
    | ApprovalRefused
    | ApprovalRequested
    | ApprovalRequired
    | ApprovalRevised
    | AttemptFailed
    | CaseClosed
    | CheckpointNoted
    | ChildCancelRequested
    | ChildEnded
    | ChildRequested
    | CompensationStarted
    | ConstraintBreached
    | ContextChanged
    | DeadLetterDiscardRequested
    | DeadLetterDiscarded
    | DeadLetterOpened
    | DeadLetterRefused
    | DeadLetterRetried
    | DeadLetterRetryRequested
    | GrantRecorded
    | JobAbandoned
    | JobCancelRequested
    | JobCancelled
    | JobDenied
    | JobDispatched
    | JobFailed
    | JobLost
    | JobProgressed
    | JobQueued
    | JobRefused
    | JobReleased
    | JobReportIgnored
    | JobRequested
    | JobStarted
    | JobSucceeded
    | JobThrottled
    | KeyRevokeRequested
    | KeyRevoked
    | KeySubmitted
    | KeyTrusted
    | MessageQuarantined
    | NotificationRaised
    | OwnerChanged
    | PolicyDeleteRequested
    | PolicyDrafted
    | PolicyPublishRequested
    | PolicyPublished
    | PolicyPutRequested
    | PolicyRefused
    | PolicyRollbackRequested
    | PolicyShadowRequested
    | PolicyShadowed
    | PoolChanged
    | PoolDrainRequested
    | PoolOverloaded
    | PoolRelieved
    | PoolTermsTaken
    | PoolWaitNoted
    | PoolsPublished
    | PoolsPutRequested
    | PoolsRefused
    | PositionsAdvanced
    | QuestionsClosed
    | RequestRefused
    | RunAdmitted
    | RunCancelRequested
    | RunCancelled
    | RunCleared
    | RunDeferred
    | RunDenied
    | RunFailed
    | RunHalted
    | RunPauseRequested
    | RunPaused
    | RunRefused
    | RunRejected
    | RunRequested
    | RunResumeRequested
    | RunResumed
    | RunSizeWarned
    | RunStarted
    | RunSucceeded
    | RunTimedOut
    | ShadowDecided
    | SignalReceived
    | SignalSent
    | SlotFreed
    | SlotGranted
    | SlotQueued
    | SlotRefused
    | SlotReleased
    | SlotRequested
    | SlotRevoked
    | SlotTaken
    | StepCancelRequested
    | StepCancelled
    | StepDenied
    | StepFailed
    | StepSkipped
    | StepStarted
    | StepSucceeded
    | StepTimedOut
    | VoteCast
    | VoteRecorded
    | VoteRefused
    | WaitNoted
    | WorkerBeat
    | WorkerJoined
    | WorkerLost
    | WorkerRenewed
    | WorkflowConfirmed
    | WorkflowPublished
    | WorkflowRefused
    | WorkflowRetireRequested
    | WorkflowRetired
    | WorkflowSubmitted
    | WritIssued
    | WritRevoked
)
"""Every event there is."""

EVENT_TYPES: dict[str, type[Event]] = {
    "ApprovalClosed": ApprovalClosed,
    "ApprovalExpired": ApprovalExpired,
    "ApprovalGranted": ApprovalGranted,
    "ApprovalOpened": ApprovalOpened,
    "ApprovalRefused": ApprovalRefused,
    "ApprovalRequested": ApprovalRequested,
    "ApprovalRequired": ApprovalRequired,
    "ApprovalRevised": ApprovalRevised,
    "AttemptFailed": AttemptFailed,
    "CaseClosed": CaseClosed,
    "CheckpointNoted": CheckpointNoted,
    "ChildCancelRequested": ChildCancelRequested,
    "ChildEnded": ChildEnded,
    "ChildRequested": ChildRequested,
    "CompensationStarted": CompensationStarted,
    "ConstraintBreached": ConstraintBreached,
    "ContextChanged": ContextChanged,
    "DeadLetterDiscardRequested": DeadLetterDiscardRequested,
    "DeadLetterDiscarded": DeadLetterDiscarded,
    "DeadLetterOpened": DeadLetterOpened,
    "DeadLetterRefused": DeadLetterRefused,
    "DeadLetterRetried": DeadLetterRetried,
    "DeadLetterRetryRequested": DeadLetterRetryRequested,
    "GrantRecorded": GrantRecorded,
    "JobAbandoned": JobAbandoned,
    "JobCancelRequested": JobCancelRequested,
    "JobCancelled": JobCancelled,
    "JobDenied": JobDenied,
    "JobDispatched": JobDispatched,
    "JobFailed": JobFailed,
    "JobLost": JobLost,
    "JobProgressed": JobProgressed,
    "JobQueued": JobQueued,
    "JobRefused": JobRefused,
    "JobReleased": JobReleased,
    "JobReportIgnored": JobReportIgnored,
    "JobRequested": JobRequested,
    "JobStarted": JobStarted,
    "JobSucceeded": JobSucceeded,
    "JobThrottled": JobThrottled,
    "KeyRevokeRequested": KeyRevokeRequested,
    "KeyRevoked": KeyRevoked,
    "KeySubmitted": KeySubmitted,
    "KeyTrusted": KeyTrusted,
    "MessageQuarantined": MessageQuarantined,
    "NotificationRaised": NotificationRaised,
    "OwnerChanged": OwnerChanged,
    "PolicyDeleteRequested": PolicyDeleteRequested,
    "PolicyDrafted": PolicyDrafted,
    "PolicyPublishRequested": PolicyPublishRequested,
    "PolicyPublished": PolicyPublished,
    "PolicyPutRequested": PolicyPutRequested,
    "PolicyRefused": PolicyRefused,
    "PolicyRollbackRequested": PolicyRollbackRequested,
    "PolicyShadowRequested": PolicyShadowRequested,
    "PolicyShadowed": PolicyShadowed,
    "PoolChanged": PoolChanged,
    "PoolDrainRequested": PoolDrainRequested,
    "PoolOverloaded": PoolOverloaded,
    "PoolRelieved": PoolRelieved,
    "PoolTermsTaken": PoolTermsTaken,
    "PoolWaitNoted": PoolWaitNoted,
    "PoolsPublished": PoolsPublished,
    "PoolsPutRequested": PoolsPutRequested,
    "PoolsRefused": PoolsRefused,
    "PositionsAdvanced": PositionsAdvanced,
    "QuestionsClosed": QuestionsClosed,
    "RequestRefused": RequestRefused,
    "RunAdmitted": RunAdmitted,
    "RunCancelRequested": RunCancelRequested,
    "RunCancelled": RunCancelled,
    "RunCleared": RunCleared,
    "RunDeferred": RunDeferred,
    "RunDenied": RunDenied,
    "RunFailed": RunFailed,
    "RunHalted": RunHalted,
    "RunPauseRequested": RunPauseRequested,
    "RunPaused": RunPaused,
    "RunRefused": RunRefused,
    "RunRejected": RunRejected,
    "RunRequested": RunRequested,
    "RunResumeRequested": RunResumeRequested,
    "RunResumed": RunResumed,
    "RunSizeWarned": RunSizeWarned,
    "RunStarted": RunStarted,
    "RunSucceeded": RunSucceeded,
    "RunTimedOut": RunTimedOut,
    "ShadowDecided": ShadowDecided,
    "SignalReceived": SignalReceived,
    "SignalSent": SignalSent,
    "SlotFreed": SlotFreed,
    "SlotGranted": SlotGranted,
    "SlotQueued": SlotQueued,
    "SlotRefused": SlotRefused,
    "SlotReleased": SlotReleased,
    "SlotRequested": SlotRequested,
    "SlotRevoked": SlotRevoked,
    "SlotTaken": SlotTaken,
    "StepCancelRequested": StepCancelRequested,
    "StepCancelled": StepCancelled,
    "StepDenied": StepDenied,
    "StepFailed": StepFailed,
    "StepSkipped": StepSkipped,
    "StepStarted": StepStarted,
    "StepSucceeded": StepSucceeded,
    "StepTimedOut": StepTimedOut,
    "VoteCast": VoteCast,
    "VoteRecorded": VoteRecorded,
    "VoteRefused": VoteRefused,
    "WaitNoted": WaitNoted,
    "WorkerBeat": WorkerBeat,
    "WorkerJoined": WorkerJoined,
    "WorkerLost": WorkerLost,
    "WorkerRenewed": WorkerRenewed,
    "WorkflowConfirmed": WorkflowConfirmed,
    "WorkflowPublished": WorkflowPublished,
    "WorkflowRefused": WorkflowRefused,
    "WorkflowRetireRequested": WorkflowRetireRequested,
    "WorkflowRetired": WorkflowRetired,
    "WorkflowSubmitted": WorkflowSubmitted,
    "WritIssued": WritIssued,
    "WritRevoked": WritRevoked,
}
"""The class of each event name."""
