"""The read model of policy: all that its kernel said, in order, as it was said.

Drafts, snapshots and what is evaluated beside them are folded of it when they are asked for, by the fold that the
command line has too: so no two ever tell another story of the same policy.
"""

from collections.abc import Sequence
from importlib.resources import files

import msgspec

from foldgate.contracts.events import (
    Event,
    KeyRevoked,
    KeyTrusted,
    Meta,
    PolicyDrafted,
    PolicyPublished,
    PolicyRefused,
    PolicyShadowed,
)
from foldgate.contracts.topics import POLICIES
from foldgate.readmodel.projection import Projection, Statement, storable

_SAID = """
INSERT INTO policy_changes (number, at, type, bundle, principal, reason, code, policy_snapshot, request_id, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
"""


def rows(meta: Meta, event: Event) -> Sequence[Statement]:
    """What an event changes."""
    named = [getattr(event, name, "") for name in ("bundle", "by", "reason", "code", "policy_snapshot")]
    bundle, by, *more = map(storable, named)
    what = (meta.sequence, meta.at, type(event).__name__, bundle, by or storable(meta.principal), *more)
    return [Statement(meta.key, _SAID, (*what, meta.request_id, msgspec.json.encode(event).decode()))]


PROJECTION = Projection(
    name="policies",
    version=1,
    streams=(POLICIES.name,),
    events=(PolicyDrafted, PolicyPublished, PolicyShadowed, PolicyRefused, KeyTrusted, KeyRevoked),
    tables=files("foldgate.gateway.projections").joinpath("policies.sql").read_text(),
    rows=rows,
)
