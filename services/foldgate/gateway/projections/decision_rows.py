"""The decisions on jobs and runs, as a part of the read model of jobs: one row each."""

from collections.abc import Iterable
from typing import NamedTuple

from foldgate.contracts.events import (
    ApprovalRequired,
    Decision,
    Event,
    JobDenied,
    JobRefused,
    JobThrottled,
    Meta,
    RunAdmitted,
    RunRejected,
    ShadowDecided,
    WritIssued,
    WritRevoked,
)
from foldgate.database.connections import Connection
from foldgate.readmodel.projection import columns, storable_json

STATUS: dict[type[Event], str] = {
    WritIssued: "authorised",
    ApprovalRequired: "awaiting_approval",
    JobThrottled: "throttled",
    JobDenied: "denied",
    JobRefused: "failed",
    WritRevoked: "cancelled",
}
"""What an attempt is by the last decision on it, until somebody else says more."""
EVENTS: tuple[type[Event], ...] = (*STATUS, ShadowDecided, RunAdmitted, RunRejected)
_WORDS: dict[type[Event], str] = {
    WritIssued: "allow",
    JobDenied: "deny",
    JobRefused: "refuse",
    WritRevoked: "revoke",
}
"""What those say that need not come with the decision they follow from."""
_PHASES: dict[type[Event], str] = {RunAdmitted: "submit", RunRejected: "submit", ShadowDecided: "shadow"}
# The id of a run that was forgotten long ago may be given again: then these are the decisions on the run it means now.
_PUT = """
INSERT INTO job_decisions (run_id, sequence, event_id, type, step, job_id, at, phase, decision, code, rule, reason,
    policy_snapshot, constraints, remediations, trace, writ_id, pool, approval_id, until, bundle)
SELECT run_id, sequence, event_id, type, step, job_id, to_timestamp(at / 1000.0), phase, decision, code, rule, reason,
    policy_snapshot, constraints, remediations, trace, writ_id, pool, approval_id, to_timestamp(until / 1000.0), bundle
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[],
    $18::text[], $19::text[], $20::bigint[], $21::text[])
    AS n (run_id, sequence, event_id, type, step, job_id, at, phase, decision, code, rule, reason, policy_snapshot,
    constraints, remediations, trace, writ_id, pool, approval_id, until, bundle)
ON CONFLICT (run_id, sequence) DO UPDATE SET
    event_id = excluded.event_id, type = excluded.type, step = excluded.step, job_id = excluded.job_id,
    at = excluded.at, phase = excluded.phase, decision = excluded.decision, code = excluded.code, rule = excluded.rule,
    reason = excluded.reason, policy_snapshot = excluded.policy_snapshot, constraints = excluded.constraints,
    remediations = excluded.remediations, trace = excluded.trace, writ_id = excluded.writ_id, pool = excluded.pool,
    approval_id = excluded.approval_id, until = excluded.until, bundle = excluded.bundle
"""


class Decided(NamedTuple):
    """What the table keeps of a decision; those on a whole run have no job."""

    run_id: str
    sequence: int
    event_id: str
    type: str
    step: str
    job_id: str
    at: int
    phase: str
    decision: str
    code: str | None
    rule: str | None
    reason: str
    policy_snapshot: str | None
    constraints: str | None
    remediations: str | None
    trace: str
    writ_id: str | None
    pool: str | None
    approval_id: str | None
    until: int | None
    bundle: str | None


async def write(connection: Connection, decisions: Iterable[Decided]) -> None:
    """Put them down; where two have one place, the last."""
    last = {(one.run_id, one.sequence): one for one in decisions}
    if last:
        await connection.execute(_PUT, *columns(last.values()))


def decided(meta: Meta, event: Event) -> Decided:
    """The row of a decision."""
    about = getattr(event, "job", None) or event
    writ = getattr(event, "writ", event)
    said: Decision = getattr(event, "decision", None) or Decision(
        decision=_WORDS[type(event)],
        policy_snapshot=getattr(writ, "policy_snapshot", ""),
        rule=getattr(writ, "rule", ""),
        reason=getattr(event, "reason", ""),
    )
    return Decided(
        run_id=meta.run_id,
        sequence=meta.sequence,
        event_id=meta.event_id,
        type=type(event).__name__,
        step=getattr(about, "step", ""),
        job_id=getattr(about, "job_id", ""),
        at=meta.at,
        phase=_PHASES.get(type(event), "dispatch"),
        decision=said.decision,
        code=getattr(event, "code", None),
        rule=said.rule or None,
        reason=said.reason,
        policy_snapshot=said.policy_snapshot or None,
        constraints=said.constraints or None,
        remediations=said.remediations or None,
        trace=storable_json(said.trace),
        writ_id=getattr(writ, "writ_id", None),
        pool=getattr(writ, "pool", "") or None,
        approval_id=getattr(event, "approval_id", None),
        until=getattr(event, "until", None),
        bundle=f"{event.bundle}@{event.revision}" if isinstance(event, ShadowDecided) else None,
    )
