"""What is asked of a pool in tests of whose turn it is, and what it said."""

from collections.abc import Iterable
from typing import Any

import msgspec

from foldgate.authority.pools_terms import PoolTerms
from foldgate.contracts.events import (
    Decision,
    Event,
    JobDispatched,
    PoolChanged,
    WorkerBeat,
    WritIssued,
)
from foldgate.scheduler.jobs.state import Pool
from tests.support import pools
from tests.support.given import Given
from tests.support.pools import DECIDER, beat


def issued(number: int, *, constraints: str = "", pools_number: int = 0, **changes: Any) -> WritIssued:
    """A writ for the job of that number, which lasts for long."""
    event = pools.issued(number, expires_at=10**9)
    decision = Decision(decision="allow", policy_snapshot="s", constraints=constraints)
    writ = msgspec.structs.replace(event.writ, pools_number=pools_number)
    return WritIssued(job=msgspec.structs.replace(event.job, **changes), writ=writ, decision=decision)


def worker(name: str = "w/1", **changes: Any) -> WorkerBeat:
    return msgspec.structs.replace(beat(name, room=1), **changes)


def terms(number: int = 1, *, is_open: bool = True, reason: str = "", **changes: Any) -> PoolChanged:
    text = PoolTerms(name="default", **changes).text()
    return PoolChanged(pool="default", terms=text, is_open=is_open, number=number, reason=reason)


def dispatched(events: Iterable[Event]) -> list[tuple[str, str]]:
    """Who got which job."""
    return [(one.job.job_id.partition(":")[0], one.worker) for one in events if isinstance(one, JobDispatched)]


def kinds(events: Iterable[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


def due(subject: Given[Pool]) -> int | None:
    assert subject.state is not None
    return DECIDER.due(subject.state)


def why(subject: Given[Pool], number: int) -> str:
    assert subject.state is not None
    return DECIDER.explain(subject.state, pools.job(number).job_id)
