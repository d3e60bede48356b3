"""The events of one run, gathered from the log and put in order.

Causes come before effects: each event after the one that it answers, and after the one before it in its partition. An
owner's Lamport clock does not give that order: workers and clients, who write on open streams, have none, so a chain of
causes that leads through them starts low again. What is neither cause nor effect of one another is ordered by time.
The order is the same whoever computes it.
"""

import heapq
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.text import Text

from foldgate.cli.mistakes import CannotGoOn
from foldgate.cli.reaching import Reached, opened
from foldgate.cli.reading import Seen, StreamReader, coming_to
from foldgate.cli.tailing import as_object, time_of_day
from foldgate.cli.telling import ENDS, STYLES, told
from foldgate.cli.terminal import harmless, say, say_json
from foldgate.contracts.events import RunRefused
from foldgate.contracts.topics import RUNS, Stream, partition_of, stream_of

_SOURCES = ("intake", "runs", "slots", "decisions", "approvals", "jobs", "reports", "letters")
_WHO = {"intake": "client", "reports": "worker"}
_NARROWEST = 17


class RunUnknown(CannotGoOn):
    """Nothing on the log is about that run."""


def unknown(run: str) -> RunUnknown:
    """What is said of a run that nobody knows."""
    about = f"Expected a run '{harmless(run, most=100)}' on this log, but nothing there is about it"
    return RunUnknown(f"{about}: see `foldgate run list`.")


async def print_timeline(run: str, *, follow: bool, data: Path | None, as_json: bool) -> None:
    """Print the timeline of a run; what follows on it, too, until it is over."""
    async with opened(data) as suite, aclosing(following(suite, run)) as batches:
        start, wide = None, _NARROWEST
        async for events in batches:
            if as_json:
                for seen in events:
                    say_json(as_object(seen))
            elif start is None:
                start, wide = print_events(run, events)
            else:
                _print_lines(events, start, wide)
            if not follow:
                return


async def following(suite: Reached, run: str) -> AsyncGenerator[list[Seen], None]:
    """All that is there about a run, in order, then what comes, as it comes, until the run is over: nothing is left out
    and nothing told twice, for each partition is read on from where it was read to. While nothing comes, an empty
    batch about each second. Last is what had come to other streams by the time of the end."""
    readers = await _readers(suite, run)
    events = await _there(readers, run)
    if not events:
        raise unknown(run)
    yield in_order(events)
    over = is_over(events, before=False)
    if not over:
        async with aclosing(coming_to(readers)) as batches:
            async for batch in batches:
                events = [seen for seen in batch if _is_about(seen, run)]
                yield in_order(events)
                if over := is_over(events, before=over):
                    break
    if rest := await _there(readers, run):
        yield in_order(rest)


def is_over(events: Iterable[Seen], *, before: bool) -> bool:
    """Whether a run is over after these events. That a request was refused ends none that another began; and the
    id of one that was forgotten long ago may begin anew."""
    over = before
    for seen in events:
        if seen.record.partition.stream == RUNS.name and seen.meta is not None:
            is_first = seen.meta.sequence == 1
            ends = type(seen.event).__name__ in ENDS and (is_first or not isinstance(seen.event, RunRefused))
            over = ends or (over and not is_first)
    return over


async def events_of(suite: Reached, run: str) -> list[Seen]:
    """What counts of all that is about a run."""
    return await _there(await _readers(suite, run), run)


async def _readers(suite: Reached, run: str) -> list[StreamReader]:
    """One for each stream that may have something about a run."""
    found = []
    for stream in (stream_of(name) for name in _SOURCES if name in suite.seen.streams):
        key = run.encode() if stream.key == "run" else None
        starts = _starts(stream, run)
        found.append(await StreamReader.at(suite.log, suite.codec, stream=stream, starts=starts, key=key))
    return found


async def _there(readers: Sequence[StreamReader], run: str) -> list[Seen]:
    return [seen for reader in readers async for seen in reader.there() if _is_about(seen, run)]


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


def print_events(run: str, events: Sequence[Seen]) -> tuple[int, int]:
    """The timeline for people: when, since the beginning; who; what. Returns when it began, and how wide names are."""
    start = min(seen.at for seen in events)
    wide = max(_NARROWEST, *(len(type(seen.event).__name__) for seen in events))
    say(_headline(run, events, start))
    _print_lines(events, start, wide)
    return start, wide


def _print_lines(events: Sequence[Seen], start: int, wide: int) -> None:
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
