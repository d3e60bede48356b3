"""What is shown of the read models beyond one run and one workflow: timelines and lists, an area each."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from foldgate.gateway.http.graphs import Graphs
from foldgate.gateway.http.operations import Operation
from foldgate.gateway.http.run_lists import RunLists
from foldgate.gateway.http.runs import Runs
from foldgate.gateway.http.timelines import Timelines
from foldgate.gateway.http.worker_lists import WorkerLists
from foldgate.gateway.projections.runs import PROJECTION as RUNS
from foldgate.gateway.projections.timeline import PROJECTION as TIMELINE
from foldgate.gateway.projections.workers import PROJECTION as WORKERS
from foldgate.gateway.projections.workflows import PROJECTION as WORKFLOWS
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projector import Projector


class Area(Protocol):
    """A part of the interface."""

    def operations(self, prefix: str) -> tuple[Operation, ...]: ...


def shown(models: ReadModels, runs: Runs, projectors: Mapping[str, Projector]) -> Iterator[Area]:
    """The areas."""
    yield RunLists(models, projectors[RUNS.name])
    yield Timelines(models, runs, projectors[TIMELINE.name])
    yield WorkerLists(models, projectors[WORKERS.name])
    yield Graphs(models, runs=projectors[RUNS.name], workflows=projectors[WORKFLOWS.name])
