"""The events of one run, gathered from the log and put in order.

Causes come before effects: each event after the one that it answers, and after the one before it in its partition. An
owner's Lamport clock does not give that order: workers and clients, who write on open streams, have none, so a chain of
causes that leads through them starts low again. What is neither cause nor effect of one another is ordered by time.
The order is the same whoever computes it.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.text import Text

from foldgate.cli.mistakes import CannotGoOn
from foldgate.cli.reaching import Reached, opened
from foldgate.cli.reading import Seen, StreamReader
from foldgate.cli.tailing import as_object, time_of_day
from foldgate.cli.telling import ENDS, STYLES, told
from foldgate.cli.terminal import harmless, say, say_json
from foldgate.contracts.topics import Stream, partition_of, stream_of

_SOURCES = ("intake", "runs", "slots", "decisions", "approvals", "jobs", "reports", "letters")
_WHO = {"intake": "client", "reports": "worker"}
_NARROWEST = 17


class RunUnknown(CannotGoOn):
    """Nothing on the log is about that run."""


async def print_timeline(run: str, *, data: Path | None, as_json: bool) -> None:
    """Print the timeline of a run."""
    async with opened(data) as suite:
        events = in_order(await events_of(suite, run))
    if not events:
        raise RunUnknown(f"Expected a run '{harmless(run, most=100)}' on this log, but nothing there is about it.")
    if as_json:
        for seen in events:
            say_json(as_object(seen))
    else:
        print_events(run, events)


async def events_of(suite: Reached, run: str) -> list[Seen]:
    """What counts of all that is about a run."""
    found: list[Seen] = []
    for stream in (stream_of(name) for name in _SOURCES if name in suite.seen.streams):
        key = run.encode() if stream.key == "run" else None
        reader = await StreamReader.at(suite.log, suite.codec, stream=stream, starts=_starts(stream, run), key=key)
        found.extend([seen async for seen in reader.there() if _is_about(seen, run)])
    return found


def _is_about(seen: Seen, run: str) -> bool:
    return seen.accepted and seen.meta is not None and seen.meta.run_id == run


def _starts(stream: Stream, run: str) -> Mapping[int, int]:
    """From the beginning of the run's own partition; of all where runs are not the key."""
    if stream.key == "run":
        return {partition_of(run.encode(), stream.partitions): 0}
    return dict.fromkeys(range(stream.partitions), 0)


def in_order(events: Sequence[Seen]) -> list[Seen]:
    """Causes before effects, and what is neither by time."""
    places = {meta.event_id: index for index, seen in reversed(list(enumerate(events))) if (meta := seen.meta)}
    effects: list[list[int]] = [[] for _ in events]
    causes = [0] * len(events)
    for cause, effect in {*_answers(events, places), *_successions(events)}:
        effects[cause].append(effect)
        causes[effect] += 1
    ordered = _by_time_where_free(events, effects, causes)
    # Ids on open streams are foreign, and may lead in circles: what is in one comes last.
    return [events[index] for index in ordered + sorted(set(range(len(events))) - set(ordered))]


def _by_time_where_free(events: Sequence[Seen], effects: list[list[int]], causes: list[int]) -> list[int]:
    free = [(*_when(seen), index) for index, seen in enumerate(events) if not causes[index]]
    heapq.heapify(free)
    ordered = []
    while free:
        *_, index = heapq.heappop(free)
        ordered.append(index)
        for effect in effects[index]:
            causes[effect] -= 1
            if not causes[effect]:
                heapq.heappush(free, (*_when(events[effect]), effect))
    return ordered


def _when(seen: Seen) -> tuple[int, int, str]:
    return seen.at, seen.meta.clock if seen.meta else 0, seen.record.partition.stream


def _answers(events: Sequence[Seen], places: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    """Each event after the one it answers."""
    for index, seen in enumerate(events):
        cause = places.get(seen.meta.causation, index) if seen.meta else index
        if cause != index:
            yield cause, index


def _successions(events: Sequence[Seen]) -> Iterator[tuple[int, int]]:
    """Each event after the one before it in its partition."""
    by_place = sorted(
        range(len(events)), key=lambda index: (events[index].record.partition, events[index].record.offset)
    )
    for before, after in pairwise(by_place):
        if events[before].record.partition == events[after].record.partition:
            yield before, after


def print_events(run: str, events: Sequence[Seen]) -> None:
    """The timeline for people: when, since the beginning; who; what."""
    start = min(seen.at for seen in events)
    wide = max(_NARROWEST, *(len(type(seen.event).__name__) for seen in events))
    say(_headline(run, events, start))
    for seen in events:
        meta = seen.meta
        assert meta is not None
        assert seen.event is not None
        name = type(seen.event).__name__
        owner = stream_of(meta.stream).owner or _WHO.get(meta.stream, meta.stream)
        style = STYLES.get(ENDS.get(name, ""), "")
        line = Text.assemble((f"{(seen.at - start) / 1000:9.3f} s  ", "dim"), (f"{owner:<14}", "cyan"))
        line.append(f"{name:<{wide}} ", style=style or "bold")
        line.append(told(seen.event), style=style)
        say(line)


def _headline(run: str, events: Sequence[Seen], start: int) -> Text:
    status, ended = "running", max(seen.at for seen in events)
    for seen in events:
        if (end := ENDS.get(type(seen.event).__name__)) is not None and status == "running":
            status, ended = end, seen.at
    lasted = f" after {(ended - start) / 1000:.3f} s" if status != "running" else ""
    told_as: list[Any] = [(harmless(run), "bold magenta"), " ", (status, STYLES[status])]
    return Text.assemble(*told_as, f"{lasted}, began at {time_of_day(start)} UTC")
