"""Cursors of those who follow: vectors of offsets, in text.

A vector says of each partition from which offset on its client has not been told yet. It is the `id` of each event that
is sent, so whoever breaks off goes on from there, with this process or another. `is_over` is set where the last event
of a run was sent: nothing is to come. It is opaque to clients, and what they send is checked.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Annotated, NamedTuple

import msgspec
from starlette.requests import HTTPConnection

from foldgate.contracts.places import Partition
from foldgate.contracts.topics import stream_of
from foldgate.gateway.http.operations import Parameter
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.projections.timeline import PROJECTION

_MAX_CHARS = 4000
_FORM = f"^[A-Za-z0-9_-]{{1,{_MAX_CHARS}}}$"
CURSOR = Parameter("cursor", "query", "The `id` of the last event that was read.", _FORM)
LAST = Parameter("Last-Event-ID", "header", "The same, as browsers send it; it goes before `cursor`.", _FORM)
_LIVE = "live"
_Offset = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
_Shape = tuple[str, int, dict[str, list[_Offset]]]


class Reader(NamedTuple):
    """What a client has been told."""

    vector: dict[Partition, int]
    is_over: bool = False


def text_of(vector: Mapping[Partition, int], *, is_over: bool = False) -> str:
    """The cursor as a client gets it."""
    offsets = {
        stream: numbers for stream, some in groupby(sorted(vector), _stream) if any(numbers := _row(vector, some))
    }
    return base64.urlsafe_b64encode(msgspec.json.encode([_LIVE, int(is_over), offsets])).rstrip(b"=").decode()


def cursor_in(text: str, *, field: str = "cursor") -> Reader:
    """The cursor that a client sends; a problem if it is none of ours."""
    try:
        if len(text) > _MAX_CHARS:
            raise ValueError
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        name, over, offsets = msgspec.json.decode(data, type=_Shape)
        vector = {
            Partition(stream, number): offset for stream, row in offsets.items() for number, offset in enumerate(row)
        }
        if name != _LIVE or not _are_ours(vector) or text_of(vector, is_over=bool(over)) != text:
            raise ValueError
    except (ValueError, binascii.Error, msgspec.MsgspecError, RecursionError):
        what = f"Expected the id of an event that was sent here, but got '{text[:60]}'."
        raise Problem("invalid_parameter", what, field=field) from None
    return Reader(vector, bool(over))


def given_in(connection: HTTPConnection, cursor: str | None) -> Reader | None:
    """The cursor of a request: what a browser remembers goes before what the page began with."""
    last = connection.headers.get("last-event-id")
    if last:
        return cursor_in(last, field="Last-Event-ID")
    return None if cursor is None else cursor_in(cursor)


def _stream(partition: Partition) -> str:
    return partition.stream


def _row(vector: Mapping[Partition, int], partitions: Iterable[Partition]) -> list[int]:
    """The offsets of one stream, without what is nothing at the end."""
    known = {partition.number: vector[partition] for partition in partitions}
    most = max((number for number, offset in known.items() if offset), default=-1)
    return [known.get(number, 0) for number in range(most + 1)]


def _are_ours(vector: Iterable[Partition]) -> bool:
    return all(p.stream in PROJECTION.streams and p.number < stream_of(p.stream).partitions for p in vector)
