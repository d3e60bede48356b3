"""Approval as a service: owns `approvals`."""

from foldgate.approval.approvals.decide import STEP_ENDS, approvals
from foldgate.contracts.endings import RUN_ENDS
from foldgate.contracts.events import ApprovalRequested, VoteCast
from foldgate.contracts.topics import APPROVALS, INTAKE, RUNS
from foldgate.runtime.run import run
from foldgate.runtime.service import Aggregate, Follow, Service

SERVICE = Service(
    name="approval",
    aggregates=(
        Aggregate(
            stream=APPROVALS,
            decider=lambda _settings, _keys: approvals(),
            follows=(
                Follow(stream=RUNS, events=(ApprovalRequested, *STEP_ENDS, *RUN_ENDS)),
                Follow(stream=INTAKE, events=(VoteCast,)),
            ),
        ),
    ),
)

if __name__ == "__main__":
    run(SERVICE)
