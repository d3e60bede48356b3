"""The engine as a service: owns `runs`."""

from foldgate.contracts.events import JobDenied, JobFailed, JobLost, JobSucceeded, RunRequested
from foldgate.contracts.topics import DECISIONS, INTAKE, JOBS, REPORTS, RUNS
from foldgate.engine.runs.decide import runs
from foldgate.language.definitions import Definitions
from foldgate.runtime.run import run
from foldgate.runtime.service import Aggregate, Follow, Service

SERVICE = Service(
    name="engine",
    aggregates=(
        Aggregate(
            stream=RUNS,
            decider=lambda settings: runs(
                Definitions(),
                max_lost=settings.max_lost,
                cancel_grace_ms=30_000,
                wait_noted_after_ms=60_000,
                max_events=50_000,
            ),
            follows=(
                Follow(stream=INTAKE, events=(RunRequested,), guard=True),
                Follow(stream=DECISIONS, events=(JobDenied,)),
                Follow(stream=REPORTS, events=(JobSucceeded, JobFailed), guard=True),
                Follow(stream=JOBS, events=(JobLost,)),
            ),
        ),
    ),
)

if __name__ == "__main__":
    run(SERVICE)
