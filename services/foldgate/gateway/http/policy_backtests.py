"""Backtests: what the decisions of the last days would have been if drafts had held, by the read model of the timeline.

One at a time, beside everything else that the gateway does, and of no more than so many events: what is larger is done
by the command line, in a process of its own that reads the log. Whoever asks and goes away ends it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.authority.backtest import EVENTS, Backtest
from foldgate.authority.policy_history import as_version
from foldgate.contracts.events import EVENT_TYPES, CaseClosed, Meta
from foldgate.contracts.topics import DECISIONS, RUNS
from foldgate.gateway.http import bodies
from foldgate.gateway.http.asking import Text
from foldgate.gateway.http.operations import Operation, Said
from foldgate.gateway.http.policies import drafts_of
from foldgate.gateway.http.policy_book import PolicyBook, check_everywhere
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.querying import Row, rows_of
from foldgate.gateway.projections.timeline import event_of
from foldgate.runtime.clock import Clock

MOST_EVENTS = 200_000
_AT_ONCE = 2_000
_DAY_MS = 24 * 60 * 60 * 1000
_TYPES = [event.__name__ for event in (*EVENTS, CaseClosed)]
_NEXT = """
SELECT partition, "offset", run_id, type, at, tenant, principal, body FROM timeline
WHERE stream = $1 AND (partition, "offset") > ($2::int, $3::bigint) AND type = ANY($4::text[])
ORDER BY partition, "offset" LIMIT $5
"""


class BacktestBody(BaseModel):
    """Which drafts, and how far back."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Backtest")

    bundles: list[Text] = Field(
        default_factory=list, max_length=1000, title="Bundles", description="All that wait, if none is named."
    )
    days: Annotated[float, Field(gt=0, le=3650)] = Field(default=7.0, title="Days", description="How far back.")


class ChangedItem(BaseModel):
    """Decisions that would be others, all in the same way."""

    model_config = ConfigDict(title="ChangedDecisions")

    was: str = Field(title="Was")
    was_rule: str = Field(title="By")
    would_be: str = Field(title="Would be")
    rule: str = Field(title="By which rule")
    reason: str = Field(title="Reason")
    times: int = Field(title="Times")
    examples: list[str] = Field(title="Examples", description="Jobs, or runs that wanted to begin.")


class BacktestAnswer(BaseModel):
    """What a backtest came to. Each decision is one of same, changed, unknown and aside."""

    model_config = ConfigDict(title="Backtested")

    policy_snapshot: str = Field(title="Snapshot", description="What was tried.")
    decisions: int = Field(title="Decisions")
    same: int = Field(title="Same")
    changed: int = Field(title="Changed")
    unknown: int = Field(title="Unknown", description="What followed in a run after its first change.")
    aside: int = Field(title="Aside", description="What no bundle had decided.")
    runs: int = Field(title="Runs")
    runs_changed: int = Field(title="Runs changed")
    changes: list[ChangedItem] = Field(title="Changes", description="The most frequent first.")


class PolicyBacktests:
    """Makes backtests."""

    def __init__(self, book: PolicyBook, *, clock: Clock) -> None:
        self._book, self._clock = book, clock
        self._at_work = asyncio.Lock()

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        backtest = Operation(
            method="POST",
            path=f"{prefix}/policy/backtest",
            endpoint=self.backtest,
            summary="What the decisions of the last days would have been if drafts had held",
            area="policy",
            role="viewer",
            body=BacktestBody,
            answers={200: Said(BacktestAnswer, "What would have been another.")},
            problems=("unknown_bundle", "too_large", "not_yet", "database_unavailable"),
        )
        return (backtest,)

    async def backtest(self, request: Request) -> Response:
        """What would have been another."""
        check_everywhere(request)
        body = await bodies.read_if_any(request, BacktestBody)
        known = await self._book.latest()
        drafts = map(as_version, drafts_of(known, body.bundles))
        snapshot = await asyncio.to_thread(known.with_, drafts, default_decision=self._book.default_decision)
        if self._at_work.locked():
            raise Problem("overloaded", "Expected one backtest at a time, but another goes on: ask again soon.")
        async with self._at_work:
            test = Backtest(snapshot, since=self._clock.now_ms() - int(body.days * _DAY_MS))
            async for rows in self._heard():
                await asyncio.to_thread(_hear, test, rows)
            found = await asyncio.to_thread(test.result)
        return Response(msgspec.json.encode(found), media_type="application/json")

    async def _heard(self) -> AsyncIterator[Sequence[Row]]:
        """All that was decided on, and all decisions: each stream in its order."""
        count = 0
        for stream in (RUNS.name, DECISIONS.name):
            at = -1, -1
            while rows := await rows_of(self._book.models, _NEXT, stream, *at, _TYPES, _AT_ONCE):
                count += len(rows)
                if count > MOST_EVENTS:
                    what = f"Expected at most {MOST_EVENTS:,} events of runs and decisions, but there are more"
                    raise Problem("too_large", f"{what}: use `foldgate policy backtest`.")
                yield rows
                at = rows[-1]["partition"], rows[-1]["offset"]


def _hear(test: Backtest, rows: Sequence[Row]) -> None:
    for row in rows:
        test.add(_meta(row), event_of(EVENT_TYPES[row["type"]], row["body"]))


def _meta(row: Row) -> Meta:
    named: dict[str, Any] = {name: row[name] for name in ("run_id", "at", "tenant", "principal")}
    return Meta(chain=b"", event_id="", stream="", key=row["run_id"], **named)
