"""Removes artifacts that nothing names any more.

What an event on the log names is kept for as long as that event is, whatever its age: a timeline never shows a
reference to what we have thrown away. The rest is found by its age and by reading: an artifact that nobody has put or
fetched for `idle`, which is days, is looked for in all that is on the log; if it is not there it is condemned, and the
sweep that finds it condemned for `grace`, and still idle and unnamed, removes it. So whoever names it after it was
looked for has `grace` for its event to be read by the next sweep, or for its job to fetch it, which keeps it; what is
named is touched, and not looked at again for as long as `idle`. A sweep looks at no more than `most` artifacts, and
reads the log once, a chunk at a time; each step is about one artifact, and is done whole or not at all. So a crash
anywhere, and sweeps at the same time, only leave more to do: nothing is remembered between sweeps but by the store.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import get_args

import msgspec

from foldgate.contracts.places import Partition
from foldgate.eventlog.log import Log
from foldgate.sdk.artifact_stores import Store
from foldgate.sdk.artifacts import Settled

MOST = 100_000
GRACE = timedelta(days=1)
_REFERENCES = re.compile(rb"sha256:[0-9a-f]{64}")
Told = Callable[[int, int], None]
"""How many records were read, of how many."""


class Swept(msgspec.Struct, kw_only=True):
    """What a sweep has done, or would do."""

    idle: int = 0
    named: int = 0
    kept: int = 0
    condemned: int = 0
    removed: int = 0


async def sweep(
    store: Store,
    log: Log,
    streams: Mapping[str, int],
    *,
    idle: timedelta,
    grace: timedelta = GRACE,
    most: int = MOST,
    told: Told = lambda read, of: None,  # noqa: ARG005 - nobody wants to know
) -> Swept:
    """Condemn and remove what is idle and unnamed. `streams` are all that there are, with their partitions."""
    found = await store.idle(idle, most=most)
    settled: dict[Settled, int] = dict.fromkeys(get_args(Settled), 0)
    named = await named_among({one.reference for one in found}, log, streams, told=told) if found else set()
    for one in found:
        if one.reference in named:
            await store.spare(one)
        else:
            settled[await store.settle(one, idle=idle, grace=grace)] += 1
    return Swept(
        idle=len(found),
        named=len(found) - sum(settled.values()),
        kept=settled["kept"],
        condemned=settled["condemned"],
        removed=settled["removed"],
    )


async def named_among(
    references: set[str],
    log: Log,
    streams: Mapping[str, int],
    *,
    told: Told = lambda read, of: None,  # noqa: ARG005
) -> set[str]:
    """Those of these references that stand anywhere on the log as it is now. They are looked for in the bytes of
    records: so in those of every edition, and in those that were set aside, too."""
    places = [Partition(stream, number) for stream, partitions in streams.items() for number in range(partitions)]
    ends = {place: await log.end(place) for place in places}
    wanted, found = {reference.encode() for reference in references}, set[bytes]()
    read, total = 0, sum(ends.values())
    for place, end in ends.items():
        async for records in log.read(place, 0, end):
            for record in records:
                found |= wanted.intersection(_REFERENCES.findall(record.value))
            if records:
                told(read + records[-1].offset + 1, total)
        read += end
        told(read, total)
    return {reference.decode() for reference in found}
