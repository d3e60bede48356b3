"""What would become of a run, before it is asked for: its steps, what policy says of each now, and where it would go.

What a step is given may come of steps before it. Where policy asks for that, its word is not known yet, and is said to
be unknown; everything else is what would be decided if the run began now.
"""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import msgspec

from foldgate.authority.deciding import Outcome, decide
from foldgate.authority.facts import Facts, Mcp, RunFacts
from foldgate.authority.job_making import job_of
from foldgate.authority.pools import Pools
from foldgate.authority.snapshot import Snapshot
from foldgate.contracts import ids
from foldgate.contracts.events import Job
from foldgate.expr.faults import ExpressionFailed
from foldgate.expr.template import Template
from foldgate.language.definition import Definition, JobSpec, StepDef
from foldgate.language.plan import PlannedStep, plan

UNKNOWN = "unknown"
_KNOWN = frozenset(("input", "run", "now"))
_LATER = "It depends on what the step is given, which comes of steps before it."


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A run that nobody has asked for."""

    run_id: str
    workflow: str
    digest: str
    labels: dict[str, str]
    tenant: str
    principal: str
    input: str

    @classmethod
    def of(
        cls, definition: Definition, *, tenant: str, principal: str, labels: dict[str, str], given: str, key: str
    ) -> "Planned":
        """A run of that workflow with this input, JSON; one that is asked for under that key has the same id."""
        return cls(
            run_id=ids.run_id(tenant, definition.workflow, key or "plan"),
            workflow=definition.workflow,
            digest=definition.digest,
            labels={**definition.labels, **labels},
            tenant=tenant,
            principal=principal,
            input=given,
        )

    @property
    def facts(self) -> RunFacts:
        """What rules may know of it."""
        return RunFacts(
            id=self.run_id,
            workflow=self.workflow,
            labels=self.labels,
            input=self.input,
            tenant=self.tenant,
            principal=self.principal,
        )


class Foreseen(PlannedStep, frozen=True, kw_only=True):
    """One step. Only jobs are decided on: others have no decision, and go nowhere. `pool` is where it would go; without
    one nobody would do it, and `pool_reason` says why. `approval` are the terms on which people would be asked."""

    decision: str = ""
    rule: str = ""
    reason: str = ""
    approval: str = ""
    pool_reason: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the run may begin, and its steps in an order in which they can run."""

    policy_snapshot: str
    decision: str
    rule: str
    reason: str
    steps: tuple[Foreseen, ...]


class Foresight(NamedTuple):
    """What holds now: policy, and which pools there are."""

    snapshot: Snapshot
    pools: Pools
    at: int

    def plan(self, definition: Definition, run: Planned, *, done: Collection[str] = ()) -> Plan:
        """What would become of this run if it began now. Of `done` the outputs are taken over from another run."""
        said = decide(self.snapshot, Facts(run.facts, None), phase="submit")
        return Plan(
            policy_snapshot=said.snapshot,
            decision=said.decision,
            rule=said.rule,
            reason=said.reason,
            steps=tuple(self._step(definition, one, run) for one in plan(definition, done=done)),
        )

    def _step(self, definition: Definition, planned: PlannedStep, run: Planned) -> Foreseen:
        step, about = definition.steps[planned.id], msgspec.structs.asdict(planned)
        if not isinstance(step.spec, JobSpec):
            return Foreseen(**about)
        given = _given(step, definition, run, at=self.at)
        job = job_of(run, step, given or "null", name=step.id, attempt=1, patience_ms=step.queue_timeout_ms)
        said = _decided(self.snapshot, Facts(run.facts, job) if given is not None else _Blind(run.facts, job))
        choice = self.pools.choose(job)
        about |= {"pool": choice.pool, "pool_reason": choice.reason}
        terms = "" if said.terms is None else said.terms.text()
        return Foreseen(**about, decision=said.decision, rule=said.rule, reason=said.reason, approval=terms)


def _decided(snapshot: Snapshot, facts: Facts) -> Outcome:
    said = decide(snapshot, facts, phase="dispatch")
    if isinstance(facts, _Blind) and facts.was_asked:
        return Outcome(decision=UNKNOWN, snapshot=snapshot.name, rule="", reason=_LATER)
    return said


def _given(step: StepDef, definition: Definition, run: Planned, *, at: int) -> str | None:
    """What it would be given, as JSON; None where that is not known yet."""
    if step.input is None:
        is_item = step.for_each is not None or (step.parent and definition.steps[step.parent].for_each is not None)
        return None if is_item else run.input
    return _evaluated(step.input, run, at) if step.input.roots <= _KNOWN else None


def _evaluated(template: Template, run: Planned, at: int) -> str | None:
    about = {"id": run.run_id, "workflow": run.workflow, "tenant": run.tenant, "attempt_of": ""}
    makers: dict[str, Callable[[], Any]] = {
        "input": lambda: msgspec.json.decode(run.input),
        "run": lambda: about,
        "now": lambda: at,
    }
    try:
        value = template.evaluate({name: makers[name]() for name in template.roots})
    except ExpressionFailed:
        return None
    return msgspec.json.encode(value, order="sorted").decode()


class _Blind(Facts):
    """Of a job whose input is not known: whether anybody has asked for it."""

    __slots__ = ("was_asked",)

    def __init__(self, run: RunFacts, job: Job) -> None:
        super().__init__(run, job)
        self.was_asked = False

    @property
    def input(self) -> Any:
        self.was_asked = True
        raise ExpressionFailed(_LATER)

    @property
    def mcp(self) -> Mcp:
        self.was_asked = True
        raise ExpressionFailed(_LATER)

    @property
    def secrets_present(self) -> bool:
        self.was_asked = True
        raise ExpressionFailed(_LATER)
