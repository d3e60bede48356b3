"""Positions as clients see them: `runs-2:17` is the record at offset 17 of partition 2 of `runs`."""

import re

from foldgate.contracts.places import Partition
from foldgate.contracts.topics import STREAMS, Stream
from foldgate.eventlog.log import Submitted
from foldgate.gateway.http.problems import Problem

_FORM = re.compile(r"([a-z]{1,20})-(0|[1-9][0-9]{0,3}):([0-9]{1,18})")
_STREAMS: dict[str, Stream] = {stream.name: stream for stream in STREAMS if stream.kind != "relay"}

FORM = "^({})$".format(
    "|".join(
        f"{name}-({'|'.join(str(number) for number in range(stream.partitions))}):[0-9]{{1,18}}"
        for name, stream in _STREAMS.items()
    )
)
"""What a position looks like."""


def text_of(place: Submitted) -> str:
    """The place as a client gets it."""
    return f"{place.partition}:{place.offset}"


def place_of(text: str, *, field: str) -> Submitted:
    """The place that a client names."""
    match = _FORM.fullmatch(text)
    stream = _STREAMS.get(match[1]) if match else None
    if match is None or stream is None or int(match[2]) >= stream.partitions:
        what = f"Expected a position from an earlier answer, such as runs-2:17, but got '{text[:60]}'."
        raise Problem("invalid_parameter", what, field=field)
    return Submitted(Partition(stream.name, int(match[2])), int(match[3]))
