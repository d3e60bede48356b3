"""Policy, tried: what would be decided on a job or a run that is made up, and what every rule says to it.

What holds may be asked by anybody for his own tenant. Rules themselves are told to those who are let in for all
tenants, and so is what drafts would say. Nothing is written, and nobody is asked.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.authority.bundle import CaseJob, CaseRun
from foldgate.authority.bundles import compiled
from foldgate.authority.cases import made_up, run_tests
from foldgate.authority.deciding import Outcome, decide
from foldgate.authority.explaining import explain
from foldgate.authority.policy_history import as_version
from foldgate.authority.snapshot import Snapshot
from foldgate.contracts.events import PolicyVersion
from foldgate.gateway.http import bodies
from foldgate.gateway.http.asking import Text
from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.operations import Operation, Said
from foldgate.gateway.http.policies import BUNDLE, bundle_in, drafts_of
from foldgate.gateway.http.policy_book import PolicyBook, check_everywhere
from foldgate.gateway.http.problems import Problem


class TrialBody(BaseModel):
    """A job that is made up, or without one a run that wants to begin, as tests of a bundle have them."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Trial")

    job: CaseJob | None = Field(default=None, title="Job", description="What is not said of it is empty.")
    run: CaseRun | None = Field(default=None, title="Run", description="Its run; without a job: may it begin?")


class SimulationBody(TrialBody):
    """The same, and which drafts are to be as if they held."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Simulation")

    bundles: list[Text] = Field(
        default_factory=list, max_length=1000, title="Bundles", description="All that wait, if none is named."
    )


class OutcomeAnswer(BaseModel):
    """What would be decided."""

    model_config = ConfigDict(title="PolicyOutcome")

    decision: str = Field(title="Decision")
    snapshot: str = Field(title="Snapshot", description="What it is decided under.")
    rule: str = Field(title="Rule", description="The bundle and its rule; what decides by itself, where no rule does.")
    reason: str = Field(title="Reason")
    constraints: dict[str, Any] | None = Field(title="Constraints", description="What must hold while it is done.")
    terms: dict[str, Any] | None = Field(title="Terms", description="Whose approval is needed.")
    throttle_ms: int = Field(title="Throttle", description="How long it waits before it is decided on again.")
    throttle_times: int = Field(title="Throttled", description="How often, at most.")
    remediations: list[dict[str, Any]] | None = Field(title="Remediations", description="What could be done instead.")
    trace: list[str] = Field(title="Trace", description="A line for each bundle.")


class RuleSaid(BaseModel):
    """What one rule says."""

    model_config = ConfigDict(title="PolicyRuleSaid")

    rule: str = Field(title="Rule")
    decision: str = Field(title="Decision", description="What it decides where it matches.")
    failed: str = Field(title="Failed", description="The first thing that it asks and that does not hold.")
    wanted: str = Field(title="Wanted", description="What it asks there, as JSON.")
    seen: str = Field(title="Seen", description="What was there, as JSON.")
    problem: str = Field(title="Problem", description="Why it cannot be evaluated.")
    decides: bool = Field(title="Decides")


class BundleSaid(BaseModel):
    """What one bundle says by itself."""

    model_config = ConfigDict(title="PolicyBundleSaid")

    bundle: str = Field(title="Bundle")
    decision: str = Field(title="Decision")
    by: str = Field(title="By", description="The rule, or what decides where none matches.")
    rules: list[RuleSaid] = Field(title="Rules")


class ExplainedAnswer(OutcomeAnswer):
    """What would be decided, and what every rule says."""

    model_config = ConfigDict(title="PolicyExplained")

    bundles: list[BundleSaid] = Field(title="Bundles")


class CaseItem(BaseModel):
    """What came of one test."""

    model_config = ConfigDict(title="PolicyTest")

    test: str = Field(title="Test")
    passed: bool = Field(title="Passed")
    problem: str = Field(title="Problem", description="What was expected, and what came; empty if it passed.")
    decision: str = Field(title="Decision")
    rule: str = Field(title="Rule")


class CasesAnswer(BaseModel):
    """The tests of a bundle."""

    model_config = ConfigDict(title="PolicyTests")

    bundle: str = Field(title="Bundle")
    revision: int = Field(title="Revision", description="The draft that was tried: the last.")
    passed: int = Field(title="Passed", description="How many did.")
    items: list[CaseItem] = Field(title="Items")


_PROBLEMS = ("not_yet", "database_unavailable")


class PolicyTrials:
    """Tries policy."""

    def __init__(self, book: PolicyBook) -> None:
        self._book = book

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        at, one = f"{prefix}/policy", f"{prefix}/policy/bundles/{{bundle}}"
        decided, explained = {200: Said(OutcomeAnswer, "It.")}, {200: Said(ExplainedAnswer, "It, rule by rule.")}
        return (
            Operation(
                method="POST", path=f"{at}/evaluate", endpoint=self.evaluate, summary="What would be decided",
                area="policy", role="viewer", body=TrialBody, answers=decided, problems=_PROBLEMS,
            ),
            Operation(
                method="POST", path=f"{at}/explain", endpoint=self.explain, area="policy",
                summary="What would be decided, and what every rule says", role="viewer", body=TrialBody,
                answers=explained, problems=_PROBLEMS,
            ),
            Operation(
                method="POST", path=f"{at}/simulate", endpoint=self.simulate, area="policy",
                summary="What would be decided if drafts held", role="viewer", body=SimulationBody, answers=explained,
                problems=("unknown_bundle", *_PROBLEMS),
            ),
            Operation(
                method="POST", path=f"{one}/simulate", endpoint=self.simulate_one, area="policy",
                summary="What would be decided if the last draft of a bundle held", role="viewer", body=TrialBody,
                parameters=(BUNDLE,), answers=explained, problems=("unknown_bundle", *_PROBLEMS),
            ),
            Operation(
                method="POST", path=f"{one}/test", endpoint=self.test, summary="Run the tests of a bundle's last draft",
                area="policy", role="viewer", parameters=(BUNDLE,), answers={200: Said(CasesAnswer, "All of them.")},
                problems=("unknown_bundle", *_PROBLEMS),
            ),
        )  # fmt: skip

    async def evaluate(self, request: Request) -> Response:
        """What holds, asked for the caller's tenant."""
        body = await bodies.read(request, TrialBody)
        caller = caller_of(request)
        if not caller.everywhere:
            body = _of_tenant(body, caller.tenant)
        snapshot = await self._snapshot(())
        return _json(await asyncio.to_thread(_decided, snapshot, body))

    async def explain(self, request: Request) -> Response:
        """What holds, rule by rule."""
        check_everywhere(request)
        body = await bodies.read(request, TrialBody)
        return _json(await asyncio.to_thread(_explained, await self._snapshot(()), body))

    async def simulate(self, request: Request) -> Response:
        """What would hold with these drafts."""
        check_everywhere(request)
        body = await bodies.read(request, SimulationBody)
        known = await self._book.latest()
        drafts = drafts_of(known, body.bundles)
        return _json(await asyncio.to_thread(_explained, await self._snapshot(map(as_version, drafts)), body))

    async def simulate_one(self, request: Request) -> Response:
        """What would hold with the last draft of one bundle."""
        check_everywhere(request)
        body, known = await bodies.read(request, TrialBody), await self._book.latest()
        draft = known.drafts[bundle_in(request, known)][-1].event
        return _json(await asyncio.to_thread(_explained, await self._snapshot([as_version(draft)]), body))

    async def test(self, request: Request) -> Response:
        """The tests that a bundle carries, under that bundle alone."""
        check_everywhere(request)
        known = await self._book.latest()
        draft = known.drafts[bundle_in(request, known)][-1].event
        found = await asyncio.to_thread(lambda: run_tests(compiled(draft.definition)))
        items = [
            {
                "test": one.name,
                "passed": not one.problem,
                "problem": one.problem,
                "decision": one.outcome.decision,
                "rule": one.outcome.rule,
            }
            for one in found
        ]
        passed = sum(not one.problem for one in found)
        return _json({"bundle": draft.bundle, "revision": draft.revision, "passed": passed, "items": items})

    async def _snapshot(self, given: Iterable[PolicyVersion]) -> Snapshot:
        known = await self._book.latest()
        return await asyncio.to_thread(known.with_, given, default_decision=self._book.default_decision)


def _of_tenant(body: TrialBody, tenant: str) -> TrialBody:
    """The same, of this tenant; a problem if it is of another."""
    made: dict[str, Any] = {}
    for name in ("job", "run"):
        what: CaseJob | CaseRun | None = getattr(body, name)
        if what is not None:
            if "tenant" in what.model_fields_set and what.tenant != tenant:
                said = f"Expected a {name} of tenant '{tenant}', but got one of '{what.tenant[:100]}'."
                raise Problem("foreign_tenant", said, field=f"{name}.tenant")
            made[name] = what.model_copy(update={"tenant": tenant})
    return body.model_copy(update=made)


def _decided(snapshot: Snapshot, body: TrialBody) -> dict[str, Any]:
    facts, phase = made_up(body.job, _run_of(body))
    return _outcome(decide(snapshot, facts, phase=phase))


def _explained(snapshot: Snapshot, body: TrialBody) -> dict[str, Any]:
    facts, phase = made_up(body.job, _run_of(body))
    found = explain(snapshot, facts, phase=phase)
    return {**_outcome(found.outcome), "bundles": msgspec.to_builtins(found.bundles)}


def _run_of(body: TrialBody) -> CaseRun | None:
    return CaseRun() if body.job is None and body.run is None else body.run


def _outcome(outcome: Outcome) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.to_builtins(outcome)
    for name in ("constraints", "remediations"):
        said[name] = msgspec.json.decode(said[name]) if said[name] else None
    return said


def _json(document: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")
