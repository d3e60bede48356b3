"""What users import: workers and clients.

    from foldgate.sdk import Client, Fatal, Job, Retryable, Worker

The names are found when they are asked for: who needs a client alone does without what workers need.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foldgate.sdk.artifacts import Artifacts as Artifacts
    from foldgate.sdk.client import Client as Client
    from foldgate.sdk.errors import Cancelled as Cancelled
    from foldgate.sdk.errors import ConstraintBreach as ConstraintBreach
    from foldgate.sdk.errors import Fatal as Fatal
    from foldgate.sdk.errors import JobError as JobError
    from foldgate.sdk.errors import Retryable as Retryable
    from foldgate.sdk.errors import WorkerUnfit as WorkerUnfit
    from foldgate.sdk.job import Job as Job
    from foldgate.sdk.secret_references import Environment as Environment
    from foldgate.sdk.worker import Worker as Worker

_PLACES = {
    "Artifacts": "artifacts",
    "Cancelled": "errors",
    "Client": "client",
    "ConstraintBreach": "errors",
    "Environment": "secret_references",
    "Fatal": "errors",
    "Job": "job",
    "JobError": "errors",
    "Retryable": "errors",
    "Worker": "worker",
    "WorkerUnfit": "errors",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"Expected one of {', '.join(_PLACES)}, but foldgate.sdk has no '{name}'.")
    return getattr(importlib.import_module(f"foldgate.sdk.{_PLACES[name]}"), name)
