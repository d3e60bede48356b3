"""A kernel under test with the policies that it has read, and the messages that it gets."""

from typing import Any

from foldgate.authority.active import Policies
from foldgate.authority.pools import Pools
from foldgate.authority.snapshot import snapshot_of
from foldgate.contracts import ids
from foldgate.contracts.events import (
    ApprovalGranted,
    ApprovalRequired,
    Event,
    Job,
    JobRequested,
    PolicyPublished,
    PolicyShadowed,
    RunStarted,
    Vote,
)
from foldgate.policy_kernel.decisions.decide import decisions
from foldgate.policy_kernel.decisions.state import Case
from tests.support.given import Given, meta
from tests.support.keys import KERNEL
from tests.support.policies import bundle, version

RUN = "run_1"
TTL_MS = 500


class Kernel(Given[Case]):
    """The case of one run, and what is active."""

    def __init__(self, *rules: dict[str, Any], default: str = "allow", default_decision: str = "deny") -> None:
        self.policies, self.pools = Policies(), Pools()
        super().__init__(
            decisions(self.policies, self.pools, default_decision=default_decision, writ_ttl_ms=TTL_MS, signer=KERNEL),
            key=RUN,
        )
        if rules:
            self.publish(*rules, default=default)

    def publish(self, *rules: dict[str, Any], default: str = "allow") -> None:
        """One bundle with these rules is active from now on."""
        publish(self.policies, *rules, default=default)

    def shadow(self, *rules: dict[str, Any]) -> None:
        """A draft is evaluated beside it."""
        one = version(bundle("draft", *rules, default="allow"))
        shadowed = PolicyShadowed(bundle="draft", revision=3, digest=one.digest, definition=one.definition)
        self.policies.add(meta("policies"), shadowed, self.policies.offset + 1)

    def start(self, **changes: Any) -> list[Event]:
        """A run wants to begin."""
        return self.when(started(**changes))

    def ask(self, attempt: int = 1, *, at: int = 2000, **changes: Any) -> list[Event]:
        """It asks for a job."""
        return self.when(JobRequested(job=job(attempt, **changes)), at=at)

    def grant(self, asked: ApprovalRequired, *voters: str, at: int = 3000, roles: tuple[str, ...] = ()) -> list[Event]:
        """People allow it."""
        votes = tuple(Vote(voter=voter, roles=roles, at=at) for voter in voters)
        granted = ApprovalGranted(approval_id=asked.approval_id, step=asked.step, by=voters, votes=votes)
        return self.when(granted, at=at)


def publish(policies: Policies, *rules: dict[str, Any], default: str = "allow", reached: int = 0) -> str:
    """One bundle with these rules is active in that table from now on; the name of its snapshot."""
    one = version(bundle("floor", *rules, default=default))
    name = snapshot_of([one]).name
    published = PolicyPublished(policy_snapshot=name, bundles=(one,), kind="publish")
    policies.add(meta("policies"), published, reached or policies.offset + 1)
    return name


def started(**changes: Any) -> RunStarted:
    fields: dict[str, Any] = {"workflow": "w", "labels": {"team": "sre"}, "input": '{"n":3}', "request_hash": b""}
    return RunStarted(**(fields | changes))


def job(attempt: int = 1, *, step: str = "job", **changes: Any) -> Job:
    fields: dict[str, Any] = {
        "job_id": ids.job_id(RUN, step, attempt),
        "step": step,
        "attempt": attempt,
        "kind": "job",
        "topic": "job.echo",
        "input": "{}",
        "tenant": "acme",
        "principal": "ada",
        "workflow": "w",
    }
    return Job(**(fields | changes))
