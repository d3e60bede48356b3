"""Prints the records of a stream: a line each for people, an object each for programs."""

from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.text import Text

from foldgate.authority.redaction import redacted_event
from foldgate.authority.secrets import masked
from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.reaching import Reached, opened
from foldgate.cli.reading import Seen, StreamReader
from foldgate.cli.telling import told
from foldgate.cli.terminal import harmless, plain, say, say_json
from foldgate.cli.words import shown_bytes
from foldgate.contracts.events import Event, MessageQuarantined, PositionsAdvanced
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import Stream, stream_of

LAST = 20


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which records."""

    start: str | None
    follow: bool
    limit: int | None
    run: str | None
    everything: bool

    def takes(self, seen: Seen) -> bool:
        if self.run is not None and (seen.meta is None or seen.meta.run_id != self.run):
            return False
        return self.everything or (seen.accepted and not isinstance(seen.event, PositionsAdvanced))


async def print_tail(name: str, wanted: Wanted, *, data: Path | None, as_json: bool) -> None:
    """Print what is wanted of a stream."""
    stream = stream_of(name)
    async with opened(data) as suite:
        _expect_there(stream, suite)
        starts = await _starts(suite, stream, wanted)
        reader = await StreamReader.at(suite.log, suite.codec, stream=stream, starts=starts)
        async for seen in _chosen(reader, wanted):
            if as_json:
                say_json(as_object(seen))
            else:
                _print(seen)


def _expect_there(stream: Stream, suite: Reached) -> None:
    if stream.name not in suite.seen.streams:
        there = ", ".join(sorted(suite.seen.streams))
        raise AskedWrongly(f"Expected one of the streams there are ({there}), but got '{stream.name}'.")


async def _starts(suite: Reached, stream: Stream, wanted: Wanted) -> Mapping[int, int]:
    numbers = range(stream.partitions)
    match wanted.start:
        case "beginning":
            return dict.fromkeys(numbers, 0)
        case str() as text if text.isdecimal():
            return dict.fromkeys(numbers, int(text))
        case "end" | None:
            back = 0 if wanted.start else _looked_back(wanted)
            ends = [await suite.log.end(Partition(stream.name, number)) for number in numbers]
            return {number: max(0, end - back) for number, end in enumerate(ends)}
        case other:
            raise AskedWrongly(f"Expected --from to be an offset, 'beginning' or 'end', but got '{other}'.")


def _looked_back(wanted: Wanted) -> int:
    """How far to look back for the last records: of one run, they may be anywhere."""
    return 2**62 if wanted.run else 10 * (wanted.limit or LAST)


async def _chosen(reader: StreamReader, wanted: Wanted) -> AsyncIterator[Seen]:
    """The last ones and what comes then, or from a given place on as many as are wanted."""
    if wanted.start is None:
        last: deque[Seen] = deque(maxlen=wanted.limit or LAST)
        async for seen in reader.there():
            if wanted.takes(seen):
                last.append(seen)
        for seen in last:
            yield seen
    left = wanted.limit if wanted.start is not None else None
    async for seen in _from_there_on(reader, wanted):
        if left == 0:
            return
        left = None if left is None else left - 1
        yield seen
        if left == 0:
            return


async def _from_there_on(reader: StreamReader, wanted: Wanted) -> AsyncIterator[Seen]:
    if wanted.start is not None:
        async for seen in reader.there():
            if wanted.takes(seen):
                yield seen
    if wanted.follow:
        async for seen in reader.coming():
            if wanted.takes(seen):
                yield seen


def as_object(seen: Seen) -> dict[str, Any]:
    """A record as programs get it; bytes in hexadecimal digits."""
    record = seen.record
    found: dict[str, Any] = {
        "stream": record.partition.stream,
        "partition": record.partition.number,
        "offset": record.offset,
        "key": record.key.decode(errors="backslashreplace"),
        "accepted": seen.accepted,
    }
    if seen.meta is None or seen.event is None:
        return {**found, "undecodable": seen.trouble, "value": masked(record.value).hex()}
    return {**found, "event": type(seen.event).__name__, "meta": plain(seen.meta), "body": plain(_shown(seen.event))}


def _shown(event: Event) -> Event:
    """An event without known secrets: strangers may have written anything onto open streams."""
    if isinstance(event, MessageQuarantined):
        return msgspec.structs.replace(event, original=masked(event.original), source_key=masked(event.source_key))
    return redacted_event(event, "low")


def _print(seen: Seen) -> None:
    record, meta = seen.record, seen.meta
    style = "" if seen.accepted else "dim"
    line = Text.assemble(
        (f"{time_of_day(seen.at)}  ", "dim"), (f"{record.partition} @{record.offset:<6} ", style or "cyan"), style=style
    )
    if meta is None or seen.event is None:
        line.append(f"undecodable: {harmless(seen.trouble)}", style=style or "red")
        line.append(f"\n    bytes  {shown_bytes(record.value, len(record.value))}", style=style)
    else:
        line.append(f"{type(seen.event).__name__:<18} ", style=style or "bold")
        line.append(f"{harmless(meta.run_id)} " if meta.run_id else "", style=style or "magenta")
        line.append(told(_shown(seen.event)), style=style)
    if isinstance(seen.event, MessageQuarantined):
        line.append(f"\n    bytes  {shown_bytes(seen.event.original, seen.event.original_size)}", style=style)
    if not seen.accepted:
        line.append("  (does not count)", style=style)
    say(line)


def time_of_day(at: int) -> str:
    """A time for people, in UTC, to the millisecond. What strangers wrote may be no time at all."""
    try:
        return f"{datetime.fromtimestamp(at / 1000, tz=UTC):%H:%M:%S.%f}"[:-3] if at else "--:--:--.---"
    except (OverflowError, ValueError, OSError):
        return "??:??:??.???"
