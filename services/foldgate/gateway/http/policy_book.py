"""What this gateway knows of policy: the read model folded, as far as it was when it was asked last.

Policy is short and is asked for often. So what was folded is kept, and each question takes in what has come since; if
the read model is another, because its log was taken back to what it had been, all of it is folded anew.
"""

import asyncio

import msgspec
from starlette.requests import Request

from foldgate.authority.policy_history import PolicyHistory
from foldgate.contracts.events import EVENT_TYPES, Meta
from foldgate.contracts.topics import POLICIES
from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.querying import Row, rows_of
from foldgate.gateway.http.reflecting import reflected
from foldgate.gateway.http.runs import caught_up
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projector import Projector

_SINCE = "SELECT number, at, type, body FROM policy_changes WHERE number >= $1 ORDER BY number"


class PolicyBook:
    """Policy, up to now."""

    def __init__(self, models: ReadModels, projector: Projector, *, default_decision: str) -> None:
        self.models, self.default_decision = models, default_decision
        self._projector = projector
        self._folding = asyncio.Lock()
        self._known: PolicyHistory = PolicyHistory()
        self._last: Row | None = None

    async def reflects(self, after: str | None) -> None:
        """Return when the read model reflects this; a problem if that takes too long."""
        await reflected(after, self._projector)

    async def latest(self) -> PolicyHistory:
        """All that has become of policy as of now: for who asks for a change of what is there, or tries it."""
        await caught_up(self._projector)
        return await self.history()

    async def history(self, after: str | None = None) -> PolicyHistory:
        """All that has become of policy."""
        await self.reflects(after)
        async with self._folding:
            rows = await rows_of(self.models, _SINCE, 0 if self._last is None else self._last["number"])
            if self._last is not None and rows[:1] != [self._last]:
                self._known, self._last = PolicyHistory(), None
                rows = await rows_of(self.models, _SINCE, 0)
            for row in rows if self._last is None else rows[1:]:
                self._fold(row)
                self._last = row
            return self._known

    def _fold(self, row: Row) -> None:
        event = msgspec.json.decode(row["body"], type=EVENT_TYPES[row["type"]])
        meta = Meta(chain=b"", event_id="", stream=POLICIES.name, key="", sequence=row["number"], at=row["at"])
        self._known.add(meta, event, row["number"])


def check_everywhere(request: Request, what: str = "policy belongs") -> None:
    """Who asks must mean all tenants."""
    if not caller_of(request).everywhere:
        expected = f"Expected somebody who asks for all tenants, because {what} to the suite, but one is meant"
        raise Problem("forbidden", f"{expected}: ask with a key of all tenants, and without X-Tenant-ID.")
