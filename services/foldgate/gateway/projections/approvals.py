"""The read model of questions to people: of both kinds, with the votes, and what came of each.

A row has what lists are asked by. Everything else is folded of the question's events when it is read, by the fold that
the command line has too: so no two ever tell another story of the same question.
"""

from collections.abc import Sequence
from importlib.resources import files

import msgspec

from foldgate.authority.terms import Terms
from foldgate.contracts.events import (
    ApprovalClosed,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalOpened,
    ApprovalRefused,
    ApprovalRevised,
    Event,
    Meta,
    VoteRecorded,
)
from foldgate.contracts.topics import APPROVALS
from foldgate.readmodel.projection import Projection, Statement
from foldgate.sdk.questions import ENDS

# The id of a run that was forgotten long ago may be given again: then its questions are these.
_FORGOTTEN = "DELETE FROM approval_events WHERE approval_id = $1"
_OPENED = """
INSERT INTO approvals (approval_id, run_id, step, tenant, kind, status, roles, opened_at)
VALUES ($1, $2, $3, $4, $5, 'open', $6, to_timestamp($7::bigint / 1000.0))
ON CONFLICT (approval_id) DO UPDATE SET
    run_id = excluded.run_id, step = excluded.step, tenant = excluded.tenant, kind = excluded.kind, status = 'open',
    roles = excluded.roles, opened_at = excluded.opened_at, settled_at = NULL
"""
# Policy may ask again what was granted: it is open since then.
_REVISED = """
UPDATE approvals SET status = 'open', roles = $2, settled_at = NULL,
    opened_at = CASE status WHEN 'open' THEN opened_at ELSE to_timestamp($3::bigint / 1000.0) END
WHERE approval_id = $1
"""
_SETTLED = """
UPDATE approvals SET status = $2, settled_at = to_timestamp($3::bigint / 1000.0)
WHERE approval_id = $1 AND status = 'open'
"""
_SAID = """
INSERT INTO approval_events (approval_id, sequence, at, type, principal, request_id, body)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""
KINDS: tuple[type[Event], ...] = (ApprovalOpened, ApprovalRevised, VoteRecorded, *ENDS)


def rows(meta: Meta, event: Event) -> Sequence[Statement]:
    """What an event changes."""
    match event:
        case ApprovalOpened(approval_id=name):
            whose = (name, meta.run_id, event.step, meta.tenant, event.kind, _roles(event.terms), meta.at)
            return [
                Statement(meta.run_id, _FORGOTTEN, (name,)),
                Statement(meta.run_id, _OPENED, whose),
                _said(meta, event, name),
            ]
        case ApprovalRevised(approval_id=name):
            changed = Statement(meta.run_id, _REVISED, (name, _roles(event.terms), meta.at))
            return [changed, _said(meta, event, name)]
        case VoteRecorded(approval_id=name):
            return [_said(meta, event, name)]
        case ApprovalGranted() | ApprovalRefused() | ApprovalExpired() | ApprovalClosed():
            name = event.approval_id
            ended = Statement(meta.run_id, _SETTLED, (name, ENDS[type(event)], meta.at))
            return [ended, _said(meta, event, name)]
        case _:
            return []


def _said(meta: Meta, event: Event, approval_id: str) -> Statement:
    body = msgspec.json.encode(event).decode()
    arguments = (approval_id, meta.sequence, meta.at, type(event).__name__, meta.principal, meta.request_id, body)
    return Statement(meta.run_id, _SAID, arguments)


def _roles(terms: str) -> list[str]:
    """The roles of which one is needed; none where anybody may vote."""
    quorums = Terms.of(terms or "{}").quorums
    return sorted({role for one in quorums for role in one.roles}) if all(one.roles for one in quorums) else []


PROJECTION = Projection(
    name="approvals",
    version=1,
    streams=(APPROVALS.name,),
    events=KINDS,
    tables=files("foldgate.gateway.projections").joinpath("approvals.sql").read_text(),
    rows=rows,
)
