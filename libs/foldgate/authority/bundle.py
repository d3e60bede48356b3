"""What people write as a policy bundle, as pydantic models.

A default here is part of what every published bundle means: it never changes.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from foldgate.language.forms import Duration, Labels, LongText, Name, Names, Plain, Topic
from foldgate.language.models import Model

MAX_RULES = 1000
MAX_CASES = 1000
BY_DEFAULT = "default_decision"
"""What decides where no rule does."""
_BUNDLE = re.compile(r"(?=.{1,200}$)[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*){0,7}")
_RULE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


def _bundle_id(text: str) -> str:
    if _BUNDLE.fullmatch(text):
        return text
    said = "Expected an id such as team/production: at most 200 letters, digits, _ . and -, in parts divided by /."
    raise PydanticCustomError("name_invalid", "{said}", {"said": said})


def _rule_id(text: str) -> str:
    if text == BY_DEFAULT:
        raise PydanticCustomError("reserved_id", "Expected another id, for this one names the default decision.")
    if _RULE.fullmatch(text):
        return text
    raise PydanticCustomError("name_invalid", "Expected an id of at most 100 letters, digits, _ . and -.")


def _as_condition(value: object) -> object:
    """CEL, with or without its `${…}`; the canonical form has none."""
    if isinstance(value, str) and value.strip():
        text = value.strip()
        return text[2:-1].strip() if text.startswith("${") and text.endswith("}") else text
    raise PydanticCustomError("expression_invalid", "Expected an expression such as job.input.replicas > 3, in quotes.")


def _as_expiry(value: object) -> object:
    return "denied" if value == "deny" else value


def _whole_as_float(value: object) -> object:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


Count = Annotated[int, Field(ge=1, le=1_000_000)]
Condition = Annotated[str, BeforeValidator(_as_condition)]
Decided = Literal["allow", "deny", "require_approval", "allow_with_constraints", "throttle"]
Phase = Literal["submit", "dispatch", "any"]
Per = Literal["tenant", "principal", "workflow", "topic", "capability", "actor", "pool"]


class McpTerms(Model):
    """Which calls to tools of other servers are meant: only those allowed, and none of those denied."""

    allow_servers: Names = []
    deny_servers: Names = []
    allow_tools: Names = []
    deny_tools: Names = []
    allow_resources: Names = []
    deny_resources: Names = []


class MatchTerms(Model):
    """Which jobs are meant: those to which all of this applies. An empty list applies to all."""

    topics: Names = []
    tenants: Names = []
    capabilities: Names = []
    risk_tags: Names = []
    requires: Names = []
    pack_ids: Names = []
    actor_ids: Names = []
    actor_types: Names = []
    labels: Labels = {}
    secrets_present: bool | None = None
    mcp: McpTerms | None = None


class ApprovalRule(Model):
    """Who may answer, how many must, and what happens when nobody does."""

    required: Annotated[int, Field(ge=1, le=100)] = 1
    roles: Names = []
    exclude_requester: bool = False
    majority: bool = False
    expires_in: Duration | None = None
    on_expire: Annotated[Literal["denied", "timed_out"], BeforeValidator(_as_expiry)] = "denied"


class ThrottleTerms(Model):
    """How long an attempt waits before it is decided on again, and how often."""

    delay: Duration = 5000
    max_times: Count = 100


class ConcurrentTerms(Model):
    """How many jobs of one value may run at once."""

    key: Per
    limit: Count


class RateTerms(Model):
    """How many jobs of one value may begin in a minute."""

    key: Per
    per_minute: Count


class ConstraintTerms(Model):
    """What must hold while the job is done."""

    max_runtime_ms: Annotated[int, Field(ge=1, le=2**53)] | None = None
    max_concurrent: ConcurrentTerms | None = None
    rate: RateTerms | None = None
    allowed_tools: Names = []
    allowed_commands: Names = []
    network_allowlist: Names = []
    redaction: Literal["none", "low", "high"] = "none"
    max_cost_usd: Annotated[float, Field(ge=0, le=1e12), BeforeValidator(_whole_as_float)] | None = None


class RemediationTerms(Model):
    """What could be done instead."""

    id: Name
    title: Plain
    replacement_topic: Topic | None = None
    add_labels: Labels = {}


class RuleTerms(Model):
    """What is decided on which jobs."""

    id: Annotated[str, AfterValidator(_rule_id)]
    match: MatchTerms = MatchTerms()
    when: Condition | None = None
    phase: Phase = "any"
    decision: Decided
    reason: Annotated[str, Field(max_length=500)] = ""
    approval: ApprovalRule | None = None
    constraints: ConstraintTerms | None = None
    throttle: ThrottleTerms | None = None
    remediations: Annotated[list[RemediationTerms], Field(max_length=20)] = []


class CaseMcp(Model):
    """The tool that a job of a test calls."""

    server: str = ""
    tool: str = ""
    resource: str = ""


class CaseJob(Model):
    """The job of a test; what is not said is empty."""

    topic: str = ""
    kind: str = "job"
    input: Any = None
    labels: Labels = {}
    tenant: str = "default"
    principal: str = ""
    capability: str = ""
    risk_tags: Names = []
    requires: Names = []
    pack_id: str = ""
    actor_id: str = ""
    actor_type: str = ""
    mcp: CaseMcp | None = None


class CaseRun(Model):
    """The run of a test; what is not said is empty."""

    workflow: str = "job"
    labels: Labels = {}
    input: Any = None
    tenant: str = "default"
    principal: str = ""


class CaseExpected(Model):
    """What shall be decided; the rule by its id in this bundle."""

    decision: Decided
    rule: str | None = None


class CaseTerms(Model):
    """A test of the bundle: a job, or without one a run that wants to begin."""

    name: Plain
    job: CaseJob | None = None
    run: CaseRun | None = None
    expect: CaseExpected


class BundleDocument(Model):
    """A bundle, as it is written."""

    bundle: Annotated[str, AfterValidator(_bundle_id)]
    name: Plain | None = None
    description: LongText | None = None
    default_decision: Literal["allow", "deny"] = "deny"
    rules: Annotated[list[RuleTerms], Field(max_length=MAX_RULES)] = []
    tests: Annotated[list[CaseTerms], Field(max_length=MAX_CASES)] = []
