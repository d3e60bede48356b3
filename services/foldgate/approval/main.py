"""Approval as a service: owns `approvals`."""

from foldgate.approval.approvals.decide import approvals
from foldgate.contracts.topics import APPROVALS
from foldgate.runtime.run import run
from foldgate.runtime.service import Aggregate, Service

SERVICE = Service(
    name="approval",
    aggregates=(
        Aggregate(
            stream=APPROVALS,
            decider=lambda _settings: approvals(),
            follows=(),
        ),
    ),
)

if __name__ == "__main__":
    run(SERVICE)
