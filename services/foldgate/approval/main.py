"""Approval as a service: owns `approvals`."""

from foldgate.approval.approvals.decide import JOB_ENDS, STEP_ENDS, approvals
from foldgate.approval.approvals.voters import Voters
from foldgate.authority.active import Policies
from foldgate.contracts.endings import RUN_ENDS
from foldgate.contracts.events import ApprovalRequested, ApprovalRequired, CaseClosed, VoteCast
from foldgate.contracts.topics import APPROVALS, DECISIONS, INTAKE, RUNS
from foldgate.runtime.run import run
from foldgate.runtime.service import Aggregate, Follow, Service

SERVICE = Service(
    name="approval",
    aggregates=(
        Aggregate(
            stream=APPROVALS,
            tables=(Policies,),
            decider=lambda settings, keys, policies: approvals(
                Voters(keys.trust, revoked=policies.revoked, unsigned=settings.unsigned_votes == "allow"),
                redaction=settings.redaction,
            ),
            follows=(
                Follow(stream=RUNS, events=(ApprovalRequested, *STEP_ENDS, *RUN_ENDS)),
                Follow(stream=DECISIONS, events=(ApprovalRequired, CaseClosed, *JOB_ENDS)),
                Follow(stream=INTAKE, events=(VoteCast,)),
            ),
        ),
    ),
)

if __name__ == "__main__":
    run(SERVICE)
