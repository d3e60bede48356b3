"""The streams of a suite, as values: name, key, partitions, owner, followers' types. Written once, here.

Topics, tables, access lists, documents and the simulator's network are made from these values. `Stream.name` is the
logical name; a driver adds the suite's. A stream whose name ends in `.*` is a family with one member a pool.
"""

import functools
import re
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["owned", "open", "relay"]
Key = Literal["run", "pool", "tenant_key", "workflow", "worker", "source", "none"]


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One stream: `owned` has one writer a partition, `open` takes submissions from many, `relay` is filled from an
    owned one. `None` in `retention_days` keeps records for ever.

    `writers` are those who submit to an open stream: also its guard, which moves what lies on the wrong partition.
    `readers` are those who need it besides its owner and the gateway, which reads everything."""

    name: str
    kind: Kind
    key: Key
    partitions: int
    owner: str | None
    events: tuple[str, ...]
    retention_days: int | None = None
    max_record_bytes: int = 900 * 1024
    writers: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    doc: str

    def member(self, pool: str) -> "Stream":
        """The stream of one pool, of a family `x.*`."""
        if not self.name.endswith(".*"):
            raise ValueError(f"Expected a family of streams such as 'dispatch.*', but '{self.name}' is a single one.")
        return replace(self, name=self.name[:-1] + pool)


_POOL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def is_pool_name(text: str) -> bool:
    """Whether a pool may have that name: it is part of a topic's name."""
    return _POOL_NAME.fullmatch(text) is not None


OWNERSHIP_EVENTS = ("OwnerChanged", "PositionsAdvanced")
"""Partition-level records of every owned stream: no key, never folded into an aggregate."""

INTAKE = Stream(
    name="intake",
    kind="open",
    key="run",
    partitions=4,
    owner=None,
    events=(
        "RunRequested",
        "RunCancelRequested",
        "RunPauseRequested",
        "RunResumeRequested",
        "SignalSent",
        "VoteCast",
        "DeadLetterRetryRequested",
        "DeadLetterDiscardRequested",
    ),
    retention_days=30,
    writers=("gateway", "engine"),
    readers=("engine", "approval"),
    doc="What people and programs ask of runs: start, signal, cancel, vote.",
)
ADMIN = Stream(
    name="admin",
    kind="open",
    key="source",
    partitions=1,
    owner=None,
    events=(
        "WorkflowSubmitted",
        "WorkflowRetireRequested",
        "PolicyPutRequested",
        "PolicyPublishRequested",
        "PolicyRollbackRequested",
        "PolicyDeleteRequested",
        "PolicyShadowRequested",
        "KeySubmitted",
        "KeyRevokeRequested",
        "PoolsPutRequested",
        "PoolDrainRequested",
    ),
    retention_days=30,
    writers=("gateway",),
    readers=("engine", "policy_kernel", "scheduler"),
    doc="What administrators ask: publish a workflow, change a policy, drain a pool.",
)
REPORTS = Stream(
    name="reports",
    kind="open",
    key="run",
    partitions=4,
    owner=None,
    events=("JobSucceeded", "JobFailed", "JobStarted", "JobProgressed", "ConstraintBreached"),
    retention_days=30,
    writers=("gateway", "worker", "engine"),
    readers=("engine", "scheduler"),
    doc="What workers say of the jobs they hold.",
)
WORKERS = Stream(
    name="workers",
    kind="open",
    key="pool",
    partitions=4,
    owner=None,
    events=("WorkerBeat",),
    retention_days=7,
    writers=("gateway", "worker", "scheduler"),
    readers=("scheduler",),
    doc="The beats of workers.",
)
RUNS = Stream(
    name="runs",
    kind="owned",
    key="run",
    partitions=4,
    owner="engine",
    events=(
        "RunStarted",
        "RunCleared",
        "RunRefused",
        "RunPaused",
        "RunResumed",
        "RunHalted",
        "RunDeferred",
        "RunSizeWarned",
        "RequestRefused",
        "SignalReceived",
        "ContextChanged",
        "NotificationRaised",
        "StepStarted",
        "ChildRequested",
        "ChildCancelRequested",
        "ChildEnded",
        "ApprovalRequested",
        "JobRequested",
        "JobCancelRequested",
        "StepCancelRequested",
        "AttemptFailed",
        "JobReportIgnored",
        "CheckpointNoted",
        "JobAbandoned",
        "StepSucceeded",
        "StepFailed",
        "StepDenied",
        "StepTimedOut",
        "StepCancelled",
        "StepSkipped",
        "SlotRequested",
        "SlotTaken",
        "SlotReleased",
        "CompensationStarted",
        "RunSucceeded",
        "RunFailed",
        "RunDenied",
        "RunTimedOut",
        "RunCancelled",
        "WaitNoted",
    ),
    readers=("policy_kernel", "approval"),
    doc="What happens in a run.",
)
WORKFLOWS = Stream(
    name="workflows",
    kind="owned",
    key="workflow",
    partitions=1,
    owner="engine",
    events=(
        "WorkflowPublished",
        "WorkflowConfirmed",
        "WorkflowRefused",
        "WorkflowRetired",
    ),
    readers=("policy_kernel",),
    doc="Published workflow definitions.",
)
SLOTS = Stream(
    name="slots",
    kind="owned",
    key="tenant_key",
    partitions=4,
    owner="engine",
    events=(
        "SlotQueued",
        "SlotGranted",
        "SlotRefused",
        "SlotRevoked",
        "SlotFreed",
    ),
    doc="Who holds a concurrency key.",
)
DECISIONS = Stream(
    name="decisions",
    kind="owned",
    key="run",
    partitions=4,
    owner="policy_kernel",
    events=(
        "WritIssued",
        "WritRevoked",
        "JobDenied",
        "JobRefused",
        "CaseClosed",
        "RunAdmitted",
        "RunRejected",
        "ApprovalRequired",
        "JobThrottled",
        "ShadowDecided",
        "GrantRecorded",
    ),
    readers=("engine", "approval", "scheduler"),
    doc="What the policy kernel said of each attempt, and the writs it issued.",
)
POLICIES = Stream(
    name="policies",
    kind="owned",
    key="source",
    partitions=1,
    owner="policy_kernel",
    events=(
        "PolicyDrafted",
        "PolicyPublished",
        "PolicyShadowed",
        "PolicyRefused",
        "KeyTrusted",
        "KeyRevoked",
    ),
    readers=("engine", "approval", "scheduler"),
    doc="Policy bundles and snapshots.",
)
APPROVALS = Stream(
    name="approvals",
    kind="owned",
    key="run",
    partitions=4,
    owner="approval",
    events=(
        "ApprovalOpened",
        "VoteRecorded",
        "VoteRefused",
        "ApprovalGranted",
        "ApprovalRefused",
        "ApprovalExpired",
        "ApprovalClosed",
        "QuestionsClosed",
        "ApprovalRevised",
    ),
    readers=("engine", "policy_kernel"),
    doc="Questions to people, and their votes.",
)
JOBS = Stream(
    name="jobs",
    kind="owned",
    key="pool",
    partitions=4,
    owner="scheduler",
    events=(
        "WorkerJoined",
        "WorkerRenewed",
        "WorkerLost",
        "JobQueued",
        "JobDispatched",
        "JobReleased",
        "JobLost",
        "JobCancelled",
        "PoolTermsTaken",
        "PoolOverloaded",
        "PoolRelieved",
        "PoolWaitNoted",
    ),
    readers=("engine",),
    doc="Which worker holds which attempt, and what waits.",
)
POOLS = Stream(
    name="pools",
    kind="owned",
    key="source",
    partitions=1,
    owner="scheduler",
    events=("PoolsPublished", "PoolChanged", "PoolsRefused"),
    readers=("policy_kernel",),
    doc="Pools: which topics they take, on what terms.",
)
LETTERS = Stream(
    name="letters",
    kind="owned",
    key="run",
    partitions=4,
    owner="engine",
    events=(
        "DeadLetterOpened",
        "DeadLetterRetried",
        "DeadLetterDiscarded",
        "DeadLetterRefused",
    ),
    doc="Jobs that nobody will try again by itself, and what became of them.",
)
DISPATCH = Stream(
    name="dispatch.*",
    kind="relay",
    key="worker",
    partitions=1,
    owner="scheduler",
    events=(
        "JobDispatched",
        "JobCancelled",
    ),
    retention_days=7,
    readers=("worker",),
    doc="What a pool's workers read: jobs addressed to a worker instance.",
)
QUARANTINE = Stream(
    name="quarantine",
    kind="open",
    key="source",
    partitions=1,
    owner=None,
    events=("MessageQuarantined",),
    max_record_bytes=2 * 1024 * 1024,
    writers=("engine", "policy_kernel", "approval", "scheduler"),
    doc="What nobody could decode or accept, with the reason and the original bytes.",
)

STREAMS: tuple[Stream, ...] = (
    INTAKE,
    ADMIN,
    REPORTS,
    WORKERS,
    RUNS,
    WORKFLOWS,
    SLOTS,
    DECISIONS,
    POLICIES,
    APPROVALS,
    JOBS,
    POOLS,
    LETTERS,
    DISPATCH,
    QUARANTINE,
)

_BY_NAME = {stream.name: stream for stream in STREAMS}


class UnknownStream(Exception):
    """No stream of the suite has that name."""


def stream_of(name: str) -> Stream:
    """The stream with that logical name; `dispatch.default` is the member `default` of its family."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    family, dot, pool = name.partition(".")
    if dot and pool and f"{family}.*" in _BY_NAME:
        return _BY_NAME[f"{family}.*"].member(pool)
    known = ", ".join(sorted(_BY_NAME))
    raise UnknownStream(f"Expected one of the streams {known}, but got '{name}'.")


@functools.lru_cache(maxsize=16_384)
def partition_of(key: bytes, count: int) -> int:
    """The partition of a key: what Kafka's default partitioner gives, so that foreign producers agree with us."""
    return (_murmur2(key) & 0x7FFFFFFF) % count


def _murmur2(data: bytes) -> int:
    """MurmurHash2, 32 bits, seed 0x9747b28c, as the Java client computes it."""
    m, mask, length = 0x5BD1E995, 0xFFFFFFFF, len(data)
    h = (0x9747B28C ^ length) & mask
    whole = length & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & mask
        k = (k ^ (k >> 24)) * m & mask
        h = (h * m & mask) ^ k
    rest = data[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ (h >> 13)) * m & mask
    return h ^ (h >> 15)
