"""Folds what a service owns, as the service does it: by its own decider, which is found by its entry point."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from foldgate.cli.plan import NothingInstalled, installed
from foldgate.cli.reaching import Reached
from foldgate.cli.reading import Seen, StreamReader
from foldgate.cli.run_history import unknown
from foldgate.cli.telling import ENDS
from foldgate.contracts.events import RunStarted
from foldgate.contracts.topics import RUNS, Stream, partition_of
from foldgate.decider.decider import Decider
from foldgate.runtime.key_making import throwaway
from foldgate.runtime.service import Aggregate, Service, Table


class FoldedRun(NamedTuple):
    """A run as its own stream tells it. `end` is the last event of one that is over."""

    run_id: str
    decider: Decider[Any]
    state: Any
    events: list[Seen]
    started: RunStarted | None

    @property
    def described(self) -> Mapping[str, Any]:
        """The run as JSON-like values."""
        return self.decider.describe(self.state)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.decider.ended(self.state)

    @property
    def end(self) -> Seen | None:
        """The event that ended it."""
        ends = [seen for seen in self.events if type(seen.event).__name__ in ENDS]
        return ends[-1] if self.is_over and ends else None

    @property
    def tenant(self) -> str:
        """Whose it is."""
        meta = self.events[0].meta
        assert meta is not None
        return meta.tenant


async def decider_of(suite: Reached, stream: Stream) -> Decider[Any]:
    """How the aggregates of a stream behave, with the tables they are given read from the log."""
    aggregate = _aggregate(stream)
    tables = [await _read(suite, make()) for make in aggregate.tables]
    return aggregate.decider_with(suite.settings, throwaway(), tables)


async def _read(suite: Reached, table: Table) -> Table:
    starts = dict.fromkeys(range(table.stream.partitions), 0)
    reader = await StreamReader.at(suite.log, suite.codec, stream=table.stream, starts=starts)
    async for seen in reader.there():
        if seen.accepted and seen.meta is not None and seen.event is not None and seen.record.key:
            table.add(seen.meta, seen.event, seen.record.offset + 1)
    return table


def _aggregate(stream: Stream) -> Aggregate:
    for point in installed().values():
        service: Service = point.load()
        for aggregate in service.aggregates:
            if aggregate.stream == stream:
                return aggregate
    raise NothingInstalled(f"Expected an installed service that owns '{stream.name}', but there is none.")


async def folded(suite: Reached, run_id: str) -> FoldedRun:
    """A run as of now."""
    decider = await decider_of(suite, RUNS)
    key = run_id.encode()
    starts = {partition_of(key, RUNS.partitions): 0}
    reader = await StreamReader.at(suite.log, suite.codec, stream=RUNS, starts=starts, key=key)
    events = [seen async for seen in reader.there() if _counts(seen)]
    if not events:
        raise unknown(run_id)
    # The id of a run that was forgotten long ago may be given again: then this is the run it means now.
    first = max(place for place, seen in enumerate(events) if seen.meta is not None and seen.meta.sequence == 1)
    return folded_on(None, events[first:], run_id=run_id, decider=decider)


def folded_on(run: FoldedRun | None, events: list[Seen], *, run_id: str, decider: Decider[Any]) -> FoldedRun:
    """A run after more of its events; None is one that had none. The first event of a run begins it anew."""
    state, heard = (None, []) if run is None else (run.state, list(run.events))
    for seen in events:
        assert seen.meta is not None
        assert seen.event is not None
        if seen.meta.sequence == 1:
            state, heard = None, []
        state = decider.evolve(state, seen.meta, seen.event)
        heard.append(seen)
    started = heard[0].event
    return FoldedRun(run_id, decider, state, heard, started if isinstance(started, RunStarted) else None)


def _counts(seen: Seen) -> bool:
    return seen.accepted and seen.meta is not None and seen.event is not None
