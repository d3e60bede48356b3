"""What a workflow means, ready to run: the compiled form of its canonical document.

Made by `compile`, once per digest; the engine reads it and never changes it. Durations are milliseconds, aliases and
defaults are resolved, and everything that can be known of the graph without running it is here: who depends on whom,
what is a part of what, who handles whom.
"""

from typing import Literal

import msgspec

from foldgate.expr.template import Template
from foldgate.language.schema import Schema

StepType = Literal[
    "job",
    "approval",
    "input",
    "wait",
    "delay",
    "condition",
    "switch",
    "parallel",
    "loop",
    "transform",
    "storage",
    "notify",
    "subworkflow",
]
JobKind = Literal["job", "llm", "http", "container", "script"]
Grave = Literal["failed", "denied", "timed_out", "cancelled"]


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """How often and when a failed attempt is followed by another."""

    max_attempts: int = 1
    backoff_ms: int = 0
    max_backoff_ms: int | None = None
    multiplier: float = 1.0
    jitter: float = 0.0
    """Share of the backoff that is added, from 0 to 1, derived from the job id."""
    retry_on: tuple[str, ...] = ()
    """Codes; empty: all that the worker calls retryable."""
    non_retryable: tuple[str, ...] = ()


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Where a job would like to go."""

    pool: str = ""
    worker: str = ""
    labels: dict[str, str] = {}


class StepMeta(msgspec.Struct, frozen=True, kw_only=True):
    """What policy and routing know of a step."""

    capability: str = ""
    risk_tags: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    pack_id: str = ""
    actor_id: str = ""
    actor_type: str = ""
    labels: dict[str, str] = {}


class ForEach(msgspec.Struct, frozen=True, kw_only=True):
    """One child `step[i]` an item."""

    items: Template
    max_parallel: int | None = None
    max_items: int = 1000
    on_item_failure: Literal["fail", "collect"] = "fail"
    min_success: int = 0


class JobSpec(msgspec.Struct, frozen=True, kw_only=True, tag="job"):
    """Asks the outside world."""

    kind: JobKind = "job"
    topic: str


class ApprovalSpec(msgspec.Struct, frozen=True, kw_only=True, tag="approval"):
    """Asks people for a yes. `terms` is the canonical JSON of the `approval:` block."""

    terms: str = "{}"
    on_expire: Literal["denied", "timed_out"] = "denied"


class InputSpec(msgspec.Struct, frozen=True, kw_only=True, tag="input"):
    """Asks people for data that fits."""

    schema: Schema | None = None
    terms: str = "{}"
    on_expire: Literal["denied", "timed_out"] = "denied"


class WaitSpec(msgspec.Struct, frozen=True, kw_only=True, tag="wait"):
    """Waits for a signal of that name whose payload has these entries."""

    signal: str
    match: Template | None = None


class DelaySpec(msgspec.Struct, frozen=True, kw_only=True, tag="delay"):
    """Waits so long (a duration as text, or milliseconds), or until a time (RFC 3339). One of the two is given."""

    delay: Template | None = None
    until: Template | None = None


class ConditionSpec(msgspec.Struct, frozen=True, kw_only=True, tag="condition"):
    """Its output is the truth of an expression."""

    expression: Template


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go when it holds: `when` is true, or the subject equals `match`."""

    when: Template | None = None
    match: Template | None = None
    next: tuple[str, ...]


class SwitchSpec(msgspec.Struct, frozen=True, kw_only=True, tag="switch"):
    """Goes to the first case that holds. `default` is None where there is none."""

    subject: Template | None = None
    cases: tuple[Case, ...]
    default: tuple[str, ...] | None = None


class ParallelSpec(msgspec.Struct, frozen=True, kw_only=True, tag="parallel"):
    """Begins its steps together."""

    steps: tuple[str, ...]
    strategy: Literal["all", "any", "n_of_m"] = "all"
    required: int
    """How many must succeed: all of them, one, or n."""
    max_parallel: int | None = None


class LoopSpec(msgspec.Struct, frozen=True, kw_only=True, tag="loop"):
    """Runs its body in order, again and again. One of `while_` and `until` is given."""

    body: tuple[str, ...]
    while_: Template | None = None
    until: Template | None = None
    max_iterations: int = 100


class TransformSpec(msgspec.Struct, frozen=True, kw_only=True, tag="transform"):
    """Its output is this, evaluated."""

    output: Template


class StorageSpec(msgspec.Struct, frozen=True, kw_only=True, tag="storage"):
    """Sets, gets or deletes names of the run's ctx: one of the three. `single`: `get` or `delete` named one as a text,
    so the output of `get` is its value and not a map."""

    set: dict[str, Template] | None = None
    get: tuple[str, ...] | None = None
    delete: tuple[str, ...] | None = None
    single: bool = False


class NotifySpec(msgspec.Struct, frozen=True, kw_only=True, tag="notify"):
    """Tells whoever subscribes."""

    channel: Template | None = None
    message: Template | None = None
    level: Template | None = None


class SubworkflowSpec(msgspec.Struct, frozen=True, kw_only=True, tag="subworkflow"):
    """Runs another workflow; its latest version where none is named."""

    workflow: str
    version: str = ""


Spec = (
    JobSpec
    | ApprovalSpec
    | InputSpec
    | WaitSpec
    | DelaySpec
    | ConditionSpec
    | SwitchSpec
    | ParallelSpec
    | LoopSpec
    | TransformSpec
    | StorageSpec
    | NotifySpec
    | SubworkflowSpec
)


class StepDef(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a workflow.

    depends_on  as written, and the switches that lead here
    dependents  who depends on it, in the order of the document
    switches    those of depends_on that are switches with this step among their targets
    parent      the parallel or loop that it is a part of; empty at the top
    handles     the step whose on_error it is; undoes: the step whose compensate it is; both empty otherwise
    depth       how many loops and for_eaches are around it (its own for_each not counted): the indexes of `step[i][j]`
    """

    id: str
    type: StepType
    name: str = ""
    spec: Spec
    depends_on: tuple[str, ...] = ()
    dependents: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()
    parent: str = ""
    handles: str = ""
    undoes: str = ""
    depth: int = 0
    when: Template | None = None
    input: Template | None = None
    input_schema: Schema | None = None
    output_schema: Schema | None = None
    retry: Retry = Retry()
    timeout_ms: int | None = None
    attempt_timeout_ms: int | None = None
    queue_timeout_ms: int = 86_400_000
    on_error: str = ""
    compensate: str = ""
    priority: int = 5
    route: Route = Route()
    meta: StepMeta = StepMeta()
    for_each: ForEach | None = None


class Concurrency(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs with the same key may go on at once."""

    key: Template
    limit: int = 1
    on_conflict: Literal["queue", "reject", "cancel_oldest"] = "queue"


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow. `order` has every step, each after all it depends on; `roots` those that start by themselves."""

    workflow: str
    version: str
    digest: str
    name: str = ""
    labels: dict[str, str] = {}
    input_schema: Schema | None = None
    output: Template | None = None
    timeout_ms: int | None = None
    fail_fast: bool = False
    compensate_on: frozenset[Grave] = frozenset(("failed", "denied", "timed_out", "cancelled"))
    compensation_timeout_ms: int = 3_600_000
    concurrency: Concurrency | None = None
    steps: dict[str, StepDef]
    order: tuple[str, ...]
    roots: tuple[str, ...]
