"""Reruns: a new run that takes over what was done upstream of a step in one that has ended.

What the old run did is read from the timeline, which has every event of it in full once it has caught up with the log.
Nothing is kept: whoever is cut off asks again with the same Idempotency-Key, and means the same new run.
"""

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.authority.foreseeing import Planned
from foldgate.contracts.events import ContextChanged, Event, RunRequested, RunStarted, StepSucceeded
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import WORKFLOWS
from foldgate.gateway.http import asking, bodies
from foldgate.gateway.http.asking import StartAnswer, Starting, Text
from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.graphs import Graphs
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.plans import PlanItem, Plans
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.querying import rows_of
from foldgate.gateway.http.runs import OVER, Runs, caught_up
from foldgate.language.definition import Definition
from foldgate.language.upstream import outermost
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projector import Projector
from foldgate.runtime.context import Context
from foldgate.sdk import requests
from foldgate.sdk.rerunning import a_rerun

_TOLD: dict[str, type[Event]] = {event.__name__: event for event in (RunStarted, StepSucceeded, ContextChanged)}
_DONE = """
SELECT type, body FROM timeline WHERE run_id = $1 AND run_id <> '' AND stream = 'runs' AND type = ANY($2::text[])
ORDER BY partition, "offset"
"""


class RerunBody(BaseModel):
    """From where a run is run again."""

    model_config = ConfigDict(extra="forbid", strict=True, title="RerunRequest")

    from_step: Text = Field(title="From step", description="It and what comes after it is done again.")
    dry_run: bool = Field(default=False, title="Dry run", description="Only say what would be done.")
    latest: bool = Field(default=False, title="Latest", description="By the latest version, not the one it had.")


class RerunAnswer(StartAnswer):
    """The new run, or the plan of it."""

    model_config = ConfigDict(title="Rerun")

    run_id: str | None = Field(title="Run", description="The new run; null of a plan.")  # type: ignore[assignment]
    request_id: str | None = Field(title="Request", description="null of a plan.")  # type: ignore[assignment]
    kept: list[str] = Field(default=[], title="Kept", description="Of a plan: whose outputs are taken over.")
    again: list[str] = Field(default=[], title="Again", description="Of a plan: what is done again.")
    plan: PlanItem | None = Field(default=None, title="Plan", description="What the new run would do.")


class Reruns:
    """Runs runs again."""

    def __init__(
        self,
        context: Context,
        models: ReadModels,
        *,
        starting: Starting,
        runs: Runs,
        graphs: Graphs,
        timeline: Projector,
        plans: Plans,
    ) -> None:
        self._context, self._models, self._plans = context, models, plans
        self._starting, self._runs, self._graphs, self._timeline = starting, runs, graphs, timeline

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        rerun = Operation(
            method="POST",
            path=f"{prefix}/workflow-runs/{{run_id}}/rerun",
            endpoint=self.rerun,
            summary="Run a run again from a step: a new run",
            area="runs",
            role="operator",
            body=RerunBody,
            parameters=(Parameter("run_id", "path", "A run that has ended."), asking.KEY),
            answers={code: Said(RerunAnswer, said.description) for code, said in asking.ANSWERS.items()},
            problems=(*asking.PROBLEMS, "not_found", "run_goes_on", "unknown_step", "workflow_retired", "not_yet"),
        )
        return (rerun,)

    async def rerun(self, request: Request) -> Response:
        """Ask for the new run, or say what it would do."""
        key, client = asking.key_of(request), asking.client_of(request, self._context)
        body = await bodies.read(request, RerunBody)
        run_id, tenant = request.path_params["run_id"], caller_of(request).tenant
        if (status := await self._runs.status_of(run_id, tenant)) not in OVER:
            raise Problem("run_goes_on", f"Expected a run that has ended, but {run_id} is {status}: cancel it first.")
        definition = await self._graphs.definition_of(run_id, tenant)
        if definition is None or body.from_step.partition("[")[0] not in definition.steps:
            known = ", ".join(definition.order[:20]) if definition else "none"
            what = f"Expected a step of {run_id}, but there is no '{body.from_step}': it has {known}."
            raise Problem("unknown_step", what, field="from_step")
        event = await self._again(run_id, definition, body, key=key)
        if body.dry_run:
            return await self._planned(request, definition, event)
        prepared = requests.a_run(tenant, event)
        return await self._starting.known(prepared) or await self._starting.asked(client, prepared)

    async def _planned(self, request: Request, definition: Definition, event: RunRequested) -> Response:
        """What the new run would do."""
        assert event.rerun is not None
        caller, outputs = caller_of(request), event.rerun.outputs
        run = Planned.of(
            definition,
            tenant=caller.tenant,
            principal=caller.principal,
            labels=event.labels,
            given=event.input,
            key=event.idempotency_key,
        )
        document = {
            "run_id": None,
            "request_id": None,
            "status": "planned",
            "position": None,
            "kept": [step for step in definition.order if step in outputs],
            "again": [step for step in definition.order if step not in outputs],
            "plan": await self._plans.plan(definition, run, done=outputs),
        }
        return Response(msgspec.json.encode(document), media_type="application/json")

    async def _again(self, run_id: str, definition: Definition, body: RerunBody, *, key: str) -> RunRequested:
        await caught_up(self._timeline)
        rows = await rows_of(self._models, _DONE, run_id, list(_TOLD))
        events = [msgspec.json.decode(row["body"], type=_TOLD[row["type"]]) for row in rows]
        last = max(number for number, event in enumerate(events) if isinstance(event, RunStarted))
        started = events[last]
        assert isinstance(started, RunStarted)
        return a_rerun(
            run_id,
            started,
            events[last:],
            definition=definition,
            step=outermost(definition, body.from_step.partition("[")[0]),
            latest=body.latest,
            key=key,
            workflows_offset=await self._context.log.end(Partition(WORKFLOWS.name, 0)),
        )
