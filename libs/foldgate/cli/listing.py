"""`foldgate streams list`: every stream of the suite, with what lies in it and whose it is."""

from pathlib import Path
from typing import Any

import msgspec

from foldgate.cli.owners import owner_of
from foldgate.cli.reaching import Reached, opened
from foldgate.cli.terminal import console, harmless, say_json, table
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import STREAMS, Stream, UnknownStream, stream_of


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One stream, partition by partition. Ends are offsets; a log that forgets holds fewer records than they say."""

    name: str
    kind: str
    owner: str | None
    partitions: int
    ends: list[int]
    epochs: list[int]
    owners: list[str]


async def list_all(data: Path | None, *, as_json: bool) -> None:
    """Print all streams."""
    async with opened(data) as suite:
        listed = [await _listed(suite, stream) for stream in streams_of(suite)]
    if as_json:
        say_json(listed)
    else:
        _print(listed)


def streams_of(suite: Reached) -> list[Stream]:
    """The streams that there are, in the order of the design, and then those of pools."""
    known = [stream for stream in STREAMS if stream.name in suite.seen.streams]
    others = sorted(suite.seen.streams.keys() - {stream.name for stream in known})
    return known + [stream for name in others if (stream := _member(name)) is not None]


def _member(name: str) -> Stream | None:
    try:
        return stream_of(name)
    except UnknownStream:  # of another version, or nobody's
        return None


async def _listed(suite: Reached, stream: Stream) -> Listed:
    places = [Partition(stream.name, number) for number in range(suite.seen.streams[stream.name])]
    owners = [await owner_of(suite.log, place) for place in places] if stream.kind == "owned" else []
    return Listed(
        name=stream.name,
        kind=stream.kind,
        owner=stream.owner,
        partitions=len(places),
        ends=[await suite.log.end(place) for place in places],
        epochs=[owner.epoch for owner in owners],
        owners=[owner.name for owner in owners],
    )


def _print(listed: list[Listed]) -> None:
    shown = table("stream", "kind", "#partitions", "#records", "by partition", "owner", "epochs", "owned by")
    for one in listed:
        row: list[Any] = [one.name, one.kind, one.partitions, sum(one.ends), _joined(one.ends), one.owner or "-"]
        shown.add_row(*map(str, row), _joined(one.epochs), harmless(_instances(one), most=60))
    console().print(shown)


def _joined(numbers: list[int]) -> str:
    return " ".join(map(str, numbers)) or "-"


def _instances(one: Listed) -> str:
    """The processes that own its partitions: a claim's name is the process's, and something random."""
    names = sorted({owner.rpartition("/")[0] or owner for owner in one.owners if owner})
    return ", ".join(names) or ("nobody" if one.owners else "-")
