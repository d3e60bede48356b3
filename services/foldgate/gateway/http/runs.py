"""Runs, as the read model shows them: only a caller's own tenant's; another's is not there.

A read may wait for what it is to reflect, for a bounded time: `?after=` takes the position from the answer to a write.
After a record of `runs` it waits until the read model reflects it; after a request, which lies on `intake`, until the
run it asked for is there.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.contracts.endings import RUN_ENDS
from foldgate.contracts.topics import RUNS
from foldgate.eventlog.log import Submitted
from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.paging import Given
from foldgate.gateway.http.places import place_of, text_of
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.querying import Row, row_of
from foldgate.gateway.http.reflecting import AFTER
from foldgate.gateway.http.step_views import MOST_STEPS, StepItem, steps_of
from foldgate.gateway.http.waking import Waking
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projector import Projector

T = TypeVar("T")
OVER = frozenset({*RUN_ENDS.values(), "refused"})
"""The statuses in which nothing more happens."""
CAUGHT_UP_WITHIN_S = 2.0
_LOOK_AGAIN_S = 0.05
MOST_WAIT_S = 60
_WAIT = re.compile("([1-5]?[0-9]|60)s|([1-5]?[0-9]{1,4}|60000)ms")
WAIT = Parameter(
    "wait",
    "query",
    f"Wait for the run's end: 30s, 500ms; at most {MOST_WAIT_S} s. Says what it saw.",
    f"^({_WAIT.pattern})$",
)
_ID = re.compile(r"[!-~]{1,100}")
_KNOWN = "SELECT status, request_hash, error_code, error FROM runs WHERE run_id = $1"
_STATUS_OF = "SELECT status FROM runs WHERE run_id = $1 AND tenant = $2"
_ROW = """
SELECT run_id, workflow, version, digest, kind, topic, status, principal, labels::text, input, output, error_code,
    error, error_step, compensation, started_at, ended_at
FROM runs WHERE run_id = $1 AND tenant = $2
"""


_STATUS = "running, waiting (for a slot), paused, succeeded, failed, denied, timed_out, cancelled or refused."


class Known(NamedTuple):
    """As much of a run as tells a repeat from a conflict."""

    status: str
    request_hash: bytes
    error_code: str | None
    error: str | None


class RunError(BaseModel):
    """Why a run did not succeed."""

    code: str = Field(title="Code", description="Stable.")
    message: str = Field(title="Message", description="A sentence.")
    step: str | None = Field(title="Step", description="The step that decided it.")


class RunAnswer(BaseModel):
    """One run."""

    model_config = ConfigDict(title="Run")

    run_id: str = Field(title="Run")
    workflow: str = Field(title="Workflow", description="'job' for a run of one step.")
    version: str = Field(title="Version", description="The version it is pinned to.")
    digest: str = Field(title="Digest", description="The digest of that; empty for a run of one step.")
    kind: str = Field(title="Kind", description="Of a run of one step: its step type.")
    topic: str = Field(title="Topic", description="Of a run of one step: its topic.")
    status: str = Field(title="Status", description=_STATUS)
    principal: str = Field(title="Principal", description="Who asked for it.")
    labels: dict[str, str] = Field(title="Labels")
    input: Any = Field(title="Input")
    output: Any = Field(title="Output", description="null until it has succeeded.")
    error: RunError | None = Field(title="Error")
    compensation: str = Field(title="Compensation", description="none, done or partial.")
    started_at: AwareDatetime = Field(title="Started at")
    ended_at: AwareDatetime | None = Field(title="Ended at")
    steps: list[StepItem] = Field(title="Steps", description=f"As they came; at most {MOST_STEPS}.")
    more_steps: bool = Field(title="More steps", description="Whether there are more than these.")


class Runs:
    """Answers from the read model of runs."""

    def __init__(self, models: ReadModels, projector: Projector) -> None:
        self._models, self._projector = models, projector
        self.waking = Waking()
        projector.tell(self.waking.told)

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        show = Operation(
            method="GET",
            path=f"{prefix}/workflow-runs/{{run_id}}",
            endpoint=self.show,
            summary="Show a run",
            area="runs",
            role="viewer",
            parameters=(
                Parameter("run_id", "path", "The run."),
                AFTER,
                WAIT,
            ),
            answers={200: Said(RunAnswer, "The run.")},
            problems=("invalid_parameter", "not_found", "not_yet", "database_unavailable"),
        )
        return (show,)

    async def known(self, run_id: str, *, latest: bool = False) -> Known | None:
        """The run with that id, if it is there; the latest is what the log says now."""
        look = partial(row_of, self._models, _KNOWN, run_id)
        row = await (found(look, self._projector) if latest else look())
        return None if row is None else Known(*row)

    async def status_of(self, run_id: str, tenant: str) -> str:
        """The status of a run of this tenant, as of now; a problem if there is none."""
        if _ID.fullmatch(run_id) is None:
            raise no_such_run(run_id, tenant)
        row = await found(lambda: row_of(self._models, _STATUS_OF, run_id, tenant), self._projector)
        if row is None:
            raise no_such_run(run_id, tenant)
        return str(row["status"])

    async def over(self, run_id: str, tenant: str, *, within_s: float) -> str | None:
        """Wait until this run has ended, no longer than that: its status then; None of one that is not seen yet."""
        with self.waking.subscribed("run_id", run_id) as woken, contextlib.suppress(TimeoutError):
            row = None
            async with asyncio.timeout(within_s):
                while not self.waking.is_over:
                    woken.clear()
                    row = await row_of(self._models, _STATUS_OF, run_id, tenant)
                    if row is not None and row["status"] in OVER:
                        break
                    await woken.wait()
        return None if row is None else str(row["status"])

    async def show(self, request: Request) -> Response:
        """One run of the caller's tenant."""
        run_id, tenant = request.path_params["run_id"], caller_of(request).tenant
        given = Given(request, ("after", "wait"))
        text, may_be_one, within_s = given.one("after"), _ID.fullmatch(run_id), wait_in(given.one("wait"))
        after = None if text is None else place_of(text, field="after")
        if may_be_one and after is not None:
            await self._reflects(after, run_id, tenant)
        if may_be_one and within_s:
            await self.status_of(run_id, tenant)
            await self.over(run_id, tenant, within_s=within_s)
        row = await row_of(self._models, _ROW, run_id, tenant) if may_be_one else None
        if row is None:
            raise no_such_run(run_id, tenant)
        steps = await steps_of(self._models, run_id)  # after the run: of one that has ended, all have
        document = {**_document(row), "steps": steps[:MOST_STEPS], "more_steps": len(steps) > MOST_STEPS}
        return Response(msgspec.json.encode(document), media_type="application/json")

    async def _reflects(self, after: Submitted, run_id: str, tenant: str) -> None:
        try:
            async with asyncio.timeout(CAUGHT_UP_WITHIN_S):
                if after.partition.stream == RUNS.name:
                    await self._projector.reached(after.partition, after.offset)
                else:
                    while await row_of(self._models, _ROW, run_id, tenant) is None:
                        await asyncio.sleep(_LOOK_AGAIN_S)
        except TimeoutError:
            what = (
                f"Expected the read model to reflect {text_of(after)} within {CAUGHT_UP_WITHIN_S:g} s, but it does not"
            )
            raise Problem("not_yet", f"{what} yet: ask again.", field="after") from None


def wait_in(text: str | None) -> float:
    """How many seconds are to be waited for the end of a run."""
    if text is None:
        return 0.0
    match = _WAIT.fullmatch(text)
    if match is None:
        what = f"Expected a `wait` of at most {MOST_WAIT_S} s, such as 30s or 500ms, but got '{text[:20]}'."
        raise Problem("invalid_parameter", what, field="wait")
    return int(match[1]) if match[1] else int(match[2]) / 1000


async def caught_up(projector: Projector) -> None:
    """Wait until the read model reflects what was on the log when this was asked."""
    try:
        async with asyncio.timeout(CAUGHT_UP_WITHIN_S):
            await projector.caught_up()
    except TimeoutError:
        what = f"Expected the read model to catch up with the log within {CAUGHT_UP_WITHIN_S:g} s, but it has not"
        raise Problem("not_yet", f"{what} yet: ask again.") from None


async def found(look: Callable[[], Awaitable[T]], projector: Projector) -> T:
    """What there is; where nothing is, what there is once the read model has caught up: it may just have come."""
    if not (there := await look()):
        await caught_up(projector)
        there = await look()
    return there


def no_such_run(run_id: str, tenant: str) -> Problem:
    """Whatever of it there is for others."""
    what = f"Expected a run of tenant '{tenant}', but there is no '{run_id[:100]}'."
    return Problem("not_found", what, field="run_id")


def _document(row: Row) -> dict[str, Any]:
    document = dict(row)
    code, error, step = (document.pop(name) for name in ("error_code", "error", "error_step"))
    for name in ("labels", "input", "output"):
        document[name] = None if document[name] is None else msgspec.Raw(document[name].encode())
    return {**document, "error": None if code is None else {"code": code, "message": error, "step": step}}
