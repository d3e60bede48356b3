"""The policy kernel as a service: owns `decisions` and `policies`."""

from foldgate.authority.active import Policies
from foldgate.authority.pools import Pools
from foldgate.contracts.endings import RUN_ENDS
from foldgate.contracts.events import (
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    JobCancelRequested,
    JobRequested,
    RunStarted,
)
from foldgate.contracts.topics import ADMIN, APPROVALS, DECISIONS, POLICIES, RUNS
from foldgate.policy_kernel.decisions.decide import decisions
from foldgate.policy_kernel.policies.decide import ASKED, policies
from foldgate.runtime.run import run
from foldgate.runtime.service import Aggregate, Follow, Service

SERVICE = Service(
    name="policy_kernel",
    aggregates=(
        Aggregate(
            stream=DECISIONS,
            tables=(Policies, Pools),
            decider=lambda settings, keys, active, pools: decisions(
                active,
                pools,
                default_decision=settings.default_decision,
                writ_ttl_ms=settings.writ_ttl_ms,
                signer=keys.kernel,
            ),
            follows=(
                Follow(stream=RUNS, events=(RunStarted, JobRequested, JobCancelRequested, *RUN_ENDS)),
                Follow(stream=APPROVALS, events=(ApprovalGranted, ApprovalRefused, ApprovalExpired)),
            ),
        ),
        Aggregate(
            stream=POLICIES,
            decider=lambda settings, keys: policies(keys.trust, require_signed_bundles=settings.require_signed_bundles),
            follows=(Follow(stream=ADMIN, events=ASKED),),
        ),
    ),
)

if __name__ == "__main__":
    run(SERVICE)
