"""What rules are asked about: a job and its run, or a run that wants to begin."""

from typing import Any, NamedTuple

import msgspec

from foldgate.authority.secrets import present
from foldgate.contracts.events import Job, Meta, RunStarted
from foldgate.expr.cost import Allowance
from foldgate.expr.faults import ExpressionFailed
from foldgate.expr.scope import ABSENT

MAX_NAME = 2048
"""Signs of a name of a tool, its server or a resource: each is held against every pattern of a bundle."""


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What rules may know of a run, for as long as it goes on."""

    id: str
    workflow: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    input: str = "null"
    tenant: str = ""
    principal: str = ""


class Mcp(NamedTuple):
    """The tool of another server that a job calls, as far as it says so."""

    server: str
    tool: str
    resource: str


class Subject(NamedTuple):
    """What most rules look at, and many jobs have in common."""

    topic: str = ""
    tenant: str = ""
    capability: str = ""
    risk_tags: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    pack_id: str = ""
    actor_id: str = ""
    actor_type: str = ""


class Facts:
    """Of a job; without one, of a run. What takes work is found out when a rule asks for it. `allowance` is what the
    conditions of one bundle may cost together."""

    __slots__ = ("_input", "_mcp", "_scope", "_secrets", "_text", "allowance", "job", "labels", "run", "subject")

    def __init__(self, run: RunFacts, job: Job | None) -> None:
        self.run, self.job = run, job
        self._text = run.input if job is None else job.input
        self.allowance = Allowance()
        self._input: Any = ABSENT
        self._mcp: Mcp | None = None
        self._secrets: bool | None = None
        self._scope: dict[str, Any] | None = None
        self.labels = run.labels if job is None else job.labels
        self.subject = _subject(run, job)

    @property
    def input(self) -> Any:
        """What the job, or else the run, is given."""
        if self._input is ABSENT:
            self._input = _decoded(self._text)
        return self._input

    @property
    def secrets_present(self) -> bool:
        """Whether there are secrets in the input, or references to some."""
        if self._secrets is None:
            self._secrets = present(self.input)
        return self._secrets

    @property
    def mcp(self) -> Mcp:
        """By the labels, else by the input."""
        if self._mcp is None:
            self._mcp = self._called()
        return self._mcp

    @property
    def scope(self) -> dict[str, Any]:
        """For expressions."""
        if self._scope is None:
            self._scope = {"job": _Lazy(self._of_job()), "run": _Lazy(self._of_run())}
        return self._scope

    def _called(self) -> Mcp:
        may_say = '"mcp"' in self._text or "\\u" in self._text  # JSON may spell any sign by its number
        said = self.input.get("mcp") if may_say and isinstance(self.input, dict) else None
        given = said if isinstance(said, dict) else {}
        return Mcp(*(_name(self.labels.get(f"mcp.{name}") or given.get(name)) for name in Mcp._fields))

    def _of_job(self) -> dict[str, Any]:
        """Before there is a job, only what it will have of its run."""
        job = self.job
        if job is None:
            return {"tenant": self.run.tenant, "principal": self.run.principal}
        return {
            "topic": job.topic,
            "capability": job.capability,
            "risk_tags": list(job.risk_tags),
            "requires": list(job.requires),
            "pack_id": job.pack_id,
            "actor_id": job.actor_id,
            "actor_type": job.actor_type,
            "kind": job.kind,
            "tenant": job.tenant,
            "principal": job.principal,
            "labels": job.labels,
            "input": lambda: self.input,
            "secrets_present": lambda: self.secrets_present,
            "mcp": self._of_call,
        }

    def _of_call(self) -> dict[str, str]:
        return self.mcp._asdict()

    def _of_run(self) -> dict[str, Any]:
        run = self.run
        known = {"id": run.id, "workflow": run.workflow, "labels": run.labels}
        return known | {"input": lambda: _decoded(run.input)}


def run_facts(started: RunStarted, meta: Meta) -> RunFacts:
    """What is kept of a run from its beginning."""
    return RunFacts(
        id=meta.run_id,
        workflow=started.workflow,
        labels=started.labels,
        input=started.input,
        tenant=meta.tenant,
        principal=meta.principal,
    )


def facts_of_run(started: RunStarted, meta: Meta) -> Facts:
    """Of a run that wants to begin."""
    return Facts(run_facts(started, meta), None)


def facts_of_job(job: Job, run: RunFacts) -> Facts:
    """Of one attempt."""
    return Facts(run, job)


class _Lazy(dict[str, Any]):
    """A map some of whose values are made when they are first read."""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if callable(value):
            value = self[key] = value()
        return value

    def get(self, key: str, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default


def _subject(run: RunFacts, job: Job | None) -> Subject:
    if job is None:
        return Subject(tenant=run.tenant)
    return Subject(
        job.topic,
        job.tenant,
        job.capability,
        job.risk_tags,
        job.requires,
        job.pack_id,
        job.actor_id,
        job.actor_type,
    )


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise ExpressionFailed("Expected an input that is JSON, but it cannot be read.") from None


def _name(value: object) -> str:
    text = value if isinstance(value, str) else ""
    if len(text) > MAX_NAME:
        raise ExpressionFailed(f"Expected a call whose names have at most {MAX_NAME} signs, but one has {len(text)}.")
    return text
