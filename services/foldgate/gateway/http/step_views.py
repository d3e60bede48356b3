"""The steps of a run, as the read model shows them."""

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from foldgate.gateway.http.querying import Row, rows_of
from foldgate.gateway.projections.step_rows import STATUSES
from foldgate.readmodel.postgres import ReadModels

MOST_STEPS = 1000
_STEPS = """
SELECT step, kind, parent, status, attempts, job_id, child_run, approval_id, code, message, started_at, ended_at,
    output_event, output_bytes
FROM steps WHERE run_id = $1 ORDER BY place, step LIMIT $2
"""


class StepError(BaseModel):
    """Why a step, or its last attempt, did not succeed."""

    code: str | None = Field(title="Code", description="Stable; of a step that was denied, the rule.")
    message: str | None = Field(title="Message")


class OutputReference(BaseModel):
    """Where the output of a step is."""

    event: str = Field(title="Event", description="The one that has it: see the timeline.")
    bytes: int = Field(title="Bytes")


class StepItem(BaseModel):
    """One step of a run; of repeated steps one instance."""

    model_config = ConfigDict(title="Step")

    step: str = Field(title="Step", description="Of a repeated step with its index, such as scan[2].")
    type: str | None = Field(title="Type", description="null where it was over at once, or was taken over.")
    parent: str | None = Field(title="Parent", description="The group, loop or for_each that it is a part of.")
    status: str = Field(title="Status", description=f"{', '.join(STATUSES[:-1])} or {STATUSES[-1]}.")
    attempts: int = Field(title="Attempts", description="Of its job.")
    job_id: str | None = Field(title="Job", description="The last attempt.")
    child_run: str | None = Field(title="Child run")
    approval_id: str | None = Field(title="Approval")
    error: StepError | None = Field(title="Error")
    output: OutputReference | None = Field(title="Output")
    started_at: AwareDatetime = Field(title="Started at")
    ended_at: AwareDatetime | None = Field(title="Ended at")


async def steps_of(models: ReadModels, run_id: str) -> list[dict[str, Any]]:
    """The steps of a run, in the order in which they were first named; one more than are shown if there are more."""
    return [_step(row) for row in await rows_of(models, _STEPS, run_id, MOST_STEPS + 1)]


def _step(row: Row) -> dict[str, Any]:
    item = dict(row)
    code, message, event, size = (item.pop(name) for name in ("code", "message", "output_event", "output_bytes"))
    output = None if event is None else {"event": event, "bytes": size}
    return {**item, "type": item.pop("kind"), "error": error_of(code, message), "output": output}


def error_of(code: str | None, message: str | None) -> dict[str, Any] | None:
    """Why, if there is anything to say."""
    return None if code is None and message is None else {"code": code, "message": message}
