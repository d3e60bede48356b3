"""Checks of who is behind the log: services that have not read what is theirs to answer, and read models.

Both are known from what they have written down themselves: owners say in the heads of their batches how far they have
read, and read models keep their positions with their rows. What lies behind these and is of interest is looked for on
the log, so a service that is down is noticed by what it leaves lying. Nothing is written, and nobody is asked.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec

from foldgate.cli.diagnosis import Finding, bad, fine, odd
from foldgate.cli.plan import services
from foldgate.cli.reaching import Reached
from foldgate.contracts.codec import Undecodable
from foldgate.contracts.places import START, Partition, Position
from foldgate.contracts.topics import stream_of
from foldgate.database.connections import Connection
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import Log
from foldgate.eventlog.looking import asked
from foldgate.eventlog.owner import OwnStream
from foldgate.readmodel.builds import Build, builds_of, positions_of
from foldgate.readmodel.projection import Projection
from foldgate.runtime.clock import SystemClock
from foldgate.runtime.saving import Head
from foldgate.runtime.service import Aggregate, is_same_key

SOON_MS = 10_000
"""Until then it may be on its way: a service that recovers reads nothing, and a busy one is behind."""


class Waiting(NamedTuple):
    """The first record of a partition that somebody has not read, and since when it is there."""

    partition: Partition
    name: str
    at: int


async def check_services(suite: Reached) -> Finding:
    """Whether what lies before each service is read by it."""
    now = SystemClock().now_ms()
    for service in services():
        for aggregate in service.aggregates:
            async for found in _unread(suite, aggregate):
                if now - found.at > SOON_MS:
                    told = f"the {service.name} has not read {found.name} on {found.partition}, {_age(now, found.at)}"
                    return bad("services", told, "Is it running? See its log, and `foldgate streams list`.")
    return fine("services", "have read whatever is there for them")


async def check_read_models(suite: Reached) -> Finding:
    """Whether readers see what is on the log."""
    assert suite.settings.postgres is not None
    known = {projection.name: projection for service in services() for projection in service.projections}
    shown = await _shown(suite.settings.postgres, suite.settings.suite, list(known))
    if missing := sorted(known.keys() - {build.projection for build in shown}):
        return odd("read models", f"not there yet: {', '.join(missing)}", "The gateway makes them: start it.")
    now, late = SystemClock().now_ms(), dict[str, Waiting]()
    for build, positions in shown.items():
        if (first := await _first_not_shown(suite, known[build.projection], positions)) is not None:
            late[build.projection] = first
    if not late:
        return fine("read models", f"all {len(known)} show whatever is on the log")
    name = min(late, key=lambda one: late[one].at)
    told = f"'{name}' does not show {late[name].name} on {late[name].partition} yet, {_age(now, late[name].at)}"
    if now - late[name].at <= SOON_MS:
        return fine("read models", told)
    return odd("read models", told, "Is a gateway running, and keeping up? See its log, and `GET /api/v1/status`.")


def _age(now: int, at: int) -> str:
    return f"which is {max(0, now - at) / 1000:.1f} s old"


async def _unread(suite: Reached, aggregate: Aggregate) -> AsyncIterator[Waiting]:
    """What each owned partition of this has not read of the partitions that are read by it alone."""
    follows = [follow for follow in aggregate.follows if is_same_key(follow, aggregate.stream)]
    for number in range(aggregate.stream.partitions):
        inputs = await _read_by(suite.log, Partition(aggregate.stream.name, number))
        for follow in follows:
            place = Partition(follow.stream.name, number)
            names = {event.__name__ for event in follow.events}
            if (found := await _first(suite, place, inputs.get(place, START), names)) is not None:
                yield found


async def _read_by(log: Log, partition: Partition) -> Mapping[Partition, Position]:
    """How far the owner of this partition has answered its inputs."""
    saved = await log.checkpoints().load(partition)
    own = OwnStream(partition)
    if saved is not None:
        head = msgspec.msgpack.decode(saved.head, type=Head)
        if head.position.offset <= await log.end(partition):
            own = OwnStream(partition, head.position, {Partition(name, n): place for name, n, place in head.inputs})
    await own.catch_up(log, lambda _: None)
    return own.inputs


async def _first_not_shown(
    suite: Reached, projection: Projection, positions: Mapping[Partition, Position]
) -> Waiting | None:
    """The oldest of the first ones of all partitions."""
    names = {event.__name__ for event in projection.events}
    firsts = [await _first(suite, place, positions.get(place, START), names) for place in projection.partitions]
    return min((first for first in firsts if first is not None), key=lambda one: one.at, default=None)


async def _first(suite: Reached, place: Partition, position: Position, names: set[str]) -> Waiting | None:
    """The first record behind this position that counts and is one of these."""
    rule = Acceptance(position) if stream_of(place.stream).kind == "owned" else None
    async for records in suite.log.read(place, position.offset):
        for record in records:
            if (rule is None or rule.accepts(record)) and record.key:
                with suppress(Undecodable):  # another check's business, or the guard's of its stream
                    if (name := suite.codec.peek(record.value).name) in names:
                        return Waiting(place, name, suite.codec.meta(record.value).at)
    return None


async def _shown(url: str, suite: str, names: Sequence[str]) -> Mapping[Build, Mapping[Partition, Position]]:
    """The live builds of these, with how far each reflects the log."""

    async def work(connection: Connection) -> Mapping[Build, Mapping[Partition, Position]]:
        if not await connection.fetchval("SELECT to_regclass('build') IS NOT NULL"):
            return {}
        live = [build for name in names for build in (await builds_of(connection, name))["live"]]
        return {build: await positions_of(connection, build) for build in live}

    return await asked(url, work, schema=f"{suite}_read")
