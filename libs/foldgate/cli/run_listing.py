"""The latest runs, read from the end of the log backwards in growing stretches: no more is read than is told of.

Of each run only the state is kept, and of no more runs than are asked for.
"""

import heapq
from pathlib import Path
from typing import Any, NamedTuple

from foldgate.cli.folding import decider_of
from foldgate.cli.reaching import Reached, opened
from foldgate.cli.reading import position_before
from foldgate.cli.telling import STYLES
from foldgate.cli.terminal import console, harmless, say_json, table
from foldgate.cli.words import moment
from foldgate.contracts.events import RunRefused, RunStarted
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import RUNS
from foldgate.decider.decider import Decider
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import Record

_FIRST, _GROWTH = 5_000, 8


class Wanted(NamedTuple):
    """Which runs."""

    limit: int
    workflow: str
    tenant: str


class Known(NamedTuple):
    """A run, and the last that is known of it."""

    run_id: str
    workflow: str
    version: str
    began: int
    at: int
    state: Any


async def print_latest(limit: int, *, workflow: str, tenant: str, data: Path | None, as_json: bool) -> None:
    """Print the latest runs."""
    async with opened(data) as suite:
        decider = await decider_of(suite, RUNS)
        found = await latest(suite, decider, Wanted(limit, workflow, tenant))
    listed = [_listed(decider, known) for known in found]
    if as_json:
        say_json(listed)
    else:
        _print(listed)


async def latest(suite: Reached, decider: Decider[Any], wanted: Wanted) -> list[Known]:
    """The newest runs of all partitions."""
    partitions = [Partition(RUNS.name, number) for number in range(RUNS.partitions)]
    each = [await _of_partition(suite, decider, partition=partition, wanted=wanted) for partition in partitions]
    return heapq.nlargest(wanted.limit, (run for runs in each for run in runs), key=lambda run: (run.began, run.run_id))


async def _of_partition(suite: Reached, decider: Decider[Any], *, partition: Partition, wanted: Wanted) -> list[Known]:
    end, span = await suite.log.end(partition), _FIRST
    while True:
        start = max(0, end - span)
        found = _Latest(suite, decider, wanted)
        rule = Acceptance(await position_before(suite.log, partition, start))
        async for chunk in suite.log.read(partition, rule.position.offset, end):
            for record in chunk:
                if rule.accepts(record) and record.offset >= start and record.key:
                    found.take(record)
        if start == 0 or len(found.runs) >= wanted.limit:
            return list(found.runs.values())
        span *= _GROWTH


class _Latest:
    """The last runs that began in what was read."""

    def __init__(self, suite: Reached, decider: Decider[Any], wanted: Wanted) -> None:
        self._codec, self._decider, self._wanted = suite.codec, decider, wanted
        self.runs: dict[bytes, Known] = {}

    def take(self, record: Record) -> None:
        """The next record that counts."""
        known = self.runs.get(record.key)
        if known is None:
            self._begin(record)
            return
        meta, event = self._codec.decode(record.value)
        if meta.sequence == 1:  # its id was given again
            del self.runs[record.key]
            self._begin(record)
            return
        self.runs[record.key] = known._replace(at=meta.at, state=self._decider.evolve(known.state, meta, event))

    def _begin(self, record: Record) -> None:
        """A run is known from its first event on; of one that began before, nothing is."""
        if self._codec.peek(record.value).name not in ("RunStarted", "RunRefused"):
            return
        meta, event = self._codec.decode(record.value)
        named = (event.workflow, event.version) if isinstance(event, RunStarted) else ("", "")
        if meta.sequence != 1 or not isinstance(event, RunStarted | RunRefused) or meta.tenant != self._wanted.tenant:
            return
        if self._wanted.workflow in ("", named[0]):
            state = self._decider.evolve(None, meta, event)
            self.runs[record.key] = Known(meta.run_id, *named, meta.at, meta.at, state)
            if len(self.runs) > self._wanted.limit:
                del self.runs[next(iter(self.runs))]


def _listed(decider: Decider[Any], known: Known) -> dict[str, Any]:
    over = decider.ended(known.state)
    return {
        "run_id": known.run_id,
        "workflow": known.workflow,
        "version": known.version,
        "status": str(decider.describe(known.state).get("status", "")),
        "started_at": moment(known.began),
        "ended_at": moment(known.at) if over else None,
        "took_s": (known.at - known.began) / 1000 if over else None,
    }


def _print(listed: list[dict[str, Any]]) -> None:
    shown = table("run", "workflow", "version", "status", "started", "#took")
    for one in listed:
        took = "" if one["took_s"] is None else f"{one['took_s']:.3f} s"
        names = (
            harmless(one["run_id"], most=60),
            harmless(one["workflow"], most=60),
            harmless(one["version"], most=12),
        )
        shown.add_row(*names, one["status"], one["started_at"], took, style=STYLES.get(one["status"], ""))
    console().print(shown)
