"""What is asked of a job: to end, or that something else is done instead, as policy has named it.

A job ends with its run: one of a single step is called back by this; the job of a workflow's step is not, because
what its run would do without it only the workflow can say. A remediation is a run of one step, with the topic and the
labels that policy put in place of the job's own. It is asked for under a key that derives from the job: asked for
twice, it is the same run.
"""

from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from foldgate.authority.request import canonical
from foldgate.gateway.http import asking, bodies
from foldgate.gateway.http.asking import Starting
from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.controls import ANSWERS, PROBLEMS, Controls, ReasonBody
from foldgate.gateway.http.job_lists import JOB, JobLists, name_of
from foldgate.gateway.http.operations import Operation
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.querying import Row
from foldgate.runtime.context import Context

REMEDIATES = "remediates"
"""The label of a remediation: instead of which job it is done."""
_SINGLE = "job"
_MOST_DECISIONS = 1000
_OVER = frozenset({"succeeded", "failed", "denied", "timed_out", "cancelled"})
_Id = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class RemediateBody(BaseModel):
    """Which one."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Remediate")

    remediation: _Id = Field(
        default="", title="Remediation", description="Its id; may be left out where there is only one."
    )


class JobControls:
    """Asks things of jobs."""

    def __init__(self, context: Context, jobs: JobLists, *, controls: Controls, starting: Starting) -> None:
        self._context, self._jobs, self._controls, self._starting = context, jobs, controls, starting

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        cancel = Operation(
            method="POST",
            path=f"{prefix}/jobs/{{job}}/cancel",
            endpoint=self.cancel,
            summary="End a job that is a run of one step",
            area="jobs",
            role="operator",
            body=ReasonBody,
            parameters=(JOB,),
            answers=ANSWERS,
            problems=(*PROBLEMS, "not_cancellable"),
        )
        remediate = Operation(
            method="POST",
            path=f"{prefix}/jobs/{{job}}/remediate",
            endpoint=self.remediate,
            summary="Do what policy has named instead of a job",
            area="jobs",
            role="operator",
            body=RemediateBody,
            parameters=(JOB,),
            answers=asking.ANSWERS,
            problems=(*asking.PROBLEMS, "not_found", "not_yet", "job_goes_on", "no_remediation"),
        )
        return cancel, remediate

    async def cancel(self, request: Request) -> Response:
        """Call the run back that the job is."""
        last = await self._last(request)
        if last["workflow"] != _SINGLE:
            what = f"Expected a run of one step, but {last['job_id']} is a part of a run of '{last['workflow']}'"
            raise Problem("not_cancellable", f"{what}: cancel {last['run_id']}.", field="job")
        return await self._controls.call_back(request, last["run_id"])

    async def remediate(self, request: Request) -> Response:
        """Ask for the run that is done instead."""
        body = await bodies.read_if_any(request, RemediateBody)
        last = await self._last(request)
        if last["status"] not in _OVER:
            what = f"Expected a job that has ended, but {last['job_id']} is {last['status']}"
            raise Problem("job_goes_on", f"{what}: cancel its run first.", field="job")
        chosen = _chosen(last["job_id"], body.remediation, await self._remediations(last))
        labels = msgspec.json.decode(last["labels"], type=dict[str, str])
        client = asking.client_of(request, self._context)
        prepared = client.job(
            chosen.get("replacement_topic") or last["topic"],
            msgspec.Raw(canonical(last["input"].encode()).encode()),
            idempotency_key=f"remediate:{last['run_id']}:{last['step']}:{chosen['id']}",
            kind=last["kind"],
            labels=labels | chosen.get("add_labels", {}) | {REMEDIATES: last["job_id"]},
        )
        return await self._starting.known(prepared) or await self._starting.asked(client, prepared)

    async def _last(self, request: Request) -> Row:
        return (await self._jobs.attempts(request.path_params["job"], caller_of(request).tenant))[0]

    async def _remediations(self, last: Row) -> list[dict[str, Any]]:
        """What the last decision has named that named something; else that on the whole run."""
        decided = await self._jobs.decided(name_of(last["job_id"]), behind=0, limit=_MOST_DECISIONS)
        named = [row["remediations"] for row in decided if row["remediations"] and row["phase"] != "shadow"]
        return list(msgspec.json.decode(named[-1])) if named else []


def _chosen(job: str, wanted: str, there: list[dict[str, Any]]) -> dict[str, Any]:
    names = [one["id"] for one in there]
    fitting = [one for one in there if wanted in ("", one["id"])]
    if len(fitting) == 1:
        return fitting[0]
    if not there:
        raise Problem("no_remediation", f"Expected a remediation, but policy has named none for {job}.", field="job")
    what = f"Expected `remediation` to be one of {', '.join(names)}, but got '{wanted[:60]}'."
    raise Problem("no_remediation", what, field="remediation")
