"""The state of a run, and the moves it can make: none leads on from the statuses a run ends with (INV-12).

(none) --RunStarted--> running --StepSucceeded--> stepped --RunSucceeded--> succeeded
                               --StepFailed-----> stepped --RunFailed-----> failed
                               --StepDenied-----> stepped --RunDenied-----> denied
(none) --RunRefused--> refused      (a request that started nothing; the request of another body changes nothing)
running --JobRequested, JobReportIgnored--> running
any live --RunFailed--> failed      (an internal error ends the run wherever it is)
"""

from typing import Literal

import msgspec

Status = Literal["running", "stepped", "succeeded", "failed", "denied", "refused"]

STEP = "job"
"""The one step of a run of one step."""


class Run(msgspec.Struct, frozen=True):
    """One run. `attempt` is the one under way; `lost` counts those that ended with their worker."""

    status: Status
    run_id: str
    workflow: str
    kind: str
    topic: str
    input: str
    labels: dict[str, str]
    tenant: str
    principal: str
    request_hash: bytes
    job_id: str = ""
    attempt: int = 0
    lost: int = 0
    ignored: tuple[tuple[str, int, str], ...] = ()


TRANSITIONS: dict[str, dict[str, Status]] = {
    "JobRequested": {"running": "running"},
    "JobReportIgnored": {"running": "running"},
    "RunRefused": {"running": "running"},
    "StepSucceeded": {"running": "stepped"},
    "StepFailed": {"running": "stepped"},
    "StepDenied": {"running": "stepped"},
    "RunSucceeded": {"stepped": "succeeded"},
    "RunFailed": {"running": "failed", "stepped": "failed"},
    "RunDenied": {"stepped": "denied"},
}


def ended(run: Run) -> bool:
    """Whether the run is over."""
    return run.status not in ("running", "stepped")
