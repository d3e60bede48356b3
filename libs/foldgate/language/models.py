"""What people write, as pydantic models: one for each type of step, under the names that `spelling` leaves.

A default here is part of what every published document means: it never changes.
"""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from foldgate.language.definition import Grave
from foldgate.language.forms import (
    AnyIds,
    Delay,
    Duration,
    Expression,
    Ids,
    Instant,
    Items,
    JsonSchema,
    Labels,
    Level,
    LongText,
    Name,
    Names,
    Pause,
    Plain,
    Pool,
    StepId,
    Text,
    Topic,
    Value,
    Variable,
    VariableNames,
    Version,
    WorkflowId,
    as_set,
)

MAX_STEPS = 1000
NOT_GIVEN: Final = object()
"""Where null is a value like any other."""


class Model(BaseModel):
    """Strict: no number is taken for a text, and no key is ignored."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, protected_namespaces=())


class RetryTerms(Model):
    """How often and when a failed attempt is followed by another."""

    max_attempts: Annotated[int, Field(ge=1, le=100)] = 1
    backoff: Pause = 0
    max_backoff: Duration | None = None
    multiplier: Annotated[float, Field(ge=1, le=100)] = 1.0
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.0
    retry_on: Names = []
    non_retryable: Names = []


class RouteTerms(Model):
    """Where the job would like to go."""

    pool: Pool | None = None
    worker: Name | None = None
    labels: Labels = {}


class MetaTerms(Model):
    """What policy and routing know of a step."""

    capability: Name | None = None
    risk_tags: Names = []
    requires: Names = []
    pack_id: Name | None = None
    actor_id: Name | None = None
    actor_type: Name | None = None
    labels: Labels = {}


class ForEachTerms(Model):
    """One child an item."""

    items: Items
    max_parallel: Annotated[int, Field(ge=1, le=10_000)] | None = None
    max_items: Annotated[int, Field(ge=1, le=10_000)] = 1000
    on_item_failure: Literal["fail", "collect"] = "fail"
    min_success: Annotated[int, Field(ge=0, le=10_000)] = 0


class ApprovalTerms(Model):
    """Who may answer, how many must, and what happens when nobody does."""

    required: Annotated[int, Field(ge=1, le=100)] = 1
    roles: Names = []
    exclude_requester: bool = False
    majority: bool = False
    expires_in: Duration | None = None
    on_expire: Literal["denied", "timed_out"] = "denied"


class ConcurrencyTerms(Model):
    """How many runs with the same key may go on at once."""

    key: Text
    limit: Annotated[int, Field(ge=1, le=100_000)] = 1
    on_conflict: Literal["queue", "reject", "cancel_oldest"] = "queue"


class DefaultTerms(Model):
    """What steps have that say nothing themselves."""

    retry: RetryTerms | None = None
    timeout: Duration | None = None
    pool: Pool | None = None
    meta: MetaTerms | None = None


class AnyStep(Model):
    """What every step may have."""

    name: Plain | None = None
    depends_on: AnyIds = []
    when: Expression | None = None
    input: Value = None
    input_schema: JsonSchema | None = None
    output_schema: JsonSchema | None = None
    retry: RetryTerms | None = None
    timeout: Duration | None = None
    attempt_timeout: Duration | None = None
    queue_timeout: Duration | None = None
    on_error: StepId | None = None
    compensate: StepId | None = None
    priority: Annotated[int, Field(ge=0, le=9)] = 5
    route: RouteTerms | None = None
    meta: MetaTerms | None = None
    for_each: ForEachTerms | None = None


class JobStep(AnyStep):
    """Asks the outside world."""

    type: Literal["job", "llm", "http", "container", "script"]
    topic: Topic | None = None


class ApprovalStep(AnyStep):
    """Asks people for a yes."""

    type: Literal["approval"]
    approval: ApprovalTerms | None = None


class InputStep(AnyStep):
    """Asks people for data."""

    type: Literal["input"]
    schema_: Annotated[JsonSchema | None, Field(alias="schema")] = None
    approval: ApprovalTerms | None = None


class WaitStep(AnyStep):
    """Waits for a signal."""

    type: Literal["wait"]
    signal: Plain | None = None
    match: dict[str, Value] | None = None


class DelayStep(AnyStep):
    """Waits so long, or until a time."""

    type: Literal["delay"]
    delay: Delay | None = None
    until: Instant | None = None


class ConditionStep(AnyStep):
    """Gives the truth of an expression."""

    type: Literal["condition"]
    expression: Expression


class SwitchCase(Model):
    """Where to go when it holds."""

    when: Expression | None = None
    match: Value = NOT_GIVEN
    next: Ids


class SwitchStep(AnyStep):
    """Goes to the first case that holds."""

    type: Literal["switch"]
    expression: Expression | None = None
    cases: Annotated[list[SwitchCase], Field(min_length=1, max_length=100)]
    default: Ids | None = None


class ParallelStep(AnyStep):
    """Begins its steps together."""

    type: Literal["parallel"]
    steps: Ids
    strategy: Literal["all", "any", "n_of_m"] = "all"
    required: Annotated[int, Field(ge=1, le=MAX_STEPS)] | None = None
    max_parallel: Annotated[int, Field(ge=1, le=MAX_STEPS)] | None = None


class LoopStep(AnyStep):
    """Runs its body in order, again and again."""

    type: Literal["loop"]
    body: Ids
    while_: Annotated[Expression | None, Field(alias="while")] = None
    until: Expression | None = None
    max_iterations: Annotated[int, Field(ge=1, le=10_000)] = 100


class TransformStep(AnyStep):
    """Gives a value."""

    type: Literal["transform"]
    output: Value = None


class StorageStep(AnyStep):
    """Sets, gets or deletes names of the run's ctx."""

    type: Literal["storage"]
    set: Annotated[dict[Variable, Value], Field(min_length=1, max_length=100)] | None = None
    get: VariableNames | None = None
    delete: VariableNames | None = None


class NotifyStep(AnyStep):
    """Tells whoever subscribes."""

    type: Literal["notify"]
    channel: Text | None = None
    message: LongText | None = None
    level: Level | None = None


class SubworkflowStep(AnyStep):
    """Runs another workflow."""

    type: Literal["subworkflow"]
    workflow: WorkflowId
    version: Version | None = None


Step = (
    JobStep
    | ApprovalStep
    | InputStep
    | WaitStep
    | DelayStep
    | ConditionStep
    | SwitchStep
    | ParallelStep
    | LoopStep
    | TransformStep
    | StorageStep
    | NotifyStep
    | SubworkflowStep
)


class WorkflowDocument(Model):
    """A workflow."""

    id: WorkflowId
    name: Plain | None = None
    description: LongText | None = None
    version: Version | None = None
    labels: Labels = {}
    input_schema: JsonSchema | None = None
    output: Value = None
    timeout: Duration | None = None
    fail_fast: bool = False
    compensate_on: Annotated[list[Grave], AfterValidator(as_set)] = ["cancelled", "denied", "failed", "timed_out"]
    compensation_timeout: Duration = 3_600_000
    concurrency: ConcurrencyTerms | None = None
    defaults: DefaultTerms | None = None
    steps: Annotated[
        dict[StepId, Annotated[Step, Field(discriminator="type")]], Field(min_length=1, max_length=MAX_STEPS)
    ]
