"""What a run would do if it began now, by the read models: nothing is asked for, and nobody is told."""

import asyncio
from collections.abc import Collection
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from foldgate.authority.foreseeing import Foresight, Planned
from foldgate.authority.pools import Pools
from foldgate.contracts.events import Meta, PoolChanged, PoolsPublished
from foldgate.contracts.topics import POOLS
from foldgate.gateway.http.policy_book import PolicyBook
from foldgate.gateway.http.querying import rows_of
from foldgate.language.definition import Definition
from foldgate.runtime.clock import Clock

_DOCUMENT = "SELECT document, revision, number FROM pool_documents"
_CHANGED = "SELECT name, terms, is_open, number, reason, words FROM pools ORDER BY number"
_NOBODY = Meta(chain=b"", event_id="", stream=POOLS.name, key="", at=0)


class PlannedItem(BaseModel):
    """One step, as it would run. Only jobs are decided on."""

    model_config = ConfigDict(title="PlannedStep")

    id: str = Field(title="Step")
    type: str = Field(title="Type")
    name: str = Field(title="Name")
    kind: str = Field(title="Kind", description="Of a job: who does it.")
    topic: str = Field(title="Topic")
    when: str = Field(title="When", description="Its condition; empty where it always runs.")
    waits_for: list[str] = Field(title="Waits for", description="The steps that must be over.")
    part_of: str = Field(title="Part of", description="The group that it is in.")
    handles: str = Field(title="Handles", description="The step whose failure begins it.")
    undoes: str = Field(title="Undoes", description="The step that it undoes.")
    for_each: str = Field(title="For each", description="The items, where it runs once for each.")
    decision: str = Field(
        title="Decision",
        description="Under what holds now; unknown where that depends on what steps before it will have said.",
    )
    rule: str = Field(title="Rule")
    reason: str = Field(title="Reason")
    approval: dict[str, Any] | None = Field(title="Approval", description="The terms on which people would be asked.")
    pool: str = Field(title="Pool", description="Where it would go; empty if nobody would do it.")
    pool_reason: str = Field(title="Pool reason", description="Why there, or why nowhere.")


class PlanItem(BaseModel):
    """What a run would do if it began now."""

    model_config = ConfigDict(title="Plan")

    policy_snapshot: str = Field(title="Snapshot", description="Under which it was decided.")
    decision: str = Field(title="Decision", description="Whether it may begin.")
    rule: str = Field(title="Rule")
    reason: str = Field(title="Reason")
    steps: list[PlannedItem] = Field(title="Steps", description="In an order in which they can run.")


class Plans:
    """Makes plans."""

    def __init__(self, book: PolicyBook, *, clock: Clock) -> None:
        self._book, self._clock = book, clock

    async def plan(self, definition: Definition, run: Planned, *, done: Collection[str] = ()) -> dict[str, Any]:
        """What would become of that run. Of `done` the outputs are taken over."""
        known, pools = await asyncio.gather(self._book.latest(), self._pools())
        default = self._book.default_decision

        def made() -> dict[str, Any]:
            foresight = Foresight(known.with_((), default_decision=default), pools, self._clock.now_ms())
            return msgspec.to_builtins(foresight.plan(definition, run, done=done))  # type: ignore[no-any-return]

        plan = await asyncio.to_thread(made)
        for step in plan["steps"]:
            step["approval"] = msgspec.json.decode(step["approval"]) if step["approval"] else None
        return plan

    async def _pools(self) -> Pools:
        pools = Pools()
        for row in await rows_of(self._book.models, _DOCUMENT):
            pools.add(_NOBODY, PoolsPublished(**dict(row), digest=b""), 0)
        for row in await rows_of(self._book.models, _CHANGED):
            said = {name: row[name] for name in ("is_open", "number", "reason", "words")}
            pools.add(_NOBODY, PoolChanged(pool=row["name"], terms=row["terms"] or "", **said), 0)
        return pools
