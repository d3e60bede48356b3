"""What policy says of a job or a run now, as a decision that is kept.

While no bundle is active the default decision of the settings says it, and that is to deny unless they say otherwise.
"""

from collections.abc import Iterator
from typing import NamedTuple

from foldgate.authority.active import Policies
from foldgate.authority.deciding import Outcome, decide
from foldgate.authority.facts import Facts
from foldgate.authority.planning import Phase
from foldgate.authority.snapshot import Snapshot, snapshot_of
from foldgate.contracts.events import Decision, ShadowDecided


class Judged(NamedTuple):
    """What was decided, and the same as events carry it."""

    outcome: Outcome
    decision: Decision

    @property
    def terms(self) -> str:
        """Of the approval that is required."""
        return self.outcome.terms.text() if self.outcome.terms is not None else "{}"


class Judge:
    """Asks the table of policies as it is at that moment."""

    def __init__(self, policies: Policies, default_decision: str) -> None:
        self._policies = policies
        self._default = snapshot_of((), default_decision=default_decision)

    def judge(self, facts: Facts, phase: Phase) -> Judged:
        """What the active bundles say."""
        outcome = decide(self._active, facts, phase=phase)
        return Judged(outcome, outcome.as_decision(self._policies.offset))

    def shadowed(self, facts: Facts, phase: Phase) -> Iterator[ShadowDecided]:
        """What they would say together with each draft that is evaluated beside them."""
        job_id, step = (facts.job.job_id, facts.job.step) if facts.job is not None else ("", "")
        for shadow in self._policies.shadows:
            said = decide(shadow.snapshot, facts, phase=phase).as_decision(self._policies.offset)
            yield ShadowDecided(job_id=job_id, step=step, bundle=shadow.bundle, revision=shadow.revision, decision=said)

    def refusal(self, rule: str, reason: str) -> Decision:
        """A denial that no bundle says."""
        name, offset = self._active.name, self._policies.offset
        return Decision(decision="deny", policy_snapshot=name, policies_offset=offset, rule=rule, reason=reason)

    @property
    def _active(self) -> Snapshot:
        active = self._policies.active
        return active if active.bundles else self._default
