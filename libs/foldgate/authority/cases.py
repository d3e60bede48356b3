"""The tests that a bundle carries: what it is to decide on a job, or on a run, that is made up."""

import msgspec

from foldgate.authority.bundle import CaseJob, CaseRun, CaseTerms
from foldgate.authority.deciding import Outcome, decide
from foldgate.authority.facts import Facts, RunFacts, facts_of_job
from foldgate.authority.planning import Phase
from foldgate.authority.rules import Bundle
from foldgate.authority.snapshot import Snapshot, name_of
from foldgate.contracts import ids
from foldgate.contracts.events import Job

_RUN = ids.run_id("default", "job", "test")


class CaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one test; `problem` is empty if it is what was expected."""

    name: str
    outcome: Outcome
    problem: str = ""


def run_tests(bundle: Bundle) -> tuple[CaseResult, ...]:
    """The tests of a bundle, under that bundle alone."""
    snapshot = Snapshot(name=name_of([(bundle.id, bundle.digest)]), bundles=(bundle,))
    return tuple(_result(case, bundle, snapshot) for case in bundle.cases)


def made_up(job: CaseJob | None, run: CaseRun | None) -> tuple[Facts, Phase]:
    """The facts of a job that is made up, or without one of a run, and the phase in which they are decided on."""
    of_run = _run(run or _run_around(job or CaseJob()))
    if job is None:
        return Facts(of_run, None), "submit"
    return facts_of_job(_job(job, of_run), of_run), "dispatch"


def _result(case: CaseTerms, bundle: Bundle, snapshot: Snapshot) -> CaseResult:
    facts, phase = made_up(case.job, case.run)
    outcome = decide(snapshot, facts, phase=phase)
    return CaseResult(name=case.name, outcome=outcome, problem=_problem(case, bundle, outcome))


def _problem(case: CaseTerms, bundle: Bundle, outcome: Outcome) -> str:
    wanted, rule = case.expect, outcome.rule.removeprefix(f"{bundle.id}#")
    if wanted.decision == outcome.decision and wanted.rule in {None, rule}:
        return ""
    named = "" if wanted.rule is None else f" by {wanted.rule}"
    return f"Expected {wanted.decision}{named}, but got {outcome.decision} by {rule}: {outcome.reason}"


def _run_around(job: CaseJob) -> CaseRun:
    """What a job says nothing else of was given to its run."""
    return CaseRun(labels=job.labels, input=job.input, tenant=job.tenant, principal=job.principal)


def _run(run: CaseRun) -> RunFacts:
    return RunFacts(
        id=_RUN,
        workflow=run.workflow,
        labels=run.labels,
        input=_json(run.input),
        tenant=run.tenant,
        principal=run.principal,
    )


def _job(job: CaseJob, run: RunFacts) -> Job:
    mcp = {} if job.mcp is None else {f"mcp.{kind}": name for kind, name in job.mcp.model_dump().items() if name}
    return Job(
        job_id=ids.job_id(run.id, "step", 1),
        step="step",
        attempt=1,
        kind=job.kind,
        topic=job.topic,
        input=_json(job.input),
        labels={**job.labels, **mcp},
        tenant=job.tenant,
        principal=job.principal,
        workflow=run.workflow,
        capability=job.capability,
        risk_tags=tuple(job.risk_tags),
        requires=tuple(job.requires),
        pack_id=job.pack_id,
        actor_id=job.actor_id,
        actor_type=job.actor_type,
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
