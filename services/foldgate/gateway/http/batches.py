"""Many runs by one request: each is asked for and answered as if it had been asked for alone, in the order of the list.

Nothing holds them together. Where one is refused the others start all the same, and who is cut off sends the same batch
with the same keys again: what was started is met, and the rest is started. A key for the batch is one for each of its
runs, by its place. Runs of one key are asked for one after the other, so the first of them in the list comes first.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.eventlog.log import Submitted
from foldgate.gateway.http import asking, bodies
from foldgate.gateway.http.asking import KeyText, StartAnswer, Text
from foldgate.gateway.http.guarding import Guard
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.paging import Given
from foldgate.gateway.http.places import place_of
from foldgate.gateway.http.problems import ProblemDocument, answer, problem_of
from foldgate.gateway.http.reflecting import AFTER
from foldgate.gateway.http.starts import StartBody, Starts

MOST = 100
_AT_ONCE = 32
_KEY = Parameter("Idempotency-Key", "header", "A key for each run that has none of its own.", asking.KEY.pattern)


class BatchedRun(StartBody):
    """One run of a batch."""

    model_config = ConfigDict(extra="forbid", strict=True, title="BatchedRun")

    workflow: Text = Field(title="Workflow", description="The id of a workflow.")
    input: Any = Field(default_factory=dict, title="Input", description="Any JSON.")
    idempotency_key: KeyText = Field(
        default="", title="Idempotency key", description="The same key means the same run of that workflow."
    )


class BatchBody(BaseModel):
    """Runs to be started."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Batch")

    runs: list[BatchedRun] = Field(title="Runs", min_length=1, max_length=MOST)


class BatchItem(BaseModel):
    """What became of one of them: what `POST .../runs` would have answered."""

    model_config = ConfigDict(title="BatchItem")

    status: int = Field(title="Status", description="201, 200 or 202 with a `run`; else that of the `problem`.")
    run: StartAnswer | None = Field(title="Run", description="null if there is a problem.")
    problem: ProblemDocument | None = Field(title="Problem", description="null if there is a run.")


class BatchAnswer(BaseModel):
    """What became of all of them."""

    model_config = ConfigDict(title="BatchAnswer")

    items: list[BatchItem] = Field(title="Items", description="As many as were asked for, in their order.")
    problems: int = Field(title="Problems", description="How many of them are problems.")


class Batches:
    """Starts many runs at once. Each counts as a request of its caller's key."""

    def __init__(self, starts: Starts, guard: Guard) -> None:
        self._starts, self._guard = starts, guard

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        start = Operation(
            method="POST",
            path=f"{prefix}/workflow-runs:batch",
            endpoint=self.start,
            summary=f"Start up to {MOST} runs; each is answered by its own verdict",
            area="runs",
            role="operator",
            body=BatchBody,
            parameters=(_KEY, asking.FROM, AFTER),
            answers={200: Said(BatchAnswer, "What became of each, in their order.")},
            problems=("invalid_parameter",),
        )
        return (start,)

    async def start(self, request: Request) -> Response:
        """Ask for all of them, and answer with what became of each."""
        key = asking.key_of(request)
        named = Given(request, ("after",)).one("after")
        after = None if named is None else place_of(named, field="after")
        runs = (await bodies.read(request, BatchBody)).runs
        keys = [one.idempotency_key or (key and f"{key}:{place}") for place, one in enumerate(runs)]
        items: list[Any] = [None] * len(runs)
        free = asyncio.Semaphore(_AT_ONCE)

        async def work(places: Iterable[int]) -> None:
            async with free:
                for place in places:
                    said = await self._said(request, runs[place], key=keys[place], is_first=place == 0, after=after)
                    of = "run" if said.status_code < 300 else "problem"
                    items[place] = {
                        "status": said.status_code,
                        "run": None,
                        "problem": None,
                        of: msgspec.Raw(said.body),
                    }

        async with asyncio.TaskGroup() as group:
            for places in _alike(runs, keys):
                group.create_task(work(places))
        document = {"items": items, "problems": sum(item["run"] is None for item in items)}
        return Response(msgspec.json.encode(document), media_type="application/json")

    async def _said(
        self, request: Request, wanted: BatchedRun, *, key: str, is_first: bool, after: Submitted | None
    ) -> Response:
        """The answer to one of them, whatever it is."""
        try:
            if not is_first:  # which is counted already: as the request
                self._guard.count(request)
            _, said = await self._starts.started(request, wanted.workflow, wanted, key=key, after=after)
        except Exception as error:
            if (problem := problem_of(error)) is None:
                raise
            return answer(problem)
        return said


def _alike(runs: Sequence[BatchedRun], keys: Sequence[str]) -> Iterable[list[int]]:
    """The places of runs that are to be asked for one after the other: those that are meant to be the same one."""
    found: dict[tuple[str, str | int], list[int]] = {}
    for place, (run, key) in enumerate(zip(runs, keys, strict=True)):
        found.setdefault((run.workflow, key or place), []).append(place)
    return found.values()
