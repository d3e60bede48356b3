"""The events of one run, gathered from the log and put in order.

A stream's own clock orders it after what its owner has seen, but workers and clients, who write on open streams, have
none. So each event is placed one after the later of the event it answers and the one before it in its own stream and
key; that is a Lamport clock over all streams. Equal places are told apart by stream and sequence: the order is the same
whoever computes it.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.text import Text

from foldgate.cli.mistakes import CommandFailed
from foldgate.cli.reaching import Reached, opened
from foldgate.cli.reading import Seen, StreamReader
from foldgate.cli.tailing import as_object, time_of_day
from foldgate.cli.telling import ENDS, told
from foldgate.cli.terminal import harmless, say, say_json
from foldgate.contracts.events import Meta
from foldgate.contracts.topics import Stream, partition_of, stream_of

_SOURCES = ("intake", "runs", "decisions", "approvals", "jobs", "reports")
_WHO = {"intake": "client", "reports": "worker"}
_STYLES = {"succeeded": "green", "failed": "red", "denied": "red", "refused": "red", "running": "yellow"}


class RunUnknown(CommandFailed):
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
        reader = await StreamReader.at(suite.log, suite.codec, stream=stream, starts=_starts(stream, run))
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
    """Causes before effects."""
    metas = {meta.event_id: meta for seen in events if (meta := seen.meta) is not None}
    before = _predecessors(metas)
    places: dict[str, int] = {}
    for event_id in metas:
        _settle(event_id, metas, before, places)
    return sorted(events, key=lambda seen: _key(seen, places))


def _key(seen: Seen, places: Mapping[str, int]) -> tuple[int, str, int, int]:
    meta = seen.meta
    assert meta is not None
    return places[meta.event_id], meta.stream, meta.sequence, seen.record.offset


def _predecessors(metas: Mapping[str, Meta]) -> dict[str, str]:
    """The event before each in its stream and key, as far as it is about this run."""
    owned = sorted((m for m in metas.values() if m.sequence), key=lambda m: (m.stream, m.key, m.sequence))
    return {b.event_id: a.event_id for a, b in pairwise(owned) if (a.stream, a.key) == (b.stream, b.key)}


def _settle(event_id: str, metas: Mapping[str, Meta], before: Mapping[str, str], places: dict[str, int]) -> None:
    """Give an event its place after all that it follows. Ids are foreign where strangers write, so circles end."""
    waiting = [event_id]
    while waiting:
        current = waiting[-1]
        meta = metas[current]
        causes = [cause for cause in (meta.causation, before.get(current, "")) if cause in metas and cause != current]
        open_ones = [cause for cause in causes if cause not in places and cause not in waiting]
        if open_ones:
            waiting += open_ones[:1]
            continue
        places[current] = max([meta.clock, *(places.get(cause, 0) + 1 for cause in causes)])
        waiting.pop()


def print_events(run: str, events: Sequence[Seen]) -> None:
    """The timeline for people: when, since the beginning; who; what."""
    start = min(seen.at for seen in events)
    say(_headline(run, events, start))
    for seen in events:
        meta = seen.meta
        assert meta is not None
        assert seen.event is not None
        name = type(seen.event).__name__
        owner = stream_of(meta.stream).owner or _WHO.get(meta.stream, meta.stream)
        style = _STYLES.get(ENDS.get(name, ""), "")
        line = Text.assemble((f"{(seen.at - start) / 1000:9.3f} s  ", "dim"), (f"{owner:<14}", "cyan"))
        line.append(f"{name:<17} ", style=style or "bold")
        line.append(told(seen.event), style=style)
        say(line)


def _headline(run: str, events: Sequence[Seen], start: int) -> Text:
    status, ended = "running", max(seen.at for seen in events)
    for seen in events:
        if (end := ENDS.get(type(seen.event).__name__)) is not None and status == "running":
            status, ended = end, seen.at
    lasted = f" after {(ended - start) / 1000:.3f} s" if status != "running" else ""
    told_as: list[Any] = [(harmless(run), "bold magenta"), " ", (status, _STYLES[status])]
    return Text.assemble(*told_as, f"{lasted}, began at {time_of_day(start)} UTC")
